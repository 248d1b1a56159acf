//! A phone number as the engine carries it: E.164 digits in one integer. Whether the number can exist is [`super::normalise()`]'s
//! question; here is only its shape, its text forms, and which numbers mean the same person.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// E.164 allows fifteen digits, country code included (ITU-T E.164, 6.2.1).
const MOST_DIGITS: u32 = 15;
/// The shortest numbers in use have seven digits with their country code (Saint Helena, +290).
const FEWEST_DIGITS: u32 = 7;

/// A phone number: E.164 digits without the plus, 7 to 15 of them.
///
/// `Display` gives the whole number (`+5215512345678`); `Debug` and [`Phone::masked`] hide its middle, so that it may stand in logs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Phone(u64);

/// A text that is not a plus sign followed by 7 to 15 digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a phone number: write a plus sign and 7 to 15 digits, country code first")]
pub struct NotAPhone;

impl Phone {
    /// What stands in a row before it is filled.
    pub(super) const NONE: Phone = Phone(0);

    /// The number with these digits; `None` unless they are 7 to 15.
    pub fn from_digits(digits: u64) -> Option<Phone> {
        (10u64.pow(FEWEST_DIGITS - 1)..10u64.pow(MOST_DIGITS)).contains(&digits).then_some(Phone(digits))
    }

    /// Reads `+5215512345678`, strictly: a plus sign and ASCII digits, nothing else.
    pub fn parse(text: &str) -> Result<Phone, NotAPhone> {
        let digits = text.strip_prefix('+').ok_or(NotAPhone)?;
        if digits.len() > MOST_DIGITS as usize || digits.starts_with('0') || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(NotAPhone);
        }
        digits.parse().ok().and_then(Phone::from_digits).ok_or(NotAPhone)
    }

    /// The digits as a number, without the plus.
    pub fn digits(self) -> u64 {
        self.0
    }

    /// `+52*****5678`: the country code and the last four digits (two of a short number). Five stars whatever they hide.
    pub fn masked(self) -> String {
        let digits = self.0.to_string();
        let code = calling_code_len(&digits);
        let national = digits.len().saturating_sub(code);
        let shown = if national > 7 { 4 } else { 2 };
        let (code, rest) = digits.split_at_checked(code).unwrap_or((digits.as_str(), ""));
        format!("+{code}*****{}", rest.get(rest.len().saturating_sub(shown)..).unwrap_or_default())
    }

    /// Whether the number is one of those that regulators keep free for films, books and examples, so that it belongs to nobody:
    /// `555-0100` to `555-0199` of North America (NANPA), `+44 7700 900000`–`900999` (Ofcom), `+33 6 39 98` (ARCEP) and
    /// `+61 491 570 006/156/157/158/159/110` (ACMA). Such rows are read like any other, so that rehearsals can use them; a real
    /// campaign has no reason to hold one.
    pub fn is_reserved_for_fiction(self) -> bool {
        let n = self.0;
        match n {
            10_000_000_000..20_000_000_000 => (5_550_100..=5_550_199).contains(&(n % 10_000_000)),
            447_700_900_000..=447_700_900_999
            | 33_639_980_000..=33_639_989_999
            | 61_491_570_006
            | 61_491_570_110
            | 61_491_570_156..=61_491_570_159 => true,
            _ => false,
        }
    }
}

/// How many leading digits are the country calling code (ITU-T E.164 assignments: zones 1 and 7 have one, these pairs two, the rest three).
fn calling_code_len(digits: &str) -> usize {
    const PAIRS: [&str; 44] = [
        "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46", "47", "48", "49", "51", "52",
        "53", "54", "55", "56", "57", "58", "60", "61", "62", "63", "64", "65", "66", "81", "82", "84", "86", "90", "91", "92",
        "93", "94", "95", "98",
    ];
    match digits.as_bytes().first() {
        Some(b'1' | b'7') => 1,
        _ if digits.get(..2).is_some_and(|pair| PAIRS.contains(&pair)) => 2,
        _ => 3,
    }
}

/// The recipient key: one number for all spellings of one person. It tells people apart; messages go to the number itself.
///
/// - Brazil: mobiles got a ninth digit between 2012 and 2016; eight digits beginning 6–9 and the same with a 9 in front are one person.
/// - Mexico: `+52 1` before mobiles was dropped in 2019; with and without are one person.
/// - Argentina: `+54 9` marks a mobile called from abroad; with and without are one person.
pub fn canonical(phone: Phone) -> Phone {
    let n = phone.0;
    match n {
        // 55, two digits of area, eight of the subscriber.
        550_000_000_000..560_000_000_000 => {
            let (area, subscriber) = (n / 100_000_000, n % 100_000_000);
            if subscriber >= 60_000_000 { Phone(area * 1_000_000_000 + 900_000_000 + subscriber) } else { phone }
        }
        5_210_000_000_000..5_220_000_000_000 => Phone(520_000_000_000 + n % 10_000_000_000),
        5_490_000_000_000..5_500_000_000_000 => Phone(540_000_000_000 + n % 10_000_000_000),
        _ => phone,
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{}", self.0)
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

impl FromStr for Phone {
    type Err = NotAPhone;

    fn from_str(text: &str) -> Result<Phone, NotAPhone> {
        Phone::parse(text)
    }
}

impl Serialize for Phone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Phone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Phone, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Phone::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_is_whole_and_debug_is_masked() {
        let phone = Phone::parse("+5215512345678").unwrap();
        assert_eq!(phone.to_string(), "+5215512345678");
        assert_eq!(format!("{phone:?}"), "+52*****5678");
        assert_eq!(Phone::parse("+14155550123").unwrap().masked(), "+1*****0123");
        assert_eq!(Phone::parse("+35312345678").unwrap().masked(), "+353*****5678");
        assert_eq!(Phone::parse("+2901234").unwrap().masked(), "+290*****34");
    }

    #[test]
    fn parse_is_strict() {
        for bad in [
            "",
            "+",
            "5215512345678",
            "+52 55",
            "+0525512345678",
            "+123456",
            "+1234567890123456",
            "+52-5512345678",
            "＋525512345678",
        ] {
            assert_eq!(Phone::parse(bad), Err(NotAPhone), "{bad}");
        }
        assert_eq!(Phone::from_digits(999_999), None);
        assert_eq!(Phone::from_digits(1_000_000_000_000_000), None);
    }

    #[test]
    fn travels_as_text() {
        let phone = Phone::parse("+5215512345678").unwrap();
        assert_eq!(serde_json::to_string(&phone).unwrap(), r#""+5215512345678""#);
        assert_eq!(serde_json::from_str::<Phone>(r#""+5215512345678""#).unwrap(), phone);
        assert!(serde_json::from_str::<Phone>("5215512345678").is_err());
    }

    #[test]
    fn one_person_has_one_key() {
        let key = |text: &str| canonical(Phone::parse(text).unwrap()).to_string();
        assert_eq!(key("+551187654321"), "+5511987654321");
        assert_eq!(key("+5511987654321"), "+5511987654321");
        assert_eq!(key("+551132345678"), "+551132345678", "a Brazilian landline has no ninth digit");
        assert_eq!(key("+5215512345678"), "+525512345678");
        assert_eq!(key("+525512345678"), "+525512345678");
        assert_eq!(key("+5491123456789"), "+541123456789");
        assert_eq!(key("+541123456789"), "+541123456789");
        assert_eq!(key("+919876543210"), "+919876543210");
    }
}
