//! Group commit: one task owns all hot writes, merges what is waiting into one durable transaction, then releases everyone who waited.
//!
//! Outcomes go before webhook bodies, and both before intents: nothing new starts while results wait. An outcome is never dropped: while
//! the ledger cannot take it the writer keeps it, refuses new intents and bodies, and tries again.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::ledger::{Dispatch, Group, GroupResult, InboxBody, Intent, IntentResult, LedgerError, Settlement};
use super::slots::Ticket;

/// What waits at most before a commit begins.
const MOST: usize = 512;
/// A group of at least so many does not wait for more.
const ENOUGH: usize = 96;
/// How long a small group waits for company; bounds the latency that durability adds.
const LINGER: Duration = Duration::from_millis(2);
/// How long the writer waits before it offers kept outcomes to a failing ledger again.
const AGAIN: Duration = Duration::from_millis(500);

/// Why something was not written.
#[derive(Clone, Debug, thiserror::Error)]
pub enum WriteError {
    /// The ledger failed; the cause was reported once, by the writer.
    #[error("the ledger cannot be written: {0}")]
    Ledger(String),
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
    /// Starts the writer's task on the current runtime. Its handle ends when all writers are dropped and everything is committed.
    pub fn start(ledger: Arc<dyn Dispatch>) -> (Self, tokio::task::JoinHandle<()>) {
        let (ops, waiting) = mpsc::channel(4 * MOST);
        (Self { ops }, tokio::spawn(write(ledger, waiting)))
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
    fn failed(&mut self, error: &LedgerError) {
        let refusal = WriteError::Ledger(error.to_string());
        self.group.intents.clear();
        self.group.inbox.clear();
        for (_, done) in self.intends.drain(..) {
            drop(done.send(Err(refusal.clone())));
        }
        for done in self.stores.drain(..) {
            drop(done.send(Err(refusal.clone())));
        }
    }
}

async fn write(ledger: Arc<dyn Dispatch>, mut waiting: mpsc::Receiver<Op>) {
    let mut batch = Batch::default();
    loop {
        if batch.len() == 0 {
            let Some(op) = waiting.recv().await else { return };
            batch.add(op);
        }
        gather(&mut batch, &mut waiting).await;
        match ledger.commit(&batch.group).await {
            Ok(result) => {
                if !result.superseded.is_empty() {
                    tracing::debug!(count = result.superseded.len(), "outcomes met a delivery that evidence had settled");
                }
                batch.committed(result);
            }
            Err(error) => {
                tracing::error!(%error, outcomes = batch.group.settlements.len(), "the ledger could not be written; outcomes are kept and offered again");
                batch.failed(&error);
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}

async fn gather(batch: &mut Batch, waiting: &mut mpsc::Receiver<Op>) {
    let until = Instant::now() + LINGER;
    while batch.len() < MOST {
        match waiting.try_recv() {
            Ok(op) => batch.add(op),
            Err(_) if batch.len() >= ENOUGH => return,
            Err(_) => match tokio::time::timeout_at(until, waiting.recv()).await {
                Ok(Some(op)) => batch.add(op),
                Ok(None) | Err(_) => return,
            },
        }
    }
}
