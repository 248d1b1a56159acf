//! What follows from a batch of webhook events: pure. Receipts grow, unknown sends are settled by evidence, late failures may earn a new
//! send, people's messages open windows.

use std::collections::{BTreeMap, HashMap};

use crate::audience::Phone;
use crate::outbound::key::{AttemptKey, DeliveryId, RunNo};
use crate::outbound::ledger::{
    AttemptFact, FoldWrites, OutcomeKind, Receipt, RouteTaken, SenderNo, SettledBy, Settlement, Subject,
};
use crate::outbound::react::{Situation, late_failure};
use crate::outbound::status::{State, Step, advance};
use crate::provider::contract::{Class, Failure, Status, StatusEvent};
use crate::time::Timestamp;

/// What the fold knows of a run that is going on in this process.
#[derive(Clone, Copy, Debug)]
pub struct RunTraits {
    /// Whether the campaign has a template to fall back to.
    pub has_template: bool,
}

/// The events of one batch of bodies.
#[derive(Debug, Default)]
pub struct Batch {
    /// Statuses that carry a key of ours.
    pub statuses: Vec<(AttemptKey, StatusEvent)>,
    /// Statuses without one.
    pub foreign: u64,
    /// People's messages that open windows, by sender and canonical number.
    pub windows: Vec<(SenderNo, Phone, Timestamp)>,
}

impl Batch {
    /// The deliveries it is about, each once, in order.
    pub fn subjects(&self) -> Vec<DeliveryId> {
        let mut ids: Vec<_> = self.statuses.iter().map(|(key, _)| key.delivery).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}

/// What runs should hear of a fold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// Sends that arrived or failed for the first time.
    pub settled: u64,
    /// Accepted sends that are sent anew.
    pub renewed: u64,
    /// Unknown sends that evidence settled.
    pub proven: u64,
    /// A failure that concerns more than its message, with its code and words.
    pub failures: Vec<Failure>,
}

/// What a batch writes, and what each run should hear. `subjects` are the deliveries of [`Batch::subjects`] that the ledger knows.
pub fn fold(
    batch: &Batch,
    subjects: &[Subject],
    runs: &BTreeMap<RunNo, RunTraits>,
    now: Timestamp,
) -> (FoldWrites, BTreeMap<RunNo, Heard>) {
    let mut writes = FoldWrites { foreign: batch.foreign, windows: batch.windows.clone(), ..FoldWrites::default() };
    let mut heard = BTreeMap::<RunNo, Heard>::new();
    let known: HashMap<DeliveryId, &Subject> = subjects.iter().map(|subject| (subject.id, subject)).collect();
    let mut sends = BTreeMap::<(DeliveryId, u16), Vec<&StatusEvent>>::new();
    for (key, event) in &batch.statuses {
        match known.get(&key.delivery) {
            Some(subject) if key.belongs_to(&subject.run_id, subject.person) && key.generation <= subject.standing.generation => {
                sends.entry((key.delivery, key.generation)).or_default().push(event);
            }
            _ => writes.foreign += 1,
        }
    }
    for ((id, generation), events) in sends {
        let Some(subject) = known.get(&id) else { continue };
        let run = heard.entry(id.run()).or_default();
        let stored = subject.receipts.iter().find(|(of, _)| *of == generation).map(|(_, receipt)| receipt);
        let before = stored.cloned().unwrap_or_default();
        let after = events.iter().fold(before.clone(), |receipt, event| receipt.join(&Receipt::of(event)));
        run.settled += u64::from(after.is_settled() && !before.is_settled());
        if generation == subject.standing.generation {
            let failure = events.iter().filter(|event| event.status == Status::Failed).find_map(|event| event.failure.as_ref());
            // A failure is acted upon once: when it is first heard of, and nothing says that the message arrived.
            let failure =
                failure.filter(|_| before.failed_at.is_none() && after.delivered_at.is_none() && after.read_at.is_none());
            if failure.is_some_and(|failure| failure.class == Class::WindowClosed) {
                writes.closed.push((subject.id, subject.sender, subject.intent_at));
            }
            writes.settlements.extend(settle(subject, &events, failure, runs, now, run));
        }
        if after != before {
            writes.receipts.push((id, generation, after));
        }
    }
    (writes, heard)
}

fn settle(
    subject: &Subject,
    events: &[&StatusEvent],
    failure: Option<&Failure>,
    runs: &BTreeMap<RunNo, RunTraits>,
    now: Timestamp,
    heard: &mut Heard,
) -> Option<Settlement> {
    let route = subject.route?;
    let evidence = advance(subject.standing, Step::Accept);
    let proven = evidence.is_ok();
    let mut after = evidence.unwrap_or(subject.standing);
    heard.proven += u64::from(matches!(subject.standing.state, State::Unknown | State::UnknownFinal));
    if let Some(failure) = failure {
        heard.failures.push(failure.clone());
        let open = !subject.run_state.is_terminal();
        if let Some(step) = runs.get(&subject.id.run()).filter(|_| open).and_then(|traits| {
            let situation = Situation {
                now,
                standing: after,
                route,
                has_template: traits.has_template,
                grace: std::time::Duration::ZERO,
                chance: 0.5,
            };
            late_failure(failure.class, &situation, failure)
        }) && let Ok(renewed) = advance(after, step)
        {
            heard.renewed += 1;
            after = renewed;
        }
    }
    if after == subject.standing {
        return None;
    }
    let fact = proven.then(|| fact(subject, route, events, now));
    Some(Settlement { id: subject.id, before: subject.standing, after, reason: 0, fact })
}

fn fact(subject: &Subject, route: RouteTaken, events: &[&StatusEvent], now: Timestamp) -> AttemptFact {
    AttemptFact {
        attempt: subject.standing.tries,
        generation: subject.standing.generation,
        sender: subject.sender,
        route,
        outcome: OutcomeKind::Accepted,
        class: None,
        code: None,
        detail: None,
        http: 0,
        provider_id: events.first().map(|event| event.provider_id.clone()),
        digest: subject.digest,
        intent_at: subject.intent_at,
        settled_at: now,
        settled_by: SettledBy::Webhook,
    }
}
