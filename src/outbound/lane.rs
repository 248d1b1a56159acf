//! A lane: the paced queue of one sender. Exactly one task owns it, so its limiter is local and exact.
//!
//! The order of work for a group of messages: slots, permits, intents committed, calls. Nothing waits between an intent and its call.
//! Runs that share a lane go by priority, then in turns.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

use super::breaker::{Breaker, Verdict};
use super::call::{Call, Line, Report};
use super::ledger::{Intent, IntentResult};
use super::pacer::Pacer;
use super::quota::Quota;
use super::ready::{Back, Ready, Returned, RunLink};
use super::slots::{CANARY, Concurrency, Slots};
use crate::time::Timestamp;

/// The most intents of one group.
const GROUP: usize = 256;
/// How long a lane sleeps when nothing wakes it.
const IDLE: Duration = Duration::from_secs(1);

/// What a lane is made of.
#[derive(Debug)]
pub struct LaneSetup {
    /// How fast the sender may go.
    pub quota: Quota,
    /// Calls in flight, when fixed by the campaign or settings.
    pub in_flight: Option<usize>,
    /// What its calls share.
    pub line: Line,
}

/// The way to a lane's task.
#[derive(Clone, Debug)]
pub struct LaneHandle {
    attach: mpsc::UnboundedSender<RunLink>,
    /// Woken when a message was queued.
    pub work: Arc<Notify>,
}

impl LaneHandle {
    /// Gives the lane one more run to send for.
    pub fn attach(&self, link: RunLink) {
        // A lane's task ends only when all its handles are gone.
        drop(self.attach.send(link));
        self.work.notify_one();
    }
}

struct Link {
    run: RunLink,
    head: Option<Ready>,
    breaker: Breaker,
    /// Calls whose outcome the lane has not heard of yet.
    flying: usize,
    /// Messages of the run that the provider took from this lane, up to the canary's length.
    good: u32,
}

struct Lane {
    pacer: Pacer,
    spare_permit: bool,
    concurrency: Concurrency,
    slots: Arc<Slots>,
    links: Vec<Link>,
    turn: usize,
    probe: Option<Instant>,
    stopped: Option<String>,
    line: Arc<Line>,
}

/// Starts a lane's task. It ends, after its calls' outcomes are committed, when its handles and links are gone.
pub fn start(setup: LaneSetup) -> (LaneHandle, tokio::task::JoinHandle<()>) {
    let (attach, attached) = mpsc::unbounded_channel();
    let work = Arc::new(Notify::new());
    let lane = Lane {
        pacer: Pacer::new(setup.quota),
        spare_permit: false,
        concurrency: Concurrency::new(setup.in_flight, false),
        slots: Arc::new(Slots::default()),
        links: Vec::new(),
        turn: 0,
        probe: None,
        stopped: None,
        line: Arc::new(setup.line),
    };
    let task = tokio::spawn(lane.work(attached, Arc::clone(&work)));
    (LaneHandle { attach, work }, task)
}

