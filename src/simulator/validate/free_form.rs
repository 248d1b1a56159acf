//! Free-form messages: their shapes and limits.
//!
//! In: the object a request's `type` names. Out: the kind for the ledger, or the refusal. Whether a window is open is not asked here.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::interactive;
use super::value::{Media, Text, check_optional, check_text, object};
use crate::simulator::answer::Refusal;

/// Longest body of a text message, longest caption, most contact cards.
const BODY_CHARS: usize = 4_096;
const CAPTION_CHARS: usize = 1_024;
const CONTACTS: usize = 257;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TextMessage<'a> {
    #[serde(borrow)]
    body: Option<Text<'a>>,
    #[serde(rename = "preview_url")]
    _preview_url: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Location<'a> {
    latitude: Option<Degree>,
    longitude: Option<Degree>,
    #[serde(borrow)]
    name: Option<Text<'a>>,
    #[serde(borrow)]
    address: Option<Text<'a>>,
}

/// Meta takes degrees as numbers and as text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Degree {
    Number(f64),
    Text(String),
}

#[derive(Deserialize)]
struct Contact<'a> {
    #[serde(borrow)]
    name: Option<Name<'a>>,
}

#[derive(Deserialize)]
struct Name<'a> {
    #[serde(borrow)]
    formatted_name: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reaction<'a> {
    #[serde(borrow)]
    message_id: Option<Text<'a>>,
    #[serde(borrow)]
    emoji: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Context<'a> {
    #[serde(borrow)]
    message_id: Option<Text<'a>>,
}

/// Checks the object of a free-form message.
pub(super) fn check(kind: &str, given: &RawValue) -> Result<String, Refusal> {
    match kind {
        "text" => check_body(given)?,
        "image" | "video" | "audio" | "document" | "sticker" => check_media(kind, given)?,
        "location" => check_location(given)?,
        "contacts" => check_contacts(given)?,
        "reaction" => check_reaction(given)?,
        "interactive" => return interactive::check(given),
        other => return Err(Refusal::new(131_051, format!("Unsupported message type: {other}"))),
    }
    Ok(kind.to_owned())
}

/// Checks the quoted message.
pub(super) fn check_context(given: &RawValue) -> Result<(), Refusal> {
    let context: Context<'_> = object("context", given)?;
    check_text("context['message_id']", context.message_id.as_ref(), 512)
}

fn check_body(given: &RawValue) -> Result<(), Refusal> {
    let text: TextMessage<'_> = object("text", given)?;
    let Some(body) = text.body.as_ref().filter(|body| !body.as_str().trim().is_empty()) else {
        return Err(Refusal::new(131_008, "Param text['body'] is missing or empty"));
    };
    if body.as_str().len() > BODY_CHARS && body.as_str().chars().count() > BODY_CHARS {
        return Err(Refusal::new(100, "Param text['body'] must be at most 4096 characters long."));
    }
    Ok(())
}

fn check_media(kind: &str, given: &RawValue) -> Result<(), Refusal> {
    let media: Media<'_> = object(kind, given)?;
    let unexpected = |key: &str| Err(Refusal::new(100, format!("Unexpected key \"{key}\" on param \"{kind}\"")));
    if media.caption.is_some() && matches!(kind, "audio" | "sticker") {
        return unexpected("caption");
    }
    if media.filename.is_some() && kind != "document" {
        return unexpected("filename");
    }
    if media.voice.is_some() && kind != "audio" {
        return unexpected("voice");
    }
    check_optional(&format!("{kind}['caption']"), media.caption.as_ref(), CAPTION_CHARS)?;
    media.check_source(kind)
}

fn check_location(given: &RawValue) -> Result<(), Refusal> {
    let location: Location<'_> = object("location", given)?;
    for (name, degree, most) in [("latitude", &location.latitude, 90.0), ("longitude", &location.longitude, 180.0)] {
        let degree = match degree {
            None => return Err(Refusal::new(131_008, format!("Param location['{name}'] is missing"))),
            Some(Degree::Number(degree)) => Some(*degree),
            Some(Degree::Text(text)) => text.parse::<f64>().ok(),
        };
        if degree.is_none_or(|degree| degree.abs() > most) {
            return Err(Refusal::new(131_009, format!("Param location['{name}'] is not a degree")));
        }
    }
    check_optional("location['name']", location.name.as_ref(), 1_000)?;
    check_optional("location['address']", location.address.as_ref(), 1_000)
}

fn check_contacts(given: &RawValue) -> Result<(), Refusal> {
    let contacts: Vec<Contact<'_>> = object("contacts", given)?;
    if !(1..=CONTACTS).contains(&contacts.len()) {
        return Err(Refusal::new(131_009, "Param contacts must hold between 1 and 257 cards"));
    }
    contacts.iter().try_for_each(|contact| {
        let name = contact.name.as_ref().and_then(|name| name.formatted_name.as_ref());
        check_text("contacts['name']['formatted_name']", name, 1_000)
    })
}

fn check_reaction(given: &RawValue) -> Result<(), Refusal> {
    let reaction: Reaction<'_> = object("reaction", given)?;
    check_text("reaction['message_id']", reaction.message_id.as_ref(), 512)?;
    if reaction.emoji.is_none() {
        return Err(Refusal::new(131_008, "Param reaction['emoji'] is missing"));
    }
    Ok(())
}
