//! Recognises what stands in phone cells instead of a number: what spreadsheets make of numbers, words for "nothing", two numbers,
//! extensions, addresses. Each has its reason, and a suggestion when nothing of the number is lost.

use super::super::{Phone, Reason, Region};
use super::{NumberProblem, cell};

/// Words and spreadsheet errors that mean that there is no value.
const NOTHING: [&str; 24] = [
    "null",
    "nil",
    "none",
    "nan",
    "na",
    "n/a",
    "n.a.",
    "n.d.",
    "s/n",
    "undefined",
    "unknown",
    "nd",
    "ninguno",
    "sin numero",
    "sin número",
    "#n/a",
    "#ref!",
    "#value!",
    "#name?",
    "#div/0!",
    "#null!",
    "#num!",
    "#n/d",
    "(null)",
];

/// What is wrong with a clean cell; `None` when it may be a number.
pub(super) fn find(cell: &str, default: Option<Region>) -> Option<NumberProblem> {
    let refuse = |reason, suggestion| Some(NumberProblem { reason, suggestion });
    let guess = |text: &str| super::normalise(text, default).ok();
    if cell.is_empty() {
        return refuse(Reason::MissingNumber, None);
    }
    if is_nothing(cell) {
        return refuse(Reason::Placeholder, None);
    }
    if let Some(formula) = cell.strip_prefix(['=', '＝', '@', '＠']) {
        let inner = formula.trim_matches(['"', ' ']);
        // A formula in a formula would recurse; only a plain number is suggested.
        return refuse(Reason::Formula, plain(inner).then(|| guess(inner)).flatten());
    }
    if let Some(digits) = scientific(cell) {
        return refuse(Reason::ScientificNotation, guess(&digits).or_else(|| with_plus(&digits)));
    }
    if let Some(whole) = decimal(cell) {
        return refuse(Reason::DecimalNumber, guess(&whole).or_else(|| with_plus(&whole)));
    }
    if cell.contains('@') {
        return refuse(Reason::EmailAddress, None);
    }
    if has_two(cell) {
        return refuse(Reason::TwoNumbers, None);
    }
    if let Some(before) = extension(cell) {
        return refuse(Reason::Extension, plain(before).then(|| guess(before)).flatten());
    }
    if let Some(rest) = cell.strip_prefix(['-', '\u{2212}', '－']) {
        return refuse(Reason::NegativeNumber, plain(rest).then(|| guess(rest)).flatten());
    }
    if cell.chars().any(char::is_alphabetic) {
        let rest = scheme(cell);
        return refuse(Reason::Letters, rest.filter(|rest| plain(rest)).and_then(guess));
    }
    None
}

/// Digits, one leading plus sign and punctuation: what may be read without coming here again.
fn plain(text: &str) -> bool {
    text.starts_with(|c: char| c == '+' || c == '(' || c.is_ascii_digit()) && cell::digits(text).is_some()
}

fn with_plus(digits: &str) -> Option<Phone> {
    super::normalise(&format!("+{digits}"), None).ok()
}

fn is_nothing(cell: &str) -> bool {
    cell.chars().all(|c| matches!(c, '-' | '.' | '?' | '_' | '—' | '–' | '*')) || NOTHING.contains(&cell.to_lowercase().as_str())
}

/// `9.19876E+11`. Inside: all its digits, when the mantissa holds them all; else nothing.
fn scientific(cell: &str) -> Option<String> {
    let (mantissa, exponent) = cell.split_once(['e', 'E'])?;
    let mantissa = mantissa.trim_start_matches(['+', '-']);
    let exponent: usize = exponent.strip_prefix('+').unwrap_or(exponent).parse().ok()?;
    let (before, after) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, ""));
    if before.is_empty() || !before.bytes().chain(after.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    // Fewer digits than the exponent says: the rest was rounded away. A shorter mantissa that ends in a real zero looks the same.
    let whole = after.len() == exponent && before.len() == 1;
    Some(if whole { format!("{before}{after}") } else { String::new() })
}

/// `919876543210.0`. Inside: the digits before the point; nothing when others than zeros stand behind it.
fn decimal(cell: &str) -> Option<String> {
    let (whole, fraction) = cell.split_once(['.', ','])?;
    let digits = whole.strip_prefix('+').unwrap_or(whole);
    let number = digits.len() >= 7 && digits.bytes().all(|b| b.is_ascii_digit());
    let decimals = (1..=2).contains(&fraction.len()) && fraction.bytes().all(|b| b.is_ascii_digit());
    let exact = fraction.bytes().all(|b| b == b'0');
    (number && decimals).then(|| if exact { digits.to_owned() } else { String::new() })
}

/// Two runs of digits long enough for a number each, with something between that does not group digits; or two plus signs; or more
/// digits than one number has, in two such runs.
fn has_two(cell: &str) -> bool {
    const LONG: usize = 7;
    let digits = |part: &str| part.chars().filter(char::is_ascii_digit).count();
    let divided = |by: &dyn Fn(char) -> bool| cell.split(by).filter(|part| digits(part) >= LONG).count() > 1;
    if cell.matches('+').count() > 1 && cell.split('+').filter(|part| digits(part) >= LONG).count() > 1 {
        return true;
    }
    divided(&|c| matches!(c, '/' | ',' | ';' | '|' | '&' | '\n' | '\r' | ':') || c.is_alphabetic())
        || (digits(cell) > 15 && divided(&char::is_whitespace))
}

/// `5512345678 x12`, `ext. 12`, `#12`, `;ext=12`. Inside: the number before it.
fn extension(cell: &str) -> Option<&str> {
    const WORDS: [&str; 9] = ["extension", "extensión", ";ext=", "ext", "int", "ramal", "anexo", "x", "#"];
    let lower = cell.to_lowercase();
    // Folding may change a letter's length; then the place found would be another.
    let lower = if lower.len() == cell.len() { lower.as_str() } else { cell };
    let at = WORDS.iter().filter_map(|word| lower.find(word)).min()?;
    let (before, after) = cell.split_at_checked(at)?;
    let digits = |part: &str| part.chars().filter(char::is_ascii_digit).count();
    let number = digits(before) >= 5 && cell::digits(before).is_some();
    (number && (1..=7).contains(&digits(after))).then(|| before.trim_end())
}

/// What stands behind `tel:`, `whatsapp:`, `https://wa.me/` or the `p:` of advertisement forms.
fn scheme(cell: &str) -> Option<&str> {
    const SCHEMES: [&str; 6] = ["https://wa.me/", "http://wa.me/", "wa.me/", "whatsapp:", "tel:", "p:"];
    SCHEMES.iter().find_map(|scheme| {
        let start = cell.get(..scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then(|| cell.get(scheme.len()..)).flatten()
    })
}
