//! What receiving needs from a store: bodies as they came, and everything that folding them writes, in one transaction.

use async_trait::async_trait;
use bytes::Bytes;

use super::{LedgerError, RouteTaken, SenderNo, Settlement};
use crate::audience::Phone;
use crate::outbound::key::DeliveryId;
use crate::outbound::status::{RunState, Standing};
use crate::time::Timestamp;

/// A webhook body to be folded.
#[derive(Clone, Debug)]
pub struct StoredBody {
    /// Its number.
    pub id: i64,
    /// The provider's name in the settings.
    pub provider: String,
    /// When it came.
    pub received_at: Timestamp,
    /// As received.
    pub body: Bytes,
}

/// What webhooks said of one send: a join. Times are the provider's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// First time it was said to have left.
    pub sent_at: Option<Timestamp>,
    /// First time it was said to have arrived.
    pub delivered_at: Option<Timestamp>,
    /// First time it was said to have been read.
    pub read_at: Option<Timestamp>,
    /// First time it was said to have failed.
    pub failed_at: Option<Timestamp>,
    /// That failure's code.
    pub code: Option<String>,
    /// The pricing object as received.
    pub pricing: Option<String>,
    /// The conversation object as received.
    pub conversation: Option<String>,
}

/// A delivery as the fold sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Which.
    pub id: DeliveryId,
    /// Its run's public id.
    pub run_id: String,
    /// Whether its run still runs.
    pub run_state: RunState,
    /// To whom.
    pub person: Phone,
    /// Where it stands.
    pub standing: Standing,
    /// Sender, route, digest and time of its latest intent.
    pub sender: SenderNo,
    /// Which way it went last; `None` before its first intent.
    pub route: Option<RouteTaken>,
    /// Digest of its latest intent.
    pub digest: i64,
    /// Time of its latest intent.
    pub intent_at: Timestamp,
    /// Its receipts so far, by generation.
    pub receipts: Vec<(u16, Receipt)>,
}

/// What a fold writes.
#[derive(Debug, Default)]
pub struct FoldWrites {
    /// Receipts with everything known so far: they replace what is stored.
    pub receipts: Vec<(DeliveryId, u16, Receipt)>,
    /// Evidence for the sender's columns.
    pub settlements: Vec<Settlement>,
    /// People's messages: the latest time wins.
    pub windows: Vec<(SenderNo, Phone, Timestamp)>,
    /// Windows that were not open when these deliveries' latest intents were written: forgotten, unless the person wrote since then.
    pub closed: Vec<(DeliveryId, SenderNo, Timestamp)>,
    /// Statuses of messages that are not ours.
    pub foreign: u64,
}

/// What receiving needs.
#[async_trait]
pub trait Inbox: Send + Sync {
    /// Bodies not folded yet, oldest first, at most `limit` and about 8 MiB.
    async fn unfolded(&self, limit: u32) -> Result<Vec<StoredBody>, LedgerError>;
    /// When the oldest body came in that is not folded yet; `None` when all are.
    async fn unfolded_since(&self) -> Result<Option<Timestamp>, LedgerError>;
    /// Folds: reads the subjects, lets `decide` say what follows, writes it and marks the bodies done, all in one transaction, so
    /// that no outcome slips in between.
    async fn fold(
        &self,
        bodies: &[i64],
        unreadable: &[(i64, String)],
        subjects: &[DeliveryId],
        decide: &(dyn for<'s> Fn(&'s [Subject]) -> FoldWrites + Send + Sync),
    ) -> Result<(), LedgerError>;
    /// The number of a sender by its provider and number id.
    async fn sender_of(&self, provider: &str, number_id: &str) -> Result<Option<SenderNo>, LedgerError>;
}
