//! Sends over time, in at most [`MOST`] buckets of a round width.

use std::time::Duration;

use crate::time::Timestamp;

/// The most buckets a report shows: a screen's worth.
pub const MOST: u32 = 60;

/// Bucket widths in seconds, from one second to a day; beyond it whole days.
const WIDTHS: [u64; 17] = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200];

const DAY: u64 = 86_400;

/// How accepted calls lie in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buckets {
    /// Start of the first bucket.
    pub from: Timestamp,
    /// Width of each.
    pub width: Duration,
    /// Number of a bucket, from 0, and how many calls are in it; any order, empty ones left out.
    pub counts: Vec<(i64, u64)>,
}

/// Where the buckets begin and how wide they are, for calls between `first` and `last`: the narrowest round width that needs at most
/// [`MOST`], with the first bucket on a whole multiple of it.
pub fn grid(first: Timestamp, last: Timestamp) -> (Timestamp, Duration) {
    let days = (1..).map(|days| days * DAY);
    let fits = |&width: &u64| {
        let width = i64::try_from(width * 1000).unwrap_or(i64::MAX);
        last.0.div_euclid(width) - first.0.div_euclid(width) < i64::from(MOST)
    };
    // A span of 2^63 ms has 10^11 days: far beyond, the search would be long, so it starts at the least that can fit.
    let span_days = last.since(first).as_secs() / DAY / u64::from(MOST);
    let width =
        WIDTHS.into_iter().find(fits).or_else(|| days.skip(usize::try_from(span_days.saturating_sub(1)).unwrap_or(0)).find(fits));
    let width = width.unwrap_or(DAY);
    let millis = i64::try_from(width * 1000).unwrap_or(i64::MAX);
    (Timestamp(first.0.div_euclid(millis) * millis), Duration::from_secs(width))
}

impl Buckets {
    /// Every bucket from the first to the last with something in it, empty ones included.
    pub fn dense(&self) -> Vec<u64> {
        let last = self.counts.iter().map(|&(bucket, _)| bucket).max().unwrap_or(-1);
        let mut all = vec![0; usize::try_from(last + 1).unwrap_or(0).min(MOST as usize)];
        for &(bucket, count) in &self.counts {
            if let Some(slot) = usize::try_from(bucket).ok().and_then(|bucket| all.get_mut(bucket)) {
                *slot += count;
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn everything_falls_into_sixty_buckets(first in 0i64..4_000_000_000_000, span in prop_oneof![0i64..100_000, 0i64..400_000_000_000]) {
            let last = Timestamp(first + span);
            let first = Timestamp(first);
            let (from, width) = grid(first, last);
            let width = i64::try_from(width.as_millis()).unwrap();
            prop_assert!(from <= first && first.0 - from.0 < width);
            prop_assert!((last.0 - from.0) / width < i64::from(MOST));
        }
    }

    #[test]
    fn the_narrowest_round_width_is_taken() {
        let width = |secs| grid(Timestamp(0), Timestamp::from_secs(secs)).1.as_secs();
        assert_eq!((width(0), width(59), width(60), width(600), width(3_600)), (1, 1, 2, 15, 120));
        assert_eq!((width(86_400), width(86_400 * 59), width(86_400 * 60), width(86_400 * 365)), (1_800, DAY, 2 * DAY, 7 * DAY));
    }

    #[test]
    fn gaps_are_shown() {
        let buckets = Buckets { from: Timestamp(0), width: Duration::from_secs(1), counts: vec![(3, 5), (0, 2)] };
        assert_eq!(buckets.dense(), [2, 0, 0, 5]);
    }
}
