//! How languages write dates, numbers and money.
//!
//! Six languages with the countries where it differs, after the conventions of the Unicode CLDR, written down here because the people of a
//! campaign are read to in a handful of languages and a full database is megabytes. Where usage differs inside a country the
//! plainer form is taken.

use std::fmt::Write;

use jiff::civil::{Date, Time};
use rust_decimal::Decimal;

/// A language with its country.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Locale {
    language: Language,
    /// Two capital letters, or empty.
    region: Region,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Language {
    Es,
    En,
    Pt,
    Fr,
    De,
    It,
}

type Region = [u8; 2];
const NOWHERE: Region = *b"  ";

/// A form of a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DateStyle {
    /// 08/12/2026
    Short,
    /// 8 dic 2026
    Medium,
    /// 8 de diciembre de 2026
    Long,
    /// martes, 8 de diciembre de 2026
    Full,
    /// 23:59
    Time,
}

struct Words {
    months: [&'static str; 12],
    months_short: [&'static str; 12],
    /// From Monday.
    days: [&'static str; 7],
    days_short: [&'static str; 7],
}

const ES: Words = Words {
    months: [
        "enero",
        "febrero",
        "marzo",
        "abril",
        "mayo",
        "junio",
        "julio",
        "agosto",
        "septiembre",
        "octubre",
        "noviembre",
        "diciembre",
    ],
    months_short: ["ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic"],
    days: ["lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"],
    days_short: ["lun", "mar", "mié", "jue", "vie", "sáb", "dom"],
};
const EN: Words = Words {
    months: [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    months_short: ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
    days: ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
    days_short: ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"],
};
const PT: Words = Words {
    months: [
        "janeiro",
        "fevereiro",
        "março",
        "abril",
        "maio",
        "junho",
        "julho",
        "agosto",
        "setembro",
        "outubro",
        "novembro",
        "dezembro",
    ],
    months_short: ["jan.", "fev.", "mar.", "abr.", "mai.", "jun.", "jul.", "ago.", "set.", "out.", "nov.", "dez."],
    days: ["segunda-feira", "terça-feira", "quarta-feira", "quinta-feira", "sexta-feira", "sábado", "domingo"],
    days_short: ["seg.", "ter.", "qua.", "qui.", "sex.", "sáb.", "dom."],
};
const FR: Words = Words {
    months: [
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ],
    months_short: ["janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."],
    days: ["lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"],
    days_short: ["lun.", "mar.", "mer.", "jeu.", "ven.", "sam.", "dim."],
};
const DE: Words = Words {
    months: [
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ],
    months_short: ["Jan.", "Feb.", "März", "Apr.", "Mai", "Juni", "Juli", "Aug.", "Sept.", "Okt.", "Nov.", "Dez."],
    days: ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"],
    days_short: ["Mo.", "Di.", "Mi.", "Do.", "Fr.", "Sa.", "So."],
};
const IT: Words = Words {
    months: [
        "gennaio",
        "febbraio",
        "marzo",
        "aprile",
        "maggio",
        "giugno",
        "luglio",
        "agosto",
        "settembre",
        "ottobre",
        "novembre",
        "dicembre",
    ],
    months_short: ["gen", "feb", "mar", "apr", "mag", "giu", "lug", "ago", "set", "ott", "nov", "dic"],
    days: ["lunedì", "martedì", "mercoledì", "giovedì", "venerdì", "sabato", "domenica"],
    days_short: ["lun", "mar", "mer", "gio", "ven", "sab", "dom"],
};

fn one_based<T: Copy>(list: &[T], number: i8) -> Option<T> {
    usize::try_from(number).ok()?.checked_sub(1).and_then(|index| list.get(index)).copied()
}

impl Locale {
    /// The languages there are words for.
    pub(super) const LANGUAGES: &'static str = "es, en, pt, fr, de, it";

    /// A locale from a code such as `es_MX`, `es-MX` or `es`; `None` for a language there are no words for.
    pub(super) fn parse(code: &str) -> Option<Self> {
        let (language, rest) = code.split_once(['_', '-']).unwrap_or((code, ""));
        let language = match language {
            "es" => Language::Es,
            "en" => Language::En,
            "pt" => Language::Pt,
            "fr" => Language::Fr,
            "de" => Language::De,
            "it" => Language::It,
            _ => return None,
        };
        let region = match rest.as_bytes() {
            [] => NOWHERE,
            [a, b] if a.is_ascii_alphabetic() && b.is_ascii_alphabetic() => [a.to_ascii_uppercase(), b.to_ascii_uppercase()],
            _ => return None,
        };
        Some(Self { language, region })
    }

    const fn words(self) -> &'static Words {
        match self.language {
            Language::Es => &ES,
            Language::En => &EN,
            Language::Pt => &PT,
            Language::Fr => &FR,
            Language::De => &DE,
            Language::It => &IT,
        }
    }

    fn is_in(self, regions: &[&Region]) -> bool {
        regions.iter().any(|region| **region == self.region)
    }

    pub(super) fn month(self, date: Date) -> &'static str {
        one_based(&self.words().months, date.month()).unwrap_or_default()
    }

    pub(super) fn month_short(self, date: Date) -> &'static str {
        one_based(&self.words().months_short, date.month()).unwrap_or_default()
    }

    pub(super) fn day(self, date: Date) -> &'static str {
        one_based(&self.words().days, date.weekday().to_monday_one_offset()).unwrap_or_default()
    }

    pub(super) fn day_short(self, date: Date) -> &'static str {
        one_based(&self.words().days_short, date.weekday().to_monday_one_offset()).unwrap_or_default()
    }

