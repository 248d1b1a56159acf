//! What reports ask: counts over one run, pages of recipients, one person's history.
//!
//! A run's counts come from one snapshot, so that they add up while the run goes on. SQLite groups by sorting: a tally's columns are
//! therefore packed into one number, which sorts twice as fast as six; whatever is rare is picked out before it is grouped.

use std::time::Duration;

use async_trait::async_trait;

use super::cells::Cells;
use super::codes::{corrupt, on_unknown, phone, route, run_state, sender, small, state};
use super::dialect::Dialect;
use super::runs::stretch;
use super::session::{Session, Value};
use super::sql::SqlStore;
use crate::audience::Phone;
use crate::outbound::key::{DeliveryId, RunNo};
use crate::outbound::ledger::{LedgerError, OutcomeKind, RouteTaken, RowCounts, SettledBy};
use crate::outbound::status::Flags;
use crate::report::latency::{Histogram, every};
use crate::report::port::{
    CallRow, CallTally, CodeCount, DeliveryRow, Listing, PersonFacts, PersonRun, ReceiptTimes, Reports, RunCounts, RunFacts,
    RunHead, Said, SenderName, Tally,
};
use crate::report::rate::{Buckets, grid};
use crate::time::Timestamp;

macro_rules! head {
    ($which:literal) => {
        concat!(
            "SELECT no, id, campaign, run_key, state, reason, campaign_text, campaign_digest, audience_digest, audience_name, \
             on_unknown, rows_read, rows_planned, rows_bad, rows_duplicate, created_at, started_at, finished_at, expires_at, columns \
             FROM run ",
            $which
        )
    };
}
const HEAD: &str = head!("WHERE id = $1");
const HEADS: &str = head!("ORDER BY no DESC LIMIT $1");
const HEADS_OF: &str = head!("WHERE no IN (SELECT run FROM delivery WHERE person = $1) ORDER BY no");

const SENDERS: &str = "SELECT no, name FROM sender ORDER BY no";
const REJECTED_ROWS: &str = "SELECT reason, COUNT(*) FROM rejected_row WHERE run = $1 GROUP BY reason";

/// What an earlier send of `d` reached, asked only where there was one.
macro_rules! earlier {
    ($what:literal) => {
        concat!("(SELECT MIN(e.", $what, ") FROM receipt e WHERE e.delivery = d.id AND e.gen < d.gen)")
    };
}

/// Sender, route, flags, reason, state and [`Said`] in one number; [`tally`] takes it apart.
const TALLY: &str = concat!(
    "SELECT ((((d.sender * 4 + d.route) * 256 + (d.flags & 255)) * 65536 + (d.reason & 65535)) * 16 + d.state) * 16 + \
     CASE WHEN r.read_at IS NOT NULL THEN CASE WHEN r.failed_at IS NULL THEN 4 ELSE 6 END \
          WHEN d.gen > 0 AND ",
    earlier!("read_at"),
    " IS NOT NULL THEN CASE WHEN r.failed_at IS NULL OR r.delivered_at IS NULL THEN 4 ELSE 6 END \
          WHEN r.delivered_at IS NOT NULL THEN CASE WHEN r.failed_at IS NULL THEN 3 ELSE 5 END \
          WHEN d.gen > 0 AND ",
    earlier!("delivered_at"),
    " IS NOT NULL THEN 3 \
          WHEN r.failed_at IS NOT NULL THEN 2 WHEN r.sent_at IS NOT NULL THEN 1 ELSE 0 END, \
     COUNT(*), COUNT(*) FILTER (WHERE d.tries > 0), CAST(SUM(d.tries) AS BIGINT) \
     FROM delivery d LEFT JOIN receipt r ON r.delivery = d.id AND r.gen = d.gen WHERE d.id BETWEEN $1 AND $2 GROUP BY 1"
);
const REJECTIONS: &str = "\
    SELECT a.code, COUNT(*) FROM delivery d LEFT JOIN attempt a ON a.delivery = d.id AND a.try = d.tries \
    WHERE d.id BETWEEN $1 AND $2 AND d.state = 4 GROUP BY a.code";
