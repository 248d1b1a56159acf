//! How a list is written: encoding, delimiter, packing; what was told, what was certain, what was guessed.

use std::fmt;

use super::Compression;

/// How a fact about the list was learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// The campaign says so.
    Given,
    /// The list says so itself: a byte order mark, a `sep=` line, text that can be nothing else.
    Certain,
    /// It fits best.
    Guessed,
}

/// How the list is written. `Display` gives one line for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialect {
    /// The encoding's name, as the WHATWG encoding standard writes it.
    pub encoding: &'static str,
    /// How it was learned.
    pub encoding_found: Found,
    /// The delimiter.
    pub delimiter: u8,
    /// How it was learned.
    pub delimiter_found: Found,
    /// How the bytes are packed.
    pub compression: Compression,
    /// Whether it is a file of rejects written by [`super::RejectsWriter`]: its own columns are set apart, and corrected values
    /// are taken.
    pub rejects: bool,
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let guessed = |found| if found == Found::Guessed { " (guessed)" } else { "" };
        let delimiter = match self.delimiter {
            b',' => "comma".to_owned(),
            b';' => "semicolon".to_owned(),
            b'\t' => "tab".to_owned(),
            b'|' => "pipe".to_owned(),
            other => format!("`{}`", char::from(other).escape_default()),
        };
        write!(f, "{}{}, {delimiter}{}", self.encoding, guessed(self.encoding_found), guessed(self.delimiter_found))?;
        match self.compression {
            Compression::None => {}
            Compression::Gzip => f.write_str(", gzip")?,
            Compression::Zstd => f.write_str(", Zstandard")?,
        }
        if self.rejects { f.write_str(", corrected rejects") } else { Ok(()) }
    }
}

/// Candidates, the most usual first: it wins a tie.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Finds the delimiter of the text: the one that gives as many cells as the header in the most rows.
pub(super) fn delimiter(text: &[u8], whole: bool) -> (u8, Found) {
    let best = DELIMITERS
        .iter()
        .enumerate()
        .filter_map(|(rank, &delimiter)| {
            let (fit, cells) = fit(text, whole, delimiter)?;
            Some(((fit, cells, DELIMITERS.len() - rank), delimiter))
        })
        .max();
    // A list of one column has no delimiter; a comma does no harm.
    best.map_or((b',', Found::Certain), |(_, delimiter)| (delimiter, Found::Guessed))
}

/// How many rows in a thousand have as many cells as the header, and how many that is; `None` for a single cell.
fn fit(text: &[u8], whole: bool, delimiter: u8) -> Option<(usize, usize)> {
    const ROWS: usize = 500;
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).has_headers(false).flexible(true).from_reader(text);
    let mut record = csv::ByteRecord::new();
    let mut rows = Vec::new();
    while rows.len() < ROWS && reader.read_byte_record(&mut record).ok()? {
        let unfinished = !whole && reader.position().byte() >= text.len() as u64;
        if !unfinished || rows.is_empty() {
            rows.push(record.len());
        }
    }
    let header = *rows.first().filter(|&&cells| cells > 1)?;
    let fitting = rows.iter().filter(|&&cells| cells == header).count();
    Some((fitting * 1000 / rows.len(), header))
}

/// What stands before the header: a `sep=;` line, a comment. In bytes, with the delimiter the line names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Preamble {
    pub(super) lines: usize,
    pub(super) bytes: usize,
    pub(super) delimiter: Option<u8>,
}

/// Reads the lines before the header. A line that begins with `#` is a comment only if it holds no delimiter: `#` is also a
/// usual name for the column of row numbers.
pub(super) fn preamble(text: &[u8]) -> Preamble {
    let mut found = Preamble::default();
    loop {
        let rest = text.get(found.bytes..).unwrap_or_default();
        let end = memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
        let line = rest.get(..end).unwrap_or_default();
        let sep = line.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"sep="));
        match (line, sep) {
            (&[_, _, _, _, delimiter], true) if found.delimiter.is_none() && delimiter.is_ascii() => {
                found.delimiter = Some(delimiter);
            }
            ([b'#', comment @ ..], _) if !comment.iter().any(|b| DELIMITERS.contains(b)) && end < rest.len() => {}
            _ => return found,
        }
        let crlf = rest.get(end..end + 2) == Some(b"\r\n");
        found.bytes = (found.bytes + end + 1 + usize::from(crlf)).min(text.len());
        found.lines += 1;
    }
}
