//! Helpers that change letters.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::Arguments;
use crate::message::program::Val;
use crate::message::row::{Fault, Rule, excerpt};
use crate::message::rules::is_blank;

/// All but RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

fn text<'a>(text: impl Into<Cow<'a, str>>) -> Val<'a> {
    Val::Text(text.into())
}

pub(super) fn default<'a>(with: &Arguments<'_, 'a>) -> Val<'a> {
    let first = with.values.iter().position(|value| !is_blank(value.as_str())).unwrap_or(with.values.len().saturating_sub(1));
    with.take(first)
}

pub(super) fn upper<'a>(with: &Arguments<'_, 'a>) -> Val<'a> {
    text(with.get(0).to_uppercase())
}

pub(super) fn lower<'a>(with: &Arguments<'_, 'a>) -> Val<'a> {
    text(with.get(0).to_lowercase())
}

pub(super) fn title<'a>(with: &Arguments<'_, 'a>) -> Val<'a> {
    let mut out = String::with_capacity(with.get(0).len());
    // An apostrophe ends no word: "don't" keeps its small t.
    let mut inside = false;
    for c in with.get(0).to_lowercase().chars() {
        if inside || !c.is_alphanumeric() {
            out.push(c);
        } else {
            out.extend(c.to_uppercase());
        }
        inside = c.is_alphanumeric() || matches!(c, '\'' | '’') || joins(c);
    }
    text(out)
}

pub(super) fn trim<'a>(with: &Arguments<'_, 'a>) -> Val<'a> {
    text(with.get(0).trim().to_owned())
}

pub(super) fn url_encode<'a>(with: &Arguments<'_, 'a>) -> Val<'a> {
    text(utf8_percent_encode(with.get(0), RESERVED).to_string())
}

pub(super) fn truncate<'a>(with: &Arguments<'_, 'a>) -> Result<Val<'a>, Fault> {
    let limit = limit(with.get(1))
        .ok_or_else(|| Fault::new(Rule::Argument, format!("{} is not a length of 1 to 4096 characters", excerpt(with.get(1)))))?;
    let value = with.get(0);
    if value.chars().count() <= limit {
        return Ok(text(value.to_owned()));
    }
    let mut kept: Vec<char> = value.chars().take(limit).collect();
    // One place is the ellipsis'. What belongs to the character before it must not be torn off: 👩‍🚀 would become 👩.
    kept.pop();
    while let Some(next) = value.chars().nth(kept.len()) {
        if joins(next) || kept.last().is_some_and(|last| *last == '\u{200d}') {
            kept.pop();
        } else {
            break;
        }
        if kept.is_empty() {
            break;
        }
    }
    while kept.last().is_some_and(|last| last.is_whitespace()) {
        kept.pop();
    }
    kept.push('…');
    Ok(text(kept.into_iter().collect::<String>()))
}

/// Whether a character is drawn as part of the one before it.
fn joins(c: char) -> bool {
    matches!(c, '\u{200d}' | '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}')
}

fn limit(text: &str) -> Option<usize> {
    text.parse().ok().filter(|limit| (1..=4096).contains(limit))
}

pub(super) fn check_truncate(values: &[Option<String>], _: &[(&str, Option<String>)]) -> Result<(), String> {
    match values.get(1) {
        Some(Some(text)) if limit(text).is_none() => Err(format!("{} is not a length of 1 to 4096 characters", excerpt(text))),
        _ => Ok(()),
    }
}