const FAILURES: &str = concat!(
    "SELECT r.code, COUNT(*) FROM receipt r JOIN delivery d ON d.id = r.delivery AND d.gen = r.gen \
     WHERE r.delivery BETWEEN $1 AND $2 AND r.failed_at IS NOT NULL AND r.delivered_at IS NULL AND r.read_at IS NULL AND d.state = 3 \
     AND (d.gen = 0 OR (",
    earlier!("read_at"),
    " IS NULL AND ",
    earlier!("delivered_at"),
    " IS NULL)) GROUP BY r.code"
);
const CALLS: &str =
    "SELECT outcome * 16 + settled_by, COUNT(*) FROM attempt WHERE delivery BETWEEN $1 AND $2 GROUP BY outcome * 16 + settled_by";
const ACCEPTED_SPAN: &str = "SELECT MIN(intent_at), MAX(intent_at) FROM attempt WHERE delivery BETWEEN $1 AND $2 AND outcome = 1";
const RATE: &str = "\
    SELECT (intent_at - $3) / $4, COUNT(*) FROM attempt WHERE delivery BETWEEN $1 AND $2 AND outcome = 1 GROUP BY 1";
const CALL_LATENCY: &str = "\
    SELECT settled_at - intent_at, COUNT(*) FROM attempt \
    WHERE delivery BETWEEN $1 AND $2 AND outcome = 1 AND settled_by = 0 AND delivery % $3 = 0 GROUP BY 1";
const DELIVERY_LATENCY: &str = "\
    SELECT (r.delivered_at - d.intent_at) / 1000, COUNT(*) FROM receipt r JOIN delivery d ON d.id = r.delivery AND d.gen = r.gen \
    WHERE r.delivery BETWEEN $1 AND $2 AND r.delivered_at IS NOT NULL AND d.intent_at > 0 AND r.delivery % $3 = 0 GROUP BY 1";

macro_rules! deliveries {
    ($and:literal) => {
        concat!(delivery_rows!(""), "WHERE d.id > $1 AND d.id <= $2 ", $and, " ORDER BY d.id LIMIT $3")
    };
}
macro_rules! delivery_rows {
    ($more:literal) => {
        concat!(
            "SELECT d.id, d.person, d.line, d.state, d.reason, d.tries, d.flags, d.route, d.sender, d.intent_at, a.provider_id, \
             a.code, r.sent_at, COALESCE(r.delivered_at, CASE WHEN d.gen > 0 THEN ",
            earlier!("delivered_at"),
            " END), COALESCE(r.read_at, CASE WHEN d.gen > 0 THEN ",
            earlier!("read_at"),
            " END), r.failed_at, r.code",
            $more,
            " FROM delivery d LEFT JOIN attempt a ON a.delivery = d.id AND a.try = d.tries \
             LEFT JOIN receipt r ON r.delivery = d.id AND r.gen = d.gen "
        )
    };
}
const ALL: &str = deliveries!("");
const UNKNOWN: &str = deliveries!("AND d.state IN (2, 9)");
const POSSIBLE_DUPLICATES: &str = deliveries!("AND (d.flags & 2) = 2");

const PERSON: &str = concat!(delivery_rows!(", d.vars"), "WHERE d.person = $1 ORDER BY d.id");
const PERSON_CALLS: &str = "\
    SELECT a.delivery, a.try, a.gen, a.sender, a.route, a.outcome, a.settled_by, a.code, a.detail, a.http, a.provider_id, \
           a.intent_at, a.settled_at \
    FROM delivery d JOIN attempt a ON a.delivery = d.id WHERE d.person = $1 ORDER BY a.delivery, a.try";
const PERSON_RECEIPTS: &str = "\
    SELECT r.delivery, r.gen, r.sent_at, r.delivered_at, r.read_at, r.failed_at, r.code \
    FROM delivery d JOIN receipt r ON r.delivery = d.id WHERE d.person = $1 ORDER BY r.delivery, r.gen";
const WINDOWS: &str = "\
    SELECT w.sender, w.last_inbound FROM sender s JOIN contact_window w ON w.sender = s.no AND w.person = $1 ORDER BY w.sender";

/// This file's statements that stand in one piece; those put together from pieces are run by this file's own tests.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[
    SENDERS,
    REJECTED_ROWS,
    TALLY,
    REJECTIONS,
    FAILURES,
    CALLS,
    ACCEPTED_SPAN,
    RATE,
    CALL_LATENCY,
    DELIVERY_LATENCY,
    PERSON_CALLS,
    PERSON_RECEIPTS,
    WINDOWS,
];
/// The ids that a run's deliveries lie between.
fn between(run: RunNo) -> [Value<'static>; 2] {
    let (first, last) = stretch(run);
    [Value::Int(first), Value::Int(last)]
}

