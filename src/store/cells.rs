//! Reading the columns of a row, by their place. A value of the wrong type is the database's failure, never a panic.

use sqlx::{ColumnIndex, Database, Decode, Row, Type};

use super::failure::database;
use crate::outbound::ledger::LedgerError;

/// A row of a statement's answer.
pub trait Cells: Send + Sync + Sized + 'static {
    /// The whole number in column `at`, from 0.
    fn int(&self, at: usize) -> Result<i64, LedgerError>;
    /// The same where the column may be null.
    fn maybe_int(&self, at: usize) -> Result<Option<i64>, LedgerError>;
    /// The text in column `at`.
    fn text(&self, at: usize) -> Result<&str, LedgerError>;
    /// The same where the column may be null.
    fn maybe_text(&self, at: usize) -> Result<Option<&str>, LedgerError>;
    /// The bytes in column `at`.
    fn bytes(&self, at: usize) -> Result<&[u8], LedgerError>;

    /// The whole number in column `at`, which never is below zero.
    fn count(&self, at: usize) -> Result<u64, LedgerError> {
        let value = self.int(at)?;
        u64::try_from(value).map_err(|_| LedgerError::Corrupt { what: "count", value: value.to_string() })
    }
}

impl<DB, R> Cells for R
where
    DB: Database<Row = R>,
    R: Row<Database = DB> + Send + Sync + 'static,
    usize: ColumnIndex<R>,
    i64: for<'r> Decode<'r, DB> + Type<DB>,
    for<'r> &'r str: Decode<'r, DB> + Type<DB>,
    for<'r> &'r [u8]: Decode<'r, DB> + Type<DB>,
{
    fn int(&self, at: usize) -> Result<i64, LedgerError> {
        self.try_get(at).map_err(database)
    }

    fn maybe_int(&self, at: usize) -> Result<Option<i64>, LedgerError> {
        self.try_get(at).map_err(database)
    }

    fn text(&self, at: usize) -> Result<&str, LedgerError> {
        self.try_get(at).map_err(database)
    }

    fn maybe_text(&self, at: usize) -> Result<Option<&str>, LedgerError> {
        self.try_get(at).map_err(database)
    }

    fn bytes(&self, at: usize) -> Result<&[u8], LedgerError> {
        self.try_get(at).map_err(database)
    }
}
