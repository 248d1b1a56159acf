//! Counters of a running simulator.
//!
//! In: what happened, one call each. Out: a copy of all figures. Plain atomics: nothing waits to be counted.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

/// The figures of a simulator since it started (not since its ledger began).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Requests on `/messages`, whatever became of them.
    pub requests: u64,
    /// Messages accepted, also those whose answer was spoiled.
    pub accepted: u64,
    /// Requests refused, by Meta's code.
    pub refused: BTreeMap<u32, u64>,
    /// Requests that met a fault of the wire.
    pub faults: u64,
    /// Updates (statuses, inbound messages, copies of either) acknowledged with 200.
    pub webhooks_sent: u64,
    /// POSTs of webhooks that were not answered with 200.
    pub webhooks_failed: u64,
    /// Updates that wait or are under way, and replies people have yet to write.
    pub webhooks_pending: u64,
    /// Updates lost on purpose.
    pub webhooks_lost: u64,
    /// Updates given up after the time for retries.
    pub webhooks_given_up: u64,
    /// Messages people wrote.
    pub inbound: u64,
}

/// The counters behind [`Stats`].
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) requests: AtomicU64,
    pub(super) accepted: AtomicU64,
    pub(super) faults: AtomicU64,
    pub(super) webhooks_sent: AtomicU64,
    pub(super) webhooks_failed: AtomicU64,
    pub(super) webhooks_pending: AtomicU64,
    pub(super) webhooks_lost: AtomicU64,
    pub(super) webhooks_given_up: AtomicU64,
    pub(super) inbound: AtomicU64,
    refused: Mutex<BTreeMap<u32, u64>>,
}

impl Counters {
    /// One more of something.
    pub(super) fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// One more refusal with `code`.
    pub(super) fn refused(&self, code: u32) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner).entry(code).or_default() += 1;
    }

    /// All figures now.
    pub(super) fn read(&self) -> Stats {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            requests: of(&self.requests),
            accepted: of(&self.accepted),
            refused: self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            faults: of(&self.faults),
            webhooks_sent: of(&self.webhooks_sent),
            webhooks_failed: of(&self.webhooks_failed),
            webhooks_pending: of(&self.webhooks_pending),
            webhooks_lost: of(&self.webhooks_lost),
            webhooks_given_up: of(&self.webhooks_given_up),
            inbound: of(&self.inbound),
        }
    }
}
