//! What a campaign file says about its list. Plain data; everything is checked when the list is opened.

use super::Phone;

/// Which columns of a list mean what, and what the list does not say itself.
///
/// Column names are looked up exactly first, then with case and spaces folded.
#[derive(Debug, Clone, Default)]
pub struct AudienceSpec {
    /// The column of the phone number. `None` = the one header that obviously is one (`phone`, `mobile`, `telefono`,
    /// `celular`, `whatsapp`, `msisdn` …); an error when none or two fit.
    pub phone: Option<String>,
    /// ISO 3166 region, two upper-case letters, of numbers that stand without their country code.
    pub country: Option<String>,
    /// A column with that region, asked before [`AudienceSpec::country`]; an empty cell falls back to it.
    pub country_column: Option<String>,
    /// The delimiter, instead of the one found by counting.
    pub delimiter: Option<u8>,
    /// The encoding's label (`utf-8`, `windows-1252`, `utf-16le` …), instead of the one found. A byte order mark still wins.
    pub encoding: Option<String>,
    /// The column that says whether the person agreed. Unknown words mean no.
    pub consent: Option<String>,
    /// The column of the person's language, a tag such as `es_MX`.
    pub language: Option<String>,
    /// The column of the person's time zone, an IANA name such as `America/Mexico_City`.
    pub timezone: Option<String>,
    /// The columns whose values are kept for the campaign's texts, in this order. No other value is kept.
    pub columns: Vec<String>,
    /// Our own sending numbers: a row with one of them is rejected.
    pub own_numbers: Vec<Phone>,
}
