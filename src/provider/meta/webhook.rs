//! A webhook body as events: statuses of our messages, messages from people, and a notice of everything else.
//!
//! Walks every array. Read in one typed pass; only when that fails, piece by piece, so that one malformed piece costs nothing but
//! itself and leaves a notice. The signature was checked before; order and repetition are the fold's matter.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::reply::words;
use super::wire::answer::{Code, Error};
use super::wire::webhook::{Body, Change, Entry, Message, Status as Step, Value};
use super::{codes, detail};
use crate::audience::Phone;
use crate::provider::contract::{Class, Event, Failure, InboundEvent, Status, StatusEvent, UnreadableBody};
use crate::time::Timestamp;

const OBJECT: &str = "whatsapp_business_account";
/// The field that carries statuses and people's messages.
const MESSAGES: &str = "messages";
/// Characters kept of a name Meta sent: of a field, a status.
const LONGEST_NAME: usize = 64;

type Whole<'a> = Body<'a, Entry<Change<'a, Value<'a, Step<'a>, Message<'a>>>>>;

pub(super) fn events(body: &[u8]) -> Result<Vec<Event>, UnreadableBody> {
    let body = str::from_utf8(body).map_err(|_| UnreadableBody("it is not UTF-8".to_owned()))?;
    let mut events = Vec::new();
    if let Ok(whole) = serde_json::from_str::<Whole<'_>>(body) {
        is_ours(&whole.object)?;
        for change in whole.entry.into_iter().flat_map(|entry| entry.changes) {
            if change.field == MESSAGES {
                let Value { metadata, statuses, messages } = change.value;
                let number = metadata.map(|metadata| metadata.phone_number_id);
                events.extend(statuses.into_iter().map(|said| status(number.as_deref(), said)));
                events.extend(messages.into_iter().map(|said| inbound(number.as_deref(), said)));
            } else {
                events.push(notice(&change.field));
            }
        }
        return Ok(events);
    }
    let pieces: Body<'_, &RawValue> =
        serde_json::from_str(body).map_err(|error| UnreadableBody(detail::fit(&error.to_string())))?;
    is_ours(&pieces.object)?;
    for entry in pieces.entry {
        match read::<Entry<&RawValue>>(entry) {
            Some(entry) => entry.changes.into_iter().for_each(|piece| change(piece, &mut events)),
            None => events.push(notice("unreadable entry")),
        }
    }
    Ok(events)
}

fn is_ours(object: &str) -> Result<(), UnreadableBody> {
    if object == OBJECT {
        Ok(())
    } else {
        Err(UnreadableBody(format!("its object is `{}`, not `{OBJECT}`", detail::fit(&short(object)))))
    }
}

fn read<'a, T: Deserialize<'a>>(piece: &'a RawValue) -> Option<T> {
    serde_json::from_str(piece.get()).ok()
}

fn change(piece: &RawValue, events: &mut Vec<Event>) {
    let Some(Change { field, value }) = read::<Change<'_, &RawValue>>(piece) else {
        events.push(notice("unreadable change"));
        return;
    };
    if field != MESSAGES {
        events.push(notice(&field));
        return;
    }
    let Some(Value { metadata, statuses, messages }) = read::<Value<'_, &RawValue, &RawValue>>(value) else {
        events.push(notice("messages: unreadable"));
        return;
    };
    let number = metadata.map(|metadata| metadata.phone_number_id);
    let number = number.as_deref();
    events.extend(
        statuses
            .into_iter()
            .map(|piece| read(piece).map_or_else(|| notice("messages: unreadable status"), |said| status(number, said))),
    );
    events.extend(
        messages
            .into_iter()
            .map(|piece| read(piece).map_or_else(|| notice("messages: unreadable message"), |said| inbound(number, said))),
    );
}

fn notice(field: &str) -> Event {
    Event::Notice { field: short(field) }
}

