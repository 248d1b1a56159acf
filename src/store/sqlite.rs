//! SQLite: one file, one process that writes. Each setting that safety rests on is read back and asserted at the start.

use std::fs::OpenOptions;
use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Pool, Sqlite, SqliteConnection};

use super::cells::Cells;
use super::dialect::Dialect;
use super::failure::database;
use super::lock::Lock;
use super::migration;
use super::open::Mode;
use super::session::Session;
use super::sql::{Count, SqlStore};
use crate::outbound::ledger::LedgerError;

/// The first version without the write-ahead log's reset fault (`sqlite.org/releaselog/3_51_3.html`).
const OLDEST: (u32, u32, u32) = (3, 51, 3);
/// How long a statement waits for another process, such as one that makes a copy.
const BUSY: Duration = Duration::from_secs(5);
/// Connections for reading: claims, windows and a report beside each other.
const READERS: u32 = 4;
/// Pages of the log before they are moved into the file; 20,000 gained 10-20 % on scattered updates over the default of 1,000.
const CHECKPOINT_PAGES: &str = "20000";
/// Kibibytes of pages the writer keeps (negative: not a count of pages).
const WRITER_CACHE: &str = "-16384";
/// The look-over after an unclean stop ends after this many thousand steps of SQLite's machine, whatever the file's size.
const CHECK_STEPS: u32 = 20_000;

impl Dialect for Sqlite {
    const BEGIN_WRITE: &'static str = "BEGIN IMMEDIATE";
    const BEGIN_SNAPSHOT: &'static str = "BEGIN";
    const MIGRATIONS: &'static [(i64, &'static str, &'static str)] =
        &[(1, "ledger", include_str!("../../migrations/sqlite/0001_ledger.sql"))];

    async fn finish(writer: &Pool<Self>) {
        let Ok(mut connection) = writer.acquire().await else { return };
        if let Err(error) = connection.fetch("PRAGMA wal_checkpoint(TRUNCATE)", &[]).await {
            tracing::debug!(%error, "the log stays beside the ledger");
        }
    }
}

/// Makes new files readable by their owner alone.
pub(super) fn private(options: &mut OpenOptions) {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    #[cfg(not(unix))]
    let _ = options;
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .busy_timeout(BUSY)
        .foreign_keys(true)
        .pragma("trusted_schema", "OFF")
        .pragma("cell_size_check", "ON")
        .pragma("mmap_size", "0")
        .row_buffer_size(512)
        .disable_statement_logging()
}

