//! What a row brings to rendering, and what can be wrong with it.

use std::fmt;

use super::Slot;
use crate::time::Timestamp;

/// What rendering a row may know besides its values.
#[derive(Clone, Copy, Debug, Default)]
pub struct RowContext<'a> {
    /// The person's language, such as `es_MX`, for helpers that write dates, numbers and money. When it is `None` or blank, a
    /// template's own rendered language counts, and for free-form messages the fallback.
    pub language: Option<&'a str>,
    /// Taken as the template's language when the row's renders to nothing.
    pub fallback_language: Option<&'a str>,
    /// The instant a limited-time offer must outlive.
    pub now: Timestamp,
}

/// Why a row cannot be sent as it is. Closed; the words are stored and reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    /// The row has no cell for a column the text uses.
    MissingVariable,
    /// The text is empty, or nothing but white space, where something must stand.
    Empty,
    /// A line break where none may be.
    Newline,
    /// A tab where none may be.
    Tab,
    /// More than four spaces in a row in a template value.
    Spaces,
    /// A control character that nobody can see.
    ControlCharacter,
    /// A character that turns the direction of the text around it (U+202A–202E, U+2066–2069): it can make a link or an amount read
    /// as another one.
    BidiControl,
    /// Longer than its place takes.
    TooLong,
    /// Not a number in plain form.
    NotANumber,
    /// A number that can be read in two ways.
    AmbiguousNumber,
    /// Not a date or time in ISO form.
    NotADate,
    /// A date that can be read in several ways.
    AmbiguousDate,
    /// Not a currency of ISO 4217, or an amount with more decimals than it has.
    Currency,
    /// Outside its range.
    OutOfRange,
    /// A helper was given something it cannot work with.
    Argument,
    /// A helper needs to know the language, or has no words for it.
    UnknownLocale,
    /// Not an `https` link that the provider can fetch from the public internet.
    MediaLink,
    /// Not the end of a link in percent-encoded form.
    UrlSuffix,
    /// A coupon with other characters than letters and digits.
    CopyCode,
    /// An id that is not made of digits.
    Digits,
    /// Not a template's language code.
    Language,
    /// Not a template's name.
    TemplateName,
    /// A file name that is none.
    Filename,
    /// Not an instant.
    OfferExpires,
    /// The offer is over.
    OfferOver,
    /// Two buttons that cannot be told apart.
    Duplicate,
}

impl Rule {
    /// The stored word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MissingVariable => "missing_variable",
            Self::Empty => "empty",
            Self::Newline => "newline",
            Self::Tab => "tab",
            Self::Spaces => "spaces",
            Self::ControlCharacter => "control_character",
            Self::BidiControl => "bidi_control",
            Self::TooLong => "too_long",
            Self::NotANumber => "not_a_number",
            Self::AmbiguousNumber => "ambiguous_number",
            Self::NotADate => "not_a_date",
            Self::AmbiguousDate => "ambiguous_date",
            Self::Currency => "currency",
            Self::OutOfRange => "out_of_range",
            Self::Argument => "argument",
            Self::UnknownLocale => "unknown_locale",
            Self::MediaLink => "media_link",
            Self::UrlSuffix => "url_suffix",
            Self::CopyCode => "copy_code",
            Self::Digits => "digits",
            Self::Language => "language",
            Self::TemplateName => "template_name",
            Self::Filename => "filename",
            Self::OfferExpires => "offer_expires",
            Self::OfferOver => "offer_over",
            Self::Duplicate => "duplicate",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why one row cannot be rendered. Says what is wrong and what to do, without the row's place in its file, and without more of its
/// values than a date or a number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{slot}{}: {detail}", DisplayColumn(column.as_deref()))]
pub struct RowProblem {
    /// The text it is about.
    pub slot: Slot,
    /// The column whose value is at fault, when it is one.
    pub column: Option<String>,
    /// What was broken.
    pub rule: Rule,
    /// What is wrong and what to do, in lower case.
    pub detail: String,
}

struct DisplayColumn<'a>(Option<&'a str>);

impl fmt::Display for DisplayColumn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(column) => write!(f, " (column '{column}')"),
            None => Ok(()),
        }
    }
}

/// A broken rule on the way up, before its slot is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) rule: Rule,
    pub(super) detail: String,
    /// The column at fault, when the one who noticed knows.
    pub(super) column: Option<u32>,
}

impl Fault {
    pub(super) fn new(rule: Rule, detail: impl Into<String>) -> Self {
        Self { rule, detail: detail.into(), column: None }
    }
}

/// The beginning of a value, short enough to show, with long runs of digits (a phone number in the wrong column) covered.
pub(super) fn excerpt(value: &str) -> String {
    let short: String = value.chars().take(24).collect();
    let digits = short.chars().filter(char::is_ascii_digit).count();
    let covered: String =
        if digits > 8 { short.chars().map(|c| if c.is_ascii_digit() { '•' } else { c }).collect() } else { short.clone() };
    let more = if short.len() < value.len() { "…" } else { "" };
    format!("'{}{more}'", covered.escape_debug())
}
