//! The provider's words made fit to keep: bounded, on one line, without phone numbers, tokens and message ids.

/// Characters kept.
const LONGEST: usize = 300;
/// Digits that make a run a phone number: shorter ones are amounts, limits and years.
const PHONE_DIGITS: usize = 6;
/// Characters that make a word an access token or a message id, which holds a phone number inside.
const SECRET_LENGTH: usize = 32;
const MASK: &str = "***";

/// `words` fit to keep. Error codes, six digits and more themselves, stay.
pub(super) fn fit(words: &str) -> String {
    let mut kept = String::with_capacity(words.len().min(LONGEST));
    let mut rest = words;
    while let Some(first) = rest.chars().next() {
        let secret = rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || b"_-|=.".contains(byte)).count();
        let (digits, length) = number(rest);
        let taken = if secret >= SECRET_LENGTH {
            kept.push_str(MASK);
            secret
        } else if digits >= PHONE_DIGITS {
            let run = rest.get(..length).unwrap_or_default();
            let code = run.len() == digits && run.parse().is_ok_and(|code| super::codes::find(code).is_some());
            kept.push_str(if code || kept.ends_with("(#") { run } else { MASK });
            length
        } else if digits > 0 {
            // What was counted as one number is kept as one, so that its tail is not looked at again.
            kept.push_str(rest.get(..length).unwrap_or_default());
            length
        } else if secret > 0 && first.is_ascii_alphabetic() {
            let word = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
            kept.push_str(rest.get(..word).unwrap_or_default());
            word
        } else {
            kept.push(if first.is_control() { ' ' } else { first });
            first.len_utf8()
        };
        rest = rest.get(taken..).unwrap_or_default();
    }
    match kept.char_indices().nth(LONGEST) {
        None => kept,
        Some(_) => kept.chars().take(LONGEST - 1).chain(['…']).collect(),
    }
}

/// Digits in the number at the start of `text`, written with or without a plus, spaces, dashes, dots and brackets, and its length.
fn number(text: &str) -> (usize, usize) {
    let (mut digits, mut length, mut gap) = (0, 0, 0);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'0'..=b'9' => {
                digits += 1;
                length = at + 1;
                gap = 0;
            }
            b'+' if at == 0 => {}
            b' ' | b'-' | b'.' | b'(' | b')' if digits > 0 && gap < 2 => gap += 1,
            _ => break,
        }
    }
    (digits, length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_kept_and_people_are_not() {
        for (words, kept) in [
            ("Recipient +1 (650) 555-1234 is gone", "Recipient *** is gone"),
            ("16505551234", "***"),
            ("to 16505551234.", "to ***."),
            ("(#131030) Recipient not in list", "(#131030) Recipient not in list"),
            ("(#999999) new", "(#999999) new"),
            ("code 131047 again", "code 131047 again"),
            ("body has 1025 of 1024 characters", "body has 1025 of 1024 characters"),
            ("more than 4 consecutive spaces", "more than 4 consecutive spaces"),
            ("Malformed access token EAAGm0PX4ZCpsBAKZCu9XhQf2xZAjkWZC", "Malformed access token ***"),
            ("wamid.HBgLMTY1MDU1NTEyMzQVAgARGBI5QTNDQTVCM0Q0Q0Q2RTY3RTcA gone", "*** gone"),
            ("línea\nnueva\t✓", "línea nueva ✓"),
            ("", ""),
        ] {
            assert_eq!(fit(words), kept, "{words}");
        }
    }

    #[test]
    fn long_words_end_in_an_ellipsis() {
        let kept = fit(&"no ".repeat(200));
        assert_eq!(kept.chars().count(), LONGEST);
        assert!(kept.ends_with('…'));
        assert_eq!(fit(&"né ".repeat(100)).chars().count(), LONGEST);
    }
}
