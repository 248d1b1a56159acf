//! A message on its way from the feeder to a lane, and what ties a run to a lane.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::key::{DeliveryId, RunNo};
use super::ledger::{Claimed, Intent, RouteTaken, SenderNo};
use super::pacer::Pacer;
use super::progress::Progress;
use super::status::{Illegal, Step, advance};
use crate::decision::window::opened_since;
use crate::provider::contract::Request;
use crate::time::Timestamp;

/// How long after its intent a call must be over: connect 5 s, answer 30 s, and some air (reliability: 45 s).
pub const DEADLINE: Duration = Duration::from_secs(45);

/// One message, rendered to the byte, waiting for its lane.
#[derive(Debug)]
pub struct Ready {
    /// What is owed to whom.
    pub claimed: Claimed,
    /// Which way it goes.
    pub route: RouteTaken,
    /// The exact request.
    pub request: Request,
    /// First 64 bits of SHA-256 of its body.
    pub digest: i64,
    /// Leaves the pipeline when dropped.
    pub place: Place,
}

impl Ready {
    /// The promise to send this from `sender`.
    ///
    /// # Errors
    /// When the delivery is not pending.
    pub fn intent(&self, sender: SenderNo, now: Timestamp) -> Result<Intent, Illegal> {
        Ok(Intent {
            id: self.claimed.id,
            before: self.claimed.standing,
            after: advance(self.claimed.standing, Step::Intend { deadline: now + DEADLINE })?,
            person: self.claimed.person,
            sender,
            route: self.route,
            digest: self.digest,
            at: now,
            window_since: opened_since(now),
        })
    }
}

/// The messages of one run that are between claim and outcome.
#[derive(Debug, Default)]
pub struct Pipeline {
    count: AtomicUsize,
    due: Mutex<HashSet<DeliveryId>>,
}

impl Pipeline {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A place for a delivery. `due` ones (deferred before) may be claimed again by their due time, so they are remembered:
    /// `None` when it has a place already.
    pub fn enter(self: &Arc<Self>, id: DeliveryId, due: bool) -> Option<Place> {
        if due && !self.due.lock().unwrap_or_else(PoisonError::into_inner).insert(id) {
            return None;
        }
        self.count.fetch_add(1, Ordering::AcqRel);
        Some(Place { pipeline: Arc::clone(self), due: due.then_some(id) })
    }

    /// How many due ones have a place.
    pub fn due(&self) -> usize {
        self.due.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// A delivery's place in the pipeline.
#[derive(Debug)]
pub struct Place {
    pipeline: Arc<Pipeline>,
    due: Option<DeliveryId>,
}

impl Place {
    /// Whether its delivery was deferred before.
    pub const fn is_due(&self) -> bool {
        self.due.is_some()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(id) = self.due {
            self.pipeline.due.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        }
        self.pipeline.count.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Why a message comes back unsent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Back {
    /// Its window closed between decision and intent: decide again.
    WindowClosed,
    /// Its sender stopped: another one may take it.
    SenderStopped,
}

/// A message that comes back unsent.
#[derive(Debug)]
pub struct Returned {
    /// The message.
    pub ready: Ready,
    /// Why.
    pub why: Back,
}

/// A reason to stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Halt {
    /// In words, with the provider's code.
    pub reason: String,
    /// `Some` when only this sender stops; the run goes on with its others.
    pub sender: Option<SenderNo>,
}

/// What ties a run to a lane.
#[derive(Debug)]
pub struct RunLink {
    /// The run.
    pub no: RunNo,
    /// Higher goes first.
    pub priority: i16,
    /// The lane's sender.
    pub sender: SenderNo,
    /// Messages for this lane.
    pub queue: mpsc::Receiver<Ready>,
    /// Back to the feeder.
    pub back: mpsc::UnboundedSender<Returned>,
    /// Reasons to stop.
    pub halts: mpsc::UnboundedSender<Halt>,
    /// The run's own pacing over all its lanes.
    pub pacer: Option<Arc<Mutex<Pacer>>>,
    /// Calls in flight, when the campaign fixes it.
    pub in_flight: Option<usize>,
    /// Whether the run has sent before: skips the canary.
    pub proven: bool,
    /// Counters.
    pub progress: Arc<Progress>,
    /// Whether the campaign has a template to fall back to.
    pub has_template: bool,
    /// How long evidence may take.
    pub grace: Duration,
    /// From when on nothing more is sent.
    pub expires_at: Option<Timestamp>,
    /// Cancelled when the run stops: its queued messages are dropped, the ledger still has them as pending.
    pub stop: CancellationToken,
}

/// What a call needs to know of its run.
#[derive(Clone, Debug)]
pub struct RunFacts {
    /// The run.
    pub no: RunNo,
    /// Counters.
    pub progress: Arc<Progress>,
    /// Whether the campaign has a template to fall back to.
    pub has_template: bool,
    /// How long evidence may take.
    pub grace: Duration,
}

impl RunLink {
    /// What its calls need.
    pub fn facts(&self) -> RunFacts {
        RunFacts { no: self.no, progress: Arc::clone(&self.progress), has_template: self.has_template, grace: self.grace }
    }

    /// Whether the run's time is over.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| now >= end)
    }

    /// A permit of the run's own pacing.
    ///
    /// # Errors
    /// The time to wait.
    pub fn permit(&self) -> Result<(), Duration> {
        match &self.pacer {
            Some(pacer) => pacer.lock().unwrap_or_else(PoisonError::into_inner).take(),
            None => Ok(()),
        }
    }

    /// Asks the session to stop the run, or only this sender for it.
    pub fn halt(&self, reason: &str, sender_only: bool) {
        // A session that is gone has stopped already.
        drop(self.halts.send(Halt { reason: reason.to_owned(), sender: sender_only.then_some(self.sender) }));
    }
}
