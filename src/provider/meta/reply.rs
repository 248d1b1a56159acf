//! What an answer means: an HTTP status and a body go in, an outcome comes out.
//!
//! The body's code decides, not the status; and what is not understood is unknown, because a person may have got the message.
//! Knows no network: what came without an answer is the transport's to tell.

use super::wire::answer::{Answer, Code, Error};
use super::{codes, detail};
use crate::provider::contract::{Class, Failure, Outcome, Reply};

/// Bytes of the longest message id believed; Meta's have under 100.
const LONGEST_ID: usize = 255;

pub(super) fn classify(reply: &Reply) -> Outcome {
    if (300..400).contains(&reply.status) {
        let words = "the address answers with a redirect, which a send never follows: check the provider's base_url";
        return Outcome::Refused(failure(reply, Class::Request, None, words));
    }
    // Checked as a whole: parsing alone lets bytes pass that are no text where nobody reads them.
    let Some(answer) = str::from_utf8(&reply.body).ok().and_then(|body| serde_json::from_str::<Answer<'_>>(body).ok()) else {
        return unexplained(reply, "an answer that is not the provider's");
    };
    match (answer.error, answer.messages) {
        (Some(error), None) => refused(reply, &error),
        (None, Some(taken)) if (200..300).contains(&reply.status) => match taken.as_slice() {
            [one] if !one.id.is_empty() && one.id.len() <= LONGEST_ID => Outcome::Accepted {
                provider_id: one.id.clone().into_owned(),
                held: matches!(&*one.message_status, "held_for_quality_assessment" | "paused"),
            },
            _ => unexplained(reply, "an answer without exactly one message id"),
        },
        _ => unexplained(reply, "an answer that says neither yes nor no"),
    }
}

/// The answer says no; whether that is proof is the code's matter.
fn refused(reply: &Reply, error: &Error<'_>) -> Outcome {
    let Some(Code(code)) = error.code else {
        return unexplained(reply, "an error without a code");
    };
    let words = words(error);
    if let Some(row) = codes::find(code) {
        let mut failure = failure(reply, row.class, Some(code), words);
        failure.retry_after = failure.retry_after.or(row.wait());
        return match row.proof {
            codes::Proof::NotSent => Outcome::Refused(failure),
            codes::Proof::Nothing => Outcome::Unknown(failure),
        };
    }
    let failure = |class| failure(reply, class, Some(code), words);
    match reply.status {
        _ if error.is_transient == Some(true) => Outcome::Unknown(failure(Class::Transient)),
        401 => Outcome::Refused(failure(Class::Auth)),
        429 => Outcome::Refused(failure(Class::SlowNumber)),
        400..500 => Outcome::Refused(failure(Class::Unlisted)),
        500..600 => Outcome::Unknown(failure(Class::Transient)),
        _ => Outcome::Unknown(failure(Class::Unlisted)),
    }
}

/// Not the provider's words: a proxy, a cut, a page. Something may have been sent.
fn unexplained(reply: &Reply, words: &str) -> Outcome {
    let class = match reply.status {
        429 => Class::SlowNumber,
        500..600 => Class::Transient,
        _ => Class::Unlisted,
    };
    Outcome::Unknown(failure(reply, class, None, &format!("{words} (HTTP {})", reply.status)))
}

fn failure(reply: &Reply, class: Class, code: Option<u32>, words: &str) -> Failure {
    let code = code.map(|code| code.to_string());
    Failure { class, code, detail: detail::fit(words), retry_after: reply.retry_after }
}

/// The most telling words of an error.
pub(super) fn words<'e>(error: &'e Error<'_>) -> &'e str {
    let details = error.data.as_ref().map_or("", |data| &data.details);
    [details, &error.message, &error.title].into_iter().find(|words| !words.trim().is_empty()).unwrap_or("no words given")
}
