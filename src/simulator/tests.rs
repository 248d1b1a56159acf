//! Over real HTTP: the API, its faults as they look on the wire, the ledger, webhooks, restarts.

mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::ledger::{Fact, Fate};
use super::*;
use crate::time::{ManualClock, Timestamp};
use wire::{Callback, Seen, call};

const NUMBER: &str = "100000000000001";
const TOKEN: &str = "simulator-token";
const SOON: Duration = Duration::from_secs(30);

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(Timestamp::from_secs(1_795_000_000)))
}

fn unlimited() -> Vec<NumberConfig> {
    vec![NumberConfig { limit_per_second: 0, ..NumberConfig::default() }]
}

async fn start(config: SimulatorConfig) -> Simulator {
    Simulator::start(config, clock()).await.unwrap()
}

fn template(to: &str, client_ref: &str) -> String {
    json!({
        "messaging_product": "whatsapp", "to": to, "type": "template", "biz_opaque_callback_data": client_ref,
        "template": { "name": "sale", "language": { "code": "en_US" }, "components": [
            { "type": "body", "parameters": [ { "type": "text", "text": "Ana" } ] },
            { "type": "button", "sub_type": "quick_reply", "index": "0", "parameters": [ { "type": "payload", "payload": "MORE" } ] }
        ] }
    })
    .to_string()
}

fn text(to: &str) -> String {
    json!({ "messaging_product": "whatsapp", "to": to, "type": "text", "text": { "body": "Hi" } }).to_string()
}

async fn send(simulator: &Simulator, body: &str) -> Seen {
    call(&simulator.base_url(), "POST", &format!("/v26.0/{NUMBER}/messages"), TOKEN, body).await
}

async fn get(simulator: &Simulator, path: &str) -> Seen {
    call(&simulator.base_url(), "GET", path, TOKEN, "").await
}

fn phone(n: u32) -> String {
    format!("+52155{n:08}")
}

#[tokio::test]
async fn a_template_is_accepted_written_down_and_told() {
    let (callback, url) = Callback::listen(0).await;
    let mut config = SimulatorConfig { webhook_url: Some(url), ..SimulatorConfig::default() };
    config.people.read_share = 1.0;
    let simulator = start(config).await;
    let seen = send(&simulator, &template("+16505551234", "w1-a-0")).await;
    assert_eq!(seen.status(), 200);
    let answer = seen.json();
    assert_eq!(answer["contacts"][0], json!({ "input": "+16505551234", "wa_id": "16505551234" }));
    assert_eq!(answer["messages"][0]["message_status"], "accepted");
    let received = simulator.ledger().received().unwrap();
    assert_eq!(received.len(), 1);
    assert_eq!((received[0].wamid.as_str(), received[0].client_ref.as_deref()), (seen.wamid().as_str(), Some("w1-a-0")));
    assert!(simulator.drain(SOON).await);
    let words: BTreeSet<_> = callback.statuses().into_iter().map(|(_, word)| word).collect();
    assert_eq!(words, ["delivered", "read", "sent"].map(str::to_owned).into());
    assert!(callback.all_signed());
    for status in callback.values("statuses") {
        assert_eq!(status["biz_opaque_callback_data"], "w1-a-0");
        assert_eq!(status["recipient_id"], "16505551234");
        assert_eq!(status["timestamp"], "1795000000");
        let pricing = json!({ "billable": true, "pricing_model": "PMP", "type": "regular", "category": "marketing" });
        let is_priced = status["status"] != "read";
        assert_eq!(status.get("pricing"), is_priced.then_some(&pricing));
    }
    simulator.shutdown().await;
}

#[tokio::test]
async fn ids_are_unique_over_many_messages() {
    let simulator = start(SimulatorConfig { numbers: unlimited(), ..SimulatorConfig::default() }).await;
    let mut ids = BTreeSet::new();
    for n in 0..50 {
        assert!(ids.insert(send(&simulator, &template(&phone(n), &n.to_string())).await.wamid()));
    }
    assert_eq!(simulator.stats().accepted, 50);
    assert_eq!(simulator.ledger().requests().unwrap(), 50);
}
