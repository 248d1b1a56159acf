//! What the first bytes say: how the list is packed, or that it is no list at all.

use std::fmt;

/// Enough for every magic number, the tar header's included.
pub(super) const HEAD: usize = 512;

/// How a list is packed, told by its first bytes whatever its name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip, also several members one after another.
    Gzip,
    /// Zstandard.
    Zstd,
}

impl Compression {
    /// By its first bytes.
    pub(super) fn of(head: &[u8]) -> Compression {
        if head.starts_with(b"\x1F\x8B") {
            Compression::Gzip
        } else if head.starts_with(b"\x28\xB5\x2F\xFD") {
            Compression::Zstd
        } else {
            Compression::None
        }
    }
}

/// What was found where a list was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// An XLSX, ODS or other zip file.
    Spreadsheet,
    /// An XLS file.
    OldSpreadsheet,
    /// A PDF document.
    Pdf,
    /// A web page, most often an error page or a log-in form saved as the export.
    Html,
    /// XML.
    Xml,
    /// JSON.
    Json,
    /// A tar, 7z or RAR archive.
    Archive,
    /// Packed with something else than gzip or Zstandard, or packed twice.
    OtherCompression,
    /// UTF-32, which no program exports.
    Utf32,
    /// None of these, but not text.
    Binary,
}

impl Refused {
    /// What to do instead.
    pub fn advice(self) -> &'static str {
        match self {
            Refused::Spreadsheet | Refused::OldSpreadsheet => "open it in the spreadsheet program and save it as CSV (UTF-8)",
            Refused::Pdf | Refused::Html => "the download went wrong: export the list again, as CSV",
            Refused::Xml | Refused::Json | Refused::Binary => "export the list as CSV",
            Refused::Archive => "unpack it and name the CSV file in it",
            Refused::OtherCompression => "pack it once, with gzip or Zstandard, or not at all",
            Refused::Utf32 => "export it as UTF-8",
        }
    }

    /// By its first bytes; `None` when it may be a list.
    pub(super) fn of(head: &[u8]) -> Option<Refused> {
        const MAGIC: [(&[u8], Refused); 12] = [
            (b"PK\x03\x04", Refused::Spreadsheet),
            (b"PK\x05\x06", Refused::Spreadsheet),
            (b"\xD0\xCF\x11\xE0", Refused::OldSpreadsheet),
            (b"%PDF", Refused::Pdf),
            (b"7z\xBC\xAF\x27\x1C", Refused::Archive),
            (b"Rar!\x1A\x07", Refused::Archive),
            (b"BZh", Refused::OtherCompression),
            (b"\xFD7zXZ\x00", Refused::OtherCompression),
            (b"\xFF\xFE\x00\x00", Refused::Utf32),
            (b"\x00\x00\xFE\xFF", Refused::Utf32),
            (b"PAR1", Refused::Binary),
            (b"SQLite format 3\x00", Refused::Binary),
        ];
        let magic = MAGIC.iter().find(|(bytes, _)| head.starts_with(bytes)).map(|&(_, what)| what);
        // The magic of tar stands 257 bytes into the header of the first file.
        let tar = (head.get(257..262) == Some(b"ustar")).then_some(Refused::Archive);
        magic.or(tar).or_else(|| Refused::markup(head))
    }

    fn markup(head: &[u8]) -> Option<Refused> {
        let text = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start();
        let begins = |word: &str| text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()));
        if begins("<!doctype") || begins("<html") || begins("<head") || begins("<body") {
            Some(Refused::Html)
        } else if begins("<") {
            Some(Refused::Xml)
        } else if begins("{") || begins("[{") || begins("[[") {
            Some(Refused::Json)
        } else {
            None
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refused::Spreadsheet => "a spreadsheet or zip file",
            Refused::OldSpreadsheet => "an old spreadsheet file",
            Refused::Pdf => "a PDF document",
            Refused::Html => "a web page",
            Refused::Xml => "XML",
            Refused::Json => "JSON",
            Refused::Archive => "an archive",
            Refused::OtherCompression => "compressed in a way that is not read",
            Refused::Utf32 => "UTF-32",
            Refused::Binary => "binary data",
        })
    }
}
