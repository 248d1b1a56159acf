//! What the engine needs from a store: the ports, and the values that cross them.
//!
//! Every method is one transaction and says what it guards. Times and ids are parameters: a store has no clock and makes no names.
//! All writes of many rows are set-based; none is called once a row.

mod inbox;

use std::collections::HashMap;

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::key::{DeliveryId, RunNo};
use super::status::{RunState, Standing, State};
use crate::audience::Phone;
use crate::campaign::OnUnknown;
use crate::provider::contract::Class;
use crate::time::Timestamp;

pub use inbox::{FoldWrites, Inbox, Receipt, StoredBody, Subject};

/// A store failed.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// Another process owns the ledger.
    #[error("{0} is in use by another fanfare process; wait for it, or stop it")]
    Locked(String),
    /// The database cannot be used as it is: too old, damaged, of a newer version.
    #[error("{0}")]
    Unfit(String),
    /// The disk is full.
    #[error("the disk is full: free some space and run the same command again; nothing was lost")]
    Full,
    /// A stored value is none that this version writes.
    #[error("the ledger holds an unreadable {what}: {value}")]
    Corrupt {
        /// Which column.
        what: &'static str,
        /// The value.
        value: String,
    },
    /// Anything else the database said.
    #[error("the ledger's database failed")]
    Database(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl LedgerError {
    /// Whether the same ledger may work again later, by itself or when a person makes room: a reason to pause, not a fault.
    pub const fn may_pass(&self) -> bool {
        matches!(self, Self::Locked(_) | Self::Full)
    }
}

/// The number of a sender in its ledger, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SenderNo(pub i16);

/// A sender as the settings name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SenderRecord {
    /// Its name in the settings.
    pub name: String,
    /// Its provider's name in the settings.
    pub provider: String,
    /// The provider's id of the number.
    pub number_id: String,
}

/// A run to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRun {
    /// Derived: [`super::key::run_id`].
    pub id: String,
    /// The campaign's name.
    pub campaign: String,
    /// What makes this run another than the campaign's last.
    pub run_key: String,
    /// The campaign file.
    pub campaign_text: String,
    /// Its SHA-256, hex.
    pub campaign_digest: String,
    /// The audience's SHA-256, hex.
    pub audience_digest: String,
    /// The audience's name, as written in the campaign.
    pub audience_name: String,
    /// The columns each delivery's values are of, in order.
    pub columns: Vec<String>,
    /// What happens in doubt.
    pub on_unknown: OnUnknown,
    /// Now.
    pub created_at: Timestamp,
    /// When it stops sending.
    pub expires_at: Option<Timestamp>,
}

/// A run as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRecord {
    /// Its number.
    pub no: RunNo,
    /// What it was created with.
    pub run: NewRun,
    /// Its state.
    pub state: RunState,
    /// Counts the changes of state.
    pub version: i64,
    /// Why it is paused or failed.
    pub reason: Option<String>,
    /// What planning counted.
    pub rows: RowCounts,
    /// When it first ran.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// What became of the audience file's data records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowCounts {
    /// All of them.
    pub read: u64,
    /// Became deliveries (skipped ones included).
    pub planned: u64,
    /// Unusable.
    pub bad: u64,
    /// The same person again.
    pub duplicate: u64,
}

/// One delivery being planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDelivery {
    /// Derived from run and record.
    pub id: DeliveryId,
    /// Canonical number.
    pub person: Phone,
    /// Line of the audience file.
    pub line: u64,
    /// [`State::Pending`], or [`State::Skipped`] with a reason.
    pub state: State,
    /// [`crate::decision`]'s number of the reason it is skipped for, else 0.
    pub reason: i16,
    /// The row's values as a JSON array of strings, in the run's column order.
    pub vars: String,
}

/// One row that became no delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RejectedRow {
    /// Line of the audience file.
    pub line: u64,
    /// Its code, such as `invalid_number`.
    pub reason: &'static str,
    /// The column at fault.
    pub field: Option<String>,
}

/// A delivery taken to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// Which.
    pub id: DeliveryId,
    /// To whom.
    pub person: Phone,
    /// Line of the audience file.
    pub line: u64,
    /// Where it stands.
    pub standing: Standing,
    /// The row's values.
    pub vars: Vec<String>,
}

/// Which way a message goes. The numbers are the ledger's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(i16)]
pub enum RouteTaken {
    /// Free-form, inside the window.
    FreeForm = 1,
    /// Template.
    Template = 2,
}

