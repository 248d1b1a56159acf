//! Where the bytes come from: which paths may be opened, what the first bytes say, decompression, and the digest of what was read.
//!
//! In: a path or a stream. Out: the unpacked bytes, in one pass. It knows files and compression, nothing of text or rows.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Cursor, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use flate2::read::MultiGzDecoder;
use sha2::{Digest as _, Sha256};

use super::AudienceError;
use super::stage::StageError;

/// Where a list is read from.
pub enum Input {
    /// A regular file.
    Path(PathBuf),
    /// Anything else that gives bytes: standard input, a request's body.
    Bytes(Box<dyn Read + Send>),
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Input::Path(path) => f.debug_tuple("Path").field(path).finish(),
            Input::Bytes(_) => f.write_str("Bytes"),
        }
    }
}

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

/// The SHA-256 of a list's bytes as they were stored, compression and all.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl serde::Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Digest {
    /// 64 lower-case hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a path of a campaign file is not followed.
#[derive(Debug, thiserror::Error)]
pub enum PathProblem {
    /// Nothing was given.
    #[error("the path is empty: name a file")]
    Empty,
    /// A line break or another control character.
    #[error("the path holds a control character, such as a line break: rename the file")]
    ControlCharacter,
    /// It leads out of the folder the campaign may read.
    #[error("`{file}` leads out of {}: only files in that folder are read", root.display())]
    Outside {
        /// The path as given.
        file: String,
        /// The folder.
        root: PathBuf,
    },
    /// It, or the folder, cannot be found.
    #[error("cannot find `{file}` in {}", root.display())]
    NotFound {
        /// The path as given.
        file: String,
        /// The folder.
        root: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// The real path of `file`, which must lie in `root` (the campaign's folder) after `..` and symbolic links are followed.
///
/// A relative path is taken from `root`. The file must exist.
pub fn resolve(root: &Path, file: &str) -> Result<PathBuf, PathProblem> {
    if file.is_empty() {
        return Err(PathProblem::Empty);
    }
    if file.chars().any(char::is_control) {
        return Err(PathProblem::ControlCharacter);
    }
    let outside = || PathProblem::Outside { file: file.to_owned(), root: root.to_owned() };
    let not_found = |source| PathProblem::NotFound { file: file.to_owned(), root: root.to_owned(), source };
    // A path that climbs above the root is refused before the disk is asked: the answer must not tell what exists out there.
    let mut depth = 0_i64;
    for part in Path::new(file).components() {
        depth += match part {
            Component::Normal(_) => 1,
            Component::ParentDir => -1,
            Component::CurDir | Component::RootDir | Component::Prefix(_) => 0,
        };
        if depth < 0 {
            return Err(outside());
        }
    }
    let real_root = root.canonicalize().map_err(not_found)?;
    if Path::new(file).is_absolute() && !Path::new(file).starts_with(&real_root) && !Path::new(file).starts_with(root) {
        return Err(outside());
    }
    let real = real_root.join(file).canonicalize().map_err(not_found)?;
    if real.starts_with(&real_root) { Ok(real) } else { Err(outside()) }
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
    fn of(head: &[u8]) -> Option<Refused> {
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

/// Unpacked bytes, with what was learned on the way.
pub(super) struct Source {
    pub(super) bytes: Box<dyn Read + Send>,
    pub(super) compression: Compression,
    pub(super) witness: Witness,
}

/// What remains outside the chain of readers: the digest so far, and the file to compare at the end.
pub(super) struct Witness {
    tally: Arc<Mutex<Tally>>,
    file: Option<Watched>,
}

struct Watched {
    path: PathBuf,
    handle: File,
    modified: Option<SystemTime>,
}

#[derive(Default)]
struct Tally {
    hasher: Sha256,
    bytes: u64,
}

impl Witness {
    /// The digest, once everything was read; an error when the file is not what it was at the start.
    pub(super) fn finish(&self) -> Result<Digest, AudienceError> {
        let (digest, bytes) = {
            let tally = self.tally.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            (Digest(tally.hasher.clone().finalize().into()), tally.bytes)
        };
        if let Some(Watched { path, handle, modified }) = &self.file {
            let now = handle.metadata().map_err(|source| AudienceError::Read { line: 0, source })?;
            if now.len() != bytes || now.modified().ok() != *modified {
                return Err(AudienceError::Changed { path: path.clone() });
            }
        }
        Ok(digest)
    }
}

/// Passes bytes on and adds them to the digest.
struct Tap<R> {
    inner: R,
    tally: Arc<Mutex<Tally>>,
}

impl<R: Read> Read for Tap<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        let mut tally = self.tally.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        tally.hasher.update(buf.get(..n).unwrap_or_default());
        tally.bytes += n as u64;
        Ok(n)
    }
}

/// Passes unpacked bytes on and stops when they are out of all proportion to the packed ones.
struct Unpacked<R> {
    inner: R,
    out: u64,
    tally: Arc<Mutex<Tally>>,
}

/// Lists shrink three to twenty times; a file of nothing but one row repeated about two hundred times.
const MOST_GROWTH: u64 = 250;
/// Below this many unpacked bytes nobody asks.
const GROWTH_FREE: u64 = 64 << 20;

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            _ => StageError::Corrupt(error).into(),
        })?;
        self.out += n as u64;
        if self.out > GROWTH_FREE {
            let packed = self.tally.lock().unwrap_or_else(std::sync::PoisonError::into_inner).bytes;
            if self.out > packed.saturating_mul(MOST_GROWTH) {
                return Err(StageError::Bomb { ratio: MOST_GROWTH }.into());
            }
        }
        Ok(n)
    }
}

