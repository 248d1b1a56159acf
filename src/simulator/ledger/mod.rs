//! What people received: append-only, one fact a line, newline-delimited JSON.
//!
//! In: facts. Out: lines that are with the operating system before the call returns, so that killing the process loses nothing
//! that anybody was told; and, at the next start, what is still owed. Every request on `/messages` that was read to its end
//! leaves exactly one line: a `message` when it was accepted, a `request` when it was not. So
//! `requests = message lines + request lines`, and what people got is the `message` lines whose fate is `delivered`.
//! The format of each line is the types of [`fact`]. It must not know HTTP or webhooks.

pub mod fact;
mod recover;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

pub(super) use fact::Line;
pub use fact::{Acked, Fact, Fate, Inbound, Message, Request};
pub(super) use recover::{Past, recover};

/// Room for a line: longer ones only grow the buffer once.
const LINE_BYTES: usize = 1_024;

thread_local! {
    static LINE: RefCell<Vec<u8>> = RefCell::new(Vec::with_capacity(LINE_BYTES));
}

/// The writer.
#[derive(Debug)]
pub(super) struct Ledger {
    sink: Arc<Sink>,
    next_seq: AtomicU64,
    broken: AtomicBool,
}

#[derive(Debug)]
enum Sink {
    File { path: PathBuf, file: File },
    Memory(Mutex<Vec<u8>>),
}

impl Ledger {
    /// Opens or creates the file, or begins one in memory; the next fact gets `next_seq`.
    pub(super) fn open(path: Option<&Path>, next_seq: u64) -> io::Result<Self> {
        let sink = match path {
            Some(path) => Sink::File { path: path.to_owned(), file: OpenOptions::new().create(true).append(true).open(path)? },
            None => Sink::Memory(Mutex::default()),
        };
        Ok(Self { sink: Arc::new(sink), next_seq: AtomicU64::new(next_seq), broken: AtomicBool::new(false) })
    }

    /// A number no other fact has.
    pub(super) fn next_seq(&self) -> u64 {
        self.next_seq.fetch_add(1, Ordering::Relaxed)
    }

    /// Writes one line. After a write that failed nothing is written any more: a torn line would swallow the next one.
    pub(super) fn write(&self, line: &Line<'_>) -> io::Result<()> {
        if self.broken.load(Ordering::Relaxed) {
            return Err(io::Error::other("the ledger could not be written earlier; free the disk and start again"));
        }
        LINE.with_borrow_mut(|buffer| {
            buffer.clear();
            serde_json::to_writer(&mut *buffer, line)?;
            buffer.push(b'\n');
            let written = match &*self.sink {
                // One write to a file opened for appending: lines of several threads never mix.
                Sink::File { file, .. } => (&*file).write_all(buffer),
                Sink::Memory(bytes) => {
                    bytes.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(buffer);
                    Ok(())
                }
            };
            if written.is_err() {
                self.broken.store(true, Ordering::Relaxed);
            }
            written
        })
    }

    /// A view for reading.
    pub(super) fn view(&self) -> LedgerView {
        LedgerView { sink: Arc::clone(&self.sink) }
    }
}

/// The ledger, for reading: as it is at the moment of each call.
#[derive(Clone, Debug)]
pub struct LedgerView {
    sink: Arc<Sink>,
}

impl LedgerView {
    /// All facts, in the order they were written. Nearly in order of `seq`: two threads may change places.
    ///
    /// # Errors
    /// When the file cannot be read or holds a line that is no fact.
    pub fn facts(&self) -> io::Result<Vec<Fact>> {
        match &*self.sink {
            Sink::File { path, .. } => read(path)?.collect(),
            Sink::Memory(bytes) => {
                let bytes = bytes.lock().unwrap_or_else(PoisonError::into_inner).clone();
                bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(parse).collect()
            }
        }
    }

    /// The accepted messages.
    ///
    /// # Errors
    /// As [`LedgerView::facts`].
    pub fn messages(&self) -> io::Result<Vec<Message>> {
        let only = |fact| if let Fact::Message(message) = fact { Some(message) } else { None };
        Ok(self.facts()?.into_iter().filter_map(only).collect())
    }

    /// The messages people got.
    ///
    /// # Errors
    /// As [`LedgerView::facts`].
    pub fn received(&self) -> io::Result<Vec<Message>> {
        Ok(self.messages()?.into_iter().filter(Message::is_received).collect())
    }

    /// How many requests reached `/messages`, accepted or not.
    ///
    /// # Errors
    /// As [`LedgerView::facts`].
    pub fn requests(&self) -> io::Result<u64> {
        let counts = self.facts()?.iter().filter(|fact| matches!(fact, Fact::Message(_) | Fact::Request(_))).count();
        Ok(u64::try_from(counts).unwrap_or(u64::MAX))
    }
}

/// Reads a ledger's file, of a running simulator or a dead one, fact by fact. A last line without its end is left out: it
/// was being written, and nobody was told of it.
///
/// # Errors
/// When the file cannot be opened; later, an item is an error when its line is no fact.
pub fn read(path: &Path) -> io::Result<impl Iterator<Item = io::Result<Fact>> + use<>> {
    let mut lines = BufReader::with_capacity(1 << 16, File::open(path)?);
    let mut line = Vec::with_capacity(LINE_BYTES);
    Ok(std::iter::from_fn(move || {
        line.clear();
        match lines.read_until(b'\n', &mut line) {
            Ok(0) => None,
            Ok(_) if line.last() != Some(&b'\n') => None,
            Ok(_) => Some(parse(&line)),
            Err(error) => Some(Err(error)),
        }
    }))
}

fn parse(line: &[u8]) -> io::Result<Fact> {
    serde_json::from_slice(line).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}
