//! Figures as people read them: grouped digits, human durations, percentages that never lie about all or nothing, harmless text.

use std::borrow::Cow;
use std::fmt::Write as _;

/// A number; from 10,000 on with separators.
pub fn number(value: u64) -> String {
    let digits = value.to_string();
    if value < 10_000 {
        return digits;
    }
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `part` in percent of `whole`, one decimal, rounded half up. Some is never shown as none, nor nearly all as all; empty when there
/// is no whole.
pub fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return String::new();
    }
    let (part, whole) = (u128::from(part), u128::from(whole));
    let tenths = (part * 2_000 + whole) / (whole * 2);
    match tenths {
        0 if part > 0 => "<0.1%".to_owned(),
        1000 if part < whole => ">99.9%".to_owned(),
        _ => format!("{}.{}%", tenths / 10, tenths % 10),
    }
}

/// A span in its two largest units, such as `20m 10s`; below a second in milliseconds, below ten with one decimal (cut, not rounded).
pub fn duration(millis: u64) -> String {
    let secs = millis / 1000;
    match secs {
        0 => format!("{millis}ms"),
        1..10 => format!("{secs}.{}s", millis % 1000 / 100),
        10..60 => format!("{secs}s"),
        60..3_600 => format!("{}m {:02}s", secs / 60, secs % 60),
        3_600..86_400 => format!("{}h {:02}m", secs / 3_600, secs / 60 % 60),
        _ => format!("{}d {:02}h", secs / 86_400, secs / 3_600 % 24),
    }
}

/// A span between two clocks of which one knows whole seconds only: nothing is said below one.
pub fn whole_seconds(millis: u64) -> String {
    match millis / 1000 {
        0 => "under 1s".to_owned(),
        secs @ 1..10 => format!("{secs}s"),
        _ => duration(millis),
    }
}

/// A text of unknown origin, harmless on a terminal: control characters and those that turn the writing direction are spelt out.
pub fn harmless(text: &str) -> Cow<'_, str> {
    let bad = |c: char| {
        c.is_control() || matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(bad) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if bad(c) {
            // Writing to a String cannot fail.
            write!(shown, "{}", c.escape_default()).unwrap_or_default();
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn separators_from_ten_thousand_on() {
        assert_eq!(number(0), "0");
        assert_eq!(number(9_999), "9999");
        assert_eq!(number(10_000), "10,000");
        assert_eq!(number(123_456), "123,456");
        assert_eq!(number(u64::MAX), "18,446,744,073,709,551,615");
    }

    #[test]
    fn percentages_never_hide_a_remainder() {
        assert_eq!(percent(0, 0), "");
        assert_eq!(percent(0, 7), "0.0%");
        assert_eq!(percent(1, 3), "33.3%");
        assert_eq!(percent(2, 3), "66.7%");
        assert_eq!(percent(1, 10_000_000), "<0.1%");
        assert_eq!(percent(9_999_999, 10_000_000), ">99.9%");
        assert_eq!(percent(7, 7), "100.0%");
        assert_eq!(percent(u64::MAX, 1), "1844674407370955161500.0%");
    }

    #[test]
    fn durations_in_two_units() {
        let shown: Vec<_> = [0, 999, 1_000, 9_990, 10_000, 61_000, 3_600_000, 86_400_000, 266_400_000].map(duration).into();
        assert_eq!(shown, ["0ms", "999ms", "1.0s", "9.9s", "10s", "1m 01s", "1h 00m", "1d 00h", "3d 02h"]);
    }

    #[test]
    fn spans_of_whole_seconds_claim_no_more() {
        let shown: Vec<_> = [0, 999, 1_000, 9_000, 10_000, 61_000].map(whole_seconds).into();
        assert_eq!(shown, ["under 1s", "under 1s", "1s", "9s", "10s", "1m 01s"]);
    }

    #[test]
    fn escape_sequences_and_turned_text_are_spelt_out() {
        assert_eq!(harmless("Añá 漢"), "Añá 漢");
        assert_eq!(harmless("a\u{1b}[2Jb\n\u{202e}c"), "a\\u{1b}[2Jb\\n\\u{202e}c");
    }

    proptest! {
        #[test]
        fn separators_change_nothing_else(value: u64) {
            prop_assert_eq!(number(value).replace(',', "").parse::<u64>().unwrap(), value);
        }

        #[test]
        fn nothing_harmful_is_left(text in any::<String>()) {
            prop_assert!(!harmless(&text).chars().any(char::is_control));
        }
    }
}
