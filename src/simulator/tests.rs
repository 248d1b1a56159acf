//! Over real HTTP: the API, its faults as they look on the wire, the ledger, webhooks, restarts.

mod api;
mod restart;
mod told;
mod trouble;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::time::{ManualClock, Timestamp};
use wire::{Seen, call};

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
