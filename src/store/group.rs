//! The group commit: outcomes, webhook bodies, intents, in this order, in one transaction.
//!
//! It is tried hopefully first: each kind is one statement that compares and sets, and when as many rows changed as were given, all
//! is well. Only when one of them stood elsewhere is the transaction taken back and done carefully, asking first which ones. So the
//! usual commit never reads a row back, and the rare one costs twice.

use std::collections::HashSet;

use super::cells::Cells;
use super::codes::{corrupt, person};
use super::dialect::Dialect;
use super::rows::Rows;
use super::session::{Session, Value};
use crate::outbound::key::DeliveryId;
use crate::outbound::ledger::{AttemptFact, Intent, IntentResult, LedgerError, SenderNo, Settlement};
use crate::provider::contract::Class;
use crate::time::Timestamp;

const SETTLE: &str = "\
    UPDATE delivery SET state = n.state, tries = n.tries, gen = n.gen, flags = n.flags, due_at = n.due_at, reason = n.reason \
    FROM (SELECT CAST(value ->> 0 AS BIGINT) AS id, CAST(value ->> 1 AS BIGINT) AS old_state, \
                 CAST(value ->> 2 AS BIGINT) AS old_tries, CAST(value ->> 3 AS BIGINT) AS old_gen, \
                 CAST(value ->> 4 AS BIGINT) AS state, CAST(value ->> 5 AS BIGINT) AS tries, CAST(value ->> 6 AS BIGINT) AS gen, \
                 CAST(value ->> 7 AS BIGINT) AS flags, CAST(value ->> 8 AS BIGINT) AS due_at, CAST(value ->> 9 AS BIGINT) AS reason \
          FROM jsonb_each($1)) AS n \
    WHERE delivery.id = n.id AND delivery.state = n.old_state AND delivery.tries = n.old_tries AND delivery.gen = n.old_gen";
// Those of the given settlements that SETTLE would not change, by their place.
const SUPERSEDED: &str = "\
    SELECT n.place FROM (SELECT CAST(value ->> 0 AS BIGINT) AS id, CAST(value ->> 1 AS BIGINT) AS old_state, \
                                CAST(value ->> 2 AS BIGINT) AS old_tries, CAST(value ->> 3 AS BIGINT) AS old_gen, \
                                CAST(value ->> 10 AS BIGINT) AS place FROM jsonb_each($1)) AS n \
    LEFT JOIN delivery ON delivery.id = n.id \
         AND delivery.state = n.old_state AND delivery.tries = n.old_tries AND delivery.gen = n.old_gen \
    WHERE delivery.id IS NULL";
// 4: unknown. What was learned later replaces only what was not learned.
const FACTS: &str = "\
    INSERT INTO attempt (delivery, try, gen, sender, route, outcome, class, http, digest, intent_at, settled_at, settled_by, \
                         code, detail, provider_id) \
    SELECT CAST(value ->> 0 AS BIGINT), CAST(value ->> 1 AS BIGINT), CAST(value ->> 2 AS BIGINT), CAST(value ->> 3 AS BIGINT), \
           CAST(value ->> 4 AS BIGINT), CAST(value ->> 5 AS BIGINT), CAST(value ->> 6 AS BIGINT), CAST(value ->> 7 AS BIGINT), \
           CAST(value ->> 8 AS BIGINT), CAST(value ->> 9 AS BIGINT), CAST(value ->> 10 AS BIGINT), CAST(value ->> 11 AS BIGINT), \
           value ->> 12, value ->> 13, value ->> 14 \
    FROM jsonb_each($1) WHERE true \
    ON CONFLICT (delivery, try) DO UPDATE SET \
        gen = excluded.gen, sender = excluded.sender, route = excluded.route, outcome = excluded.outcome, class = excluded.class, \
        http = excluded.http, digest = excluded.digest, intent_at = excluded.intent_at, settled_at = excluded.settled_at, \
        settled_by = excluded.settled_by, code = excluded.code, detail = excluded.detail, provider_id = excluded.provider_id \
    WHERE attempt.outcome = 4 \
       OR (attempt.outcome = 1 AND attempt.settled_by = 1 AND excluded.outcome = 1 AND excluded.settled_by = 0)";