/// The promise to make one call, to be committed before its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intent {
    /// Which delivery.
    pub id: DeliveryId,
    /// The state it must be in: [`State::Pending`] with these tries and this generation.
    pub before: Standing,
    /// Where it stands with the intent.
    pub after: Standing,
    /// To whom; for the window check.
    pub person: Phone,
    /// From which number.
    pub sender: SenderNo,
    /// Which way. A free-form intent is refused when the ledger's window for (sender, person) is not open.
    pub route: RouteTaken,
    /// First 64 bits of SHA-256 of the request's body.
    pub digest: i64,
    /// Now.
    pub at: Timestamp,
    /// Free-form only: the person's last message must not be older than this.
    pub window_since: Timestamp,
}

/// What became of an intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntentResult {
    /// Committed: the call may be made.
    Committed,
    /// The run does not run any more.
    RunStopped,
    /// The window closed meanwhile: decide again.
    WindowClosed,
    /// The delivery stands elsewhere: drop it.
    Stale,
}

/// How an outcome was learned. The numbers are the ledger's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[repr(i16)]
pub enum SettledBy {
    /// The answer to the call itself.
    Answer = 0,
    /// A webhook that carried the attempt's key.
    Webhook = 1,
    /// The process died over the call; found at the next start.
    Recovery = 2,
    /// No evidence within the grace time while the webhooks were proven to work.
    Absence = 3,
    /// The campaign's policy, after the grace time.
    Policy = 4,
    /// A person.
    Operator = 5,
}

/// The kinds of outcome. The numbers are the ledger's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[repr(i16)]
pub enum OutcomeKind {
    /// Taken by the provider.
    Accepted = 1,
    /// Refused, provably not sent.
    Refused = 2,
    /// No byte left.
    NotSent = 3,
    /// Not learned.
    Unknown = 4,
}

/// What was learned of one call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptFact {
    /// The delivery's tries at its intent.
    pub attempt: u16,
    /// The send it belonged to.
    pub generation: u16,
    /// From which number.
    pub sender: SenderNo,
    /// Which way.
    pub route: RouteTaken,
    /// What.
    pub outcome: OutcomeKind,
    /// Why it failed.
    pub class: Option<Class>,
    /// The provider's code.
    pub code: Option<String>,
    /// The provider's words, or ours.
    pub detail: Option<String>,
    /// HTTP status; 0 without an answer.
    pub http: u16,
    /// The provider's id.
    pub provider_id: Option<String>,
    /// As in the intent.
    pub digest: i64,
    /// When the intent was committed.
    pub intent_at: Timestamp,
    /// Now.
    pub settled_at: Timestamp,
    /// How it was learned.
    pub settled_by: SettledBy,
}

/// A change of one delivery with what was learned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settlement {
    /// Which delivery.
    pub id: DeliveryId,
    /// The state, tries and generation it must have.
    pub before: Standing,
    /// Where it stands now.
    pub after: Standing,
    /// Why it was skipped, else 0.
    pub reason: i16,
    /// The attempt's fact. It is stored even when the delivery stands elsewhere by now: facts are not fenced. A fact for an attempt
    /// that has one replaces it only when that one was unknown, or when the call's own answer says the same as a webhook before it.
    /// One of class [`Class::WindowClosed`] also forgets the person's window, unless the person wrote after the intent.
    pub fact: Option<AttemptFact>,
}

/// A webhook body on its way into the inbox.
#[derive(Clone, Debug)]
pub struct InboxBody {
    /// The provider's name in the settings.
    pub provider: String,
    /// Now.
    pub received_at: Timestamp,
    /// As received.
    pub body: Bytes,
}

/// What one group commit writes, in this order: outcomes first, so that nothing new starts while results wait.
#[derive(Debug, Default)]
pub struct Group {
    /// Outcomes.
    pub settlements: Vec<Settlement>,
    /// Webhook bodies.
    pub inbox: Vec<InboxBody>,
    /// Intents.
    pub intents: Vec<Intent>,
}

/// What became of a group.
#[derive(Debug, Default)]
pub struct GroupResult {
    /// Settlements whose delivery stood elsewhere; only their facts were stored.
    pub superseded: Vec<DeliveryId>,
    /// One a given intent, in order.
    pub intents: Vec<IntentResult>,
}

/// A delivery whose call nobody knows the end of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenAttempt {
    /// Which.
    pub id: DeliveryId,
    /// To whom.
    pub person: Phone,
    /// Where it stands.
    pub standing: Standing,
    /// From which number.
    pub sender: SenderNo,
    /// Which way.
    pub route: RouteTaken,
    /// As in the intent.
    pub digest: i64,
    /// When the intent was committed.
    pub intent_at: Timestamp,
}

/// How much of what a sender's provider took has been heard of since.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// Sends accepted in the asked time.
    pub accepted: u64,
    /// Of these, with at least one status.
    pub with_status: u64,
}

