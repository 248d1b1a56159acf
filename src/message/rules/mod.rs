//! What a rendered text must be for its place.
//!
//! In goes one text with its slot; out comes nothing, or the one rule it breaks. Limits: Meta, "send template messages" and
//! "messages" (`protocols/meta-cloud-api.md`, sections 1.3, 2.1 and 2.2). Meta does not say what it counts; characters here are
//! Unicode scalar values. Knows no row, no column and no provider.
//!
//! Control characters are refused everywhere, and so are U+202A–202E and U+2066–2069, which turn the direction of the text around
//! them and can make a link or an amount read as another one. Right-to-left scripts need none of them, and the harmless marks
//! (U+200E, U+200F, U+061C) pass, as do emoji with their joiners.

mod link;
mod whole;

#[cfg(test)]
mod tests;

pub(super) use whole::{Whole, duplicate};

use super::row::{Fault, Rule, excerpt};
use super::{Part, Slot, currency};
use crate::time::Timestamp;

/// Header text, rendered; footers.
const MAX_HEADER: usize = 60;
/// A template's body and each of its values; a body above buttons; captions.
const MAX_BODY: usize = 1024;
/// A plain text message.
const MAX_TEXT: usize = 4096;
/// Button ids and quick-reply payloads.
const MAX_ID: usize = 256;
/// A reply button's title.
const MAX_TITLE: usize = 20;
/// A whole link after its end was appended.
const MAX_URL: usize = 2000;
/// Template names in the catalogue.
const MAX_NAME: usize = 512;
/// Coupons, and coupons of a limited-time offer.
const MAX_COUPON: usize = 20;
const MAX_OFFER_COUPON: usize = 15;
/// File names: what common file systems hold, with room for an added number.
const MAX_FILENAME: usize = 240;
/// Uploaded files' and catalogues' ids; Meta's have 15 to 17 digits.
const MAX_DIGITS: usize = 32;

/// What a text's rules depend on besides its slot.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Around {
    /// Whether the template carries a limited-time offer.
    pub(super) offer: bool,
    /// The instant an offer must outlive; `None` before there is one.
    pub(super) now: Option<Timestamp>,
}

/// Nothing a person could see: white space and characters without width only.
pub(super) fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c.is_whitespace() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{061c}'))
}

/// Holds a rendered text to its slot's rules. An offer's end is written anew in the one form that is sent.
pub(super) fn check(slot: Slot, text: &mut String, around: Around) -> Result<(), Fault> {
    match slot.part {
        Part::Name => name(text),
        Part::Language => language(text),
        Part::HeaderText | Part::Footer => line(text, MAX_HEADER),
        Part::BodyValue | Part::CurrencyFallback | Part::DateTimeFallback => parameter(text),
        Part::LocationName | Part::LocationAddress | Part::ProductId => line(text, MAX_BODY),
        Part::MediaLink => link::media(text),
        Part::MediaId | Part::CatalogId => digits(text),
        Part::Filename => filename(text),
        Part::Latitude => degrees(text, 90),
        Part::Longitude => degrees(text, 180),
        Part::CurrencyCode => match currency::exponent(text) {
            Some(_) => Ok(()),
            None => Err(Fault::new(
                Rule::Currency,
                format!("{} is not a currency; write its ISO 4217 code, such as MXN", excerpt(text)),
            )),
        },
        Part::CurrencyAmount => amount(text),
        Part::UrlSuffix => link::suffix(text, MAX_URL),
        Part::QuickReply | Part::ReplyId => line(text, MAX_ID),
        Part::CopyCode => coupon(text, around.offer),
        Part::OfferExpires => offer_expires(text, around.now),
        Part::TextBody => paragraphs(text, MAX_TEXT),
        Part::ButtonsBody | Part::Caption => paragraphs(text, MAX_BODY),
        Part::ReplyTitle => line(text, MAX_TITLE),
    }
}

fn present(text: &str) -> Result<(), Fault> {
    if is_blank(text) {
        Err(Fault::new(Rule::Empty, "there is no text; give the column a value or write {{default name 'friend'}}"))
    } else {
        Ok(())
    }
}

fn at_most(text: &str, limit: usize) -> Result<(), Fault> {
    // Bytes are never fewer than characters, and counting them costs nothing.
    if text.len() <= limit {
        return Ok(());
    }
    let length = text.chars().count();
    if length <= limit {
        Ok(())
    } else {
        Err(Fault::new(
            Rule::TooLong,
            format!("{length} characters, at most {limit} are possible; shorten it, or write {{{{truncate name {limit}}}}}"),
        ))
    }
}

/// Refuses what nobody can see or what changes how the rest is read. Line breaks and tabs pass.
fn visible(text: &str) -> Result<(), Fault> {
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\n' | '\t' => {}
            '\r' if chars.peek() == Some(&'\n') => {}
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                return Err(Fault::new(
                    Rule::BidiControl,
                    format!("holds U+{:04X}, which turns the direction of the text around it; remove it", u32::from(c)),
                ));
            }
            c if c.is_control() => {
                return Err(Fault::new(
                    Rule::ControlCharacter,
                    format!("holds the control character U+{:04X}; remove it", u32::from(c)),
                ));
            }
            _ => {}
        }
    }
    Ok(())
}

