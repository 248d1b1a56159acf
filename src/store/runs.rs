//! Senders and runs: their names, their states, their totals. Deliveries are written by [`super::plan`].

use std::collections::HashMap;

use async_trait::async_trait;

use super::cells::Cells;
use super::codes::{corrupt, on_unknown, on_unknown_code, run_state, sender, state};
use super::dialect::Dialect;
use super::plan;
use super::rows::Rows;
use super::session::{Session, Value};
use super::sql::{SqlStore, commit};
use crate::outbound::key::RunNo;
use crate::outbound::ledger::{
    LedgerError, NewDelivery, NewRun, RejectedRow, RowCounts, RunRecord, Runs, SenderNo, SenderRecord, StateCounts,
};
use crate::outbound::status::RunState;
use crate::time::Timestamp;

const PUT_SENDERS: &str = "\
    INSERT INTO sender (no, name, provider, number_id) \
    SELECT (SELECT COALESCE(MAX(no), 0) FROM sender) + CAST(value ->> 0 AS BIGINT), value ->> 1, value ->> 2, value ->> 3 \
    FROM jsonb_each($1) WHERE true \
    ON CONFLICT (provider, number_id) DO UPDATE SET name = excluded.name";
const SENDERS: &str = "SELECT no, provider, number_id FROM sender";

const CREATE_RUN: &str = "\
    INSERT INTO run (no, id, campaign, run_key, state, campaign_text, campaign_digest, audience_digest, audience_name, columns, \
                     on_unknown, created_at, expires_at) \
    SELECT COALESCE(MAX(no), 0) + 1, $1, $2, $3, 0, $4, $5, $6, $7, $8, CAST($9 AS BIGINT), CAST($10 AS BIGINT), CAST($11 AS BIGINT) \
    FROM run WHERE true \
    ON CONFLICT (id) DO NOTHING";
const RUN: &str = "\
    SELECT no, id, campaign, run_key, state, version, reason, campaign_text, campaign_digest, audience_digest, audience_name, \
           columns, on_unknown, rows_read, rows_planned, rows_bad, rows_duplicate, created_at, started_at, finished_at, expires_at \
    FROM run WHERE id = $1";
const RUNS: &str = "\
    SELECT no, id, campaign, run_key, state, version, reason, campaign_text, campaign_digest, audience_digest, audience_name, \
           columns, on_unknown, rows_read, rows_planned, rows_bad, rows_duplicate, created_at, started_at, finished_at, expires_at \
    FROM run ORDER BY no DESC LIMIT $1";
// A run becomes running by this alone, ready (the first time) by FINISH_PLANNING and completed by COMPLETE: see MOVABLE.
const MOVE_RUN: &str = "\
    UPDATE run SET state = $3, version = version + 1, reason = $4, \
           started_at = CASE WHEN CAST($3 AS BIGINT) = 2 THEN COALESCE(started_at, CAST($5 AS BIGINT)) ELSE started_at END, \
           finished_at = CASE WHEN CAST($3 AS BIGINT) > 3 THEN CAST($5 AS BIGINT) ELSE NULL END \
    WHERE no = $1 AND state = $2";
const FINISH_PLANNING: &str = "\
    UPDATE run SET state = 1, version = version + 1, rows_read = $2, rows_planned = $3, rows_bad = $4, rows_duplicate = $5 \
    WHERE no = $1 AND state = 0 AND (SELECT COUNT(*) FROM delivery WHERE id BETWEEN $6 AND $7) = $3";
const TOTALS: &str = "SELECT state, rows_planned FROM run WHERE no = $1";
const COMPLETE: &str =
    "UPDATE run SET state = 4, version = version + 1, reason = NULL, finished_at = $2 WHERE no = $1 AND state = 2";
const COUNTS: &str = "SELECT state, COUNT(*) FROM delivery WHERE id BETWEEN $1 AND $2 GROUP BY state";

/// All of this file's statements.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] =
    &[PUT_SENDERS, SENDERS, CREATE_RUN, RUN, RUNS, MOVE_RUN, FINISH_PLANNING, TOTALS, COMPLETE, COUNTS];

