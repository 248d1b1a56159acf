//! The emergency journal against real ledgers: a database that really is full, a kill before the merge, a merge that comes twice or
//! after the ledger took the outcomes itself.

use std::sync::Arc;

use sqlx::Sqlite;

use super::open::Mode;
use super::session::Session;
use super::sql::{Closing, SqlStore};
use super::{cells::Cells, sqlite};
use crate::audience::Phone;
use crate::campaign::OnUnknown;
use crate::outbound::emergency::{Emergency, Journal, Merged};
use crate::outbound::key::{DeliveryId, RunNo};
use crate::outbound::ledger::{
    AttemptFact, Dispatch, Group, Intent, NewDelivery, NewRun, OutcomeKind, RouteTaken, RowCounts, Runs, SenderNo, SenderRecord,
    SettledBy, Settlement,
};
use crate::outbound::status::{RunState, Standing, State, Step, advance};
use crate::outbound::writer::Writer;
use crate::time::Timestamp;

const NOW: Timestamp = Timestamp(1_795_225_500_000);
const PEOPLE: u64 = 300;
const OUTCOMES: usize = 300;

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    async fn open(&self) -> Arc<SqlStore<Sqlite>> {
        let opened = sqlite::open(&self.folder.path().join("ledger.db"), Mode::Engine, &|before| Ok(before + 1)).await;
        Arc::new(opened.unwrap())
    }

    fn journal(&self) -> Journal {
        Journal::at(self.folder.path().join("ledger.db.outcomes.journal"))
    }
}

fn intend(run: RunNo, record: u64, sender: SenderNo) -> Intent {
    let person = Phone::parse(&format!("+5255{:08}", 10_000_000 + record)).unwrap();
    Intent {
        id: DeliveryId::new(run, record).unwrap(),
        before: Standing::PLANNED,
        after: advance(Standing::PLANNED, Step::Intend { deadline: NOW }).unwrap(),
        person,
        sender,
        route: RouteTaken::Template,
        digest: 7,
        at: NOW,
        window_since: NOW,
    }
}

/// A run whose every delivery has an intent and no outcome: what a process leaves that is killed now.
async fn calls_in_flight(store: &SqlStore<Sqlite>) -> (RunNo, Vec<Intent>) {
    let record = SenderRecord { name: "shop".into(), provider: "meta".into(), number_id: "1".into() };
    let sender = store.senders(&[record]).await.unwrap()[0];
    let text = || "x".to_owned();
    let run = NewRun {
        id: text(),
        campaign: text(),
        run_key: text(),
        campaign_text: text(),
        campaign_digest: text(),
        audience_digest: text(),
        audience_name: text(),
        columns: Vec::new(),
        on_unknown: OnUnknown::Auto,
        created_at: NOW,
        expires_at: None,
    };
    let run = store.create_run(&run).await.unwrap().no;
    let intents: Vec<_> = (1..=PEOPLE).map(|record| intend(run, record, sender)).collect();
    let planned = |intent: &Intent| {
        let (id, person) = (intent.id, intent.person);
        NewDelivery { id, person, line: id.record(), state: State::Pending, reason: 0, vars: "[]".into() }
    };
    store.plan(run, &intents.iter().map(planned).collect::<Vec<_>>(), &[]).await.unwrap();
    assert!(store.finish_planning(run, RowCounts { read: PEOPLE, planned: PEOPLE, ..RowCounts::default() }).await.unwrap());
    assert!(store.move_run(run, RunState::Ready, RunState::Running, None, NOW).await.unwrap());
    store.commit(&Group { intents: intents.clone(), ..Group::default() }).await.unwrap();
    (run, intents)
}

fn accepted(intent: &Intent) -> Settlement {
    let fact = AttemptFact {
        attempt: 1,
        generation: 0,
        sender: intent.sender,
        route: intent.route,
        outcome: OutcomeKind::Accepted,
        class: None,
        code: None,
        // Long, so that it needs new pages.
        detail: Some("words ".repeat(500)),
        http: 200,
        provider_id: Some(format!("wamid.{}", intent.id.record())),
        digest: intent.digest,
        intent_at: NOW,
        settled_at: NOW,
        settled_by: SettledBy::Answer,
    };
    let after = advance(intent.after, Step::Accept).unwrap();
    Settlement { id: intent.id, before: intent.after, after, reason: 0, fact: Some(fact) }
}

/// How many calls have an accepted outcome with its provider's id.
async fn proven(store: &SqlStore<Sqlite>) -> u64 {
    let sql = "SELECT COUNT(*) FROM attempt WHERE outcome = 1 AND provider_id LIKE 'wamid.%' AND settled_by = 0";
    store.read_first(sql, &[]).await.unwrap().unwrap().count(0).unwrap()
}