fn run_head(row: &impl Cells) -> Result<RunHead, LedgerError> {
    let time = |at| Ok::<_, LedgerError>(row.maybe_int(at)?.map(Timestamp));
    Ok(RunHead {
        no: RunNo(u32::try_from(row.int(0)?).map_err(|_| corrupt("run number", &"out of range"))?),
        id: row.text(1)?.to_owned(),
        campaign: row.text(2)?.to_owned(),
        run_key: row.text(3)?.to_owned(),
        state: run_state(row.int(4)?)?,
        reason: row.maybe_text(5)?.map(str::to_owned),
        template: RunHead::template_in(row.text(6)?),
        campaign_digest: row.text(7)?.to_owned(),
        audience_digest: row.text(8)?.to_owned(),
        audience_name: row.text(9)?.to_owned(),
        on_unknown: on_unknown(row.int(10)?)?,
        rows: RowCounts { read: row.count(11)?, planned: row.count(12)?, bad: row.count(13)?, duplicate: row.count(14)? },
        created_at: Timestamp(row.int(15)?),
        started_at: time(16)?,
        finished_at: time(17)?,
        expires_at: time(18)?,
    })
}

fn tally(row: &impl Cells) -> Result<Tally, LedgerError> {
    let mut packed = row.int(0)?;
    let mut next = |size: i64| {
        let part = packed.rem_euclid(size);
        packed = packed.div_euclid(size);
        part
    };
    let said = next(16);
    let state = state(next(16))?;
    let reason = u16::try_from(next(65_536)).unwrap_or_default().cast_signed();
    let (flags, route) = (Flags(next(256)), route(next(4))?);
    Ok(Tally {
        state,
        reason,
        route,
        sender: Some(sender(packed)?).filter(|no| no.0 != 0),
        flags,
        said: Said::from_code(said).ok_or_else(|| corrupt("receipt", &said))?,
        deliveries: row.count(1)?,
        called: row.count(2)?,
        intents: row.count(3)?,
    })
}

fn call_tally(row: &impl Cells) -> Result<CallTally, LedgerError> {
    let packed = row.int(0)?;
    let (outcome, settled_by) = (outcome(packed.div_euclid(16))?, settled_by(packed.rem_euclid(16))?);
    Ok(CallTally { outcome, settled_by, calls: row.count(1)? })
}

fn outcome(code: i64) -> Result<OutcomeKind, LedgerError> {
    let all = [OutcomeKind::Accepted, OutcomeKind::Refused, OutcomeKind::NotSent, OutcomeKind::Unknown];
    all.into_iter().find(|kind| *kind as i64 == code).ok_or_else(|| corrupt("outcome", &code))
}

fn settled_by(code: i64) -> Result<SettledBy, LedgerError> {
    use SettledBy::{Absence, Answer, Operator, Policy, Recovery, Webhook};
    let all = [Answer, Webhook, Recovery, Absence, Policy, Operator];
    all.into_iter().find(|by| *by as i64 == code).ok_or_else(|| corrupt("source of an outcome", &code))
}

/// A receipt's five columns, from `at` on.
fn receipt(row: &impl Cells, at: usize) -> Result<ReceiptTimes, LedgerError> {
    let time = |at| Ok::<_, LedgerError>(row.maybe_int(at)?.map(Timestamp));
    Ok(ReceiptTimes {
        sent_at: time(at)?,
        delivered_at: time(at + 1)?,
        read_at: time(at + 2)?,
        failed_at: time(at + 3)?,
        code: row.maybe_text(at + 4)?.map(str::to_owned),
    })
}

fn delivery(row: &impl Cells) -> Result<DeliveryRow, LedgerError> {
    Ok(DeliveryRow {
        id: DeliveryId::from_raw(row.int(0)?),
        person: phone(row.int(1)?)?,
        line: row.count(2)?,
        state: state(row.int(3)?)?,
        reason: i16::try_from(row.int(4)?).map_err(|_| corrupt("skip reason", &"out of range"))?,
        tries: small("number of tries", row.int(5)?)?,
        flags: Flags(row.int(6)?),
        route: route(row.int(7)?)?,
        sender: Some(sender(row.int(8)?)?).filter(|no| no.0 != 0),
        intent_at: Some(Timestamp(row.int(9)?)).filter(|at| at.0 != 0),
        provider_id: row.maybe_text(10)?.map(str::to_owned),
        call_code: row.maybe_text(11)?.map(str::to_owned),
        receipt: receipt(row, 12)?,
    })
}

