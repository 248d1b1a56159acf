//! One run from recovery to its end: recover, feed the lanes, resolve unknowns, linger, close the books.
//!
//! Pausing commits first: once the ledger says paused, no intent of the run is committed anywhere; calls in flight finish and are recorded.
//! A ledger that is full or locked pauses the run too; then the pause is recorded when there is room, and is one without being recorded.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::feeder::{Fed, Feeder, Outlet};
use super::lane::LaneHandle;
use super::ledger::{
    AttemptFact, Group, Heard, Ledger, LedgerError, OpenAttempt, OutcomeKind, RunRecord, SenderNo, SettledBy, Settlement,
};
use super::pacer::Pacer;
use super::progress::{Count, Progress, Snapshot};
use super::quota::Quota;
use super::ready::{Halt, Pipeline, RunLink};
use super::resolve::{AROUND, Evidence, NEAR, resolve};
use super::script::Script;
use super::status::{HELD, RunState, State, Step, advance};
use super::writer::Writer;
use crate::campaign::OnUnknown;
use crate::provider::contract::{Class, Provider};
use crate::time::{Clock, Timestamp};

/// Messages that wait in one lane's queue.
const QUEUE: usize = 256;
/// Rows handled by one statement of recovery and resolution.
const STEP: u32 = 500;
/// How long calls in flight get to finish when a run stops: a call's own limit and its commit.
const DRAIN: Duration = Duration::from_secs(40);

/// A lane as a session uses it.
#[derive(Clone, Debug)]
pub struct SessionLane {
    /// The sender.
    pub sender: SenderNo,
    /// The provider's id of its number.
    pub number_id: String,
    /// Its provider.
    pub provider: Arc<dyn Provider>,
    /// Its lane.
    pub lane: LaneHandle,
}

/// What a session is made of.
#[derive(Debug)]
pub struct Session {
    /// What the run says.
    pub script: Arc<Script>,
    /// Its lanes; at least one.
    pub lanes: Vec<SessionLane>,
    /// Group commit.
    pub writer: Writer,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// How long evidence of an unknown outcome may take.
    pub grace: Duration,
    /// Since when webhooks are listened to.
    pub listening_since: Option<Timestamp>,
    /// How long late webhooks are waited for at the end.
    pub linger: Duration,
    /// The run's own pacing.
    pub rate: Option<Quota>,
    /// Higher goes first on a shared lane.
    pub priority: i16,
    /// Calls in flight a lane, when fixed.
    pub in_flight: Option<usize>,
    /// Counters.
    pub progress: Arc<Progress>,
    /// A reason to pause that the lanes cannot see, such as one told by webhooks.
    pub alarm: watch::Receiver<Option<String>>,
    /// Stops the run: it pauses and the same command goes on.
    pub stop: CancellationToken,
}

/// How a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// Every delivery is terminal and the totals add up.
    Completed,
    /// Paused, for this reason.
    Paused(String),
}

/// Why a session broke off. The ledger is consistent; the same command goes on.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The run is in a state that cannot be run.
    #[error("run {id} is {}; it cannot be run", state.as_str())]
    State {
        /// The run.
        id: String,
        /// Its state.
        state: RunState,
    },
}

impl Session {
    /// Runs until the run is completed or paused.
    ///
    /// # Errors
    /// When the ledger fails or the run cannot be run.
    pub async fn run(&self, run: RunRecord, ledger: &Arc<dyn Ledger>) -> Result<RunEnd, SessionError> {
        match self.send(run.clone(), ledger).await {
            Err(SessionError::Ledger(error)) if error.may_pass() => {
                let reason = error.to_string();
                // Outcomes that went before may have made room: with the ballast, or by the writer's patience.
                Ok(self.pause(&run, reason.clone(), ledger.as_ref()).await.unwrap_or_else(|error| {
                    tracing::warn!(%error, "the pause could not be recorded");
                    RunEnd::Paused(reason)
                }))
            }
            end => end,
        }
    }

