//! The stream itself: opens a list, finds its columns, and gives one row or one reject a call.
//!
//! In: an [`Input`] and an [`AudienceSpec`]. Out: [`Row`]s in the order of the file, each person once; what the list looks like;
//! the digest of its bytes once all are read. One record is held at a time.

use std::collections::HashMap;

use csv::ByteRecord;
use roaring::RoaringTreemap;

use super::dialect::{self, Dialect, Found};
use super::encoding::{self, Verdict};
use super::header::{self, Columns};
use super::lines::{Lines, Place};
use super::reject::VALUE_LIMIT;
use super::rejects::{self, OWN_COLUMNS};
use super::source::{self, Digest, Input, Witness};
use super::{AudienceError, AudienceSpec, Consent, HeaderProblem, Phone, Reading, Reason, Refused, Region, Reject, Row};
use super::{canonical, consent, normalise};

type Bytes = Box<dyn std::io::Read + Send>;

/// A list being read. See [`Audience::next_row`].
pub struct Audience {
    csv: csv::Reader<Lines<Bytes>>,
    record: ByteRecord,
    witness: Witness,
    dialect: Dialect,
    encoding: &'static encoding_rs::Encoding,
    /// The list's own header: without the columns of a file of rejects.
    header: Vec<String>,
    /// Where the list's own columns begin in a record.
    first: usize,
    columns: Columns,
    country: Option<Region>,
    own: Vec<Phone>,
    seen: RoaringTreemap,
    zones: HashMap<String, bool>,
    /// The cell whose corrected value is taken, in a file of rejects that came back.
    corrected: Option<usize>,
    records: u64,
    state: State,
}

#[derive(Clone, Copy)]
enum State {
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

/// How much of a list is looked at before it is read, in bytes.
const SAMPLE: usize = 64 << 10;

/// Time zones remembered. There are about 600 names; more can only be nonsense.
const ZONES: usize = 1024;

impl Audience {
    /// Opens a list and reads its header.
    ///
    /// # Errors
    ///
    /// When it is no list, or when the header and `spec` do not fit; of these, all problems at once.
    pub fn open(input: Input, spec: &AudienceSpec) -> Result<Audience, AudienceError> {
        let mut problems = Vec::new();
        let source = source::open(input)?;
        let (sample, bytes) = source::peek(source.bytes, SAMPLE).map_err(|e| AudienceError::from_io(e, 1))?;
        let whole = sample.len() < SAMPLE;
        let country = header::country(spec, &mut problems);
        let verdict = encoding::judge(&sample, whole, given_encoding(spec, &mut problems), country);
        if encoding::is_binary(&sample, verdict) {
            return Err(AudienceError::Refused { what: Refused::Binary });
        }
        let text = encoding::sample_text(&sample, verdict);
        let preamble = dialect::preamble(&text);
        let body = text.get(preamble.bytes..).unwrap_or_default();
        let (delimiter, delimiter_found) = match (given_delimiter(spec, &mut problems), preamble.delimiter) {
            (Some(given), _) => (given, Found::Given),
            (None, Some(named)) => (named, Found::Certain),
            (None, None) => dialect::delimiter(body, whole),
        };
        let bytes = encoding::decoded(bytes, verdict).map_err(|e| AudienceError::from_io(e, 1))?;
        let mut lines = Lines::new(bytes);
        lines.skip(preamble.lines).map_err(|e| AudienceError::from_io(e, 1))?;
        let csv = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            .flexible(true)
            .buffer_capacity(SAMPLE)
            .from_reader(lines);
        let mut audience = Audience {
            csv,
            record: ByteRecord::new(),
            witness: source.witness,
            dialect: Dialect {
                encoding: verdict.encoding.name(),
                encoding_found: verdict.found,
                delimiter,
                delimiter_found,
                compression: source.compression,
                rejects: false,
            },
            encoding: verdict.encoding,
            header: Vec::new(),
            first: 0,
            columns: Columns::default(),
            country,
            own: spec.own_numbers.iter().map(|&phone| canonical(phone)).collect(),
            seen: RoaringTreemap::new(),
            zones: HashMap::new(),
            corrected: None,
            records: 0,
            state: State::Reading,
        };
        audience.read_header(spec, verdict, &mut problems)?;
        if problems.is_empty() { Ok(audience) } else { Err(AudienceError::Header { problems }) }
    }

    fn read_header(
        &mut self,
        spec: &AudienceSpec,
        verdict: Verdict,
        problems: &mut Vec<HeaderProblem>,
    ) -> Result<(), AudienceError> {
        if self.read_record()?.is_none() {
            return Err(AudienceError::Empty);
        }
        let Some(names) = self.record.iter().map(|cell| std::str::from_utf8(cell).ok()).collect::<Option<Vec<_>>>() else {
            problems.push(HeaderProblem::NotText { encoding: verdict.encoding.name() });
            return Ok(());
        };
        if names.len() > OWN_COLUMNS.len() && names.iter().zip(OWN_COLUMNS).all(|(name, own)| name.trim() == own) {
            self.dialect.rejects = true;
            self.first = OWN_COLUMNS.len();
        }
        let names = names.into_iter().skip(self.first);
        self.header = if self.dialect.rejects {
            names.map(|name| rejects::unguard(name).to_owned()).collect()
        } else {
            names.map(str::to_owned).collect()
        };
        self.columns = header::find(&self.header, self.first, spec, problems);
        Ok(())
    }

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
    fn read_record(&mut self) -> Result<Option<u64>, AudienceError> {
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
    fn cell(&self, at: usize) -> &[u8] {
        if !self.dialect.rejects {
            return self.record.get(at).unwrap_or_default();
        }
        let at = if self.corrected == Some(at) { rejects::CORRECTED } else { at };
        rejects::unguard_bytes(self.record.get(at).unwrap_or_default())
    }

    fn fill(&mut self, row: &mut Row) -> Result<(), Fault> {
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

/// What is wrong with the record, before it is written up.
struct Fault {
    at: Option<usize>,
    reason: Reason,
    suggestion: Option<String>,
}

impl Fault {
    fn at(at: usize, reason: Reason) -> Fault {
        Fault { at: Some(at), reason, suggestion: None }
    }

    fn of_record(reason: Reason) -> Fault {
        Fault { at: None, reason, suggestion: None }
    }
}

fn given_encoding(spec: &AudienceSpec, problems: &mut Vec<HeaderProblem>) -> Option<&'static encoding_rs::Encoding> {
    let label = spec.encoding.as_deref()?;
    let encoding = encoding_rs::Encoding::for_label_no_replacement(label.as_bytes());
    if encoding.is_none() {
        problems.push(HeaderProblem::UnknownEncoding(label.to_owned()));
    }
    encoding
}

fn given_delimiter(spec: &AudienceSpec, problems: &mut Vec<HeaderProblem>) -> Option<u8> {
    let delimiter = spec.delimiter?;
    if matches!(delimiter, b'"' | b'\n' | b'\r' | 0 | 0x80..) {
        problems.push(HeaderProblem::BadDelimiter(delimiter));
        return None;
    }
    Some(delimiter)
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
