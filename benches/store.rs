//! What the ledger costs: rows a second, and CPU a row of this process, the database's threads and the kernel's work for it included.
//!
//! `cargo bench --bench store [-- URL [ROWS]]`: a SQLite file in a temporary folder when no URL is given, 200,000 rows.

#![expect(clippy::print_stdout, reason = "a printed table is the result")]

use std::error::Error;

use bytes::Bytes;
use fanfare::audience::Phone;
use fanfare::campaign::OnUnknown;
use fanfare::outbound::key::{DeliveryId, RunNo, run_id};
use fanfare::outbound::ledger::{
    AttemptFact, Claimed, FoldWrites, Group, InboxBody, Intent, NewDelivery, NewRun, OutcomeKind, Receipt, RouteTaken, RowCounts,
    SenderNo, SenderRecord, SettledBy, Settlement, Subject,
};
use fanfare::outbound::status::{RunState, State, Step, advance};
use fanfare::store::{Mode, Store, open};
use fanfare::time::Timestamp;

type Done<T = ()> = Result<T, Box<dyn Error>>;

const NOW: Timestamp = Timestamp(1_795_225_500_000);
/// Rows of one planning statement.
const PLAN: usize = 1000;

/// Seconds of CPU so far: user and system, in hundredths (proc(5)).
fn cpu() -> Done<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    Ok((ticks(11) + ticks(12)) / 100.0)
}

struct Meter(f64, tokio::time::Instant);

impl Meter {
    fn start() -> Done<Self> {
        Ok(Self(cpu()?, tokio::time::Instant::now()))
    }

    fn stop(self, what: &str, rows: u32) -> Done {
        let (cpu, wall, rows) = (cpu()? - self.0, self.1.elapsed().as_secs_f64(), f64::from(rows));
        println!("{what:<44} {:>10.0} rows/s {:>7.2} us CPU a row", rows / wall, cpu * 1e6 / rows);
        Ok(())
    }
}

fn delivery(run: RunNo, record: u32) -> Done<NewDelivery> {
    // A walk through all people in no order: the index by person is met at random places.
    let person = 5_210_000_000_000 + (u64::from(record) * 7_919) % 10_000_019;
    Ok(NewDelivery {
        id: DeliveryId::new(run, record.into()).ok_or("too many")?,
        person: Phone::from_digits(person).ok_or("no phone")?,
        line: u64::from(record) + 1,
        state: State::Pending,
        reason: 0,
        vars: format!("[\"Anna{:06}\",\"2026-11-21\",\"Leipzig-Mo\",\"ABCDE{:05}\"]", record % 1_000_000, record % 100_000),
    })
}

fn intent(claimed: &Claimed, sender: SenderNo) -> Done<Intent> {
    let after = advance(claimed.standing, Step::Intend { deadline: Timestamp(NOW.0 + 30_000) })?;
    let digest = claimed.id.raw().wrapping_mul(0x5851_f42d_4c95_7f2d);
    let (id, person, before) = (claimed.id, claimed.person, claimed.standing);
    Ok(Intent { id, before, after, person, sender, route: RouteTaken::Template, digest, at: NOW, window_since: NOW })
}

fn settlement(intent: &Intent) -> Done<Settlement> {
    let fact = AttemptFact {
        attempt: intent.after.tries,
        generation: intent.after.generation,
        sender: intent.sender,
        route: intent.route,
        outcome: OutcomeKind::Accepted,
        class: None,
        code: None,
        detail: None,
        http: 200,
        provider_id: Some(format!("wamid.HBgNNTIxNTUxMjM0NTY3OBUCABEYEj{:016X}AA==", intent.digest)),
        digest: intent.digest,
        intent_at: intent.at,
        settled_at: NOW,
        settled_by: SettledBy::Answer,
    };
    Ok(Settlement {
        id: intent.id,
        before: intent.after,
        after: advance(intent.after, Step::Accept)?,
        reason: 0,
        fact: Some(fact),
    })
}

/// One of three statuses of each subject: a receipt that grows.
fn statuses(subjects: &[Subject]) -> FoldWrites {
    let grown = |subject: &Subject| {
        let (_, mut receipt) = subject.receipts.first().cloned().unwrap_or((0, Receipt::default()));
        receipt.read_at = receipt.delivered_at;
        receipt.delivered_at = receipt.sent_at;
        receipt.sent_at = Some(NOW);
        receipt.pricing =
            Some("{\"billable\":true,\"pricing_model\":\"PMP\",\"category\":\"marketing\",\"type\":\"regular\"}".to_owned());
        (subject.id, 0, receipt)
    };
    FoldWrites { receipts: subjects.iter().map(grown).collect(), ..FoldWrites::default() }
}

