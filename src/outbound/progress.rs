//! How far a run is: counters that the engine moves and anyone may watch. The engine itself never prints.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// The counters of one run in this process.
#[derive(Debug, Default)]
pub struct Progress {
    planned: AtomicU64,
    done: AtomicU64,
    accepted: AtomicU64,
    rejected: AtomicU64,
    skipped: AtomicU64,
    unknown: AtomicI64,
    in_flight: AtomicI64,
    delivered: AtomicU64,
    attempts: AtomicU64,
}

/// The counters at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Deliveries of the run.
    pub planned: u64,
    /// Of these, terminal.
    pub done: u64,
    /// Taken by the provider, by this process or before.
    pub accepted: u64,
    /// Refused for good.
    pub rejected: u64,
    /// Not sent, for a reason.
    pub skipped: u64,
    /// Whose outcome is not known (yet).
    pub unknown: u64,
    /// Calls being made.
    pub in_flight: u64,
    /// Said to have arrived or failed, since this process listens.
    pub delivered: u64,
    /// Calls made by this process.
    pub attempts: u64,
}

/// One counted thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each moves the counter it is named after")]
pub enum Count {
    Accepted,
    Rejected,
    Skipped,
    Unknown,
    Resolved,
    Renewed,
    Delivered,
}

impl Progress {
    /// Sets the counters to what the ledger says.
    pub fn restart(&self, at: Snapshot) {
        let set = |counter: &AtomicU64, to| counter.store(to, Ordering::Relaxed);
        set(&self.planned, at.planned);
        set(&self.done, at.done);
        set(&self.accepted, at.accepted);
        set(&self.rejected, at.rejected);
        set(&self.skipped, at.skipped);
        self.unknown.store(i64::try_from(at.unknown).unwrap_or(i64::MAX), Ordering::Relaxed);
        set(&self.delivered, at.delivered);
    }

    /// An unknown outcome that will not be learned: terminal, and still unknown.
    pub fn gave_up(&self, n: u64) {
        self.done.fetch_add(n, Ordering::Relaxed);
    }

    /// Whether everything this process knows as accepted was also heard to have arrived or failed.
    pub fn all_heard(&self) -> bool {
        self.delivered.load(Ordering::Relaxed) >= self.accepted.load(Ordering::Relaxed)
    }

    /// Moves the counters for `n` of a thing.
    pub fn count(&self, what: Count, n: u64) {
        let signed = i64::try_from(n).unwrap_or(i64::MAX);
        let done = |counter: &AtomicU64| {
            counter.fetch_add(n, Ordering::Relaxed);
            self.done.fetch_add(n, Ordering::Relaxed);
        };
        match what {
            Count::Accepted => done(&self.accepted),
            Count::Rejected => done(&self.rejected),
            Count::Skipped => done(&self.skipped),
            Count::Unknown => {
                self.unknown.fetch_add(signed, Ordering::Relaxed);
            }
            Count::Resolved => {
                self.unknown.fetch_sub(signed, Ordering::Relaxed);
            }
            Count::Renewed => {
                self.accepted.fetch_sub(n, Ordering::Relaxed);
                self.done.fetch_sub(n, Ordering::Relaxed);
            }
            Count::Delivered => {
                self.delivered.fetch_add(n, Ordering::Relaxed);
            }
        }
    }

    /// A call begins.
    pub fn call_begins(&self) {
        self.attempts.fetch_add(1, Ordering::Relaxed);
        self.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    /// A call ends.
    pub fn call_ends(&self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    /// The counters now. Each is exact; together they are of about the same moment.
    pub fn snapshot(&self) -> Snapshot {
        let level = |counter: &AtomicI64| u64::try_from(counter.load(Ordering::Relaxed)).unwrap_or(0);
        Snapshot {
            planned: self.planned.load(Ordering::Relaxed),
            done: self.done.load(Ordering::Relaxed),
            accepted: self.accepted.load(Ordering::Relaxed),
            rejected: self.rejected.load(Ordering::Relaxed),
            skipped: self.skipped.load(Ordering::Relaxed),
            unknown: level(&self.unknown),
            in_flight: level(&self.in_flight),
            delivered: self.delivered.load(Ordering::Relaxed),
            attempts: self.attempts.load(Ordering::Relaxed),
        }
    }
}
