//! Takes from a phone cell what is not part of the number: signs that cannot be seen, other scripts' digits, punctuation.

/// The cell without surrounding space, invisible signs and a spreadsheet's text mark, its digits and plus signs in ASCII.
pub(super) fn clean(raw: &str) -> String {
    let visible: String = raw.chars().filter(|&c| !is_invisible(c)).map(fold).collect();
    let text = visible.trim();
    // The apostrophe makes a spreadsheet take the rest as text; nothing of the number is lost.
    text.strip_prefix(['\'', '’']).map_or(text, str::trim_start).to_owned()
}

/// What a cell that is a number consists of.
pub(super) struct Found {
    pub(super) text: String,
    pub(super) plus: bool,
}

/// The digits of a clean cell; `None` when anything but one leading plus sign and the usual punctuation stands there.
pub(super) fn digits(cell: &str) -> Option<Found> {
    let mut found = Found { text: String::with_capacity(cell.len()), plus: false };
    for c in cell.chars() {
        match c {
            '0'..='9' => found.text.push(c),
            '+' if found.text.is_empty() && !found.plus => found.plus = true,
            c if is_separator(c) => {}
            _ => return None,
        }
    }
    (!found.text.is_empty()).then_some(found)
}

/// Spaces, dashes, dots, brackets, slashes: how people group digits.
pub(super) fn is_separator(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '.' | '·' | '•' | '(' | ')' | '[' | ']' | '/' | '_')
}

/// Marks of direction, joiners, zero-width and soft signs (Unicode general category Cf, as far as text editors insert them).
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

/// The first of the ten decimal digits of each script in which phone numbers are written.
const ZEROS: [char; 21] = [
    '\u{660}', '\u{6F0}', '\u{7C0}', '\u{966}', '\u{9E6}', '\u{A66}', '\u{AE6}', '\u{B66}', '\u{BE6}', '\u{C66}', '\u{CE6}',
    '\u{D66}', '\u{DE6}', '\u{E50}', '\u{ED0}', '\u{F20}', '\u{1040}', '\u{17E0}', '\u{1810}', '\u{FF10}', '\u{1946}',
];

fn fold(c: char) -> char {
    if c.is_ascii() {
        return c;
    }
    if matches!(c, '＋' | '﹢' | '➕' | '⁺') {
        return '+';
    }
    let digit = ZEROS.iter().find_map(|&zero| u32::from(c).checked_sub(u32::from(zero)).filter(|&d| d < 10));
    digit.and_then(|d| char::from_digit(d, 10)).unwrap_or(c)
}
