//! Opening a ledger by its URL.

use std::sync::Arc;

use super::dialect::Dialect;
use super::sql::{Closing, Count, SqlStore};
use super::{postgres, sqlite};
use crate::outbound::ledger::{Ledger, LedgerError};
use crate::report::port::Reports;

/// What a ledger is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// To plan, send and receive: one process at a time; brings the schema up to date.
    Engine,
    /// To report: takes no lock, beside a working engine too; refuses a ledger that is not there.
    ReadOnly,
}

/// All that a ledger can do.
pub trait Store: Ledger + Reports + Closing {}
impl<DB: Dialect> Store for SqlStore<DB> {}

/// Opens the ledger at `sqlite:<path>` or `postgres://…`.
///
/// # Errors
/// [`LedgerError::Locked`] when another process has it, [`LedgerError::Unfit`] when it cannot be used as it is.
pub async fn open(url: &str, mode: Mode) -> Result<Arc<dyn Store>, LedgerError> {
    open_watched(url, mode, &|openings| Ok(openings + 1)).await
}

/// Opens a ledger as [`open`] does; an engine's opening is counted as `count` says, after `count` is done. So whoever compares the count
/// with what it remembers is asked before the count can change, and an end of the process in between leaves no trace.
///
/// # Errors
/// As [`open`], and what `count` refuses.
pub async fn open_watched(url: &str, mode: Mode, count: Count<'_>) -> Result<Arc<dyn Store>, LedgerError> {
    if let Some(path) = url.strip_prefix("sqlite:") {
        return Ok(Arc::new(sqlite::open(path.as_ref(), mode, count).await?));
    }
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok(Arc::new(postgres::open(url, mode, count).await?));
    }
    // The URL itself is not repeated: it may hold a password.
    Err(LedgerError::Unfit("a ledger's URL is `sqlite:<path>` or `postgres://user@host/database`".into()))
}
