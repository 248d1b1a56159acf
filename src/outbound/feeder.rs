//! The feeder of one run: claims deliveries, decides each one's route from the window ledger, renders the exact bytes and hands them to the
//! lane that has room. A bounded pipeline: what is in memory does not grow with the audience.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::key::DeliveryId;
use super::lane::LaneHandle;
use super::ledger::{Claimed, Ledger, LedgerError, RouteTaken, RunRecord, SenderNo, Settlement};
use super::progress::{Count, Progress};
use super::ready::{Back, Pipeline, Ready, Returned};
use super::script::{From, Script, ScriptError};
use super::slots::Slots;
use super::status::{Flags, HELD, State, Step, advance};
use super::writer::Writer;
use crate::audience::Phone;
use crate::decision::{self, Decision, DecisionInput};
use crate::provider::contract::Provider;
use crate::time::{Clock, Timestamp};

/// Deliveries claimed at once.
const BATCH: u32 = 512;
/// How often deferred deliveries are looked for while there are fresh ones.
const LOOK: Duration = Duration::from_millis(250);

/// One of the run's lanes, as the feeder sees it.
#[derive(Debug)]
pub struct Outlet {
    /// The sender.
    pub sender: SenderNo,
    /// The provider's id of its number.
    pub number_id: String,
    /// Its provider.
    pub provider: Arc<dyn Provider>,
    /// The lane's queue for this run.
    pub queue: mpsc::Sender<Ready>,
    /// The lane.
    pub lane: LaneHandle,
    /// Whether the sender still sends.
    pub open: bool,
}

impl Outlet {
    /// Whether messages can be given to it: a stopped lane closes its queue, whether or not something was in it.
    fn takes(&self) -> bool {
        self.open && !self.queue.is_closed()
    }
}

/// Why the feeder ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Fed {
    /// Nothing is open any more, but what waits for a person.
    Drained,
    /// It was asked to stop.
    Stopped,
}

/// The feeder's parts.
#[derive(Debug)]
pub struct Feeder {
    /// The run.
    pub run: RunRecord,
    /// What it says.
    pub script: Arc<Script>,
    /// Its lanes.
    pub outlets: Vec<Outlet>,
    /// Messages that come back.
    pub back: mpsc::UnboundedReceiver<Returned>,
    /// What is between claim and outcome.
    pub pipeline: Arc<Pipeline>,
    /// Counters.
    pub progress: Arc<Progress>,
    /// For deliveries that end without a call.
    pub writer: Writer,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// Deliveries that ended without a call and are not committed yet.
    pub ended: Arc<Slots>,
    /// Stops it.
    pub stop: CancellationToken,
}

