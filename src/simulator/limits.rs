//! The limits of a number and of a pair.
//!
//! In: who sends to whom, and now in tokio's time. Out: yes or no. A number may never pass more than its limit in any one
//! second; a pair may pass one message per six seconds, with a burst that is borrowed from the future. It must not know codes.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// One message to one person per this time (Meta: about 10 a minute, 600 an hour).
const PAIR_INTERVAL: Duration = Duration::from_secs(6);
/// How many may go in a burst (Meta: 45 in 6 seconds).
const PAIR_BURST: u32 = 45;
/// How long a burst may last.
const PAIR_BURST_SPAN: Duration = Duration::from_secs(6);
/// Pairs are swept when this many are kept, so that memory follows the pairs still in debt, not the audience.
const SWEEP_AT: usize = 65_536;

/// A window that slides: in no second do more than `limit` pass.
#[derive(Debug)]
pub(super) struct NumberLimit {
    /// The last `limit` that passed, oldest at `next`. `None` when there is no limit.
    passed: Option<Mutex<Passed>>,
}

#[derive(Debug)]
struct Passed {
    at: Vec<Option<Instant>>,
    next: usize,
}

impl NumberLimit {
    /// `limit` a second; 0 is no limit.
    pub(super) fn new(limit: u32) -> Self {
        let size = usize::try_from(limit).unwrap_or(usize::MAX);
        Self { passed: (size > 0).then(|| Mutex::new(Passed { at: vec![None; size], next: 0 })) }
    }

    /// Whether one more may pass now; counted when it does.
    pub(super) fn pass(&self, now: Instant) -> bool {
        let Some(passed) = &self.passed else { return true };
        let mut passed = passed.lock().unwrap_or_else(PoisonError::into_inner);
        let Passed { at, next } = &mut *passed;
        let size = at.len();
        let Some(oldest) = at.get_mut(*next) else { return true };
        if oldest.is_some_and(|then| now.duration_since(then) < Duration::from_secs(1)) {
            return false;
        }
        *oldest = Some(now);
        *next = (*next + 1) % size;
        true
    }
}

/// What every pair of number and person still owes.
#[derive(Debug, Default)]
pub(super) struct PairLimit {
    pairs: Mutex<Pairs>,
}

#[derive(Debug, Default)]
struct Pairs {
    debts: HashMap<u64, Debt>,
    sweep_at: usize,
}

#[derive(Clone, Copy, Debug)]
struct Debt {
    paid_at: Instant,
    burst_began: Instant,
    burst: u32,
}

impl PairLimit {
    /// Whether one more may pass between the two `pair` stands for; counted when it does.
    pub(super) fn pass(&self, pair: u64, now: Instant) -> bool {
        let mut pairs = self.pairs.lock().unwrap_or_else(PoisonError::into_inner);
        if pairs.debts.len() >= pairs.sweep_at.max(SWEEP_AT) {
            pairs.debts.retain(|_, debt| debt.paid_at > now);
            pairs.sweep_at = pairs.debts.len() * 2;
        }
        let fresh = Debt { paid_at: now, burst_began: now, burst: 0 };
        let debt = pairs.debts.entry(pair).or_insert(fresh);
        if debt.paid_at <= now {
            *debt = fresh;
        }
        if debt.burst > 0 && (debt.burst >= PAIR_BURST || now.duration_since(debt.burst_began) >= PAIR_BURST_SPAN) {
            return false;
        }
        debt.burst += 1;
        debt.paid_at += PAIR_INTERVAL;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn no_second_holds_more_than_the_limit() {
        let limit = NumberLimit::new(80);
        let start = Instant::now();
        let mut passed: Vec<Instant> = Vec::new();
        // One try a millisecond for four seconds: twelve times the limit.
        for _ in 0..4_000 {
            if limit.pass(Instant::now()) {
                passed.push(Instant::now());
            }
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        assert_eq!(passed.len(), 320, "all that is allowed in four seconds");
        let crowded = passed.windows(81).any(|w| w[80].duration_since(w[0]) < Duration::from_secs(1));
        assert!(!crowded);
        assert!(passed[0] == start);
    }

    #[tokio::test(start_paused = true)]
    async fn zero_is_no_limit() {
        let limit = NumberLimit::new(0);
        assert!((0..10_000).all(|_| limit.pass(Instant::now())));
    }

    #[tokio::test(start_paused = true)]
    async fn a_pair_waits_six_seconds_after_a_burst_of_one() {
        let pairs = PairLimit::default();
        assert!(pairs.pass(1, Instant::now()));
        tokio::time::advance(Duration::from_millis(6_001)).await;
        assert!(pairs.pass(1, Instant::now()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_borrowed_from_the_future() {
        let pairs = PairLimit::default();
        assert!((0..20).all(|_| pairs.pass(1, Instant::now())));
        tokio::time::advance(Duration::from_secs(7)).await;
        assert!(!pairs.pass(1, Instant::now()), "the burst is over and 20 messages owe 120 seconds");
        assert!(pairs.pass(2, Instant::now()), "another person is not concerned");
        tokio::time::advance(Duration::from_secs(112)).await;
        assert!(!pairs.pass(1, Instant::now()), "119 seconds");
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(pairs.pass(1, Instant::now()), "120 seconds");
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_ends_at_forty_five() {
        let pairs = PairLimit::default();
        let passed = (0..60).filter(|_| pairs.pass(9, Instant::now())).count();
        assert_eq!(passed, 45);
    }

    #[tokio::test(start_paused = true)]
    async fn pairs_out_of_debt_are_forgotten() {
        let pairs = PairLimit::default();
        for pair in 0..200_000_u64 {
            pairs.pass(pair, Instant::now());
            if pair % 10_000 == 0 {
                tokio::time::advance(Duration::from_secs(2)).await;
            }
        }
        assert!(pairs.pairs.lock().unwrap().debts.len() <= SWEEP_AT * 2);
    }
}
