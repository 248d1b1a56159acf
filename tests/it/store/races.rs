//! Many at once: each thing happens exactly once.

use fanfare::outbound::ledger::{Group, IntentResult};
use fanfare::outbound::status::{RunState, Standing, State};

use super::place::{NOW, id, intent, new_run, planned, running};
use super::{Place, conforms, each};

conforms! {
    async fn eight_committers_commit_each_intent_once(place: &Place) {
        let store = place.open().await;
        let (run, sender) = running(&*store, 400).await;
        let mut tasks = Vec::new();
        for worker in 0..8u64 {
            let store = store.clone();
            tasks.push(tokio::spawn(async move {
                let mut committed = Vec::new();
                for batch in 0..10 {
                    // Each begins elsewhere, so that the groups overlap in different ways.
                    let record = |at: u64| (worker * 50 + batch * 40 + at) % 400 + 1;
                    let intents: Vec<_> = (0..40).map(|at| intent(id(run, record(at)), Standing::PLANNED, sender)).collect();
                    let result = store.commit(&Group { intents: intents.clone(), ..Group::default() }).await.unwrap();
                    let won = intents.iter().zip(&result.intents).filter(|(_, result)| **result == IntentResult::Committed);
                    committed.extend(won.map(|(intent, _)| intent.id.record()));
                    assert!(result.intents.iter().all(|result| matches!(result, IntentResult::Committed | IntentResult::Stale)));
                }
                committed
            }));
        }
        let mut all = Vec::new();
        for task in tasks {
            all.extend(task.await.unwrap());
        }
        all.sort_unstable();
        assert_eq!(all, (1..=400).collect::<Vec<_>>());
        assert_eq!(store.counts(run).await.unwrap().get(&State::Intent), Some(&400));
        assert_eq!(place.number("SELECT MAX(tries) FROM delivery").await, 1);
    }

    async fn a_run_is_moved_by_one(place: &Place) {
        let store = place.open().await;
        let (run, _) = running(&*store, 1).await;
        let mut tasks = Vec::new();
        for worker in 0..8 {
            let store = store.clone();
            let to = if worker % 2 == 0 { RunState::Paused } else { RunState::Cancelled };
            tasks.push(tokio::spawn(async move { store.move_run(run, RunState::Running, to, Some("why"), NOW).await.unwrap() }));
        }
        let mut winners = 0;
        for task in tasks {
            winners += u32::from(task.await.unwrap());
        }
        assert_eq!(winners, 1);
        assert_eq!(store.runs(1).await.unwrap()[0].version, 3);
    }

    async fn a_run_is_made_and_planned_by_many_at_once(place: &Place) {
        let store = place.open().await;
        let mut tasks = Vec::new();
        for _ in 0..8 {
            let store = store.clone();
            tasks.push(tokio::spawn(async move {
                let run = store.create_run(&new_run("spring")).await.unwrap().no;
                (run, store.plan(run, &planned(run, 1..=200), &[]).await.unwrap())
            }));
        }
        let mut new = 0;
        let mut numbers = std::collections::HashSet::new();
        for task in tasks {
            let (run, planned) = task.await.unwrap();
            numbers.insert(run);
            new += planned;
        }
        assert_eq!((new, numbers.len()), (200, 1));
    }

    async fn a_commit_given_up_leaves_nothing_half_done(place: &Place) {
        let store = place.open().await;
        let (run, sender) = running(&*store, 300).await;
        for at in 0..30 {
            let intents = (1..=10).map(|record| intent(id(run, at * 10 + record), Standing::PLANNED, sender)).collect();
            let group = Group { intents, ..Group::default() };
            // Dropped at every possible point: before it begins, in the middle, or not at all.
            tokio::select! {
                biased;
                () = async { for _ in 0..at { tokio::task::yield_now().await; } } => {}
                result = store.commit(&group) => { result.unwrap(); }
            }
        }
        let counts = store.counts(run).await.unwrap();
        assert_eq!(counts.values().sum::<u64>(), 300);
        assert_eq!(counts.get(&State::Intent).copied().unwrap_or_default() % 10, 0, "a group is committed whole or not: {counts:?}");
    }
}
