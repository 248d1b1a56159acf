//! Webhooks: nothing lost, everything signed, in batches, twice, early, again.

use std::collections::BTreeMap;

use super::wire::Callback;
use super::*;

async fn told(count: u32, refuse: usize, set: impl FnOnce(&mut SimulatorConfig)) -> (Callback, Simulator) {
    let (callback, url) = Callback::listen(refuse).await;
    let mut config = SimulatorConfig { webhook_url: Some(url), numbers: unlimited(), ..SimulatorConfig::default() };
    config.people.read_share = 1.0;
    config.webhooks.retry_first_ms = 1;
    config.webhooks.retry_most_ms = 2;
    set(&mut config);
    let simulator = start(config).await;
    for n in 0..count {
        assert_eq!(send(&simulator, &template(&phone(n), &n.to_string())).await.status(), 200);
    }
    assert!(simulator.drain(SOON).await);
    (callback, simulator)
}

fn counts(callback: &Callback) -> BTreeMap<(String, String), usize> {
    callback.statuses().into_iter().fold(BTreeMap::new(), |mut counts, status| {
        *counts.entry(status).or_default() += 1;
        counts
    })
}

#[tokio::test]
async fn nothing_is_lost_or_doubled_unless_asked_for() {
    let (callback, simulator) = told(40, 0, |_| {}).await;
    let counts = counts(&callback);
    assert_eq!(counts.len(), 120, "sent, delivered and read of each");
    assert!(counts.values().all(|count| *count == 1));
    assert!(callback.all_signed());
    let stats = simulator.stats();
    assert_eq!((stats.webhooks_sent, stats.webhooks_pending, stats.webhooks_lost), (120, 0, 0));
}

#[tokio::test]
async fn what_was_refused_is_told_again() {
    let (callback, simulator) = told(20, 7, |_| {}).await;
    assert_eq!(counts(&callback).len(), 60);
    assert_eq!(simulator.stats().webhooks_failed, 7);
}

#[tokio::test]
async fn without_retries_what_was_refused_is_given_up() {
    let (callback, simulator) = told(5, 1, |config| config.webhooks.retry = false).await;
    let stats = simulator.stats();
    assert!(stats.webhooks_given_up > 0);
    assert_eq!(u64::try_from(counts(&callback).len()).unwrap() + stats.webhooks_given_up, 15);
}

#[tokio::test]
async fn shares_of_loss_and_doubles_are_kept() {
    let (callback, simulator) = told(60, 0, |config| {
        config.webhooks.loss_share = 0.2;
        config.webhooks.duplicate_share = 0.5;
        config.webhooks.shuffle_ms = 3;
    })
    .await;
    let counts = counts(&callback);
    let lost = simulator.stats().webhooks_lost;
    assert!(lost > 0);
    assert_eq!(u64::try_from(counts.len()).unwrap() + lost, 180);
    let doubled = counts.values().filter(|count| **count == 2).count();
    assert!(doubled > 40 && counts.values().all(|count| *count <= 2), "{doubled} doubled");
}

#[tokio::test]
async fn many_updates_share_a_post() {
    let (callback, url) = Callback::listen(0).await;
    let mut config = SimulatorConfig { numbers: unlimited(), ..SimulatorConfig::default() };
    config.people.read_share = 1.0;
    let simulator = start(config).await;
    for n in 0..30 {
        send(&simulator, &template(&phone(n), &n.to_string())).await;
    }
    simulator.set_webhook_url(Some(&url)).unwrap();
    assert!(simulator.drain(SOON).await);
    assert_eq!(counts(&callback).len(), 90);
    assert_eq!(callback.posts(), 1, "all were due at once");
    assert!(callback.all_signed());
}

#[tokio::test]
async fn a_batch_is_never_larger_than_its_most() {
    let (callback, _simulator) = told(10, 0, |config| {
        config.webhooks.delay = Latency::exactly(100);
        config.webhooks.batch_max = 2;
    })
    .await;
    assert!(callback.posts() >= 15);
    assert_eq!(counts(&callback).len(), 30);
}

#[tokio::test]
async fn the_first_status_can_come_before_the_answer() {
    let (callback, url) = Callback::listen(0).await;
    let mut config = SimulatorConfig { webhook_url: Some(url), ..SimulatorConfig::default() };
    config.webhooks.before_response_share = 1.0;
    let simulator = start(config).await;
    for n in 0..5 {
        let wamid = send(&simulator, &template(&phone(n), "a")).await.wamid();
        assert!(callback.statuses().contains(&(wamid, "sent".to_owned())), "known before the answer was read");
    }
}

#[tokio::test]
async fn statuses_can_leave_their_order() {
    let (callback, _simulator) = told(40, 0, |config| {
        config.webhooks.reorder_share = 0.5;
        config.webhooks.shuffle_ms = 60;
        config.webhooks.batch_wait_ms = 0;
    })
    .await;
    let statuses = callback.statuses();
    let place = |wamid: &str, word: &str| statuses.iter().position(|(id, w)| id == wamid && w == word).unwrap();
    let turned = statuses.iter().filter(|(id, word)| word == "sent" && place(id, "delivered") < place(id, "sent")).count();
    assert!(turned > 0);
}

