//! To be written: people.

/// A phone number in E.164: its digits without the plus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Phone(u64);

impl Phone {
    /// The number of these digits, when it has 7 to 15 of them.
    pub const fn from_digits(digits: u64) -> Option<Self> {
        if digits >= 1_000_000 && digits <= 999_999_999_999_999 { Some(Self(digits)) } else { None }
    }

    /// The digits.
    pub const fn digits(self) -> u64 {
        self.0
    }
}

impl std::fmt::Display for Phone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "+{}", self.0)
    }
}
