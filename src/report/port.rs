//! What reports need from a store, and the values that cross.
//!
//! A store counts; it does not interpret. [`RunFacts`] are the answers of a handful of aggregate queries over one run, all from one
//! snapshot of the ledger, and [`super::model`] makes a report of them. Rows cross only where a row is what is asked for: the
//! per-recipient files (page by page, by key) and one person's history.

use async_trait::async_trait;

use super::latency::Histogram;
use super::rate::Buckets;
use crate::audience::Phone;
use crate::campaign::OnUnknown;
use crate::outbound::key::{DeliveryId, RunNo};
use crate::outbound::ledger::{LedgerError, OutcomeKind, RouteTaken, RowCounts, SenderNo, SettledBy};
use crate::outbound::status::{Flags, RunState, State};
use crate::time::Timestamp;

/// How many recipients one page of [`Reports::deliveries`] holds in the exports: some 2 MB, and few enough round trips.
pub const PAGE: u32 = 5_000;

/// A run's own row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunHead {
    /// Its number.
    pub no: RunNo,
    /// Its public id.
    pub id: String,
    /// The campaign's name.
    pub campaign: String,
    /// What makes this run another than the campaign's last.
    pub run_key: String,
    /// Its state.
    pub state: RunState,
    /// Why it is paused or failed.
    pub reason: Option<String>,
    /// SHA-256 of the campaign file, hex.
    pub campaign_digest: String,
    /// SHA-256 of the audience, hex.
    pub audience_digest: String,
    /// The audience's name, as written in the campaign.
    pub audience_name: String,
    /// The template's name in the campaign file; `None` without a template or when the name depends on the row.
    pub template: Option<String>,
    /// What happens in doubt.
    pub on_unknown: OnUnknown,
    /// What planning counted.
    pub rows: RowCounts,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it first ran.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// When it stops sending.
    pub expires_at: Option<Timestamp>,
}

impl RunHead {
    /// [`RunHead::template`] of a stored campaign file.
    pub fn template_in(campaign_text: &str) -> Option<String> {
        let campaign: toml::Table = toml::from_str(campaign_text).ok()?;
        let name = campaign.get("template")?.get("name")?.as_str()?;
        (!name.contains("{{")).then(|| name.to_owned())
    }
}

/// A sender's number and name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SenderName {
    /// Its number in the ledger.
    pub no: SenderNo,
    /// Its name in the settings.
    pub name: String,
}

/// What webhooks said of a recipient's message, the best of all its sends. The numbers are those of the tally's query.
///
/// A message said to have been read counts as delivered, and a delivered one as sent, whether or not that was said too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(i16)]
pub enum Said {
    /// Nothing yet.
    Nothing = 0,
    /// It left the provider; no more is known.
    Sent = 1,
    /// The latest send failed, and none was delivered.
    Failed = 2,
    /// It arrived.
    Delivered = 3,
    /// It was read.
    Read = 4,
    /// It arrived, and the same send was said to have failed.
    DeliveredAndFailed = 5,
    /// It was read, and the same send was said to have failed.
    ReadAndFailed = 6,
}

impl Said {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Nothing, Self::Sent, Self::Failed, Self::Delivered, Self::Read, Self::DeliveredAndFailed, Self::ReadAndFailed];

    /// The one of a query's number.
    pub fn from_code(code: i64) -> Option<Self> {
        usize::try_from(code).ok().and_then(|code| Self::ALL.get(code)).copied()
    }

    /// Whether it arrived.
    pub const fn delivered(self) -> bool {
        matches!(self, Self::Delivered | Self::Read | Self::DeliveredAndFailed | Self::ReadAndFailed)
    }

    /// Whether it was read.
    pub const fn read(self) -> bool {
        matches!(self, Self::Read | Self::ReadAndFailed)
    }

    /// Whether the webhooks contradict themselves.
    pub const fn conflict(self) -> bool {
        matches!(self, Self::DeliveredAndFailed | Self::ReadAndFailed)
    }
}

