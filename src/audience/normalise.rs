//! One function from what people write into a phone cell to a number that can exist, or to the reason why not.
//!
//! The numbering plans are rlibphonenumber's, used only here and in [`super::region`]. What a spreadsheet damaged is refused with a
//! suggestion, never repaired silently: a wrong guess writes to a stranger.
//!
//! Landlines pass: WhatsApp Business runs on them, and many countries' plans do not tell them from mobiles. Refused are numbers
//! that nobody can have WhatsApp on, or that have no country and so neither price nor rules: premium rate, shared cost, toll-free,
//! universal access, pagers, voicemail, short codes, and the non-geographic codes (+800, +870, +883 …).

mod cell;
mod damage;

use rlibphonenumber::{NumberLengthType, PHONE_NUMBER_UTIL, ParseError, PhoneNumber, PhoneNumberType, ValidationError};

use super::{Phone, Reason, Region, repair};

/// Why a cell holds no number that can be written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct NumberProblem {
    /// Why.
    pub reason: Reason,
    /// The number that was probably meant.
    pub suggestion: Option<Phone>,
}

/// A number and the region it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number {
    pub(super) phone: Phone,
    pub(super) region: Region,
    /// Whether it may be a mobile's.
    mobile: bool,
    /// Whether it was written in a spelling of former years.
    repaired: bool,
}

/// Reads a phone cell. `default` is the country of numbers without a country code.
///
/// With a plus sign, or `00` in its place, the number says its country. Without, it is read as a number of the default country;
/// only if it is none there is it read as international, and then only as a mobile: a national number with a digit missing is
/// often some other country's landline. A number without plus and without default is refused, and so is one that can be read in
/// two ways: with and without the country's own code (`62812342941` in Indonesia), or in a spelling of former years and as
/// another country's mobile (`15512345678` in Mexico).
pub fn normalise(raw: &str, default: Option<Region>) -> Result<Phone, NumberProblem> {
    number(raw, default).map(|number| number.phone)
}

/// [`normalise`], with the number's own region.
pub(super) fn number(raw: &str, default: Option<Region>) -> Result<Number, NumberProblem> {
    let (plus, digits) = match raw.as_bytes() {
        [b'+', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    if (FEWEST_PLAIN..=MOST_PLAIN).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit) {
        return read(Digits { text: raw.strip_prefix('+').unwrap_or(raw), plus }, default);
    }
    let cell = cell::clean(raw);
    if let Some(problem) = damage::find(&cell, default) {
        return Err(problem);
    }
    let digits = cell::digits(&cell).ok_or(Reason::NotANumber)?;
    read(Digits { text: &digits.text, plus: digits.plus }, default)
}

/// Lengths at which a cell of digits alone needs no cleaning.
const FEWEST_PLAIN: usize = 3;
const MOST_PLAIN: usize = 17;

/// Digits alone, and whether a plus sign stood before them.
#[derive(Clone, Copy)]
struct Digits<'a> {
    text: &'a str,
    plus: bool,
}

impl From<Reason> for NumberProblem {
    fn from(reason: Reason) -> NumberProblem {
        NumberProblem { reason, suggestion: None }
    }
}

fn read(digits: Digits<'_>, default: Option<Region>) -> Result<Number, NumberProblem> {
    if digits.plus {
        return Ok(international(digits.text)?);
    }
    if let Some(rest) = digits.text.strip_prefix("00") {
        return Ok(international(rest)?);
    }
    let Some(region) = default else {
        let suggestion = international(digits.text).ok().map(|number| number.phone);
        return Err(NumberProblem { reason: Reason::MissingCountryCode, suggestion });
    };
    let national = library(digits.text, region.to_library());
    let own_code = region.calling_code().is_some_and(|code| begins_with(digits.text, code));
    match national {
        // Another country's reading does not count where the list's own country has one of today.
        Ok(number) if !own_code && !number.repaired => Ok(number),
        // It already is the international reading: E.164 digits read as themselves, as the corpus of the tests shows.
        Ok(number) if digits.text.parse() == Ok(number.phone.digits()) => Ok(number),
        Ok(number) => match international(digits.text) {
            Ok(other) if other.phone == number.phone => Ok(number),
            Ok(other) if own_code => Err(NumberProblem { reason: Reason::AmbiguousNumber, suggestion: Some(other.phone) }),
            Ok(other) if other.mobile => Err(Reason::AmbiguousNumber.into()),
            _ => Ok(number),
        },
        Err(reason) => match international(digits.text) {
            Ok(other) if other.mobile => Ok(other),
            Ok(other) => Err(NumberProblem { reason, suggestion: Some(other.phone) }),
            Err(_) => Err(reason.into()),
        },
    }
}

