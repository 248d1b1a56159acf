//! The only place that names concrete stores and adapters: from settings to a working engine.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::config::{ProviderSettings, SenderSettings, Settings};
use crate::outbound::call::Line;
use crate::outbound::emergency::Emergency;
use crate::outbound::lane::{self, LaneSetup};
use crate::outbound::ledger::{Ledger, LedgerError, SenderRecord};
use crate::outbound::quota::Quota;
use crate::outbound::session::SessionLane;
use crate::outbound::writer::Writer;
use crate::provider::contract::{Provider, Transport};
use crate::provider::http::{HttpSettings, HttpTransport, clients_for};
use crate::provider::meta::Meta;
use crate::receipt::worker::{Listeners, Worker};
use crate::server::webhooks::{self, Account, Intake, IntakeError};
use crate::simulator::{Simulator, SimulatorConfig};
use crate::time::{Clock, Timestamp};

/// The latency for which HTTP/2 connections are provided; real providers answer within it nearly always.
const USUAL_LATENCY: Duration = Duration::from_millis(250);

/// One provider, ready to speak.
#[derive(Debug)]
pub struct Wired {
    /// How to speak.
    pub provider: Arc<dyn Provider>,
    base_url: String,
    token: SecretString,
    timeout: Option<Duration>,
    account: Account,
}

/// An engine: lanes, writer, webhook intake, folding.
#[derive(Debug)]
pub struct Engine {
    /// Lanes by the senders' names.
    pub lanes: BTreeMap<String, SessionLane>,
    /// Group commit.
    pub writer: Writer,
    /// Since when webhooks are listened to.
    pub listening_since: Option<Timestamp>,
    /// Where webhooks are listened to.
    pub listening_at: Option<SocketAddr>,
    /// How long evidence may take.
    pub grace: Duration,
    simulators: Vec<Simulator>,
    receiving: CancellationToken,
    serving: Option<JoinHandle<()>>,
    folding: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
    worker: Option<JoinHandle<Result<(), LedgerError>>>,
    writing: JoinHandle<()>,
}

/// The adapter of a provider, for checks that need no engine.
///
/// # Errors
/// When its settings are wrong.
pub fn adapter(settings: &ProviderSettings) -> anyhow::Result<Arc<dyn Provider>> {
    Ok(match settings {
        ProviderSettings::Simulator(_) | ProviderSettings::Meta { version: None, .. } => Arc::new(Meta::new()),
        ProviderSettings::Meta { version: Some(version), .. } => Arc::new(Meta::with_version(version)?),
    })
}

async fn wire(
    name: &str,
    settings: &Settings,
    provider: &ProviderSettings,
    clock: &Arc<dyn Clock>,
    simulators: &mut Vec<(String, Simulator)>,
) -> anyhow::Result<Wired> {
    let adapter = adapter(provider)?;
    Ok(match provider {
        ProviderSettings::Simulator(config) => {
            let mut config: SimulatorConfig = (**config).clone();
            config.ledger = Some(config.ledger.unwrap_or_else(|| settings.data.join(format!("{name}-received.ndjson"))));
            let secret = |secret: &crate::simulator::Secret| SecretString::from(secret.expose().to_owned());
            let token = secret(&config.token);
            let account = Account { secrets: vec![secret(&config.app_secret)], verify_token: Some(secret(&config.verify_token)) };
            let simulator = Simulator::start(config, Arc::clone(clock)).await.context("the built-in simulator")?;
            let base_url = simulator.base_url();
            simulators.push((name.to_owned(), simulator));
            Wired { provider: adapter, base_url, token, timeout: None, account }
        }
        ProviderSettings::Meta { base_url, token, app_secrets, verify_token, timeout, .. } => {
            let read = |secret: &super::config::SecretName| secret.read(&settings.root);
            let account = Account {
                secrets: app_secrets.iter().map(read).collect::<anyhow::Result<_>>()?,
                verify_token: verify_token.as_ref().map(read).transpose()?,
            };
            Wired { provider: adapter, base_url: base_url.clone(), token: read(token)?, timeout: *timeout, account }
        }
    })
}

