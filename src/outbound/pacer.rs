//! How fast one sender may go: governor's arithmetic on tokio's clock, and a rate that gives way when the provider asks.
//!
//! One task owns a pacer and asks [`Pacer::take`]; it never waits inside governor, whose own waiting does not follow tokio's time.

use std::num::NonZeroU32;
use std::ops::Add;
use std::time::Duration;

use governor::clock::{Clock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota as Governed, RateLimiter};
use tokio::time::Instant;

use super::quota::Quota;

/// A moment of tokio's clock, for governor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TokioInstant(Instant);

impl Add<Nanos> for TokioInstant {
    type Output = Self;
    fn add(self, nanos: Nanos) -> Self {
        Self(self.0 + Duration::from(nanos))
    }
}

impl Reference for TokioInstant {
    fn duration_since(&self, earlier: Self) -> Nanos {
        self.0.saturating_duration_since(earlier.0).into()
    }

    fn saturating_sub(&self, duration: Nanos) -> Self {
        Self(self.0.checked_sub(duration.into()).unwrap_or(self.0))
    }
}

/// Tokio's clock, for governor: virtual under a paused runtime.
#[derive(Clone, Copy, Debug, Default)]
pub struct TokioTime;

impl Clock for TokioTime {
    type Instant = TokioInstant;
    fn now(&self) -> TokioInstant {
        TokioInstant(Instant::now())
    }
}

type Limiter = RateLimiter<NotKeyed, InMemoryState, TokioTime, NoOpMiddleware<TokioInstant>>;

/// The least rate a pacer falls to, permits a second.
const FLOOR: f64 = 1.0;
/// The least time between two halvings: answers to calls made before the first one still come in.
const HALVING: Duration = Duration::from_secs(1);
/// How much of its goal a slowed pacer wins back each second.
const CREEP: f64 = 0.05;
/// How long a ceiling that was found is remembered.
const REMEMBER: Duration = Duration::from_secs(600);
/// How close to a found ceiling the rate comes again.
const BELOW_CEILING: f64 = 0.95;

/// The pacing of one lane, or of one run over its lanes.
#[derive(Debug)]
pub struct Pacer {
    quota: Quota,
    rate: f64,
    limiter: Limiter,
    last_halved: Option<Instant>,
    last_raised: Instant,
    ceiling: Option<(f64, Instant)>,
}

impl Pacer {
    /// A pacer at its full quota.
    pub fn new(quota: Quota) -> Self {
        let rate = quota.rate();
        Self {
            quota,
            rate,
            limiter: limiter(quota.interval(), quota.burst()),
            last_halved: None,
            last_raised: Instant::now(),
            ceiling: None,
        }
    }

    /// One permit now, or how long until the next.
    ///
    /// # Errors
    /// The time to wait.
    pub fn take(&mut self) -> Result<(), Duration> {
        self.win_back();
        self.limiter.check().map_err(|refused| refused.wait_time_from(TokioTime.now()).max(Duration::from_micros(1)))
    }

    /// Permits a second now.
    pub const fn rate(&self) -> f64 {
        self.rate
    }

    /// The provider said: too fast. Halves the rate, once a second at most.
    pub fn too_fast(&mut self) {
        let now = Instant::now();
        if self.last_halved.is_some_and(|last| now.saturating_duration_since(last) < HALVING) {
            return;
        }
        self.ceiling = Some((self.rate * BELOW_CEILING, now));
        self.last_halved = Some(now);
        self.last_raised = now;
        self.set((self.rate / 2.0).max(FLOOR.min(self.quota.rate())));
    }

    fn win_back(&mut self) {
        let full = self.quota.rate();
        if self.rate >= full {
            return;
        }
        let now = Instant::now();
        let seconds = now.saturating_duration_since(self.last_raised).as_secs();
        if seconds == 0 {
            return;
        }
        self.last_raised += Duration::from_secs(seconds);
        let goal = match self.ceiling {
            Some((ceiling, found)) if now.saturating_duration_since(found) < REMEMBER => ceiling.min(full),
            _ => full,
        };
        let steps = f64::from(u32::try_from(seconds.min(3600)).unwrap_or(3600));
        let raised = (self.rate + full * CREEP * steps).min(goal);
        if raised > self.rate {
            self.set(raised);
        }
    }

