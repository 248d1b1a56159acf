//! What differs between the databases; nothing else may.

use sqlx::migrate::Migrate;
use sqlx::{Database, Pool};

use super::cells::Cells;
use super::session::Session;

/// A database the ledger can live in.
///
/// The statements are the same text for all: `$1` parameters, rows as one JSON array read by `json_each($1)` (on PostgreSQL a
/// function of the ledger's schema), `UPDATE … FROM`, `ON CONFLICT`, `RETURNING`.
pub trait Dialect: Database<Row: Cells, Connection: Session<Row = Self::Row> + Migrate> {
    /// Begins a transaction that writes. SQLite takes the write lock at once, because a transaction that reads first and writes
    /// later can fail without waiting; PostgreSQL has no such word.
    const BEGIN_WRITE: &'static str;
    /// Begins a transaction whose statements all see one moment. SQLite's do; PostgreSQL's have to be asked.
    const BEGIN_SNAPSHOT: &'static str;
    /// Its migrations: version, name, text. The columns' types differ in name (rowid tables, bytes).
    const MIGRATIONS: &'static [(i64, &'static str, &'static str)];

    /// Tidies up before the last connection closes: SQLite moves its log into the file.
    fn finish(writer: &Pool<Self>) -> impl Future<Output = ()> + Send;
}