// Run state 2: running. Route 1: free-form, which needs an open window.
const INTEND: &str = "\
    UPDATE delivery SET state = n.state, tries = n.tries, gen = n.gen, flags = n.flags, due_at = n.due_at, route = n.route, \
                        sender = n.sender, digest = n.digest, intent_at = n.intent_at \
    FROM (SELECT CAST(value ->> 0 AS BIGINT) AS id, CAST(value ->> 1 AS BIGINT) AS old_state, \
                 CAST(value ->> 2 AS BIGINT) AS old_tries, CAST(value ->> 3 AS BIGINT) AS old_gen, \
                 CAST(value ->> 4 AS BIGINT) AS state, CAST(value ->> 5 AS BIGINT) AS tries, CAST(value ->> 6 AS BIGINT) AS gen, \
                 CAST(value ->> 7 AS BIGINT) AS flags, CAST(value ->> 8 AS BIGINT) AS due_at, CAST(value ->> 9 AS BIGINT) AS route, \
                 CAST(value ->> 10 AS BIGINT) AS sender, CAST(value ->> 11 AS BIGINT) AS digest, \
                 CAST(value ->> 12 AS BIGINT) AS intent_at, CAST(value ->> 13 AS BIGINT) AS person, \
                 CAST(value ->> 14 AS BIGINT) AS since \
          FROM jsonb_each($1)) AS n \
    WHERE delivery.id = n.id AND delivery.state = n.old_state AND delivery.tries = n.old_tries AND delivery.gen = n.old_gen \
      AND EXISTS (SELECT 1 FROM run WHERE run.no = delivery.run AND run.state = 2) \
      AND (n.route <> 1 OR EXISTS (SELECT 1 FROM contact_window AS w \
                                   WHERE w.sender = n.sender AND w.person = n.person AND w.last_inbound >= n.since))";
// Those of the given intents that INTEND would not change, by their place, and why: the run first, then the delivery, else the window.
const REFUSED: &str = "\
    SELECT n.place, CAST(CASE WHEN run.no IS NULL THEN 1 WHEN delivery.id IS NULL THEN 2 ELSE 3 END AS BIGINT) \
    FROM (SELECT CAST(value ->> 0 AS BIGINT) AS id, CAST(value ->> 1 AS BIGINT) AS old_state, \
                 CAST(value ->> 2 AS BIGINT) AS old_tries, CAST(value ->> 3 AS BIGINT) AS old_gen, \
                 CAST(value ->> 9 AS BIGINT) AS route, CAST(value ->> 10 AS BIGINT) AS sender, \
                 CAST(value ->> 13 AS BIGINT) AS person, CAST(value ->> 14 AS BIGINT) AS since, \
                 CAST(value ->> 15 AS BIGINT) AS run, CAST(value ->> 16 AS BIGINT) AS place \
          FROM jsonb_each($1)) AS n \
    LEFT JOIN run ON run.no = n.run AND run.state = 2 \
    LEFT JOIN delivery ON delivery.id = n.id \
         AND delivery.state = n.old_state AND delivery.tries = n.old_tries AND delivery.gen = n.old_gen \
    LEFT JOIN contact_window AS w ON w.sender = n.sender AND w.person = n.person AND w.last_inbound >= n.since \
    WHERE run.no IS NULL OR delivery.id IS NULL OR (n.route = 1 AND w.sender IS NULL)";
// A window that was not open when the delivery's intent was written. What the person wrote since then stands.
const FORGET: &str = "\
    DELETE FROM contact_window WHERE (sender, person) IN (\
        SELECT w.sender, w.person \
        FROM (SELECT CAST(value ->> 0 AS BIGINT) AS id, CAST(value ->> 1 AS BIGINT) AS sender, CAST(value ->> 2 AS BIGINT) AS at \
              FROM jsonb_each($1)) AS n \
        JOIN delivery ON delivery.id = n.id \
        JOIN contact_window AS w ON w.sender = n.sender AND w.person = delivery.person AND w.last_inbound <= n.at)";