fn call(row: &impl Cells) -> Result<CallRow, LedgerError> {
    let route: Option<RouteTaken> = route(row.int(4)?)?;
    let text = |at| Ok::<_, LedgerError>(row.maybe_text(at)?.map(str::to_owned));
    Ok(CallRow {
        attempt: small("attempt", row.int(1)?)?,
        generation: small("generation", row.int(2)?)?,
        sender: sender(row.int(3)?)?,
        route: route.ok_or_else(|| corrupt("route of an attempt", &0))?,
        outcome: outcome(row.int(5)?)?,
        settled_by: settled_by(row.int(6)?)?,
        code: text(7)?,
        detail: text(8)?,
        http: small("HTTP status", row.int(9)?)?,
        provider_id: text(10)?,
        intent_at: Timestamp(row.int(11)?),
        settled_at: Timestamp(row.int(12)?),
    })
}

fn coded(rows: &[impl Cells]) -> Result<Vec<CodeCount>, LedgerError> {
    rows.iter().map(|row| Ok((row.maybe_text(0)?.map(str::to_owned), row.count(1)?))).collect()
}

fn numbered(rows: &[impl Cells]) -> Result<Vec<(i64, u64)>, LedgerError> {
    rows.iter().map(|row| Ok((row.int(0)?, row.count(1)?))).collect()
}

fn strings(what: &'static str, json: &str) -> Result<Vec<String>, LedgerError> {
    // The values themselves are people's: not repeated.
    serde_json::from_str(json).map_err(|_| corrupt(what, &"not an array of texts"))
}

fn sender_names(rows: &[impl Cells]) -> Result<Vec<SenderName>, LedgerError> {
    rows.iter().map(|row| Ok(SenderName { no: sender(row.int(0)?)?, name: row.text(1)?.to_owned() })).collect()
}

/// Accepted calls over time: first how far they reach, then how many lie where.
async fn rate(session: &mut impl Session, run: RunNo) -> Result<Option<Buckets>, LedgerError> {
    let [from, to] = between(run);
    let Some(span) = session.first(ACCEPTED_SPAN, &[from, to]).await? else { return Ok(None) };
    let (Some(first), Some(last)) = (span.maybe_int(0)?, span.maybe_int(1)?) else { return Ok(None) };
    let (start, width) = grid(Timestamp(first), Timestamp(last));
    let millis = i64::try_from(Duration::as_millis(&width)).unwrap_or(i64::MAX);
    let rows = session.fetch(RATE, &[from, to, Value::Int(start.0), Value::Int(millis)]).await?;
    Ok(Some(Buckets { from: start, width, counts: numbered(&rows)? }))
}

async fn facts(session: &mut impl Session, head: RunHead) -> Result<RunFacts, LedgerError> {
    let run = between(head.no);
    let [from, to] = run;
    let every = every(head.rows.planned);
    let sampled = [from, to, Value::Int(i64::try_from(every).unwrap_or(i64::MAX))];
    let rejected = session.fetch(REJECTED_ROWS, &[Value::Int(i64::from(head.no.0))]).await?;
    Ok(RunFacts {
        senders: sender_names(&session.fetch(SENDERS, &[]).await?)?,
        rejected_rows: rejected
            .iter()
            .map(|row| Ok((row.text(0)?.to_owned(), row.count(1)?)))
            .collect::<Result<_, LedgerError>>()?,
        tallies: session.fetch(TALLY, &run).await?.iter().map(tally).collect::<Result<_, _>>()?,
        rejections: coded(&session.fetch(REJECTIONS, &run).await?)?,
        failures: coded(&session.fetch(FAILURES, &run).await?)?,
        calls: session.fetch(CALLS, &run).await?.iter().map(call_tally).collect::<Result<_, _>>()?,
        rate: rate(session, head.no).await?,
        call_latency: Histogram { every, counts: numbered(&session.fetch(CALL_LATENCY, &sampled).await?)? },
        delivery_latency: Histogram { every, counts: numbered(&session.fetch(DELIVERY_LATENCY, &sampled).await?)? },
        head,
    })
}

