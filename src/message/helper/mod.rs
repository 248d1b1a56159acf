//! The helpers texts may use: one closed table, from which the documentation is written too.
//!
//! A helper gets texts and gives back a text or a truth value. It knows no row, no column and no clock; the language comes in. What it
//! cannot work with it refuses, so that the row is left out with a reason instead of being sent wrong.

mod compare;
mod date;
mod money;
mod number;
mod words;

#[cfg(test)]
mod tests;

use std::ops::RangeInclusive;

use super::locale::Locale;
use super::program::Val;
use super::row::{Fault, Rule};

pub(super) use number::plain as plain_number;

/// What a helper is called with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arguments<'c, 'a> {
    pub(super) values: &'c [Val<'a>],
    pub(super) options: &'c [(&'static str, Val<'a>)],
    pub(super) locale: Option<Locale>,
}

impl<'a> Arguments<'_, 'a> {
    fn get(&self, index: usize) -> &str {
        self.values.get(index).map_or("", Val::as_str)
    }

    fn take(&self, index: usize) -> Val<'a> {
        self.values.get(index).cloned().unwrap_or(Val::Bool(false))
    }

    fn option(&self, name: &str) -> Option<&str> {
        self.options.iter().find(|(option, _)| *option == name).map(|(_, value)| value.as_str())
    }

    /// The language to write in: the option's, or the row's.
    fn locale(&self) -> Result<Locale, Fault> {
        match self.option("locale") {
            Some(code) => Locale::parse(code).ok_or_else(|| Fault::new(Rule::UnknownLocale, unknown_locale(code))),
            None => self.locale.ok_or_else(|| {
                Fault::new(
                    Rule::UnknownLocale,
                    format!("the person's language is not known or not one of {}; add locale='es_MX'", Locale::LANGUAGES),
                )
            }),
        }
    }
}

fn unknown_locale(code: &str) -> String {
    format!("there are no words for the language {}; known are {}", super::row::excerpt(code), Locale::LANGUAGES)
}

type Always = for<'a> fn(&Arguments<'_, 'a>) -> Val<'a>;
type Fallible = for<'a> fn(&Arguments<'_, 'a>) -> Result<Val<'a>, Fault>;

type Check = fn(&[Option<String>], &[(&str, Option<String>)]) -> Result<(), String>;

/// What a helper does.
#[derive(Clone, Copy, Debug)]
enum Run {
    /// Works with any text.
    Always(Always),
    /// Refuses what it cannot work with.
    Fallible(Fallible),
}

/// One helper.
#[derive(Debug)]
pub(super) struct Helper {
    pub(super) name: &'static str,
    /// How it is written.
    pub(super) usage: &'static str,
    /// What it does.
    pub(super) does: &'static str,
    /// How many values it takes.
    pub(super) takes: RangeInclusive<usize>,
    pub(super) options: &'static [&'static str],
    run: Run,
    check: Option<Check>,
}

impl Helper {
    /// What can be known of its values before any row: a literal that no row can make right is an error of the file.
    pub(super) fn check(&self, values: &[Option<String>], options: &[(&str, Option<String>)]) -> Result<(), String> {
        for (name, value) in options {
            if let ("locale", Some(code)) = (*name, value)
                && Locale::parse(code).is_none()
            {
                return Err(unknown_locale(code));
            }
        }
        self.check.map_or(Ok(()), |check| check(values, options))
    }

    pub(super) fn run<'a>(&self, with: &Arguments<'_, 'a>) -> Result<Val<'a>, Fault> {
        match self.run {
            Run::Always(run) => Ok(run(with)),
            Run::Fallible(run) => run(with),
        }
    }
}

const fn helper(name: &'static str, usage: &'static str, does: &'static str, takes: RangeInclusive<usize>, run: Run) -> Helper {
    Helper { name, usage, does, takes, options: &[], run, check: None }
}

