//! Small readers the checks share: strings that borrow, objects with their name in the refusal, media.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::simulator::answer::Refusal;

/// A JSON string, borrowed when it holds no escapes.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

impl Text<'_> {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Reads the object `name`.
pub(super) fn object<'a, T: Deserialize<'a>>(name: &str, raw: &'a RawValue) -> Result<T, Refusal> {
    serde_json::from_str(raw.get()).map_err(|error| Refusal::new(100, format!("Param {name}: {error}")))
}

/// A file, by id or link.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Media<'a> {
    #[serde(borrow)]
    pub(super) id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) link: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) caption: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) filename: Option<Text<'a>>,
    pub(super) voice: Option<bool>,
}

impl Media<'_> {
    /// Exactly one of id and link, and the link one of the web.
    pub(super) fn check_source(&self, name: &str) -> Result<(), Refusal> {
        match (&self.id, &self.link) {
            (Some(_), Some(_)) => Err(Refusal::new(100, format!("Param {name}: id and link exclude each other"))),
            (None, None) => Err(Refusal::new(131_008, format!("Param {name} must contain id or link"))),
            (Some(id), None) if id.as_str().is_empty() => Err(Refusal::new(131_009, format!("Param {name}['id'] is empty"))),
            (None, Some(link)) if !is_web(link.as_str()) => {
                Err(Refusal::new(131_009, format!("Param {name}['link'] is not a valid URL")))
            }
            _ => Ok(()),
        }
    }
}

/// Whether a text begins like a URL of the web and has a host.
pub(super) fn is_web(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/')) && !url.contains(char::is_whitespace)
}

/// A text with at most `most` characters that is not blank.
pub(super) fn check_text(name: &str, text: Option<&Text<'_>>, most: usize) -> Result<(), Refusal> {
    let Some(text) = text.map(Text::as_str) else { return Err(Refusal::new(131_008, format!("Param {name} is missing"))) };
    if text.trim().is_empty() {
        return Err(Refusal::new(131_009, format!("Param {name} must not be empty")));
    }
    check_length(name, text, most)
}

/// A text that may be absent, with at most `most` characters.
pub(super) fn check_optional(name: &str, text: Option<&Text<'_>>, most: usize) -> Result<(), Refusal> {
    text.map_or(Ok(()), |text| check_length(name, text.as_str(), most))
}

fn check_length(name: &str, text: &str, most: usize) -> Result<(), Refusal> {
    // Bytes are never fewer than characters: counting is only for texts that may be too long.
    if text.len() > most && text.chars().count() > most {
        return Err(Refusal::new(131_009, format!("Param {name} must be at most {most} characters long")));
    }
    Ok(())
}