    /// Commits the pause; a run whose books were being closed at that very moment is complete.
    async fn pause(&self, run: &RunRecord, reason: String, ledger: &dyn Ledger) -> Result<RunEnd, SessionError> {
        if ledger.move_run(run.no, RunState::Running, RunState::Paused, Some(&reason), self.clock.now()).await? {
            return Ok(RunEnd::Paused(reason));
        }
        match ledger.run(&run.run.id).await?.map_or(run.state, |run| run.state) {
            RunState::Completed => Ok(RunEnd::Completed),
            state => Err(SessionError::State { id: run.run.id.clone(), state }),
        }
    }

    async fn send(&self, mut run: RunRecord, ledger: &Arc<dyn Ledger>) -> Result<RunEnd, SessionError> {
        self.recover(&run, ledger.as_ref()).await?;
        let proven = self.start(&mut run, ledger.as_ref()).await?;
        let (halts, mut halted) = mpsc::unbounded_channel::<Halt>();
        let feeding = self.stop.child_token();
        // Whichever way this ends, the lanes let go of what is queued.
        let _let_go = feeding.clone().drop_guard();
        let pipeline = Arc::new(Pipeline::default());
        let mut feeder = self.link(&run, proven, &halts, &feeding, &pipeline);
        let end = {
            let mut feed = std::pin::pin!(self.feed_to_the_end(&run, &mut feeder, ledger.as_ref()));
            let mut resolver = std::pin::pin!(self.resolve_for_ever(&run, ledger.as_ref()));
            let mut stopped = HashSet::new();
            loop {
                let verdict = tokio::select! {
                    end = &mut feed => match end {
                        Ok(Some(RunEnd::Paused(reason))) => Some(reason),
                        Ok(Some(end)) => break Ok(end),
                        Ok(None) => Some("interrupted".to_owned()),
                        Err(error) => break Err(error.into()),
                    },
                    failed = &mut resolver => break Err(failed.into()),
                    reason = raised(self.alarm.clone()) => Some(reason),
                    Some(halt) = halted.recv() => match halt.sender {
                        None => Some(halt.reason),
                        Some(sender) => {
                            tracing::warn!(sender = sender.0, reason = %halt.reason, "a sender stopped");
                            stopped.insert(sender);
                            (stopped.len() >= self.lanes.len()).then_some(halt.reason)
                        }
                    },
                };
                if let Some(reason) = verdict {
                    break self.pause(&run, reason, ledger.as_ref()).await;
                }
            }
        };
        feeding.cancel();
        drop(feeder);
        for lane in &self.lanes {
            lane.lane.work.notify_one();
        }
        let until = Instant::now() + DRAIN;
        while !pipeline.is_empty() && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        end
    }

    /// Feeds, lingers and closes the books, or says that only a person can go on; `None` when the feeder was asked to stop.
    async fn feed_to_the_end(
        &self,
        run: &RunRecord,
        feeder: &mut Feeder,
        ledger: &dyn Ledger,
    ) -> Result<Option<RunEnd>, LedgerError> {
        loop {
            if feeder.feed(ledger).await? == Fed::Stopped {
                return Ok(None);
            }
            if self.linger(run, ledger).await? {
                continue;
            }
            let (complete, counts) = ledger.complete_run(run.no, self.clock.now()).await?;
            if complete {
                return Ok(Some(RunEnd::Completed));
            }
            if ledger.next_due(run.no).await? == Some(HELD) {
                let held = counts.get(&State::Unknown).copied().unwrap_or(0);
                return Ok(Some(RunEnd::Paused(waits_for_a_person(held, &run.run.id))));
            }
        }
    }

    /// Resolves unknowns whose grace is over; ends only with the ledger's failure.
    async fn resolve_for_ever(&self, run: &RunRecord, ledger: &dyn Ledger) -> LedgerError {
        loop {
            if let Err(error) = self.resolve_when_due(run, ledger).await {
                return error;
            }
        }
    }