impl Feeder {
    /// Feeds until nothing is open or it is asked to stop.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub async fn feed(&mut self, ledger: &dyn Ledger) -> Result<Fed, LedgerError> {
        let mut after = DeliveryId::from_raw(0);
        let mut fresh = VecDeque::new();
        let mut fresh_left = true;
        let mut looked: Option<Instant> = None;
        loop {
            if self.stop.is_cancelled() {
                return Ok(Fed::Stopped);
            }
            while let Ok(returned) = self.back.try_recv() {
                self.again(returned, ledger).await?;
            }
            let now = self.clock.now();
            if self.is_over(now) {
                fresh.clear();
                self.end_all(State::Expired, ledger).await?;
            }
            if !fresh_left || looked.is_none_or(|looked| looked.elapsed() >= LOOK) {
                looked = Some(Instant::now());
                let most = BATCH.saturating_add(u32::try_from(self.pipeline.due()).unwrap_or(u32::MAX));
                let mut due = ledger.claim_due(self.run.no, now, most).await?.into();
                self.feed_batch(&mut due, true, None, ledger).await?;
            }
            if fresh.is_empty() && fresh_left {
                fresh = ledger.claim_fresh(self.run.no, after, BATCH).await?.into();
                fresh_left = !fresh.is_empty();
                after = fresh.back().map_or(after, |last| last.id);
            }
            if !fresh.is_empty() {
                // At a low rate a batch lasts for minutes: what is due, what came back and the run's end must not wait for it.
                self.feed_batch(&mut fresh, false, looked.map(|looked| looked + LOOK), ledger).await?;
                continue;
            }
            // What ends without a call is in the ledger only after its commit.
            let settled = self.pipeline.is_empty() && self.ended.in_flight() == 0;
            if settled && ledger.next_due(self.run.no).await?.is_none_or(|due| due == HELD) {
                // Messages that a lane dropped are pending in the ledger still: look from the start once more before saying so.
                let first = ledger.claim_fresh(self.run.no, DeliveryId::from_raw(0), 1).await?;
                if first.is_empty() {
                    return Ok(Fed::Drained);
                }
                after = DeliveryId::from_raw(0);
                fresh_left = true;
                continue;
            }
            tokio::select! {
                () = self.stop.cancelled() => {}
                Some(returned) = self.back.recv() => self.again(returned, ledger).await?,
                () = self.ended.freed() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    fn is_over(&self, now: Timestamp) -> bool {
        self.run.run.expires_at.is_some_and(|end| now >= end)
    }

    async fn end_all(&self, state: State, ledger: &dyn Ledger) -> Result<(), LedgerError> {
        loop {
            let ended = ledger.end_pending(self.run.no, state, 5_000).await?;
            self.progress.count(Count::Skipped, ended);
            if ended == 0 {
                return Ok(());
            }
        }
    }

    async fn again(&mut self, returned: Returned, ledger: &dyn Ledger) -> Result<(), LedgerError> {
        if returned.why == Back::SenderStopped {
            self.outlets.iter_mut().filter(|outlet| outlet.queue.is_closed()).for_each(|outlet| outlet.open = false);
        }
        let Ready { claimed, place, .. } = returned.ready;
        let due = place.is_due();
        drop(place);
        self.feed_batch(&mut VecDeque::from([claimed]), due, None, ledger).await
    }

    /// Feeds a batch from its front, until it is empty or `until`. What is left unfed after a stop is pending in the ledger.
    async fn feed_batch(
        &mut self,
        batch: &mut VecDeque<Claimed>,
        due: bool,
        until: Option<Instant>,
        ledger: &dyn Ledger,
    ) -> Result<(), LedgerError> {
        if batch.is_empty() {
            return Ok(());
        }
        let windows = if self.script.has_free_form() {
            let senders: Vec<_> = self.outlets.iter().filter(|outlet| outlet.takes()).map(|outlet| outlet.sender).collect();
            let people: Vec<Phone> = batch.iter().map(|claimed| claimed.person).collect();
            ledger.windows(&senders, &people).await?
        } else {
            HashMap::new()
        };
        while let Some(claimed) = batch.pop_front() {
            let Some(place) = self.pipeline.enter(claimed.id, due) else { continue };
            let now = self.clock.now();
            if self.is_over(now) {
                return Ok(());
            }
            let (index, decision) = self.decide(&claimed, &windows, now);
            let route = match decision {
                Decision::FreeForm { .. } => RouteTaken::FreeForm,
                Decision::Template { .. } => RouteTaken::Template,
                Decision::Skip(reason) => {
                    self.end(&claimed, Step::Skip, reason.code()).await;
                    continue;
                }
            };
            let Some((index, room)) = self.room(index).await else { return Ok(()) };
            if let Some(ready) = self.ready(claimed, route, index, place, now).await {
                let queue = room.send(ready);
                // A lane with more to do looks here again by itself.
                if queue.max_capacity() - queue.capacity() <= 1 {
                    self.outlets.iter().skip(index).take(1).for_each(|outlet| outlet.lane.work.notify_one());
                }
            }
            if until.is_some_and(|until| Instant::now() >= until) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The route, and the sender whose window is open when it is free-form.
    fn decide(
        &self,
        claimed: &Claimed,
        windows: &HashMap<(SenderNo, Phone), Timestamp>,
        now: Timestamp,
    ) -> (Option<usize>, Decision) {
        let latest = self
            .outlets
            .iter()
            .enumerate()
            .filter(|(_, outlet)| outlet.takes())
            .filter_map(|(index, outlet)| windows.get(&(outlet.sender, claimed.person)).map(|at| (*at, index)))
            .max();
        let input = DecisionInput {
            prefer: self.script.prefer,
            has_free_form: self.script.has_free_form(),
            has_template: self.script.has_template(),
            force_template: claimed.standing.flags.has(Flags::FORCE_TEMPLATE),
            last_inbound: latest.map(|(at, _)| at),
            now,
        };
        let decision = decision::decide(&input);
        let index = match decision {
            Decision::FreeForm { .. } => latest.map(|(_, index)| index),
            _ => None,
        };
        (index, decision)
    }

    /// Waits for room in this sender's lane, or in any open one; `None` when the feeder was asked to stop.
    async fn room(&self, index: Option<usize>) -> Option<(usize, mpsc::OwnedPermit<Ready>)> {
        loop {
            let open =
                self.outlets.iter().enumerate().filter(|(at, outlet)| outlet.takes() && index.is_none_or(|index| index == *at));
            let mut open: Vec<_> = open.collect();
            // The emptiest lane first: lanes share the work by what they have left.
            open.sort_by_key(|(_, outlet)| std::cmp::Reverse(outlet.queue.capacity()));
            if let Some((at, outlet)) = open.first()
                && let Ok(room) = outlet.queue.clone().try_reserve_owned()
            {
                return Some((*at, room));
            }
            let waits = open.iter().map(|(at, outlet)| {
                let (at, queue) = (*at, outlet.queue.clone());
                Box::pin(async move { (at, queue.reserve_owned().await) })
            });
            let waits: Vec<_> = waits.collect();
            if waits.is_empty() {
                // Every sender that could take it has stopped; the session hears of it too and stops this feeder.
                tokio::select! {
                    () = self.stop.cancelled() => return None,
                    () = tokio::time::sleep(LOOK) => {}
                }
                if index.is_some() {
                    return None;
                }
                continue;
            }
            tokio::select! {
                () = self.stop.cancelled() => return None,
                ((at, room), _, _) = futures_util::future::select_all(waits) => {
                    if let Ok(room) = room {
                        return Some((at, room));
                    }
                }
            }
        }
    }

    async fn ready(
        &self,
        claimed: Claimed,
        route: RouteTaken,
        index: usize,
        place: super::ready::Place,
        now: Timestamp,
    ) -> Option<Ready> {
        let outlet = self.outlets.get(index)?;
        let from = From { run_id: &self.run.run.id, number_id: &outlet.number_id, provider: &*outlet.provider };
        match self.script.request(&claimed, route, &from, now) {
            Ok((request, digest)) => Some(Ready { claimed, route, request, digest, place }),
            Err(error) => {
                // Every row was rendered when it was planned, so this one broke since: set aside, and the run goes on.
                let broken = matches!(error, ScriptError::Broken);
                tracing::warn!(delivery = claimed.id.raw(), line = claimed.line, %error, broken, "set aside: cannot be rendered any more");
                self.end(&claimed, Step::Quarantine, 0).await;
                None
            }
        }
    }

    async fn end(&self, claimed: &Claimed, step: Step, reason: i16) {
        if let Ok(after) = advance(claimed.standing, step) {
            let settlement = Settlement { id: claimed.id, before: claimed.standing, after, reason, fact: None };
            self.writer.settle(settlement, Some(self.ended.ticket())).await;
            self.progress.count(Count::Skipped, 1);
        }
    }
}
