//! Chance that repeats: every roll is a hash of the seed, of whom or what it is about, and of its purpose.
//!
//! In: the seed and the bytes that name a person or a message. Out: shares, picks and delays that are the same in every run
//! with the same seed, whatever the order in which requests arrive. It must not know what is decided with them.

use super::config::Latency;

/// What a roll is for; two purposes never share a roll.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub(super) enum Purpose {
    /// How long the API thinks about a request.
    Latency = 1,
    /// Which part of that time passes before the request is processed.
    LatencySplit,
    /// Which fault spoils a request.
    Fault,
    /// Which of the shapes of a fault it takes.
    FaultShape,
    /// Whether a person has no WhatsApp.
    NotOnWhatsApp,
    /// Whether a person blocked the business.
    Blocked,
    /// Whether a person answers with STOP.
    Stop,
    /// Whether a person answers at all.
    Reply,
    /// When.
    ReplyDelay,
    /// Whether a message is read.
    Read,
    /// When.
    ReadDelay,
    /// Whether `delivered` is left out before `read`.
    ReadOnly,
    /// Whether a message is capped by the limit of marketing messages a person gets.
    Capped,
    /// Whether a message is held for a quality check.
    Held,
    /// Whether a held message is dropped in the end.
    HeldDropped,
    /// Whether a free-form message outside the window is refused at once.
    WindowSync,
    /// Whether a person wrote in the day before the start.
    WindowOpen,
    /// How long before the start.
    WindowAge,
    /// Whether the first status comes before the answer.
    Early,
    /// Delay of a status.
    StatusDelay,
    /// Whether a status is lost.
    Loss,
    /// Whether a status is told twice.
    Duplicate,
    /// How much later the second copy comes.
    DuplicateDelay,
    /// Whether a status leaves its place.
    Reorder,
    /// How far.
    ReorderDelay,
}

/// A place in the tree of chances: the seed, narrowed by what the rolls are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chance(u64);

impl Chance {
    /// The root.
    pub(super) fn new(seed: u64) -> Self {
        Self(scatter(seed))
    }

    /// Rolls about `name`, independent of rolls about any other.
    pub(super) fn about(self, name: &[u8]) -> Self {
        // FNV-1a (offset basis and prime of its authors), scattered afterwards because its high bits move little.
        let hash = name
            .iter()
            .fold(0xcbf2_9ce4_8422_2325_u64 ^ self.0, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
        Self(scatter(hash))
    }

    /// Rolls about the `n`th of something.
    pub(super) fn nth(self, n: u64) -> Self {
        Self(scatter(self.0 ^ scatter(n.wrapping_add(1))))
    }

    /// The place as a key for maps.
    pub(super) fn key(self) -> u64 {
        self.0
    }

    /// 64 uniform bits.
    pub(super) fn bits(self, purpose: Purpose) -> u64 {
        scatter(self.0 ^ ((purpose as u64) << 56))
    }

    /// A uniform number in `0.0..1.0`.
    pub(super) fn unit(self, purpose: Purpose) -> f64 {
        let high = u32::try_from(self.bits(purpose) >> 32).unwrap_or(u32::MAX);
        f64::from(high) / 4_294_967_296.0
    }

    /// Whether something that happens to `share` of all happens here. Never for 0, always for 1.
    pub(super) fn happens(self, purpose: Purpose, share: f64) -> bool {
        share > 0.0 && self.unit(purpose) < share
    }

    /// Uniform milliseconds in `range`, both ends included.
    pub(super) fn millis(self, purpose: Purpose, range: Latency) -> u64 {
        let width = range.max_ms.saturating_sub(range.min_ms).saturating_add(1);
        if width == 1 { range.min_ms } else { range.min_ms + self.bits(purpose) % width }
    }
}

/// The finaliser of splitmix64: every input bit moves every output bit.
fn scatter(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_name_gives_the_same_roll_and_another_seed_another() {
        let one = Chance::new(1).about(b"+15550001");
        assert_eq!(one, Chance::new(1).about(b"+15550001"));
        assert_ne!(one, Chance::new(2).about(b"+15550001"));
        assert_ne!(one, Chance::new(1).about(b"+15550002"));
    }

    #[test]
    fn shares_are_kept_over_many_names() {
        let root = Chance::new(7);
        let hits = (0..20_000_u32).filter(|n| root.about(&n.to_be_bytes()).happens(Purpose::Fault, 0.05)).count();
        // 20,000 rolls of 5 %: the standard deviation is 31, so this is over six of them on either side.
        assert!((800..1200).contains(&hits), "{hits} of 20,000 rolls of 5 %");
        assert!(!root.happens(Purpose::Fault, 0.0));
        assert!((0..1000_u32).all(|n| root.about(&n.to_be_bytes()).happens(Purpose::Fault, 1.0)));
    }

    #[test]
    fn delays_stay_in_their_range_and_reach_both_ends() {
        let range = Latency { min_ms: 3, max_ms: 5 };
        let mut seen = [false; 3];
        for n in 0..100_u32 {
            let at = Chance::new(1).about(&n.to_be_bytes()).millis(Purpose::Latency, range);
            seen[usize::try_from(at - 3).unwrap()] = true;
        }
        assert_eq!(seen, [true; 3]);
    }

    #[test]
    fn purposes_do_not_move_together() {
        let both = (0..10_000_u32)
            .map(|n| Chance::new(3).about(&n.to_be_bytes()))
            .filter(|c| c.happens(Purpose::Loss, 0.5) && c.happens(Purpose::Duplicate, 0.5))
            .count();
        assert!((2200..2800).contains(&both), "{both} of 10,000 pairs of even chances");
    }
}