impl Lane {
    async fn work(mut self, mut attached: mpsc::UnboundedReceiver<RunLink>, work: Arc<Notify>) {
        let (reports, mut reported) = mpsc::unbounded_channel::<Report>();
        let mut open = true;
        loop {
            while let Ok(report) = reported.try_recv() {
                self.learn(&report);
            }
            let now = self.line.clock.now();
            self.links.retain_mut(|link| !link.run.stop.is_cancelled() && (link.has_message(now) || !link.run.queue.is_closed()));
            if self.stopped.is_some() {
                self.give_back();
            }
            if !open && self.links.is_empty() && self.slots.in_flight() == 0 {
                return;
            }
            let wait = match self.gather() {
                Ok(group) => {
                    self.send(group, &reports).await;
                    continue;
                }
                Err(wait) => wait,
            };
            tokio::select! {
                link = attached.recv(), if open => match link {
                    Some(run) => {
                        if run.proven {
                            self.concurrency = Concurrency::new(run.in_flight, true);
                        } else if run.in_flight.is_some() {
                            self.concurrency = Concurrency::new(run.in_flight, false);
                        }
                        let good = if run.proven { CANARY } else { 0 };
                        self.links.push(Link { run, head: None, breaker: Breaker::default(), flying: 0, good });
                        self.links.sort_by_key(|link| std::cmp::Reverse(link.run.priority));
                    }
                    None => open = false,
                },
                () = work.notified() => {}
                () = self.slots.freed() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// What may go now, or how long to wait (unless something happens first).
    fn gather(&mut self) -> Result<Vec<(usize, Ready)>, Duration> {
        let now = Instant::now();
        let mut limit = self.concurrency.limit(self.pacer.rate());
        if let Some(probe) = self.probe {
            if probe > now {
                return Err(probe - now);
            }
            limit = 1;
        }
        let free = limit.saturating_sub(self.slots.in_flight());
        // A commit costs the same for one as for many: under load a lane waits until a quarter of its slots is free.
        if free == 0 || (free < limit / 4 && self.slots.in_flight() > limit / 4) {
            return Err(IDLE);
        }
        let mut group = Vec::new();
        let mut wait = IDLE;
        let wall = self.line.clock.now();
        while group.len() < free.min(GROUP) {
            if !self.links.iter_mut().any(|link| link.may_send(wall)) {
                break;
            }
            if !self.spare_permit {
                if let Err(until) = self.pacer.take() {
                    wait = until;
                    break;
                }
                self.spare_permit = true;
            }
            match self.next(wall) {
                Ok(next) => {
                    self.spare_permit = false;
                    group.push(next);
                }
                Err(until) => {
                    wait = until;
                    break;
                }
            }
        }
        if group.is_empty() { Err(wait) } else { Ok(group) }
    }

    /// The next message by priority, then in turns; or how long until some run's own pacing lets one go. A run that its own pacing holds
    /// back leaves the lane to those below it.
    fn next(&mut self, now: Timestamp) -> Result<(usize, Ready), Duration> {
        let mut wait = IDLE;
        let count = self.links.len();
        let mut below: Option<i16> = None;
        loop {
            // Links are sorted by priority: the first with a message is of the highest that is left.
            let left = |link: &Link| below.is_none_or(|below| link.run.priority < below);
            let Some(priority) =
                self.links.iter_mut().find_map(|link| (left(link) && link.may_send(now)).then_some(link.run.priority))
            else {
                return Err(wait);
            };
            for step in 0..count {
                let index = (self.turn + step) % count;
                let Some(link) = self.links.get_mut(index) else { continue };
                if link.run.priority != priority || !link.may_send(now) {
                    continue;
                }
                match link.run.permit() {
                    Ok(()) => {
                        self.turn = index + 1;
                        if let Some(ready) = link.head.take() {
                            link.flying += 1;
                            return Ok((index, ready));
                        }
                    }
                    Err(until) => wait = wait.min(until),
                }
            }
            below = Some(priority);
        }
    }

    async fn send(&mut self, group: Vec<(usize, Ready)>, reports: &mpsc::UnboundedSender<Report>) {
        let began = Instant::now();
        let now = self.line.clock.now();
        let tickets: Vec<_> = group.iter().map(|_| self.slots.ticket()).collect();
        let intents: Vec<Intent> = group.iter().filter_map(|(_, ready)| ready.intent(self.line.sender, now).ok()).collect();
        if intents.len() != group.len() {
            // Only pending deliveries are made ready, so this is a fault of the engine: stop rather than guess.
            self.halt_all("a delivery that is not pending was about to be sent");
            return;
        }
        let results = match self.line.writer.intend(intents.clone()).await {
            Ok(results) => results,
            Err(error) => {
                self.halt_all(&error.to_string());
                return;
            }
        };
        let outcomes = group.into_iter().zip(intents).zip(results).zip(tickets);
        for ((((index, ready), intent), result), ticket) in outcomes {
            let Some(link) = self.links.get_mut(index) else { continue };
            if result != IntentResult::Committed {
                link.flying = link.flying.saturating_sub(1);
            }
            match result {
                IntentResult::Committed => {
                    let call = Call {
                        line: Arc::clone(&self.line),
                        run: link.run.facts(),
                        ready,
                        intent,
                        ticket,
                        began,
                        reports: reports.clone(),
                    };
                    tokio::spawn(call.make());
                }
                IntentResult::WindowClosed => link.run.give_back(ready, Back::WindowClosed),
                IntentResult::RunStopped => link.run.halt("the run was stopped", false),
                IntentResult::Stale => tracing::debug!(delivery = ready.claimed.id.raw(), "stands elsewhere by now"),
            }
        }
    }

    fn learn(&mut self, report: &Report) {
        self.concurrency.answered(report.took, report.signal == super::react::Signal::Fine);
        if report.signal == super::react::Signal::TooFast {
            self.pacer.too_fast();
            // Who says how long means the number, not this message alone: nothing goes before, then one to see.
            if let Some(wait) = report.wait {
                self.probe = self.probe.max(Some(Instant::now() + wait));
            }
        }
        let now = self.line.clock.now();
        let Some(link) = self.links.iter_mut().find(|link| link.run.no == report.run) else { return };
        link.flying = link.flying.saturating_sub(1);
        if report.signal == super::react::Signal::Fine {
            link.good = link.good.saturating_add(1).min(CANARY);
        }
        match link.breaker.record(report.signal, &report.cause, now) {
            Verdict::Go => {
                if report.signal == super::react::Signal::Fine {
                    self.probe = None;
                }
            }
            Verdict::Probe(wait) => self.probe = Some(Instant::now() + wait),
            Verdict::Halt(reason) => {
                let whole_sender = report.signal == super::react::Signal::Stop;
                link.run.halt(&reason, whole_sender);
                if whole_sender {
                    self.stopped = Some(reason);
                }
            }
        }
    }

    fn halt_all(&mut self, reason: &str) {
        for link in &self.links {
            link.run.halt(reason, false);
        }
    }

    /// A stopped sender's messages go back, for other senders of their runs.
    fn give_back(&mut self) {
        let reason = self.stopped.clone().unwrap_or_default();
        for mut link in self.links.drain(..) {
            link.run.halt(&reason, true);
            link.run.queue.close();
            let mut next = link.head.take();
            while let Some(ready) = next {
                link.run.give_back(ready, Back::SenderStopped);
                next = link.run.queue.try_recv().ok();
            }
        }
    }
}

impl Link {
    fn has_message(&mut self, now: Timestamp) -> bool {
        while self.run.is_over(now) || self.head.is_none() {
            // What is dropped stands in the ledger as pending: the feeder ends it as expired.
            self.head = self.run.queue.try_recv().ok();
            if self.head.is_none() {
                return false;
            }
        }
        true
    }

    /// Whether a message waits and may go: a run that has not proven itself yet has one call in flight, however many others there are.
    fn may_send(&mut self, now: Timestamp) -> bool {
        self.has_message(now) && (self.good >= CANARY || self.flying == 0)
    }
}

impl RunLink {
    fn give_back(&self, ready: Ready, why: Back) {
        // The feeder that would take it is gone with its run; the ledger still has the delivery as pending.
        drop(self.back.send(Returned { ready, why }));
    }
}

#[cfg(test)]
mod tests;
