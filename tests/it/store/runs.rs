//! Runs and planning.

use std::collections::HashMap;

use fanfare::outbound::ledger::{LedgerError, OutcomeKind, RejectedRow, RowCounts, SenderRecord};
use fanfare::outbound::status::{RunState, Standing, State, Step, advance};
use fanfare::time::Timestamp;

use super::place::{NOW, commit_intents, commit_settlements, id, intent, new_run, planned, running, sender, settlement};
use super::{Place, conforms, each};

conforms! {
    async fn a_sender_keeps_its_number(place: &Place) {
        let store = place.open().await;
        let other = SenderRecord { name: "help".to_owned(), provider: "meta".to_owned(), number_id: "107".to_owned() };
        let first = store.senders(&[sender(), other.clone()]).await.unwrap();
        assert_ne!(first[0], first[1]);
        let renamed = SenderRecord { name: "store".to_owned(), ..sender() };
        let third = SenderRecord { provider: "gosend".to_owned(), ..other.clone() };
        let again = store.senders(&[other, third, renamed, sender()]).await.unwrap();
        assert_eq!((again[0], again[2], again[3]), (first[1], first[0], first[0]));
        assert!(!first.contains(&again[1]));
        assert_eq!(store.sender_of("meta", "107").await.unwrap(), Some(first[1]));
        assert_eq!(store.sender_of("meta", "108").await.unwrap(), None);
    }

    async fn a_run_is_created_once_and_read_back_whole(place: &Place) {
        let store = place.open().await;
        let made = store.create_run(&new_run("spring")).await.unwrap();
        assert_eq!(made.run, new_run("spring"));
        assert_eq!((made.state, made.version, made.reason.clone(), made.started_at), (RunState::Planning, 0, None, None));
        let mut again = new_run("spring");
        again.campaign_text = "other".to_owned();
        assert_eq!(store.create_run(&again).await.unwrap(), made);
        let second = store.create_run(&new_run("autumn")).await.unwrap();
        assert_ne!(second.no, made.no);
        assert_eq!(store.run(&made.run.id).await.unwrap(), Some(made.clone()));
        assert_eq!(store.run("nobody").await.unwrap(), None);
        assert_eq!(store.runs(1).await.unwrap(), std::slice::from_ref(&second));
        assert_eq!(store.runs(9).await.unwrap(), [second, made]);
    }

    async fn planning_twice_plans_once(place: &Place) {
        let store = place.open().await;
        let run = store.create_run(&new_run("spring")).await.unwrap().no;
        let rejected = RejectedRow { line: 9, reason: "invalid_number", field: Some("phone".to_owned()) };
        assert_eq!(store.plan(run, &planned(run, 1..=1500), std::slice::from_ref(&rejected)).await.unwrap(), 1500);
        assert_eq!(store.plan(run, &planned(run, 1400..=1600), &[rejected]).await.unwrap(), 100);
        let mut twin = planned(run, 1601..=1601);
        twin[0].person = super::place::person(3);
        assert_eq!(store.plan(run, &twin, &[]).await.unwrap(), 0, "the same person again");
        let mut skipped = planned(run, 1602..=1602);
        (skipped[0].state, skipped[0].reason) = (State::Skipped, 3);
        assert_eq!(store.plan(run, &skipped, &[]).await.unwrap(), 1);
        assert_eq!(store.counts(run).await.unwrap(), HashMap::from([(State::Pending, 1600), (State::Skipped, 1)]));
        assert_eq!(place.number("SELECT COUNT(*) FROM rejected_row").await, 1);
        let other = store.create_run(&new_run("autumn")).await.unwrap().no;
        assert!(store.plan(other, &planned(run, 1..=1), &[]).await.is_err(), "a delivery of another run");
        assert_eq!(store.plan(other, &planned(other, 1..=2), &[]).await.unwrap(), 2, "the same people in another run");

        let counts = RowCounts { read: 1603, planned: 1602, bad: 1, duplicate: 0 };
        assert!(!store.finish_planning(run, counts).await.unwrap(), "the ledger has one less");
        assert_eq!(store.run(&new_run("spring").id).await.unwrap().unwrap().state, RunState::Planning);
        let counts = RowCounts { read: 1603, planned: 1601, bad: 1, duplicate: 1 };
        assert!(store.finish_planning(run, counts).await.unwrap());
        assert!(!store.finish_planning(run, counts).await.unwrap(), "already ready");
        let ready = store.run(&new_run("spring").id).await.unwrap().unwrap();
        assert_eq!((ready.state, ready.version, ready.rows), (RunState::Ready, 1, counts));
        assert!(matches!(store.plan(run, &planned(run, 2000..=2000), &[]).await, Err(LedgerError::Unfit(_))));
    }

    async fn runs_move_by_compare_and_set(place: &Place) {
        let store = place.open().await;
        let (run, _) = running(&*store, 1).await;
        let at = |seconds| Timestamp(NOW.0 + seconds);
        assert!(!store.move_run(run, RunState::Ready, RunState::Running, None, NOW).await.unwrap());
        assert!(store.move_run(run, RunState::Running, RunState::Paused, Some("token expired"), at(5)).await.unwrap());
        let paused = store.runs(1).await.unwrap().remove(0);
        assert_eq!((paused.state, paused.version, paused.reason.as_deref()), (RunState::Paused, 3, Some("token expired")));
        assert_eq!((paused.started_at, paused.finished_at), (Some(NOW), None));
        assert!(store.move_run(run, RunState::Paused, RunState::Running, None, at(6)).await.unwrap());
        let running = store.runs(1).await.unwrap().remove(0);
        assert_eq!((running.started_at, running.reason), (Some(NOW), None), "it started when it first ran");
        assert!(store.move_run(run, RunState::Running, RunState::Completed, None, at(7)).await.is_err(), "past the check");
        assert!(store.move_run(run, RunState::Running, RunState::Cancelled, None, at(8)).await.unwrap());
        assert_eq!(store.runs(1).await.unwrap()[0].finished_at, Some(at(8)));
        assert!(store.move_run(run, RunState::Cancelled, RunState::Running, None, at(9)).await.is_err());
    }

    async fn a_run_completes_only_when_everything_adds_up(place: &Place) {
        let store = place.open().await;
        let (run, sender) = running(&*store, 3).await;
        for record in 1..=3 {
            let (done, counts) = store.complete_run(run, NOW).await.unwrap();
            assert!(!done, "{counts:?}");
            assert_eq!(counts.values().sum::<u64>(), 3);
            let intend = intent(id(run, record), Standing::PLANNED, sender);
            commit_intents(&*store, vec![intend]).await;
            assert!(!store.complete_run(run, NOW).await.unwrap().0, "an intent is open");
            let doubt = Step::Doubt { until: NOW };
            commit_settlements(&*store, vec![settlement(intend.id, intend.after, doubt, sender, OutcomeKind::Unknown)]).await;
            assert!(!store.complete_run(run, NOW).await.unwrap().0, "an unknown is open");
            let unknown = advance(intend.after, doubt).unwrap();
            commit_settlements(&*store, vec![settlement(intend.id, unknown, Step::Accept, sender, OutcomeKind::Accepted)]).await;
        }
        assert_eq!(store.complete_run(run, NOW).await.unwrap(), (true, HashMap::from([(State::Accepted, 3)])));
        assert!(!store.complete_run(run, NOW).await.unwrap().0, "once");
        let done = store.runs(1).await.unwrap().remove(0);
        assert_eq!((done.state, done.finished_at), (RunState::Completed, Some(NOW)));
    }

    async fn a_lost_row_is_not_completed_over(place: &Place) {
        let store = place.open().await;
        let (run, _) = running(&*store, 3).await;
        assert_eq!(store.end_pending(run, State::Expired, 9).await.unwrap(), 3);
        place.change("DELETE FROM delivery WHERE line = 2").await;
        assert!(matches!(store.complete_run(run, NOW).await, Err(LedgerError::Corrupt { .. })));
        assert_eq!(store.runs(1).await.unwrap()[0].state, RunState::Running);
    }
}