/// How many of a run's deliveries are alike in all of this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Where they stand.
    pub state: State,
    /// Why they were skipped, else 0.
    pub reason: i16,
    /// Which way they went last; `None` before the first intent.
    pub route: Option<RouteTaken>,
    /// From which number they went last; `None` before the first intent.
    pub sender: Option<SenderNo>,
    /// What outlives their state.
    pub flags: Flags,
    /// What webhooks said.
    pub said: Said,
    /// How many there are.
    pub deliveries: u64,
    /// Of these, with at least one intent.
    pub called: u64,
    /// Intents of them all.
    pub intents: u64,
}

/// How many of a run's calls ended alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallTally {
    /// How.
    pub outcome: OutcomeKind,
    /// How that was learned.
    pub settled_by: SettledBy,
    /// How many.
    pub calls: u64,
}

/// How many of something carry one code; `None` is no code.
pub type CodeCount = (Option<String>, u64);

/// Everything counted of one run, from one snapshot of the ledger. Lists may come in any order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFacts {
    /// Its row.
    pub head: RunHead,
    /// The ledger's senders.
    pub senders: Vec<SenderName>,
    /// Rows of the audience file that became no delivery, by reason.
    pub rejected_rows: Vec<(String, u64)>,
    /// Its deliveries.
    pub tallies: Vec<Tally>,
    /// Rejected deliveries by the code of their latest call.
    pub rejections: Vec<CodeCount>,
    /// Deliveries that were accepted and then failed ([`Said::Failed`]), by that failure's code.
    pub failures: Vec<CodeCount>,
    /// Its calls.
    pub calls: Vec<CallTally>,
    /// Accepted calls over time, by the time of their intent; `None` without any.
    pub rate: Option<Buckets>,
    /// Milliseconds from intent to answer of accepted calls whose answer told so.
    pub call_latency: Histogram,
    /// Seconds from the latest intent to its delivery, by the provider's clock.
    pub delivery_latency: Histogram,
}

/// A run's few main figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunCounts {
    /// Deliveries that are not terminal.
    pub open: u64,
    /// Taken by the provider.
    pub accepted: u64,
    /// Accepted, and arrived.
    pub delivered: u64,
    /// Accepted, and read.
    pub read: u64,
    /// Accepted, then failed.
    pub failed: u64,
    /// Refused.
    pub rejected: u64,
    /// Skipped, expired, cancelled or quarantined.
    pub not_sent: u64,
    /// Outcome not learned, for good.
    pub unknown: u64,
}

impl RunCounts {
    /// The main figures of these tallies.
    pub fn of(tallies: &[Tally]) -> Self {
        let mut counts = Self::default();
        for tally in tallies {
            let slot = match tally.state {
                State::Accepted => &mut counts.accepted,
                State::Rejected => &mut counts.rejected,
                State::UnknownFinal => &mut counts.unknown,
                State::Skipped | State::Expired | State::Cancelled | State::Quarantined => &mut counts.not_sent,
                State::Pending | State::Intent | State::Unknown => &mut counts.open,
            };
            *slot += tally.deliveries;
            if tally.state == State::Accepted {
                counts.delivered += if tally.said.delivered() { tally.deliveries } else { 0 };
                counts.read += if tally.said.read() { tally.deliveries } else { 0 };
                counts.failed += if tally.said == Said::Failed { tally.deliveries } else { 0 };
            }
        }
        counts
    }
}

/// Which recipients a listing holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listing {
    /// Every one.
    All,
    /// Those whose outcome is not known: in their grace time or for good.
    Unknown,
    /// Those who may have got it twice.
    PossibleDuplicates,
}

/// One recipient of a run, for a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryRow {
    /// Which.
    pub id: DeliveryId,
    /// Who.
    pub person: Phone,
    /// Line of the audience file.
    pub line: u64,
    /// Where it stands.
    pub state: State,
    /// Why it was skipped, else 0.
    pub reason: i16,
    /// Intents written so far.
    pub tries: u16,
    /// What outlives its state.
    pub flags: Flags,
    /// Which way it went last.
    pub route: Option<RouteTaken>,
    /// From which number it went last.
    pub sender: Option<SenderNo>,
    /// When its latest intent was committed.
    pub intent_at: Option<Timestamp>,
    /// The provider's id of its latest call.
    pub provider_id: Option<String>,
    /// The code of its latest call.
    pub call_code: Option<String>,
    /// What webhooks said of the latest send; when that one was not delivered or read, the times of an earlier one that was.
    pub receipt: ReceiptTimes,
}