async fn person_runs(session: &mut impl Session, person: &[Value<'_>]) -> Result<Vec<PersonRun>, LedgerError> {
    let heads = session.fetch(HEADS_OF, person).await?;
    let calls = session.fetch(PERSON_CALLS, person).await?;
    let receipts = session.fetch(PERSON_RECEIPTS, person).await?;
    let mut runs = Vec::new();
    for row in session.fetch(PERSON, person).await? {
        let delivery = delivery(&row)?;
        let no = i64::from(delivery.id.run().0);
        let mut part = None;
        for head in &heads {
            if head.int(0)? == no {
                part = Some((run_head(head)?, strings("audience's columns", head.text(19)?)?));
            }
        }
        let (run, columns) = part.ok_or_else(|| corrupt("run of a delivery", &no))?;
        let mut found = PersonRun {
            run,
            columns,
            values: strings("row's values", row.text(17)?)?,
            delivery,
            calls: Vec::new(),
            receipts: Vec::new(),
        };
        let id = found.delivery.id.raw();
        for row in &calls {
            if row.int(0)? == id {
                found.calls.push(call(row)?);
            }
        }
        for row in &receipts {
            if row.int(0)? == id {
                found.receipts.push((small("generation", row.int(1)?)?, receipt(row, 2)?));
            }
        }
        runs.push(found);
    }
    Ok(runs)
}

#[async_trait]
impl<DB: Dialect> Reports for SqlStore<DB> {
    async fn run_list(&self, limit: u32, counted: bool) -> Result<Vec<(RunHead, Option<RunCounts>)>, LedgerError> {
        let mut snapshot = self.snapshot().await?;
        let mut runs = Vec::new();
        for row in snapshot.fetch(HEADS, &[Value::Int(i64::from(limit))]).await? {
            let head = run_head(&row)?;
            let mut counts = None;
            if counted {
                let tallies = snapshot.fetch(TALLY, &between(head.no)).await?;
                counts = Some(RunCounts::of(&tallies.iter().map(tally).collect::<Result<Vec<_>, _>>()?));
            }
            runs.push((head, counts));
        }
        Ok(runs)
    }

    async fn run_head(&self, id: &str) -> Result<Option<RunHead>, LedgerError> {
        self.read_first(HEAD, &[Value::Text(id)]).await?.map(|row| run_head(&row)).transpose()
    }

    async fn sender_names(&self) -> Result<Vec<SenderName>, LedgerError> {
        sender_names(&self.read(SENDERS, &[]).await?)
    }

    async fn run_facts(&self, id: &str) -> Result<Option<RunFacts>, LedgerError> {
        let mut snapshot = self.snapshot().await?;
        let Some(row) = snapshot.first(HEAD, &[Value::Text(id)]).await? else { return Ok(None) };
        Ok(Some(facts(&mut *snapshot, run_head(&row)?).await?))
    }

    async fn deliveries(
        &self,
        run: RunNo,
        listing: Listing,
        after: DeliveryId,
        limit: u32,
    ) -> Result<Vec<DeliveryRow>, LedgerError> {
        let sql = match listing {
            Listing::All => ALL,
            Listing::Unknown => UNKNOWN,
            Listing::PossibleDuplicates => POSSIBLE_DUPLICATES,
        };
        let [_, last] = between(run);
        self.read(sql, &[Value::Int(after.raw()), last, Value::Int(i64::from(limit))]).await?.iter().map(delivery).collect()
    }

    async fn person(&self, person: Phone) -> Result<PersonFacts, LedgerError> {
        let who = [Value::Int(person.digits().cast_signed())];
        let mut snapshot = self.snapshot().await?;
        let windows = snapshot.fetch(WINDOWS, &who).await?;
        Ok(PersonFacts {
            person,
            senders: sender_names(&snapshot.fetch(SENDERS, &[]).await?)?,
            windows: windows
                .iter()
                .map(|row| Ok((sender(row.int(0)?)?, Timestamp(row.int(1)?))))
                .collect::<Result<_, LedgerError>>()?,
            runs: person_runs(&mut *snapshot, &who).await?,
        })
    }
}
