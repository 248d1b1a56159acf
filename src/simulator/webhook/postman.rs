//! The post: what is due, to whom it goes, what came back.
//!
//! In: updates and their due time in tokio's time. Out: POSTs by a few workers, each with a kept connection. An update that was
//! not answered with 200 comes back into the queue; one that was is a fact. It must not know why an update exists.

use std::cmp::Ordering as Order;
use std::collections::BinaryHeap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use hyper::Method;
use serde_json::value::RawValue;
use sha2::Sha256;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};

use super::payload;
use super::target::{Line as Connection, Target};
use crate::simulator::ledger::{Acked, Inbound, Line, Message};
use crate::simulator::people::Event;
use crate::simulator::stats::Counters;
use crate::simulator::world::World;

/// The bit of an inbound message in `acked` facts.
const INBOUND: u8 = 32;

/// What is told. A reply is not told but written: its time comes by the same queue.
#[derive(Clone, Debug)]
pub(in crate::simulator) enum Update {
    /// Something happened to a message.
    Status {
        /// To which.
        message: Arc<Message>,
        /// What.
        event: Event,
    },
    /// A person wrote.
    Inbound(Arc<Inbound>),
    /// Something else of an account: any field, any value.
    News {
        /// The account.
        waba_id: String,
        /// The webhook's field.
        field: String,
        /// Its value.
        value: Box<RawValue>,
    },
}

/// An update on its way.
#[derive(Debug)]
pub(in crate::simulator) struct Parcel {
    /// When it happened, by the wall clock: its timestamp.
    pub(in crate::simulator) at_ms: i64,
    /// What happened.
    pub(in crate::simulator) update: Update,
    due: Instant,
    order: u64,
    first_try: Option<Instant>,
    tries: u32,
    told: Option<oneshot::Sender<()>>,
}

impl Parcel {
    /// An update that is due at `due`; `told` hears when it was acknowledged.
    pub(in crate::simulator) fn new(update: Update, at_ms: i64, due: Instant, told: Option<oneshot::Sender<()>>) -> Self {
        Self { at_ms, update, due, order: 0, first_try: None, tries: 0, told }
    }

    /// What an `acked` fact says of it; news are in no ledger.
    fn fact(&self) -> Option<(u64, u8)> {
        match &self.update {
            Update::Status { message, event } => Some((message.seq, event.bit())),
            Update::Inbound(inbound) => Some((inbound.seq, INBOUND)),
            Update::News { .. } => None,
        }
    }
}

impl PartialEq for Parcel {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Order::Equal
    }
}
impl Eq for Parcel {}
impl PartialOrd for Parcel {
    fn partial_cmp(&self, other: &Self) -> Option<Order> {
        Some(self.cmp(other))
    }
}
/// The greatest is the one that is due first, as the heap wants it.
impl Ord for Parcel {
    fn cmp(&self, other: &Self) -> Order {
        (other.due, other.order).cmp(&(self.due, self.order))
    }
}

/// The queue and the address.
#[derive(Debug, Default)]
pub(in crate::simulator) struct Postman {
    queue: Mutex<Queue>,
    target: RwLock<Option<Target>>,
    wake: Notify,
    idle: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    heap: BinaryHeap<Parcel>,
    next_order: u64,
}

/// What a worker finds in the queue.
enum Found {
    Nothing,
    DueAt(Instant),
    Due(Vec<Parcel>),
}

impl Postman {
    /// Where webhooks go from now on.
    pub(in crate::simulator) fn set_target(&self, target: Option<Target>) {
        *self.target.write().unwrap_or_else(PoisonError::into_inner) = target;
        self.wake.notify_one();
    }

    /// Where webhooks go.
    pub(in crate::simulator) fn target(&self) -> Option<Target> {
        self.target.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes parcels in; they stay pending until told, lost for good or given up.
    pub(in crate::simulator) fn post(&self, counters: &Counters, parcels: impl IntoIterator<Item = Parcel>) {
        let count = {
            let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
            let before = queue.heap.len();
            for mut parcel in parcels {
                parcel.order = queue.next_order;
                queue.next_order += 1;
                queue.heap.push(parcel);
            }
            // Counted before a worker can see it, so that the figure never goes below zero.
            let count = u64::try_from(queue.heap.len() - before).unwrap_or(0);
            counters.webhooks_pending.fetch_add(count, Ordering::Relaxed);
            count
        };
        if count > 0 {
            self.wake.notify_one();
        }
    }

    /// Puts parcels back whose POST failed.
    fn put_back(&self, parcels: Vec<Parcel>) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).heap.extend(parcels);
        self.wake.notify_one();
    }

    fn find(&self, most: usize) -> Found {
        let now = Instant::now();
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        match queue.heap.peek() {
            None => return Found::Nothing,
            Some(first) if first.due > now => return Found::DueAt(first.due),
            Some(_) => {}
        }
        let mut due = Vec::new();
        while due.len() < most && queue.heap.peek().is_some_and(|parcel| parcel.due <= now) {
            due.extend(queue.heap.pop());
        }
        Found::Due(due)
    }

    /// `count` parcels are done with.
    fn done(&self, counters: &Counters, count: usize) {
        let count = u64::try_from(count).unwrap_or(0);
        if counters.webhooks_pending.fetch_sub(count, Ordering::Relaxed) == count {
            self.idle.notify_waiters();
        }
    }

    /// Waits until nothing is pending; false when `within` passed first.
    pub(in crate::simulator) async fn drain(&self, counters: &Counters, within: Duration) -> bool {
        let deadline = Instant::now() + within;
        loop {
            let idle = self.idle.notified();
            tokio::pin!(idle);
            idle.as_mut().enable();
            if counters.webhooks_pending.load(Ordering::Relaxed) == 0 {
                return true;
            }
            if timeout_at(deadline, idle).await.is_err() {
                return counters.webhooks_pending.load(Ordering::Relaxed) == 0;
            }
        }
    }
}

