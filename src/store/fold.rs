//! One fold: read the deliveries that webhooks speak of, let the receipt side say what follows, write it, mark the bodies done.
//! One transaction, and the only one that writes meanwhile: no outcome slips in between.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::cells::Cells;
use super::codes::{corrupt, person, phone, route, run_state, sender, small, standing};
use super::dialect::Dialect;
use super::fare::{Fares, Texts, number};
use super::group::{Care, forget, settle};
use super::rows::Rows;
use super::session::{Session, Value};
use super::sql::{SqlStore, commit};
use crate::audience::Phone;
use crate::outbound::key::DeliveryId;
use crate::outbound::ledger::{FoldWrites, LedgerError, Receipt, SenderNo, Subject};
use crate::outbound::status::RunState;
use crate::time::Timestamp;

const DONE: &str = "DELETE FROM inbox_todo WHERE id IN (SELECT CAST(value AS BIGINT) FROM jsonb_each($1))";
const UNREAD: &str = "\
    INSERT INTO inbox_unread (id, reason) SELECT CAST(value ->> 0 AS BIGINT), value ->> 1 FROM jsonb_each($1) WHERE true \
    ON CONFLICT (id) DO NOTHING";
const SUBJECTS: &str = "\
    SELECT d.id, d.run, d.person, d.state, d.tries, d.gen, d.flags, d.due_at, d.sender, d.route, d.digest, d.intent_at \
    FROM jsonb_each($1) AS k CROSS JOIN delivery AS d WHERE d.id = CAST(k.value AS BIGINT) ORDER BY d.id";
const RUNS: &str = "SELECT no, id, state FROM run WHERE no IN (SELECT CAST(value AS BIGINT) FROM jsonb_each($1))";
const RECEIPTS: &str = "\
    SELECT r.delivery, r.gen, r.sent_at, r.delivered_at, r.read_at, r.failed_at, r.code, r.pricing, r.conversation \
    FROM jsonb_each($1) AS k CROSS JOIN receipt AS r WHERE r.delivery = CAST(k.value AS BIGINT) ORDER BY r.delivery, r.gen";
const PUT_RECEIPTS: &str = "\
    INSERT INTO receipt (delivery, gen, sent_at, delivered_at, read_at, failed_at, code, pricing, conversation) \
    SELECT CAST(value ->> 0 AS BIGINT), CAST(value ->> 1 AS BIGINT), CAST(value ->> 2 AS BIGINT), CAST(value ->> 3 AS BIGINT), \
           CAST(value ->> 4 AS BIGINT), CAST(value ->> 5 AS BIGINT), value ->> 6, CAST(value ->> 7 AS BIGINT), \
           CAST(value ->> 8 AS BIGINT) \
    FROM jsonb_each($1) WHERE true \
    ON CONFLICT (delivery, gen) DO UPDATE SET \
        sent_at = excluded.sent_at, delivered_at = excluded.delivered_at, read_at = excluded.read_at, \
        failed_at = excluded.failed_at, code = excluded.code, pricing = excluded.pricing, conversation = excluded.conversation";
const PUT_WINDOWS: &str = "\
    INSERT INTO contact_window (sender, person, last_inbound) \
    SELECT CAST(value ->> 0 AS BIGINT), CAST(value ->> 1 AS BIGINT), CAST(value ->> 2 AS BIGINT) FROM jsonb_each($1) WHERE true \
    ON CONFLICT (sender, person) DO UPDATE SET last_inbound = excluded.last_inbound \
    WHERE contact_window.last_inbound < excluded.last_inbound";
const FOREIGN: &str = "UPDATE engine SET foreign_events = foreign_events + $1 WHERE id = 1";

/// All of this file's statements.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[DONE, UNREAD, SUBJECTS, RUNS, RECEIPTS, PUT_RECEIPTS, PUT_WINDOWS, FOREIGN];

impl<DB: Dialect> SqlStore<DB> {
    /// [`crate::outbound::ledger::Inbox::fold`]. Bodies that are all done already change nothing: another fold was first.
    pub(super) async fn fold_bodies(
        &self,
        bodies: &[i64],
        unreadable: &[(i64, String)],
        subjects: &[DeliveryId],
        decide: &(dyn for<'s> Fn(&'s [Subject]) -> FoldWrites + Send + Sync),
    ) -> Result<(), LedgerError> {
        let mut transaction = self.write().await?;
        let done: BTreeSet<i64> = bodies.iter().chain(unreadable.iter().map(|(id, _)| id)).copied().collect();
        if !done.is_empty() {
            let waiting = transaction.execute(DONE, &[Value::Text(&Rows::of_ints(done.iter().copied()))]).await?;
            if waiting == 0 {
                return Ok(());
            }
            if usize::try_from(waiting) != Ok(done.len()) {
                return Err(corrupt("fold", &"some of its webhook bodies are done already"));
            }
        }
        if !unreadable.is_empty() {
            let mut rows = Rows::with_capacity(unreadable.len(), 64);
            for (id, reason) in unreadable {
                rows.row(|row| {
                    row.int(*id);
                    row.text(reason);
                });
            }
            transaction.execute(UNREAD, &[Value::Text(&rows.finish())]).await?;
        }
        let subjects = read_subjects::<DB>(&mut transaction, subjects, &self.fares).await?;
        let writes = decide(&subjects);
        drop(subjects);
        let fares = put_receipts::<DB>(&mut transaction, &writes.receipts, &self.fares).await?;
        settle::<DB>(&mut transaction, &writes.settlements, Care::Careful).await?;
        // Before new windows are written: a person's message in the same batch may be the newer word.
        forget::<DB>(&mut transaction, &writes.closed).await?;
        put_windows::<DB>(&mut transaction, &writes.windows).await?;
        if writes.foreign > 0 {
            let foreign = i64::try_from(writes.foreign).map_err(|_| corrupt("count", &writes.foreign))?;
            transaction.execute(FOREIGN, &[Value::Int(foreign)]).await?;
        }
        commit(transaction).await?;
        self.fares.keep(fares);
        Ok(())
    }
}

