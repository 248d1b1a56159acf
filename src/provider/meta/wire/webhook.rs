//! What Meta posts to a webhook. Nothing here refuses an unknown field: Meta adds them without notice.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Visitor};
use serde_json::value::RawValue;

use super::answer::Error;

/// A body. Page `webhooks/overview`; `V` is what a change says.
#[derive(Deserialize)]
#[serde(bound(deserialize = "E: Deserialize<'de>"))]
pub(crate) struct Body<'a, E> {
    #[serde(borrow)]
    pub object: Cow<'a, str>,
    pub entry: Vec<E>,
}

/// The changes of one account.
#[derive(Deserialize)]
#[serde(bound(deserialize = "C: Deserialize<'de>"))]
pub(crate) struct Entry<C> {
    pub changes: Vec<C>,
}

/// One change.
#[derive(Deserialize)]
#[serde(bound(deserialize = "V: Deserialize<'de>"))]
pub(crate) struct Change<'a, V> {
    #[serde(borrow)]
    pub field: Cow<'a, str>,
    pub value: V,
}

/// What field `messages` says; every field is missing from what other fields say. Page `webhooks/reference/messages`.
#[derive(Deserialize)]
#[serde(bound(deserialize = "S: Deserialize<'de>, M: Deserialize<'de>"))]
pub(crate) struct Value<'a, S, M> {
    #[serde(borrow)]
    pub metadata: Option<Metadata<'a>>,
    #[serde(default = "Vec::new")]
    pub statuses: Vec<S>,
    #[serde(default = "Vec::new")]
    pub messages: Vec<M>,
}

/// Whose number it is about.
#[derive(Deserialize)]
pub(crate) struct Metadata<'a> {
    #[serde(borrow)]
    pub phone_number_id: Cow<'a, str>,
}

/// A step of a message we sent. Page `webhooks/reference/messages/status`.
#[derive(Deserialize)]
pub(crate) struct Status<'a> {
    pub id: String,
    #[serde(borrow, rename = "status")]
    pub step: Cow<'a, str>,
    pub timestamp: Seconds,
    /// Missing when a person hides the number.
    #[serde(borrow, default)]
    pub recipient_id: Cow<'a, str>,
    pub biz_opaque_callback_data: Option<String>,
    #[serde(borrow)]
    pub pricing: Option<&'a RawValue>,
    #[serde(borrow)]
    pub conversation: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub errors: Vec<Error<'a>>,
}

/// A message from a person. Pages `webhooks/reference/messages/*`.
#[derive(Deserialize)]
pub(crate) struct Message<'a> {
    /// Missing when a person hides the number.
    #[serde(borrow, default)]
    pub from: Cow<'a, str>,
    pub id: String,
    pub timestamp: Seconds,
    #[serde(borrow)]
    pub r#type: Cow<'a, str>,
    pub context: Option<Context>,
    pub text: Option<Text>,
    pub button: Option<Button>,
    pub interactive: Option<Interactive>,
    pub reaction: Option<Reaction>,
    pub image: Option<Captioned>,
    pub video: Option<Captioned>,
    pub document: Option<Captioned>,
}

/// What a message answers.
#[derive(Deserialize)]
pub(crate) struct Context {
    pub id: Option<String>,
}

/// Page `webhooks/reference/messages/text`.
#[derive(Deserialize)]
pub(crate) struct Text {
    pub body: String,
}

/// A template's quick reply. Page `webhooks/reference/messages/button`.
#[derive(Deserialize)]
pub(crate) struct Button {
    pub payload: Option<String>,
    pub text: Option<String>,
}

/// A reply button, or a row of a list. Page `webhooks/reference/messages/interactive`.
#[derive(Deserialize)]
pub(crate) struct Interactive {
    pub button_reply: Option<Choice>,
    pub list_reply: Option<Choice>,
}

/// What was chosen.
#[derive(Deserialize)]
pub(crate) struct Choice {
    pub id: String,
}

/// Page `webhooks/reference/messages/reaction`.
#[derive(Deserialize)]
pub(crate) struct Reaction {
    pub message_id: Option<String>,
}

/// A file with words below it. Pages `webhooks/reference/messages/image` and its like.
#[derive(Deserialize)]
pub(crate) struct Captioned {
    pub caption: Option<String>,
}

/// Unix seconds: a text in statuses and messages, a number elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seconds(pub i64);

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumberOrText;
        impl Visitor<'_> for NumberOrText {
            type Value = Seconds;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("Unix seconds")
            }
            fn visit_u64<E: serde::de::Error>(self, seconds: u64) -> Result<Seconds, E> {
                i64::try_from(seconds).map(Seconds).map_err(E::custom)
            }
            fn visit_str<E: serde::de::Error>(self, seconds: &str) -> Result<Seconds, E> {
                seconds.parse::<u64>().map_err(E::custom).and_then(|seconds| self.visit_u64(seconds))
            }
        }
        deserializer.deserialize_any(NumberOrText)
    }
}
