//! The task that folds: takes bodies from the inbox in order, reads them with their provider's adapter, folds them in key order.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::fold::{Batch, Heard, RunTraits, fold};
use crate::audience::canonical;
use crate::outbound::key::{AttemptKey, RunNo};
use crate::outbound::ledger::{Ledger, LedgerError, SenderNo, StoredBody};
use crate::provider::contract::{Event, Provider};
use crate::time::{Clock, Timestamp};

/// Bodies folded at once.
const BODIES: u32 = 512;
/// How often the inbox is looked at when nothing was ripe.
const LOOK: Duration = Duration::from_millis(100);
/// How long the worker waits before it tries a failing ledger again.
const AGAIN: Duration = Duration::from_secs(1);
/// How old a body is before it is folded. Statuses often overtake the answer to their own call: a moment later that answer is
/// committed, and the status settles nothing that it would settle itself.
const SETTLE: Duration = Duration::from_millis(200);
/// Events older than this, or further in the future than the next, open no window: a replayed body is harmless (reliability, section 3).
const OLDEST: Duration = Duration::from_secs(8 * 24 * 3600);
const AHEAD: Duration = Duration::from_secs(300);

/// Runs that want to hear of folds.
#[derive(Debug, Default)]
pub struct Listeners(Mutex<HashMap<RunNo, (RunTraits, mpsc::UnboundedSender<Heard>)>>);

impl Listeners {
    /// Registers a run; what is heard of it comes through the receiver.
    pub fn listen(&self, run: RunNo, traits: RunTraits) -> mpsc::UnboundedReceiver<Heard> {
        let (heard, hearing) = mpsc::unbounded_channel();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(run, (traits, heard));
        hearing
    }

    /// Forgets a run.
    pub fn forget(&self, run: RunNo) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&run);
    }

    fn traits(&self) -> BTreeMap<RunNo, RunTraits> {
        let runs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        runs.iter().map(|(run, (traits, _))| (*run, *traits)).collect()
    }

    fn tell(&self, heard: BTreeMap<RunNo, Heard>) {
        let runs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (run, heard) in heard {
            if let Some((_, listener)) = runs.get(&run) {
                // A run that ended does not listen any more.
                drop(listener.send(heard));
            }
        }
    }
}

/// The parts of the folding task.
#[derive(Debug)]
pub struct Worker {
    /// Adapters by the providers' names in the settings.
    pub providers: HashMap<String, Arc<dyn Provider>>,
    /// Runs that want to hear.
    pub listeners: Arc<Listeners>,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
}

impl Worker {
    /// Folds until stopped, then what is left. While the ledger fails the bodies stay in the inbox and are tried again.
    ///
    /// # Errors
    /// When the ledger fails after the stop; nothing is lost, the next start folds what is left.
    pub async fn work(&self, ledger: &dyn Ledger, stop: CancellationToken) -> Result<(), LedgerError> {
        let mut senders = HashMap::new();
        let mut failing = false;
        loop {
            let stopping = stop.is_cancelled();
            let wait = match self.turn(stopping, &mut senders, ledger).await {
                Ok(folded) => {
                    failing = false;
                    match (folded, stopping) {
                        (true, _) => continue,
                        (false, true) => return Ok(()),
                        (false, false) => LOOK,
                    }
                }
                // A full or locked ledger was said elsewhere; the next start folds what waits.
                Err(error) if stopping => return if error.may_pass() { Ok(()) } else { Err(error) },
                Err(error) => {
                    if !failing {
                        tracing::error!(%error, "webhooks wait in the inbox: the ledger could not fold them; tried again");
                    }
                    failing = true;
                    AGAIN
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Folds what is ripe; whether there was anything.
    async fn turn(
        &self,
        stopping: bool,
        senders: &mut HashMap<(String, String), Option<SenderNo>>,
        ledger: &dyn Ledger,
    ) -> Result<bool, LedgerError> {
        let mut bodies = ledger.unfolded(BODIES).await?;
        let ripe = self.clock.now() - SETTLE;
        bodies.retain(|body| stopping || body.received_at <= ripe);
        if bodies.is_empty() {
            return Ok(false);
        }
        self.fold(bodies, senders, ledger).await?;
        Ok(true)
    }

    async fn fold(
        &self,
        bodies: Vec<StoredBody>,
        senders: &mut HashMap<(String, String), Option<SenderNo>>,
        ledger: &dyn Ledger,
    ) -> Result<(), LedgerError> {
        let mut batch = Batch::default();
        let mut unreadable = Vec::new();
        let ids: Vec<i64> = bodies.iter().map(|body| body.id).collect();
        for body in bodies {
            let Some(provider) = self.providers.get(&body.provider) else {
                unreadable.push((body.id, format!("no provider `{}` in the settings", body.provider)));
                continue;
            };
            match provider.events(&body.body) {
                Ok(events) => self.sort(events, &body, &mut batch, senders, ledger).await?,
                Err(error) => unreadable.push((body.id, error.to_string())),
            }
        }
        let now = self.clock.now();
        let traits = self.listeners.traits();
        let heard = Mutex::new(BTreeMap::new());
        let decide = |subjects: &[crate::outbound::ledger::Subject]| {
            let (writes, told) = fold(&batch, subjects, &traits, now);
            *heard.lock().unwrap_or_else(PoisonError::into_inner) = told;
            writes
        };
        ledger.fold(&ids, &unreadable, &batch.subjects(), &decide).await?;
        self.listeners.tell(heard.into_inner().unwrap_or_else(PoisonError::into_inner));
        Ok(())
    }

    async fn sort(
        &self,
        events: Vec<Event>,
        body: &StoredBody,
        batch: &mut Batch,
        senders: &mut HashMap<(String, String), Option<SenderNo>>,
        ledger: &dyn Ledger,
    ) -> Result<(), LedgerError> {
        for event in events {
            match event {
                Event::Status(status) => match status.client_ref.as_deref().and_then(|key| key.parse::<AttemptKey>().ok()) {
                    Some(key) => batch.statuses.push((key, status)),
                    None => batch.foreign += 1,
                },
                Event::Inbound(inbound) if inbound.opens_window => {
                    let at = inbound.at.min(body.received_at);
                    if !(believable(inbound.at, body.received_at)) {
                        continue;
                    }
                    let name = (body.provider.clone(), inbound.number_id.clone());
                    let known = senders.get(&name).copied();
                    let sender = if let Some(sender) = known {
                        sender
                    } else {
                        let sender = ledger.sender_of(&name.0, &name.1).await?;
                        senders.insert(name, sender);
                        sender
                    };
                    batch.windows.extend(sender.map(|sender| (sender, canonical(inbound.from), at)));
                }
                Event::Inbound(_) | Event::Notice { .. } => {}
            }
        }
        Ok(())
    }
}

fn believable(at: Timestamp, received_at: Timestamp) -> bool {
    received_at.since(at) <= OLDEST && at.since(received_at) <= AHEAD
}
