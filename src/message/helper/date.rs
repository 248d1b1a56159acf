//! The helper that writes dates and times.

use std::borrow::Cow;
use std::fmt::Write;

use jiff::civil::{Date, Time};
use jiff::fmt::temporal::Pieces;

use super::Arguments;
use crate::message::locale::{DateStyle, Locale};
use crate::message::program::Val;
use crate::message::row::{Fault, Rule, excerpt};

/// A date as read, with its clock time when it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    date: Date,
    time: Option<Time>,
}

pub(super) fn date<'a>(with: &Arguments<'_, 'a>) -> Result<Val<'a>, Fault> {
    let moment = read(with.get(0), with.option("from"))?;
    let mut out = String::with_capacity(32);
    let style = with.get(1);
    match style_of(style) {
        Some(style) => named(moment, style, with.locale()?, &mut out)?,
        None => pattern(moment, style, with, &mut out)?,
    }
    Ok(Val::Text(Cow::Owned(out)))
}

fn style_of(name: &str) -> Option<DateStyle> {
    Some(match name {
        "short" => DateStyle::Short,
        "medium" => DateStyle::Medium,
        "long" => DateStyle::Long,
        "full" => DateStyle::Full,
        "time" => DateStyle::Time,
        _ => return None,
    })
}

fn named(moment: Moment, style: DateStyle, locale: Locale, out: &mut String) -> Result<(), Fault> {
    match (style, moment.time) {
        (DateStyle::Time, Some(time)) => locale.time(time, out),
        (DateStyle::Time, None) => return Err(no_time()),
        _ => locale.date(moment.date, style, out),
    }
    Ok(())
}

fn no_time() -> Fault {
    Fault::new(Rule::NotADate, "the value has no time of day; write it as 2026-12-08T23:59")
}

/// Reads an ISO date or time, or three numbers whose order `from` tells.
fn read(text: &str, from: Option<&str>) -> Result<Moment, Fault> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Fault::new(Rule::NotADate, "there is no date; give the column a value or leave the date out with {{#if}}"));
    }
    let bytes = text.as_bytes();
    let iso = bytes.len() >= 10
        && bytes.len() <= 64
        && bytes.iter().take(4).all(u8::is_ascii_digit)
        && bytes.get(4) == Some(&b'-')
        && bytes.get(7) == Some(&b'-');
    if iso {
        let pieces = Pieces::parse(text).map_err(|_| not_a_date(text))?;
        return Ok(Moment { date: pieces.date(), time: pieces.time() });
    }
    let parts: Vec<&str> = text.split(['/', '.', '-']).map(str::trim).collect();
    let numbers: Option<Vec<i16>> = parts.iter().map(|part| (part.len() <= 4).then(|| part.parse().ok()).flatten()).collect();
    let Some([a, b, c]) = numbers.and_then(|numbers| <[i16; 3]>::try_from(numbers).ok()) else {
        return Err(not_a_date(text));
    };
    let (year, month, day) = match from {
        Some("dmy") => (c, b, a),
        Some("mdy") => (c, a, b),
        Some("ymd") => (a, b, c),
        Some(_) => return Err(Fault::new(Rule::Argument, ORDERS)),
        None => {
            return Err(Fault::new(
                Rule::AmbiguousDate,
                format!("{} can be read in several ways; write 2026-12-08, or say from='dmy' (mdy, ymd)", excerpt(text)),
            ));
        }
    };
    // Two digits are of this century: campaigns look ahead, and birthdays need all four.
    let year = if (0..100).contains(&year) { year + 2000 } else { year };
    let (Ok(month), Ok(day)) = (i8::try_from(month), i8::try_from(day)) else { return Err(not_a_date(text)) };
    let date = Date::new(year, month, day).map_err(|_| not_a_date(text))?;
    Ok(Moment { date, time: None })
}

const ORDERS: &str = "from takes 'dmy', 'mdy' or 'ymd'";