    fn set(&mut self, rate: f64) {
        self.rate = rate;
        if (rate - self.quota.rate()).abs() < f64::EPSILON {
            self.limiter = limiter(self.quota.interval(), self.quota.burst());
        } else {
            // A slowed sender has no burst beyond what timers need.
            let ten_ms = NonZeroU32::new(whole(rate / 100.0).max(1)).unwrap_or(NonZeroU32::MIN);
            self.limiter = limiter(Duration::from_secs_f64(1.0 / rate.max(1e-6)), ten_ms.min(self.quota.burst()));
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rates are between 0 and 64,000")]
const fn whole(rate: f64) -> u32 {
    rate as u32
}

fn limiter(interval: Duration, burst: NonZeroU32) -> Limiter {
    let interval = interval.max(Duration::from_nanos(1));
    let quota = Governed::with_period(interval).unwrap_or(Governed::per_second(NonZeroU32::MIN)).allow_burst(burst);
    RateLimiter::direct_with_clock(quota, TokioTime)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    async fn permits_in(pacer: &mut Pacer, span: Duration) -> Vec<Instant> {
        let end = Instant::now() + span;
        let mut taken = Vec::new();
        while Instant::now() < end {
            match pacer.take() {
                Ok(()) => taken.push(Instant::now()),
                Err(wait) => tokio::time::sleep(wait).await,
            }
        }
        taken
    }

    fn in_virtual_time<F: Future>(future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(future)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn no_second_is_above_the_quota_and_the_rate_is_held(rate in 2u32..2000, seconds in 2u64..20) {
            let quota = Quota::per_second(NonZeroU32::new(rate).unwrap());
            let taken = in_virtual_time(async {
                let mut pacer = Pacer::new(quota);
                permits_in(&mut pacer, Duration::from_secs(seconds)).await
            });
            let burst = usize::try_from(quota.burst().get()).unwrap();
            let most = usize::try_from(rate).unwrap() + burst;
            let mut first = 0;
            for (index, at) in taken.iter().enumerate() {
                while *at - taken[first] >= Duration::from_secs(1) {
                    first += 1;
                }
                prop_assert!(index - first < most, "{} permits within one second of {rate}/s", index - first + 1);
            }
            let due = usize::try_from(u64::from(rate) * seconds).unwrap();
            prop_assert!(taken.len() * 100 >= due * 98, "{} of {due}", taken.len());
        }
    }

    #[test]
    fn halves_once_a_second_and_creeps_back_below_the_ceiling() {
        in_virtual_time(async {
            let mut pacer = Pacer::new("100/s".parse().unwrap());
            pacer.too_fast();
            pacer.too_fast();
            assert!((pacer.rate() - 50.0).abs() < 1e-9);
            tokio::time::sleep(Duration::from_secs(1)).await;
            pacer.too_fast();
            assert!((pacer.rate() - 25.0).abs() < 1e-9);
            tokio::time::sleep(Duration::from_secs(100)).await;
            assert!(pacer.take().is_ok());
            assert!((pacer.rate() - 47.5).abs() < 1e-9, "5 % below the last ceiling: {}", pacer.rate());
            tokio::time::sleep(Duration::from_secs(600)).await;
            assert!(pacer.take().is_ok());
            assert!((pacer.rate() - 100.0).abs() < 1e-9, "the ceiling is forgotten after ten minutes: {}", pacer.rate());
        });
    }

    #[test]
    fn slow_rates_hold_too() {
        let taken = in_virtual_time(async {
            let mut pacer = Pacer::new("6/m burst 1".parse().unwrap());
            permits_in(&mut pacer, Duration::from_secs(60)).await
        });
        assert_eq!(taken.len(), 6);
    }
}
