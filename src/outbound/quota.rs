//! A rate as people write it: `70/s`, `1000/m`, `5/s burst 10`.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

/// So many permits in so long, with an optional burst. Parsing and printing are inverses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quota {
    count: NonZeroU32,
    per: Per,
    burst: Option<NonZeroU32>,
}

/// The span a [`Quota`] counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Per {
    /// A second: `s`.
    Second,
    /// A minute: `m`.
    Minute,
    /// An hour: `h`.
    Hour,
}

impl Per {
    const fn seconds(self) -> u32 {
        match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 3600,
        }
    }
}

/// Why a text is no quota.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuotaError {
    /// Not of the form count/unit.
    #[error("`{0}` is no rate: write a whole number and a unit, such as `70/s`, `1000/m` or `5/s burst 10`")]
    Shape(String),
    /// Nothing would ever be sent.
    #[error("a rate of zero would never send anything: write at least `1/h`")]
    Zero,
    /// Above what many of the fastest numbers are allowed together.
    #[error("`{0}` is above 64000/s, more than 64 of the fastest numbers together are allowed")]
    TooFast(String),
}

/// The most permits a second that any sender has: Meta's upgraded throughput, 1,000 messages a second
/// (`protocols/meta-cloud-api.md`, section 5.1). A campaign over several senders may ask for that much of each: 64 senders.
const MOST_PER_SECOND: u32 = 64_000;

impl Quota {
    /// `count` permits a second.
    pub const fn per_second(count: NonZeroU32) -> Self {
        Self { count, per: Per::Second, burst: None }
    }

    /// The time between two permits.
    pub fn interval(self) -> Duration {
        Duration::from_secs(u64::from(self.per.seconds())) / self.count.get()
    }

    /// Permits a second.
    pub fn rate(self) -> f64 {
        f64::from(self.count.get()) / f64::from(self.per.seconds())
    }

    /// How many permits may be taken at once after a pause: as asked, else what falls due in 10 ms and at least 2, because timers
    /// are no finer than a millisecond and a burst of 1 would lose a part of the rate.
    pub fn burst(self) -> NonZeroU32 {
        let ten_ms = self.count.get() / (100 * self.per.seconds());
        self.burst.or(NonZeroU32::new(ten_ms.max(2))).unwrap_or(NonZeroU32::MIN)
    }
}

impl FromStr for Quota {
    type Err = QuotaError;

    fn from_str(text: &str) -> Result<Self, QuotaError> {
        let shape = || QuotaError::Shape(text.chars().take(40).collect());
        let mut words = text.split_whitespace();
        let rate = words.next().ok_or_else(shape)?;
        let (count, unit) = rate.split_once('/').ok_or_else(shape)?;
        let count = number(count).ok_or_else(shape)?;
        let per = match unit {
            "s" | "sec" | "second" => Per::Second,
            "m" | "min" | "minute" => Per::Minute,
            "h" | "hour" => Per::Hour,
            _ => return Err(shape()),
        };
        let burst = match (words.next(), words.next(), words.next()) {
            (None, ..) => None,
            (Some("burst"), Some(burst), None) => {
                Some(NonZeroU32::new(number(burst).ok_or_else(shape)?).ok_or(QuotaError::Zero)?)
            }
            _ => return Err(shape()),
        };
        let count = NonZeroU32::new(count).ok_or(QuotaError::Zero)?;
        if count.get() / per.seconds() > MOST_PER_SECOND {
            return Err(QuotaError::TooFast(text.to_owned()));
        }
        Ok(Self { count, per, burst })
    }
}

/// Digits only: `parse` alone would take a sign.
fn number(digits: &str) -> Option<u32> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.per {
            Per::Second => 's',
            Per::Minute => 'm',
            Per::Hour => 'h',
        };
        write!(f, "{}/{unit}", self.count)?;
        match self.burst {
            Some(burst) => write!(f, " burst {burst}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn printing_and_parsing_are_inverses(count in 1u32..=64_000, unit in 0usize..3, burst in proptest::option::of(1u32..1000)) {
            let burst = burst.map_or(String::new(), |burst| format!(" burst {burst}"));
            let text = format!("{count}/{}{burst}", ["s", "m", "h"][unit]);
            prop_assert_eq!(text.parse::<Quota>().unwrap().to_string(), text);
        }

        #[test]
        fn no_text_panics(text in ".{0,60}") {
            let parsed = text.parse::<Quota>();
            prop_assert!(parsed.is_err() || parsed.unwrap().rate() > 0.0);
        }
    }

    #[test]
    fn refuses_what_would_never_send_or_send_too_fast() {
        assert_eq!("0/s".parse::<Quota>(), Err(QuotaError::Zero));
        assert_eq!("5/s burst 0".parse::<Quota>(), Err(QuotaError::Zero));
        assert!(matches!("64001/s".parse::<Quota>(), Err(QuotaError::TooFast(_))));
        for text in ["", "70", "-5/s", "+5/s", "NaN/s", "1e3/s", "5/d", "5/s burst", "5/s burst 1 2", "99999999999/s"] {
            assert!(matches!(text.parse::<Quota>(), Err(QuotaError::Shape(_))), "{text}");
        }
    }

    #[test]
    fn the_burst_is_ten_milliseconds_worth() {
        let burst = |text: &str| text.parse::<Quota>().unwrap().burst().get();
        assert_eq!((burst("70/s"), burst("1000/s"), burst("60/m"), burst("1000/s burst 3")), (2, 10, 2, 3));
    }
}