/// One worker: takes what is due, tells it, for ever.
pub(in crate::simulator) async fn work(world: Arc<World>) {
    let postman = &world.postman;
    let config = &world.config.webhooks;
    let (most, wait) = (config.batch_max.max(1), Duration::from_millis(config.batch_wait_ms));
    let mut connection = Connection::default();
    loop {
        let Some(target) = postman.target() else {
            postman.wake.notified().await;
            // Others may wait for the same address.
            if postman.target().is_some() {
                postman.wake.notify_one();
            }
            continue;
        };
        let mut parcels = match postman.find(most) {
            Found::Nothing => {
                postman.wake.notified().await;
                continue;
            }
            Found::DueAt(due) => {
                tokio::select! {
                    () = sleep_until(due) => {}
                    () = postman.wake.notified() => {}
                }
                continue;
            }
            Found::Due(parcels) => parcels,
        };
        if parcels.len() < most && !wait.is_zero() && parcels.iter().all(|parcel| parcel.told.is_none()) {
            sleep(wait).await;
            if let Found::Due(more) = postman.find(most - parcels.len()) {
                parcels.extend(more);
            }
        }
        // There may be more than one worker can carry.
        postman.wake.notify_one();
        write_replies(&world, &mut parcels);
        if !parcels.is_empty() {
            deliver(&world, &mut connection, &target, parcels).await;
        }
    }
}

/// People whose time has come write; what they wrote is a parcel of its own.
fn write_replies(world: &Arc<World>, parcels: &mut Vec<Parcel>) {
    let before = parcels.len();
    parcels.retain(|parcel| match &parcel.update {
        Update::Status { message, event: Event::Reply } => {
            world.reply(message, parcel.at_ms);
            false
        }
        _ => true,
    });
    let written = before - parcels.len();
    if written > 0 {
        world.postman.done(&world.counters, written);
    }
}

async fn deliver(world: &World, connection: &mut Connection, target: &Target, mut parcels: Vec<Parcel>) {
    let (config, counters, postman) = (&world.config.webhooks, &world.counters, &world.postman);
    let now = Instant::now();
    for parcel in &mut parcels {
        parcel.first_try.get_or_insert(now);
        parcel.tries = parcel.tries.saturating_add(1);
    }
    if tell(world, connection, target, &parcels).await {
        let acked = Acked { at_ms: world.now_ms(), updates: parcels.iter().filter_map(Parcel::fact).collect() };
        // Not written means told again after a restart: at least once, as at Meta.
        if let Err(error) = world.ledger.write(&Line::Acked(&acked)) {
            tracing::warn!(%error, "an acknowledgement was not written");
        }
        counters.webhooks_sent.fetch_add(u64::try_from(parcels.len()).unwrap_or(0), Ordering::Relaxed);
        postman.done(counters, parcels.len());
        for told in parcels.into_iter().filter_map(|parcel| parcel.told) {
            // Whoever waited may have gone.
            told.send(()).ok();
        }
        return;
    }
    Counters::count(&counters.webhooks_failed);
    let most = Duration::from_millis(config.retry_for_ms);
    let (again, over): (Vec<_>, Vec<_>) = parcels
        .into_iter()
        .partition(|parcel| config.retry && parcel.first_try.is_none_or(|first| now.duration_since(first) < most));
    if !over.is_empty() {
        counters.webhooks_given_up.fetch_add(u64::try_from(over.len()).unwrap_or(0), Ordering::Relaxed);
        postman.done(counters, over.len());
    }
    let back = again.into_iter().map(|mut parcel| {
        let doubled = config.retry_first_ms.saturating_mul(1 << (parcel.tries - 1).min(20));
        parcel.due = Instant::now() + Duration::from_millis(doubled.min(config.retry_most_ms));
        parcel
    });
    postman.put_back(back.collect());
}

/// One signed POST; whether it was answered with 200.
async fn tell(world: &World, connection: &mut Connection, target: &Target, parcels: &[Parcel]) -> bool {
    let body = match payload::body(world, parcels) {
        Ok(body) => Bytes::from(body),
        Err(error) => {
            tracing::error!(%error, "a webhook could not be written as JSON");
            return false;
        }
    };
    let Some(signature) = sign(world.config.app_secret.expose().as_bytes(), &body) else { return false };
    let request = connection.request(target, Method::POST, target.path(), Some(&signature), &body);
    match timeout(Duration::from_millis(world.config.webhooks.timeout_ms), request).await {
        Ok(Ok((status, _))) => status == 200,
        Ok(Err(error)) => {
            tracing::debug!(%error, "a webhook was not taken");
            false
        }
        Err(_) => false,
    }
}

/// `sha256=` and the hex of HMAC-SHA256 over the raw body. HMAC takes keys of any length, so there is always one.
fn sign(secret: &[u8], body: &[u8]) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).ok()?;
    mac.update(body);
    Some(format!("sha256={}", hex::encode(mac.finalize().into_bytes())))
}
