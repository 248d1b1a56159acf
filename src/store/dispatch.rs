//! What sending reads, and its writes: taking pending deliveries in order, finding open ones, committing groups.

use std::collections::HashMap;

use async_trait::async_trait;

use super::cells::Cells;
use super::codes::{corrupt, person, phone, route, sender, standing};
use super::dialect::Dialect;
use super::group::{Care, intend, settle};
use super::inbox::receive;
use super::rows::Rows;
use super::runs::stretch;
use super::session::{Session, Value};
use super::sql::{SqlStore, commit};
use crate::audience::Phone;
use crate::outbound::key::{DeliveryId, RunNo};
use crate::outbound::ledger::{Claimed, Dispatch, Group, GroupResult, Heard, LedgerError, OpenAttempt, SenderNo};
use crate::outbound::status::State;
use crate::time::Timestamp;

// `state < 3` in each: it is the index's own condition. State 0 is pending, 1 intent, 2 unknown.
const FRESH: &str = "\
    SELECT id, person, line, state, tries, gen, flags, due_at, vars FROM delivery \
    WHERE run = $1 AND due_at = 0 AND state < 3 AND state = 0 AND id > $2 ORDER BY id LIMIT $3";
const DUE: &str = "\
    SELECT id, person, line, state, tries, gen, flags, due_at, vars FROM delivery \
    WHERE run = $1 AND due_at > 0 AND due_at <= $2 AND state < 3 AND state = 0 ORDER BY due_at, id LIMIT $3";
const NEXT_DUE: &str = "SELECT MIN(due_at) FROM delivery WHERE run = $1 AND due_at > 0 AND state < 3";
const WINDOWS: &str = "\
    SELECT w.sender, w.person, w.last_inbound FROM jsonb_each($1) AS s CROSS JOIN jsonb_each($2) AS p CROSS JOIN contact_window AS w \
    WHERE w.sender = CAST(s.value AS BIGINT) AND w.person = CAST(p.value AS BIGINT)";
// Intents have a due time: fresh rows, which may be millions, are passed over.
const INTENTS: &str = "\
    SELECT id, person, state, tries, gen, flags, due_at, sender, route, digest, intent_at FROM delivery \
    WHERE run = $1 AND due_at > 0 AND state < 3 AND state = 1 ORDER BY due_at, id LIMIT $2";
const UNKNOWN: &str = "\
    SELECT id, person, state, tries, gen, flags, due_at, sender, route, digest, intent_at FROM delivery \
    WHERE run = $1 AND due_at > 0 AND due_at <= $2 AND state < 3 AND state = 2 ORDER BY due_at, id LIMIT $3";
// State 9: unknown for good. No index has those: a person asks, and a run is one stretch of the table.
const UNRESOLVED: &str = "\
    SELECT id, person, state, tries, gen, flags, due_at, sender, route, digest, intent_at FROM delivery \
    WHERE id > $1 AND id <= $2 AND (state = 2 OR state = 9) ORDER BY id LIMIT $3";
// Outcome 1: accepted.
const HEARD: &str = "\
    SELECT COUNT(*), COUNT(receipt.delivery) FROM attempt \
    LEFT JOIN receipt ON receipt.delivery = attempt.delivery AND receipt.gen = attempt.gen \
    WHERE attempt.sender = $1 AND attempt.outcome = 1 AND attempt.intent_at BETWEEN $2 AND $3";
const END: &str = "\
    UPDATE delivery SET state = $2, due_at = 0 WHERE id IN (\
        SELECT id FROM delivery WHERE run = $1 AND state < 3 AND state = 0 ORDER BY due_at, id LIMIT $3)";

/// All of this file's statements.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[FRESH, DUE, NEXT_DUE, WINDOWS, INTENTS, UNKNOWN, UNRESOLVED, HEARD, END];

fn claimed(row: &impl Cells) -> Result<Claimed, LedgerError> {
    let (line, id) = (row.count(2)?, row.int(0)?);
    Ok(Claimed {
        id: DeliveryId::from_raw(id),
        person: phone(row.int(1)?)?,
        line,
        standing: standing(row, 3)?,
        vars: serde_json::from_str(row.text(8)?).map_err(|_| corrupt("list of a row's values, delivery", &id))?,
    })
}

fn open_attempt(row: &impl Cells) -> Result<OpenAttempt, LedgerError> {
    Ok(OpenAttempt {
        id: DeliveryId::from_raw(row.int(0)?),
        person: phone(row.int(1)?)?,
        standing: standing(row, 2)?,
        sender: sender(row.int(7)?)?,
        route: route(row.int(8)?)?.ok_or_else(|| corrupt("route", &0))?,
        digest: row.int(9)?,
        intent_at: Timestamp(row.int(10)?),
    })
}