    /// Intents that a process died over become unknown: recovery learns nothing, it only stops pretending.
    async fn recover(&self, run: &RunRecord, ledger: &dyn Ledger) -> Result<(), LedgerError> {
        loop {
            let open = ledger.open_intents(run.no, STEP).await?;
            if open.is_empty() {
                return Ok(());
            }
            let now = self.clock.now();
            let until = now + self.grace;
            tracing::info!(
                count = open.len(),
                "calls of a process that is gone: their outcome is unknown until there is evidence"
            );
            let settlements = open.iter().filter_map(|attempt| {
                let after = advance(attempt.standing, Step::Doubt { until }).ok()?;
                let fact = fact(attempt, now, SettledBy::Recovery, "the process ended during the call");
                Some(Settlement { id: attempt.id, before: attempt.standing, after, reason: 0, fact: Some(fact) })
            });
            ledger.commit(&Group { settlements: settlements.collect(), ..Group::default() }).await?;
        }
    }

    /// Moves the run to running; says whether it has sent before.
    async fn start(&self, run: &mut RunRecord, ledger: &dyn Ledger) -> Result<bool, SessionError> {
        let now = self.clock.now();
        match run.state {
            RunState::Running => {}
            RunState::Ready | RunState::Paused if ledger.move_run(run.no, run.state, RunState::Running, None, now).await? => {
                run.state = RunState::Running;
            }
            state => return Err(SessionError::State { id: run.run.id.clone(), state }),
        }
        let counts = ledger.counts(run.no).await?;
        let of = |state| counts.get(&state).copied().unwrap_or(0);
        let skipped = of(State::Skipped) + of(State::Expired) + of(State::Cancelled) + of(State::Quarantined);
        let (accepted, rejected) = (of(State::Accepted), of(State::Rejected));
        self.progress.restart(Snapshot {
            planned: counts.values().sum(),
            done: accepted + rejected + skipped + of(State::UnknownFinal),
            accepted,
            rejected,
            skipped,
            unknown: of(State::Unknown) + of(State::UnknownFinal),
            ..Snapshot::default()
        });
        Ok(accepted > 0)
    }

    fn link(
        &self,
        run: &RunRecord,
        proven: bool,
        halts: &mpsc::UnboundedSender<Halt>,
        stop: &CancellationToken,
        pipeline: &Arc<Pipeline>,
    ) -> Feeder {
        let (back, returned) = mpsc::unbounded_channel();
        let pacer = self.rate.map(|rate| Arc::new(Mutex::new(Pacer::new(rate))));
        let outlets = self.lanes.iter().map(|lane| {
            let (queue, waiting) = mpsc::channel(QUEUE);
            lane.lane.attach(RunLink {
                no: run.no,
                priority: self.priority,
                sender: lane.sender,
                queue: waiting,
                back: back.clone(),
                halts: halts.clone(),
                pacer: pacer.clone(),
                in_flight: self.in_flight,
                proven,
                progress: Arc::clone(&self.progress),
                has_template: self.script.has_template(),
                grace: self.grace,
                expires_at: run.run.expires_at,
                stop: stop.clone(),
            });
            Outlet {
                sender: lane.sender,
                number_id: lane.number_id.clone(),
                provider: Arc::clone(&lane.provider),
                queue,
                lane: lane.lane.clone(),
                open: true,
            }
        });
        Feeder {
            run: run.clone(),
            script: Arc::clone(&self.script),
            outlets: outlets.collect(),
            back: returned,
            pipeline: Arc::clone(pipeline),
            progress: Arc::clone(&self.progress),
            writer: self.writer.clone(),
            clock: Arc::clone(&self.clock),
            ended: Arc::default(),
            stop: stop.clone(),
        }
    }

