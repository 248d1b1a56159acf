//! Answers of the API, as bytes.
//!
//! In: an accepted message or a refusal. Out: a status and Meta's JSON. It must not know connections.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Serialize;

use super::codes;
use super::ledger::Message;

/// A request that is not accepted: the code and what was wrong in particular.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: u32,
    pub(super) details: Cow<'static, str>,
}

impl Refusal {
    /// A refusal with the details that usually stand with the code.
    pub(super) fn plain(code: u32) -> Self {
        Self { code, details: Cow::Borrowed(codes::code(code).details) }
    }

    /// A refusal with its own details.
    pub(super) fn new(code: u32, details: impl Into<Cow<'static, str>>) -> Self {
        Self { code, details: details.into() }
    }
}

/// What goes back: a status and a body.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) content_type: &'static str,
    pub(super) body: Bytes,
}

impl Answer {
    /// Any JSON with a status.
    pub(super) fn json(status: u16, body: impl Into<Bytes>) -> Self {
        Self { status, content_type: "application/json", body: body.into() }
    }

    /// A page that is no JSON.
    pub(super) fn html(status: u16, body: &'static str) -> Self {
        Self { status, content_type: "text/html; charset=utf-8", body: Bytes::from_static(body.as_bytes()) }
    }

    /// A refusal in Meta's shape. `trace` makes the `fbtrace_id`.
    pub(super) fn refused(refusal: &Refusal, trace: u64) -> Self {
        #[derive(Serialize)]
        struct Body<'a> {
            error: Problem<'a>,
        }
        #[derive(Serialize)]
        struct Problem<'a> {
            message: String,
            r#type: &'static str,
            code: u32,
            #[serde(skip_serializing_if = "Option::is_none")]
            error_data: Option<Data<'a>>,
            fbtrace_id: String,
        }
        #[derive(Serialize)]
        struct Data<'a> {
            messaging_product: &'static str,
            details: &'a str,
        }
        let known = codes::code(refusal.code);
        // A bad token is refused before WhatsApp is reached: plain title, no `error_data`.
        let is_token = refusal.code == 190;
        let body = Body {
            error: Problem {
                message: if is_token { known.title.to_owned() } else { format!("(#{}) {}", refusal.code, known.title) },
                r#type: "OAuthException",
                code: refusal.code,
                error_data: (!is_token).then_some(Data { messaging_product: "whatsapp", details: &refusal.details }),
                fbtrace_id: format!("A{}", data_encoding::BASE64URL_NOPAD.encode(&trace.to_be_bytes())),
            },
        };
        Self::json(known.status, serde_json::to_vec(&body).unwrap_or_default())
    }

    /// An accepted message.
    pub(super) fn accepted(message: &Message, input: &str) -> Self {
        #[derive(Serialize)]
        struct Body<'a> {
            messaging_product: &'static str,
            contacts: [Contact<'a>; 1],
            messages: [Id<'a>; 1],
        }
        #[derive(Serialize)]
        struct Contact<'a> {
            input: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            wa_id: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            user_id: Option<&'a str>,
        }
        #[derive(Serialize)]
        struct Id<'a> {
            id: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            message_status: Option<&'static str>,
        }
        let person = message.person();
        let (wa_id, user_id) = if message.is_to_user_id() { (None, Some(person)) } else { (Some(person), None) };
        let status = if message.held { "held_for_quality_assessment" } else { "accepted" };
        let body = Body {
            messaging_product: "whatsapp",
            contacts: [Contact { input, wa_id, user_id }],
            messages: [Id { id: &message.wamid, message_status: message.template.is_some().then_some(status) }],
        };
        let mut bytes = Vec::with_capacity(256);
        // Writing strings into memory cannot fail.
        serde_json::to_writer(&mut bytes, &body).ok();
        Self::json(200, bytes)
    }
}
