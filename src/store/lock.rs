//! The lock file beside a SQLite ledger: one engine process at a time. The operating system drops the lock with the process, so
//! that nothing has to be cleaned up after a crash; the number left in the file then tells that there was one.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use crate::outbound::ledger::LedgerError;

/// The held lock.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    /// Whether the process before this one ended without closing its ledger.
    pub(super) unclean: bool,
}

impl Lock {
    /// Takes the lock of the ledger at `ledger`, or says who has it.
    pub(super) fn take(ledger: &Path) -> Result<Self, LedgerError> {
        let mut path = ledger.as_os_str().to_owned();
        path.push(".lock");
        let path = PathBuf::from(path);
        let failed = |error| LedgerError::Unfit(format!("cannot lock {}: {error}", path.display()));
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        super::sqlite::private(&mut options);
        let mut file = options.open(&path).map_err(failed)?;
        let mut holder = String::new();
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let known = file.read_to_string(&mut holder).is_ok() && !holder.trim().is_empty();
                let by = if known { format!(" (process {})", holder.trim()) } else { String::new() };
                return Err(LedgerError::Locked(format!("{}{by}", ledger.display())));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        file.read_to_string(&mut holder).map_err(failed)?;
        let mut lock = Self { file, unclean: !holder.trim().is_empty() };
        lock.note(&std::process::id().to_string()).map_err(failed)?;
        Ok(lock)
    }

    fn note(&mut self, text: &str) -> std::io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(text.as_bytes())
    }

    /// Notes that the ledger was closed in order. The lock itself goes with the value.
    pub(super) fn clean(&mut self) {
        // A note that cannot be removed costs one needless check at the next start.
        if let Err(error) = self.note("") {
            tracing::debug!(%error, "the lock file keeps its note");
        }
    }
}
