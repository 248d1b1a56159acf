//! Whole sessions over a real ledger and a provider that records: a database that is full in the middle of a run, and outcomes that
//! wait for a person.

use std::collections::{BTreeMap, HashSet};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use sqlx::Sqlite;
use tokio_util::sync::CancellationToken;

use super::cells::Cells;
use super::open::Mode;
use super::session::Session as _;
use super::sql::{Closing, SqlStore};
use super::sqlite;
use crate::audience::Phone;
use crate::campaign::{self, Context, OnUnknown};
use crate::outbound::call::Line;
use crate::outbound::emergency::{Emergency, Journal};
use crate::outbound::key::{DeliveryId, RunNo};
use crate::outbound::lane::{self, LaneSetup};
use crate::outbound::ledger::{
    Dispatch, Ledger, NewDelivery, NewRun, OpenAttempt, RowCounts, RunRecord, Runs, SenderRecord, StateCounts,
};
use crate::outbound::operator::{Decision, DecisionError, decide};
use crate::outbound::progress::Progress;
use crate::outbound::quota::Quota;
use crate::outbound::script::Script;
use crate::outbound::session::{RunEnd, Session, SessionLane};
use crate::outbound::status::{Flags, RunState, State};
use crate::outbound::writer::Writer;
use crate::provider::contract::{Provider, Reply, Request, Transport, TransportError};
use crate::provider::meta::Meta;
use crate::provider::record::Recorder;
use crate::time::{Clock, SystemClock, Timestamp};

const CAMPAIGN: &str = r#"
name = "spring"
purpose = "marketing"
sender = "shop"

[audience]
file = "people.csv"
phone = "mobile"
consent = "opt_in"

[template]
name = "spring_v1"
language = "es_MX"
body = ["{{name}}"]
"#;

/// A provider that takes everything, and answers unless it is mute.
#[derive(Debug, Default)]
struct Answers {
    recorder: Recorder,
    mute: AtomicBool,
}

#[async_trait]
impl Transport for Answers {
    async fn post(&self, request: &Request) -> Result<Reply, TransportError> {
        let reply = self.recorder.post(request).await;
        if self.mute.load(Ordering::SeqCst) { Err(TransportError::NoAnswer("cut".into())) } else { reply }
    }
}

struct Shop {
    folder: tempfile::TempDir,
    store: Arc<SqlStore<Sqlite>>,
    answers: Arc<Answers>,
    script: Arc<Script>,
}

