//! What a provider must do: turn a message into a request, an answer into an [`Outcome`], a webhook body into [`Event`]s.
//!
//! An adapter never retries, sleeps or decides: it encodes and classifies, purely. Calling is [`Transport`]'s work.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::audience::Phone;
use crate::message::Message;
use crate::time::Timestamp;

/// What is static about a provider. Engine code asks this, never the vendor's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// The settings' word for it, such as `meta`.
    pub kind: &'static str,
    /// Whether a second request with the same key is answered with the first one's result.
    pub idempotent: bool,
    /// Whether status webhooks carry back the reference a request was given, and how long it may be.
    pub client_ref: Option<usize>,
    /// Messages a second of one sender when the settings say nothing.
    pub default_rate: u32,
    /// How long after a call evidence of it may still arrive before absence may count.
    pub grace: Duration,
}

/// One message to one person, on its way to an adapter.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'a> {
    /// The provider's id of the sending number.
    pub number_id: &'a str,
    /// Who gets it.
    pub to: Phone,
    /// What.
    pub message: &'a Message,
    /// The attempt's key: comes back in status webhooks, at most 64 characters.
    pub client_ref: &'a str,
}

/// A request, exact to the byte, without credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Path below the provider's base URL, starting with `/`.
    pub path: String,
    /// The JSON body.
    pub body: Bytes,
}

/// An answer, bounded in size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// The `Retry-After` header, when it was readable.
    pub retry_after: Option<Duration>,
    /// The body, at most 1 MiB.
    pub body: Bytes,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// No byte of the request left: not connected, not resolved, no TLS.
    #[error("not sent: {0}")]
    NotSent(String),
    /// Something may have arrived: time-out, reset, cut answer.
    #[error("no answer: {0}")]
    NoAnswer(String),
}

/// What carries requests to a provider.
#[async_trait]
pub trait Transport: Send + Sync + fmt::Debug {
    /// Makes one call, exactly once: no retry, no redirect.
    async fn post(&self, request: &Request) -> Result<Reply, TransportError>;
}

/// What is known of a call after its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The provider took it. Not yet delivered.
    Accepted {
        /// The provider's id of the message.
        provider_id: String,
        /// Taken, but held back by the provider's pacing; a later status tells.
        held: bool,
    },
    /// The provider said no, and it proves that nothing was sent.
    Refused(Failure),
    /// No byte left this machine.
    NotSent(Failure),
    /// It may or may not have been sent. The default of everything not understood.
    Unknown(Failure),
}

/// Why something failed, and how the engine reacts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The reaction.
    pub class: Class,
    /// The provider's code, such as `131047`; codes are texts at some providers.
    pub code: Option<String>,
    /// The provider's words, at most 300 characters, without phone numbers or secrets.
    pub detail: String,
    /// How long the provider asked to wait.
    pub retry_after: Option<Duration>,
}

/// How the engine reacts to a failure. Sources: the reaction classes of `protocols/meta-cloud-api.md`, section 4.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(i16)]
pub enum Class {
    /// Passing trouble at the provider: later again, few times.
    Transient = 1,
    /// The number sends too fast: slower, and this message again soon.
    SlowNumber = 2,
    /// Too much to this one person: this person alone waits, 4^x seconds.
    PairLater = 3,
    /// The person gets no more of this category today: final in this run, the person is no bad contact.
    Hold = 4,
    /// This person cannot be reached from this number: final.
    Recipient = 5,
    /// The person stopped our marketing: final.
    OptOut = 6,
    /// The window is closed: again, as the template.
    WindowClosed = 7,
    /// The template cannot be sent: stops every run that uses it.
    Template = 8,
    /// The same message must go by another endpoint or address.
    OtherPath = 9,
    /// The sending number is stopped.
    Number = 10,
    /// The token or permission is bad: stops the account until a person acts.
    Auth = 11,
    /// The account cannot pay: stops it.
    Payment = 12,
    /// The account is restricted for policy: stops it.
    Policy = 13,
    /// Our request or the row's data is wrong: final for this message; too many in a row stop the run.
    Request = 14,
    /// A code nobody has described: final for this message; too many stop the run.
    Unlisted = 15,
}

/// Something a webhook said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// About a message we sent.
    Status(StatusEvent),
    /// From a person.
    Inbound(InboundEvent),
    /// Anything else, by its field name: templates, account, preferences. Kept raw in the inbox.
    Notice {
        /// The provider's name of it.
        field: String,
    },
}

/// One status of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusEvent {
    /// The provider's id of the sending number.
    pub number_id: String,
    /// The provider's id of the message.
    pub provider_id: String,
    /// What happened.
    pub status: Status,
    /// When, by the provider's clock, to the second.
    pub at: Timestamp,
    /// The person's number, when told.
    pub recipient: Option<Phone>,
    /// The attempt's key, when echoed.
    pub client_ref: Option<String>,
    /// Why it failed, on [`Status::Failed`].
    pub failure: Option<Failure>,
    /// The pricing object as received, compact JSON.
    pub pricing: Option<String>,
    /// The conversation object as received, compact JSON.
    pub conversation: Option<String>,
}

/// The steps of a message after it was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// Left the provider.
    Sent,
    /// Reached the person's device.
    Delivered,
    /// Was read (or played).
    Read,
    /// Will not arrive.
    Failed,
}

/// One message from a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboundEvent {
    /// The provider's id of the number it was sent to.
    pub number_id: String,
    /// Who wrote.
    pub from: Phone,
    /// The provider's id of the message.
    pub provider_id: String,
    /// When, by the provider's clock, to the second.
    pub at: Timestamp,
    /// Whether it opens the customer service window.
    pub opens_window: bool,
    /// The text, button payload or reply id, when there is one.
    pub text: Option<String>,
    /// The id of the message it answers.
    pub answers: Option<String>,
}

/// Why a message cannot be put into a provider's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{provider} cannot send {what}")]
pub struct Inexpressible {
    /// The provider's kind.
    pub provider: &'static str,
    /// What it cannot send, and what it can do instead.
    pub what: String,
}

/// Why a webhook body could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unreadable webhook body: {0}")]
pub struct UnreadableBody(pub String);

/// A provider's adapter.
pub trait Provider: Send + Sync + fmt::Debug {
    /// What is static about it.
    fn descriptor(&self) -> &'static Descriptor;

    /// The exact request for a message.
    ///
    /// # Errors
    /// When the provider has no such message.
    fn encode(&self, envelope: &Envelope<'_>) -> Result<Request, Inexpressible>;

    /// What an answer means. Never fails: what is not understood is [`Outcome::Unknown`].
    fn classify(&self, reply: &Reply) -> Outcome;

    /// What a webhook body says; the signature was checked before.
    ///
    /// # Errors
    /// When the body is not the provider's.
    fn events(&self, body: &[u8]) -> Result<Vec<Event>, UnreadableBody>;
}