    /// Whether the month stands before the day.
    fn month_first(self) -> bool {
        self.language == Language::En && self.is_in(&[&NOWHERE, b"US", b"PH", b"PR"])
    }

    /// Whether the day is counted in two halves.
    fn twelve_hours(self) -> bool {
        self.language == Language::En && self.is_in(&[&NOWHERE, b"US", b"PH", b"PR", b"CA", b"AU", b"NZ", b"IN"])
    }

    /// Writes a date.
    pub(super) fn date(self, date: Date, style: DateStyle, out: &mut String) {
        let (year, month, day) = (date.year(), date.month(), date.day());
        let dots = self.language == Language::De || (self.region == *b"CH");
        let _infallible = match style {
            DateStyle::Short if self.region == *b"CA" => write!(out, "{year:04}-{month:02}-{day:02}"),
            DateStyle::Short if self.month_first() => write!(out, "{month:02}/{day:02}/{year:04}"),
            DateStyle::Short if dots => write!(out, "{day:02}.{month:02}.{year:04}"),
            DateStyle::Short | DateStyle::Time => write!(out, "{day:02}/{month:02}/{year:04}"),
            DateStyle::Medium => self.spelled(date, self.month_short(date), out),
            DateStyle::Long => self.spelled(date, self.month(date), out),
            DateStyle::Full => {
                let comma = match self.language {
                    Language::Fr | Language::It => "",
                    Language::En if !self.month_first() => "",
                    _ => ",",
                };
                write!(out, "{}{comma} ", self.day(date)).and_then(|()| self.spelled(date, self.month(date), out))
            }
        };
    }

    fn spelled(self, date: Date, month: &str, out: &mut String) -> std::fmt::Result {
        let (year, day) = (date.year(), date.day());
        let short = month == self.month_short(date) && month != self.month(date);
        match self.language {
            Language::Es if short => write!(out, "{day} {month} {year}"),
            Language::Es | Language::Pt => write!(out, "{day} de {month} de {year}"),
            Language::En if self.month_first() => write!(out, "{month} {day}, {year}"),
            Language::De => write!(out, "{day}. {month} {year}"),
            Language::En | Language::Fr | Language::It => write!(out, "{day} {month} {year}"),
        }
    }

    /// Writes a time of day, to the minute.
    pub(super) fn time(self, time: Time, out: &mut String) {
        let (hour, minute) = (time.hour(), time.minute());
        let _infallible = if self.twelve_hours() {
            write!(out, "{}:{minute:02} {}", (hour + 11) % 12 + 1, if hour < 12 { "AM" } else { "PM" })
        } else {
            write!(out, "{hour:02}:{minute:02}")
        };
    }

    /// Decimal sign, group sign, and from how many whole digits on groups are marked.
    fn signs(self) -> (char, char, usize) {
        let region = &self.region;
        match self.language {
            Language::Es => match region {
                b"MX" | b"US" | b"PR" | b"GT" | b"HN" | b"NI" | b"SV" | b"PA" | b"DO" | b"PE" | b"CU" | b"BZ" => ('.', ',', 4),
                b"CR" => (',', '\u{a0}', 4),
                b"ES" | &NOWHERE => (',', '.', 5),
                _ => (',', '.', 4),
            },
            Language::En => ('.', ',', 4),
            Language::Pt if region == b"BR" || *region == NOWHERE => (',', '.', 4),
            Language::Pt => (',', '\u{a0}', 5),
            Language::Fr if region == b"CA" => (',', '\u{a0}', 4),
            Language::Fr => (',', '\u{202f}', 4),
            Language::De | Language::It if region == b"CH" => ('.', '’', 4),
            Language::De if region == b"AT" => (',', '\u{a0}', 4),
            Language::De | Language::It => (',', '.', 4),
        }
    }