/// Opens the ledger at `path`.
pub(super) async fn open(path: &Path, mode: Mode, count: Count<'_>) -> Result<SqlStore<Sqlite>, LedgerError> {
    if mode == Mode::ReadOnly {
        if !path.is_file() {
            return Err(LedgerError::Unfit(format!("there is no ledger at {}", path.display())));
        }
        let readers = reading(path);
        migration::verify::<Sqlite>(&mut *readers.acquire().await.map_err(database)?).await?;
        return Ok(SqlStore::reader(readers));
    }
    let lock = create(path)?;
    let writing = options(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        // What is deleted is overwritten: rows are people's numbers, and a purge must leave nothing in free pages.
        .pragma("secure_delete", "ON")
        .pragma("fullfsync", "ON")
        .pragma("checkpoint_fullfsync", "ON")
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        .pragma("cache_size", WRITER_CACHE);
    let writer = SqlitePoolOptions::new()
        .max_connections(1)
        .min_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_with(writing)
        .await
        .map_err(database)?;
    {
        let mut connection = writer.acquire().await.map_err(database)?;
        assert_settings(&mut connection).await?;
        if lock.unclean {
            look_over(&mut connection, path).await?;
        }
        migration::migrate::<Sqlite>(&mut connection).await?;
    }
    SqlStore::owner(writer, reading(path), Some(lock), count).await
}

fn create(path: &Path) -> Result<Lock, LedgerError> {
    let failed = |error| LedgerError::Unfit(format!("cannot make the ledger {}: {error}", path.display()));
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let lock = Lock::take(path)?;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    private(&mut options);
    options.open(path).map_err(failed)?;
    Ok(lock)
}

fn reading(path: &Path) -> Pool<Sqlite> {
    SqlitePoolOptions::new()
        .max_connections(READERS)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_lazy_with(options(path).read_only(true))
}

async fn assert_settings(connection: &mut SqliteConnection) -> Result<(), LedgerError> {
    let version = connection.first("SELECT sqlite_version()", &[]).await?;
    let version = version.as_ref().map_or(Ok(""), |row| row.text(0))?;
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    let mut part = || parts.next().unwrap_or(0);
    if (part(), part(), part()) < OLDEST {
        return Err(LedgerError::Unfit(format!(
            "SQLite {version} can lose data when its log is reset: 3.51.3 or later is needed"
        )));
    }
    let mode = connection.first("PRAGMA journal_mode", &[]).await?;
    let mode = mode.as_ref().map_or(Ok(""), |row| row.text(0))?;
    if mode != "wal" {
        return Err(LedgerError::Unfit(format!(
            "the ledger's journal mode is {mode}, not wal: put it on a local disk, not a network folder"
        )));
    }
    for (name, sql, wanted) in [
        ("synchronous", "PRAGMA synchronous", 2),
        ("foreign_keys", "PRAGMA foreign_keys", 1),
        ("trusted_schema", "PRAGMA trusted_schema", 0),
        ("cell_size_check", "PRAGMA cell_size_check", 1),
        ("secure_delete", "PRAGMA secure_delete", 1),
    ] {
        let found = connection.first(sql, &[]).await?.map_or(Ok(-1), |row| row.int(0))?;
        if found != wanted {
            return Err(LedgerError::Unfit(format!("SQLite did not take the setting {name} = {wanted}: it says {found}")));
        }
    }
    Ok(())
}

/// A quick check of the file's structure, as far as the steps allow.
async fn look_over(connection: &mut SqliteConnection, path: &Path) -> Result<(), LedgerError> {
    let mut left = CHECK_STEPS;
    connection.lock_handle().await.map_err(database)?.set_progress_handler(1000, move || {
        left = left.saturating_sub(1);
        left > 0
    });
    let found = sqlx::query("PRAGMA quick_check(1)").fetch_one(&mut *connection).await;
    connection.lock_handle().await.map_err(database)?.remove_progress_handler();
    let said = match found {
        Ok(row) => row.text(0)?.to_owned(),
        // 9: interrupted. The file is large and so far sound.
        Err(error) if error.as_database_error().and_then(sqlx::error::DatabaseError::code).is_some_and(|code| code == "9") => {
            return Ok(());
        }
        Err(error) => return Err(database(error)),
    };
    if said == "ok" {
        return Ok(());
    }
    Err(LedgerError::Unfit(format!("the ledger {} is damaged ({said}): restore a copy", path.display())))
}

#[cfg(test)]
mod tests {
    use super::super::open::{Mode, open};
    use crate::outbound::ledger::LedgerError;

    #[tokio::test]
    async fn a_ledger_is_made_with_its_folder_and_only_for_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/ledger.db");
        let url = format!("sqlite:{}", path.display());
        assert!(matches!(open(&url, Mode::ReadOnly).await.err(), Some(LedgerError::Unfit(_))));
        let store = open(&url, Mode::Engine).await.unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        let Some(LedgerError::Locked(what)) = open(&url, Mode::Engine).await.err() else { panic!("opened twice") };
        assert!(what.contains("ledger.db") && what.contains(&std::process::id().to_string()), "{what}");
        open(&url, Mode::ReadOnly).await.unwrap();
        store.close().await;
        drop(store);
        open(&url, Mode::ReadOnly).await.unwrap();
        open(&url, Mode::Engine).await.unwrap();
    }
}
