//! What the provider wrote down: its ledger, one JSON object a line.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::Path;

use serde::Deserialize;

use super::key;

/// An accepted message: somebody's telephone, unless its fate says otherwise.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Message {
    pub(crate) seq: u64,
    pub(crate) at_ms: i64,
    pub(crate) number_id: String,
    pub(crate) to: String,
    pub(crate) wamid: String,
    pub(crate) client_ref: Option<String>,
    pub(crate) template: Option<String>,
    pub(crate) sha256: String,
    pub(crate) fate: String,
    pub(crate) code: Option<u32>,
}

/// A request that was not accepted.
#[derive(Clone, Debug, Deserialize)]
#[expect(dead_code, reason = "the number and the fault are for people who read a finding")]
pub(crate) struct Request {
    pub(crate) number_id: String,
    pub(crate) to: Option<String>,
    pub(crate) client_ref: Option<String>,
    pub(crate) code: Option<u32>,
    pub(crate) fault: Option<String>,
}

/// A message a person wrote.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Inbound {
    pub(crate) at_ms: i64,
    pub(crate) number_id: String,
    pub(crate) from: String,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
enum Fact {
    Message(Message),
    Request(Request),
    Inbound(Inbound),
    Acked { updates: Vec<(u64, u8)> },
}

/// The whole ledger.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    pub(crate) messages: Vec<Message>,
    pub(crate) refused: Vec<Request>,
    pub(crate) inbound: Vec<Inbound>,
    /// By a message's `seq`: 1 sent, 2 delivered, 4 read, 8 failed.
    pub(crate) acked: HashMap<u64, u8>,
}

impl Facts {
    /// Reads a ledger; one that does not exist is empty. A last line without its end was never told to anybody.
    pub(crate) fn read(path: &Path) -> Self {
        let mut facts = Self::default();
        let Ok(file) = std::fs::File::open(path) else { return facts };
        let mut lines = BufReader::new(file);
        let mut line = String::new();
        while lines.read_line(&mut line).expect("the provider's ledger is text") > 0 && line.ends_with('\n') {
            match serde_json::from_str(&line).unwrap_or_else(|error| panic!("no fact: {error}: {line}")) {
                Fact::Message(message) => facts.messages.push(message),
                Fact::Request(request) => facts.refused.push(request),
                Fact::Inbound(inbound) => facts.inbound.push(inbound),
                Fact::Acked { updates } => {
                    for (seq, bit) in updates {
                        *facts.acked.entry(seq).or_default() |= bit;
                    }
                }
            }
            line.clear();
        }
        facts
    }

    /// Requests that reached the provider.
    pub(crate) fn requests(&self) -> usize {
        self.messages.len() + self.refused.len()
    }

    /// Messages people really got.
    pub(crate) fn received(&self) -> impl Iterator<Item = &Message> {
        self.messages.iter().filter(|message| message.fate == "delivered")
    }

    /// The references of all requests that carried one.
    pub(crate) fn references(&self) -> impl Iterator<Item = &str> {
        let messages = self.messages.iter().filter_map(|message| message.client_ref.as_deref());
        messages.chain(self.refused.iter().filter_map(|request| request.client_ref.as_deref()))
    }
}

impl Message {
    /// Delivery and send.
    pub(crate) fn key(&self) -> Option<(i64, i64)> {
        self.client_ref.as_deref().and_then(key::decode)
    }
}
