//! The same ledgers counted by the databases and by walking over every row.

use sqlx::{ConnectOptions, Connection};

use super::dialect::Dialect;
use super::open::Mode;
use super::session::{Session, Value};
use super::sql::{SqlStore, commit};
use super::{postgres, sqlite};
use crate::audience::Phone;
use crate::outbound::key::{DeliveryId, RunNo};
use crate::outbound::ledger::{OutcomeKind, RouteTaken, SenderNo, SettledBy};
use crate::outbound::status::{Flags, RunState, State};
use crate::report::fixture::{Recipient, Rows, START, head};
use crate::report::model::RunReport;
use crate::report::port::{Listing, ReceiptTimes, Reports, RunFacts, RunHead, SenderName};
use crate::report::words::Words;
use crate::time::Timestamp;

const CAMPAIGN: &str = "name = \"spring-sale\"\n[template]\nname = \"spring_sale_v3\"\n";

/// A run with everything that can stand in a ledger, likely or not.
fn random(rng: &mut fastrand::Rng, no: u32) -> Rows {
    let mut rows = Rows {
        head: head(no, RunState::ALL[rng.usize(..RunState::ALL.len())]),
        senders: (1..=3).map(|no| SenderName { no: SenderNo(no), name: format!("sender-{no}") }).collect(),
        rejected: Vec::new(),
        columns: vec!["name".into(), "coupon".into()],
        recipients: Vec::new(),
        windows: Vec::new(),
    };
    for record in 1..=rng.u64(0..80) {
        if rng.u8(..10) == 0 {
            rows.rejected.push((record + 1, ["invalid_number", "duplicate"][rng.usize(..2)].into()));
            continue;
        }
        let state = State::ALL[rng.usize(..State::ALL.len())];
        rows.recipients.push(recipient(rng, Recipient::new(RunNo(no), record, state)));
    }
    let duplicate = rows.rejected.iter().filter(|(_, reason)| reason == "duplicate").count() as u64;
    let counts = &mut rows.head.rows;
    counts.planned = rows.recipients.len() as u64;
    counts.duplicate = duplicate;
    counts.bad = rows.rejected.len() as u64 - duplicate;
    counts.read = counts.planned + counts.bad + counts.duplicate;
    rows.head.started_at = rng.bool().then_some(START);
    rows.head.reason = rng.bool().then(|| "paused by hand".into());
    rows
}

fn recipient(rng: &mut fastrand::Rng, mut one: Recipient) -> Recipient {
    use OutcomeKind::{Accepted, NotSent, Refused, Unknown};
    one.values = vec!["Añá \"x\"".into(), "=1".into()];
    one.row.flags = Flags(rng.i64(0..8));
    if one.row.state == State::Skipped {
        one.row.reason = rng.i16(-3..4);
    }
    for _ in 0..rng.u8(0..4) {
        let outcome = [Accepted, Refused, NotSent, Unknown][rng.usize(..4)];
        let code = [None, Some("131026"), Some("131049"), Some("'; --")][rng.usize(..4)];
        let route = [RouteTaken::FreeForm, RouteTaken::Template][rng.usize(..2)];
        one = one.call(route, rng.i16(1..4), outcome, code, rng.i64(0..10_000_000));
        let last = one.calls.last_mut().unwrap();
        last.settled_by = [SettledBy::Answer, SettledBy::Webhook, SettledBy::Recovery][rng.usize(..3)];
        last.settled_at = Timestamp(last.intent_at.0 + rng.i64(0..50));
        last.detail = rng.bool().then(|| "said so".into());
        if rng.bool() {
            let mut some = |to: i64| rng.bool().then(|| rng.i64(-5..to));
            let (sent, delivered, read, failed) = (some(50), some(20_000), some(500), some(10));
            one = one.said(sent, delivered, read, failed.map(|at| (at, "131049")));
            if rng.u8(..4) == 0 && failed.is_some() {
                one.row.receipt.code = None;
                one.receipts.insert(one.generation, one.row.receipt.clone());
            }
        }
        if rng.u8(..3) == 0 {
            one = one.renewed();
        }
    }
    if one.row.state == State::Intent {
        one.row.tries += 1;
        one.intend(RouteTaken::Template, 1, START);
        one.row.receipt = one.receipts.get(&one.generation).cloned().unwrap_or_default();
    }
    one
}