fn not_a_date(text: &str) -> Fault {
    Fault::new(Rule::NotADate, format!("{} is not a date; write 2026-12-08 or 2026-12-08T23:59", excerpt(text)))
}

/// One part of a pattern.
enum Part<'p> {
    Text(&'p str),
    /// A code with whether its number stands without a leading zero.
    Code(char, bool),
}

/// Splits a pattern; an error names the code that is none.
fn parts(pattern: &str) -> Result<Vec<Part<'_>>, String> {
    let mut parts = Vec::new();
    let mut rest = pattern;
    while let Some(at) = rest.find('%') {
        let (before, after) = rest.split_at(at);
        if !before.is_empty() {
            parts.push(Part::Text(before));
        }
        let mut codes = after.chars();
        codes.next();
        let mut code = codes.next();
        let bare = code == Some('-');
        if bare {
            code = codes.next();
        }
        match code {
            Some(code @ ('d' | 'm' | 'H' | 'I')) => parts.push(Part::Code(code, bare)),
            Some(code @ ('Y' | 'y' | 'M' | 'S' | 'B' | 'b' | 'A' | 'a' | 'p' | '%')) if !bare => {
                parts.push(Part::Code(code, false));
            }
            code => {
                return Err(format!("'%{}{}' is not a code of a date pattern", if bare { "-" } else { "" }, code.unwrap_or(' ')));
            }
        }
        rest = codes.as_str();
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest));
    }
    let has_code = parts.iter().any(|part| matches!(part, Part::Code(code, _) if *code != '%'));
    if has_code { Ok(parts) } else { Err("the format names no part of a date".into()) }
}

fn pattern(moment: Moment, pattern: &str, with: &Arguments<'_, '_>, out: &mut String) -> Result<(), Fault> {
    let parts = parts(pattern).map_err(|message| Fault::new(Rule::Argument, message))?;
    for part in parts {
        let (code, bare) = match part {
            Part::Text(text) => {
                out.push_str(text);
                continue;
            }
            Part::Code(code, bare) => (code, bare),
        };
        let date = moment.date;
        let time = || moment.time.ok_or_else(no_time);
        match code {
            'd' => two(date.day(), bare, out),
            'm' => two(date.month(), bare, out),
            'Y' => padded(date.year(), 4, out),
            'y' => padded(date.year().rem_euclid(100), 2, out),
            'H' => two(time()?.hour(), bare, out),
            'I' => two((time()?.hour() + 11) % 12 + 1, bare, out),
            'M' => two(time()?.minute(), false, out),
            'S' => two(time()?.second(), false, out),
            'p' => out.push_str(if time()?.hour() < 12 { "AM" } else { "PM" }),
            'B' => out.push_str(with.locale()?.month(date)),
            'b' => out.push_str(with.locale()?.month_short(date)),
            'A' => out.push_str(with.locale()?.day(date)),
            'a' => out.push_str(with.locale()?.day_short(date)),
            _ => out.push('%'),
        }
    }
    Ok(())
}

fn two(number: i8, bare: bool, out: &mut String) {
    padded(i16::from(number), if bare { 1 } else { 2 }, out);
}

fn padded(number: i16, width: usize, out: &mut String) {
    let _infallible = write!(out, "{number:0width$}");
}

pub(super) fn check(values: &[Option<String>], options: &[(&str, Option<String>)]) -> Result<(), String> {
    if let Some(Some(format)) = values.get(1)
        && style_of(format).is_none()
    {
        parts(format).map_err(|message| format!("{message}; the formats are short, medium, long, full, time, or a pattern of %d %m %Y %y %B %b %A %a %H %I %M %S %p"))?;
    }
    match options.iter().find(|(name, _)| *name == "from") {
        Some((_, Some(from))) if !matches!(from.as_str(), "dmy" | "mdy" | "ymd") => Err(ORDERS.into()),
        _ => Ok(()),
    }
}
