//! Group commit: one task owns all hot writes, merges what is waiting into one durable transaction, then releases everyone who waited.
//!
//! Outcomes go before webhook bodies, and both before intents: nothing new starts while results wait. An outcome is never dropped: while
//! the ledger cannot take it the writer keeps it, refuses new intents and bodies, and tries again. On a full disk it gives up the ballast;
//! after [`PATIENCE`] it writes what it keeps to the journal, and a writer that nobody needs any more ends once all of it is there
//! ([`super::emergency`]). When the disk is almost full, intents are refused and everything else goes on.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::emergency::Emergency;
use super::ledger::{Dispatch, Group, GroupResult, InboxBody, Intent, IntentResult, LedgerError, Settlement};
use super::slots::Ticket;

/// What waits at most before a commit begins.
const MOST: usize = 1024;
/// A group of at least so many does not wait for more.
/// A commit costs about 0.8 ms of CPU whatever is in it, and about 15 µs for each message's two facts.
const ENOUGH: usize = 256;
/// How long a small group waits for company; bounds the latency that durability adds.
const LINGER: Duration = Duration::from_millis(2);
/// Between two looks at what has come meanwhile.
const BETWEEN: Duration = Duration::from_millis(1);
/// How long the writer waits before it offers kept outcomes to a failing ledger again.
const AGAIN: Duration = Duration::from_millis(500);
/// How long a failing ledger is trusted to take the outcomes after all (reliability, section 1.9).
pub const PATIENCE: Duration = Duration::from_secs(5);
/// How often the disk's free space is looked at while intents come.
const LOOK: Duration = Duration::from_secs(5);

/// Why something was not written.
#[derive(Clone, Debug, thiserror::Error)]
pub enum WriteError {
    /// The ledger failed; the cause was reported once, by the writer.
    #[error("{0}")]
    Ledger(String),
    /// The disk is almost full: outcomes and webhooks are taken, new intents are not.
    #[error("{0}")]
    AlmostFull(String),
    /// The writer has stopped.
    #[error("the engine is stopping")]
    Stopped,
}

type Answer<T> = oneshot::Sender<Result<T, WriteError>>;

enum Op {
    Settle(Box<Settlement>, Option<Ticket>),
    Intend(Vec<Intent>, Answer<Vec<IntentResult>>),
    Store(InboxBody, Answer<()>),
}

/// The way to the writer's task. Cheap to clone; the task ends when the last one is dropped.
#[derive(Clone, Debug)]
pub struct Writer {
    ops: mpsc::Sender<Op>,
}

impl Writer {
    /// Starts the writer's task on the current runtime. Its handle ends when all writers are dropped and everything is committed, or
    /// at least in the emergency journal.
    pub fn start(ledger: Arc<dyn Dispatch>, emergency: Emergency) -> (Self, tokio::task::JoinHandle<()>) {
        let (ops, waiting) = mpsc::channel(4 * MOST);
        let task = Task { ledger, waiting, emergency, batch: Batch::default(), trouble: None, looked: None };
        (Self { ops }, tokio::spawn(task.write()))
    }

    /// Hands over an outcome; the ticket is released after its commit.
    pub async fn settle(&self, settlement: Settlement, ticket: Option<Ticket>) {
        // The task only ends after the last sender is gone, so this cannot fail while `self` lives.
        drop(self.ops.send(Op::Settle(Box::new(settlement), ticket)).await);
    }

    /// Commits intents; one result each, in order.
    ///
    /// # Errors
    /// When the ledger failed: then none of them was committed.
    pub async fn intend(&self, intents: Vec<Intent>) -> Result<Vec<IntentResult>, WriteError> {
        let (done, result) = oneshot::channel();
        self.ops.send(Op::Intend(intents, done)).await.map_err(|_| WriteError::Stopped)?;
        result.await.map_err(|_| WriteError::Stopped)?
    }

