//! Opens a list: looks at its beginning, puts the readers its bytes need in a row, and finds the columns in its header.

use std::collections::HashMap;

use csv::ByteRecord;
use roaring::RoaringTreemap;

use super::dialect::{self, Dialect, Found};
use super::encoding::{self, Verdict};
use super::header::{self, Columns};
use super::lines::Lines;
use super::reader::{Audience, State};
use super::rejects::{self, OWN_COLUMNS};
use super::source::{self, Input};
use super::{AudienceError, AudienceSpec, HeaderProblem, Refused, canonical};

/// How much of a list is looked at before it is read, in bytes.
const SAMPLE: usize = 64 << 10;

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
