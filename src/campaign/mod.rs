//! The campaign file: what is sent, to whom, how fast, and what happens in doubt.
//!
//! In goes the text of one TOML file; out comes a [`Campaign`] whose every field has been checked, or all its [`Problem`]s at once, each
//! with its place. `check`, `plan` and `run` all come through here, so they cannot disagree. Texts stay [`Source`]: compiling them is
//! the message module's work. Knows nothing of the audience's rows, the providers' wire or the ledger.

mod check;
pub mod diagnostic;
mod document;
mod environment;
mod keys;
mod parse;
mod problem;
mod read;
mod schema;
mod secret;
mod shape;
mod tree;

#[cfg(test)]
mod tests;

pub use parse::{Context, Examined, KnownSender, examine, parse};
pub use problem::{Problem, Severity};
pub use schema::schema;

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use crate::message::{FreeForm, Source, Template};
use crate::outbound::quota::Quota;
use crate::time::Timestamp;

/// A checked campaign.
#[derive(Clone, Debug)]
pub struct Campaign {
    /// Its name: lower-case letters, digits, `-` and `_`, at most 64. Names its runs.
    pub name: String,
    /// What people agreed to receive, and the category expected of the template.
    pub purpose: Purpose,
    /// The senders that share the work, by their names in the settings; at least one.
    pub senders: Vec<String>,
    /// Who gets it.
    pub audience: AudiencePart,
    /// How fast.
    pub pacing: Pacing,
    /// Which way, and what happens in doubt.
    pub route: Route,
    /// How long after its start the run may still send; what is not sent by then is not sent.
    pub expires: Option<Duration>,
    /// What is sent while a person's window is open.
    pub free_form: Option<FreeForm<Source>>,
    /// What is sent when it is not.
    pub template: Option<TemplatePart>,
    /// SHA-256 of the file's bytes.
    pub digest: [u8; 32],
}

/// The `[audience]` table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AudiencePart {
    /// The list, relative to the campaign file's folder and inside it (or the settings' root); `-` is standard input.
    pub file: AudienceFile,
    /// The column with the phone number; guessed from the header when left out.
    pub phone: Option<String>,
    /// ISO 3166 country of numbers that carry no country code.
    pub country: Option<String>,
    /// The column with that country.
    pub country_column: Option<String>,
    /// The column with the template's language, available to texts and checked for its shape.
    pub language: Option<String>,
    /// The column with the person's IANA time zone.
    pub timezone: Option<String>,
    /// The column that says whether the person agreed; unknown words mean no.
    pub consent: Option<String>,
    /// The field separator, when the file's own cannot be guessed.
    pub delimiter: Option<u8>,
    /// The file's encoding, when it cannot be guessed.
    pub encoding: Option<String>,
}

/// Where the list is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AudienceFile {
    /// A file, as written in the campaign.
    Path(PathBuf),
    /// Standard input.
    Stdin,
}

/// The `[pacing]` table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pacing {
    /// The most this campaign sends, over all its senders; each sender's own limit holds besides.
    pub rate: Option<Quota>,
    /// Higher goes first when several runs share a sender; 0 when left out.
    pub priority: i16,
    /// The most calls in flight for one sender; chosen from rate and latency when left out.
    pub in_flight: Option<NonZeroU32>,
}

/// The `[route]` table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Which message is taken when both could be.
    pub prefer: Prefer,
    /// What happens to a send whose outcome could not be learned.
    pub on_unknown: OnUnknown,
}

/// Which message is taken while a person's window is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Prefer {
    /// The free-form message.
    #[default]
    FreeForm,
    /// The template all the same.
    Template,
}

/// What happens to a send whose outcome could not be learned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnUnknown {
    /// Evidence first, including proven absence; then as [`OnUnknown::AtMostOnce`].
    #[default]
    Auto,
    /// Never sent again; listed.
    AtMostOnce,
    /// Sent once more when the grace time is over without evidence; listed as a possible duplicate.
    AtLeastOnce,
    /// Waits for a person's decision.
    Hold,
}

/// The purpose of a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Advertising: needs consent.
    Marketing,
    /// About something the person asked for or bought.
    Utility,
    /// One-time codes.
    Authentication,
}

/// The `[template]` table: the message and what surrounds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplatePart {
    /// The message.
    pub message: Template<Source>,
    /// The language taken when the row's is empty.
    pub fallback_language: Option<String>,
}

impl Campaign {
    /// When a run that starts at `start` stops sending.
    pub fn expires_at(&self, start: Timestamp) -> Option<Timestamp> {
        self.expires.map(|expires| start + expires)
    }
}
