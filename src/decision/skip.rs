//! Why a person gets nothing.

use std::fmt;

use crate::audience::Consent;
use crate::campaign::Purpose;

/// Why a person of the audience is left out. Closed (`reliability.md`, 1.3); numbers and words are stored and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(i16)]
pub enum SkipReason {
    /// An earlier row is the same person.
    DuplicateInAudience = 1,
    /// The number cannot exist, or cannot be told.
    InvalidNumber = 2,
    /// Marketing, and the list does not say that the person agreed.
    NoConsent = 3,
    /// The person asked for no more messages.
    OptedOut = 4,
    /// The person's quiet hours last longer than the campaign.
    QuietHoursUntilExpiry = 5,
    /// The person has had as many marketing messages as the campaign allows.
    FrequencyCap = 6,
    /// The window is closed and the campaign has no template.
    WindowClosedNoTemplate = 7,
    /// The row has no value for a variable.
    MissingVariable = 8,
    /// The campaign's money is used up.
    Budget = 9,
    /// The sender's daily limit is used up.
    TierLimit = 10,
    /// The campaign sends to everyone once in a lifetime, and did.
    AlreadySentOncePerContact = 11,
    /// The provider does not deliver such messages to the person's country.
    PolicyCountry = 12,
}

impl SkipReason {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 12] = [
        Self::DuplicateInAudience,
        Self::InvalidNumber,
        Self::NoConsent,
        Self::OptedOut,
        Self::QuietHoursUntilExpiry,
        Self::FrequencyCap,
        Self::WindowClosedNoTemplate,
        Self::MissingVariable,
        Self::Budget,
        Self::TierLimit,
        Self::AlreadySentOncePerContact,
        Self::PolicyCountry,
    ];

    /// The stored number.
    pub const fn code(self) -> i16 {
        self as i16
    }

    /// The reason a stored number stands for.
    pub fn from_code(code: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }

    /// The reported word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DuplicateInAudience => "duplicate_in_audience",
            Self::InvalidNumber => "invalid_number",
            Self::NoConsent => "no_consent",
            Self::OptedOut => "opted_out",
            Self::QuietHoursUntilExpiry => "quiet_hours_until_expiry",
            Self::FrequencyCap => "frequency_cap",
            Self::WindowClosedNoTemplate => "window_closed_no_template",
            Self::MissingVariable => "missing_variable",
            Self::Budget => "budget",
            Self::TierLimit => "tier_limit",
            Self::AlreadySentOncePerContact => "already_sent_once_per_contact",
            Self::PolicyCountry => "policy_country",
        }
    }
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether what the list says about consent keeps a person out. Marketing needs a yes wherever the list has a column for it; utility
/// and authentication messages answer something the person did.
pub fn consent(purpose: Purpose, said: Consent) -> Option<SkipReason> {
    match (purpose, said) {
        (Purpose::Marketing, Consent::No) => Some(SkipReason::NoConsent),
        (Purpose::Marketing, Consent::Yes | Consent::NotAsked) | (Purpose::Utility | Purpose::Authentication, _) => None,
    }
}