impl Engine {
    /// Starts everything that sending from these senders needs. `listeners` are the runs that hear of webhooks, from the first one on;
    /// `emergency` is what the writer falls back on.
    ///
    /// # Errors
    /// When a secret is missing, an address is taken, or the ledger fails.
    pub async fn start(
        settings: &Settings,
        senders: &[String],
        ledger: &Arc<dyn Ledger>,
        clock: &Arc<dyn Clock>,
        listeners: &Arc<Listeners>,
        emergency: Emergency,
    ) -> anyhow::Result<Self> {
        let chosen: Vec<(&String, &SenderSettings)> =
            senders.iter().filter_map(|name| settings.senders.get(name).map(|sender| (name, sender))).collect();
        let mut simulators = Vec::new();
        let mut wired = BTreeMap::new();
        for (_, sender) in &chosen {
            if let Some(provider) = settings.providers.get(&sender.provider)
                && !wired.contains_key(&sender.provider)
            {
                wired.insert(sender.provider.clone(), wire(&sender.provider, settings, provider, clock, &mut simulators).await?);
            }
        }
        let (writer, writing) = Writer::start(Arc::clone(ledger) as _, emergency);
        let mut tasks = Vec::new();
        let mut lanes = BTreeMap::new();
        let records: Vec<SenderRecord> = chosen
            .iter()
            .map(|(name, sender)| SenderRecord {
                name: (*name).clone(),
                provider: sender.provider.clone(),
                number_id: sender.number_id.clone(),
            })
            .collect();
        let numbers = ledger.senders(&records).await?;
        for ((name, sender), number) in chosen.iter().zip(numbers) {
            let Some(wired) = wired.get(&sender.provider) else { continue };
            let usual = NonZeroU32::new(wired.provider.descriptor().default_rate).unwrap_or(NonZeroU32::MIN);
            let quota = sender.rate.unwrap_or(Quota::per_second(usual));
            let (handle, task) = lane::start(LaneSetup {
                quota,
                in_flight: None,
                line: Line {
                    sender: number,
                    name: (*name).clone(),
                    provider: Arc::clone(&wired.provider),
                    transport: transport(wired, quota, clock)?,
                    writer: writer.clone(),
                    clock: Arc::clone(clock),
                },
            });
            tasks.push(task);
            let lane = SessionLane {
                sender: number,
                number_id: sender.number_id.clone(),
                provider: Arc::clone(&wired.provider),
                lane: handle,
            };
            lanes.insert((*name).clone(), lane);
        }
        let grace = settings.grace.or_else(|| wired.values().map(|wired| wired.provider.descriptor().grace).max());
        let mut engine = Self {
            lanes,
            writer,
            listening_since: None,
            listening_at: None,
            grace: grace.unwrap_or(Duration::from_secs(900)),
            simulators: Vec::new(),
            receiving: CancellationToken::new(),
            serving: None,
            folding: CancellationToken::new(),
            tasks,
            worker: None,
            writing,
        };
        engine.receive(settings, wired, simulators, ledger, clock, listeners).await?;
        Ok(engine)
    }

