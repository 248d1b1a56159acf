//! The facts of the ledger, one line of JSON each.
//!
//! These types are the file's format. A fact is never changed or taken back; what is absent is left out of its line.

use serde::{Deserialize, Serialize};

use crate::simulator::faults::Fault;

/// One line of the ledger. The key `fact` tells which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub enum Fact {
    /// A request that was accepted, and with it what its recipient gets.
    Message(Message),
    /// A request that was not accepted.
    Request(Request),
    /// A message a person wrote.
    Inbound(Inbound),
    /// A POST of webhooks that was answered with 200.
    Acked(Acked),
}

/// A request to send that was accepted. Written before any byte of the answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Unique over the whole ledger, over all kinds of facts.
    pub seq: u64,
    /// When, in milliseconds since the epoch.
    pub at_ms: i64,
    /// The sending number's id.
    pub number_id: String,
    /// Whom it went to: digits without a plus, as after Meta's own reading; or a BSUID.
    pub to: String,
    /// The person's `wa_id` when it differs from `to`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wa_id: Option<String>,
    /// The recipient was written without a plus and so became somebody else.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub wrong_person: bool,
    /// The message's id.
    pub wamid: String,
    /// `biz_opaque_callback_data`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_ref: Option<String>,
    /// `type` of the request, or of the interactive object inside it.
    pub kind: String,
    /// The template's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// The template's language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// SHA-256 of the request's body, in hex.
    pub sha256: String,
    /// What becomes of it, settled at once.
    pub fate: Fate,
    /// The code it fails with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u32>,
    /// It was answered with `held_for_quality_assessment`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub held: bool,
    /// The category it is priced as: `marketing`, `marketing_lite`, `utility`, `authentication`, `service`.
    pub category: String,
    /// How it is priced when delivered: `regular`, `free_customer_service`, `free_entry_point`.
    pub pricing: String,
    /// The end of the free entry point window it was sent in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub free_until_ms: Option<i64>,
    /// The payload of its first quick reply button: what a person who answers by tapping sends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_payload: Option<String>,
    /// How its answer was spoiled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
}

impl Message {
    /// Whether the person got it.
    pub fn is_received(&self) -> bool {
        self.fate == Fate::Delivered
    }

    /// Whether `to` is a business-scoped user id and not a phone number.
    pub fn is_to_user_id(&self) -> bool {
        self.to.contains('.')
    }

    /// The person as webhooks name them.
    pub fn person(&self) -> &str {
        self.wa_id.as_deref().unwrap_or(&self.to)
    }
}

/// What becomes of an accepted message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// The person gets it.
    #[default]
    Delivered,
    /// It leaves Meta and never arrives: the person blocked the business.
    Blocked,
    /// It fails, and a webhook says with which code.
    Failed,
}

/// A request on `/messages` that was not accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// As for messages.
    pub seq: u64,
    /// As for messages.
    pub at_ms: i64,
    /// The number id in the path.
    pub number_id: String,
    /// The recipient, when the request could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// `biz_opaque_callback_data`, when the request could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_ref: Option<String>,
    /// The code it was refused with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u32>,
    /// The fault it met instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// SHA-256 of the request's body, in hex.
    pub sha256: String,
}

/// A message from a person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inbound {
    /// As for messages.
    pub seq: u64,
    /// When the person wrote; it may lie before the line was.
    pub at_ms: i64,
    /// The number they wrote to.
    pub number_id: String,
    /// The person's `wa_id`.
    pub from: String,
    /// The id of their message.
    pub wamid: String,
    /// The text, or the label of the button.
    pub text: String,
    /// The payload of the button they tapped; a typed text when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
    /// The wamid of the message they answer by tapping.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// The `seq` of the message this is the reply to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<u64>,
    /// They came from an advertisement.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub from_ad: bool,
}

/// Webhooks that arrived.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acked {
    /// As for messages.
    pub at_ms: i64,
    /// What the POST held: the `seq` of the fact, and which of its updates: 1 sent, 2 delivered, 4 read, 8 failed, 32 inbound.
    pub updates: Vec<(u64, u8)>,
}

/// A fact to be written, borrowed.
#[derive(Serialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub(in crate::simulator) enum Line<'a> {
    Message(&'a Message),
    Request(&'a Request),
    Inbound(&'a Inbound),
    Acked(&'a Acked),
}
