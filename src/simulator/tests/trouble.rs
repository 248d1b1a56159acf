//! Faults, as a client sees them and as the ledger knows them.

use std::sync::atomic::{AtomicBool, Ordering};

use super::super::ledger::{Fact, Fate};
use super::wire::Callback;
use super::*;

fn with(set: impl FnOnce(&mut Faults)) -> SimulatorConfig {
    let mut config = SimulatorConfig { numbers: unlimited(), ..SimulatorConfig::default() };
    set(&mut config.faults);
    config
}

/// Sends `count` messages into one fault; what was seen, how many were accepted, how many lines of requests there are.
async fn meet(config: SimulatorConfig, count: u32) -> (Vec<Seen>, usize, usize) {
    let simulator = start(config).await;
    let mut seen = Vec::new();
    for n in 0..count {
        seen.push(send(&simulator, &template(&phone(n), &n.to_string())).await);
    }
    let facts = simulator.ledger().facts().unwrap();
    let messages = facts.iter().filter(|fact| matches!(fact, Fact::Message(_))).count();
    let requests = facts.iter().filter(|fact| matches!(fact, Fact::Request(_))).count();
    assert_eq!(simulator.stats().faults, u64::from(count));
    assert_eq!(messages + requests, count as usize, "one line a request");
    (seen, messages, requests)
}

#[tokio::test]
async fn dropped_before_nothing_is_accepted_and_nothing_answered() {
    let (seen, messages, _) = meet(with(|faults| faults.drop_before = 1.0), 20).await;
    assert_eq!(messages, 0);
    assert!(seen.contains(&Seen::Closed(0)) && seen.contains(&Seen::Reset(0)), "{seen:?}");
    assert!(seen.iter().all(|seen| matches!(seen, Seen::Closed(0) | Seen::Reset(0))));
}

#[tokio::test]
async fn dropped_after_all_is_accepted_and_no_answer_whole() {
    let (seen, messages, _) = meet(with(|faults| faults.drop_after = 1.0), 20).await;
    assert_eq!(messages, 20);
    assert!(seen.iter().all(|seen| matches!(seen, Seen::Reset(_))), "{seen:?}");
    assert!(seen.contains(&Seen::Reset(0)) && seen.iter().any(|seen| *seen != Seen::Reset(0)), "before and inside the answer");
}

#[tokio::test]
async fn a_truncated_answer_ends_inside_its_body() {
    let (seen, messages, _) = meet(with(|faults| faults.truncated_200 = 1.0), 5).await;
    assert_eq!(messages, 5);
    assert!(seen.iter().all(|seen| matches!(seen, Seen::Closed(bytes) if *bytes > 100)), "{seen:?}");
}

#[tokio::test]
async fn garbage_is_200_and_never_an_id() {
    let (seen, messages, _) = meet(with(|faults| faults.garbage_200 = 1.0), 30).await;
    assert_eq!(messages, 30);
    for seen in &seen {
        let Seen::Answer(200, body) = seen else { panic!("{seen:?}") };
        let id = serde_json::from_str::<serde_json::Value>(body)
            .ok()
            .and_then(|json| json["messages"][0]["id"].as_str().map(str::to_owned));
        assert_eq!(id, None);
    }
    let kinds: std::collections::BTreeSet<_> =
        seen.iter().map(|seen| format!("{seen:?}").chars().take(20).collect::<String>()).collect();
    assert!(kinds.len() >= 3, "several kinds of garbage: {kinds:?}");
}

#[tokio::test]
async fn errors_before_and_after_look_alike() {
    let (before, none, _) = meet(with(|faults| faults.error_500_before = 1.0), 3).await;
    let (after, all, _) = meet(with(|faults| faults.error_500_after = 1.0), 3).await;
    assert_eq!((none, all), (0, 3));
    assert!(before.iter().chain(&after).all(|seen| (seen.status(), seen.code()) == (500, 131_000)));
}

#[tokio::test]
async fn a_bad_gateway_may_or_may_not_have_accepted() {
    let (seen, messages, requests) = meet(with(|faults| faults.html_502 = 1.0), 30).await;
    assert!(messages > 0 && requests > 0);
    assert!(seen.iter().all(|seen| matches!(seen, Seen::Answer(502, body) if body.starts_with("<html>"))));
}

#[tokio::test]
async fn throttles_without_reason_accept_nothing() {
    let (seen, messages, _) = meet(with(|faults| faults.rate_limited_130429 = 1.0), 3).await;
    assert_eq!(messages, 0);
    assert!(seen.iter().all(|seen| (seen.status(), seen.code()) == (400, 130_429)));
}

#[tokio::test]
async fn a_timeout_accepts_and_never_answers() {
    let (_callback, url) = Callback::listen(0).await;
    let simulator = start(SimulatorConfig { webhook_url: Some(url), ..with(|faults| faults.timeout_after = 1.0) }).await;
    let (base, done) = (simulator.base_url(), Arc::new(AtomicBool::new(false)));
    let flag = Arc::clone(&done);
    let request = tokio::spawn(async move {
        let seen = call(&base, "POST", &format!("/v26.0/{NUMBER}/messages"), TOKEN, &template(&phone(1), "a")).await;
        flag.store(true, Ordering::SeqCst);
        seen
    });
    // Its statuses prove that it was accepted, long before any answer.
    while simulator.stats().webhooks_sent == 0 {
        tokio::task::yield_now().await;
    }
    assert!(!done.load(Ordering::SeqCst));
    simulator.shutdown().await;
    assert!(matches!(request.await.unwrap(), Seen::Closed(0) | Seen::Reset(0)), "only the end of the simulator ends it");
}