fn begins_with(digits: &str, code: u16) -> bool {
    let mut buffer = [0; 5];
    let mut rest = code;
    let mut at = buffer.len();
    while rest > 0 && at > 0 {
        at -= 1;
        if let Some(slot) = buffer.get_mut(at) {
            *slot = b'0' + u8::try_from(rest % 10).unwrap_or_default();
        }
        rest /= 10;
    }
    digits.as_bytes().starts_with(buffer.get(at..).unwrap_or_default())
}

/// The number behind a plus sign.
fn international(digits: &str) -> Result<Number, Reason> {
    // The plus sign and the longest cell of digits that comes here; no allocation a row.
    let mut buffer = [b'+'; 1 + 32];
    let Some(slot) = buffer.get_mut(1..=digits.len()) else { return Err(Reason::TooLong) };
    slot.copy_from_slice(digits.as_bytes());
    let text = buffer.get(..=digits.len()).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default();
    library(text, None)
}

/// What the numbering plans say.
fn library(text: &str, default: Option<rlibphonenumber::Region>) -> Result<Number, Reason> {
    let mut parsed = PHONE_NUMBER_UTIL.parse(text, default).map_err(|error| match error {
        ParseError::InvalidCountryCode => Reason::UnknownCallingCode,
        ParseError::TooShortAfterIdd | ParseError::TooShortNsn => Reason::TooShort,
        // What comes here is digits: too few to be looked at, or more than an integer holds.
        ParseError::NotANumber(_) if text.len() < FEWEST_PLAIN => Reason::TooShort,
        ParseError::TooLongNsn | ParseError::NotANumber(_) => Reason::TooLong,
    })?;
    let mut kind = PHONE_NUMBER_UTIL.get_number_type(&parsed);
    let mut repaired = false;
    if kind == PhoneNumberType::Unknown
        && let Some(national) = repair::today(parsed.country_code, parsed.national_number, leading_zeros(&parsed))
    {
        parsed = PhoneNumber { country_code: parsed.country_code, national_number: national, ..PhoneNumber::default() };
        repaired = true;
        kind = PHONE_NUMBER_UTIL.get_number_type(&parsed);
    }
    let region = PHONE_NUMBER_UTIL.get_region_for_number(&parsed);
    if kind == PhoneNumberType::Unknown {
        return Err(why_invalid(&parsed));
    }
    let region = region.and_then(Region::from_library).ok_or(Reason::NonGeographic)?;
    reachable(kind)?;
    let phone = e164(&parsed).ok_or(Reason::InvalidNumber)?;
    let mobile = matches!(kind, PhoneNumberType::Mobile | PhoneNumberType::FixedLineOrMobile);
    Ok(Number { phone, region, mobile, repaired })
}

fn reachable(kind: PhoneNumberType) -> Result<(), Reason> {
    match kind {
        PhoneNumberType::PremiumRate => Err(Reason::PremiumRate),
        PhoneNumberType::SharedCost => Err(Reason::SharedCost),
        PhoneNumberType::TollFree => Err(Reason::TollFree),
        PhoneNumberType::UAN => Err(Reason::UniversalAccess),
        PhoneNumberType::Pager => Err(Reason::Pager),
        PhoneNumberType::VoiceMail => Err(Reason::Voicemail),
        PhoneNumberType::Unknown => Err(Reason::InvalidNumber),
        PhoneNumberType::FixedLine
        | PhoneNumberType::Mobile
        | PhoneNumberType::FixedLineOrMobile
        | PhoneNumberType::VoIP
        | PhoneNumberType::PersonalNumber => Ok(()),
    }
}

fn why_invalid(parsed: &PhoneNumber) -> Reason {
    match PHONE_NUMBER_UTIL.is_possible_number_with_reason(parsed) {
        Err(ValidationError::TooShort) | Ok(NumberLengthType::IsPossibleLocalOnly) => Reason::TooShort,
        Err(ValidationError::TooLong) => Reason::TooLong,
        Err(ValidationError::InvalidCountryCode) => Reason::UnknownCallingCode,
        Ok(NumberLengthType::IsPossible) | Err(ValidationError::InvalidLength) => Reason::InvalidNumber,
    }
}

fn leading_zeros(parsed: &PhoneNumber) -> u32 {
    if parsed.italian_leading_zero() { u32::try_from(parsed.number_of_leading_zeros()).unwrap_or(1).max(1) } else { 0 }
}

fn e164(parsed: &PhoneNumber) -> Option<Phone> {
    let code = u64::try_from(parsed.country_code).ok()?;
    let digits = parsed.national_number.checked_ilog10().map_or(1, |log| log + 1) + leading_zeros(parsed);
    let shifted = code.checked_mul(10_u64.checked_pow(digits)?)?;
    Phone::from_digits(shifted.checked_add(parsed.national_number)?)
}

#[cfg(test)]
mod tests;
