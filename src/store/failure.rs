//! What a database's errors mean to the engine. The codes of the two do not overlap: SQLite's are numbers, PostgreSQL's have
//! five characters.

use crate::outbound::ledger::LedgerError;

/// How many rows a statement changed; both databases say so, by methods of no common trait.
pub trait Affected {
    /// How many.
    fn rows(&self) -> u64;
}

impl Affected for sqlx::sqlite::SqliteQueryResult {
    fn rows(&self) -> u64 {
        self.rows_affected()
    }
}

impl Affected for sqlx::postgres::PgQueryResult {
    fn rows(&self) -> u64 {
        self.rows_affected()
    }
}

/// The ledger's error for a database's.
pub(super) fn database(error: sqlx::Error) -> LedgerError {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code).unwrap_or_default().into_owned();
    // The log's index could not grow: "often because the underlying filesystem is out of space" (sqlite.org/rescode.html).
    if code == "4874" {
        return LedgerError::Full;
    }
    // SQLite's extended codes carry the primary one in their low byte (sqlite.org/rescode.html): 5 busy, 11 corrupt, 13 full,
    // 26 no database.
    match code.parse::<u32>().ok().filter(|_| code.len() < 5).map(|code| code & 0xff) {
        Some(5) => LedgerError::Locked("the ledger's database".to_owned()),
        Some(11 | 26) => LedgerError::Unfit(format!("the ledger's file is damaged or no ledger ({error}); restore a copy")),
        Some(13) => LedgerError::Full,
        // PostgreSQL: disk_full, lock_not_available (postgresql.org/docs/current/errcodes-appendix.html).
        _ if code == "53100" => LedgerError::Full,
        _ if code == "55P03" => LedgerError::Locked("the ledger's database".to_owned()),
        _ => LedgerError::Database(Box::new(error)),
    }
}
