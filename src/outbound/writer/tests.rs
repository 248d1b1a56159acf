//! The writer over a ledger that fails for a while, in virtual time; the journal is a real file.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use async_trait::async_trait;

use super::super::emergency::{Ballast, Journal, LowWater};
use super::super::key::{DeliveryId, RunNo};
use super::super::ledger::{Claimed, Heard, OpenAttempt, RouteTaken, SenderNo};
use super::super::slots::Slots;
use super::super::status::{Standing, State};
use super::*;
use crate::audience::Phone;
use crate::time::Timestamp;

/// A ledger that takes nothing while it is down.
#[derive(Default)]
struct Shaky {
    down: AtomicBool,
    full: AtomicBool,
    /// Set: a full one works again once this file is gone.
    heavy: Option<std::path::PathBuf>,
    tries: AtomicU32,
    taken: Mutex<Vec<Settlement>>,
}

impl Shaky {
    fn taken(&self) -> usize {
        self.taken.lock().unwrap().len()
    }
}

#[async_trait]
impl Dispatch for Shaky {
    async fn commit(&self, group: &Group) -> Result<GroupResult, LedgerError> {
        self.tries.fetch_add(1, Ordering::SeqCst);
        if self.down.load(Ordering::SeqCst) {
            return Err(LedgerError::Locked("the ledger's database".into()));
        }
        if self.full.load(Ordering::SeqCst) && self.heavy.as_deref().is_none_or(Path::exists) {
            return Err(LedgerError::Full);
        }
        self.taken.lock().unwrap().extend(group.settlements.iter().cloned());
        Ok(GroupResult { superseded: Vec::new(), intents: vec![IntentResult::Committed; group.intents.len()] })
    }
    async fn claim_fresh(&self, _: RunNo, _: DeliveryId, _: u32) -> Result<Vec<Claimed>, LedgerError> {
        Ok(Vec::new())
    }
    async fn claim_due(&self, _: RunNo, _: Timestamp, _: u32) -> Result<Vec<Claimed>, LedgerError> {
        Ok(Vec::new())
    }
    async fn next_due(&self, _: RunNo) -> Result<Option<Timestamp>, LedgerError> {
        Ok(None)
    }
    async fn windows(&self, _: &[SenderNo], _: &[Phone]) -> Result<HashMap<(SenderNo, Phone), Timestamp>, LedgerError> {
        Ok(HashMap::new())
    }
    async fn open_intents(&self, _: RunNo, _: u32) -> Result<Vec<OpenAttempt>, LedgerError> {
        Ok(Vec::new())
    }
    async fn unknown_due(&self, _: RunNo, _: Timestamp, _: u32) -> Result<Vec<OpenAttempt>, LedgerError> {
        Ok(Vec::new())
    }
    async fn unresolved(&self, _: RunNo, _: DeliveryId, _: u32) -> Result<Vec<OpenAttempt>, LedgerError> {
        Ok(Vec::new())
    }
    async fn heard(&self, _: SenderNo, _: Timestamp, _: Timestamp) -> Result<Heard, LedgerError> {
        Ok(Heard::default())
    }
    async fn end_pending(&self, _: RunNo, _: State, _: u32) -> Result<u64, LedgerError> {
        Ok(0)
    }
}

fn outcome(record: u64) -> Settlement {
    let before = Standing { state: State::Intent, tries: 1, ..Standing::PLANNED };
    Settlement {
        id: DeliveryId::new(RunNo(1), record).unwrap(),
        before,
        after: Standing { state: State::Accepted, ..before },
        reason: 0,
        fact: None,
    }
}

fn promise() -> Intent {
    Intent {
        id: DeliveryId::new(RunNo(1), 9999).unwrap(),
        before: Standing::PLANNED,
        after: Standing { state: State::Intent, tries: 1, ..Standing::PLANNED },
        person: Phone::parse("+525512345678").unwrap(),
        sender: SenderNo(1),
        route: RouteTaken::Template,
        digest: 1,
        at: Timestamp(1),
        window_since: Timestamp(0),
    }
}

fn body() -> InboxBody {
    InboxBody { provider: "meta".into(), received_at: Timestamp(1), body: bytes::Bytes::from_static(b"{}") }
}

fn lines(path: &Path) -> usize {
    std::fs::read_to_string(path).map_or(0, |text| text.lines().count())
}

fn journal(folder: &tempfile::TempDir) -> Emergency {
    Emergency { journal: Some(Journal::at(folder.path().join("outcomes.journal"))), ..Emergency::default() }
}

