//! A simulator that ends and begins again with the same ledger.

use std::collections::BTreeSet;
use std::path::Path;

use super::super::ledger::{self, Fact};
use super::wire::Callback;
use super::*;

fn on(path: &Path) -> SimulatorConfig {
    let mut config = SimulatorConfig { ledger: Some(path.to_owned()), numbers: unlimited(), ..SimulatorConfig::default() };
    config.people.read_share = 1.0;
    config
}

#[tokio::test]
async fn the_line_is_in_the_file_before_the_answer() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.ndjson");
    let simulator = start(on(&path)).await;
    for n in 0..10 {
        let wamid = send(&simulator, &template(&phone(n), "a")).await.wamid();
        let last = std::fs::read_to_string(&path).unwrap().lines().last().unwrap().to_owned();
        assert!(last.contains(&wamid));
    }
}

#[tokio::test]
async fn ids_stay_unique_and_all_that_was_owed_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.ndjson");
    let mut wamids = BTreeSet::new();
    // Three lives without a callback, each ended as by a kill.
    for life in 0..3_u32 {
        let simulator = start(on(&path)).await;
        for n in 0..5 {
            let number = life * 5 + n;
            assert!(wamids.insert(send(&simulator, &template(&phone(number), &number.to_string())).await.wamid()));
        }
        drop(simulator);
    }
    let (callback, url) = Callback::listen(0).await;
    let simulator = start(SimulatorConfig { webhook_url: Some(url.clone()), ..on(&path) }).await;
    assert!(simulator.drain(SOON).await);
    let statuses: BTreeSet<_> = callback.statuses().into_iter().collect();
    let expected = wamids.iter().flat_map(|id| ["sent", "delivered", "read"].map(|word| (id.clone(), word.to_owned())));
    assert_eq!(statuses, expected.collect());
    assert_eq!(callback.statuses().len(), 45, "once each");
    simulator.shutdown().await;
    // Everything was acknowledged: the next life has nothing to say.
    let simulator = start(SimulatorConfig { webhook_url: Some(url), ..on(&path) }).await;
    assert!(simulator.drain(SOON).await);
    assert_eq!(callback.statuses().len(), 45);
    let seqs: Vec<_> = ledger::read(&path)
        .unwrap()
        .filter_map(|fact| match fact.unwrap() {
            Fact::Message(message) => Some(message.seq),
            _ => None,
        })
        .collect();
    assert_eq!(seqs.iter().collect::<BTreeSet<_>>().len(), 15);
}

#[tokio::test]
async fn windows_and_unheard_messages_outlive_the_process() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.ndjson");
    let simulator = start(on(&path)).await;
    let wamid = simulator.say(NUMBER, &phone(1), "hello").await.unwrap();
    drop(simulator);
    let (callback, url) = Callback::listen(0).await;
    let simulator = start(SimulatorConfig { webhook_url: Some(url), ..on(&path) }).await;
    assert!(simulator.drain(SOON).await);
    let messages = callback.values("messages");
    assert_eq!((messages.len(), messages[0]["id"].as_str()), (1, Some(wamid.as_str())));
    assert_eq!(send(&simulator, &text(&phone(1))).await.status(), 200);
}

#[tokio::test]
async fn replies_are_written_once_over_lives() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.ndjson");
    let replying = || {
        let mut config = on(&path);
        config.people.reply_share = 1.0;
        config
    };
    let simulator = start(replying()).await;
    send(&simulator, &template(&phone(1), "a")).await;
    drop(simulator);
    let (callback, url) = Callback::listen(0).await;
    for _ in 0..2 {
        let simulator = start(SimulatorConfig { webhook_url: Some(url.clone()), ..replying() }).await;
        assert!(simulator.drain(SOON).await);
        simulator.shutdown().await;
    }
    assert_eq!(callback.values("messages").len(), 1);
}

#[tokio::test]
async fn a_second_try_after_a_restart_still_rolls_anew() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.ndjson");
    let mut seen = Vec::new();
    // Each life tries the same message once: half of all tries fail, so some life gets it through.
    for _ in 0..24 {
        let mut config = on(&path);
        config.faults.error_500_before = 0.5;
        config.seed = 3;
        let simulator = start(config).await;
        seen.push(send(&simulator, &template(&phone(1), "same")).await.status());
        if seen.last() == Some(&200) {
            break;
        }
    }
    assert_eq!(seen.last(), Some(&200), "{seen:?}");
}

#[tokio::test]
async fn simulators_of_one_clock_make_different_ids() {
    let (one, two) = (start(SimulatorConfig::default()).await, start(SimulatorConfig::default()).await);
    let body = template(&phone(1), "a");
    assert_ne!(send(&one, &body).await.wamid(), send(&two, &body).await.wamid());
}
