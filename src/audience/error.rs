//! What stops the reading of a list. One bad record never does: it is a [`super::Reject`].

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::Refused;
use super::stage::StageError;

/// Why a list cannot be read, or not to its end. After an error nothing more is read: a list is taken whole or not at all.
#[derive(Debug, thiserror::Error)]
pub enum AudienceError {
    /// The file cannot be opened.
    #[error("cannot open the audience file {}: does it exist, and may it be read?", path.display())]
    Open {
        /// The path asked for.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A directory, pipe or device stands where a file should.
    #[error("{} is a {kind}, not a file: name a file, or `-` to read a pipe from standard input", path.display())]
    NotAFile {
        /// The path asked for.
        path: PathBuf,
        /// What stands there.
        kind: &'static str,
    },
    /// The bytes are something else than a list.
    #[error("the audience is not a CSV file but {what}: {}", what.advice())]
    Refused {
        /// What they are.
        what: Refused,
    },
    /// There is nothing in it, not even a header.
    #[error("the audience is empty: not even a header stands in it")]
    Empty,
    /// The header and what the campaign says about it do not fit: everything found, at once.
    #[error("{}", Listed(problems))]
    Header {
        /// At least one problem.
        problems: Vec<HeaderProblem>,
    },
    /// The file ends inside a quoted cell.
    #[error("line {line}: a quote is opened in this row and never closed: close it, or double it if it belongs to the text")]
    UnclosedQuote {
        /// Where the row begins.
        line: u64,
    },
    /// A record beyond the limit, most often an unclosed quote that swallows the rows behind it.
    #[error("line {line}: a row is longer than {limit} bytes: is a quote opened in it and never closed?")]
    RecordTooLarge {
        /// Where the record begins.
        line: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The file ends in NUL bytes, as files do whose writer crashed.
    #[error("line {line}: the file ends in NUL bytes: whatever wrote it crashed and rows are missing, export it again")]
    NulTail {
        /// Where they begin.
        line: u64,
    },
    /// A small file that unpacks to an enormous one.
    #[error("line {line}: the compressed audience grows to more than {ratio} times its size: unpack it first if that is meant")]
    Bomb {
        /// How far it was read.
        line: u64,
        /// The ratio allowed.
        ratio: u64,
    },
    /// The compressed data is cut off or damaged.
    #[error("line {line}: the compressed audience is cut off or damaged: was it uploaded completely?")]
    Corrupt {
        /// How far it was read.
        line: u64,
        /// What the decompressor said.
        #[source]
        source: io::Error,
    },
    /// Reading failed.
    #[error("line {line}: the audience cannot be read on")]
    Read {
        /// How far it was read.
        line: u64,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Somebody wrote to the file while it was read.
    #[error("{} changed while it was read: run again when nothing writes to it", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// A row was asked for after an error.
    #[error("the audience was not read to its end: an error came before")]
    AlreadyFailed,
}

impl AudienceError {
    /// Gives a failure from below its line.
    pub(super) fn from_io(error: io::Error, line: u64) -> AudienceError {
        match error.downcast::<StageError>() {
            Ok(StageError::Bomb { ratio }) => AudienceError::Bomb { line, ratio },
            Ok(StageError::Corrupt(source)) => AudienceError::Corrupt { line, source },
            Ok(StageError::RecordTooLarge { limit }) => AudienceError::RecordTooLarge { line, limit },
            Ok(StageError::NulTail) => AudienceError::NulTail { line },
            Err(source) => AudienceError::Read { line, source },
        }
    }
}

struct Listed<'a>(&'a [HeaderProblem]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

/// One thing in which the header and the campaign do not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderProblem {
    /// A column the campaign names is not there.
    #[error("the audience has no column `{wanted}` (for {role}){}", hint(suggestion.as_deref()))]
    Missing {
        /// What the campaign needs it for.
        role: &'static str,
        /// The name it gave.
        wanted: String,
        /// The column that was probably meant.
        suggestion: Option<String>,
    },
    /// Several columns have the name.
    #[error("the audience has {count} columns `{wanted}` (for {role}): rename all but one")]
    Ambiguous {
        /// What the campaign needs it for.
        role: &'static str,
        /// The name it gave.
        wanted: String,
        /// How many there are.
        count: usize,
    },
    /// No header is obviously the phone's.
    #[error("no column is obviously the phone's: name it with `phone = \"…\"`")]
    NoPhoneColumn,
    /// Several headers are.
    #[error("several columns could be the phone's ({}): name one with `phone = \"…\"`", names.join(", "))]
    SeveralPhoneColumns {
        /// Their names.
        names: Vec<String>,
    },
    /// The first line holds a phone number, so it is no header.
    #[error("the first line holds a phone number: put a line with the columns' names above it")]
    NoHeader,
    /// More columns than any list has.
    #[error("the header has {count} columns, more than {limit}: is this a list of people?")]
    TooManyColumns {
        /// How many there are.
        count: usize,
        /// How many are read.
        limit: usize,
    },
    /// The header is not text in the list's encoding.
    #[error("the header is not in the list's encoding ({encoding}): name the encoding, or export again as UTF-8")]
    NotText {
        /// The encoding tried.
        encoding: &'static str,
    },
    /// The campaign's default country is none.
    #[error("`{0}` is not a country: write its two upper-case letters, such as MX")]
    UnknownCountry(String),
    /// The campaign's encoding is none.
    #[error("`{0}` is not an encoding: write utf-8, windows-1252, utf-16le or another label of the WHATWG encoding standard")]
    UnknownEncoding(String),
    /// The campaign's delimiter cannot be one.
    #[error("`{}` cannot be a delimiter: use a comma, semicolon, tab, pipe or another sign", char::from(*.0).escape_default())]
    BadDelimiter(u8),
}

fn hint(suggestion: Option<&str>) -> String {
    suggestion.map_or_else(|| ": check its name".to_owned(), |name| format!(": did you mean `{name}`?"))
}
