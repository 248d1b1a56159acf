//! One call: made exactly once, its outcome classified, its step decided, its fact committed.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::key::RunNo;
use super::ledger::{AttemptFact, Intent, OutcomeKind, SenderNo, SettledBy, Settlement};
use super::progress::Count;
use super::react::{Signal, Situation, react};
use super::ready::{DEADLINE, Ready, RunFacts};
use super::slots::Ticket;
use super::status::{Standing, State, Step, advance};
use super::writer::Writer;
use crate::provider::contract::{Class, Failure, Outcome, Provider, Transport, TransportError};
use crate::time::Clock;

/// The longest a call itself may take: connect and answer.
const CALL: Duration = Duration::from_secs(35);

/// What all calls of one lane share.
#[derive(Debug)]
pub struct Line {
    /// The sender.
    pub sender: SenderNo,
    /// Its name in the settings.
    pub name: String,
    /// How to speak.
    pub provider: Arc<dyn Provider>,
    /// How to reach it.
    pub transport: Arc<dyn Transport>,
    /// Where outcomes go.
    pub writer: Writer,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
}

/// What a lane learns from one call.
#[derive(Debug)]
pub struct Report {
    /// Whose call.
    pub run: RunNo,
    /// From first byte to answer.
    pub took: Duration,
    /// What it tells beyond its message.
    pub signal: Signal,
    /// Code and words, when it failed.
    pub cause: String,
    /// How long the provider asked to wait, when it failed.
    pub wait: Option<Duration>,
}

/// A call about to be made. Its intent is committed.
#[derive(Debug)]
pub struct Call {
    /// Shared by the lane.
    pub line: Arc<Line>,
    /// Its run.
    pub run: RunFacts,
    /// The message.
    pub ready: Ready,
    /// The committed promise.
    pub intent: Intent,
    /// The slot, held until the outcome's commit.
    pub ticket: Ticket,
    /// When its permit was taken.
    pub began: Instant,
    /// Back to the lane.
    pub reports: mpsc::UnboundedSender<Report>,
}

impl Call {
    /// Makes the call and hands its outcome to the writer.
    pub async fn make(self) {
        let started = Instant::now();
        self.run.progress.call_begins();
        let (outcome, http) = if self.began.elapsed() > DEADLINE.saturating_sub(CALL) {
            let detail = "the intent's commit took too long; not started".to_owned();
            (Outcome::NotSent(Failure { class: Class::Transient, code: None, detail, retry_after: None }), 0)
        } else {
            match self.line.transport.post(&self.ready.request).await {
                Ok(reply) => (self.line.provider.classify(&reply), reply.status),
                Err(error) => (without_answer(error), 0),
            }
        };
        let took = started.elapsed();
        self.run.progress.call_ends();
        self.settle(outcome, http, took).await;
    }

    async fn settle(self, outcome: Outcome, http: u16, took: Duration) {
        let now = self.line.clock.now();
        let situation = Situation {
            now,
            standing: self.intent.after,
            route: self.intent.route,
            has_template: self.run.has_template,
            grace: self.run.grace,
            // Spread by the message itself: no two messages deferred together come back together.
            chance: spread(self.intent.digest, self.intent.after.tries),
        };
        let (step, signal) = react(&outcome, &situation);
        let after = advance(self.intent.after, step).unwrap_or_else(|illegal| {
            tracing::error!(%illegal, "an outcome led nowhere; it counts as unknown");
            Standing { state: State::Unknown, due_at: now + self.run.grace, ..self.intent.after }
        });
        let cause = cause(&outcome);
        let wait = match &outcome {
            Outcome::Accepted { .. } => None,
            Outcome::Refused(failure) | Outcome::NotSent(failure) | Outcome::Unknown(failure) => failure.retry_after,
        };
        tracing::info!(
            target: "fanfare::attempt",
            run = self.run.no.0,
            delivery = self.intent.id.raw(),
            attempt = self.intent.after.tries,
            generation = self.intent.after.generation,
            lane = %self.line.name,
            http,
            outcome = outcome_word(&outcome),
            state = after.state.as_str(),
            cause = %cause,
            duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            next_due_ms = after.due_at.0,
            "attempt"
        );
        let progress = &self.run.progress;
        match step {
            Step::Accept => progress.count(Count::Accepted, 1),
            Step::Reject => progress.count(Count::Rejected, 1),
            Step::Doubt { .. } => progress.count(Count::Unknown, 1),
            _ => {}
        }
        let settlement = Settlement {
            id: self.intent.id,
            before: self.intent.after,
            after,
            reason: 0,
            fact: Some(fact(&self.intent, outcome, http, now)),
        };
        // Before the slot comes free, which wakes the lane: it looks here first. It ends only after its calls.
        drop(self.reports.send(Report { run: self.run.no, took, signal, cause, wait }));
        self.line.writer.settle(settlement, Some(self.ticket)).await;
    }
}

fn without_answer(error: TransportError) -> Outcome {
    let failure = |detail| Failure { class: Class::Transient, code: None, detail, retry_after: None };
    match error {
        TransportError::NotSent(detail) => Outcome::NotSent(failure(detail)),
        TransportError::NoAnswer(detail) => Outcome::Unknown(failure(detail)),
    }
}

fn fact(intent: &Intent, outcome: Outcome, http: u16, now: crate::time::Timestamp) -> AttemptFact {
    let (kind, failure, provider_id) = match outcome {
        Outcome::Accepted { provider_id, .. } => (OutcomeKind::Accepted, None, Some(provider_id)),
        Outcome::Refused(failure) => (OutcomeKind::Refused, Some(failure), None),
        Outcome::NotSent(failure) => (OutcomeKind::NotSent, Some(failure), None),
        Outcome::Unknown(failure) => (OutcomeKind::Unknown, Some(failure), None),
    };
    let class = failure.as_ref().map(|failure| failure.class);
    let (code, detail) = failure.map_or((None, None), |failure| (failure.code, Some(failure.detail)));
    AttemptFact {
        attempt: intent.after.tries,
        generation: intent.after.generation,
        sender: intent.sender,
        route: intent.route,
        outcome: kind,
        class,
        code,
        detail,
        http,
        provider_id,
        digest: intent.digest,
        intent_at: intent.at,
        settled_at: now,
        settled_by: SettledBy::Answer,
    }
}

fn cause(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Accepted { .. } => String::new(),
        Outcome::Refused(failure) | Outcome::NotSent(failure) | Outcome::Unknown(failure) => match &failure.code {
            Some(code) => format!("{code}: {}", failure.detail),
            None => failure.detail.clone(),
        },
    }
}

const fn outcome_word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Accepted { held: false, .. } => "accepted",
        Outcome::Accepted { held: true, .. } => "held",
        Outcome::Refused(_) => "refused",
        Outcome::NotSent(_) => "not_sent",
        Outcome::Unknown(_) => "unknown",
    }
}

/// A number in 0..1 from the message's own bytes and its attempt.
fn spread(digest: i64, attempt: u16) -> f64 {
    let mixed = digest.cast_unsigned().rotate_left(u32::from(attempt) * 7) >> 48;
    f64::from(u16::try_from(mixed).unwrap_or(0)) / 65_536.0
}