/// The ids a run's deliveries lie between: a run is one stretch of the table.
pub(super) fn stretch(run: RunNo) -> (i64, i64) {
    let first = i64::from(run.0) << 32;
    (first, first | 0xffff_ffff)
}

fn record(row: &impl Cells) -> Result<RunRecord, LedgerError> {
    let columns = row.text(11)?;
    Ok(RunRecord {
        no: RunNo(u32::try_from(row.int(0)?).map_err(|_| corrupt("run number", &"out of range"))?),
        state: run_state(row.int(4)?)?,
        version: row.int(5)?,
        reason: row.maybe_text(6)?.map(str::to_owned),
        rows: RowCounts { read: row.count(13)?, planned: row.count(14)?, bad: row.count(15)?, duplicate: row.count(16)? },
        started_at: row.maybe_int(18)?.map(Timestamp),
        finished_at: row.maybe_int(19)?.map(Timestamp),
        run: NewRun {
            id: row.text(1)?.to_owned(),
            campaign: row.text(2)?.to_owned(),
            run_key: row.text(3)?.to_owned(),
            campaign_text: row.text(7)?.to_owned(),
            campaign_digest: row.text(8)?.to_owned(),
            audience_digest: row.text(9)?.to_owned(),
            audience_name: row.text(10)?.to_owned(),
            columns: serde_json::from_str(columns).map_err(|_| corrupt("list of columns", &columns))?,
            on_unknown: on_unknown(row.int(12)?)?,
            created_at: Timestamp(row.int(17)?),
            expires_at: row.maybe_int(20)?.map(Timestamp),
        },
    })
}

fn number(count: u64) -> Result<i64, LedgerError> {
    i64::try_from(count).map_err(|_| corrupt("count", &count))
}

fn tally(rows: &[impl Cells]) -> Result<StateCounts, LedgerError> {
    rows.iter().map(|row| Ok((state(row.int(0)?)?, row.count(1)?))).collect()
}

/// Whether an edge is one that [`Runs::move_run`] may take: those with a check of their own have a method of their own.
fn movable(from: RunState, to: RunState) -> bool {
    from.may_become(to) && !matches!((from, to), (RunState::Planning, RunState::Ready) | (_, RunState::Completed))
}

#[async_trait]
impl<DB: Dialect> Runs for SqlStore<DB> {
    async fn senders(&self, senders: &[SenderRecord]) -> Result<Vec<SenderNo>, LedgerError> {
        let mut transaction = self.write().await?;
        let mut seen = HashMap::new();
        let mut rows = Rows::with_capacity(senders.len(), 64);
        for record in senders {
            let next = number(seen.len() as u64 + 1)?;
            // The same number under two names: one row, or the statement would meet it twice.
            if seen.insert((&record.provider, &record.number_id), next).is_none() {
                rows.row(|row| {
                    row.int(next);
                    row.text(&record.name);
                    row.text(&record.provider);
                    row.text(&record.number_id);
                });
            }
        }
        transaction.execute(PUT_SENDERS, &[Value::Text(&rows.finish())]).await?;
        let mut numbers = HashMap::new();
        for row in transaction.fetch(SENDERS, &[]).await? {
            numbers.insert((row.text(1)?.to_owned(), row.text(2)?.to_owned()), sender(row.int(0)?)?);
        }
        commit(transaction).await?;
        let number_of = |record: &SenderRecord| {
            let key = (record.provider.clone(), record.number_id.clone());
            numbers.get(&key).copied().ok_or_else(|| corrupt("sender", &&record.name))
        };
        senders.iter().map(number_of).collect()
    }