impl<DB: Dialect> SqlStore<DB> {
    /// A group in one transaction; `None` when hope was not enough.
    async fn write_group(&self, group: &Group, care: Care) -> Result<Option<GroupResult>, LedgerError> {
        let mut transaction = self.write().await?;
        let Some(superseded) = settle::<DB>(&mut transaction, &group.settlements, care).await? else { return Ok(None) };
        receive::<DB>(&mut transaction, &self.bodies, &group.inbox).await?;
        let Some(intents) = intend::<DB>(&mut transaction, &group.intents, care).await? else { return Ok(None) };
        commit(transaction).await?;
        Ok(Some(GroupResult { superseded, intents }))
    }
}

#[async_trait]
impl<DB: Dialect> Dispatch for SqlStore<DB> {
    async fn claim_fresh(&self, run: RunNo, after: DeliveryId, limit: u32) -> Result<Vec<Claimed>, LedgerError> {
        let values = [Value::Int(run.0.into()), Value::Int(after.raw()), Value::Int(limit.into())];
        self.read(FRESH, &values).await?.iter().map(claimed).collect()
    }

    async fn claim_due(&self, run: RunNo, now: Timestamp, limit: u32) -> Result<Vec<Claimed>, LedgerError> {
        let values = [Value::Int(run.0.into()), Value::Int(now.0), Value::Int(limit.into())];
        self.read(DUE, &values).await?.iter().map(claimed).collect()
    }

    async fn next_due(&self, run: RunNo) -> Result<Option<Timestamp>, LedgerError> {
        let row = self.read_first(NEXT_DUE, &[Value::Int(run.0.into())]).await?;
        Ok(row.map(|row| row.maybe_int(0)).transpose()?.flatten().map(Timestamp))
    }

    async fn windows(
        &self,
        senders: &[SenderNo],
        people: &[Phone],
    ) -> Result<HashMap<(SenderNo, Phone), Timestamp>, LedgerError> {
        let senders = Rows::of_ints(senders.iter().map(|sender| sender.0.into()));
        let people = Rows::of_ints(people.iter().map(|phone| person(*phone)));
        let rows = self.read(WINDOWS, &[Value::Text(&senders), Value::Text(&people)]).await?;
        rows.iter().map(|row| Ok(((sender(row.int(0)?)?, phone(row.int(1)?)?), Timestamp(row.int(2)?)))).collect()
    }

    async fn commit(&self, group: &Group) -> Result<GroupResult, LedgerError> {
        if let Some(result) = self.write_group(group, Care::Hopeful).await? {
            return Ok(result);
        }
        let result = self.write_group(group, Care::Careful).await?;
        result.ok_or_else(|| corrupt("group", &"a careful commit gave up"))
    }

    async fn open_intents(&self, run: RunNo, limit: u32) -> Result<Vec<OpenAttempt>, LedgerError> {
        let values = [Value::Int(run.0.into()), Value::Int(limit.into())];
        self.read(INTENTS, &values).await?.iter().map(open_attempt).collect()
    }

    async fn unknown_due(&self, run: RunNo, now: Timestamp, limit: u32) -> Result<Vec<OpenAttempt>, LedgerError> {
        let values = [Value::Int(run.0.into()), Value::Int(now.0), Value::Int(limit.into())];
        self.read(UNKNOWN, &values).await?.iter().map(open_attempt).collect()
    }

    async fn unresolved(&self, run: RunNo, after: DeliveryId, limit: u32) -> Result<Vec<OpenAttempt>, LedgerError> {
        let (first, last) = stretch(run);
        let values = [Value::Int(after.raw().max(first - 1)), Value::Int(last), Value::Int(limit.into())];
        self.read(UNRESOLVED, &values).await?.iter().map(open_attempt).collect()
    }

    async fn heard(&self, sender: SenderNo, from: Timestamp, to: Timestamp) -> Result<Heard, LedgerError> {
        let row = self.read_first(HEARD, &[Value::Int(sender.0.into()), Value::Int(from.0), Value::Int(to.0)]).await?;
        row.map_or(Ok(Heard::default()), |row| Ok(Heard { accepted: row.count(0)?, with_status: row.count(1)? }))
    }

    async fn end_pending(&self, run: RunNo, state: State, limit: u32) -> Result<u64, LedgerError> {
        if !matches!(state, State::Expired | State::Cancelled) {
            return Err(corrupt("end of pending deliveries", &state.as_str()));
        }
        let mut transaction = self.write().await?;
        let values = [Value::Int(run.0.into()), Value::Int(state.code()), Value::Int(limit.into())];
        let ended = transaction.execute(END, &values).await?;
        commit(transaction).await?;
        Ok(ended)
    }
}
