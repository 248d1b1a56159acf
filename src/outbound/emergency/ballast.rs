//! Room held back on the ledger's disk. On a full disk even a one-row update fails (reliability, section 1.9), so a file of no use is
//! kept that can be deleted to let the outcomes through; it is made again at a later start, when there is room.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;

use super::private;
use super::space::Space;

/// Bytes written at once.
const BLOCK: usize = 1 << 20;

/// The file and its size.
#[derive(Clone, Debug)]
pub struct Ballast {
    /// Where it lies: on the ledger's disk.
    pub path: PathBuf,
    /// How large it is; 0 is none at all.
    pub bytes: u64,
}

impl Ballast {
    /// Makes the file, unless it is there in full or the disk has no room for it above `spare` bytes. True when it is there now.
    ///
    /// # Errors
    /// When it cannot be written; nothing is left of it then.
    pub fn make(&self, spare: u64) -> io::Result<bool> {
        let there = match std::fs::metadata(&self.path) {
            Ok(found) => found.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(error),
        };
        if self.bytes == 0 {
            self.give_up();
            return Ok(false);
        }
        if there == self.bytes {
            return Ok(true);
        }
        let folder = self.path.parent().unwrap_or(&self.path);
        let room = Space::of(folder)?.free.saturating_add(there);
        if room < self.bytes.saturating_add(spare) {
            return Ok(false);
        }
        let made = self.fill();
        if made.is_err() {
            self.give_up();
        }
        made.map(|()| true)
    }

    fn fill(&self) -> io::Result<()> {
        let mut file: File = private().write(true).create(true).truncate(true).open(&self.path)?;
        let mut left = self.bytes;
        // Noise: zeros would take no room on a disk that compresses or makes holes.
        let mut noise = fastrand::Rng::with_seed(self.bytes);
        let mut block = vec![0; BLOCK];
        while left > 0 {
            noise.fill(&mut block);
            let part = usize::try_from(left).unwrap_or(BLOCK).min(BLOCK);
            file.write_all(block.get(..part).unwrap_or_default())?;
            left -= part as u64;
        }
        file.sync_all()
    }

    /// Deletes the file; true when there was one, so that there is room now.
    pub fn give_up(&self) -> bool {
        std::fs::remove_file(&self.path).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_really_there_made_once_and_given_up_once() {
        let folder = tempfile::tempdir().unwrap();
        let ballast = Ballast { path: folder.path().join("ledger.db.ballast"), bytes: (BLOCK + 17) as u64 };
        assert!(ballast.make(0).unwrap());
        let found = std::fs::metadata(&ballast.path).unwrap();
        assert_eq!(found.len(), ballast.bytes);
        #[cfg(unix)]
        assert!(std::os::unix::fs::MetadataExt::blocks(&found) * 512 >= ballast.bytes, "no holes");
        std::fs::write(&ballast.path, "cut short by a kill").unwrap();
        assert!(ballast.make(0).unwrap());
        assert_eq!(std::fs::metadata(&ballast.path).unwrap().len(), ballast.bytes);
        assert!(ballast.give_up());
        assert!(!ballast.give_up(), "there is only one");
    }

    #[test]
    fn it_is_not_made_where_room_is_short_and_goes_when_nobody_wants_it() {
        let folder = tempfile::tempdir().unwrap();
        let ballast = Ballast { path: folder.path().join("ledger.db.ballast"), bytes: 1000 };
        assert!(!ballast.make(u64::MAX).unwrap());
        assert!(!ballast.path.exists());
        assert!(ballast.make(0).unwrap());
        assert!(!Ballast { bytes: 0, ..ballast.clone() }.make(0).unwrap());
        assert!(!ballast.path.exists());
    }
}
