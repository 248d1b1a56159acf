//! The outcome journal: an append-only file of what the ledger did not take, one outcome a line, each with the beginning of its SHA-256.
//!
//! It is synced before it counts. At the next start, before open intents are called unknown, it is merged by the ledger's own compare
//! and set: an outcome that the ledger took after all changes nothing, so merging twice is merging once. A line without its end was cut
//! short by a kill and was never said to be kept; a line that does not match its sum is set aside with the file, never guessed at.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::private;
use crate::outbound::ledger::{Dispatch, Group, LedgerError, Settlement};

/// The journal never grows beyond this: some 200,000 outcomes, far more than calls can be in flight.
const MOST: u64 = 64 << 20;
/// Outcomes merged in one commit.
const GROUP: usize = 500;

/// The journal of one ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Journal {
    path: PathBuf,
}

/// Why a journal could not be merged. It stays where it is.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file cannot be read or removed.
    #[error("the journal of outcomes {} cannot be used: mend that, or what it holds will count as unknown", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// The ledger did not take it.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// What a merge found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// Outcomes offered to the ledger.
    pub outcomes: usize,
    /// Of these, those it knew already.
    pub known: usize,
    /// Lines that do not match their sum; the file was set aside.
    pub unreadable: usize,
}

impl Journal {
    /// The journal at this path; the file is made when it is first needed.
    pub const fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds outcomes: durable when this returns.
    ///
    /// # Errors
    /// When the file cannot be written or is full. What was written of them is taken back as far as possible.
    pub fn append(&self, settlements: &[Settlement]) -> io::Result<()> {
        let mut file = private().read(true).append(true).create(true).open(&self.path)?;
        let before = file.seek(SeekFrom::End(0))?;
        let mut lines = Vec::new();
        if before > 0 && !ends_whole(&mut file)? {
            lines.push(b'\n');
        }
        for settlement in settlements {
            let json = serde_json::to_vec(settlement)?;
            lines.extend_from_slice(sum(&json).as_bytes());
            lines.push(b' ');
            lines.extend_from_slice(&json);
            lines.push(b'\n');
        }
        if before + lines.len() as u64 > MOST {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the journal of outcomes is full"));
        }
        let written = file.write_all(&lines).and_then(|()| file.sync_all()).and_then(|()| self.sync_folder());
        if written.is_err()
            && let Err(error) = file.set_len(before)
        {
            // The cut line has no end or no matching sum: reading passes it over.
            tracing::debug!(%error, "a cut line stays in the journal of outcomes");
        }
        written
    }

    /// Offers everything in the journal to the ledger, then removes it. Nothing happens without a journal.
    ///
    /// # Errors
    /// When the file cannot be read or removed, or the ledger fails: the journal stays, and merging again does no harm.
    pub async fn merge(&self, ledger: &dyn Dispatch) -> Result<Merged, JournalError> {
        let failed = |cause| JournalError::File { path: self.path.clone(), cause };
        let bytes = match std::fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Merged::default()),
            Err(error) => return Err(failed(error)),
        };
        let (settlements, unreadable) = read(&bytes);
        let mut merged = Merged { outcomes: settlements.len(), known: 0, unreadable };
        let mut settlements = settlements.into_iter();
        loop {
            let group: Vec<Settlement> = settlements.by_ref().take(GROUP).collect();
            if group.is_empty() {
                break;
            }
            merged.known += ledger.commit(&Group { settlements: group, ..Group::default() }).await?.superseded.len();
        }
        if unreadable > 0 {
            let aside = self.path.with_extension("damaged");
            tracing::error!(unreadable, file = %aside.display(), "lines of the journal of outcomes are damaged; it is set aside");
            std::fs::rename(&self.path, aside).map_err(failed)?;
        } else {
            self.remove().map_err(failed)?;
        }
        Ok(merged)
    }

    /// Removes the journal: the ledger has what is in it. No journal is as good.
    ///
    /// # Errors
    /// When the file is there and cannot be removed.
    pub fn remove(&self) -> io::Result<()> {
        match std::fs::remove_file(&self.path) {
            Ok(()) => self.sync_folder(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// A file's name is durable only with its folder.
    fn sync_folder(&self) -> io::Result<()> {
        match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
            _ => Ok(()),
        }
    }
}

fn ends_whole(file: &mut File) -> io::Result<bool> {
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == [b'\n'])
}

/// First 64 bits of the SHA-256, hex.
fn sum(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes).get(..8).unwrap_or_default())
}

/// The outcomes of a journal, and how many lines are damaged.
fn read(bytes: &[u8]) -> (Vec<Settlement>, usize) {
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let lines = bytes.get(..whole).unwrap_or_default().split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let mut settlements = Vec::new();
    let mut unreadable = 0;
    for line in lines {
        match outcome(line) {
            Some(settlement) => settlements.push(settlement),
            None => unreadable += 1,
        }
    }
    (settlements, unreadable)
}

fn outcome(line: &[u8]) -> Option<Settlement> {
    let (said, json) = line.split_at_checked(16)?;
    let json = json.strip_prefix(b" ")?;
    if sum(json).as_bytes() != said {
        return None;
    }
    serde_json::from_slice(json).ok()
}

#[cfg(test)]
mod tests;
