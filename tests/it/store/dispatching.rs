//! What sending needs.

use std::collections::HashMap;

use fanfare::outbound::ledger::{
    FoldWrites, Group, Heard, Intent,
    IntentResult::{self, Committed, RunStopped, Stale, WindowClosed},
    OutcomeKind, Receipt, RouteTaken, SenderNo, SettledBy, Settlement,
};
use fanfare::outbound::status::{Flags, RunState, Standing, State, Step, advance};
use fanfare::time::Timestamp;

use super::place::{NOW, commit_intents, commit_settlements, fact, id, intent, person, running, settlement, standing};
use super::{Place, conforms, each};

conforms! {
    async fn fresh_ones_are_claimed_in_order_and_late_ones_when_due(place: &Place) {
        let store = place.open().await;
        let (run, sender) = running(&*store, 10).await;
        let first = store.claim_fresh(run, id(run, 0), 4).await.unwrap();
        assert_eq!(first.iter().map(|claimed| claimed.id.record()).collect::<Vec<_>>(), [1, 2, 3, 4]);
        assert_eq!((first[0].person, first[0].line, first[0].standing), (person(1), 2, Standing::PLANNED));
        assert_eq!(first[1].vars, ["52", "Zoë \"Z\" \u{1f389}\n"]);
        assert_eq!(store.claim_fresh(run, id(run, 9), 4).await.unwrap().len(), 1);
        assert_eq!(store.next_due(run).await.unwrap(), None);

        let due = |seconds| Timestamp(NOW.0 + seconds);
        for (record, until) in [(3, due(20)), (1, due(30)), (2, due(10))] {
            let intend = intent(id(run, record), Standing::PLANNED, sender);
            assert_eq!(commit_intents(&*store, vec![intend]).await.intents, [IntentResult::Committed]);
            let defer = Step::Defer { until };
            let result = commit_settlements(&*store, vec![settlement(intend.id, intend.after, defer, sender, OutcomeKind::NotSent)]).await;
            assert!(result.superseded.is_empty());
        }
        assert_eq!(store.claim_fresh(run, id(run, 0), 2).await.unwrap()[0].id, id(run, 4), "deferred ones are not fresh");
        assert_eq!(store.next_due(run).await.unwrap(), Some(due(10)));
        let claimed = store.claim_due(run, due(20), 9).await.unwrap();
        assert_eq!(claimed.iter().map(|claimed| claimed.id.record()).collect::<Vec<_>>(), [2, 3]);
        assert_eq!(claimed[0].standing, Standing { tries: 1, due_at: due(10), ..Standing::PLANNED });
        assert_eq!(store.claim_due(run, due(99), 1).await.unwrap().len(), 1);
        assert!(store.claim_due(run, due(9), 9).await.unwrap().is_empty());
    }

    async fn an_intent_is_refused_when_anything_changed(place: &Place) {
        let store = place.open().await;
        let (run, sender) = running(&*store, 6).await;
        let good = intent(id(run, 1), Standing::PLANNED, sender);
        let older = Standing { tries: 1, ..Standing::PLANNED };
        let newer = Standing { generation: 1, ..Standing::PLANNED };
        let free = |record, since| Intent {
            route: RouteTaken::FreeForm,
            window_since: since,
            ..intent(id(run, record), Standing::PLANNED, sender)
        };
        let opened = |_: &[_]| FoldWrites { windows: vec![(sender, person(4), NOW), (SenderNo(99), person(5), NOW)], ..FoldWrites::default() };
        store.fold(&[], &[], &[], &opened).await.unwrap();
        let intents = vec![
            good,
            intent(id(run, 2), older, sender),
            intent(id(run, 3), newer, sender),
            free(4, NOW),
            free(5, NOW),
            free(6, Timestamp(0)),
            good,
            intent(id(run, 7), Standing::PLANNED, sender),
        ];
        let results = commit_intents(&*store, intents).await.intents;
        assert_eq!(results, [Committed, Stale, Stale, Committed, WindowClosed, WindowClosed, Stale, Stale]);
        assert_eq!(standing(&*store, id(run, 1)).await, good.after);
        assert_eq!(standing(&*store, id(run, 2)).await, Standing::PLANNED, "nothing was written");
        let late = free(4, Timestamp(NOW.0 + 1));
        let late = Intent { id: id(run, 5), ..late };
        assert_eq!(commit_intents(&*store, vec![late]).await.intents, [WindowClosed]);

        assert!(store.move_run(run, RunState::Running, RunState::Paused, None, NOW).await.unwrap());
        let results = commit_intents(&*store, vec![intent(id(run, 2), Standing::PLANNED, sender), good, free(6, NOW)]).await.intents;
        assert_eq!(results, [RunStopped; 3]);
        assert_eq!(store.counts(run).await.unwrap(), HashMap::from([(State::Pending, 4), (State::Intent, 2)]));
        let open = store.open_intents(run, 9).await.unwrap();
        assert_eq!(open.iter().map(|open| (open.id, open.route)).collect::<Vec<_>>(),
                   [(id(run, 1), RouteTaken::Template), (id(run, 4), RouteTaken::FreeForm)]);
        assert_eq!((open[0].standing, open[0].sender, open[0].digest, open[0].person), (good.after, sender, -7, person(1)));
    }

    async fn a_group_is_all_or_nothing_and_in_its_order(place: &Place) {
        let store = place.open().await;
        let (run, sender) = running(&*store, 2).await;
        let first = intent(id(run, 1), Standing::PLANNED, sender);
        commit_intents(&*store, vec![first]).await;
        // The outcome and the next attempt of the same delivery in one group: outcomes go first.
        let defer = Step::Defer { until: NOW };
        let deferred = advance(first.after, defer).unwrap();
        let group = Group {
            settlements: vec![settlement(first.id, first.after, defer, sender, OutcomeKind::NotSent)],
            inbox: Vec::new(),
            intents: vec![intent(first.id, deferred, sender)],
        };
        let result = store.commit(&group).await.unwrap();
        assert_eq!((result.superseded.len(), result.intents), (0, vec![IntentResult::Committed]));
        assert_eq!(standing(&*store, first.id).await.tries, 2);
        // Two steps of one delivery in one group, each from where the other left it.
        let second = intent(first.id, deferred, sender).after;
        let doubt = Step::Doubt { until: NOW };
        let unknown = advance(second, doubt).unwrap();
        let result = commit_settlements(&*store, vec![
            settlement(first.id, second, doubt, sender, OutcomeKind::Unknown),
            settlement(first.id, unknown, Step::Accept, sender, OutcomeKind::Accepted),
            settlement(first.id, second, Step::Reject, sender, OutcomeKind::Refused),
        ]).await;
        assert_eq!(result.superseded, [first.id]);
        assert_eq!(standing(&*store, first.id).await.state, State::Accepted);
        assert_eq!(place.number("SELECT COUNT(*) FROM attempt").await, 2);
    }

    async fn facts_are_kept_whatever_the_delivery_became(place: &Place) {
        let store = place.open().await;
        let (run, sender) = running(&*store, 1).await;
        let intend = intent(id(run, 1), Standing::PLANNED, sender);
        commit_intents(&*store, vec![intend]).await;
        let step = |before: Standing, step: Step, outcome: OutcomeKind, by: SettledBy| Settlement {
            id: intend.id,
            before,
            after: advance(before, step).unwrap(),
            reason: 0,
            fact: Some(fact(intend.after, sender, outcome, by)),
        };
        // The process died over the call: recovery says unknown.
        let doubt = Step::Doubt { until: Timestamp(NOW.0 + 60_000) };
        let unknown = advance(intend.after, doubt).unwrap();
        assert!(commit_settlements(&*store, vec![step(intend.after, doubt, OutcomeKind::Unknown, SettledBy::Recovery)]).await.superseded.is_empty());
        assert_eq!(store.unknown_due(run, Timestamp(NOW.0 + 59_999), 9).await.unwrap().len(), 0);
        assert_eq!(store.unknown_due(run, Timestamp(NOW.0 + 60_000), 9).await.unwrap()[0].standing, unknown);
        // The zombie's own answer comes late: its fact counts, its state does not.
        let late = step(intend.after, Step::Accept, OutcomeKind::Accepted, SettledBy::Answer);
        assert_eq!(commit_settlements(&*store, vec![late.clone()]).await.superseded, [intend.id]);
        assert_eq!(standing(&*store, intend.id).await, unknown);
        assert_eq!(place.number("SELECT outcome FROM attempt").await, OutcomeKind::Accepted as i64);
        // What is known is not unlearned.
        let worse = step(unknown, Step::GiveUp, OutcomeKind::Unknown, SettledBy::Policy);
        assert!(commit_settlements(&*store, vec![worse]).await.superseded.is_empty());
        assert_eq!(standing(&*store, intend.id).await.state, State::UnknownFinal);
        assert_eq!(place.number("SELECT outcome * 10 + settled_by FROM attempt").await, 10);
        let other = Settlement { fact: Some(fact(intend.after, sender, OutcomeKind::Refused, SettledBy::Operator)), ..late };
        commit_settlements(&*store, vec![other]).await;
        assert_eq!(place.number("SELECT outcome FROM attempt").await, 1);
    }

    async fn skipping_keeps_its_reason_and_flags_are_kept(place: &Place) {
        let store = place.open().await;
        let (run, sender) = running(&*store, 2).await;
        let skip = Settlement { reason: 11, ..settlement(id(run, 1), Standing::PLANNED, Step::Skip, sender, OutcomeKind::NotSent) };
        assert!(commit_settlements(&*store, vec![skip]).await.superseded.is_empty());
        assert_eq!(place.number("SELECT reason * 100 + state FROM delivery WHERE line = 2").await, 1105);
        let intend = intent(id(run, 2), Standing::PLANNED, sender);
        commit_intents(&*store, vec![intend]).await;
        let renew = Step::Renew { until: NOW, force_template: true };
        commit_settlements(&*store, vec![settlement(intend.id, intend.after, renew, sender, OutcomeKind::Refused)]).await;
        let again = store.claim_due(run, NOW, 9).await.unwrap().remove(0).standing;
        assert_eq!((again.flags, again.generation, again.tries), (Flags::FORCE_TEMPLATE, 1, 1));
    }

    async fn pending_ones_end_in_pieces(place: &Place) {
        let store = place.open().await;
        let (run, sender) = running(&*store, 7).await;
        commit_intents(&*store, vec![intent(id(run, 1), Standing::PLANNED, sender)]).await;
        assert_eq!(store.end_pending(run, State::Cancelled, 4).await.unwrap(), 4);
        assert_eq!(store.end_pending(run, State::Expired, 4).await.unwrap(), 2);
        assert_eq!(store.end_pending(run, State::Expired, 4).await.unwrap(), 0);
        assert!(store.end_pending(run, State::Accepted, 4).await.is_err());
        let counts = store.counts(run).await.unwrap();
        assert_eq!(counts, HashMap::from([(State::Intent, 1), (State::Cancelled, 4), (State::Expired, 2)]));
    }

    async fn how_much_was_heard_of(place: &Place) {
        let store = place.open().await;
        let (run, sender) = running(&*store, 4).await;
        for record in 1..=4 {
            let intend = Intent { at: Timestamp(NOW.0 + i64::try_from(record).unwrap()), ..intent(id(run, record), Standing::PLANNED, sender) };
            commit_intents(&*store, vec![intend]).await;
            let outcome = if record == 3 { OutcomeKind::Refused } else { OutcomeKind::Accepted };
            let step = if record == 3 { Step::Reject } else { Step::Accept };
            let mut settled = settlement(intend.id, intend.after, step, sender, outcome);
            settled.fact.as_mut().unwrap().intent_at = intend.at;
            commit_settlements(&*store, vec![settled]).await;
        }
        let receipt = |record, generation| (id(run, record), generation, Receipt { sent_at: Some(NOW), ..Receipt::default() });
        store.fold(&[], &[], &[], &|_| FoldWrites { receipts: vec![receipt(1, 0), receipt(2, 1), receipt(3, 0)], ..FoldWrites::default() })
            .await.unwrap();
        let to = |last| Timestamp(NOW.0 + last);
        assert_eq!(store.heard(sender, to(1), to(3)).await.unwrap(), Heard { accepted: 2, with_status: 1 });
        assert_eq!(store.heard(sender, to(0), to(9)).await.unwrap(), Heard { accepted: 3, with_status: 1 });
        assert_eq!(store.heard(SenderNo(77), to(0), to(9)).await.unwrap(), Heard::default());
    }
}
