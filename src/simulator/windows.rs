//! The customer service windows, as Meta keeps them.
//!
//! In: what people write, and when. Out: whether a number may write freely to a person now, and whether that is free of
//! charge. A window is opened only by what the person sends to that very number.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::chance::{Chance, Purpose};

/// How long a window stays open after the person's last message.
pub(super) const WINDOW_MS: i64 = 24 * 60 * 60 * 1_000;
/// How long everything is free after a person came from an advertisement (Meta: 72 hours; up to 7 days since autumn 2026).
pub(super) const FREE_ENTRY_MS: i64 = 72 * 60 * 60 * 1_000;

/// Every pair's window.
#[derive(Debug)]
pub(super) struct Windows {
    open_share: f64,
    started_ms: i64,
    written: Mutex<HashMap<u64, Written>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Written {
    last_ms: i64,
    free_until_ms: Option<i64>,
}

impl Windows {
    /// `open_share` of all pairs wrote in the day before `started_ms`.
    pub(super) fn new(open_share: f64, started_ms: i64) -> Self {
        Self { open_share, started_ms, written: Mutex::default() }
    }

    /// When the person of `pair` wrote before the start, if they are among the share that did.
    pub(super) fn before_start(&self, pair: Chance) -> Option<i64> {
        let wrote = pair.happens(Purpose::WindowOpen, self.open_share);
        // Up to 23 hours ago, so that a rehearsal of an hour does not see them all close.
        let span = u64::try_from(WINDOW_MS / 24 * 23).unwrap_or(1);
        wrote.then(|| self.started_ms - i64::try_from(pair.bits(Purpose::WindowAge) % span).unwrap_or(0))
    }

    /// The person of `pair` wrote at `at_ms`, from an advertisement or not.
    pub(super) fn wrote(&self, pair: Chance, at_ms: i64, from_ad: bool) {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = written.entry(pair.key()).or_default();
        entry.last_ms = entry.last_ms.max(at_ms);
        if from_ad {
            entry.free_until_ms = Some(at_ms + FREE_ENTRY_MS);
        }
    }

    /// Whether free-form may be sent at `now_ms`.
    pub(super) fn is_open(&self, pair: Chance, now_ms: i64) -> bool {
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner).get(&pair.key()).map(|entry| entry.last_ms);
        written.max(self.before_start(pair)).is_some_and(|last| now_ms < last + WINDOW_MS)
    }

    /// Until when all is free, if it is at `now_ms`.
    pub(super) fn free_until(&self, pair: Chance, now_ms: i64) -> Option<i64> {
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.get(&pair.key()).and_then(|entry| entry.free_until_ms).filter(|until| now_ms < *until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = WINDOW_MS;

    #[test]
    fn a_window_closes_a_day_after_the_last_message_to_the_millisecond() {
        let windows = Windows::new(0.0, 0);
        let (pair, other) = (Chance::new(0).about(b"a"), Chance::new(0).about(b"b"));
        assert!(!windows.is_open(pair, 0));
        windows.wrote(pair, 1_000, false);
        windows.wrote(pair, 500, false);
        assert!(windows.is_open(pair, 1_000 + DAY - 1), "an older message that arrives later shortens nothing");
        assert!(!windows.is_open(pair, 1_000 + DAY));
        assert!(!windows.is_open(other, 1_000));
    }

    #[test]
    fn a_share_has_written_before_the_start() {
        let windows = Windows::new(0.3, 10 * DAY);
        let open = (0..2_000_u32)
            .map(|n| Chance::new(0).about(&n.to_be_bytes()))
            .filter(|pair| windows.is_open(*pair, 10 * DAY + 3_600_000 - 1))
            .count();
        assert!((500..700).contains(&open), "{open} of 2,000 at 30 %");
        assert!((0..2_000_u32).all(|n| !windows.is_open(Chance::new(0).about(&n.to_be_bytes()), 11 * DAY)));
    }

    #[test]
    fn an_advertisement_makes_everything_free_for_three_days() {
        let windows = Windows::new(0.0, 0);
        let pair = Chance::new(0).about(b"a");
        windows.wrote(pair, 0, true);
        windows.wrote(pair, 5, false);
        assert_eq!(windows.free_until(pair, 1), Some(3 * DAY));
        assert_eq!(windows.free_until(pair, 3 * DAY), None);
    }
}
