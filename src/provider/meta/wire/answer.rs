//! What Meta answers a send with.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Visitor};

/// An answer, good or bad. Pages `messages/send-messages`, "response", and `support/error-codes`.
#[derive(Deserialize)]
pub(crate) struct Answer<'a> {
    #[serde(borrow)]
    pub error: Option<Error<'a>>,
    #[serde(borrow)]
    pub messages: Option<Vec<Taken<'a>>>,
}

/// One message that was taken.
#[derive(Deserialize)]
pub(crate) struct Taken<'a> {
    #[serde(borrow)]
    pub id: Cow<'a, str>,
    /// `accepted`, `held_for_quality_assessment`, `paused`; missing on free-form messages.
    #[serde(borrow, default)]
    pub message_status: Cow<'a, str>,
}

/// Why not; also the `errors` of a failed status, which have a `title` too. Page `support/error-codes`.
#[derive(Deserialize)]
pub(crate) struct Error<'a> {
    pub code: Option<Code>,
    #[serde(borrow, default)]
    pub message: Cow<'a, str>,
    #[serde(borrow, default)]
    pub title: Cow<'a, str>,
    #[serde(borrow, rename = "error_data")]
    pub data: Option<ErrorData<'a>>,
    pub is_transient: Option<bool>,
}

/// The words worth reading.
#[derive(Deserialize)]
pub(crate) struct ErrorData<'a> {
    #[serde(borrow, default)]
    pub details: Cow<'a, str>,
}

/// A code: a number at Meta, a text at some that pass its answers on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Code(pub u32);

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumberOrText;
        impl Visitor<'_> for NumberOrText {
            type Value = Code;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an error code")
            }
            fn visit_u64<E: serde::de::Error>(self, code: u64) -> Result<Code, E> {
                u32::try_from(code).map(Code).map_err(E::custom)
            }
            fn visit_str<E: serde::de::Error>(self, code: &str) -> Result<Code, E> {
                code.parse().map(Code).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(NumberOrText)
    }
}