#[tokio::test]
async fn outcomes_that_a_full_database_refused_are_there_after_the_next_start() {
    let place = Place::new();
    let store = place.open().await;
    let (run, intents) = calls_in_flight(&store).await;
    {
        let mut connection = store.writer.as_ref().unwrap().acquire().await.unwrap();
        let pages = connection.first("PRAGMA page_count", &[]).await.unwrap().unwrap().int(0).unwrap();
        let sql = sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"));
        sqlx::raw_sql(sql).execute(&mut *connection).await.unwrap();
    }
    let emergency = Emergency { journal: Some(place.journal()), ..Emergency::default() };
    let (writer, task) = Writer::start(Arc::clone(&store) as _, emergency);
    for intent in &intents {
        writer.settle(accepted(intent), None).await;
    }
    let refused = writer.intend(vec![intents[0]]).await.unwrap_err();
    assert!(refused.to_string().starts_with("the disk is full"), "{refused}");
    drop(writer);
    task.await.unwrap();
    assert_eq!(store.counts(run).await.unwrap().get(&State::Intent), Some(&PEOPLE), "the database took none of them");
    drop(store);

    // As after a kill: nothing was closed. What is merged before recovery leaves recovery nothing to doubt.
    let store = place.open().await;
    let merged = place.journal().merge(&*store).await.unwrap();
    assert_eq!(merged, Merged { outcomes: OUTCOMES, known: 0, unreadable: 0 });
    assert!(store.open_intents(run, 9).await.unwrap().is_empty());
    assert_eq!((proven(&store).await, place.journal().path().exists()), (PEOPLE, false));
    assert!(store.complete_run(run, NOW).await.unwrap().0);
    store.close().await;
}

#[tokio::test]
async fn a_transaction_that_sqlite_ended_by_itself_does_not_end_the_writer() {
    let place = Place::new();
    let store = place.open().await;
    for _ in 0..3 {
        // What SQLite does on a disk that is full when the transaction is to be written (sqlite.org/lang_transaction.html).
        let mut transaction = store.write().await.unwrap();
        sqlx::raw_sql("ROLLBACK").execute(&mut *transaction).await.unwrap();
        drop(transaction);
        store.commit(&Group::default()).await.unwrap();
    }
    calls_in_flight(&store).await;
    store.close().await;
}

#[tokio::test]
async fn merging_again_or_after_the_ledger_took_them_changes_nothing() {
    let place = Place::new();
    let store = place.open().await;
    let (run, intents) = calls_in_flight(&store).await;
    let outcomes: Vec<_> = intents.iter().map(accepted).collect();
    place.journal().append(&outcomes).unwrap();
    let kept = std::fs::read(place.journal().path()).unwrap();
    // The first hundred were taken after all, and the process died before it removed the journal.
    store.commit(&Group { settlements: outcomes[..100].to_vec(), ..Group::default() }).await.unwrap();
    assert_eq!(place.journal().merge(&*store).await.unwrap().known, 100);
    let once = store.counts(run).await.unwrap();
    // One of them failed later and is being sent anew: its old outcome must not settle the new send.
    let failed = outcomes[0].after;
    let after = advance(failed, Step::Renew { until: NOW, force_template: true }).unwrap();
    let renewed = Settlement { id: outcomes[0].id, before: failed, after, reason: 0, fact: None };
    let deadline = NOW;
    let again = Intent { before: after, after: advance(after, Step::Intend { deadline }).unwrap(), ..intents[0] };
    store.commit(&Group { settlements: vec![renewed], intents: vec![again], ..Group::default() }).await.unwrap();
    std::fs::write(place.journal().path(), &kept).unwrap();
    assert_eq!(place.journal().merge(&*store).await.unwrap().known, OUTCOMES);
    assert_eq!(once.get(&State::Accepted), Some(&PEOPLE));
    let open = store.open_intents(run, 9).await.unwrap();
    assert_eq!(open.iter().map(|open| (open.id, open.standing)).collect::<Vec<_>>(), [(again.id, again.after)]);
    assert_eq!(proven(&store).await, PEOPLE);
    assert_eq!(place.journal().merge(&*store).await.unwrap(), Merged::default(), "no journal, no work");
    store.close().await;
}

#[tokio::test]
async fn a_damaged_line_costs_itself_and_the_file_is_set_aside() {
    let place = Place::new();
    let store = place.open().await;
    let (run, intents) = calls_in_flight(&store).await;
    let outcomes: Vec<_> = intents.iter().take(3).map(accepted).collect();
    place.journal().append(&outcomes).unwrap();
    let text = std::fs::read_to_string(place.journal().path()).unwrap();
    // Another provider's id in the second line, and a third that was cut short.
    std::fs::write(place.journal().path(), text[..text.len() - 10].replace("wamid.2", "wamid.9")).unwrap();
    let merged = place.journal().merge(&*store).await.unwrap();
    assert_eq!(merged, Merged { outcomes: 1, known: 0, unreadable: 1 });
    assert_eq!(store.open_intents(run, 1000).await.unwrap().len() as u64, PEOPLE - 1);
    assert!(!place.journal().path().exists() && place.folder.path().join("ledger.db.outcomes.damaged").exists());
    store.close().await;
}
