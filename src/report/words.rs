//! What codes mean, given by whoever knows: providers' codes by the adapters, skip reasons by the decision module.

use std::fmt;

use crate::outbound::ledger::{OutcomeKind, RouteTaken, SettledBy};

/// Looks meanings up. Reports stay free of any vendor's table.
#[derive(Clone, Copy)]
pub struct Words<'a> {
    /// A provider's code in words, such as what `131026` says; `None` when nobody has described it.
    pub code: &'a (dyn Fn(&str) -> Option<&'static str> + Send + Sync),
    /// The name of a skip reason's number, such as `no_consent`.
    pub reason: &'a (dyn Fn(i16) -> Option<&'static str> + Send + Sync),
}

impl fmt::Debug for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Words")
    }
}

impl Words<'_> {
    /// Knows nothing: codes and reasons appear as they are stored.
    pub const NONE: Words<'static> = Words { code: &|_| None, reason: &|_| None };

    /// The meaning of a code.
    pub fn meaning(&self, code: &str) -> Option<&'static str> {
        (self.code)(code)
    }

    /// The name of a skip reason, or its number when it has none.
    pub fn skipped(&self, reason: i16) -> String {
        (self.reason)(reason).map_or_else(|| format!("reason_{reason}"), str::to_owned)
    }
}

/// The word for a route in reports and files.
pub const fn route(route: RouteTaken) -> &'static str {
    match route {
        RouteTaken::FreeForm => "free_form",
        RouteTaken::Template => "template",
    }
}

/// The word for an outcome in reports.
pub const fn outcome(outcome: OutcomeKind) -> &'static str {
    match outcome {
        OutcomeKind::Accepted => "accepted",
        OutcomeKind::Refused => "refused",
        OutcomeKind::NotSent => "not_sent",
        OutcomeKind::Unknown => "unknown",
    }
}

/// The word for how an outcome was learned.
pub const fn settled_by(by: SettledBy) -> &'static str {
    match by {
        SettledBy::Answer => "answer",
        SettledBy::Webhook => "webhook",
        SettledBy::Recovery => "recovery",
        SettledBy::Absence => "absence",
        SettledBy::Policy => "policy",
        SettledBy::Operator => "operator",
    }
}
