//! Everything a running simulator holds, and the few things that happen in it: a message is accepted, a person writes.
//!
//! In: checked requests and people's words. Out: facts in the ledger, open windows, parcels for the postman. The ledger is
//! always written first.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::catalogue::Catalogue;
use super::chance::{Chance, Purpose};
use super::config::SimulatorConfig;
use super::faults::Trouble;
use super::ledger::{Inbound, Ledger, Line, Message, Past};
use super::limits::PairLimit;
use super::numbers::Numbers;
use super::people::{self, About, Event, Step};
use super::stats::Counters;
use super::validate;
use super::webhook::{Letterhead, Parcel, Postman, Update};
use super::windows::Windows;
use crate::time::Clock;

/// Simulators started by this process: two with the same clock must not make the same ids.
static STARTS: AtomicU64 = AtomicU64::new(0);

/// The state of a simulator.
#[derive(Debug)]
pub(super) struct World {
    pub(super) config: SimulatorConfig,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) chance: Chance,
    pub(super) catalogue: Catalogue,
    pub(super) numbers: Numbers,
    pub(super) pairs: PairLimit,
    pub(super) windows: Windows,
    pub(super) trouble: Trouble,
    pub(super) ledger: Ledger,
    pub(super) postman: Postman,
    pub(super) counters: Counters,
    /// Requests on `/messages` over the whole ledger.
    pub(super) requests: AtomicU64,
    /// Messages accepted over the whole ledger.
    pub(super) accepted: AtomicU64,
    free_service: Mutex<BTreeMap<String, u64>>,
    /// Part of every message's id: the time of the start, and which start of this process it was.
    start: (i64, u64),
}

/// An inbound message, before it is one.
#[derive(Clone, Debug, Default)]
pub(super) struct Words<'a> {
    pub(super) number_id: &'a str,
    pub(super) from: &'a str,
    pub(super) text: &'a str,
    pub(super) payload: Option<&'a str>,
    pub(super) context: Option<&'a str>,
    pub(super) reply_to: Option<u64>,
    pub(super) from_ad: bool,
    pub(super) at_ms: i64,
}

impl World {
    /// A world that continues `past`.
    pub(super) fn new(config: SimulatorConfig, catalogue: Catalogue, clock: Arc<dyn Clock>, ledger: Ledger, past: &Past) -> Self {
        let started_ms = clock.now().0;
        let chance = Chance::new(config.seed);
        let world = Self {
            chance,
            catalogue,
            numbers: Numbers::new(&config.numbers),
            pairs: PairLimit::default(),
            windows: Windows::new(config.people.window_open_share, started_ms),
            trouble: Trouble::new(config.faults.clone(), config.script.clone()),
            ledger,
            postman: Postman::default(),
            counters: Counters::default(),
            requests: AtomicU64::new(past.requests),
            accepted: AtomicU64::new(past.accepted),
            free_service: Mutex::new(past.free_service.clone()),
            start: (started_ms, STARTS.fetch_add(1, Ordering::Relaxed)),
            clock,
            config,
        };
        for (to, client_ref, sha256) in &past.tries {
            world.trouble.remember(About::new(chance, "", to, client_ref.as_deref(), sha256).message);
        }
        for ((number_id, from), (at_ms, from_ad)) in &past.written {
            world.windows.wrote(world.pair(number_id, from), *at_ms, *from_ad);
        }
        world
    }

    /// Sends out what an earlier process still owed, at once and in the order of its happening.
    pub(super) fn resume(&self, past: Past) {
        let now = Instant::now();
        let mut parcels = Vec::new();
        for (message, owed) in past.owed.into_values() {
            let message = Arc::new(message);
            for step in self.course(&message) {
                if !step.lost && owed & step.event.bit() != 0 {
                    let update = Update::Status { message: Arc::clone(&message), event: step.event };
                    parcels.push(Parcel::new(update, later(message.at_ms, step.after_ms), now, None));
                }
            }
        }
        for inbound in past.unheard.into_values() {
            let at_ms = inbound.at_ms;
            parcels.push(Parcel::new(Update::Inbound(Arc::new(inbound)), at_ms, now, None));
        }
        if self.config.webhooks.enabled {
            self.postman.post(&self.counters, parcels);
        }
    }

    /// The wall clock.
    pub(super) fn now_ms(&self) -> i64 {
        self.clock.now().0
    }

    /// The `wa_id` of whoever has that phone number, with or without a plus; a BSUID is its own.
    pub(super) fn person(&self, phone: &str) -> String {
        if phone.contains('.') {
            return phone.to_owned();
        }
        let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
        let rewritten = if self.config.rewrite_mexico { validate::mexican(&digits) } else { None };
        rewritten.unwrap_or(digits)
    }

    /// The chances of a pair.
    pub(super) fn pair(&self, number_id: &str, person: &str) -> Chance {
        About::new(self.chance, number_id, person, None, "").pair
    }

    /// The head of every webhook about a number.
    pub(super) fn letterhead(&self, number_id: &str) -> Letterhead {
        match self.numbers.get(number_id) {
            Some(number) => Letterhead {
                waba_id: number.config.waba_id.clone(),
                number_id: number_id.to_owned(),
                display: number.digits.clone(),
            },
            // A ledger may speak of a number that is no longer in the settings.
            None => Letterhead { waba_id: String::new(), number_id: number_id.to_owned(), display: String::new() },
        }
    }

