//! A run's report for machines: [`RunReport`] as JSON, indented, one line feed at the end. The same bytes for the same ledger.

use std::io::Write;

use async_trait::async_trait;
use serde::Serialize;

use super::format::{Format, ReportError};
use super::model::RunReport;
use super::port::Reports;
use super::words::Words;

/// JSON.
#[derive(Clone, Copy, Debug, Default)]
pub struct Json;

#[async_trait]
impl Format for Json {
    async fn write(
        &self,
        reports: &dyn Reports,
        run: &str,
        words: Words<'_>,
        out: &mut (dyn Write + Send),
    ) -> Result<(), ReportError> {
        let facts = reports.run_facts(run).await?.ok_or_else(|| ReportError::NoSuchRun(run.to_owned()))?;
        document(&RunReport::new(&facts, words), out)
    }
}

/// Writes any value as one indented JSON document.
pub fn document<T: Serialize>(value: &T, mut out: &mut (dyn Write + Send)) -> Result<(), ReportError> {
    serde_json::to_writer_pretty(&mut out, value)?;
    out.write_all(b"\n")?;
    Ok(())
}
