//! Receiving and folding.

use std::collections::HashMap;

use bytes::Bytes;
use fanfare::outbound::ledger::{
    AttemptFact, FoldWrites, Group, InboxBody, LedgerError, OutcomeKind, Receipt, RouteTaken, SenderNo, Settlement, Subject,
};
use fanfare::outbound::status::{RunState, Standing, State, Step, advance};
use fanfare::provider::contract::Class;
use fanfare::store::Store;
use fanfare::time::Timestamp;

use super::place::{NOW, commit_intents, commit_settlements, fact, id, intent, new_run, person, running, settlement, standing};
use super::{Place, conforms, each};

async fn receive(store: &dyn Store, bodies: &[&[u8]]) {
    let body = |body: &&[u8]| InboxBody { provider: "meta".to_owned(), received_at: NOW, body: Bytes::copy_from_slice(body) };
    store.commit(&Group { inbox: bodies.iter().map(body).collect(), ..Group::default() }).await.unwrap();
}

fn nothing(_: &[Subject]) -> FoldWrites {
    FoldWrites::default()
}

/// What the webhook of an acceptance lets follow, whatever was committed before.
fn evidence(sender: SenderNo) -> impl Fn(&[Subject]) -> FoldWrites + Send + Sync {
    move |subjects| {
        let mut writes = FoldWrites::default();
        for subject in subjects {
            writes.receipts.push((subject.id, subject.standing.generation, Receipt { sent_at: Some(NOW), ..Receipt::default() }));
            if let Ok(after) = advance(subject.standing, Step::Accept) {
                let fact = fact(subject.standing, sender, OutcomeKind::Accepted, fanfare::outbound::ledger::SettledBy::Webhook);
                writes.settlements.push(Settlement {
                    id: subject.id,
                    before: subject.standing,
                    after,
                    reason: 0,
                    fact: Some(fact),
                });
            }
        }
        writes
    }
}