fn unbroken(text: &str) -> Result<(), Fault> {
    if text.contains(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']) {
        Err(Fault::new(Rule::Newline, "holds a line break, which this place cannot take; remove it from the value"))
    } else if text.contains('\t') {
        Err(Fault::new(Rule::Tab, "holds a tab, which this place cannot take; remove it from the value"))
    } else {
        Ok(())
    }
}

/// One line of something.
fn line(text: &str, limit: usize) -> Result<(), Fault> {
    present(text)?;
    if !is_printable_ascii(text) {
        unbroken(text)?;
        visible(text)?;
    }
    at_most(text, limit)
}

/// Most values are, and then one pass over the bytes is all it takes.
fn is_printable_ascii(text: &str) -> bool {
    text.bytes().all(|byte| (0x20..0x7f).contains(&byte))
}

/// Free text with line breaks.
fn paragraphs(text: &str, limit: usize) -> Result<(), Fault> {
    present(text)?;
    visible(text)?;
    at_most(text, limit)
}

/// A template's value: Meta answers 132018 to line breaks, tabs and more than four spaces in a row.
fn parameter(text: &str) -> Result<(), Fault> {
    line(text, MAX_BODY)?;
    if text.contains("     ") {
        return Err(Fault::new(Rule::Spaces, "holds more than four spaces in a row; remove some from the value"));
    }
    Ok(())
}

fn name(text: &str) -> Result<(), Fault> {
    let fits =
        !text.is_empty() && text.len() <= MAX_NAME && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
    if fits {
        Ok(())
    } else {
        Err(Fault::new(
            Rule::TemplateName,
            format!("{} is not a template's name: small letters, digits and '_', at most {MAX_NAME}", excerpt(text)),
        ))
    }
}

/// Whether a text has the shape of a template language: `es`, `es_MX`, `fil`.
fn is_language(text: &str) -> bool {
    let (language, region) = text.split_once('_').map_or((text, None), |(language, region)| (language, Some(region)));
    (2..=3).contains(&language.len())
        && language.bytes().all(|byte| byte.is_ascii_lowercase())
        && region.is_none_or(|region| region.len() == 2 && region.bytes().all(|byte| byte.is_ascii_uppercase()))
}

fn language(text: &str) -> Result<(), Fault> {
    if is_language(text) {
        return Ok(());
    }
    present(text).map_err(|fault| Fault {
        detail: "there is no language; give the column a value or set fallback_language".into(),
        ..fault
    })?;
    let mended = match text.trim().split_once(['-', '_']) {
        Some((language, region)) => format!("{}_{}", language.to_ascii_lowercase(), region.to_ascii_uppercase()),
        None => text.trim().to_ascii_lowercase(),
    };
    let advice = if is_language(&mended) { format!("did you mean {mended}?") } else { "write it as es or es_MX".to_owned() };
    Err(Fault::new(Rule::Language, format!("{} is not a template's language; {advice}", excerpt(text))))
}

fn digits(text: &str) -> Result<(), Fault> {
    if !text.is_empty() && text.len() <= MAX_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(())
    } else {
        Err(Fault::new(Rule::Digits, "an id is made of digits only; take it from the upload or the catalogue"))
    }
}

fn filename(text: &str) -> Result<(), Fault> {
    line(text, MAX_FILENAME)?;
    if text.contains(['/', '\\']) || text.trim_matches(['.', ' ']).is_empty() {
        return Err(Fault::new(Rule::Filename, format!("{} is not a file's name; write it without a folder", excerpt(text))));
    }
    Ok(())
}

fn degrees(text: &str, limit: i64) -> Result<(), Fault> {
    let number = super::helper::plain_number(text)?;
    if text.trim().len() != text.len() || number.abs() > rust_decimal::Decimal::from(limit) {
        return Err(Fault::new(Rule::OutOfRange, format!("{} is not between -{limit} and {limit} degrees", excerpt(text))));
    }
    Ok(())
}

fn amount(text: &str) -> Result<(), Fault> {
    super::helper::plain_number(text)?;
    match currency::thousandths(text) {
        Some(_) => Ok(()),
        None => Err(Fault::new(Rule::Currency, format!("{} has more than three decimals, or is too large", excerpt(text)))),
    }
}

fn coupon(text: &str, offer: bool) -> Result<(), Fault> {
    present(text)?;
    if !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(Fault::new(Rule::CopyCode, "a coupon is made of the letters a-z, A-Z and digits only"));
    }
    let limit = if offer { MAX_OFFER_COUPON } else { MAX_COUPON };
    if text.len() > limit {
        let why = if offer { " in a limited-time offer" } else { "" };
        return Err(Fault::new(Rule::TooLong, format!("{} characters, a coupon{why} has at most {limit}", text.len())));
    }
    Ok(())
}

fn offer_expires(text: &mut String, now: Option<Timestamp>) -> Result<(), Fault> {
    present(text).map_err(|fault| Fault { detail: "there is no end of the offer; give the column a value".into(), ..fault })?;
    let Ok(end) = text.trim().parse::<jiff::Timestamp>() else {
        return Err(Fault::new(
            Rule::OfferExpires,
            format!("{} is not an instant; write date, time and offset: 2026-12-08T23:59-06:00", excerpt(text)),
        ));
    };
    if now.is_some_and(|now| end.as_millisecond() <= now.0) {
        return Err(Fault::new(Rule::OfferOver, format!("the offer ended at {end}; move its end or leave the row out")));
    }
    *text = end.to_string();
    Ok(())
}