impl Shop {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = sqlite::open(&folder.path().join("ledger.db"), Mode::Engine, &|before| Ok(before + 1)).await.unwrap();
        let (campaign, _) = campaign::parse(CAMPAIGN, &Context { senders: None, now: SystemClock.now() }).unwrap();
        let script = Script::new(&campaign, Script::columns_of(&campaign).unwrap()).unwrap();
        Self { folder, store: Arc::new(store), answers: Arc::default(), script: Arc::new(script) }
    }

    async fn planned(&self, people: u64, on_unknown: OnUnknown) -> RunNo {
        let text = |text: &str| text.to_owned();
        let run = NewRun {
            id: text("spring-1"),
            campaign: text("spring"),
            run_key: text("1"),
            campaign_text: text(CAMPAIGN),
            campaign_digest: text("x"),
            audience_digest: text("x"),
            audience_name: text("people.csv"),
            columns: self.script.columns().to_vec(),
            on_unknown,
            created_at: SystemClock.now(),
            expires_at: None,
        };
        let no = self.store.create_run(&run).await.unwrap().no;
        let planned = |record| NewDelivery {
            id: DeliveryId::new(no, record).unwrap(),
            person: Phone::parse(&format!("+5255{:08}", 10_000_000 + record)).unwrap(),
            line: record + 1,
            state: State::Pending,
            reason: 0,
            vars: serde_json::json!([format!("person {record}")]).to_string(),
        };
        self.store.plan(no, &(1..=people).map(planned).collect::<Vec<_>>(), &[]).await.unwrap();
        let counts = RowCounts { read: people, planned: people, ..RowCounts::default() };
        assert!(self.store.finish_planning(no, counts).await.unwrap());
        no
    }

    async fn record(&self) -> RunRecord {
        self.store.run("spring-1").await.unwrap().unwrap()
    }

    /// One session, as one `fanfare run`.
    async fn run(&self) -> RunEnd {
        let ledger: Arc<dyn Ledger> = Arc::clone(&self.store) as _;
        let journal = Journal::at(self.folder.path().join("outcomes.journal"));
        journal.merge(&*self.store).await.unwrap();
        let (writer, writing) =
            Writer::start(Arc::clone(&self.store) as _, Emergency { journal: Some(journal), ..Emergency::default() });
        let sender = SenderRecord { name: "shop".into(), provider: "meta".into(), number_id: "1".into() };
        let sender = self.store.senders(&[sender]).await.unwrap()[0];
        let provider: Arc<dyn Provider> = Arc::new(Meta::new());
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let line = Line {
            sender,
            name: "shop".into(),
            provider: Arc::clone(&provider),
            transport: Arc::clone(&self.answers) as _,
            writer: writer.clone(),
            clock: Arc::clone(&clock),
        };
        let quota = Quota::per_second(NonZeroU32::new(5000).unwrap());
        let (handle, sending) = lane::start(LaneSetup { quota, in_flight: Some(16), line });
        let session = Session {
            script: Arc::clone(&self.script),
            lanes: vec![SessionLane { sender, number_id: "1".into(), provider, lane: handle }],
            writer: writer.clone(),
            clock,
            grace: Duration::from_millis(40),
            listening_since: None,
            linger: Duration::ZERO,
            rate: None,
            priority: 0,
            in_flight: Some(16),
            progress: Arc::new(Progress::default()),
            alarm: tokio::sync::watch::channel(None).1,
            stop: CancellationToken::new(),
        };
        let end = session.run(self.record().await, &ledger).await.unwrap();
        drop((session, writer));
        sending.await.unwrap();
        writing.await.unwrap();
        end
    }

    /// How many pages the database may have; `None`: as many as it wants.
    async fn limit(&self, more: Option<i64>) {
        let mut connection = self.store.writer.as_ref().unwrap().acquire().await.unwrap();
        let pages = connection.first("PRAGMA page_count", &[]).await.unwrap().unwrap().int(0).unwrap();
        let most = more.map_or(1 << 30, |more| pages + more);
        let sql = sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {most}"));
        sqlx::raw_sql(sql).execute(&mut *connection).await.unwrap();
    }

    /// What the provider got since it was last asked: how many messages to how many people.
    fn got(&self) -> BTreeMap<String, usize> {
        let mut got = BTreeMap::new();
        for request in self.answers.recorder.take() {
            let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
            *got.entry(body["to"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        got
    }

    async fn counts(&self, run: RunNo) -> StateCounts {
        self.store.counts(run).await.unwrap()
    }

    async fn unresolved(&self, run: RunNo) -> Vec<OpenAttempt> {
        self.store.unresolved(run, DeliveryId::from_raw(0), 1000).await.unwrap()
    }

    async fn decide(&self, decision: Decision, attempts: &[OpenAttempt], now: Timestamp) -> Result<usize, DecisionError> {
        decide(decision, &self.record().await, attempts, &*self.store, now).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_full_in_the_middle_pauses_the_run_and_nobody_gets_two() {
    let shop = Shop::new().await;
    let run = shop.planned(2000, OnUnknown::AtMostOnce).await;
    shop.limit(Some(8)).await;
    let RunEnd::Paused(reason) = shop.run().await else { panic!("the run ended on a full database") };
    assert!(reason.starts_with("the disk is full"), "{reason}");
    let first = shop.got();
    assert!(!first.is_empty() && first.len() < 2000, "stopped in the middle: {}", first.len());
    shop.limit(None).await;
    assert_eq!(shop.run().await, RunEnd::Completed);
    let second = shop.got();
    assert!(first.values().chain(second.values()).all(|count| *count == 1));
    assert_eq!(first.keys().chain(second.keys()).collect::<HashSet<_>>().len(), first.len() + second.len(), "nobody twice");
    assert_eq!(first.len() + second.len(), 2000);
    assert_eq!(shop.counts(run).await, StateCounts::from([(State::Accepted, 2000)]), "and no outcome was lost");
    shop.store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn held_sends_pause_the_run_until_a_person_decides() {
    let shop = Shop::new().await;
    let run = shop.planned(4, OnUnknown::Hold).await;
    shop.answers.mute.store(true, Ordering::SeqCst);
    let paused = RunEnd::Paused("4 sends wait for your decision: fanfare unknown list spring-1".into());
    assert_eq!(shop.run().await, paused);
    assert_eq!(shop.run().await, paused, "again and again, without a call");
    assert_eq!(shop.got().len(), 4);
    let held = shop.unresolved(run).await;
    let now = SystemClock.now();
    assert_eq!(shop.decide(Decision::Accept, &held[..1], now).await.unwrap(), 1);
    assert_eq!(shop.decide(Decision::Accept, &held[..1], now).await.unwrap(), 0, "decided once");
    assert_eq!(shop.decide(Decision::Resend, &held[1..], now).await.unwrap(), 3);
    shop.answers.mute.store(false, Ordering::SeqCst);
    assert_eq!(shop.run().await, RunEnd::Completed);
    assert_eq!(shop.got().values().copied().collect::<Vec<_>>(), [1, 1, 1]);
    assert_eq!(shop.counts(run).await, StateCounts::from([(State::Accepted, 4)]));
    let sql = "SELECT COUNT(*) FROM delivery WHERE flags = 2 AND gen = 1";
    assert_eq!(shop.store.read_first(sql, &[]).await.unwrap().unwrap().count(0).unwrap(), 3, "listed as possible duplicates");
    assert_eq!(Flags::POSSIBLE_DUPLICATE, Flags(2));
    shop.store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_completed_run_is_reopened_for_what_is_unknown_for_good() {
    let shop = Shop::new().await;
    let run = shop.planned(3, OnUnknown::AtMostOnce).await;
    shop.answers.mute.store(true, Ordering::SeqCst);
    assert_eq!(shop.run().await, RunEnd::Completed);
    assert_eq!(shop.counts(run).await, StateCounts::from([(State::UnknownFinal, 3)]));
    let lost = shop.unresolved(run).await;
    let now = SystemClock.now();
    assert_eq!(shop.decide(Decision::Accept, &lost[..1], now).await.unwrap(), 1);
    assert_eq!(shop.record().await.state, RunState::Completed, "nothing is open");
    assert_eq!(shop.decide(Decision::Resend, &lost[1..2], now).await.unwrap(), 1);
    let reopened = shop.record().await;
    assert_eq!((reopened.state, reopened.finished_at), (RunState::Ready, None));
    shop.answers.mute.store(false, Ordering::SeqCst);
    shop.got();
    assert_eq!(shop.run().await, RunEnd::Completed);
    assert_eq!(shop.got().len(), 1);
    assert_eq!(shop.counts(run).await, StateCounts::from([(State::Accepted, 2), (State::UnknownFinal, 1)]));
    assert!(shop.store.move_run(run, RunState::Completed, RunState::Ready, None, now).await.unwrap());
    assert!(shop.store.move_run(run, RunState::Ready, RunState::Cancelled, None, now).await.unwrap());
    let refused = shop.decide(Decision::Resend, &lost[2..], now).await.unwrap_err();
    assert!(refused.to_string().contains("is cancelled"), "{refused}");
    assert_eq!(shop.decide(Decision::Accept, &lost[2..], now).await.unwrap(), 1, "a fact is a fact");
    shop.store.close().await;
}
