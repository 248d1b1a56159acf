//! The store itself: who writes, who reads, and how a transaction begins.

use std::sync::atomic::AtomicI64;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use sqlx::{Connection as _, Pool, SqlSafeStr as _, Transaction};

use super::cells::Cells;
use super::dialect::Dialect;
use super::failure::database;
use super::fare::Fares;
use super::inbox::LAST;
use super::lock::Lock;
use super::session::{Session, Value};
use crate::outbound::ledger::LedgerError;

/// How often the ledger was opened.
pub(super) const OPENINGS: &str = "SELECT incarnation FROM engine WHERE id = 1";
/// Counts an opening.
pub(super) const OPENED: &str = "UPDATE engine SET incarnation = $1 WHERE id = 1 AND incarnation < $1";

/// Told how often the ledger was opened before, says what is to be counted now; called before that is written.
pub type Count<'a> = &'a (dyn Fn(i64) -> Result<i64, LedgerError> + Send + Sync);

/// A ledger in one database.
#[derive(Debug)]
pub struct SqlStore<DB: Dialect> {
    /// The one connection that writes; none when opened for reading.
    pub(super) writer: Option<Pool<DB>>,
    readers: Pool<DB>,
    lock: Mutex<Option<Lock>>,
    /// The number of the last webhook body.
    pub(super) bodies: AtomicI64,
    pub(super) fares: Fares,
}

impl<DB: Dialect> SqlStore<DB> {
    /// A ledger that is only read.
    pub(super) fn reader(readers: Pool<DB>) -> Self {
        Self { writer: None, readers, lock: Mutex::new(None), bodies: AtomicI64::new(0), fares: Fares::default() }
    }

    /// A ledger owned by this process, its schema up to date.
    pub(super) async fn owner(
        writer: Pool<DB>,
        readers: Pool<DB>,
        lock: Option<Lock>,
        count: Count<'_>,
    ) -> Result<Self, LedgerError> {
        let mut connection = writer.acquire().await.map_err(database)?;
        let before = connection.first(OPENINGS, &[]).await?.map_or(Ok(0), |row| row.int(0))?;
        connection.execute(OPENED, &[Value::Int(count(before)?)]).await?;
        let last = connection.first(LAST, &[]).await?.map(|row| row.maybe_int(0)).transpose()?.flatten();
        drop(connection);
        let bodies = AtomicI64::new(last.unwrap_or(0));
        Ok(Self { writer: Some(writer), readers, lock: Mutex::new(lock), bodies, fares: Fares::default() })
    }

    /// The rows of a statement that only reads, as of now.
    pub async fn read(&self, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<DB::Row>, LedgerError> {
        self.readers.acquire().await.map_err(database)?.fetch(sql, values).await
    }

    /// The first row of a statement that only reads, as of now.
    pub async fn read_first(&self, sql: &'static str, values: &[Value<'_>]) -> Result<Option<DB::Row>, LedgerError> {
        Ok(self.read(sql, values).await?.into_iter().next())
    }

    /// A transaction that only reads: all its statements see one moment.
    pub(super) async fn snapshot(&self) -> Result<Transaction<'static, DB>, LedgerError> {
        self.readers.begin_with(DB::BEGIN_SNAPSHOT).await.map_err(database)
    }

    /// A transaction that writes: alone, and rolled back unless it is committed.
    pub(super) async fn write(&self) -> Result<Transaction<'static, DB>, LedgerError> {
        let writer = self.writer.as_ref().ok_or_else(|| LedgerError::Unfit("the ledger was opened for reading only".into()))?;
        let mut connection = writer.acquire().await.map_err(database)?;
        if connection.is_in_transaction() {
            // A full disk makes SQLite end a transaction by itself; the driver then counts one for ever, and begins no other.
            connection.close().await.map_err(database)?;
            connection = writer.acquire().await.map_err(database)?;
        }
        Transaction::begin(connection, Some(DB::BEGIN_WRITE.into_sql_str())).await.map_err(database)
    }
}

/// Ends a write transaction: everything in it is durable when this returns.
pub(super) async fn commit<DB: Dialect>(transaction: Transaction<'static, DB>) -> Result<(), LedgerError> {
    transaction.commit().await.map_err(database)
}

/// Closing in order, and the count that tells a ledger from its copies.
#[async_trait]
pub trait Closing: Send + Sync {
    /// Raises the count of openings to this; a lower one changes nothing.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    async fn count_openings(&self, count: i64) -> Result<(), LedgerError>;

    /// Closes all connections. A ledger dropped without it loses nothing, but the next start looks it over first.
    async fn close(&self);
}

#[async_trait]
impl<DB: Dialect> Closing for SqlStore<DB> {
    async fn count_openings(&self, count: i64) -> Result<(), LedgerError> {
        let mut transaction = self.write().await?;
        transaction.execute(OPENED, &[Value::Int(count)]).await?;
        commit(transaction).await
    }

    async fn close(&self) {
        self.readers.close().await;
        if let Some(writer) = &self.writer {
            DB::finish(writer).await;
            writer.close().await;
        }
        if let Some(mut lock) = self.lock.lock().unwrap_or_else(PoisonError::into_inner).take() {
            lock.clean();
        }
    }
}
