//! How many calls ended how.

use std::sync::atomic::{AtomicU64, Ordering};

/// Calls by how they ended, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Bodies that were stored and answered with 200.
    pub accepted: u64,
    /// Calls without a valid signature or token: 401.
    pub refused: u64,
    /// Calls that came while too much was in flight, or that were not stored in time: 503.
    pub busy: u64,
    /// Calls to no account, without their fields, too long or too slow: 404, 400, 413, 408.
    pub malformed: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    accepted: AtomicU64,
    refused: AtomicU64,
    busy: AtomicU64,
    malformed: AtomicU64,
}

impl Counters {
    pub(super) fn accepted(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn busy(&self) {
        self.busy.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn malformed(&self) {
        self.malformed.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> Counts {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counts {
            accepted: read(&self.accepted),
            refused: read(&self.refused),
            busy: read(&self.busy),
            malformed: read(&self.malformed),
        }
    }
}