    /// A number with the decimals it has.
    pub(super) fn number(self, number: &Decimal) -> String {
        let (decimal, group, from) = self.signs();
        let plain = number.abs().to_string();
        let (whole, fraction) = plain.split_once('.').map_or((plain.as_str(), None), |(whole, fraction)| (whole, Some(fraction)));
        let lakhs = self.language == Language::En && self.region == *b"IN";
        let mut out = String::with_capacity(plain.len() + 8);
        if number.is_sign_negative() && !number.is_zero() {
            out.push('-');
        }
        for (at, digit) in whole.chars().enumerate() {
            let left = whole.len() - at;
            let boundary = if lakhs && left > 3 { (left - 3).is_multiple_of(2) } else { left.is_multiple_of(3) };
            if at > 0 && boundary && whole.len() >= from {
                out.push(group);
            }
            out.push(digit);
        }
        if let Some(fraction) = fraction {
            out.push(decimal);
            out.push_str(fraction);
        }
        out
    }

    /// An amount, whose decimals are its currency's, with the currency's sign.
    pub(super) fn money(self, amount: &Decimal, code: &str) -> String {
        let number = self.number(&amount.abs());
        let sign = self.sign(code);
        let minus = if amount.is_sign_negative() && !amount.is_zero() { "-" } else { "" };
        let space = if sign.is_some() { self.space() } else { "\u{a0}" };
        let sign = sign.unwrap_or(code);
        if self.sign_last() { format!("{minus}{number}\u{a0}{sign}") } else { format!("{minus}{sign}{space}{number}") }
    }

    fn sign_last(self) -> bool {
        match self.language {
            Language::Es => self.is_in(&[&NOWHERE, b"ES"]),
            Language::Pt => !self.is_in(&[&NOWHERE, b"BR"]),
            Language::Fr => true,
            Language::De => !self.is_in(&[b"AT", b"CH"]),
            Language::It => !self.is_in(&[b"CH"]),
            Language::En => false,
        }
    }

    /// What stands between a sign and the number after it.
    fn space(self) -> &'static str {
        let close = match self.language {
            Language::En => true,
            Language::Es => !self.is_in(&[b"AR", b"CO", b"UY", b"PE", b"PY"]),
            Language::Pt | Language::Fr | Language::De | Language::It => false,
        };
        if close { "" } else { "\u{a0}" }
    }

    /// The sign a currency is known by here; `None` where its code is clearer: a dollar sign belongs to the country's own currency.
    fn sign(self, code: &str) -> Option<&'static str> {
        let home = match (&self.region, code) {
            (b"MX", "MXN")
            | (b"AR", "ARS")
            | (b"CL", "CLP")
            | (b"CO", "COP")
            | (b"UY", "UYU")
            | (b"CA", "CAD")
            | (b"AU", "AUD")
            | (b"NZ", "NZD")
            | (b"US" | b"PR" | b"EC" | b"SV", "USD") => "$",
            (b"PE", "PEN") => "S/",
            (b"GT", "GTQ") => "Q",
            (b"CR", "CRC") => "₡",
            (b"PY", "PYG") => "Gs.",
            (b"BO", "BOB") => "Bs",
            (b"HN", "HNL") => "L",
            (b"NI", "NIO") => "C$",
            (b"DO", "DOP") => "RD$",
            (b"PA", "PAB") => "B/.",
            (b"ZA", "ZAR") => "R",
            (&NOWHERE, "USD") if self.language == Language::En => "$",
            _ => "",
        };
        if !home.is_empty() {
            return Some(home);
        }
        Some(match code {
            "EUR" => "€",
            "GBP" => "£",
            "JPY" => "¥",
            "INR" => "₹",
            "BRL" => "R$",
            "KRW" => "₩",
            "ILS" => "₪",
            "VND" => "₫",
            "PHP" => "₱",
            "NGN" => "₦",
            _ => return None,
        })
    }

    /// Whether a count takes the word for one: 1 everywhere, and everything below 2 in French and Brazilian Portuguese.
    pub(super) fn is_one(self, count: &Decimal) -> bool {
        let below_two = match self.language {
            Language::Fr => true,
            Language::Pt => self.is_in(&[&NOWHERE, b"BR"]),
            Language::Es | Language::En | Language::De | Language::It => false,
        };
        if below_two {
            count.abs() < Decimal::TWO
        } else {
            *count == Decimal::ONE && (self.language == Language::Es || count.scale() == 0)
        }
    }
}
