//! How long things took: exact counts by duration, and the percentiles read off them.

use serde::Serialize;

/// Above this many planned deliveries only every n-th is looked at, n chosen so that about as many remain: percentiles of a million
/// are exact to a tenth of a percent of rank, and a report of ten million stays within its half minute.
pub const SAMPLE: u64 = 1_000_000;

/// Which deliveries of a run of this size are looked at: every n-th, by id.
pub const fn every(planned: u64) -> u64 {
    if planned <= SAMPLE { 1 } else { planned.div_ceil(SAMPLE) }
}

/// How many took how long.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    /// Only every n-th delivery was looked at; 1 is all.
    pub every: u64,
    /// Duration (in the holder's unit) and how many; any order, a duration at most once. Below zero counts as zero: two clocks.
    pub counts: Vec<(i64, u64)>,
}

/// A histogram's main figures. Percentiles are nearest-rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Latency {
    /// How many were measured.
    pub measured: u64,
    /// Only every n-th delivery was measured; 1 is all.
    pub every: u64,
    /// The quickest, in milliseconds.
    pub min_ms: u64,
    /// Half took no longer, in milliseconds.
    pub p50_ms: u64,
    /// Nineteen of twenty took no longer, in milliseconds.
    pub p95_ms: u64,
    /// The slowest, in milliseconds.
    pub max_ms: u64,
}

impl Histogram {
    /// The main figures, each duration times `unit_ms`; `None` when nothing was measured.
    pub fn latency(&self, unit_ms: u64) -> Option<Latency> {
        let mut counts: Vec<(u64, u64)> =
            self.counts.iter().map(|&(took, count)| (u64::try_from(took).unwrap_or(0).saturating_mul(unit_ms), count)).collect();
        counts.retain(|&(_, count)| count > 0);
        counts.sort_unstable();
        let measured = counts.iter().map(|&(_, count)| count).sum::<u64>();
        let at = |percent: u64| {
            let rank = (u128::from(measured) * u128::from(percent)).div_ceil(100).max(1);
            let mut passed = 0;
            counts.iter().find_map(|&(took, count)| {
                passed += u128::from(count);
                (passed >= rank).then_some(took)
            })
        };
        Some(Latency {
            measured,
            every: self.every.max(1),
            min_ms: counts.first()?.0,
            p50_ms: at(50)?,
            p95_ms: at(95)?,
            max_ms: counts.last()?.0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_measured_is_no_latency() {
        assert_eq!(Histogram::default().latency(1), None);
    }

    #[test]
    fn a_sample_of_a_large_run_stays_near_a_million() {
        assert_eq!((every(0), every(SAMPLE), every(SAMPLE + 1), every(10_000_000)), (1, 1, 2, 10));
    }

    proptest! {
        #[test]
        fn percentiles_are_those_of_the_sorted_list(mut all in proptest::collection::vec(-3i64..50, 1..200)) {
            let mut counts: Vec<(i64, u64)> = Vec::new();
            for &took in &all {
                match counts.iter_mut().find(|(value, _)| *value == took) {
                    Some((_, count)) => *count += 1,
                    None => counts.push((took, 1)),
                }
            }
            let found = Histogram { every: 1, counts }.latency(10).unwrap();
            for took in &mut all {
                *took = (*took).max(0);
            }
            all.sort_unstable();
            let rank = |percent: usize| u64::try_from(all[(all.len() * percent).div_ceil(100) - 1]).unwrap() * 10;
            prop_assert_eq!(found.measured, all.len() as u64);
            prop_assert_eq!(found.min_ms, u64::try_from(all[0]).unwrap() * 10);
            prop_assert_eq!(found.p50_ms, rank(50));
            prop_assert_eq!(found.p95_ms, rank(95));
            prop_assert_eq!(found.max_ms, rank(100));
        }
    }
}