    /// Listens to webhooks and folds them.
    async fn receive(
        &mut self,
        settings: &Settings,
        wired: BTreeMap<String, Wired>,
        simulators: Vec<(String, Simulator)>,
        ledger: &Arc<dyn Ledger>,
        clock: &Arc<dyn Clock>,
        listeners: &Arc<Listeners>,
    ) -> anyhow::Result<()> {
        // Those this command does not send through too: a process that was killed may have left their bodies in the inbox.
        let read = |(name, provider): (&String, &ProviderSettings)| Ok((name.clone(), adapter(provider)?));
        let providers = settings.providers.iter().map(read).collect::<anyhow::Result<HashMap<_, _>>>()?;
        let worker = Worker { providers, listeners: Arc::clone(listeners), clock: Arc::clone(clock) };
        let (stop, folded) = (self.folding.clone(), Arc::clone(ledger));
        self.worker = Some(tokio::spawn(async move { worker.work(folded.as_ref(), stop).await }));
        let listen = settings.listen.or((!simulators.is_empty()).then_some(SocketAddr::from(([127, 0, 0, 1], 0))));
        let accounts: BTreeMap<String, Account> = wired.into_iter().map(|(name, wired)| (name, wired.account)).collect();
        let signed = accounts.values().any(|account| !account.secrets.is_empty());
        if settings.listen.is_some() && !signed {
            tracing::warn!(
                "webhooks are not listened to: no provider of these senders has app_secrets, so none could be believed"
            );
        }
        if let Some(listen) = listen.filter(|_| signed) {
            let listener = TcpListener::bind(listen).await.with_context(|| format!("cannot listen for webhooks on {listen}"))?;
            let at = listener.local_addr()?;
            let inbox = Inbox { writer: self.writer.clone() };
            let serving = webhooks::serve(listener, accounts, Arc::new(inbox), Arc::clone(clock), self.receiving.clone());
            self.serving = Some(tokio::spawn(async move {
                if let Err(error) = serving.await {
                    tracing::error!(%error, "the webhook listener ended");
                }
            }));
            self.listening_since = Some(clock.now());
            self.listening_at = Some(at);
            for (name, simulator) in &simulators {
                simulator.set_webhook_url(Some(&format!("http://{at}/webhooks/{name}")))?;
            }
        }
        self.simulators = simulators.into_iter().map(|(_, simulator)| simulator).collect();
        Ok(())
    }

    /// Stops receiving and sending, and waits until everything is committed.
    ///
    /// # Errors
    /// When the ledger failed while folding.
    pub async fn stop(self) -> anyhow::Result<()> {
        let Self { lanes, writer, simulators, receiving, serving, folding, tasks, worker, writing, .. } = self;
        receiving.cancel();
        drop(lanes);
        // Bodies that are being taken in are folded too: what was acknowledged stands in the report.
        if let Some(serving) = serving {
            serving.await?;
        }
        folding.cancel();
        // What failed here is said at the end: outcomes that are still on their way are committed whatever else broke.
        let folded = match worker {
            Some(worker) => worker.await.map_err(anyhow::Error::from),
            None => Ok(Ok(())),
        };
        drop(writer);
        for task in tasks {
            task.await?;
        }
        writing.await?;
        for simulator in simulators {
            simulator.shutdown().await;
        }
        Ok(folded??)
    }
}

fn transport(wired: &Wired, quota: Quota, clock: &Arc<dyn Clock>) -> anyhow::Result<Arc<dyn Transport>> {
    let mut http = HttpSettings::new(wired.base_url.clone(), SecretString::from(wired.token.expose_secret().to_owned()));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "quotas are between 0 and 64,000 a second")]
    let rate = quota.rate().ceil() as u32;
    if wired.base_url.starts_with("https://") {
        http.clients = clients_for(rate, USUAL_LATENCY);
    }
    http.timeout = wired.timeout.unwrap_or(http.timeout);
    Ok(Arc::new(HttpTransport::new(&http, Arc::clone(clock))?))
}

struct Inbox {
    writer: Writer,
}

#[async_trait::async_trait]
impl Intake for Inbox {
    async fn store(&self, provider: &str, body: bytes::Bytes, received_at: Timestamp) -> Result<(), IntakeError> {
        let body = crate::outbound::ledger::InboxBody { provider: provider.to_owned(), received_at, body };
        self.writer.store(body).await.map_err(|error| IntakeError(error.to_string()))
    }
}