/// What webhooks said of one send, by the provider's clock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReceiptTimes {
    /// It left the provider.
    pub sent_at: Option<Timestamp>,
    /// It arrived.
    pub delivered_at: Option<Timestamp>,
    /// It was read.
    pub read_at: Option<Timestamp>,
    /// It failed.
    pub failed_at: Option<Timestamp>,
    /// The failure's code.
    pub code: Option<String>,
}

/// One call, for a person's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallRow {
    /// Its number, from 1.
    pub attempt: u16,
    /// The send it belonged to, from 0.
    pub generation: u16,
    /// From which number.
    pub sender: SenderNo,
    /// Which way.
    pub route: RouteTaken,
    /// How it ended.
    pub outcome: OutcomeKind,
    /// How that was learned.
    pub settled_by: SettledBy,
    /// The provider's code.
    pub code: Option<String>,
    /// The provider's words, or ours.
    pub detail: Option<String>,
    /// HTTP status; 0 without an answer.
    pub http: u16,
    /// The provider's id.
    pub provider_id: Option<String>,
    /// When the intent was committed.
    pub intent_at: Timestamp,
    /// When the outcome was learned.
    pub settled_at: Timestamp,
}

/// One run's part of a person's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonRun {
    /// The run.
    pub run: RunHead,
    /// The columns of the audience that were kept.
    pub columns: Vec<String>,
    /// The person's values of them.
    pub values: Vec<String>,
    /// The delivery.
    pub delivery: DeliveryRow,
    /// Its calls, in order.
    pub calls: Vec<CallRow>,
    /// What webhooks said, by send.
    pub receipts: Vec<(u16, ReceiptTimes)>,
}

/// Everything the ledger holds about one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonFacts {
    /// Who.
    pub person: Phone,
    /// The ledger's senders.
    pub senders: Vec<SenderName>,
    /// The person's last message to each sender.
    pub windows: Vec<(SenderNo, Timestamp)>,
    /// The runs that had the person in their audience, oldest first.
    pub runs: Vec<PersonRun>,
}

/// What reports ask of a store. Every method only reads.
#[async_trait]
pub trait Reports: Send + Sync {
    /// Runs, latest first, at most `limit`; with their figures when `counted`, which reads every recipient of each.
    async fn run_list(&self, limit: u32, counted: bool) -> Result<Vec<(RunHead, Option<RunCounts>)>, LedgerError>;
    /// The run with this public id.
    async fn run_head(&self, id: &str) -> Result<Option<RunHead>, LedgerError>;
    /// The ledger's senders.
    async fn sender_names(&self) -> Result<Vec<SenderName>, LedgerError>;
    /// Everything counted of the run with this public id, from one snapshot.
    async fn run_facts(&self, id: &str) -> Result<Option<RunFacts>, LedgerError>;
    /// Recipients of a run in order of their ids, after the given one, at most `limit`. Pages of a run that still sends are each of
    /// their own moment.
    async fn deliveries(
        &self,
        run: RunNo,
        listing: Listing,
        after: DeliveryId,
        limit: u32,
    ) -> Result<Vec<DeliveryRow>, LedgerError>;
    /// Everything about one person.
    async fn person(&self, person: Phone) -> Result<PersonFacts, LedgerError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_templates_name_is_said_only_when_it_is_everyones() {
        let name = |text| RunHead::template_in(text);
        assert_eq!(name("[template]\nname = \"a\"").as_deref(), Some("a"));
        for text in
            ["[template]\nname = \"{{which}}\"", "[free_form]\nbody = \"x\"", "template = 1", "[template]\nname = 3", "not toml"]
        {
            assert_eq!(name(text), None, "{text}");
        }
    }
}