/// All of this file's statements.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[FORGET, SETTLE, SUPERSEDED, FACTS, INTEND, REFUSED];

/// Bytes of an update's row in its JSON.
const WIDTH: usize = 110;

/// Whether to ask first which rows can be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Care {
    /// No: all of them are expected to.
    Hopeful,
    /// Yes.
    Careful,
}

/// Writes settlements. `None`, when hopeful and not all of them could be: take the transaction back.
pub(super) async fn settle<DB: Dialect>(
    connection: &mut DB::Connection,
    settlements: &[Settlement],
    care: Care,
) -> Result<Option<Vec<DeliveryId>>, LedgerError> {
    let mut superseded = Vec::new();
    let mut rest: Vec<(usize, &Settlement)> = settlements.iter().enumerate().collect();
    while !rest.is_empty() {
        let Some((mut round, later)) = split(rest, care, |settlement| settlement.id) else { return Ok(None) };
        if care == Care::Careful {
            let rows = connection.fetch(SUPERSEDED, &[Value::Text(&settle_rows(&round))]).await?;
            let bad = rows.iter().map(place).collect::<Result<HashSet<_>, _>>()?;
            superseded.extend(round.iter().filter(|(at, _)| bad.contains(at)).map(|(_, settlement)| settlement.id));
            record::<DB>(connection, &round).await?;
            round.retain(|(at, _)| !bad.contains(at));
        } else {
            record::<DB>(connection, &round).await?;
        }
        if !changed(connection.execute(SETTLE, &[Value::Text(&settle_rows(&round))]).await?, round.len(), care)? {
            return Ok(None);
        }
        rest = later;
    }
    Ok(Some(superseded))
}

/// Writes intents. `None`, when hopeful and not all of them could be: take the transaction back.
pub(super) async fn intend<DB: Dialect>(
    connection: &mut DB::Connection,
    intents: &[Intent],
    care: Care,
) -> Result<Option<Vec<IntentResult>>, LedgerError> {
    let mut results = vec![IntentResult::Committed; intents.len()];
    let mut rest: Vec<(usize, &Intent)> = intents.iter().enumerate().collect();
    while !rest.is_empty() {
        let Some((mut round, later)) = split(rest, care, |intent| intent.id) else { return Ok(None) };
        if care == Care::Careful {
            for row in connection.fetch(REFUSED, &[Value::Text(&intent_rows(&round))]).await? {
                let why = match row.int(1)? {
                    1 => IntentResult::RunStopped,
                    2 => IntentResult::Stale,
                    _ => IntentResult::WindowClosed,
                };
                *results.get_mut(place(&row)?).ok_or_else(|| corrupt("intent", &"out of range"))? = why;
            }
            round.retain(|(at, _)| results.get(*at) == Some(&IntentResult::Committed));
        }
        if !changed(connection.execute(INTEND, &[Value::Text(&intent_rows(&round))]).await?, round.len(), care)? {
            return Ok(None);
        }
        rest = later;
    }
    Ok(Some(results))
}

/// The first of each delivery, and those to be done after them: one statement must not meet a delivery twice. `None` when hopeful and
/// there is one met twice.
type Split<'a, T> = (Vec<(usize, &'a T)>, Vec<(usize, &'a T)>);
fn split<'a, T>(all: Vec<(usize, &'a T)>, care: Care, id: impl Fn(&T) -> DeliveryId) -> Option<Split<'a, T>> {
    let mut seen = HashSet::with_capacity(all.len());
    let (round, later): Split<'a, T> = all.into_iter().partition(|(_, item)| seen.insert(id(item)));
    (later.is_empty() || care == Care::Careful).then_some((round, later))
}

