//! Webhook bodies: in as received, out again to be folded. Folding itself is [`super::fold`].

use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;

use super::cells::Cells;
use super::codes::{corrupt, sender};
use super::dialect::Dialect;
use super::rows::Rows;
use super::session::{Session, Value};
use super::sql::SqlStore;
use crate::outbound::key::DeliveryId;
use crate::outbound::ledger::{FoldWrites, Inbox, InboxBody, LedgerError, SenderNo, StoredBody, Subject};
use crate::time::Timestamp;

pub(super) const LAST: &str = "SELECT MAX(id) FROM inbox";
// The bodies are one after another in $2: a row says where its own begins and how long it is.
const STORE: &str = "\
    INSERT INTO inbox (id, provider, received_at, body) \
    SELECT CAST(value ->> 0 AS BIGINT), value ->> 1, CAST(value ->> 2 AS BIGINT), \
           SUBSTR($2, CAST(value ->> 3 AS INTEGER), CAST(value ->> 4 AS INTEGER)) \
    FROM jsonb_each($1)";
const TODO: &str = "INSERT INTO inbox_todo (id) SELECT CAST(value AS BIGINT) FROM jsonb_each($1)";
// A body is taken while those before it make up less than $2 bytes, so that there is always one.
const UNFOLDED: &str = "\
    SELECT inbox.id, inbox.provider, inbox.received_at, inbox.body FROM ( \
        SELECT todo.id, SUM(LENGTH(sized.body)) OVER (ORDER BY todo.id) - LENGTH(sized.body) AS before \
        FROM (SELECT id FROM inbox_todo ORDER BY id LIMIT $1) AS todo JOIN inbox AS sized ON sized.id = todo.id) AS summed \
    JOIN inbox ON inbox.id = summed.id WHERE summed.before < $2 ORDER BY inbox.id";
// Numbers follow arrival, as far as the answer goes: what was stored first came first.
const UNFOLDED_SINCE: &str = "SELECT received_at FROM inbox WHERE id = (SELECT MIN(id) FROM inbox_todo)";
const SENDER: &str = "SELECT no FROM sender WHERE provider = $1 AND number_id = $2";

/// All of this file's statements.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[LAST, STORE, TODO, UNFOLDED, UNFOLDED_SINCE, SENDER];

/// Bodies handed out at once, in bytes; one larger body goes alone.
const AT_ONCE: i64 = 8 << 20;

/// Stores bodies, to be folded later. Their numbers come from `last`: one process owns the ledger.
pub(super) async fn receive<DB: Dialect>(
    connection: &mut DB::Connection,
    last: &AtomicI64,
    bodies: &[InboxBody],
) -> Result<(), LedgerError> {
    if bodies.is_empty() {
        return Ok(());
    }
    let count = i64::try_from(bodies.len()).map_err(|_| corrupt("number of bodies", &bodies.len()))?;
    let first = last.fetch_add(count, Ordering::SeqCst) + 1;
    let mut rows = Rows::with_capacity(bodies.len(), 64);
    let mut joined = Vec::with_capacity(bodies.iter().map(|body| body.body.len()).sum());
    for (id, body) in (first..).zip(bodies) {
        let size = |length| i64::try_from(length).map_err(|_| corrupt("size of a body", &length));
        let (start, length) = (size(joined.len())? + 1, size(body.body.len())?);
        rows.row(|row| {
            row.int(id);
            row.text(&body.provider);
            row.ints([body.received_at.0, start, length]);
        });
        joined.extend_from_slice(&body.body);
    }
    connection.execute(STORE, &[Value::Text(&rows.finish()), Value::Bytes(&joined)]).await?;
    connection.execute(TODO, &[Value::Text(&Rows::of_ints(first..first + count))]).await?;
    Ok(())
}

fn stored(row: &impl Cells) -> Result<StoredBody, LedgerError> {
    Ok(StoredBody {
        id: row.int(0)?,
        provider: row.text(1)?.to_owned(),
        received_at: Timestamp(row.int(2)?),
        body: Bytes::copy_from_slice(row.bytes(3)?),
    })
}

#[async_trait]
impl<DB: Dialect> Inbox for SqlStore<DB> {
    async fn unfolded(&self, limit: u32) -> Result<Vec<StoredBody>, LedgerError> {
        self.read(UNFOLDED, &[Value::Int(limit.into()), Value::Int(AT_ONCE)]).await?.iter().map(stored).collect()
    }

    async fn unfolded_since(&self) -> Result<Option<Timestamp>, LedgerError> {
        Ok(self.read_first(UNFOLDED_SINCE, &[]).await?.map(|row| row.int(0)).transpose()?.map(Timestamp))
    }

    async fn fold(
        &self,
        bodies: &[i64],
        unreadable: &[(i64, String)],
        subjects: &[DeliveryId],
        decide: &(dyn for<'s> Fn(&'s [Subject]) -> FoldWrites + Send + Sync),
    ) -> Result<(), LedgerError> {
        self.fold_bodies(bodies, unreadable, subjects, decide).await
    }

    async fn sender_of(&self, provider: &str, number_id: &str) -> Result<Option<SenderNo>, LedgerError> {
        let row = self.read_first(SENDER, &[Value::Text(provider), Value::Text(number_id)]).await?;
        row.map(|row| sender(row.int(0)?)).transpose()
    }
}
