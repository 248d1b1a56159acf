//! What every format of a run's report is: something that asks the ledger for what it needs and writes it down.

use std::io::{self, Write};

use async_trait::async_trait;

use super::port::{Reports, RunHead};
use super::words::Words;
use crate::outbound::ledger::LedgerError;

/// A report could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The ledger could not be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// There is no such run.
    #[error("there is no run {0} in this ledger; `fanfare runs` lists those it has")]
    NoSuchRun(String),
    /// The output could not be written: a full disk, a closed pipe.
    #[error("the report could not be written")]
    Output(#[from] io::Error),
    /// A run could not be put into the format.
    #[error("the report could not be put into JSON")]
    Json(#[from] serde_json::Error),
}

impl From<::csv::Error> for ReportError {
    fn from(error: ::csv::Error) -> Self {
        match error.into_kind() {
            ::csv::ErrorKind::Io(error) => Self::Output(error),
            other => Self::Output(io::Error::other(format!("{other:?}"))),
        }
    }
}

/// One way to write a run down.
#[async_trait]
pub trait Format: Send + Sync {
    /// Writes the report of the run with this public id. The output is not flushed.
    async fn write(
        &self,
        reports: &dyn Reports,
        run: &str,
        words: Words<'_>,
        out: &mut (dyn Write + Send),
    ) -> Result<(), ReportError>;
}

/// The run with this id, or the error that says there is none.
pub(super) async fn head(reports: &dyn Reports, run: &str) -> Result<RunHead, ReportError> {
    reports.run_head(run).await?.ok_or_else(|| ReportError::NoSuchRun(run.to_owned()))
}