fn short(name: &str) -> String {
    name.chars().take(LONGEST_NAME).collect()
}

fn status(number: Option<&str>, said: Step<'_>) -> Event {
    let Some(number) = number else {
        return notice("messages: status of no number");
    };
    let status = match &*said.step {
        "sent" => Status::Sent,
        "delivered" => Status::Delivered,
        // A voice message is played rather than read.
        "read" | "played" => Status::Read,
        "failed" => Status::Failed,
        other => return notice(&format!("messages: status {other}")),
    };
    Event::Status(StatusEvent {
        number_id: number.to_owned(),
        provider_id: said.id,
        status,
        at: Timestamp::from_secs(said.timestamp.0),
        recipient: phone(&said.recipient_id),
        client_ref: said.biz_opaque_callback_data,
        failure: (status == Status::Failed).then(|| failure(&said.errors)),
        pricing: said.pricing.map(compact),
        conversation: said.conversation.map(compact),
    })
}

fn failure(errors: &[Error<'_>]) -> Failure {
    let Some(error) = errors.first() else {
        let detail = "failed without a reason".to_owned();
        return Failure { class: Class::Unlisted, code: None, detail, retry_after: None };
    };
    let row = error.code.and_then(|Code(code)| codes::find(code));
    Failure {
        class: row.map_or(Class::Unlisted, |row| row.class),
        code: error.code.map(|Code(code)| code.to_string()),
        detail: detail::fit(words(error)),
        retry_after: row.and_then(codes::Row::wait),
    }
}

fn inbound(number: Option<&str>, said: Message<'_>) -> Event {
    let Some(number) = number else {
        return notice("messages: message to no number");
    };
    let Some(from) = phone(&said.from) else {
        return notice("messages: message from a person without a phone number");
    };
    let opens_window = opens_window(&said.r#type);
    let answered = said.context.and_then(|context| context.id).or(said.reaction.and_then(|reaction| reaction.message_id));
    let text = said
        .text
        .map(|text| text.body)
        .or_else(|| said.button.and_then(|button| button.payload.or(button.text)))
        .or_else(|| said.interactive.and_then(|chosen| chosen.button_reply.or(chosen.list_reply)).map(|choice| choice.id))
        .or_else(|| said.image.or(said.video).or(said.document).and_then(|file| file.caption));
    Event::Inbound(InboundEvent {
        number_id: number.to_owned(),
        from,
        provider_id: said.id,
        at: Timestamp::from_secs(said.timestamp.0),
        opens_window,
        text,
        answers: answered,
    })
}

/// Whether a message of this kind opens the customer service window (`protocols/meta-cloud-api.md`, section 6.1). Reactions, edits
/// and revocations are not stated to, system messages are stated not to, and a kind nobody has described is not counted on.
fn opens_window(kind: &str) -> bool {
    matches!(
        kind,
        "text"
            | "image"
            | "video"
            | "audio"
            | "voice"
            | "document"
            | "sticker"
            | "location"
            | "contacts"
            | "order"
            | "button"
            | "interactive"
            | "unsupported"
    )
}

/// A `wa_id`: digits without a plus, sometimes with one.
fn phone(digits: &str) -> Option<Phone> {
    let digits = digits.strip_prefix('+').unwrap_or(digits);
    if digits.bytes().all(|byte| byte.is_ascii_digit()) { digits.parse().ok().and_then(Phone::from_digits) } else { None }
}

/// JSON without the white space between its tokens; everything else as it was.
fn compact(raw: &RawValue) -> String {
    let mut compact = String::with_capacity(raw.get().len());
    let (mut quoted, mut escaped) = (false, false);
    for char in raw.get().chars() {
        if quoted {
            (quoted, escaped) = (escaped || char != '"', !escaped && char == '\\');
        } else if matches!(char, ' ' | '\t' | '\n' | '\r') {
            continue;
        } else {
            quoted = char == '"';
        }
        compact.push(char);
    }
    compact
}
