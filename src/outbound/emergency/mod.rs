//! What stands beside the ledger for the day it cannot be written: room that can be given up, a journal for outcomes, and a mark above
//! which the disk must stay before anything new is sent.
//!
//! In come outcomes that the ledger did not take; out they go into a file that is merged at the next start. An outcome costs money and
//! cannot be asked for again, so it has three places to be: the ledger, the journal, and, when both fail, memory, which is said aloud.
//! Only files are known here; when to use them is the writer's to decide.

mod ballast;
mod journal;
mod space;

pub use ballast::Ballast;
pub use journal::{Journal, JournalError, Merged};
pub use space::LowWater;

/// What a writer falls back on. The default has nothing: outcomes wait in memory.
#[derive(Clone, Debug, Default)]
pub struct Emergency {
    /// Where outcomes go when the ledger takes none.
    pub journal: Option<Journal>,
    /// Room given up when the disk is full.
    pub ballast: Option<Ballast>,
    /// What must stay free for new intents.
    pub low_water: Option<LowWater>,
}

/// Makes new files readable by their owner alone.
fn private() -> std::fs::OpenOptions {
    let mut options = std::fs::OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
