//! `POST /{version}/{number}/messages`: the way of one request.
//!
//! In: the path's number, the bearer token, the body's bytes. Out: an [`Outcome`]: what the server is to do with the connection.
//! The order is Meta's as far as it can be seen: token, number, fault, throughput, shape, pair, window, acceptance. The ledger's
//! line is written before the outcome exists.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout};

use super::answer::{Answer, Refusal};
use super::chance::{Chance, Purpose};
use super::faults::{Fault, ScriptThen};
use super::ledger::{Fate, Line, Message, Request};
use super::numbers::Number;
use super::people::{About, fate};
use super::stats::Counters;
use super::validate::{self, Envelope, Rules, Wish};
use super::world::World;

/// How long an answer waits for the status that is to come before it.
const EARLY_WAIT: Duration = Duration::from_secs(2);

/// What is done with the connection.
#[derive(Debug)]
pub(super) enum Outcome {
    /// Answered.
    Answer(Answer),
    /// Closed without a byte.
    Close,
    /// Reset without a byte.
    Reset,
    /// Reset in the middle of the answer.
    ResetInside(Answer),
    /// Closed in the middle of the answer.
    CutShort(Answer),
    /// Left open without a byte.
    Silence,
}

/// What a request says of itself before its body is read.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) number_id: String,
    pub(super) has_good_token: bool,
    /// It came to `/marketing_messages`.
    pub(super) only_marketing: bool,
    pub(super) body: Bytes,
}

/// Handles one request.
pub(super) async fn receive(world: &Arc<World>, arrival: Arrival) -> Outcome {
    let sha256 = Sha256::digest(&arrival.body);
    let about = world.chance.about(&sha256);
    let think = about.millis(Purpose::Latency, world.config.latency);
    if think == 0 {
        return finish(process(world, &arrival, &sha256)).await;
    }
    let before = about.millis(Purpose::LatencySplit, super::config::Latency { min_ms: 0, max_ms: think });
    let world = Arc::clone(world);
    // On its own task: a client that goes away in the meantime does not keep Meta from accepting the message.
    let task = tokio::spawn(async move {
        sleep(Duration::from_millis(before)).await;
        let processed = process(&world, &arrival, &sha256);
        sleep(Duration::from_millis(think - before)).await;
        finish(processed).await
    });
    task.await.unwrap_or(Outcome::Close)
}

/// What came of a request, and the status its answer has to wait for.
type Processed = (Outcome, Option<oneshot::Receiver<()>>);

async fn finish((outcome, early): Processed) -> Outcome {
    if let Some(early) = early {
        // The webhook may fail; the answer comes all the same.
        timeout(EARLY_WAIT, early).await.ok();
    }
    outcome
}

fn process(world: &World, arrival: &Arrival, sha256: &[u8]) -> Processed {
    let nth = world.requests.fetch_add(1, Ordering::Relaxed) + 1;
    Counters::count(&world.counters.requests);
    let mut trip = Trip { world, number_id: &arrival.number_id, sha256: hex::encode(sha256), nth, to: None, client_ref: None };
    match trip.run(arrival) {
        Ok(done) => done,
        Err(refusal) => (trip.refuse(&refusal, None), None),
    }
}

/// One request under way.
struct Trip<'w> {
    world: &'w World,
    number_id: &'w str,
    sha256: String,
    nth: u64,
    to: Option<String>,
    client_ref: Option<String>,
}