fn place(row: &impl Cells) -> Result<usize, LedgerError> {
    let place = row.int(0)?;
    usize::try_from(place).map_err(|_| corrupt("place", &place))
}

fn changed(rows: u64, wanted: usize, care: Care) -> Result<bool, LedgerError> {
    let all = usize::try_from(rows) == Ok(wanted);
    if !all && care == Care::Careful {
        return Err(corrupt("number of changed deliveries", &format!("{rows} of {wanted}")));
    }
    Ok(all)
}

fn settle_rows(settlements: &[(usize, &Settlement)]) -> String {
    let mut rows = Rows::with_capacity(settlements.len(), WIDTH);
    for (place, Settlement { id, before, after, reason, .. }) in settlements {
        rows.row(|row| {
            row.ints([id.raw(), before.state.code(), before.tries.into(), before.generation.into()]);
            row.ints([after.state.code(), after.tries.into(), after.generation.into(), after.flags.0, after.due_at.0]);
            row.ints([(*reason).into(), index(*place)]);
        });
    }
    rows.finish()
}

fn intent_rows(intents: &[(usize, &Intent)]) -> String {
    let mut rows = Rows::with_capacity(intents.len(), WIDTH);
    for (place, intent) in intents {
        let Intent { before, after, .. } = intent;
        rows.row(|row| {
            row.ints([intent.id.raw(), before.state.code(), before.tries.into(), before.generation.into()]);
            row.ints([after.state.code(), after.tries.into(), after.generation.into(), after.flags.0, after.due_at.0]);
            row.ints([intent.route as i64, intent.sender.0.into(), intent.digest, intent.at.0]);
            row.ints([person(intent.person), intent.window_since.0, intent.id.run().0.into(), index(*place)]);
        });
    }
    rows.finish()
}

async fn record<DB: Dialect>(connection: &mut DB::Connection, settlements: &[(usize, &Settlement)]) -> Result<(), LedgerError> {
    let mut rows = Rows::with_capacity(settlements.len(), 160);
    let mut any = false;
    for (_, settlement) in settlements {
        let Some(fact) = &settlement.fact else { continue };
        any = true;
        rows.row(|row| fact_row(row, settlement.id, fact));
    }
    if any {
        connection.execute(FACTS, &[Value::Text(&rows.finish())]).await?;
    }
    let facts = settlements.iter().filter_map(|(_, settlement)| settlement.fact.as_ref().map(|fact| (settlement.id, fact)));
    let closed = facts.filter(|(_, fact)| fact.class == Some(Class::WindowClosed));
    let closed: Vec<_> = closed.map(|(id, fact)| (id, fact.sender, fact.intent_at)).collect();
    forget::<DB>(connection, &closed).await
}

/// Forgets windows that the provider calls closed: of these deliveries' people, as of these times.
pub(super) async fn forget<DB: Dialect>(
    connection: &mut DB::Connection,
    closed: &[(DeliveryId, SenderNo, Timestamp)],
) -> Result<(), LedgerError> {
    if closed.is_empty() {
        return Ok(());
    }
    let mut rows = Rows::with_capacity(closed.len(), 40);
    for (id, sender, at) in closed {
        rows.row(|row| row.ints([id.raw(), sender.0.into(), at.0]));
    }
    connection.execute(FORGET, &[Value::Text(&rows.finish())]).await.map(drop)
}

fn fact_row(row: &mut Rows, id: DeliveryId, fact: &AttemptFact) {
    row.ints([id.raw(), fact.attempt.into(), fact.generation.into(), fact.sender.0.into(), fact.route as i64]);
    row.ints([fact.outcome as i64, fact.class.map_or(0, |class| class as i64), fact.http.into(), fact.digest]);
    row.ints([fact.intent_at.0, fact.settled_at.0, fact.settled_by as i64]);
    row.maybe_text(fact.code.as_deref());
    row.maybe_text(fact.detail.as_deref());
    row.maybe_text(fact.provider_id.as_deref());
}

fn index(place: usize) -> i64 {
    i64::try_from(place).unwrap_or(i64::MAX)
}
