//! One connection's two verbs. All that binds and runs goes through here, so that the bounds sqlx asks for stand in one place.

use std::future::Future;

use sqlx::{Arguments, Connection, Database, Encode, Executor, IntoArguments, SqlSafeStr, Type};

use super::cells::Cells;
use super::failure::{Affected, database};
use super::rows::clean;
use crate::outbound::ledger::LedgerError;

/// A statement's parameter: `$1` is the first.
#[derive(Clone, Copy, Debug)]
pub enum Value<'a> {
    /// A whole number.
    Int(i64),
    /// A whole number, or null.
    MaybeInt(Option<i64>),
    /// A text.
    Text(&'a str),
    /// A text, or null.
    MaybeText(Option<&'a str>),
    /// Bytes.
    Bytes(&'a [u8]),
}

/// A connection, or a transaction's.
pub trait Session: Send {
    /// What its statements answer with.
    type Row: Cells;

    /// Runs a statement; how many rows it changed.
    fn execute(&mut self, sql: &'static str, values: &[Value<'_>]) -> impl Future<Output = Result<u64, LedgerError>> + Send;

    /// Runs a statement; its rows.
    fn fetch(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> impl Future<Output = Result<Vec<Self::Row>, LedgerError>> + Send;

    /// Runs a statement; its first row, if any.
    fn first(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> impl Future<Output = Result<Option<Self::Row>, LedgerError>> + Send {
        let rows = self.fetch(sql, values);
        async move { Ok(rows.await?.into_iter().next()) }
    }

    /// Checks that a statement can be run, without running it.
    fn check(&mut self, sql: &'static str) -> impl Future<Output = Result<(), LedgerError>> + Send;
}

fn bound<DB>(values: &[Value<'_>]) -> Result<DB::Arguments, LedgerError>
where
    DB: Database,
    i64: for<'q> Encode<'q, DB> + Type<DB>,
    for<'q> &'q str: Encode<'q, DB> + Type<DB>,
    for<'q> &'q [u8]: Encode<'q, DB> + Type<DB>,
    for<'q> Option<i64>: Encode<'q, DB> + Type<DB>,
    for<'q> Option<&'q str>: Encode<'q, DB> + Type<DB>,
{
    let mut arguments = DB::Arguments::default();
    for value in values {
        match *value {
            Value::Int(value) => arguments.add(value),
            Value::MaybeInt(value) => arguments.add(value),
            Value::Text(value) => arguments.add(&*clean(value)),
            Value::MaybeText(value) => arguments.add(value.map(clean).as_deref()),
            Value::Bytes(value) => arguments.add(value),
        }
        .map_err(LedgerError::Database)?;
    }
    Ok(arguments)
}

impl<DB, C> Session for C
where
    DB: Database<Connection = C, Row: Cells, QueryResult: Affected, Arguments: IntoArguments<DB>>,
    C: Connection<Database = DB>,
    for<'c> &'c mut C: Executor<'c, Database = DB>,
    i64: for<'q> Encode<'q, DB> + Type<DB>,
    for<'q> &'q str: Encode<'q, DB> + Type<DB>,
    for<'q> &'q [u8]: Encode<'q, DB> + Type<DB>,
    for<'q> Option<i64>: Encode<'q, DB> + Type<DB>,
    for<'q> Option<&'q str>: Encode<'q, DB> + Type<DB>,
{
    type Row = DB::Row;

    fn execute(&mut self, sql: &'static str, values: &[Value<'_>]) -> impl Future<Output = Result<u64, LedgerError>> + Send {
        let arguments = bound::<DB>(values);
        async move { Ok(sqlx::query_with(sql, arguments?).execute(self).await.map_err(database)?.rows()) }
    }

    fn fetch(
        &mut self,
        sql: &'static str,
        values: &[Value<'_>],
    ) -> impl Future<Output = Result<Vec<DB::Row>, LedgerError>> + Send {
        let arguments = bound::<DB>(values);
        async move { sqlx::query_with(sql, arguments?).fetch_all(self).await.map_err(database) }
    }

    async fn check(&mut self, sql: &'static str) -> Result<(), LedgerError> {
        Executor::prepare(self, sql.into_sql_str()).await.map(drop).map_err(database)
    }
}