/// The largest window a Zstandard frame may ask for: 2^25 = 32 MiB, what its levels up to 19 with `--long=25` use. It bounds the memory.
const ZSTD_WINDOW_LOG: u32 = 25;

/// Opens the input, looks at its first bytes and puts the decompressor they ask for in front of it.
pub(super) fn open(input: Input) -> Result<Source, AudienceError> {
    let tally = Arc::new(Mutex::new(Tally::default()));
    let (raw, file): (Box<dyn Read + Send>, _) = match input {
        Input::Bytes(bytes) => (bytes, None),
        Input::Path(path) => {
            let (handle, modified) = open_file(&path)?;
            let second = handle.try_clone().map_err(|source| AudienceError::Open { path: path.clone(), source })?;
            (Box::new(handle), Some(Watched { path, handle: second, modified }))
        }
    };
    let (head, raw) = peek(Tap { inner: raw, tally: Arc::clone(&tally) }, HEAD).map_err(|e| AudienceError::from_io(e, 1))?;
    let compression = compression_of(&head);
    let unpacked = |inner| Unpacked { inner, out: 0, tally: Arc::clone(&tally) };
    let (head, bytes) = match compression {
        Compression::None => (head, raw),
        Compression::Gzip => {
            let gzip: Box<dyn Read + Send> = Box::new(MultiGzDecoder::new(raw));
            peek(unpacked(gzip), HEAD).map_err(|e| AudienceError::from_io(e, 1))?
        }
        Compression::Zstd => {
            let zstd: Box<dyn Read + Send> = Box::new(zstd_reader(raw).map_err(|e| AudienceError::from_io(e, 1))?);
            peek(unpacked(zstd), HEAD).map_err(|e| AudienceError::from_io(e, 1))?
        }
    };
    if compression != Compression::None && compression_of(&head) != Compression::None {
        return Err(AudienceError::Refused { what: Refused::OtherCompression });
    }
    if let Some(what) = Refused::of(&head) {
        return Err(AudienceError::Refused { what });
    }
    Ok(Source { bytes, compression, witness: Witness { tally, file } })
}

fn zstd_reader<R: Read + Send>(raw: R) -> io::Result<impl Read + Send> {
    let mut reader = zstd::stream::read::Decoder::new(raw)?;
    reader.window_log_max(ZSTD_WINDOW_LOG)?;
    Ok(reader)
}

/// Enough for every magic number, the tar header's included.
const HEAD: usize = 512;

/// Reads up to `most` bytes and gives them back together with a reader that begins with them again.
pub(super) fn peek(mut reader: impl Read + Send + 'static, most: usize) -> io::Result<(Vec<u8>, Box<dyn Read + Send>)> {
    let mut head = Vec::new();
    reader.by_ref().take(most as u64).read_to_end(&mut head)?;
    let again = Cursor::new(head.clone()).chain(reader);
    Ok((head, Box::new(again)))
}

fn compression_of(head: &[u8]) -> Compression {
    if head.starts_with(b"\x1F\x8B") {
        Compression::Gzip
    } else if head.starts_with(b"\x28\xB5\x2F\xFD") {
        Compression::Zstd
    } else {
        Compression::None
    }
}

fn open_file(path: &Path) -> Result<(File, Option<SystemTime>), AudienceError> {
    let cannot = |source| AudienceError::Open { path: path.to_owned(), source };
    // Asked before opening: to open a pipe without a writer would wait for ever.
    let kind = fs::metadata(path).map_err(cannot)?.file_type();
    if !kind.is_file() {
        return Err(AudienceError::NotAFile { path: path.to_owned(), kind: kind_name(kind) });
    }
    let handle = File::open(path).map_err(cannot)?;
    let metadata = handle.metadata().map_err(cannot)?;
    Ok((handle, metadata.modified().ok()))
}

#[cfg(unix)]
fn kind_name(kind: fs::FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt as _;
    if kind.is_dir() {
        "directory"
    } else if kind.is_fifo() {
        "pipe"
    } else if kind.is_socket() {
        "socket"
    } else {
        "device"
    }
}

#[cfg(not(unix))]
fn kind_name(kind: fs::FileType) -> &'static str {
    if kind.is_dir() { "directory" } else { "device" }
}
