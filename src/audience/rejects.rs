//! The file of rejects: each row with what is wrong, its own cells, and a column for the correction, so that people can fix it in a
//! spreadsheet and hand it back.
//!
//! Cells that a spreadsheet would take for a formula get an apostrophe in front; reading the file back takes exactly that away.

use std::io::{self, Write};

use super::Reject;

/// The columns in front of the row's own. A list that begins with them is a file of rejects that came back.
pub const OWN_COLUMNS: [&str; 6] =
    ["rejected_line", "rejected_column", "rejected_reason", "rejected_because", "rejected_value", "corrected_value"];

/// Positions in [`OWN_COLUMNS`].
pub(super) const COLUMN: usize = 1;
pub(super) const REASON: usize = 2;
pub(super) const CORRECTED: usize = 5;

/// Writes rejects as CSV: UTF-8, comma, every cell quoted, CRLF.
#[derive(Debug)]
pub struct RejectsWriter<W: Write> {
    csv: csv::Writer<W>,
}

/// What stands in front of a rejected row's own cells.
#[derive(Clone, Copy)]
pub struct Fault<'a> {
    /// The physical line of the file, from 1, where the record begins.
    pub line: u64,
    /// The column whose value is wrong; `None` when the record as a whole is.
    pub column: Option<&'a str>,
    /// Why, for machines.
    pub code: &'a str,
    /// What is wrong and what to do, for people.
    pub message: &'a str,
    /// The value as it stood in the file.
    pub value: &'a str,
    /// What it should probably be.
    pub suggestion: Option<&'a str>,
}

impl std::fmt::Debug for Fault<'_> {
    /// The value is personal data.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fault")
            .field("line", &self.line)
            .field("column", &self.column)
            .field("code", &self.code)
            .finish_non_exhaustive()
    }
}

impl<W: Write> RejectsWriter<W> {
    /// Begins a file for a list with this header, with the byte order mark that spreadsheets need to see UTF-8.
    pub fn new(mut out: W, header: &[String]) -> io::Result<RejectsWriter<W>> {
        out.write_all(b"\xEF\xBB\xBF")?;
        RejectsWriter::without_mark(out, header)
    }

    /// Begins a file without a byte order mark, for programs.
    pub fn without_mark(out: W, header: &[String]) -> io::Result<RejectsWriter<W>> {
        let mut csv = csv::WriterBuilder::new()
            .quote_style(csv::QuoteStyle::Always)
            .terminator(csv::Terminator::CRLF)
            .flexible(true)
            .from_writer(out);
        for name in OWN_COLUMNS {
            csv.write_field(name)?;
        }
        for name in header {
            csv.write_field(guard(name).as_ref())?;
        }
        csv.write_record(None::<&[u8]>)?;
        Ok(RejectsWriter { csv })
    }

    /// Writes one reject with the row's own cells ([`super::Audience::cells`]), as many as it has: a row too short stays short. What
    /// is not UTF-8 is replaced by U+FFFD.
    pub fn write<'a>(&mut self, reject: &Reject, cells: impl IntoIterator<Item = &'a [u8]>) -> io::Result<()> {
        let fault = Fault {
            line: reject.line,
            column: reject.column.as_deref(),
            code: reject.reason.as_str(),
            message: reject.reason.message(),
            value: &reject.value,
            suggestion: reject.suggestion.as_deref(),
        };
        self.write_fault(&fault, cells)
    }

    /// Writes a row that was readable but cannot be used for another reason, such as a value the template refuses.
    pub fn write_fault<'a>(&mut self, fault: &Fault<'_>, cells: impl IntoIterator<Item = &'a [u8]>) -> io::Result<()> {
        let csv = &mut self.csv;
        csv.write_field(fault.line.to_string())?;
        csv.write_field(guard(fault.column.unwrap_or_default()).as_ref())?;
        csv.write_field(fault.code)?;
        csv.write_field(guard(fault.message).as_ref())?;
        csv.write_field(guard(fault.value).as_ref())?;
        csv.write_field(guard(fault.suggestion.unwrap_or_default()).as_ref())?;
        for cell in cells {
            csv.write_field(guard(&String::from_utf8_lossy(cell)).as_ref())?;
        }
        csv.write_record(None::<&[u8]>)?;
        Ok(())
    }

    /// Writes out what is buffered and gives the writer back.
    pub fn finish(self) -> io::Result<W> {
        self.csv.into_inner().map_err(csv::IntoInnerError::into_error)
    }
}

/// The cell as a spreadsheet may safely open it: with an apostrophe in front when it would be a formula.
///
/// The signs are OWASP's list for CSV injection (`=`, `+`, `-`, `@`, tab, carriage return, line feed) and their full-width forms,
/// also behind spaces and quotes.
pub fn guard(cell: &str) -> std::borrow::Cow<'_, str> {
    if is_dangerous(cell) { format!("'{cell}").into() } else { cell.into() }
}

/// Takes away exactly what [`guard`] added, and nothing from a cell that it leaves alone.
pub fn unguard(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if is_dangerous(rest) => rest,
        _ => cell,
    }
}

/// The same on bytes: a cell that is not UTF-8 stays as it is.
pub(super) fn unguard_bytes(cell: &[u8]) -> &[u8] {
    match cell {
        [b'\'', ..] => std::str::from_utf8(cell).map_or(cell, |text| unguard(text).as_bytes()),
        _ => cell,
    }
}

fn is_dangerous(cell: &str) -> bool {
    let start = cell.trim_start_matches([' ', '\u{A0}', '\'', '"']);
    start.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'])
}