async fn read_subjects<DB: Dialect>(
    connection: &mut DB::Connection,
    ids: &[DeliveryId],
    fares: &Fares,
) -> Result<Vec<Subject>, LedgerError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    // In order of their keys, each once: neighbours lie on the same page.
    let ids: BTreeSet<i64> = ids.iter().map(|id| id.raw()).collect();
    let text = Rows::of_ints(ids);
    let found = connection.fetch(SUBJECTS, &[Value::Text(&text)]).await?;
    let numbers = found.iter().map(|row| row.int(1)).collect::<Result<BTreeSet<_>, _>>()?;
    let mut runs: HashMap<i64, (String, RunState)> = HashMap::new();
    for row in connection.fetch(RUNS, &[Value::Text(&Rows::of_ints(numbers))]).await? {
        runs.insert(row.int(0)?, (row.text(1)?.to_owned(), run_state(row.int(2)?)?));
    }
    let mut receipts = read_receipts::<DB>(connection, &text, fares).await?;
    let subject = |row: &DB::Row| {
        let (id, run) = (row.int(0)?, row.int(1)?);
        let (run_id, run_state) = runs.get(&run).cloned().ok_or_else(|| corrupt("run number", &run))?;
        Ok(Subject {
            id: DeliveryId::from_raw(id),
            run_id,
            run_state,
            person: phone(row.int(2)?)?,
            standing: standing(row, 3)?,
            sender: sender(row.int(8)?)?,
            route: route(row.int(9)?)?,
            digest: row.int(10)?,
            intent_at: Timestamp(row.int(11)?),
            receipts: receipts.remove(&id).unwrap_or_default(),
        })
    };
    found.iter().map(subject).collect()
}

async fn read_receipts<DB: Dialect>(
    connection: &mut DB::Connection,
    ids: &str,
    fares: &Fares,
) -> Result<HashMap<i64, Vec<(u16, Receipt)>>, LedgerError> {
    let rows = connection.fetch(RECEIPTS, &[Value::Text(ids)]).await?;
    let mut wanted = BTreeSet::new();
    for row in &rows {
        wanted.extend(row.maybe_int(7)?);
        wanted.extend(row.maybe_int(8)?);
    }
    let texts = fares.texts::<DB>(connection, &wanted).await?;
    let text = |no: Option<i64>| match no {
        Some(no) => texts.get(&no).map(|text| Some(text.to_string())).ok_or_else(|| corrupt("fare text", &no)),
        None => Ok(None),
    };
    let mut receipts: HashMap<i64, Vec<(u16, Receipt)>> = HashMap::new();
    for row in &rows {
        let receipt = Receipt {
            sent_at: row.maybe_int(2)?.map(Timestamp),
            delivered_at: row.maybe_int(3)?.map(Timestamp),
            read_at: row.maybe_int(4)?.map(Timestamp),
            failed_at: row.maybe_int(5)?.map(Timestamp),
            code: row.maybe_text(6)?.map(str::to_owned),
            pricing: text(row.maybe_int(7)?)?,
            conversation: text(row.maybe_int(8)?)?,
        };
        receipts.entry(row.int(0)?).or_default().push((small("generation", row.int(1)?)?, receipt));
    }
    Ok(receipts)
}

/// Writes receipts; the texts that are known to be stored once this is committed.
async fn put_receipts<DB: Dialect>(
    connection: &mut DB::Connection,
    receipts: &[(DeliveryId, u16, Receipt)],
    fares: &Fares,
) -> Result<Texts, LedgerError> {
    // The last word on each send; in the order of the table.
    let last: BTreeMap<_, _> = receipts.iter().map(|(id, generation, receipt)| ((id.raw(), *generation), receipt)).collect();
    if last.is_empty() {
        return Ok(Texts::default());
    }
    let mut texts = Vec::new();
    for receipt in last.values() {
        texts.extend([receipt.pricing.as_deref(), receipt.conversation.as_deref()].into_iter().flatten());
    }
    let stored = fares.store::<DB>(connection, &texts).await?;
    let mut rows = Rows::with_capacity(last.len(), 120);
    for ((id, generation), receipt) in last {
        rows.row(|row| {
            row.ints([id, generation.into()]);
            for at in [receipt.sent_at, receipt.delivered_at, receipt.read_at, receipt.failed_at] {
                row.maybe_int(at.map(|at| at.0));
            }
            row.maybe_text(receipt.code.as_deref());
            for text in [&receipt.pricing, &receipt.conversation] {
                row.maybe_int(text.as_deref().map(number));
            }
        });
    }
    connection.execute(PUT_RECEIPTS, &[Value::Text(&rows.finish())]).await?;
    Ok(stored)
}

async fn put_windows<DB: Dialect>(
    connection: &mut DB::Connection,
    windows: &[(SenderNo, Phone, Timestamp)],
) -> Result<(), LedgerError> {
    if windows.is_empty() {
        return Ok(());
    }
    let mut latest = BTreeMap::new();
    for (sender, phone, at) in windows {
        let known = latest.entry((sender.0, *phone)).or_insert(*at);
        *known = (*known).max(*at);
    }
    let mut rows = Rows::with_capacity(latest.len(), 40);
    for ((sender, phone), at) in latest {
        rows.row(|row| row.ints([sender.into(), person(phone), at.0]));
    }
    connection.execute(PUT_WINDOWS, &[Value::Text(&rows.finish())]).await?;
    Ok(())
}
