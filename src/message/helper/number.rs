//! Numbers: how they are read, and the helpers that write them.
//!
//! A plain number is digits with at most one decimal point, and a sign. Commas, spaces and apostrophes are refused unless the text
//! says which sign the decimals have, and so is a point before exactly three digits: `1.234` is a thousand and something in half
//! the world. Nothing is guessed.

use std::borrow::Cow;

use rust_decimal::{Decimal, RoundingStrategy};

use super::Arguments;
use crate::message::program::Val;
use crate::message::row::{Fault, Rule, excerpt};

/// The longest number that is looked at.
const MAX_DIGITS: usize = 28;

/// Reads a plain number.
pub(in crate::message) fn plain(text: &str) -> Result<Decimal, Fault> {
    let text = text.trim();
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(whole, fraction)| (whole, Some(fraction)));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if all_digits(whole)
        && fraction.is_none_or(all_digits)
        && digits.len() <= MAX_DIGITS
        && let Ok(number) = Decimal::from_str_exact(text)
    {
        return Ok(number);
    }
    let grouped = digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.chars().all(|c| c.is_ascii_digit() || matches!(c, ',' | '.' | '\'' | '’' | ' ' | '\u{a0}' | '\u{202f}'));
    if text.is_empty() {
        Err(Fault::new(Rule::NotANumber, "there is no number; give the column a value or use {{default amount '0'}}"))
    } else if grouped && digits.len() <= MAX_DIGITS {
        Err(Fault::new(
            Rule::AmbiguousNumber,
            format!(
                "{} can be read in several ways; write plain digits with a decimal point, or say decimal=',' (or '.')",
                excerpt(text)
            ),
        ))
    } else {
        Err(Fault::new(Rule::NotANumber, format!("{} is not a number; write plain digits with a decimal point", excerpt(text))))
    }
}

/// Reads a number of a column whose decimal sign is known, or a plain one. `decimals` says whether three of them are usual.
pub(super) fn read(with: &Arguments<'_, '_>, decimals: u32) -> Result<Decimal, Fault> {
    let text = with.get(0).trim();
    if let Some(sign) = with.option("decimal") {
        return grouped(text, sign);
    }
    let number = plain(text)?;
    let whole = number.trunc().abs();
    if number.scale() == 3 && decimals != 3 && !whole.is_zero() && whole < Decimal::ONE_THOUSAND {
        return Err(Fault::new(
            Rule::AmbiguousNumber,
            format!("{} can be read in two ways; say decimal='.' or decimal=','", excerpt(text)),
        ));
    }
    Ok(number)
}

fn grouped(text: &str, sign: &str) -> Result<Decimal, Fault> {
    let group: &[char] = match sign {
        "," => &['.', ' ', '\'', '’', '\u{a0}', '\u{202f}'],
        "." => &[',', ' ', '\'', '’', '\u{a0}', '\u{202f}'],
        _ => return Err(Fault::new(Rule::Argument, "decimal takes ',' or '.'")),
    };
    let wrong = || Fault::new(Rule::NotANumber, format!("{} is not a number with the decimal sign '{sign}'", excerpt(text)));
    let (whole, fraction) = text.split_once(sign).map_or((text, None), |(whole, fraction)| (whole, Some(fraction)));
    let digits = whole.strip_prefix(['-', '+']).unwrap_or(whole);
    // Groups are of three, or of two before the last three as in India: '1.23' with a decimal comma is no 123.
    let parts: Vec<&str> = digits.split(group).collect();
    let last = parts.len() - 1;
    let well_grouped = last == 0
        || parts.iter().enumerate().all(|(at, part)| match at {
            0 => (1..=3).contains(&part.len()),
            at if at == last => part.len() == 3,
            _ => (2..=3).contains(&part.len()),
        });
    if !well_grouped {
        return Err(wrong());
    }
    let mut bare: String = whole.split(group).collect();
    if let Some(fraction) = fraction {
        bare.push('.');
        bare.push_str(fraction);
    }
    plain(&bare).map_err(|_| wrong())
}

pub(super) fn number<'a>(with: &Arguments<'_, 'a>) -> Result<Val<'a>, Fault> {
    let mut number = read(with, 0)?;
    if let Some(digits) = with.option("digits") {
        let digits = places(digits).ok_or_else(|| Fault::new(Rule::Argument, "digits takes 0 to 9"))?;
        number = number.round_dp_with_strategy(digits, RoundingStrategy::MidpointAwayFromZero);
        number.rescale(digits);
    }
    Ok(Val::Text(Cow::Owned(with.locale()?.number(&number))))
}

pub(super) fn plural<'a>(with: &Arguments<'_, 'a>) -> Result<Val<'a>, Fault> {
    let count = plain(with.get(0))?;
    Ok(with.take(if with.locale()?.is_one(&count) { 1 } else { 2 }))
}

fn places(text: &str) -> Option<u32> {
    text.parse().ok().filter(|digits| *digits <= 9)
}

pub(super) fn check(_: &[Option<String>], options: &[(&str, Option<String>)]) -> Result<(), String> {
    for (name, value) in options {
        match (*name, value.as_deref()) {
            ("decimal", Some(sign)) if !matches!(sign, "," | ".") => return Err("decimal takes ',' or '.'".into()),
            ("digits", Some(digits)) if places(digits).is_none() => return Err("digits takes 0 to 9".into()),
            _ => {}
        }
    }
    Ok(())
}
