//! Planned rows into the ledger, a thousand or so a statement. What is there already is left alone, so that planning twice plans once.

use super::cells::Cells;
use super::codes::{corrupt, person, run_state};
use super::dialect::Dialect;
use super::rows::Rows;
use super::session::{Session, Value};
use crate::outbound::key::RunNo;
use crate::outbound::ledger::{LedgerError, NewDelivery, RejectedRow};
use crate::outbound::status::RunState;

const STATE: &str = "SELECT state FROM run WHERE no = $1";
// No target of the conflict: neither the same id nor the same person twice in a run.
const INSERT: &str = "\
    INSERT INTO delivery (id, run, person, line, state, reason, vars) \
    SELECT CAST(value ->> 0 AS BIGINT), $2, CAST(value ->> 1 AS BIGINT), CAST(value ->> 2 AS BIGINT), CAST(value ->> 3 AS BIGINT), \
           CAST(value ->> 4 AS BIGINT), value ->> 5 \
    FROM jsonb_each($1) WHERE true \
    ON CONFLICT DO NOTHING";
const REJECT: &str = "\
    INSERT INTO rejected_row (run, line, reason, field) \
    SELECT $2, CAST(value ->> 0 AS BIGINT), value ->> 1, value ->> 2 \
    FROM jsonb_each($1) WHERE true \
    ON CONFLICT DO NOTHING";

/// All of this file's statements.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[STATE, INSERT, REJECT];

/// Writes planned deliveries and rejected rows; how many deliveries were new.
pub(super) async fn insert<DB: Dialect>(
    connection: &mut DB::Connection,
    run: RunNo,
    deliveries: &[NewDelivery],
    rejected: &[RejectedRow],
) -> Result<u64, LedgerError> {
    let no = Value::Int(run.0.into());
    let state = connection.first(STATE, &[no]).await?.ok_or_else(|| corrupt("run number", &run.0))?;
    let state = run_state(state.int(0)?)?;
    if state != RunState::Planning {
        return Err(LedgerError::Unfit(format!("the run is {}: nothing can be added to it", state.as_str())));
    }
    let line = |line: u64| i64::try_from(line).map_err(|_| corrupt("line", &line));
    let mut planned = 0;
    if !deliveries.is_empty() {
        let mut rows = Rows::with_capacity(deliveries.len(), 120);
        for delivery in deliveries {
            if delivery.id.run() != run {
                return Err(corrupt("delivery of another run", &delivery.id.raw()));
            }
            let line = line(delivery.line)?;
            rows.row(|row| {
                row.ints([delivery.id.raw(), person(delivery.person), line, delivery.state.code(), delivery.reason.into()]);
                row.text(&delivery.vars);
            });
        }
        planned = connection.execute(INSERT, &[Value::Text(&rows.finish()), no]).await?;
    }
    if !rejected.is_empty() {
        let mut rows = Rows::with_capacity(rejected.len(), 48);
        for rejected in rejected {
            let line = line(rejected.line)?;
            rows.row(|row| {
                row.int(line);
                row.text(rejected.reason);
                row.maybe_text(rejected.field.as_deref());
            });
        }
        connection.execute(REJECT, &[Value::Text(&rows.finish()), no]).await?;
    }
    Ok(planned)
}
