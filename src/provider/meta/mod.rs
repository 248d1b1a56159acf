//! Meta's Cloud API: a message becomes the exact bytes of a send, an answer an outcome, a webhook body events.
//!
//! One file a step: `send` encodes, `reply` classifies, `webhook` reads, all over the shapes of `wire` and the table of [`codes`].
//! Pure: it knows nothing of the network, of credentials, of the ledger or of what is done about a failure.

pub mod codes;
mod detail;
mod reply;
mod send;
mod webhook;
pub(crate) mod wire;

#[cfg(test)]
mod tests;

use std::time::Duration;

use super::contract::{Descriptor, Envelope, Event, Inexpressible, Outcome, Provider, Reply, Request, UnreadableBody};

/// The Graph API version spoken unless the settings name another: the newest, of 2026-07-29.
pub const VERSION: &str = "v26.0";

/// What is static about it.
///
/// `client_ref`: `biz_opaque_callback_data` holds 512 characters. `default_rate`: a number may send and receive 80 a second
/// together, ten are left for what people write. `grace`: 15 minutes, the ledger's default for waiting on evidence.
static DESCRIPTOR: Descriptor =
    Descriptor { kind: "meta", idempotent: false, client_ref: Some(512), default_rate: 70, grace: Duration::from_mins(15) };

/// The adapter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meta {
    version: String,
}

/// Why a version is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no Graph API version: write it like `{VERSION}`")]
pub struct BadVersion(String);

impl Meta {
    /// The adapter for [`VERSION`].
    pub fn new() -> Self {
        Self { version: VERSION.to_owned() }
    }

    /// The adapter for another version, such as `v25.0`.
    ///
    /// # Errors
    /// When it is not a `v`, a number, a dot and a number.
    pub fn with_version(version: &str) -> Result<Self, BadVersion> {
        let digits = |text: &str| !text.is_empty() && text.len() <= 3 && text.bytes().all(|byte| byte.is_ascii_digit());
        match version.strip_prefix('v').and_then(|numbers| numbers.split_once('.')) {
            Some((major, minor)) if digits(major) && digits(minor) => Ok(Self { version: version.to_owned() }),
            _ => Err(BadVersion(version.to_owned())),
        }
    }
}

impl Default for Meta {
    fn default() -> Self {
        Self::new()
    }
}

impl Provider for Meta {
    fn descriptor(&self) -> &'static Descriptor {
        &DESCRIPTOR
    }

    fn encode(&self, envelope: &Envelope<'_>) -> Result<Request, Inexpressible> {
        send::encode(&self.version, envelope)
    }

    fn classify(&self, reply: &Reply) -> Outcome {
        reply::classify(reply)
    }

    fn events(&self, body: &[u8]) -> Result<Vec<Event>, UnreadableBody> {
        webhook::events(body)
    }
}
