//! From the cells of one record to a row, or to what is wrong with it.
//!
//! In: the record the reader holds. Out: the fields of a [`Row`]. Only cells that are used are looked at: damage elsewhere harms
//! nobody.

use super::reader::Audience;
use super::{Consent, Reason, Region, Row, canonical, consent, encoding, normalise, rejects};

/// Time zones remembered. There are about 600 names; more can only be nonsense.
const ZONES: usize = 1024;

/// What is wrong with the record, before it is written up.
pub(super) struct Fault {
    pub(super) at: Option<usize>,
    pub(super) reason: Reason,
    pub(super) suggestion: Option<String>,
}

impl Fault {
    fn at(at: usize, reason: Reason) -> Fault {
        Fault { at: Some(at), reason, suggestion: None }
    }

    fn of_record(reason: Reason) -> Fault {
        Fault { at: None, reason, suggestion: None }
    }
}

impl Audience {
    /// Fills a row from the record just read.
    pub(super) fn fill(&mut self, row: &mut Row) -> Result<(), Fault> {
        if self.dialect.rejects {
            self.corrected = self.corrected_cell();
            self.check_returned()?;
        }
        self.check_width()?;
        let number = self.number()?;
        (row.phone, row.region) = (number.phone, number.region);
        let key = canonical(number.phone);
        if self.own.contains(&key) {
            return Err(Fault::at(self.columns.phone, Reason::OwnNumber));
        }
        self.fill_values(&mut row.values)?;
        self.fill_language(&mut row.language)?;
        self.fill_timezone(&mut row.timezone)?;
        row.consent = match self.columns.consent {
            Some(at) => consent::read(self.text(at)?),
            None => Consent::NotAsked,
        };
        // Last: a row that is rejected must not keep a later one of the same person out.
        if self.seen.insert(key.digits()) { Ok(()) } else { Err(Fault::at(self.columns.phone, Reason::Duplicate)) }
    }

    /// What must not pass when it comes back as it went out: a person who got the message by another row, and a row that a
    /// spreadsheet made as long as the others by adding empty cells.
    fn check_returned(&self) -> Result<(), Fault> {
        let was = |reason: Reason| self.record.get(rejects::REASON) == Some(reason.as_str().as_bytes());
        let last_empty = self.record.iter().next_back().is_none_or(|cell| cell.trim_ascii().is_empty());
        if was(Reason::Duplicate) {
            return Err(Fault::of_record(Reason::Duplicate));
        }
        if last_empty && (was(Reason::RowTooShort) || was(Reason::UnfinishedRow)) {
            return Err(Fault::of_record(Reason::RowTooShort));
        }
        Ok(())
    }

    /// Cells behind the last column that are all empty come from a delimiter at the end of the line: they are no cells.
    fn check_width(&self) -> Result<(), Fault> {
        let width = self.first + self.header.len();
        if self.record.len() < width {
            let cut_off = self.csv.get_ref().cut_off();
            return Err(Fault::of_record(if cut_off { Reason::UnfinishedRow } else { Reason::RowTooShort }));
        }
        if self.record.iter().skip(width).any(|cell| !cell.trim_ascii().is_empty()) {
            return Err(Fault::of_record(Reason::RowTooLong));
        }
        Ok(())
    }

    fn number(&self) -> Result<normalise::Number, Fault> {
        let at = self.columns.phone;
        let raw = self.text(at)?;
        let country = match self.columns.country {
            Some(column) if !raw.starts_with('+') => match self.country_of(column) {
                Ok(country) => country,
                // Only a number that says its own country can do without.
                Err(fault) => return normalise::number(raw, None).map_err(|_| fault),
            },
            _ => self.country,
        };
        normalise::number(raw, country).map_err(|problem| Fault {
            at: Some(at),
            reason: problem.reason,
            suggestion: problem.suggestion.map(|phone| phone.to_string()),
        })
    }