async fn plan(store: &dyn Store, rows: u32) -> Done<RunNo> {
    let run = NewRun {
        id: run_id("bench", "1"),
        campaign: "bench".to_owned(),
        run_key: "1".to_owned(),
        campaign_text: String::new(),
        campaign_digest: String::new(),
        audience_digest: String::new(),
        audience_name: String::new(),
        columns: vec!["name".to_owned(), "day".to_owned(), "town".to_owned(), "code".to_owned()],
        on_unknown: OnUnknown::Auto,
        created_at: NOW,
        expires_at: None,
    };
    let run = store.create_run(&run).await?.no;
    let all = (1..=rows).map(|record| delivery(run, record)).collect::<Result<Vec<_>, _>>()?;
    // The index by person is met at random: a larger commit writes each of its pages less often.
    let (small, large) = all.split_at(all.len() / 2);
    for (size, part) in [(PLAN, small), (10 * PLAN, large)] {
        let meter = Meter::start()?;
        for batch in part.chunks(size) {
            store.plan(run, batch, &[]).await?;
        }
        meter.stop(&format!("plan, {size} a commit"), u32::try_from(part.len())?)?;
    }
    let meter = Meter::start()?;
    let counts = RowCounts { read: rows.into(), planned: rows.into(), bad: 0, duplicate: 0 };
    assert!(store.finish_planning(run, counts).await?, "planned as many as were counted");
    meter.stop("finish planning (counts)", rows)?;
    assert!(store.move_run(run, RunState::Ready, RunState::Running, None, NOW).await?, "runs");
    Ok(run)
}

/// Sends part of the run in groups of `batch`: the intents of one batch with the outcomes of the one before.
async fn send(store: &dyn Store, run: RunNo, sender: SenderNo, after: &mut DeliveryId, batch: usize, rows: usize) -> Done {
    let mut claimed = Vec::with_capacity(rows);
    let meter = Meter::start()?;
    while claimed.len() < rows {
        let next = store.claim_fresh(run, *after, 1000).await?;
        *after = next.last().ok_or("not enough rows")?.id;
        claimed.extend(next);
    }
    let count = u32::try_from(claimed.len())?;
    meter.stop("claim, 1,000 at once", count)?;
    let intents = claimed.iter().map(|claimed| intent(claimed, sender)).collect::<Result<Vec<_>, _>>()?;
    let mut settlements = Vec::new();
    let mut groups = Vec::new();
    for chunk in intents.chunks(batch) {
        groups.push(Group { settlements: std::mem::take(&mut settlements), inbox: Vec::new(), intents: chunk.to_vec() });
        settlements = chunk.iter().map(settlement).collect::<Result<Vec<_>, _>>()?;
    }
    groups.push(Group { settlements, ..Group::default() });
    let meter = Meter::start()?;
    for group in &groups {
        store.commit(group).await?;
    }
    meter.stop(&format!("intent + outcome, {batch} of each a commit"), count)
}

async fn receive(store: &dyn Store, run: RunNo, rows: u32) -> Done {
    for (what, batch) in [("webhook bodies of 600 bytes, 32 a commit", 32), ("webhook bodies of 600 bytes, 256 a commit", 256)] {
        let body = InboxBody { provider: "meta".to_owned(), received_at: NOW, body: Bytes::from(vec![b'x'; 600]) };
        let group = Group { inbox: vec![body; batch], ..Group::default() };
        let commits = 20_000 / batch;
        let meter = Meter::start()?;
        for _ in 0..commits {
            store.commit(&group).await?;
        }
        meter.stop(what, u32::try_from(commits * batch)?)?;
    }
    let meter = Meter::start()?;
    let bodies = store.unfolded(20_000).await?;
    meter.stop("webhook bodies read back", u32::try_from(bodies.len())?)?;
    for (what, step) in [("fold, 256 statuses, neighbours", 1), ("fold, 256 statuses, scattered", 769)] {
        let mut bodies = bodies.iter().map(|body| body.id);
        let count = 20_000u32.min(rows);
        let ids = |first: u32| (first..first + 256).map(|at| DeliveryId::new(run, u64::from(at.wrapping_mul(step) % rows) + 1));
        let meter = Meter::start()?;
        for first in (0..count).step_by(256) {
            let subjects = ids(first).collect::<Option<Vec<_>>>().ok_or("too many")?;
            let done: Vec<i64> = bodies.by_ref().take(if step == 1 { 40 } else { 0 }).collect();
            store.fold(&done, &[], &subjects, &statuses).await?;
        }
        meter.stop(what, count.div_ceil(256) * 256)?;
    }
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Done {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let folder = tempfile::tempdir()?;
    let url = arguments.next().unwrap_or_else(|| format!("sqlite:{}", folder.path().join("ledger.db").display()));
    let rows: u32 = arguments.next().map_or(Ok(200_000), |rows| rows.parse())?;
    let store = open(&url, Mode::Engine).await?;
    let run = plan(&*store, rows).await?;
    let sender = SenderRecord { name: "bench".to_owned(), provider: "meta".to_owned(), number_id: "1".to_owned() };
    let sender = *store.senders(&[sender]).await?.first().ok_or("no sender")?;
    let mut after = DeliveryId::new(run, 0).ok_or("no id")?;
    for batch in [32, 256] {
        send(&*store, run, sender, &mut after, batch, usize::try_from(rows / 4)?).await?;
    }
    receive(&*store, run, rows).await?;
    let meter = Meter::start()?;
    let counts = store.counts(run).await?;
    meter.stop("counts by state", rows)?;
    assert_eq!(counts.values().sum::<u64>(), u64::from(rows), "nothing was lost");
    store.close().await;
    if let Some(path) = url.strip_prefix("sqlite:") {
        println!("{:<44} {:>10} bytes", "the file", std::fs::metadata(path)?.len());
    }
    Ok(())
}
