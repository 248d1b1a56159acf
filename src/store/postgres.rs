//! PostgreSQL: a server, and still one engine process a ledger. The connection that writes holds a session lock: a process that
//! loses the lock has lost its writer with it, and another can take over.

use std::str::FromStr;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgConnection, Pool, Postgres};

use super::cells::Cells;
use super::dialect::Dialect;
use super::failure::database;
use super::migration;
use super::open::Mode;
use super::session::{Session, Value};
use super::sql::{Count, SqlStore};
use crate::outbound::ledger::LedgerError;

/// Connections for reading.
const READERS: u32 = 4;
/// How long an opening waits for the lock: a process that was just killed holds it until the server notices.
const PATIENCE: &str = "2s";
/// The session lock's key: "fanfare" in ASCII. One engine a database.
const LOCK: i64 = 0x0066_616e_6661_7265;

impl Dialect for Postgres {
    const BEGIN_WRITE: &'static str = "BEGIN";
    const BEGIN_SNAPSHOT: &'static str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    const MIGRATIONS: &'static [(i64, &'static str, &'static str)] =
        &[(1, "ledger", include_str!("../../migrations/postgres/0001_ledger.sql"))];

    async fn finish(writer: &Pool<Self>) {
        // The server notices a closed connection a little later; who waits for the lock need not.
        let Ok(mut connection) = writer.acquire().await else { return };
        if let Err(error) = release(&mut connection).await {
            tracing::debug!(%error, "the lock goes with the connection");
        }
    }
}

fn options(url: &str) -> Result<PgConnectOptions, LedgerError> {
    // The parser's own message may repeat the URL, and the URL a password.
    let options =
        PgConnectOptions::from_str(url).map_err(|_| LedgerError::Unfit("the ledger's PostgreSQL URL cannot be read".into()))?;
    Ok(options
        .application_name("fanfare")
        .options([
            ("statement_timeout", "30s"),
            ("lock_timeout", "5s"),
            ("idle_in_transaction_session_timeout", "60s"),
            ("synchronous_commit", "on"),
        ])
        .disable_statement_logging())
}

/// Opens the ledger in the database at `url`.
pub(super) async fn open(url: &str, mode: Mode, count: Count<'_>) -> Result<SqlStore<Postgres>, LedgerError> {
    let options = options(url)?;
    let reading = options.clone().options([("default_transaction_read_only", "on")]);
    let readers = PgPoolOptions::new().max_connections(READERS).connect_lazy_with(reading);
    if mode == Mode::ReadOnly {
        migration::verify::<Postgres>(&mut *readers.acquire().await.map_err(database)?).await?;
        return Ok(SqlStore::reader(readers));
    }
    probe(&options).await?;
    let writer = PgPoolOptions::new()
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .after_connect(|connection, _| {
            Box::pin(async { own(connection).await.map_err(|error| sqlx::Error::Configuration(Box::new(error))) })
        })
        .connect_with(options)
        .await
        .map_err(database)?;
    {
        let mut connection = writer.acquire().await.map_err(database)?;
        let durable = connection.first("SHOW synchronous_commit", &[]).await?;
        let durable = durable.as_ref().map_or(Ok(""), |row| row.text(0))?;
        if durable != "on" {
            return Err(LedgerError::Unfit(format!("PostgreSQL's synchronous_commit is {durable}: it has to be on")));
        }
        migration::migrate::<Postgres>(&mut connection).await?;
    }
    SqlStore::owner(writer, readers, None, count).await
}

/// Takes the session's lock, waiting as long as the session's `lock_timeout` says.
async fn own(connection: &mut PgConnection) -> Result<(), LedgerError> {
    connection.execute("SELECT pg_advisory_lock($1)", &[Value::Int(LOCK)]).await.map(drop)
}

/// Refuses at once when another process has the ledger. The pool would go on trying to connect, and say only that time is up.
async fn probe(options: &PgConnectOptions) -> Result<(), LedgerError> {
    let impatient = options.clone().options([("lock_timeout", PATIENCE)]);
    let mut connection = PgConnection::connect_with(&impatient).await.map_err(database)?;
    own(&mut connection).await?;
    release(&mut connection).await?;
    connection.close().await.map_err(database)
}

async fn release(connection: &mut PgConnection) -> Result<(), LedgerError> {
    connection.execute("SELECT pg_advisory_unlock_all()", &[]).await.map(drop)
}