    async fn create_run(&self, run: &NewRun) -> Result<RunRecord, LedgerError> {
        let columns = serde_json::to_string(&run.columns).map_err(|error| LedgerError::Database(Box::new(error)))?;
        let mut transaction = self.write().await?;
        let values = [
            Value::Text(&run.id),
            Value::Text(&run.campaign),
            Value::Text(&run.run_key),
            Value::Text(&run.campaign_text),
            Value::Text(&run.campaign_digest),
            Value::Text(&run.audience_digest),
            Value::Text(&run.audience_name),
            Value::Text(&columns),
            Value::Int(on_unknown_code(run.on_unknown)),
            Value::Int(run.created_at.0),
            Value::MaybeInt(run.expires_at.map(|at| at.0)),
        ];
        transaction.execute(CREATE_RUN, &values).await?;
        let row = transaction.first(RUN, &[Value::Text(&run.id)]).await?.ok_or_else(|| corrupt("run", &&run.id))?;
        let record = record(&row)?;
        commit(transaction).await?;
        Ok(record)
    }

    async fn run(&self, id: &str) -> Result<Option<RunRecord>, LedgerError> {
        self.read_first(RUN, &[Value::Text(id)]).await?.as_ref().map(record).transpose()
    }

    async fn runs(&self, limit: u32) -> Result<Vec<RunRecord>, LedgerError> {
        self.read(RUNS, &[Value::Int(limit.into())]).await?.iter().map(record).collect()
    }

    async fn plan(&self, run: RunNo, deliveries: &[NewDelivery], rejected: &[RejectedRow]) -> Result<u64, LedgerError> {
        let mut transaction = self.write().await?;
        let planned = plan::insert::<DB>(&mut transaction, run, deliveries, rejected).await?;
        commit(transaction).await?;
        Ok(planned)
    }

    async fn finish_planning(&self, run: RunNo, counts: RowCounts) -> Result<bool, LedgerError> {
        let (first, last) = stretch(run);
        let mut transaction = self.write().await?;
        let values = [
            Value::Int(run.0.into()),
            Value::Int(number(counts.read)?),
            Value::Int(number(counts.planned)?),
            Value::Int(number(counts.bad)?),
            Value::Int(number(counts.duplicate)?),
            Value::Int(first),
            Value::Int(last),
        ];
        let changed = transaction.execute(FINISH_PLANNING, &values).await?;
        commit(transaction).await?;
        Ok(changed == 1)
    }

    async fn move_run(
        &self,
        run: RunNo,
        from: RunState,
        to: RunState,
        reason: Option<&str>,
        at: Timestamp,
    ) -> Result<bool, LedgerError> {
        if !movable(from, to) {
            return Err(corrupt("change of a run", &format!("{} to {}", from.as_str(), to.as_str())));
        }
        let mut transaction = self.write().await?;
        let values = [
            Value::Int(run.0.into()),
            Value::Int(from.code()),
            Value::Int(to.code()),
            Value::MaybeText(reason),
            Value::Int(at.0),
        ];
        let changed = transaction.execute(MOVE_RUN, &values).await?;
        commit(transaction).await?;
        Ok(changed == 1)
    }

    async fn complete_run(&self, run: RunNo, at: Timestamp) -> Result<(bool, StateCounts), LedgerError> {
        let (first, last) = stretch(run);
        let mut transaction = self.write().await?;
        let counts = tally(&transaction.fetch(COUNTS, &[Value::Int(first), Value::Int(last)]).await?)?;
        let totals = transaction.first(TOTALS, &[Value::Int(run.0.into())]).await?;
        let Some(totals) = totals else { return Err(corrupt("run number", &run.0)) };
        let running = run_state(totals.int(0)?)? == RunState::Running;
        if !running || counts.keys().any(|state| !state.is_terminal()) {
            return Ok((false, counts));
        }
        let (planned, stored) = (totals.count(1)?, counts.values().sum::<u64>());
        if planned != stored {
            return Err(corrupt("number of deliveries", &format!("{stored}, but {planned} were planned")));
        }
        let changed = transaction.execute(COMPLETE, &[Value::Int(run.0.into()), Value::Int(at.0)]).await?;
        commit(transaction).await?;
        Ok((changed == 1, counts))
    }

    async fn counts(&self, run: RunNo) -> Result<StateCounts, LedgerError> {
        let (first, last) = stretch(run);
        tally(&self.read(COUNTS, &[Value::Int(first), Value::Int(last)]).await?)
    }
}