/// Writes a ledger down, a row a statement.
async fn fill<DB: Dialect>(store: &SqlStore<DB>, rows: &Rows) {
    use Value::{Int, MaybeInt, MaybeText, Text};
    let mut into = store.write().await.unwrap();
    let head = &rows.head;
    let run = Int(i64::from(head.no.0));
    let time = |at: Option<Timestamp>| MaybeInt(at.map(|at| at.0));
    let count = |count: u64| Int(count.cast_signed());
    let columns = serde_json::to_string(&rows.columns).unwrap();
    let sql = "INSERT INTO run (no, id, campaign, run_key, state, reason, campaign_text, campaign_digest, audience_digest, \
               audience_name, columns, on_unknown, rows_read, rows_planned, rows_bad, rows_duplicate, created_at, started_at, \
               finished_at, expires_at) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,0,$12,$13,$14,$15,$16,$17,$18,$19)";
    let counts = head.rows;
    let values = [
        run,
        Text(&head.id),
        Text(&head.campaign),
        Text(&head.run_key),
        Int(head.state.code()),
        MaybeText(head.reason.as_deref()),
        Text(CAMPAIGN),
        Text(&head.campaign_digest),
        Text(&head.audience_digest),
        Text(&head.audience_name),
        Text(&columns),
        count(counts.read),
        count(counts.planned),
        count(counts.bad),
        count(counts.duplicate),
        Int(head.created_at.0),
        time(head.started_at),
        time(head.finished_at),
        time(head.expires_at),
    ];
    into.execute(sql, &values).await.unwrap();
    for sender in &rows.senders {
        let sql = "INSERT INTO sender (no, name, provider, number_id) VALUES ($1,$2,'meta',$2) ON CONFLICT DO NOTHING";
        into.execute(sql, &[Int(sender.no.0.into()), Text(&sender.name)]).await.unwrap();
    }
    for (line, reason) in &rows.rejected {
        into.execute("INSERT INTO rejected_row (run, line, reason) VALUES ($1,$2,$3)", &[run, count(*line), Text(reason)])
            .await
            .unwrap();
    }
    for (sender, person, at) in &rows.windows {
        let sql = "INSERT INTO contact_window (sender, person, last_inbound) VALUES ($1,$2,$3)";
        into.execute(sql, &[Int(sender.0.into()), count(person.digits()), Int(at.0)]).await.unwrap();
    }
    for one in &rows.recipients {
        put(&mut *into, one, run).await;
    }
    commit(into).await.unwrap();
}

async fn put(into: &mut impl Session, one: &Recipient, run: Value<'_>) {
    use Value::{Int, MaybeInt, MaybeText, Text};
    let (row, small) = (&one.row, |value: u16| Int(value.into()));
    let id = Int(row.id.raw());
    let vars = serde_json::to_string(&one.values).unwrap();
    let sql = "INSERT INTO delivery (id, run, person, line, state, reason, tries, gen, flags, route, sender, intent_at, vars) \
               VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13)";
    let values = [
        id,
        run,
        Int(row.person.digits().cast_signed()),
        Int(row.line.cast_signed()),
        Int(row.state.code()),
        Int(row.reason.into()),
        small(row.tries),
        small(one.generation),
        Int(row.flags.0),
        Int(row.route.map_or(0, |route| route as i64)),
        Int(row.sender.map_or(0, |sender| sender.0.into())),
        Int(row.intent_at.map_or(0, |at| at.0)),
        Text(&vars),
    ];
    into.execute(sql, &values).await.unwrap();
    for call in &one.calls {
        let sql = "INSERT INTO attempt (delivery, try, gen, sender, route, outcome, code, detail, http, provider_id, digest, \
                   intent_at, settled_at, settled_by) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,0,$11,$12,$13)";
        let values = [
            id,
            small(call.attempt),
            small(call.generation),
            Int(call.sender.0.into()),
            Int(call.route as i64),
            Int(call.outcome as i64),
            MaybeText(call.code.as_deref()),
            MaybeText(call.detail.as_deref()),
            small(call.http),
            MaybeText(call.provider_id.as_deref()),
            Int(call.intent_at.0),
            Int(call.settled_at.0),
            Int(call.settled_by as i64),
        ];
        into.execute(sql, &values).await.unwrap();
    }
    for (generation, times) in &one.receipts {
        let ReceiptTimes { sent_at, delivered_at, read_at, failed_at, code } = times;
        let time = |at: &Option<Timestamp>| MaybeInt(at.map(|at| at.0));
        let sql =
            "INSERT INTO receipt (delivery, gen, sent_at, delivered_at, read_at, failed_at, code) VALUES ($1,$2,$3,$4,$5,$6,$7)";
        let times = [time(sent_at), time(delivered_at), time(read_at), time(failed_at)];
        let [sent, delivered, read, failed] = times;
        into.execute(sql, &[id, small(*generation), sent, delivered, read, failed, MaybeText(code.as_deref())]).await.unwrap();
    }
}