    /// Stores a webhook body; returns after the durable commit.
    ///
    /// # Errors
    /// When the ledger failed: then it was not stored.
    pub async fn store(&self, body: InboxBody) -> Result<(), WriteError> {
        let (done, result) = oneshot::channel();
        self.ops.send(Op::Store(body, done)).await.map_err(|_| WriteError::Stopped)?;
        result.await.map_err(|_| WriteError::Stopped)?
    }
}

#[derive(Default)]
struct Batch {
    group: Group,
    tickets: Vec<Ticket>,
    intends: Vec<(usize, Answer<Vec<IntentResult>>)>,
    stores: Vec<Answer<()>>,
}

impl Batch {
    fn add(&mut self, op: Op) {
        match op {
            Op::Settle(settlement, ticket) => {
                self.group.settlements.push(*settlement);
                self.tickets.extend(ticket);
            }
            Op::Intend(mut intents, done) => {
                self.intends.push((intents.len(), done));
                self.group.intents.append(&mut intents);
            }
            Op::Store(body, done) => {
                self.group.inbox.push(body);
                self.stores.push(done);
            }
        }
    }

    fn len(&self) -> usize {
        self.group.settlements.len() + self.group.intents.len() + self.group.inbox.len()
    }

    fn committed(&mut self, result: GroupResult) {
        self.group = Group::default();
        self.tickets.clear();
        let mut results = result.intents.into_iter();
        for (count, done) in self.intends.drain(..) {
            // A caller that is gone made no call: its intents are found by recovery.
            drop(done.send(Ok(results.by_ref().take(count).collect())));
        }
        for done in self.stores.drain(..) {
            drop(done.send(Ok(())));
        }
    }

    /// Keeps the outcomes; everyone else is told.
    fn refuse(&mut self, refusal: &WriteError) {
        self.refuse_intents(refusal);
        self.group.inbox.clear();
        for done in self.stores.drain(..) {
            drop(done.send(Err(refusal.clone())));
        }
    }

    fn refuse_intents(&mut self, refusal: &WriteError) {
        self.group.intents.clear();
        for (_, done) in self.intends.drain(..) {
            drop(done.send(Err(refusal.clone())));
        }
    }
}

/// A ledger that takes nothing.
struct Trouble {
    since: Instant,
    refusal: WriteError,
    /// How many of the kept outcomes are in the journal.
    journaled: usize,
    /// Whether it was said that the journal cannot be written either.
    cornered: bool,
}

struct Task {
    ledger: Arc<dyn Dispatch>,
    waiting: mpsc::Receiver<Op>,
    emergency: Emergency,
    batch: Batch,
    trouble: Option<Trouble>,
    looked: Option<(Instant, Option<WriteError>)>,
}

impl Task {
    async fn write(mut self) {
        loop {
            if self.batch.len() == 0 {
                let Some(op) = self.waiting.recv().await else { return };
                self.batch.add(op);
            }
            // Kept outcomes never fill the group: as many as there are calls in flight have room.
            let kept = if self.trouble.is_some() { self.batch.group.settlements.len() } else { 0 };
            gather(&mut self.batch, &mut self.waiting, kept).await;
            self.hold_back();
            if self.batch.len() == 0 {
                continue;
            }
            match self.ledger.commit(&self.batch.group).await {
                Ok(result) => {
                    if !result.superseded.is_empty() {
                        tracing::debug!(count = result.superseded.len(), "outcomes met a delivery that evidence had settled");
                    }
                    self.batch.committed(result);
                    if self.trouble.take().is_some() {
                        self.recovered();
                    }
                }
                Err(error) => {
                    if self.failed(&error).await {
                        return;
                    }
                }
            }
        }
    }

