//! How many calls a lane has in flight, and how many it may have.
//!
//! A [`Ticket`] is held from before the intent until after the outcome's commit, so that the outcomes not yet recorded are never more
//! than the calls allowed in flight.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

/// The calls of one lane.
#[derive(Debug, Default)]
pub struct Slots {
    in_flight: AtomicUsize,
    freed: Notify,
}

impl Slots {
    /// A ticket for one call.
    pub fn ticket(self: &Arc<Self>) -> Ticket {
        self.in_flight.fetch_add(1, Ordering::AcqRel);
        Ticket(Arc::clone(self))
    }

    /// Calls whose outcome is not yet committed.
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Acquire)
    }

    /// Waits until some ticket is given back. Returns at once when that happened since the last wait.
    pub async fn freed(&self) {
        self.freed.notified().await;
    }
}

/// The right to one call. Given back when dropped.
#[derive(Debug)]
pub struct Ticket(Arc<Slots>);

impl Drop for Ticket {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::AcqRel);
        self.0.freed.notify_one();
    }
}

/// Outcomes seen one by one before a lane speeds up, so that a wrong template or token costs few calls.
pub(super) const CANARY: u32 = 20;
/// The most calls in flight without an explicit setting (reliability: 256).
const MOST: usize = 256;

/// How many calls a lane may have in flight: one by one at first, then doubling, then what Little's law asks for its rate.
#[derive(Debug)]
pub struct Concurrency {
    allowed: usize,
    good: u32,
    fixed: Option<usize>,
    latency: Duration,
    deviation: Duration,
}

impl Concurrency {
    /// A lane's concurrency at its start; `proven` lanes have sent for this run before and skip the canary.
    pub const fn new(fixed: Option<usize>, proven: bool) -> Self {
        Self {
            allowed: if proven { 16 } else { 1 },
            good: if proven { CANARY } else { 0 },
            fixed,
            latency: Duration::ZERO,
            deviation: Duration::ZERO,
        }
    }

    /// Records one answered call.
    pub fn answered(&mut self, took: Duration, good: bool) {
        if self.latency.is_zero() {
            self.latency = took;
        }
        let off = took.abs_diff(self.latency);
        self.latency = (self.latency * 15 + took) / 16;
        self.deviation = (self.deviation * 7 + off) / 8;
        if good {
            self.good = self.good.saturating_add(1);
            if self.good > CANARY {
                self.allowed = self.allowed.saturating_add(1);
            } else if self.good == CANARY {
                self.allowed = self.allowed.max(4);
            }
        }
    }

    /// Calls allowed in flight at `rate` permits a second: rate × (latency + 4 deviations), a few more for jitter.
    pub fn limit(&self, rate: f64) -> usize {
        if self.good < CANARY {
            return 1;
        }
        let goal = self.fixed.unwrap_or_else(|| {
            let seconds = (self.latency + 4 * self.deviation).as_secs_f64();
            whole(rate * seconds * 1.25).saturating_add(4).min(MOST)
        });
        self.allowed.min(goal).max(1)
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, and is never negative")]
const fn whole(count: f64) -> usize {
    count as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_by_one_until_twenty_are_good_then_up() {
        let mut concurrency = Concurrency::new(None, false);
        for _ in 0..19 {
            concurrency.answered(Duration::from_millis(100), true);
            assert_eq!(concurrency.limit(1000.0), 1);
        }
        concurrency.answered(Duration::from_millis(100), false);
        assert_eq!(concurrency.limit(1000.0), 1, "a bad answer proves nothing");
        for _ in 0..40 {
            concurrency.answered(Duration::from_millis(100), true);
        }
        assert_eq!(concurrency.limit(1000.0), 43, "4, and one more for each good answer after the canary");
        for _ in 0..400 {
            concurrency.answered(Duration::from_millis(100), true);
        }
        assert!((100..=140).contains(&concurrency.limit(1000.0)), "rate x latency: {}", concurrency.limit(1000.0));
        assert!(concurrency.limit(80.0) <= 16, "a slow number needs few: {}", concurrency.limit(80.0));
    }

    #[tokio::test]
    async fn tickets_come_back() {
        let slots = Arc::new(Slots::default());
        let ticket = slots.ticket();
        assert_eq!(slots.in_flight(), 1);
        drop(ticket);
        slots.freed().await;
        assert_eq!(slots.in_flight(), 0);
    }
}
