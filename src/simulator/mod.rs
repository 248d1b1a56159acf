//! The other side: Meta's Cloud API on loopback, with virtual people behind it.
//!
//! In: requests to send, as Meta documents them. Out: answers in Meta's shapes, signed webhooks, and a ledger of what every person
//! really received. It imitates a contract, so it reads and checks everything by itself: it shares no logic with the engine and
//! must not learn anything from it. Every chance hangs on the seed and on the message, so a run repeats.
//!
//! A request passes through `messages`, is checked in `validate`, meets `limits`, `windows` and `faults`, becomes a
//! line of the [`ledger`], and then what `people` do with it is told by `webhook`.

mod answer;
mod catalogue;
mod chance;
mod codes;
mod config;
mod faults;
mod graph;
pub mod ledger;
mod limits;
mod messages;
mod numbers;
mod people;
mod server;
mod stats;
#[cfg(test)]
mod tests;
mod validate;
mod webhook;
mod windows;
mod world;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::value::RawValue;
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

pub use catalogue::Catalogue;
pub use config::{Latency, NumberConfig, Secret, SimulatorConfig};
pub use faults::{Fault, Faults, ScriptRule, ScriptThen, ScriptWhen};
pub use ledger::LedgerView;
pub use people::{Hello, PeopleConfig};
pub use stats::Stats;
pub use webhook::WebhookConfig;

use crate::time::Clock;
use ledger::{Ledger, Past, recover};
use people::{About, Event, course_bits};
use webhook::{Line, Parcel, Target, Update};
use world::{Words, World};

/// Why a simulator cannot start or do something.
#[derive(Debug, thiserror::Error)]
pub enum SimulatorError {
    /// The settings cannot be read or contradict themselves.
    #[error("the simulator's settings are wrong: {0}")]
    Config(String),
    /// The templates cannot be read.
    #[error("the simulator's template catalogue is wrong: {0}")]
    Catalogue(String),
    /// An address that others could reach.
    #[error("{0} is no loopback address: the simulator listens and posts on loopback only, use http://127.0.0.1")]
    NotLoopback(String),
    /// The port is taken.
    #[error("cannot listen on {address}: choose another port, or 0 for a free one")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The ledger cannot be read or written.
    #[error("the simulator's ledger {} cannot be used: move it away or give another", path.display())]
    Ledger {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The number is not one of the settings.
    #[error("the simulator has no number {0}")]
    UnknownNumber(String),
    /// The callback did not answer the handshake with the challenge.
    #[error("the callback did not answer the handshake: {0}")]
    Handshake(String),
}

/// A running simulator. Dropping it ends it at once, as a kill would; [`Simulator::shutdown`] ends it in order.
#[derive(Debug)]
pub struct Simulator {
    world: Arc<World>,
    address: SocketAddr,
    stop: CancellationToken,
    tasks: TaskTracker,
    _stop_on_drop: DropGuard,
}

impl Simulator {
    /// Starts on the current tokio runtime. A ledger that exists is continued: ids stay unique, windows stay open, and what was
    /// not acknowledged is told again.
    ///
    /// # Errors
    /// All of [`SimulatorError`] but `UnknownNumber` and `Handshake`.
    pub async fn start(config: SimulatorConfig, clock: Arc<dyn Clock>) -> Result<Self, SimulatorError> {
        config.check()?;
        let target = config.webhook_url.as_deref().map(Target::parse).transpose()?;
        let catalogue = match &config.catalogue {
            Some(path) => Catalogue::from_file(path)?,
            None => config.templates.clone(),
        };
        let (ledger, past) = open_ledger(&config)?;
        let listen = |source| SimulatorError::Listen { address: config.listen, source };
        let listener = TcpListener::bind(config.listen).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let world = Arc::new(World::new(config, catalogue, clock, ledger, &past));
        let is_fresh = past.next_seq <= 1;
        world.postman.set_target(target);
        world.resume(past);
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        tasks.spawn(server::listen(Arc::clone(&world), listener, stop.clone(), tasks.clone()));
        for _ in 0..world.config.webhooks.connections.max(1) {
            let (world, stop) = (Arc::clone(&world), stop.clone());
            tasks.spawn(async move { stop.run_until_cancelled(webhook::work(world)).await });
        }
        let simulator = Self { world, address, _stop_on_drop: stop.clone().drop_guard(), stop, tasks };
        if is_fresh {
            simulator.greet_at_start()?;
        }
        Ok(simulator)
    }

    /// Where it listens: `http://127.0.0.1:port`, to stand in for `https://graph.facebook.com`.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The figures now.
    pub fn stats(&self) -> Stats {
        self.world.counters.read()
    }

    /// What people received.
    pub fn ledger(&self) -> LedgerView {
        self.world.ledger.view()
    }

    /// Sends webhooks to `url` from now on, also those that wait. `None` lets them wait.
    ///
    /// # Errors
    /// [`SimulatorError::NotLoopback`].
    pub fn set_webhook_url(&self, url: Option<&str>) -> Result<(), SimulatorError> {
        self.world.postman.set_target(url.map(Target::parse).transpose()?);
        Ok(())
    }

