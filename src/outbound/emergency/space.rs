//! How much of a disk is free, and how much must be before anything new is sent.

use std::io;
use std::path::{Path, PathBuf};

const MIB: u64 = 1 << 20;

/// A disk's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Space {
    /// Free for an ordinary process.
    pub(super) free: u64,
    /// All of them.
    pub(super) total: u64,
}

impl Space {
    /// Of the disk that holds `folder`.
    pub(super) fn of(folder: &Path) -> io::Result<Self> {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let found = rustix::fs::statvfs(folder)?;
        let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
        Ok(Self { free: bytes(found.f_bavail), total: bytes(found.f_blocks) })
    }
}

/// What must stay free on the ledger's disk: the larger of the two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LowWater {
    /// A folder on that disk.
    pub folder: PathBuf,
    /// So many bytes (512 MiB unless the settings say otherwise: reliability, section 1.9).
    pub bytes: u64,
    /// So many percent of the disk (2 unless the settings say otherwise).
    pub percent: u8,
}

impl LowWater {
    /// Why nothing new may be sent now; `None` when there is room. A disk that does not tell stops nothing.
    pub fn reached(&self) -> Option<String> {
        match Space::of(&self.folder) {
            Ok(space) => self.judge(space),
            Err(error) => {
                tracing::debug!(%error, "the disk does not tell how full it is");
                None
            }
        }
    }

    fn judge(&self, space: Space) -> Option<String> {
        let wanted = self.bytes.max((space.total / 100).saturating_mul(self.percent.into()));
        (space.free < wanted).then(|| {
            format!(
                "the disk is almost full: {} MiB are free at {}, and sending stops below {} MiB; free some space",
                space.free / MIB,
                self.folder.display(),
                wanted.div_ceil(MIB)
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(bytes: u64, percent: u8) -> LowWater {
        LowWater { folder: PathBuf::from("/data"), bytes, percent }
    }

    #[test]
    fn the_larger_of_both_marks_counts() {
        let disk = |free| Space { free: free * MIB, total: 100_000 * MIB };
        assert_eq!(mark(512 * MIB, 2).judge(disk(2000)), None);
        let said = mark(512 * MIB, 2).judge(disk(1999)).unwrap();
        assert!(said.starts_with("the disk is almost full: 1999 MiB are free at /data") && said.contains("2000 MiB"), "{said}");
        assert_eq!(mark(512 * MIB, 0).judge(disk(512)), None);
        assert!(mark(512 * MIB, 0).judge(disk(511)).is_some());
        assert_eq!(mark(0, 0).judge(disk(0)), None, "nothing is asked for");
    }

    #[test]
    fn a_real_disk_tells_and_a_missing_one_stops_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let space = Space::of(folder.path()).unwrap();
        assert!(space.total > 0 && space.free <= space.total);
        assert!(LowWater { folder: folder.path().to_owned(), bytes: u64::MAX, percent: 0 }.reached().is_some());
        assert_eq!(mark(u64::MAX, 0).reached(), None);
    }
}
