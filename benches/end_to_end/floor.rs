//! The floor: what the same bytes and the same facts cost a program that does nothing else. Each part is a process of its own.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fanfare::audience::Phone;
use fanfare::campaign::{Context, parse};
use fanfare::outbound::key::{DeliveryId, RunNo, run_id};
use fanfare::outbound::ledger::{Claimed, RouteTaken};
use fanfare::outbound::script::{From, Script};
use fanfare::outbound::status::Standing;
use fanfare::provider::contract::{Provider as _, Request};
use fanfare::provider::meta::Meta;
use fanfare::time::Timestamp;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, QueryBuilder, Sqlite, SqliteConnection};

use crate::Done;
use crate::engine::simulator;
use crate::place::{NUMBER, Place, Wanted};
use crate::process::{Mark, Watched, mark};

/// The argument that makes this program one of the floor's.
const ROLE: &str = "--role";
/// When the floor's messages are rendered.
const NOW: Timestamp = Timestamp(1_795_225_500_000);

/// CPU microseconds a message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Floor {
    /// A bare pooled client.
    pub client: f64,
    /// Its messages a second.
    pub client_rate: f64,
    /// A bare writer.
    pub writer: f64,
    /// One render and one body.
    pub render: f64,
}

impl Floor {
    /// All of it.
    pub(crate) fn total(&self) -> f64 {
        self.client + self.writer + self.render
    }

    /// Measures each part with so many messages.
    pub(crate) fn measure(messages: u32, in_flight: u32) -> Done<Self> {
        let place = Place::new(&Wanted { recipients: 1, ..Wanted::default() })?;
        let (provider, url) = simulator(&place, None)?;
        let (client, seconds) = play("client", &url, messages, in_flight)?;
        provider.kill()?;
        // Half of the calls in flight end while the other half is under way.
        let file = place.path("floor.db");
        let (writer, _) = play("writer", &file.display().to_string(), messages, (in_flight / 2).max(1))?;
        let (render, _) = play("render", &place.campaign().display().to_string(), messages, 1)?;
        Ok(Self { client, client_rate: f64::from(messages) / seconds, writer, render })
    }
}

/// Runs a role in a process of its own: CPU microseconds a message, and seconds.
fn play(role: &str, place: &str, messages: u32, batch: u32) -> Done<(f64, f64)> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args([ROLE, role, place, &messages.to_string(), &batch.to_string()]);
    let mut child = Watched::start(&mut command)?;
    let (line, _) = child.line("used ")?;
    child.end()?;
    let mut figures = line.split(' ').map(str::parse::<f64>);
    let mut figure = || figures.next().ok_or("no figure");
    let (cpu, seconds) = (figure()??, figure()??);
    Ok((cpu * 1e6 / f64::from(messages), seconds))
}

/// One part of the floor, as this process is told to be.
pub(crate) struct Role {
    name: String,
    place: String,
    messages: usize,
    batch: usize,
}

impl Role {
    /// The role that the arguments name, if any.
    pub(crate) fn of(arguments: &[String]) -> Option<Done<Self>> {
        let [_, flag, name, place, messages, batch] = arguments else { return None };
        let role = || {
            let (messages, batch) = (messages.parse()?, batch.parse()?);
            Ok(Self { name: name.clone(), place: place.clone(), messages, batch })
        };
        (flag == ROLE).then(role)
    }

    /// Does it, and prints what it used.
    pub(crate) fn play(self) -> Done {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let (before, after) = match self.name.as_str() {
            "client" => runtime.block_on(client(self.place, self.messages, self.batch))?,
            "writer" => runtime.block_on(writer(self.place, self.messages, self.batch))?,
            "render" => {
                let script = script(&std::fs::read_to_string(&self.place)?)?;
                let before = mark("self")?;
                for n in 0..self.messages {
                    std::hint::black_box(request(&script, n)?);
                }
                (before, mark("self")?)
            }
            other => return Err(format!("no such role: {other}").into()),
        };
        println!("used {} {}", after.cpu_since(&before), after.seconds_since(&before));
        Ok(())
    }
}

