//! Random walks: whatever legal steps are taken, the ledger stands where the transition function says, and refuses what is stale.

use std::collections::HashMap;

use fanfare::outbound::ledger::{Group, IntentResult, OutcomeKind};
use fanfare::outbound::status::{Standing, State, Step, advance};
use fanfare::time::Timestamp;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::place::{NOW, each, id, intent, running, settlement, standing};

const PEOPLE: u64 = 6;

#[derive(Clone, Debug)]
struct Move {
    record: u64,
    step: Step,
    /// Taken from a standing that is over.
    stale: bool,
}

fn any_move() -> impl Strategy<Value = Move> {
    let until = (1i64..1000).prop_map(|after| Timestamp(NOW.0 + after));
    let step = prop_oneof![
        4 => until.clone().prop_map(|deadline| Step::Intend { deadline }),
        2 => Just(Step::Accept),
        1 => Just(Step::Reject),
        2 => until.clone().prop_map(|until| Step::Defer { until }),
        2 => (until.clone(), any::<bool>()).prop_map(|(until, force_template)| Step::Renew { until, force_template }),
        3 => until.clone().prop_map(|until| Step::Doubt { until }),
        1 => until.prop_map(|until| Step::Wait { until }),
        1 => Just(Step::Resend),
        1 => Just(Step::GiveUp),
        1 => Just(Step::Skip),
        1 => Just(Step::Quarantine),
    ];
    (1..=PEOPLE, step, prop::bool::weighted(0.15)).prop_map(|(record, step, stale)| Move { record, step, stale })
}

async fn walk(moves: Vec<Move>) {
    for place in each("walk").await {
        let store = place.open().await;
        let (run, sender) = running(&*store, PEOPLE).await;
        let mut model: HashMap<u64, Standing> = (1..=PEOPLE).map(|record| (record, Standing::PLANNED)).collect();
        for group in moves.chunks(5) {
            let mut write = Group::default();
            let mut intents = Vec::new();
            let mut stale = Vec::new();
            // As a group is written: all outcomes, then all intents.
            for pass in 0..2 {
                for Move { record, step, stale: is_stale } in group {
                    let is_intent = matches!(step, Step::Intend { .. });
                    if is_intent != (pass == 1) {
                        continue;
                    }
                    let now = model[record];
                    let Ok(after) = advance(now, *step) else { continue };
                    let before = if *is_stale { Standing { tries: now.tries + 7, ..now } } else { now };
                    if is_intent {
                        let mut intent = intent(id(run, *record), before, sender);
                        intent.after = after;
                        write.intents.push(intent);
                        intents.push(if *is_stale { IntentResult::Stale } else { IntentResult::Committed });
                    } else {
                        write.settlements.push(settlement(id(run, *record), before, *step, sender, OutcomeKind::Unknown));
                        if *is_stale {
                            stale.push(id(run, *record));
                        }
                    }
                    if !is_stale {
                        model.insert(*record, after);
                    }
                }
            }
            let result = store.commit(&write).await.unwrap();
            let mut superseded = result.superseded;
            superseded.sort_unstable();
            stale.sort_unstable();
            assert_eq!((result.intents, superseded), (intents, stale));
            for (record, wanted) in &model {
                assert_eq!(standing(&*store, id(run, *record)).await, *wanted, "delivery {record}");
            }
            let mut counts: HashMap<State, u64> = HashMap::new();
            for standing in model.values() {
                *counts.entry(standing.state).or_default() += 1;
            }
            assert_eq!(store.counts(run).await.unwrap(), counts);
            let due = model.values().filter(|standing| !standing.state.is_terminal() && standing.due_at.0 > 0);
            assert_eq!(store.next_due(run).await.unwrap(), due.map(|standing| standing.due_at).min());
        }
        let (done, counts) = store.complete_run(run, NOW).await.unwrap();
        assert_eq!(done, counts.keys().all(|state| state.is_terminal()));
        store.close().await;
        place.remove().await;
    }
}

#[test]
fn the_ledger_walks_with_the_model() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut runner = TestRunner::new(Config { cases: 12, failure_persistence: None, ..Config::default() });
    runner
        .run(&proptest::collection::vec(any_move(), 1..60), |moves| {
            runtime.block_on(walk(moves));
            Ok(())
        })
        .unwrap();
}