static HELPERS: &[Helper] = &[
    helper("default", "{{default name 'friend'}}", "the first value that is not blank", 2..=8, Run::Always(words::default)),
    helper("upper", "{{upper name}}", "in capital letters", 1..=1, Run::Always(words::upper)),
    helper("lower", "{{lower name}}", "in small letters", 1..=1, Run::Always(words::lower)),
    helper("title", "{{title name}}", "every word with a capital first letter, the rest small", 1..=1, Run::Always(words::title)),
    helper("trim", "{{trim name}}", "without white space around it", 1..=1, Run::Always(words::trim)),
    Helper {
        check: Some(words::check_truncate),
        ..helper(
            "truncate",
            "{{truncate name 20}}",
            "at most so many characters, the last one '…' when it was cut",
            2..=2,
            Run::Fallible(words::truncate),
        )
    },
    helper(
        "url_encode",
        "{{url_encode city}}",
        "percent-encoded: all but letters, digits and -._~",
        1..=1,
        Run::Always(words::url_encode),
    ),
    Helper {
        options: &["locale", "from"],
        check: Some(date::check),
        ..helper(
            "date",
            "{{date due 'long'}}",
            "an ISO date or time (2026-12-08, 2026-12-08T23:59-06:00) as 'short', 'medium', 'long', 'full', 'time' or by a pattern such as \
             '%-d %B %Y', in the person's language; its own clock time, never moved to another zone; from='dmy' (mdy, ymd) reads 03/04/05",
            2..=2,
            Run::Fallible(date::date),
        )
    },
    Helper {
        options: &["locale", "decimal", "digits"],
        check: Some(number::check),
        ..helper(
            "number",
            "{{number points}}",
            "grouped as the person's language does; digits=2 rounds half up; decimal=',' (or '.') says which sign the column's decimals have: \
             without it only plain digits with a decimal point are read",
            1..=1,
            Run::Fallible(number::number),
        )
    },
    Helper {
        options: &["locale", "decimal"],
        check: Some(money::check),
        ..helper(
            "money",
            "{{money price 'MXN'}}",
            "an amount with its currency's sign and decimals (ISO 4217), as the person's language writes it; reads like 'number'",
            2..=2,
            Run::Fallible(money::money),
        )
    },
    Helper {
        options: &["locale"],
        ..helper(
            "plural",
            "{{plural count 'book' 'books'}}",
            "the word for one, or for any other count; the count itself is not written",
            3..=3,
            Run::Fallible(number::plural),
        )
    },
    helper("eq", "(eq plan 'gold')", "whether two texts are the same, letter for letter", 2..=2, Run::Always(compare::eq)),
    helper("ne", "(ne plan 'gold')", "whether two texts differ", 2..=2, Run::Always(compare::ne)),
    helper("gt", "(gt points 100)", "whether the first number is greater", 2..=2, Run::Fallible(compare::gt)),
    helper("gte", "(gte points 100)", "whether the first number is greater or the same", 2..=2, Run::Fallible(compare::gte)),
    helper("lt", "(lt points 100)", "whether the first number is smaller", 2..=2, Run::Fallible(compare::lt)),
    helper("lte", "(lte points 100)", "whether the first number is smaller or the same", 2..=2, Run::Fallible(compare::lte)),
    helper(
        "and",
        "(and name (gt points 100))",
        "whether all are true; a text is true when it is not empty",
        2..=8,
        Run::Always(compare::and),
    ),
    helper("or", "(or email phone)", "whether one is true", 2..=8, Run::Always(compare::or)),
    helper("not", "(not name)", "whether it is not true", 1..=1, Run::Always(compare::not)),
];

/// A helper, as the documentation shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HelperDoc {
    /// Its name.
    pub name: &'static str,
    /// How it is written.
    pub usage: &'static str,
    /// What it does.
    pub does: &'static str,
}

/// All helpers a text may use, in the order of the documentation. The blocks `#if` and `#unless` (with `else`) exist besides.
pub fn helpers() -> impl Iterator<Item = HelperDoc> {
    HELPERS.iter().map(|helper| HelperDoc { name: helper.name, usage: helper.usage, does: helper.does })
}

pub(super) fn find(name: &str) -> Option<&'static Helper> {
    HELPERS.iter().find(|helper| helper.name == name)
}

/// The helper somebody may have meant.
pub(super) fn closest(name: &str) -> Option<&'static str> {
    let lower = name.to_lowercase();
    HELPERS.iter().map(|helper| helper.name).find(|known| *known == lower || strsim::damerau_levenshtein(known, &lower) == 1)
}

pub(super) fn names() -> String {
    HELPERS.iter().map(|helper| helper.name).collect::<Vec<_>>().join(", ")
}