    fn country_of(&self, at: usize) -> Result<Option<Region>, Fault> {
        let cell = self.text(at)?.trim();
        if cell.is_empty() {
            return Ok(self.country);
        }
        Region::parse(&cell.to_ascii_uppercase()).map(Some).ok_or(Fault::at(at, Reason::UnknownCountry))
    }

    fn fill_values(&self, values: &mut Vec<String>) -> Result<(), Fault> {
        values.resize_with(self.columns.values.len(), String::new);
        for (value, &at) in values.iter_mut().zip(&self.columns.values) {
            value.clear();
            value.push_str(self.text(at)?);
        }
        Ok(())
    }

    fn fill_language(&self, language: &mut Option<String>) -> Result<(), Fault> {
        let Some(at) = self.columns.language else {
            *language = None;
            return Ok(());
        };
        let cell = self.text(at)?.trim();
        if !cell.is_empty() && !is_language(cell) {
            return Err(Fault::at(at, Reason::InvalidLanguage));
        }
        refill(language, cell);
        Ok(())
    }

    fn fill_timezone(&mut self, timezone: &mut Option<String>) -> Result<(), Fault> {
        let Some(at) = self.columns.timezone else {
            *timezone = None;
            return Ok(());
        };
        let name = self.text(at)?.trim();
        refill(timezone, name);
        let known = match (name.is_empty(), self.zones.get(name)) {
            (true, _) => true,
            (false, Some(&known)) => known,
            (false, None) => {
                let (name, known) = (name.to_owned(), jiff::tz::TimeZone::get(name).is_ok());
                if self.zones.len() < ZONES {
                    self.zones.insert(name, known);
                }
                known
            }
        };
        if known { Ok(()) } else { Err(Fault::at(at, Reason::InvalidTimezone)) }
    }

    /// A cell that is used, as text, or what is wrong with its bytes.
    fn text(&self, at: usize) -> Result<&str, Fault> {
        let cell = self.cell(at);
        let Ok(text) = std::str::from_utf8(cell) else { return Err(Fault::at(at, Reason::BadEncoding)) };
        if text.is_ascii() {
            if memchr::memchr2(0, b'\\', cell).is_none() {
                return Ok(text);
            }
        } else if text.contains('\u{FFFD}') || encoding::is_misread(text, self.encoding) {
            return Err(Fault::at(at, Reason::BadEncoding));
        }
        if text.contains('\0') {
            return Err(Fault::at(at, Reason::NulByte));
        }
        if text.contains('\\') && text.contains('"') {
            return Err(Fault::at(at, Reason::BadQuoting));
        }
        Ok(text)
    }

    /// In a file of rejects that came back: the cell to take from the column of corrections, if something stands there.
    fn corrected_cell(&self) -> Option<usize> {
        let corrected = self.record.get(rejects::CORRECTED).is_some_and(|cell| !cell.trim_ascii().is_empty());
        let name = rejects::unguard_bytes(self.record.get(rejects::COLUMN)?);
        let at = self.header.iter().position(|header| header.as_bytes() == name)?;
        corrected.then_some(at + self.first)
    }
}

/// Reuses the text's buffer; `None` for nothing.
fn refill(slot: &mut Option<String>, text: &str) {
    match (slot.as_mut(), text.is_empty()) {
        (_, true) => *slot = None,
        (Some(buffer), false) => {
            buffer.clear();
            buffer.push_str(text);
        }
        (None, false) => *slot = Some(text.to_owned()),
    }
}

/// Two or three letters, then parts of two to eight letters or digits: the shape of a BCP 47 tag, with `_` as WhatsApp writes it.
fn is_language(tag: &str) -> bool {
    let mut parts = tag.split(['_', '-']);
    let primary = parts.next().is_some_and(|p| (2..=3).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_alphabetic()));
    primary && parts.all(|p| (2..=8).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_alphanumeric()))
}