#[tokio::test]
async fn webhooks_wait_for_an_address_and_the_handshake_gives_one() {
    let (callback, url) = Callback::listen(0).await;
    let simulator = start(SimulatorConfig::default()).await;
    send(&simulator, &template(&phone(1), "a")).await;
    assert!(!simulator.drain(Duration::ZERO).await);
    simulator.subscribe(&url).await.unwrap();
    assert!(simulator.drain(SOON).await);
    assert!(!callback.statuses().is_empty());
    let wrong = start(SimulatorConfig { verify_token: "other".into(), ..SimulatorConfig::default() }).await;
    assert!(matches!(wrong.subscribe(&url).await, Err(SimulatorError::Handshake(_))));
    assert!(matches!(wrong.set_webhook_url(Some("http://example.org/")), Err(SimulatorError::NotLoopback(_))));
}

#[tokio::test]
async fn people_answer_by_button_by_word_or_with_stop() {
    let (callback, simulator) = told(4, 0, |config| config.people.reply_share = 1.0).await;
    let wamids: std::collections::BTreeSet<_> = callback.statuses().into_iter().map(|(wamid, _)| wamid).collect();
    let messages = callback.values("messages");
    assert_eq!(messages.len(), 4);
    for message in &messages {
        assert_eq!((message["type"].as_str(), message["button"]["payload"].as_str()), (Some("button"), Some("MORE")));
        assert!(wamids.contains(message["context"]["id"].as_str().unwrap()));
        assert_eq!(message["context"]["from"], "15550783881");
    }
    // A reply opens the window.
    assert_eq!(send(&simulator, &text(&phone(0))).await.status(), 200);

    let (callback, _simulator) = told(4, 0, |config| config.people.stop_share = 1.0).await;
    let messages = callback.values("messages");
    assert_eq!(messages.len(), 4);
    assert!(messages.iter().all(|message| message["type"] == "text" && message["text"]["body"] == "STOP"));
}

#[tokio::test]
async fn anything_else_can_be_announced() {
    let (callback, simulator) = told(1, 0, |_| {}).await;
    let value = json!({ "event": "PAUSED", "message_template_name": "sale", "list": [1] }).to_string();
    simulator.announce("200", "message_template_status_update", &value).unwrap();
    assert!(simulator.drain(SOON).await);
    assert_eq!(callback.values("list"), [json!(1)]);
    assert!(callback.all_signed());
    assert!(simulator.announce("200", "x", "{").is_err());
}

#[tokio::test]
async fn of_a_reaction_only_sent_is_told() {
    let (callback, simulator) = told(0, 0, |_| {}).await;
    simulator.say(NUMBER, &phone(1), "hello").await.unwrap();
    let reaction = json!({ "message_id": "wamid.x", "emoji": "\u{1F600}" });
    let body = json!({ "messaging_product": "whatsapp", "to": phone(1), "type": "reaction", "reaction": reaction });
    assert_eq!(send(&simulator, &body.to_string()).await.status(), 200);
    assert!(simulator.drain(SOON).await);
    assert_eq!(callback.statuses().len(), 1);
}

#[tokio::test]
async fn blocked_people_leave_a_message_at_sent() {
    let (callback, simulator) = told(5, 0, |config| config.people.block_share = 1.0).await;
    assert!(callback.statuses().iter().all(|(_, word)| word == "sent"));
    assert_eq!(callback.statuses().len(), 5);
    assert!(simulator.ledger().received().unwrap().is_empty());
}

#[tokio::test]
async fn people_who_wrote_before_the_start_say_so() {
    let (callback, url) = Callback::listen(0).await;
    let mut config = SimulatorConfig { webhook_url: Some(url), numbers: unlimited(), ..SimulatorConfig::default() };
    config.people.window_open_share = 0.5;
    config.people.hello =
        vec![Hello { number_id: NUMBER.into(), from: "+15550001111".into(), text: "hey".into(), ago_ms: 60_000 }];
    config.faults.window_sync_share = 1.0;
    let simulator = start(config).await;
    let phones: Vec<_> = (0..40).map(phone).collect();
    let greeted = simulator.greet(NUMBER, phones.iter().map(String::as_str)).await.unwrap();
    assert!((10..30).contains(&greeted));
    assert!(simulator.drain(SOON).await);
    let wrote: std::collections::BTreeSet<_> =
        callback.values("messages").iter().map(|message| format!("+{}", message["from"].as_str().unwrap())).collect();
    assert!(wrote.contains("+15550001111"));
    assert_eq!(wrote.len(), greeted + 1);
    for phone in &phones {
        let seen = send(&simulator, &text(phone)).await;
        assert_eq!(seen.status() == 200, wrote.contains(phone), "those who said so have a window, and only those");
    }
}
