//! Cells that a spreadsheet takes for what they are: texts.
//!
//! A cell that a spreadsheet could run as a formula gets a leading `'`; [`unguard`] takes off exactly what [`guard`] put on, so that
//! a file can be read back. What is dangerous: `=` `+` `-` `@`, tab, carriage return and line feed at the beginning (OWASP, "CSV
//! Injection"), their full-width twins, and all of these behind white space, control characters or quotes.

use std::borrow::Cow;

fn quote(c: char) -> bool {
    matches!(c, '\'' | '"' | '`' | '\u{2018}'..='\u{201f}')
}

/// Whether a spreadsheet could run it.
fn dangerous(text: &str) -> bool {
    for c in text.chars() {
        match c {
            '=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '\u{ff1d}' | '\u{ff0b}' | '\u{ff0d}' | '\u{ff20}' => return true,
            _ if c.is_whitespace() || c.is_control() || quote(c) || matches!(c, '\u{200b}'..='\u{200f}' | '\u{feff}') => {}
            _ => return false,
        }
    }
    false
}

/// The text, with a leading `'` when a spreadsheet could run it.
pub fn guard(text: &str) -> Cow<'_, str> {
    if dangerous(text) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// The text that [`guard`] was given.
pub fn unguard(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(text) if dangerous(text) => text,
        _ => cell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn formulas_become_texts() {
        for text in [
            "=1+1",
            "+5215512345678",
            "-2",
            "@SUM(A1)",
            "\tx",
            "\rx",
            "\nx",
            "＝1",
            "＋1",
            "－1",
            "＠x",
            "  =1",
            "\"=1",
            "'=1",
            "' \"=1",
            "\u{feff}=1",
        ] {
            assert_eq!(guard(text), format!("'{text}"), "{text:?}");
        }
        for text in ["", "Ana", "5 - 3", "a=b", "'tis", "\"quoted\"", " x", "O'Brien"] {
            assert_eq!(guard(text), text, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_was_put_on_is_taken_off(text in prop_oneof![any::<String>(), "['\" \t=+@ab＝-]{0,8}"]) {
            let cell = guard(&text).into_owned();
            prop_assert_eq!(unguard(&cell), text.as_str());
            prop_assert!(!dangerous(&cell) || cell.starts_with('\''));
        }
    }
}
