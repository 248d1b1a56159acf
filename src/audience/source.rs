//! Where the bytes come from: opening, decompression, and the digest of what was read.
//!
//! In: a path or a stream. Out: the unpacked bytes, in one pass. It knows files and compression, nothing of text or rows.

use std::fmt;
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use flate2::read::MultiGzDecoder;
use sha2::{Digest as _, Sha256};

use super::magic::HEAD;
use super::path::open_file;
use super::stage::StageError;
use super::{AudienceError, Compression, Refused};

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
    let compression = Compression::of(&head);
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
    if compression != Compression::None && Compression::of(&head) != Compression::None {
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

/// Reads up to `most` bytes and gives them back together with a reader that begins with them again.
pub(super) fn peek(mut reader: impl Read + Send + 'static, most: usize) -> io::Result<(Vec<u8>, Box<dyn Read + Send>)> {
    let mut head = Vec::new();
    reader.by_ref().take(most as u64).read_to_end(&mut head)?;
    let again = Cursor::new(head.clone()).chain(reader);
    Ok((head, Box::new(again)))
}