#[tokio::test]
async fn a_client_that_goes_away_does_not_undo_its_message() {
    use tokio::io::AsyncWriteExt;
    let simulator = start(SimulatorConfig { latency: Latency::exactly(30), ..SimulatorConfig::default() }).await;
    let mut stream = tokio::net::TcpStream::connect(simulator.base_url().strip_prefix("http://").unwrap()).await.unwrap();
    let body = template(&phone(1), "a");
    let head = format!(
        "POST /v26.0/{NUMBER}/messages HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {TOKEN}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).await.unwrap();
    drop(stream);
    let accepted = async {
        while simulator.stats().accepted == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, accepted).await.expect("the message was accepted without anybody listening");
    assert_eq!(simulator.ledger().received().unwrap().len(), 1);
}

#[tokio::test]
async fn a_silent_connection_ends_with_its_client() {
    use tokio::io::AsyncWriteExt;
    let simulator = start(with(|faults| faults.timeout_after = 1.0)).await;
    let before = simulator.tasks.len();
    let mut stream = tokio::net::TcpStream::connect(simulator.base_url().strip_prefix("http://").unwrap()).await.unwrap();
    let body = template(&phone(1), "a");
    let head = format!(
        "POST /{NUMBER}/messages HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {TOKEN}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).await.unwrap();
    let until = async |done: &dyn Fn() -> bool| {
        while !done() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, until(&|| simulator.stats().accepted == 1)).await.expect("accepted");
    assert_eq!(simulator.tasks.len(), before + 1);
    drop(stream);
    tokio::time::timeout(SOON, until(&|| simulator.tasks.len() == before)).await.expect("nothing is kept for a client that went");
}

#[tokio::test]
async fn a_revoked_token_ends_everything() {
    let simulator = start(with(|faults| faults.token_revoked_after = Some(2))).await;
    for n in 0..2 {
        assert_eq!(send(&simulator, &template(&phone(n), "a")).await.status(), 200);
    }
    let seen = send(&simulator, &template(&phone(3), "a")).await;
    assert_eq!((seen.status(), seen.code()), (401, 190));
    assert_eq!(get(&simulator, &format!("/v26.0/{NUMBER}")).await.code(), 190);
}

#[tokio::test]
async fn held_messages_are_sent_or_dropped_in_the_end() {
    let (callback, url) = Callback::listen(0).await;
    let config = with(|faults| {
        faults.held_for_quality = 1.0;
        faults.held_dropped_share = 0.5;
    });
    let simulator = start(SimulatorConfig { webhook_url: Some(url), ..config }).await;
    for n in 0..20 {
        let seen = send(&simulator, &template(&phone(n), &n.to_string())).await;
        assert_eq!(seen.json()["messages"][0]["message_status"], "held_for_quality_assessment");
    }
    assert!(simulator.drain(SOON).await);
    let statuses = callback.values("statuses");
    let dropped = statuses.iter().filter(|status| status["errors"][0]["code"] == 132_015).count();
    let sent = statuses.iter().filter(|status| status["status"] == "sent").count();
    assert!(dropped > 0 && sent > 0);
    assert_eq!(dropped + sent, 20);
    assert_eq!(simulator.ledger().received().unwrap().len(), sent);
}

#[tokio::test]
async fn scripts_go_before_chance() {
    let script = "
        [[script]]
        when = { request = 1 }
        then = { refuse = 131048 }
        [[script]]
        when = { recipient_suffix = \"00000007\" }
        then = { fail = 131050 }
        [[script]]
        when = { template = \"sale\" }
        then = \"html_502\"
    ";
    let simulator = start(SimulatorConfig { numbers: unlimited(), ..SimulatorConfig::from_toml(script).unwrap() }).await;
    assert_eq!(send(&simulator, &template(&phone(7), "a")).await.code(), 131_048);
    assert_eq!(send(&simulator, &template(&phone(7), "b")).await.status(), 200);
    assert_eq!(send(&simulator, &template(&phone(8), "c")).await.status(), 502);
    let message = &simulator.ledger().messages().unwrap()[0];
    assert_eq!((message.fate, message.code), (Fate::Failed, Some(131_050)));
}

#[tokio::test]
async fn the_same_seed_gives_the_same_faults_and_fates_in_any_order() {
    let run = async |order: Vec<u32>| {
        let mut config = with(|faults| {
            faults.error_500_before = 0.3;
            faults.capped_131049 = 0.3;
        });
        config.people.not_on_whatsapp_share = 0.2;
        let simulator = start(config).await;
        for n in order {
            send(&simulator, &template(&phone(n), &n.to_string())).await;
        }
        let mut fates: Vec<_> = simulator.ledger().messages().unwrap().into_iter().map(|m| (m.to, m.fate, m.code)).collect();
        fates.sort_by(|a, b| a.0.cmp(&b.0));
        fates
    };
    let forward = run((0..40).collect()).await;
    assert_eq!(forward, run((0..40).rev().collect()).await);
    let codes: std::collections::BTreeSet<_> = forward.iter().map(|(_, _, code)| *code).collect();
    assert_eq!(codes, [None, Some(131_026), Some(131_049)].into());
    assert!(forward.len() < 40);
}