    /// Does Meta's handshake with the callback at `url` (`hub.mode`, `hub.challenge`, `hub.verify_token`), then sends webhooks there.
    ///
    /// # Errors
    /// [`SimulatorError::NotLoopback`], or [`SimulatorError::Handshake`] when the callback is away, refuses, or answers with
    /// anything but the bare challenge.
    pub async fn subscribe(&self, url: &str) -> Result<(), SimulatorError> {
        let target = Target::parse(url)?;
        let challenge = (self.world.chance.nth(u64::from(self.address.port())).key() % 1_000_000_000).to_string();
        let token = utf8_percent_encode(self.world.config.verify_token.expose(), NON_ALPHANUMERIC);
        let path = target.with_query(&format!("hub.mode=subscribe&hub.challenge={challenge}&hub.verify_token={token}"));
        let wrong = SimulatorError::Handshake;
        let answer = Line::default().request(&target, Method::GET, &path, None, &Bytes::new()).await;
        match answer {
            Ok((200, body)) if *body == *challenge.as_bytes() => {}
            Ok((200, _)) => return Err(wrong("it did not answer with the challenge alone".into())),
            Ok((status, _)) => return Err(wrong(format!("it answered with status {status}"))),
            Err(error) => return Err(wrong(error.to_string())),
        }
        self.world.postman.set_target(Some(target));
        Ok(())
    }

    /// A person writes to a number: their window opens and a webhook says so. `from_phone` may have a plus. Returns the
    /// message's id.
    ///
    /// # Errors
    /// [`SimulatorError::UnknownNumber`] or [`SimulatorError::Ledger`].
    #[expect(clippy::unused_async, reason = "callers await it, so that the write may leave their thread")]
    pub async fn say(&self, number_id: &str, from_phone: &str, text: &str) -> Result<String, SimulatorError> {
        let now = self.world.now_ms();
        self.write(&Words { number_id, from: from_phone, text, at_ms: now, ..Words::default() })
    }

    /// As [`Simulator::say`], from an advertisement: for 72 hours everything to this person is free.
    ///
    /// # Errors
    /// As [`Simulator::say`].
    #[expect(clippy::unused_async, reason = "callers await it, so that the write may leave their thread")]
    pub async fn say_from_ad(&self, number_id: &str, from_phone: &str, text: &str) -> Result<String, SimulatorError> {
        let now = self.world.now_ms();
        self.write(&Words { number_id, from: from_phone, text, from_ad: true, at_ms: now, ..Words::default() })
    }

    /// Of `phones`, those who wrote in the day before the start (`people.window_open_share`) tell so now: a webhook each, with
    /// the time they wrote. Returns how many.
    ///
    /// # Errors
    /// As [`Simulator::say`].
    #[expect(clippy::unused_async, reason = "callers await it, so that the write may leave their thread")]
    pub async fn greet<'a>(&self, number_id: &str, phones: impl IntoIterator<Item = &'a str>) -> Result<usize, SimulatorError> {
        let mut count = 0;
        for phone in phones {
            let from = &self.world.person(phone);
            if let Some(at_ms) = self.world.windows.before_start(self.world.pair(number_id, from)) {
                self.write(&Words { number_id, from, text: &people::hello_text(), at_ms, ..Words::default() })?;
                count += 1;
            }
        }
        Ok(count)
    }

    /// Tells something else of an account by webhook: a paused template (`message_template_status_update`), an opt-out in the
    /// client (`user_preferences`), a limit (`business_capability_update`), whatever `field` and JSON `value` say. It is retried
    /// like all others, but stands in no ledger.
    ///
    /// # Errors
    /// [`SimulatorError::Config`] when `value` is no JSON.
    pub fn announce(&self, waba_id: &str, field: &str, value: &str) -> Result<(), SimulatorError> {
        let value = RawValue::from_string(value.to_owned()).map_err(|error| SimulatorError::Config(error.to_string()))?;
        let update = Update::News { waba_id: waba_id.to_owned(), field: field.to_owned(), value };
        let parcel = Parcel::new(update, self.world.now_ms(), Instant::now(), None);
        self.world.postman.post(&self.world.counters, [parcel]);
        Ok(())
    }

    /// Waits until every webhook was acknowledged or given up and every reply written; false when `within` passed first.
    pub async fn drain(&self, within: Duration) -> bool {
        self.world.postman.drain(&self.world.counters, within).await
    }

    /// Ends in order: waits for webhooks (up to `shutdown_wait_ms`, and only when there is a callback), then closes everything.
    /// What is still owed then is in the ledger.
    pub async fn shutdown(self) {
        if self.world.postman.target().is_some() {
            self.drain(Duration::from_millis(self.world.config.shutdown_wait_ms)).await;
        }
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    fn write(&self, words: &Words<'_>) -> Result<String, SimulatorError> {
        if self.world.numbers.get(words.number_id).is_none() {
            return Err(SimulatorError::UnknownNumber(words.number_id.to_owned()));
        }
        let from = &self.world.person(words.from);
        let path = || self.world.config.ledger.clone().unwrap_or_default();
        self.world.write(&Words { from, ..words.clone() }).map_err(|source| SimulatorError::Ledger { path: path(), source })
    }

    fn greet_at_start(&self) -> Result<(), SimulatorError> {
        let now = self.world.now_ms();
        for hello in &self.world.config.people.hello {
            let Hello { number_id, from, text, ago_ms } = hello;
            self.write(&Words { number_id, from, text, at_ms: now.saturating_sub(*ago_ms), ..Words::default() })?;
        }
        Ok(())
    }
}

fn open_ledger(config: &SimulatorConfig) -> Result<(Ledger, Past), SimulatorError> {
    let failed = |source| SimulatorError::Ledger { path: config.ledger.clone().unwrap_or_default(), source };
    let root = chance::Chance::new(config.seed);
    let owed = |message: &ledger::Message| course_bits(config, About::of(root, message), message);
    let past = match &config.ledger {
        Some(path) => recover(path, Event::Reply.bit(), owed).map_err(failed)?,
        None => Past { next_seq: 1, ..Past::default() },
    };
    let ledger = Ledger::open(config.ledger.as_deref(), past.next_seq).map_err(failed)?;
    Ok((ledger, past))
}