/// Posts `messages` bodies, `calls` at once, with nothing else to do.
async fn client(base: String, messages: usize, calls: usize) -> Done<(Mark, Mark)> {
    let place = Place::new(&Wanted { recipients: 1, ..Wanted::default() })?;
    let script = script(&std::fs::read_to_string(place.campaign())?)?;
    let requests: Vec<Request> = (0..messages).map(|n| request(&script, n)).collect::<Done<_>>()?;
    let (requests, next) = (Arc::new(requests), Arc::new(AtomicUsize::new(0)));
    fanfare::provider::http::install_tls();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build()?;
    let path = requests.first().map(|request| request.path.as_str()).unwrap_or_default();
    let url = Arc::new(reqwest::Url::parse(&format!("{base}{path}"))?);
    let before = mark("self")?;
    let calls = (0..calls).map(|_| {
        let (requests, next, client, url) = (Arc::clone(&requests), Arc::clone(&next), client.clone(), Arc::clone(&url));
        tokio::spawn(async move {
            while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
                let call = client
                    .post(url.as_ref().clone())
                    .header("authorization", "Bearer simulator-token")
                    .header("content-type", "application/json")
                    .body(request.body.clone());
                let answer = call.send().await?;
                if answer.status() != 200 {
                    return Err(format!("refused: {}", answer.text().await?).into());
                }
                answer.bytes().await?;
            }
            Done::Ok(())
        })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await??;
    }
    Ok((before, mark("self")?))
}

/// Commits an intent and an outcome of each message, `batch` of each in a transaction, durable like the engine's.
async fn writer(file: String, messages: usize, batch: usize) -> Done<(Mark, Mark)> {
    let mut ledger = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("wal_autocheckpoint", "20000")
        .disable_statement_logging()
        .connect()
        .await?;
    sqlx::query("CREATE TABLE intent (id INTEGER PRIMARY KEY, sender INTEGER, digest INTEGER, at INTEGER)")
        .execute(&mut ledger)
        .await?;
    sqlx::query("CREATE TABLE outcome (id INTEGER PRIMARY KEY, state INTEGER, at INTEGER, provider_id TEXT)")
        .execute(&mut ledger)
        .await?;
    let before = mark("self")?;
    let mut sent = 0..0;
    for first in (0..messages).step_by(batch) {
        let next = first..(first + batch).min(messages);
        commit(&mut ledger, sent, next.clone()).await?;
        sent = next;
    }
    commit(&mut ledger, sent, 0..0).await?;
    Ok((before, mark("self")?))
}

async fn commit(ledger: &mut SqliteConnection, outcomes: std::ops::Range<usize>, intents: std::ops::Range<usize>) -> Done {
    sqlx::query("BEGIN IMMEDIATE").execute(&mut *ledger).await?;
    let number = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    if !outcomes.is_empty() {
        let mut insert = QueryBuilder::<Sqlite>::new("INSERT INTO outcome (id, state, at, provider_id) ");
        insert.push_values(outcomes, |mut row, n| {
            row.push_bind(number(n)).push_bind(3_i64).push_bind(NOW.0);
            row.push_bind(format!("wamid.HBgNNTIxNTUxMjM0NTY3OBUCABEYEj{n:016X}AA=="));
        });
        insert.build().execute(&mut *ledger).await?;
    }
    if !intents.is_empty() {
        let mut insert = QueryBuilder::<Sqlite>::new("INSERT INTO intent (id, sender, digest, at) ");
        insert.push_values(intents, |mut row, n| {
            row.push_bind(number(n)).push_bind(1_i64).push_bind(number(n).wrapping_mul(0x5851_f42d_4c95_7f2d)).push_bind(NOW.0);
        });
        insert.build().execute(&mut *ledger).await?;
    }
    sqlx::query("COMMIT").execute(&mut *ledger).await?;
    Ok(())
}

fn script(campaign: &str) -> Done<Script> {
    let wrong = |problems: Vec<_>| format!("the campaign is wrong: {problems:?}");
    let (campaign, _) = parse(campaign, &Context { senders: None, now: NOW }).map_err(wrong)?;
    let columns = Script::columns_of(&campaign).map_err(wrong)?;
    Ok(Script::new(&campaign, columns).map_err(wrong)?)
}

/// One render and one body, as the engine makes them.
fn request(script: &Script, n: usize) -> Done<Request> {
    let meta = Meta::new();
    let n = u64::try_from(n)?;
    let claimed = Claimed {
        id: DeliveryId::new(RunNo(1), n + 1).ok_or("too many")?,
        person: Phone::from_digits(525_510_000_000 + n).ok_or("no phone")?,
        line: n,
        standing: Standing::PLANNED,
        vars: vec![format!("Ana{n:07}"), format!("Puebla{:04}", n % 10_000), format!("{n:06} MXN"), format!("CODE{n:06}")],
    };
    let number = NUMBER.to_string();
    let run = run_id("bench", "1");
    let from = From { run_id: &run, number_id: &number, provider: &meta };
    debug_assert!(meta.descriptor().client_ref.is_some(), "the key goes along");
    let (request, _) = script.request(&claimed, RouteTaken::Template, &from, NOW)?;
    Ok(request)
}
