//! Names that never change: derived from what they name, so that planning twice, restoring a backup or replaying gives the same ones.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE32_NOPAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::audience::Phone;

/// A run's number in its ledger, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunNo(pub u32);

/// A delivery's number: its run's number in the high 32 bits, its record's in the audience file in the low 32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DeliveryId(i64);

impl DeliveryId {
    /// The delivery of `record` (from 1) in `run`; `None` beyond 2^32 - 1 records or 2^31 - 1 runs.
    pub fn new(run: RunNo, record: u64) -> Option<Self> {
        let record = u32::try_from(record).ok()?;
        i64::from(run.0).checked_mul(1 << 32).map(|high| Self(high | i64::from(record)))
    }

    /// The id of a stored row.
    pub const fn from_raw(raw: i64) -> Self {
        Self(raw)
    }

    /// As stored.
    pub const fn raw(self) -> i64 {
        self.0
    }

    /// The run it belongs to.
    pub fn run(self) -> RunNo {
        RunNo(u32::try_from(self.0 >> 32).unwrap_or(0))
    }

    /// The record's number in the audience file, from 1.
    pub fn record(self) -> u64 {
        self.0.cast_unsigned() & 0xffff_ffff
    }
}

/// A run's public name: the campaign's and ten characters derived from the campaign's name and the run key.
pub fn run_id(campaign: &str, run_key: &str) -> String {
    let digest = Sha256::new().chain_update(campaign).chain_update([0]).chain_update(run_key).finalize();
    let mut tail = BASE32_NOPAD.encode(digest.get(..8).unwrap_or_default()).to_lowercase();
    tail.truncate(10);
    format!("{campaign}-{tail}")
}

/// The key of one send of one delivery: given to the provider, echoed in its webhooks. Opaque, 31 to 35 characters, no phone number.
/// A retry of the same send has the same key; a new send (`generation` + 1) has a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AttemptKey {
    /// Whose.
    pub delivery: DeliveryId,
    /// Which send of it, from 0.
    pub generation: u16,
    tag: u64,
}

impl AttemptKey {
    /// The key of a delivery's send. The run's id and the person go into its tag, so that a key of another ledger with the same
    /// numbers is not taken for ours.
    pub fn new(delivery: DeliveryId, run_id: &str, person: Phone, generation: u16) -> Self {
        let digest = Sha256::new()
            .chain_update(run_id)
            .chain_update([0])
            .chain_update(person.digits().to_be_bytes())
            .chain_update(generation.to_be_bytes())
            .finalize();
        let tag = digest.iter().take(8).fold(0, |tag, byte| (tag << 8) | u64::from(*byte));
        Self { delivery, generation, tag }
    }

    /// Whether this key is the one of that delivery and person.
    pub fn belongs_to(&self, run_id: &str, person: Phone) -> bool {
        *self == Self::new(self.delivery, run_id, person, self.generation)
    }
}

impl fmt::Display for AttemptKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = (u128::from(self.delivery.0.cast_unsigned()) << 64) | u128::from(self.tag);
        let mut text = [0; 26];
        BASE32_NOPAD.encode_mut(&bits.to_be_bytes(), &mut text);
        let text = std::str::from_utf8(&text).map_err(|_| fmt::Error)?;
        write!(f, "w1-{text}-{}", self.generation)
    }
}

/// A text that is no attempt key of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an attempt key")]
pub struct ForeignKey;

impl FromStr for AttemptKey {
    type Err = ForeignKey;

    fn from_str(text: &str) -> Result<Self, ForeignKey> {
        let (bits, generation) = text.strip_prefix("w1-").and_then(|rest| rest.split_once('-')).ok_or(ForeignKey)?;
        if generation.len() > 5 || !generation.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(ForeignKey);
        }
        let bytes: [u8; 16] = BASE32_NOPAD.decode(bits.as_bytes()).map_err(|_| ForeignKey)?.try_into().map_err(|_| ForeignKey)?;
        let bits = u128::from_be_bytes(bytes);
        let delivery = u64::try_from(bits >> 64).map_err(|_| ForeignKey)?.cast_signed();
        let tag = u64::try_from(bits & u128::from(u64::MAX)).map_err(|_| ForeignKey)?;
        Ok(Self { delivery: DeliveryId(delivery), generation: generation.parse().map_err(|_| ForeignKey)?, tag })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn keys_survive_the_way_through_a_provider(run in 1u32..=0x7fff_ffff, record in 1u64..=0xffff_ffff, person in 1_000_000u64..=999_999_999_999_999, generation: u16) {
            let delivery = DeliveryId::new(RunNo(run), record).unwrap();
            prop_assert_eq!((delivery.run(), delivery.record()), (RunNo(run), record));
            let person = Phone::from_digits(person).unwrap();
            let key = AttemptKey::new(delivery, "spring-abc", person, generation);
            let text = key.to_string();
            prop_assert!(text.len() <= 64);
            let read: AttemptKey = text.parse().unwrap();
            prop_assert_eq!(read, key);
            prop_assert!(read.belongs_to("spring-abc", person));
            prop_assert!(!read.belongs_to("autumn-abc", person));
        }

        #[test]
        fn no_text_panics(text in ".{0,80}") {
            prop_assert!(text.parse::<AttemptKey>().is_err() || text.starts_with("w1-"));
        }
    }

    #[test]
    fn run_ids_are_derived_from_campaign_and_key() {
        assert_eq!(run_id("spring", "k"), run_id("spring", "k"));
        assert_ne!(run_id("spring", "k"), run_id("spring", "l"));
        assert_ne!(run_id("a", "bc"), run_id("ab", "c"));
        assert!(run_id("spring", "k").starts_with("spring-"));
    }

    #[test]
    fn a_key_without_the_phone_number_in_it() {
        let person = Phone::from_digits(5_215_512_345_678).unwrap();
        let key = AttemptKey::new(DeliveryId::new(RunNo(1), 7).unwrap(), "spring-x", person, 0).to_string();
        assert!(!key.contains("5512345678"));
    }
}