    /// An id no other message has: the person, the start of this process and the fact's number, in Meta's clothes.
    pub(super) fn wamid(&self, person: &str, seq: u64) -> String {
        let mut bytes = Vec::with_capacity(64);
        bytes.extend_from_slice(b"\x1d\x18");
        bytes.push(u8::try_from(person.len()).unwrap_or(u8::MAX));
        bytes.extend_from_slice(person.as_bytes());
        bytes.extend_from_slice(b"\x15\x02\x00\x11\x18\x12");
        bytes.extend_from_slice(format!("{:011X}{:03X}{seq:09X}", self.start.0, self.start.1).as_bytes());
        bytes.push(0);
        let mut wamid = String::with_capacity(96);
        wamid.push_str("wamid.");
        data_encoding::BASE64.encode_append(&bytes, &mut wamid);
        wamid
    }

    /// How a service message is priced: free for the first ones of a number, then regular.
    pub(super) fn service_pricing(&self, number_id: &str) -> &'static str {
        let mut free = self.free_service.lock().unwrap_or_else(PoisonError::into_inner);
        if !free.contains_key(number_id) {
            free.insert(number_id.to_owned(), 0);
        }
        match free.get_mut(number_id) {
            Some(used) if *used < self.config.free_service_deliveries => {
                *used += 1;
                "free_customer_service"
            }
            _ => "regular",
        }
    }

    /// Accepts a message: writes it down, then lets it take its course. The receiver hears when its first status was told,
    /// if that is to happen before the answer.
    pub(super) fn accept(&self, message: Message) -> io::Result<Option<oneshot::Receiver<()>>> {
        self.ledger.write(&Line::Message(&message))?;
        self.accepted.fetch_add(1, Ordering::Relaxed);
        Counters::count(&self.counters.accepted);
        if !self.config.webhooks.enabled {
            return Ok(None);
        }
        let about = About::of(self.chance, &message);
        let early = about.message.happens(Purpose::Early, self.config.webhooks.before_response_share);
        let (now, message) = (Instant::now(), Arc::new(message));
        let mut waits = None;
        let mut parcels = Vec::with_capacity(4);
        for step in self.course(&message) {
            if step.lost {
                Counters::count(&self.counters.webhooks_lost);
                continue;
            }
            let of = |after_ms: u64| (later(message.at_ms, after_ms), now + Duration::from_millis(after_ms));
            let update = || Update::Status { message: Arc::clone(&message), event: step.event };
            let (at_ms, mut due) = of(step.after_ms);
            let mut told = None;
            if early && waits.is_none() && step.event != Event::Reply {
                let (sender, receiver) = oneshot::channel();
                (told, waits, due) = (Some(sender), Some(receiver), now);
            }
            parcels.push(Parcel::new(update(), at_ms, due, told));
            if let Some(after) = step.copy_after_ms {
                parcels.push(Parcel::new(update(), at_ms, due + Duration::from_millis(after), None));
            }
        }
        self.postman.post(&self.counters, parcels);
        Ok(waits)
    }

    /// The person a message went to answers it.
    pub(super) fn reply(&self, message: &Message, at_ms: i64) {
        let stop = people::says_stop(&self.config, About::of(self.chance, message));
        let payload = message.reply_payload.as_deref().filter(|_| !stop);
        let words = Words {
            number_id: &message.number_id,
            from: message.person(),
            text: if stop { "STOP" } else { payload.unwrap_or(&self.config.people.reply_text) },
            payload,
            context: payload.map(|_| message.wamid.as_str()),
            reply_to: Some(message.seq),
            from_ad: false,
            at_ms,
        };
        if let Err(error) = self.write(&words) {
            tracing::warn!(%error, "a reply was not written");
        }
    }

    /// A person writes: it is written down, the window opens, the webhook goes out. Returns the message's id.
    pub(super) fn write(&self, words: &Words<'_>) -> io::Result<String> {
        let seq = self.ledger.next_seq();
        let inbound = Inbound {
            seq,
            at_ms: words.at_ms,
            number_id: words.number_id.to_owned(),
            from: words.from.to_owned(),
            wamid: self.wamid(words.from, seq),
            text: words.text.to_owned(),
            payload: words.payload.map(str::to_owned),
            context: words.context.map(str::to_owned),
            reply_to: words.reply_to,
            from_ad: words.from_ad,
        };
        self.ledger.write(&Line::Inbound(&inbound))?;
        Counters::count(&self.counters.inbound);
        self.windows.wrote(self.pair(words.number_id, words.from), words.at_ms, words.from_ad);
        let wamid = inbound.wamid.clone();
        if self.config.webhooks.enabled {
            let parcel = Parcel::new(Update::Inbound(Arc::new(inbound)), words.at_ms, Instant::now(), None);
            self.postman.post(&self.counters, [parcel]);
        }
        Ok(wamid)
    }

    fn course(&self, message: &Message) -> Vec<Step> {
        let mut steps = Vec::with_capacity(4);
        people::course(&self.config, About::of(self.chance, message), message, &mut steps);
        steps
    }
}

fn later(at_ms: i64, after_ms: u64) -> i64 {
    at_ms.saturating_add(i64::try_from(after_ms).unwrap_or(i64::MAX))
}