    /// Refuses what may not be tried now: anything but outcomes while outcomes are kept, and intents on an almost full disk.
    fn hold_back(&mut self) {
        if let Some(trouble) = &self.trouble
            && !self.batch.group.settlements.is_empty()
        {
            self.batch.refuse(&trouble.refusal);
        }
        if self.batch.intends.is_empty() {
            return;
        }
        let Some(low_water) = &self.emergency.low_water else { return };
        if self.looked.as_ref().is_none_or(|(at, _)| at.elapsed() >= LOOK) {
            self.looked = Some((Instant::now(), low_water.reached().map(WriteError::AlmostFull)));
        }
        if let Some((_, Some(refusal))) = &self.looked {
            self.batch.refuse_intents(refusal);
        }
    }

    /// Keeps the outcomes and does for them what can be done; true when there is nothing left to wait for.
    async fn failed(&mut self, error: &LedgerError) -> bool {
        let refusal = WriteError::Ledger(error.to_string());
        self.batch.refuse(&refusal);
        let outcomes = self.batch.group.settlements.len();
        let trouble = self.trouble.get_or_insert_with(|| {
            tracing::error!(%error, outcomes, "the ledger could not be written; outcomes are kept and offered again");
            Trouble { since: Instant::now(), refusal: refusal.clone(), journaled: 0, cornered: false }
        });
        trouble.refusal = refusal;
        if matches!(error, LedgerError::Full) && self.emergency.ballast.as_ref().is_some_and(super::emergency::Ballast::give_up) {
            tracing::warn!("the disk is full: the ballast was given up to make room for outcomes");
            return false;
        }
        // Nobody is left who could bring more: no reason to wait any longer.
        let last = self.waiting.is_closed() && self.waiting.is_empty();
        if last || trouble.since.elapsed() >= PATIENCE {
            self.journal().await;
        }
        let safe = self.trouble.as_ref().is_some_and(|trouble| trouble.journaled == self.batch.group.settlements.len());
        if last && safe {
            return true;
        }
        tokio::time::sleep(AGAIN).await;
        false
    }

    /// Writes the kept outcomes that are not there yet to the journal.
    async fn journal(&mut self) {
        let (Some(trouble), Some(journal)) = (&mut self.trouble, &self.emergency.journal) else { return };
        let kept = &self.batch.group.settlements;
        let new = kept.get(trouble.journaled..).unwrap_or_default().to_vec();
        if new.is_empty() {
            return;
        }
        let appending = journal.clone();
        let written = tokio::task::spawn_blocking(move || appending.append(&new)).await;
        match written.unwrap_or_else(|error| Err(std::io::Error::other(error))) {
            Ok(()) => {
                trouble.journaled = kept.len();
                trouble.cornered = false;
                // Durable: their calls' slots are free, so that lanes can end.
                self.batch.tickets.clear();
                tracing::warn!(outcomes = kept.len(), file = %journal.path().display(), "outcomes are in the emergency journal");
            }
            Err(error) if !trouble.cornered => {
                trouble.cornered = true;
                tracing::error!(
                    %error,
                    outcomes = kept.len(),
                    "neither the ledger nor the journal can be written: outcomes are in memory only, and would be unknown if this \
                     process ended now; free some space"
                );
            }
            Err(_) => {}
        }
    }

    fn recovered(&self) {
        tracing::info!("the ledger is written again");
        // Left behind by a crash right here it is merged once more, which changes nothing.
        if let Some(journal) = &self.emergency.journal
            && let Err(error) = journal.remove()
        {
            tracing::warn!(%error, file = %journal.path().display(), "the emergency journal stays; it is merged at the next start");
        }
    }
}

/// Fills the batch; looks from time to time instead of waking up for each.
async fn gather(batch: &mut Batch, waiting: &mut mpsc::Receiver<Op>, kept: usize) {
    let until = Instant::now() + LINGER;
    while batch.len() < MOST + kept {
        match waiting.try_recv() {
            Ok(op) => batch.add(op),
            Err(mpsc::error::TryRecvError::Empty) if batch.len() < ENOUGH && Instant::now() < until => {
                tokio::time::sleep(BETWEEN).await;
            }
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests;