/// In one order, whichever database counted.
fn sorted(mut facts: RunFacts) -> RunFacts {
    facts.rejected_rows.sort();
    facts.tallies.sort_by_key(|t| (t.state, t.reason, t.route, t.sender, t.flags.0, t.said));
    facts.rejections.sort();
    facts.failures.sort();
    facts.calls.sort_by_key(|t| (t.outcome as i16, t.settled_by as i16));
    facts.call_latency.counts.sort_unstable();
    facts.delivery_latency.counts.sort_unstable();
    if let Some(rate) = &mut facts.rate {
        rate.counts.sort_unstable();
    }
    facts
}

/// What both databases must do.
async fn exercise<DB: Dialect>(store: &SqlStore<DB>, runs: u32) {
    assert!(store.run_list(10, true).await.unwrap().is_empty());
    assert!(store.run_facts("spring-sale-0000000001").await.unwrap().is_none());
    let mut ledgers = Vec::new();
    for no in 1..=runs {
        let mut rows = random(&mut fastrand::Rng::with_seed(no.into()), no);
        if no == 1 {
            rows.windows = vec![
                (SenderNo(2), Phone::from_digits(5_215_512_340_003).unwrap(), START),
                (SenderNo(1), Phone::from_digits(5_215_512_340_003).unwrap(), Timestamp(7)),
                (SenderNo(1), Phone::from_digits(5_215_512_340_004).unwrap(), START),
            ];
        }
        fill(store, &rows).await;
        ledgers.push(rows);
    }
    for rows in &ledgers {
        let counted = store.run_facts(&rows.head.id).await.unwrap().unwrap();
        let walked = rows.facts();
        assert_eq!(sorted(counted.clone()), sorted(walked.clone()), "run {}", rows.head.no.0);
        let report = RunReport::new(&counted, Words::NONE);
        assert_eq!(report, RunReport::new(&walked, Words::NONE), "the database's order shows");
        assert_eq!(report.broken().collect::<Vec<_>>(), Vec::<&crate::report::model::Check>::new());
        let receipts = &report.receipts;
        assert_eq!(report.deliveries.accepted, receipts.delivered + receipts.failed + receipts.sent_only + receipts.silent);
        listings(store, rows).await;
    }
    let listed = store.run_list(3, true).await.unwrap();
    let newest: Vec<(RunHead, _)> = ledgers.iter().rev().take(3).map(|rows| (rows.head.clone(), Some(rows.counts()))).collect();
    assert_eq!(listed, newest);
    people(store, &ledgers).await;
}

async fn listings<DB: Dialect>(store: &SqlStore<DB>, rows: &Rows) {
    for listing in [Listing::All, Listing::Unknown, Listing::PossibleDuplicates] {
        let mut after = DeliveryId::from_raw(i64::from(rows.head.no.0) << 32);
        loop {
            let page = store.deliveries(rows.head.no, listing, after, 7).await.unwrap();
            assert_eq!(page, rows.deliveries(rows.head.no, listing, after, 7).await.unwrap(), "{listing:?}");
            let Some(last) = page.last() else { break };
            after = last.id;
        }
    }
}

async fn people<DB: Dialect>(store: &SqlStore<DB>, ledgers: &[Rows]) {
    for record in [1, 3, 4, 79, 5_000] {
        let person = Phone::from_digits(5_215_512_340_000 + record).unwrap();
        let found = store.person(person).await.unwrap();
        let mut runs = Vec::new();
        let mut windows = Vec::new();
        for rows in ledgers {
            let facts = rows.person(person).await.unwrap();
            runs.extend(facts.runs);
            windows.extend(facts.windows);
        }
        windows.sort();
        assert_eq!((found.runs, found.windows), (runs, windows), "person {record}");
    }
}

#[tokio::test]
async fn sqlite_counts_as_if_it_had_walked() {
    let folder = tempfile::tempdir().unwrap();
    let store = sqlite::open(&folder.path().join("ledger.db"), Mode::Engine, &|before| Ok(before + 1)).await.unwrap();
    exercise(&store, 40).await;
}

#[tokio::test]
async fn postgres_counts_as_if_it_had_walked() {
    let Ok(server) = std::env::var("FANFARE_TEST_POSTGRES") else {
        println!("left out: FANFARE_TEST_POSTGRES names no server");
        return;
    };
    let name = format!("fanfare_report_{}", std::process::id());
    let options: sqlx::postgres::PgConnectOptions = server.parse().unwrap();
    let mut admin = options.connect().await.unwrap();
    let run = |sql: String| sqlx::raw_sql(sqlx::AssertSqlSafe(sql));
    run(format!("CREATE DATABASE {name}")).execute(&mut admin).await.unwrap();
    let url = options.clone().database(&name).to_url_lossy();
    let store = postgres::open(url.as_str(), Mode::Engine, &|before| Ok(before + 1)).await.unwrap();
    exercise(&store, 15).await;
    super::sql::Closing::close(&store).await;
    run(format!("DROP DATABASE {name}")).execute(&mut admin).await.unwrap();
    admin.close().await.unwrap();
}
