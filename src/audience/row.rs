//! What the reader hands over for one record.

use std::fmt;

use super::{Phone, Region, Reject};

/// One person of the list. Its buffers are reused: [`super::Audience::next_row`] overwrites every field.
#[derive(Clone, PartialEq, Eq)]
pub struct Row {
    /// The physical line of the file, from 1, where the record begins.
    pub line: u64,
    /// The data record, from 1: the header and blank lines are not counted, rejected rows are.
    pub record: u64,
    /// The number to write to.
    pub phone: Phone,
    /// The country or territory the number belongs to.
    pub region: Region,
    /// The values of [`super::AudienceSpec::columns`], in that order, unchanged.
    pub values: Vec<String>,
    /// The person's language, trimmed; `None` without such a column or with an empty cell.
    pub language: Option<String>,
    /// The person's time zone, a name that exists; `None` without such a column or with an empty cell.
    pub timezone: Option<String>,
    /// Whether the person agreed.
    pub consent: Consent,
}

impl Default for Row {
    /// An empty row to be filled; it names nobody.
    fn default() -> Row {
        Row {
            line: 0,
            record: 0,
            phone: Phone::NONE,
            region: Region::NONE,
            values: Vec::new(),
            language: None,
            timezone: None,
            consent: Consent::NotAsked,
        }
    }
}

impl fmt::Debug for Row {
    /// Values are personal data: only their count is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Row")
            .field("line", &self.line)
            .field("record", &self.record)
            .field("phone", &self.phone)
            .field("region", &self.region)
            .field("values", &self.values.len())
            .field("language", &self.language)
            .field("timezone", &self.timezone)
            .field("consent", &self.consent)
            .finish()
    }
}

/// What the consent column says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Consent {
    /// A word that means yes.
    Yes,
    /// A word that means no, an empty cell, or a word nobody knows.
    No,
    /// The campaign names no consent column.
    NotAsked,
}

/// What one call of [`super::Audience::next_row`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// The row was filled.
    Row,
    /// The record cannot be used; the row holds nothing.
    Reject(Reject),
}