/// Deliveries of a run by state.
pub type StateCounts = HashMap<State, u64>;

/// Runs, and what planning writes.
#[async_trait]
pub trait Runs: Send + Sync {
    /// Numbers for senders, made at their first mention; the same ones ever after.
    async fn senders(&self, senders: &[SenderRecord]) -> Result<Vec<SenderNo>, LedgerError>;
    /// The run with this id, created in [`RunState::Planning`] when there is none: whoever races gets the same one.
    async fn create_run(&self, run: &NewRun) -> Result<RunRecord, LedgerError>;
    /// The run with this public id.
    async fn run(&self, id: &str) -> Result<Option<RunRecord>, LedgerError>;
    /// All runs, latest first, at most `limit`.
    async fn runs(&self, limit: u32) -> Result<Vec<RunRecord>, LedgerError>;
    /// Plans deliveries and records rejected rows; what is there already (by id, or the same person in the run) is left alone.
    /// Refused once the run has left [`RunState::Planning`]. Returns how many deliveries were new.
    async fn plan(&self, run: RunNo, deliveries: &[NewDelivery], rejected: &[RejectedRow]) -> Result<u64, LedgerError>;
    /// Ends planning: the counts are stored and the run becomes [`RunState::Ready`], in one transaction that checks that the
    /// deliveries in the ledger are as many as `counts.planned`. False when they are not, or the run was not planning.
    async fn finish_planning(&self, run: RunNo, counts: RowCounts) -> Result<bool, LedgerError>;
    /// Compare-and-set of a run's state. False when it was not `from`. Sets the start and end times where they belong.
    async fn move_run(
        &self,
        run: RunNo,
        from: RunState,
        to: RunState,
        reason: Option<&str>,
        at: Timestamp,
    ) -> Result<bool, LedgerError>;
    /// Running to completed, in one transaction with the conservation check: every delivery terminal, and by state as many as were
    /// planned. Returns the counts; false when something is still open.
    async fn complete_run(&self, run: RunNo, at: Timestamp) -> Result<(bool, StateCounts), LedgerError>;
    /// Deliveries by state, by counting.
    async fn counts(&self, run: RunNo) -> Result<StateCounts, LedgerError>;
}

/// What sending needs.
#[async_trait]
pub trait Dispatch: Send + Sync {
    /// Pending deliveries never deferred (due at 0), in order of their ids, after the given one.
    async fn claim_fresh(&self, run: RunNo, after: DeliveryId, limit: u32) -> Result<Vec<Claimed>, LedgerError>;
    /// Pending deliveries whose due time (above 0) has come, earliest first.
    async fn claim_due(&self, run: RunNo, now: Timestamp, limit: u32) -> Result<Vec<Claimed>, LedgerError>;
    /// When the next open delivery of the run falls due (pending, intent or unknown; fresh ones not counted); `None` without any,
    /// [`HELD`](super::status::HELD) when all of them wait for a person.
    async fn next_due(&self, run: RunNo) -> Result<Option<Timestamp>, LedgerError>;
    /// Last messages of these people to these senders: (sender, person) to time.
    async fn windows(&self, senders: &[SenderNo], people: &[Phone])
    -> Result<HashMap<(SenderNo, Phone), Timestamp>, LedgerError>;
    /// One durable commit of a group.
    async fn commit(&self, group: &Group) -> Result<GroupResult, LedgerError>;
    /// Intents left by a process that is gone: all deliveries of the run in [`State::Intent`]. Only asked before sending starts.
    async fn open_intents(&self, run: RunNo, limit: u32) -> Result<Vec<OpenAttempt>, LedgerError>;
    /// Deliveries in [`State::Unknown`] whose grace is over.
    async fn unknown_due(&self, run: RunNo, now: Timestamp, limit: u32) -> Result<Vec<OpenAttempt>, LedgerError>;
    /// Deliveries in [`State::Unknown`] or [`State::UnknownFinal`], whatever their grace, in order of their ids, after the given one.
    async fn unresolved(&self, run: RunNo, after: DeliveryId, limit: u32) -> Result<Vec<OpenAttempt>, LedgerError>;
    /// How many of a sender's sends with intents in `[from, to]` were accepted, and how many of these have a status.
    async fn heard(&self, sender: SenderNo, from: Timestamp, to: Timestamp) -> Result<Heard, LedgerError>;
    /// Ends every pending delivery of a run as expired or cancelled, at most `limit`; returns how many.
    async fn end_pending(&self, run: RunNo, state: State, limit: u32) -> Result<u64, LedgerError>;
}

/// All ports of one store.
pub trait Ledger: Runs + Dispatch + Inbox {}
impl<T: Runs + Dispatch + Inbox> Ledger for T {}