    /// Waits for late webhooks; true when they opened something again.
    async fn linger(&self, run: &RunRecord, ledger: &dyn Ledger) -> Result<bool, LedgerError> {
        let until = Instant::now() + self.linger;
        loop {
            if ledger.next_due(run.no).await?.is_some_and(|due| due < HELD) {
                return Ok(true);
            }
            let now = Instant::now();
            if now >= until || self.stop.is_cancelled() || self.progress.all_heard() {
                return Ok(false);
            }
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = tokio::time::sleep_until(until.min(now + Duration::from_millis(100))) => {}
            }
        }
    }

    async fn resolve_when_due(&self, run: &RunRecord, ledger: &dyn Ledger) -> Result<(), LedgerError> {
        tokio::time::sleep((self.grace / 4).clamp(Duration::from_millis(20), Duration::from_secs(1))).await;
        loop {
            let now = self.clock.now();
            let due = ledger.unknown_due(run.no, now, STEP).await?;
            if due.is_empty() {
                return Ok(());
            }
            let mut settlements = Vec::with_capacity(due.len());
            for attempt in &due {
                settlements.extend(self.settle_unknown(run.run.on_unknown, attempt, now, ledger).await?);
            }
            ledger.commit(&Group { settlements, ..Group::default() }).await?;
        }
    }

    async fn settle_unknown(
        &self,
        policy: OnUnknown,
        attempt: &OpenAttempt,
        now: Timestamp,
        ledger: &dyn Ledger,
    ) -> Result<Option<Settlement>, LedgerError> {
        let lane = self.lanes.iter().find(|lane| lane.sender == attempt.sender);
        let echoes_key = lane.is_some_and(|lane| lane.provider.descriptor().client_ref.is_some());
        let (mut heard, mut near, mut unfolded_since) = (Heard::default(), Heard::default(), None);
        if self.listening_since.is_some() && echoes_key {
            // Of younger sends nothing can be expected yet.
            let newest = now - self.grace;
            let (at, sender) = (attempt.intent_at, attempt.sender);
            heard = ledger.heard(sender, at - AROUND, (at + AROUND).min(newest)).await?;
            near = ledger.heard(sender, at - NEAR, (at + NEAR).min(newest)).await?;
            unfolded_since = ledger.unfolded_since().await?;
        }
        let evidence = Evidence {
            now,
            intent_at: attempt.intent_at,
            grace: self.grace,
            listening_since: self.listening_since,
            echoes_key,
            heard,
            near,
            unfolded_since,
        };
        let (step, by) = resolve(policy, &attempt.standing, &evidence);
        let Ok(after) = advance(attempt.standing, step) else { return Ok(None) };
        match step {
            Step::GiveUp => self.progress.gave_up(1),
            Step::Renew { .. } | Step::Resend => self.progress.count(Count::Resolved, 1),
            _ => {}
        }
        let fact = (by == SettledBy::Absence).then(|| AttemptFact {
            outcome: OutcomeKind::NotSent,
            ..fact(attempt, now, by, "no status came although the webhooks work: it was not sent")
        });
        Ok(Some(Settlement { id: attempt.id, before: attempt.standing, after, reason: 0, fact }))
    }
}

/// The alarm's reason, once it is raised.
async fn raised(mut alarm: watch::Receiver<Option<String>>) -> String {
    let reason = alarm.wait_for(Option::is_some).await.ok().and_then(|reason| reason.clone());
    match reason {
        Some(reason) => reason,
        None => std::future::pending().await,
    }
}

fn waits_for_a_person(held: u64, run: &str) -> String {
    let sends = if held == 1 { "send waits" } else { "sends wait" };
    format!("{held} {sends} for your decision: fanfare unknown list {run}")
}

pub(super) fn fact(attempt: &OpenAttempt, now: Timestamp, settled_by: SettledBy, detail: &str) -> AttemptFact {
    AttemptFact {
        attempt: attempt.standing.tries,
        generation: attempt.standing.generation,
        sender: attempt.sender,
        route: attempt.route,
        outcome: OutcomeKind::Unknown,
        class: Some(Class::Transient),
        code: None,
        detail: Some(detail.to_owned()),
        http: 0,
        provider_id: None,
        digest: attempt.digest,
        intent_at: attempt.intent_at,
        settled_at: now,
        settled_by,
    }
}