conforms! {
    async fn bodies_come_back_as_they_came(place: &Place) {
        let store = place.open().await;
        let odd: Vec<u8> = (0..=255).collect();
        receive(&*store, &[b"{\"a\":1}", &odd, b""]).await;
        receive(&*store, &["größer\0".as_bytes()]).await;
        let stored = store.unfolded(9).await.unwrap();
        let bodies: Vec<&[u8]> = stored.iter().map(|stored| &stored.body[..]).collect();
        assert_eq!(bodies, [&b"{\"a\":1}"[..], &odd, b"", "größer\0".as_bytes()]);
        assert_eq!((stored[0].provider.as_str(), stored[0].received_at), ("meta", NOW));
        assert_eq!(store.unfolded(2).await.unwrap().len(), 2);
        assert_eq!(store.unfolded_since().await.unwrap(), Some(NOW));
        store.fold(&[stored[0].id, stored[2].id], &[(stored[1].id, "no JSON".to_owned())], &[], &nothing).await.unwrap();
        assert_eq!(store.unfolded(9).await.unwrap()[0].id, stored[3].id);
        assert_eq!(place.number("SELECT COUNT(*) FROM inbox_unread WHERE reason = 'no JSON'").await, 1);
        assert_eq!(place.number("SELECT COUNT(*) FROM inbox").await, 4, "what came is kept");
        store.fold(&[stored[3].id], &[], &[], &nothing).await.unwrap();
        assert_eq!(store.unfolded_since().await.unwrap(), None);
        store.close().await;
        let store = place.open().await;
        receive(&*store, &[b"later"]).await;
        let stored_now = store.unfolded(9).await.unwrap();
        assert!(stored_now[0].id > stored[3].id, "numbers go on after an opening");
    }

    async fn large_bodies_come_a_few_at_a_time(place: &Place) {
        let store = place.open().await;
        let large = vec![b'x'; 3 << 20];
        receive(&*store, &[&large, &large, &large, &large, b"small"]).await;
        assert_eq!(store.unfolded(9).await.unwrap().len(), 3, "two are below the limit, so a third is begun");
        let huge = vec![b'y'; 9 << 20];
        for stored in store.unfolded(9).await.unwrap() {
            store.fold(&[stored.id], &[], &[], &nothing).await.unwrap();
        }
        receive(&*store, &[&huge]).await;
        let left = store.unfolded(9).await.unwrap();
        assert_eq!(left.iter().map(|stored| stored.body.len()).collect::<Vec<_>>(), [3 << 20, 5, 9 << 20]);
    }

    async fn a_fold_happens_once(place: &Place) {
        let store = place.open().await;
        receive(&*store, &[b"a", b"b"]).await;
        let ids: Vec<i64> = store.unfolded(9).await.unwrap().iter().map(|stored| stored.id).collect();
        let foreign = |_: &[Subject]| FoldWrites { foreign: 2, ..FoldWrites::default() };
        store.fold(&ids[..1], &[], &[], &foreign).await.unwrap();
        store.fold(&ids[..1], &[], &[], &foreign).await.unwrap();
        assert_eq!(place.number("SELECT foreign_events FROM engine").await, 2, "the second time nothing is counted");
        assert!(matches!(store.fold(&ids, &[], &[], &foreign).await, Err(LedgerError::Corrupt { .. })));
        assert_eq!(store.unfolded(9).await.unwrap().len(), 1, "the refused fold left its body");
    }

    async fn a_subject_is_shown_whole(place: &Place) {
        let store = place.open().await;
        let (run, sender) = running(&*store, 3).await;
        let intend = intent(id(run, 2), Standing::PLANNED, sender);
        commit_intents(&*store, vec![intend]).await;
        let receipt = Receipt {
            sent_at: Some(NOW),
            delivered_at: Some(Timestamp(NOW.0 + 1)),
            read_at: None,
            failed_at: Some(Timestamp(NOW.0 + 2)),
            code: Some("131047".to_owned()),
            pricing: Some("{\"billable\":true,\"category\":\"marketing\"}".to_owned()),
            conversation: Some(format!("{{\"id\":\"{}\"}}", "c".repeat(5000))),
        };
        let other = Receipt { read_at: Some(NOW), pricing: receipt.pricing.clone(), ..Receipt::default() };
        let write = |_: &[Subject]| FoldWrites {
            receipts: vec![(intend.id, 1, other.clone()), (intend.id, 0, Receipt::default()), (intend.id, 0, receipt.clone())],
            ..FoldWrites::default()
        };
        store.fold(&[], &[], &[], &write).await.unwrap();
        for reopened in [false, true] {
            if reopened {
                store.close().await;
            }
            let store = if reopened { place.open().await } else { store.clone() };
            let seen = std::sync::Mutex::new(Vec::new());
            let look = |subjects: &[Subject]| {
                seen.lock().unwrap().extend_from_slice(subjects);
                FoldWrites::default()
            };
            store.fold(&[], &[], &[id(run, 3), id(run, 2), id(run, 3), id(run, 4)], &look).await.unwrap();
            let seen = seen.into_inner().unwrap();
            assert_eq!(seen.len(), 2, "each once, and only what there is");
            let wanted = Subject {
                id: intend.id,
                run_id: new_run("spring").id,
                run_state: RunState::Running,
                person: person(2),
                standing: intend.after,
                sender,
                route: Some(RouteTaken::Template),
                digest: -7,
                intent_at: NOW,
                receipts: vec![(0, receipt.clone()), (1, other.clone())],
            };
            assert_eq!(seen[0], wanted);
            assert_eq!((seen[1].route, seen[1].receipts.len(), seen[1].standing), (None, 0, Standing::PLANNED));
        }
        assert_eq!(place.number("SELECT COUNT(*) FROM fare_text").await, 2, "each text once");
    }

    async fn the_last_message_opens_the_window(place: &Place) {
        let store = place.open().await;
        let at = |seconds| Timestamp(NOW.0 + seconds);
        let write = |windows: Vec<(SenderNo, fanfare::audience::Phone, Timestamp)>| {
            move |_: &[Subject]| FoldWrites { windows: windows.clone(), ..FoldWrites::default() }
        };
        let (one, two) = (SenderNo(1), SenderNo(2));
        store.fold(&[], &[], &[], &write(vec![(one, person(1), at(5)), (one, person(1), at(9)), (one, person(1), at(7)), (two, person(1), at(1))]))
            .await.unwrap();
        store.fold(&[], &[], &[], &write(vec![(one, person(1), at(8)), (two, person(2), at(3)), (two, person(1), at(2))])).await.unwrap();
        let windows = store.windows(&[one, two], &[person(1), person(2), person(3)]).await.unwrap();
        assert_eq!(windows, HashMap::from([((one, person(1)), at(9)), ((two, person(1)), at(2)), ((two, person(2)), at(3))]));
        assert_eq!(store.windows(&[two], &[person(2)]).await.unwrap().len(), 1);
        assert!(store.windows(&[], &[person(2)]).await.unwrap().is_empty());
    }

    async fn a_window_that_is_called_closed_is_forgotten_unless_the_person_wrote_since(place: &Place) {
        let store = place.open().await;
        let (run, sender) = running(&*store, 3).await;
        let other = SenderNo(sender.0 + 1);
        let opened = [(sender, 1, NOW.0 - 1), (sender, 2, NOW.0 + 1), (sender, 3, NOW.0), (other, 1, NOW.0 - 1)];
        let windows = opened.map(|(sender, record, at)| (sender, person(record), Timestamp(at))).to_vec();
        let open = move |_: &[Subject]| FoldWrites { windows: windows.clone(), ..FoldWrites::default() };
        store.fold(&[], &[], &[], &open).await.unwrap();
        // Told by the answers to calls with intents at NOW.
        for record in [1, 2] {
            let intent = intent(id(run, record), Standing::PLANNED, sender);
            commit_intents(&*store, vec![intent]).await;
            let renew = Step::Renew { until: NOW, force_template: true };
            let mut refused = settlement(intent.id, intent.after, renew, sender, OutcomeKind::Refused);
            refused.fact = refused.fact.map(|fact| AttemptFact { class: Some(Class::WindowClosed), intent_at: NOW, ..fact });
            commit_settlements(&*store, vec![refused]).await;
        }
        // Told by a webhook, in whose batch the person writes again.
        let again = Timestamp(NOW.0 + 9);
        let closed = |_: &[Subject]| FoldWrites {
            closed: vec![(id(run, 3), sender, NOW)],
            windows: vec![(sender, person(3), again)],
            ..FoldWrites::default()
        };
        store.fold(&[], &[], &[], &closed).await.unwrap();
        let left = store.windows(&[sender, other], &[person(1), person(2), person(3)]).await.unwrap();
        let newer = ((sender, person(2)), Timestamp(NOW.0 + 1));
        let elsewhere = ((other, person(1)), Timestamp(NOW.0 - 1));
        assert_eq!(left, HashMap::from([newer, elsewhere, ((sender, person(3)), again)]));
        let closed = |_: &[Subject]| FoldWrites { closed: vec![(id(run, 3), sender, again)], ..FoldWrites::default() };
        store.fold(&[], &[], &[], &closed).await.unwrap();
        assert!(!store.windows(&[sender], &[person(3)]).await.unwrap().contains_key(&(sender, person(3))));
    }

    async fn evidence_and_answer_meet_in_either_order(place: &Place) {
        let store = place.open().await;
        let (run, sender) = running(&*store, 2).await;
        let first = intent(id(run, 1), Standing::PLANNED, sender);
        let second = intent(id(run, 2), Standing::PLANNED, sender);
        commit_intents(&*store, vec![first, second]).await;
        // The webhook is first.
        store.fold(&[], &[], &[first.id], &evidence(sender)).await.unwrap();
        let answer = settlement(first.id, first.after, Step::Accept, sender, OutcomeKind::Accepted);
        assert_eq!(commit_settlements(&*store, vec![answer]).await.superseded, [first.id]);
        let (by, http) = ("SELECT settled_by FROM attempt", "SELECT http FROM attempt");
        assert_eq!(place.number(by).await, 0, "the answer says the same, and more");
        assert_ne!(place.number(http).await, 0);
        // The answer is first, and it is no answer at all.
        let doubt = Step::Doubt { until: NOW };
        let answer = settlement(second.id, second.after, doubt, sender, OutcomeKind::Unknown);
        assert!(commit_settlements(&*store, vec![answer]).await.superseded.is_empty());
        store.fold(&[], &[], &[second.id], &evidence(sender)).await.unwrap();
        for delivery in [first.id, second.id] {
            assert_eq!(standing(&*store, delivery).await.state, State::Accepted);
        }
        assert_eq!(place.number("SELECT COUNT(*) FROM attempt WHERE outcome = 1 AND settled_by = 1").await, 1);
        assert_eq!(place.number("SELECT COUNT(*) FROM receipt").await, 2);
    }
}