impl Trip<'_> {
    fn run(&mut self, arrival: &Arrival) -> Result<Processed, Refusal> {
        let world = self.world;
        if !arrival.has_good_token || is_revoked(world) {
            return Err(Refusal::plain(190));
        }
        let number = world.numbers.get(self.number_id).ok_or_else(|| Refusal::plain(33))?;
        let envelope = validate::read(&arrival.body)?;
        let (to, _) = envelope.recipient(&number);
        let about = About::new(world.chance, self.number_id, &to, envelope.client_ref(), &self.sha256);
        self.client_ref = envelope.client_ref().map(str::to_owned);
        let script = world.trouble.scripted(self.nth, &to, || envelope.template_name());
        self.to = Some(to);
        let rolled = match script {
            Some(ScriptThen::Refuse(code)) => return Err(Refusal::plain(code)),
            Some(ScriptThen::Fault(fault)) => Some((fault, about.message)),
            _ => world.trouble.roll(about.message),
        };
        let fault = match rolled {
            None => None,
            Some((fault, shape)) => match self.before(fault, shape) {
                Some(outcome) => return Ok((outcome, None)),
                None => Some((fault, shape)),
            },
        };
        if !number.limit.pass(Instant::now()) {
            return Err(Refusal::plain(130_429));
        }
        let rules = Rules { only_marketing: arrival.only_marketing, rewrite_mexico: world.config.rewrite_mexico };
        let wish = envelope.check(&number, &world.catalogue, rules)?;
        self.accept(&envelope, wish, &number, script, fault)
    }

    /// Faults that come before the message is accepted.
    fn before(&mut self, fault: Fault, shape: Chance) -> Option<Outcome> {
        let outcome = match fault {
            Fault::DropBefore if shape.happens(Purpose::FaultShape, 0.5) => Outcome::Reset,
            Fault::DropBefore => Outcome::Close,
            Fault::Error500Before => return Some(self.refuse(&Refusal::plain(131_000), Some(fault))),
            Fault::RateLimited130429 => return Some(self.refuse(&Refusal::plain(130_429), Some(fault))),
            Fault::Html502 if shape.happens(Purpose::FaultShape, 0.5) => Outcome::Answer(bad_gateway()),
            _ => return None,
        };
        Counters::count(&self.world.counters.faults);
        self.note(None, Some(fault));
        Some(outcome)
    }

    fn accept(
        &self,
        envelope: &Envelope<'_>,
        wish: Wish<'_>,
        number: &Number,
        script: Option<ScriptThen>,
        fault: Option<(Fault, Chance)>,
    ) -> Result<Processed, Refusal> {
        let world = self.world;
        let now_ms = world.now_ms();
        let person = wish.wa_id.as_deref().unwrap_or(&wish.to);
        let about = About::new(world.chance, self.number_id, person, envelope.client_ref(), &self.sha256);
        if !world.pairs.pass(about.pair.key(), Instant::now()) {
            return Err(Refusal::plain(131_056));
        }
        let in_window = world.windows.is_open(about.pair, now_ms);
        let is_template = wish.template.is_some();
        if !is_template && !in_window && about.message.happens(Purpose::WindowSync, world.config.faults.window_sync_share) {
            return Err(Refusal::plain(131_047));
        }
        let seq = world.ledger.next_seq();
        let free_until_ms = world.windows.free_until(about.pair, now_ms);
        let (template, language) = wish.template.map(|(name, language)| (name.into_owned(), language.into_owned())).unzip();
        let is_held = is_template && about.message.happens(Purpose::Held, world.config.faults.held_for_quality);
        let mut message = Message {
            seq,
            at_ms: now_ms,
            number_id: number.config.id.clone(),
            wamid: world.wamid(person, seq),
            to: wish.to,
            wa_id: wish.wa_id,
            wrong_person: wish.wrong_person,
            client_ref: self.client_ref.clone(),
            kind: wish.kind,
            template,
            language,
            sha256: self.sha256.clone(),
            held: is_held || script == Some(ScriptThen::Held),
            category: wish.category,
            free_until_ms,
            reply_payload: wish.reply_payload,
            fault: fault.map(|(fault, _)| fault),
            ..Message::default()
        };
        (message.fate, message.code) = match script {
            Some(ScriptThen::Fail(code)) => (Fate::Failed, Some(code)),
            Some(ScriptThen::Held) => (Fate::Delivered, None),
            _ => fate(&world.config, about, &message, in_window),
        };
        message.pricing = match (free_until_ms, is_template) {
            (Some(_), _) => "free_entry_point".to_owned(),
            (None, false) if message.fate == Fate::Delivered => world.service_pricing(self.number_id).to_owned(),
            _ => "regular".to_owned(),
        };
        let answer = Answer::accepted(&message, envelope.input());
        let early = world.accept(message).map_err(|error| {
            tracing::error!(%error, "the ledger could not be written; nothing is accepted");
            Refusal::plain(131_016)
        })?;
        let Some((fault, shape)) = fault else { return Ok((Outcome::Answer(answer), early)) };
        Counters::count(&world.counters.faults);
        Ok((spoil(fault, shape, answer, self.nth), early))
    }

    /// Refuses: counted, written down, answered.
    fn refuse(&mut self, refusal: &Refusal, fault: Option<Fault>) -> Outcome {
        self.world.counters.refused(refusal.code);
        if fault.is_some() {
            Counters::count(&self.world.counters.faults);
        }
        self.note(Some(refusal.code), fault);
        Outcome::Answer(Answer::refused(refusal, self.world.chance.nth(self.nth).key()))
    }

    /// The ledger's line of a request that was not accepted.
    fn note(&mut self, code: Option<u32>, fault: Option<Fault>) {
        let request = Request {
            seq: self.world.ledger.next_seq(),
            at_ms: self.world.now_ms(),
            number_id: self.number_id.to_owned(),
            to: self.to.take(),
            client_ref: self.client_ref.take(),
            code,
            fault,
            sha256: std::mem::take(&mut self.sha256),
        };
        if let Err(error) = self.world.ledger.write(&Line::Request(&request)) {
            tracing::error!(%error, "a request was not written down");
        }
    }
}

/// Whether the token was revoked, as every call then hears.
pub(super) fn is_revoked(world: &World) -> bool {
    world.config.faults.token_revoked_after.is_some_and(|most| world.accepted.load(Ordering::Relaxed) >= most)
}

/// Spoils the answer to a message that was accepted.
fn spoil(fault: Fault, shape: Chance, answer: Answer, nth: u64) -> Outcome {
    let first_half = shape.happens(Purpose::FaultShape, 0.5);
    match fault {
        Fault::DropAfter if first_half => Outcome::Reset,
        Fault::DropAfter => Outcome::ResetInside(answer),
        Fault::TimeoutAfter => Outcome::Silence,
        Fault::Error500After => Outcome::Answer(Answer::refused(&Refusal::plain(131_000), nth)),
        Fault::Html502 => Outcome::Answer(bad_gateway()),
        Fault::Truncated200 => Outcome::CutShort(answer),
        Fault::Garbage200 => Outcome::Answer(garbage(shape, &answer)),
        // These come before an acceptance and never here.
        Fault::DropBefore | Fault::Error500Before | Fault::RateLimited130429 => Outcome::Answer(answer),
    }
}

fn bad_gateway() -> Answer {
    Answer::html(502, "<html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>")
}

/// Status 200 and no answer: JSON that ends too soon, JSON without an id, a page, or nothing.
fn garbage(shape: Chance, answer: &Answer) -> Answer {
    match shape.bits(Purpose::FaultShape) % 4 {
        0 => Answer::json(200, answer.body.slice(..answer.body.len() / 2)),
        1 => Answer::json(200, r#"{"messaging_product":"whatsapp","contacts":[],"messages":[]}"#),
        2 => Answer::html(200, "<html><body>OK</body></html>"),
        _ => Answer::json(200, Bytes::new()),
    }
}
