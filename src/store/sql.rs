//! The store itself: who writes, who reads, and how a transaction begins.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use sqlx::{Pool, Transaction};

use super::dialect::Dialect;
use super::failure::database;
use super::lock::Lock;
use super::session::{Session, Value};
use crate::outbound::ledger::LedgerError;

/// A ledger in one database.
#[derive(Debug)]
pub struct SqlStore<DB: Dialect> {
    /// The one connection that writes; none when opened for reading.
    pub(super) writer: Option<Pool<DB>>,
    readers: Pool<DB>,
    lock: Mutex<Option<Lock>>,
}

impl<DB: Dialect> SqlStore<DB> {
    pub(super) fn new(writer: Option<Pool<DB>>, readers: Pool<DB>, lock: Option<Lock>) -> Self {
        Self { writer, readers, lock: Mutex::new(lock) }
    }

    /// The rows of a statement that only reads, as of now.
    pub async fn read(&self, sql: &'static str, values: &[Value<'_>]) -> Result<Vec<DB::Row>, LedgerError> {
        self.readers.acquire().await.map_err(database)?.fetch(sql, values).await
    }

    /// The first row of a statement that only reads, as of now.
    pub async fn read_first(&self, sql: &'static str, values: &[Value<'_>]) -> Result<Option<DB::Row>, LedgerError> {
        Ok(self.read(sql, values).await?.into_iter().next())
    }

    /// A transaction that writes: alone, and rolled back unless it is committed.
    pub(super) async fn write(&self) -> Result<Transaction<'static, DB>, LedgerError> {
        let writer = self.writer.as_ref().ok_or_else(|| LedgerError::Unfit("the ledger was opened for reading only".into()))?;
        writer.begin_with(DB::BEGIN_WRITE).await.map_err(database)
    }
}

/// Ends a write transaction: everything in it is durable when this returns.
pub(super) async fn commit<DB: Dialect>(transaction: Transaction<'static, DB>) -> Result<(), LedgerError> {
    transaction.commit().await.map_err(database)
}

/// Closing in order.
#[async_trait]
pub trait Closing: Send + Sync {
    /// Closes all connections. A ledger dropped without it loses nothing, but the next start looks it over first.
    async fn close(&self);
}

#[async_trait]
impl<DB: Dialect> Closing for SqlStore<DB> {
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
