//! Planning: every row of the audience is checked, rendered once and thrown away, before anything leaves.
//!
//! [`read`] runs on a thread of its own and gives batches; a planning run puts them into the ledger, `fanfare plan` only counts them. Memory
//! does not grow with the audience. Planning twice inserts nothing: ids are derived from the records' places in the file.

use std::collections::BTreeMap;
use std::io::Write;

use super::ledger::RowCounts;
use super::script::{Script, ScriptError};
use crate::audience::{Audience, AudienceError, Consent, Digest, Fault, Phone, Reading, Region, RejectsWriter, Row};
use crate::campaign::Purpose;
use crate::decision::SkipReason;
use crate::time::Timestamp;

/// Rows handed over at once: enough for a commit's fixed cost to vanish, a few MB.
pub const BATCH: usize = 5_000;

/// One usable row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedRow {
    /// Its number among the file's data records, from 1.
    pub record: u64,
    /// Its line in the file.
    pub line: u64,
    /// The canonical number.
    pub person: Phone,
    /// Where the number belongs.
    pub region: Region,
    /// Why it will be skipped, when that is known already.
    pub skip: Option<SkipReason>,
    /// Its values, as a JSON array of strings.
    pub vars: String,
}

/// One row that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRow {
    /// Its line in the file.
    pub line: u64,
    /// The code of what is wrong.
    pub reason: &'static str,
    /// The column at fault.
    pub field: Option<String>,
}

/// Some rows of the audience.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Usable ones.
    pub rows: Vec<PlannedRow>,
    /// Unusable ones, duplicates among them.
    pub bad: Vec<BadRow>,
}

/// What reading an audience to its end found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// Records by what became of them.
    pub counts: RowCounts,
    /// Unusable rows by reason, duplicates among them.
    pub reasons: BTreeMap<&'static str, u64>,
    /// The first few unusable rows: line, column, what is wrong.
    pub examples: Vec<(u64, Option<String>, String)>,
    /// SHA-256 of the bytes that were read.
    pub digest: Option<Digest>,
}

/// How many unusable rows are shown as examples.
const EXAMPLES: usize = 5;

/// Why planning stopped.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The audience cannot be read to its end.
    #[error(transparent)]
    Audience(#[from] AudienceError),
    /// The file of rejected rows cannot be written.
    #[error("the file of rejected rows cannot be written")]
    Rejects(#[source] std::io::Error),
    /// Nobody takes the rows any more.
    #[error("planning was stopped")]
    Stopped,
}

/// Reads the whole audience, proves that every row renders, and hands the rows over in batches.
///
/// # Errors
/// When the list cannot be read to its end, the rejects cannot be written, or `hand_over` says stop (`false`).
pub fn read<W: Write>(
    audience: &mut Audience,
    script: &Script,
    now: Timestamp,
    mut rejects: Option<&mut RejectsWriter<W>>,
    mut hand_over: impl FnMut(Batch) -> bool,
) -> Result<Read, PlanError> {
    let mut read = Read::default();
    let mut batch = Batch::default();
    let mut row = Row::default();
    while let Some(reading) = audience.next_row(&mut row)? {
        read.counts.read += 1;
        match reading {
            Reading::Row => match script.prove(&row.values, now) {
                Ok(()) => {
                    read.counts.planned += 1;
                    batch.rows.push(planned(&row, script.purpose));
                }
                Err(error) => {
                    let (code, field, message) = explain(error);
                    read.bad(row.line, code, field.clone(), &message);
                    if let Some(rejects) = rejects.as_deref_mut() {
                        let fault = Fault {
                            line: row.line,
                            column: field.as_deref(),
                            code,
                            message: &message,
                            value: "",
                            suggestion: None,
                        };
                        rejects.write_fault(&fault, audience.cells()).map_err(PlanError::Rejects)?;
                    }
                    batch.bad.push(BadRow { line: row.line, reason: code, field });
                }
            },
            Reading::Reject(reject) => {
                if let Some(rejects) = rejects.as_deref_mut() {
                    rejects.write(&reject, audience.cells()).map_err(PlanError::Rejects)?;
                }
                let code = reject.reason.as_str();
                if reject.reason.is_bad() {
                    read.bad(reject.line, code, reject.column.clone(), reject.reason.message());
                } else {
                    read.counts.duplicate += 1;
                    *read.reasons.entry(code).or_default() += 1;
                }
                batch.bad.push(BadRow { line: reject.line, reason: code, field: reject.column });
            }
        }
        if batch.rows.len() + batch.bad.len() >= BATCH && !hand_over(std::mem::take(&mut batch)) {
            return Err(PlanError::Stopped);
        }
    }
    if !hand_over(batch) {
        return Err(PlanError::Stopped);
    }
    read.digest = audience.digest();
    Ok(read)
}

impl Read {
    fn bad(&mut self, line: u64, code: &'static str, field: Option<String>, message: &str) {
        self.counts.bad += 1;
        *self.reasons.entry(code).or_default() += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push((line, field, message.to_owned()));
        }
    }

    /// The share of unusable rows, in percent of all records; duplicates do not count.
    pub fn bad_percent(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "row counts are far below 2^52")]
        let percent = |part: u64, whole: u64| if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 };
        percent(self.counts.bad, self.counts.read)
    }
}

fn planned(row: &Row, purpose: Purpose) -> PlannedRow {
    let refused = purpose == Purpose::Marketing && row.consent == Consent::No;
    PlannedRow {
        record: row.record,
        line: row.line,
        person: crate::audience::canonical(row.phone),
        region: row.region,
        skip: refused.then_some(SkipReason::NoConsent),
        vars: serde_json::to_string(&row.values).unwrap_or_default(),
    }
}

fn explain(error: ScriptError) -> (&'static str, Option<String>, String) {
    let message = error.to_string();
    match error {
        ScriptError::Row(problem) => (problem.rule.as_str(), problem.column, message),
        ScriptError::Inexpressible(_) => ("inexpressible", None, message),
        ScriptError::Missing(_) => ("no_message", None, message),
        ScriptError::Broken => ("broken_renderer", None, message),
    }
}
