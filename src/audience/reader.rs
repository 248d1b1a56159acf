//! The stream itself: one row or one reject a call.
//!
//! In: what [`super::open`] put in a row. Out: [`Row`]s in the order of the file, each person once; what the list looks like;
//! the digest of its bytes once all are read. One record is held at a time.

use std::collections::HashMap;

use csv::ByteRecord;
use roaring::RoaringTreemap;

use super::dialect::Dialect;
use super::fill::Fault;
use super::header::Columns;
use super::lines::{Lines, Place};
use super::reject::VALUE_LIMIT;
use super::rejects;
use super::source::{Digest, Witness};
use super::{AudienceError, Phone, Reading, Region, Reject, Row};

type Bytes = Box<dyn std::io::Read + Send>;

/// A list being read. See [`Audience::next_row`].
pub struct Audience {
    pub(super) csv: csv::Reader<Lines<Bytes>>,
    pub(super) record: ByteRecord,
    pub(super) witness: Witness,
    pub(super) dialect: Dialect,
    pub(super) encoding: &'static encoding_rs::Encoding,
    /// The list's own header: without the columns of a file of rejects.
    pub(super) header: Vec<String>,
    /// Where the list's own columns begin in a record.
    pub(super) first: usize,
    pub(super) columns: Columns,
    pub(super) country: Option<Region>,
    pub(super) own: Vec<Phone>,
    pub(super) seen: RoaringTreemap,
    pub(super) zones: HashMap<String, bool>,
    /// The cell whose corrected value is taken, in a file of rejects that came back.
    pub(super) corrected: Option<usize>,
    pub(super) records: u64,
    pub(super) state: State,
}

#[derive(Clone, Copy)]
pub(super) enum State {
    Reading,
    Done(Digest),
    Failed,
}

/// A row or a reject, each on its own: what [`Audience::entries`] gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A person.
    Row(Row),
    /// A record that cannot be used.
    Reject(Reject),
}

impl Audience {
    /// The names of the list's columns, as they stand in it.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// How the list is written.
    pub fn dialect(&self) -> &Dialect {
        &self.dialect
    }

    /// The digest of the list's bytes as stored; `None` until [`Audience::next_row`] has said that there is no more.
    pub fn digest(&self) -> Option<Digest> {
        match self.state {
            State::Done(digest) => Some(digest),
            State::Reading | State::Failed => None,
        }
    }

    /// The cells of the record just read, in the header's order: for the file of rejects.
    pub fn cells(&self) -> impl Iterator<Item = &[u8]> {
        (self.first..self.record.len()).map(|at| self.cell(at))
    }

    /// Reads on: fills `row` and says so, or says why the record is rejected; `None` at the end.
    ///
    /// # Errors
    ///
    /// When the list cannot be read to its end. Then it was not read: nothing of it may be used.
    pub fn next_row(&mut self, row: &mut Row) -> Result<Option<Reading>, AudienceError> {
        match self.state {
            State::Reading => {}
            State::Done(_) => return Ok(None),
            State::Failed => return Err(AudienceError::AlreadyFailed),
        }
        let read = self.read_on(row);
        if read.is_err() {
            self.state = State::Failed;
        }
        read
    }

    /// The same as an iterator, for callers that do not mind an allocation a row. It ends after an error.
    pub fn entries(&mut self) -> impl Iterator<Item = Result<Entry, AudienceError>> {
        let mut failed = false;
        std::iter::from_fn(move || {
            if failed {
                return None;
            }
            let mut row = Row::default();
            let entry = self.next_row(&mut row).transpose()?;
            failed = entry.is_err();
            Some(entry.map(|reading| match reading {
                Reading::Row => Entry::Row(row),
                Reading::Reject(reject) => Entry::Reject(reject),
            }))
        })
    }

    fn read_on(&mut self, row: &mut Row) -> Result<Option<Reading>, AudienceError> {
        loop {
            let Some(line) = self.read_record()? else {
                self.state = State::Done(self.witness.finish()?);
                return Ok(None);
            };
            if self.record.iter().all(|cell| cell.trim_ascii().is_empty()) {
                continue;
            }
            self.records += 1;
            row.line = line;
            row.record = self.records;
            return Ok(Some(match self.fill(row) {
                Ok(()) => Reading::Row,
                Err(fault) => Reading::Reject(self.reject(line, fault)),
            }));
        }
    }

    /// Reads one record and says on which line it begins; `None` at the end.
    pub(super) fn read_record(&mut self) -> Result<Option<u64>, AudienceError> {
        match self.csv.read_byte_record(&mut self.record) {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            Err(error) => {
                let line = self.csv.get_ref().line();
                return Err(match error.into_kind() {
                    csv::ErrorKind::Io(error) => AudienceError::from_io(error, line),
                    other => AudienceError::Read { line, source: std::io::Error::other(format!("{other:?}")) },
                });
            }
        }
        match self.csv.get_mut().take_place() {
            Place::End => Ok(None),
            Place::Unclosed(line) => Err(AudienceError::UnclosedQuote { line }),
            Place::Record(line) => {
                let cut_off = self.csv.get_ref().cut_off();
                if cut_off && self.record.as_slice().last() == Some(&0) {
                    return Err(AudienceError::NulTail { line });
                }
                Ok(Some(line))
            }
        }
    }

    /// A cell, with what a file of rejects did to it undone.
    pub(super) fn cell(&self, at: usize) -> &[u8] {
        if !self.dialect.rejects {
            return self.record.get(at).unwrap_or_default();
        }
        let at = if self.corrected == Some(at) { rejects::CORRECTED } else { at };
        rejects::unguard_bytes(self.record.get(at).unwrap_or_default())
    }

    fn reject(&self, line: u64, fault: Fault) -> Reject {
        let value = fault.at.map(|at| String::from_utf8_lossy(self.cell(at))).unwrap_or_default();
        let column = fault.at.and_then(|at| self.header.get(at.checked_sub(self.first)?)).cloned();
        let value = value.get(..value.floor_char_boundary(VALUE_LIMIT)).unwrap_or_default().to_owned();
        Reject { line, column, reason: fault.reason, value, suggestion: fault.suggestion }
    }
}

impl std::fmt::Debug for Audience {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Audience")
            .field("dialect", &self.dialect)
            .field("columns", &self.header.len())
            .field("records", &self.records)
            .finish_non_exhaustive()
    }
}