#[tokio::test(start_paused = true)]
async fn kept_outcomes_are_journaled_after_five_seconds_and_the_journal_goes_when_the_ledger_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("outcomes.journal");
    let ledger = Arc::new(Shaky { down: true.into(), ..Shaky::default() });
    let (writer, task) = Writer::start(Arc::clone(&ledger) as _, journal(&folder));
    let slots = Arc::new(Slots::default());
    for record in 1..=1000 {
        writer.settle(outcome(record), Some(slots.ticket())).await;
    }
    tokio::time::sleep(PATIENCE.saturating_sub(AGAIN)).await;
    assert_eq!((lines(&path), slots.in_flight()), (0, 1000), "the ledger is trusted for a while");
    tokio::time::sleep(2 * AGAIN).await;
    assert_eq!((lines(&path), slots.in_flight()), (1000, 0), "durable, so their slots are free");
    writer.settle(outcome(1001), None).await;
    tokio::time::sleep(2 * AGAIN).await;
    assert_eq!(lines(&path), 1001, "later ones follow at once, each once");
    let refused = writer.intend(vec![promise()]).await.unwrap_err();
    assert!(refused.to_string().contains("in use"), "{refused}");
    assert!(writer.store(body()).await.is_err());
    ledger.down.store(false, Ordering::SeqCst);
    tokio::time::sleep(2 * AGAIN).await;
    assert_eq!((ledger.taken(), path.exists()), (1001, false));
    assert_eq!(writer.intend(vec![promise()]).await.unwrap(), [IntentResult::Committed]);
    drop(writer);
    task.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_writer_that_is_not_needed_any_more_ends_with_everything_in_the_journal() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Arc::new(Shaky { down: true.into(), ..Shaky::default() });
    let (writer, task) = Writer::start(Arc::clone(&ledger) as _, journal(&folder));
    writer.settle(outcome(1), None).await;
    writer.settle(outcome(2), None).await;
    drop(writer);
    tokio::time::timeout(PATIENCE, task).await.unwrap().unwrap();
    assert_eq!(lines(&folder.path().join("outcomes.journal")), 2);
    let merged = journal(&folder).journal.unwrap().merge(&Shaky::default()).await.unwrap();
    assert_eq!(merged.outcomes, 2);
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_costs_the_ballast_and_no_outcome() {
    let folder = tempfile::tempdir().unwrap();
    let ballast = Ballast { path: folder.path().join("ledger.db.ballast"), bytes: 4096 };
    assert!(ballast.make(0).unwrap());
    let ledger = Arc::new(Shaky { full: true.into(), heavy: Some(ballast.path.clone()), ..Shaky::default() });
    let emergency = Emergency { ballast: Some(ballast.clone()), ..journal(&folder) };
    let (writer, task) = Writer::start(Arc::clone(&ledger) as _, emergency);
    writer.settle(outcome(1), None).await;
    let refused = writer.intend(vec![promise()]).await.unwrap_err();
    assert!(refused.to_string().starts_with("the disk is full"), "{refused}");
    drop(writer);
    task.await.unwrap();
    assert_eq!((ledger.taken(), ledger.tries.load(Ordering::SeqCst)), (1, 2), "at once, without the promise");
    assert!(!ballast.path.exists() && !folder.path().join("outcomes.journal").exists());
}

#[tokio::test(start_paused = true)]
async fn without_a_place_for_the_journal_outcomes_wait_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = Emergency { journal: Some(Journal::at(folder.path().join("gone/outcomes.journal"))), ..Emergency::default() };
    let ledger = Arc::new(Shaky { full: true.into(), ..Shaky::default() });
    let (writer, task) = Writer::start(Arc::clone(&ledger) as _, nowhere);
    writer.settle(outcome(1), None).await;
    drop(writer);
    tokio::time::sleep(100 * PATIENCE).await;
    assert!(!task.is_finished(), "it does not let go of the only copy");
    ledger.full.store(false, Ordering::SeqCst);
    task.await.unwrap();
    assert_eq!(ledger.taken(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_almost_full_disk_stops_promises_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let low_water = Some(LowWater { folder: folder.path().to_owned(), bytes: u64::MAX, percent: 0 });
    let ledger = Arc::new(Shaky::default());
    let (writer, task) = Writer::start(Arc::clone(&ledger) as _, Emergency { low_water, ..journal(&folder) });
    let refused = writer.intend(vec![promise()]).await.unwrap_err();
    assert!(refused.to_string().starts_with("the disk is almost full"), "{refused}");
    writer.store(body()).await.unwrap();
    writer.settle(outcome(1), None).await;
    drop(writer);
    task.await.unwrap();
    assert_eq!(ledger.taken(), 1);
}
