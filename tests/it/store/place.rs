//! Where a test's ledger lives, and what tests put into it.

use std::sync::Arc;

use fanfare::audience::Phone;
use fanfare::campaign::OnUnknown;
use fanfare::outbound::key::{DeliveryId, RunNo, run_id};
use fanfare::outbound::ledger::{
    AttemptFact, Group, GroupResult, Intent, NewDelivery, NewRun, OutcomeKind, RouteTaken, RowCounts, SenderNo, SenderRecord,
    SettledBy, Settlement,
};
use fanfare::outbound::status::{RunState, Standing, State, Step, advance};
use fanfare::store::{Mode, Store, open};
use fanfare::time::Timestamp;
use sqlx::{Connection, PgConnection};

pub(super) const NOW: Timestamp = Timestamp(1_795_225_500_000);

/// One empty database.
pub(super) struct Place {
    pub(super) url: String,
    server: Option<(String, String)>,
    _folder: tempfile::TempDir,
}

/// A place on each database that there is.
pub(super) async fn each(name: &str) -> Vec<Place> {
    let folder = tempfile::tempdir().unwrap();
    let mut places =
        vec![Place { url: format!("sqlite:{}", folder.path().join("ledger.db").display()), server: None, _folder: folder }];
    match std::env::var("FANFARE_TEST_POSTGRES") {
        Ok(server) => {
            let database = format!("fanfare_{}_{name}", std::process::id());
            let database = database.get(..60).unwrap_or(&database).to_owned();
            let mut admin = PgConnection::connect(&server).await.unwrap();
            // A failed case leaves its database behind for the next one.
            let drop = sqlx::AssertSqlSafe(format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)"));
            sqlx::raw_sql(drop).execute(&mut admin).await.unwrap();
            let make = sqlx::AssertSqlSafe(format!("CREATE DATABASE {database}"));
            sqlx::raw_sql(make).execute(&mut admin).await.unwrap();
            let (base, _) = server.rsplit_once('/').unwrap();
            let url = format!("{base}/{database}");
            places.push(Place { url, server: Some((server, database)), _folder: tempfile::tempdir().unwrap() });
        }
        Err(_) => println!("LEFT OUT: {name} on PostgreSQL, FANFARE_TEST_POSTGRES is not set"),
    }
    places
}

impl Place {
    pub(super) async fn open(&self) -> Arc<dyn Store> {
        open(&self.url, Mode::Engine).await.unwrap()
    }

    /// One number, asked past the store.
    pub(super) async fn number(&self, sql: &'static str) -> i64 {
        if self.server.is_some() {
            let mut connection = PgConnection::connect(&self.url).await.unwrap();
            return sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap();
        }
        let mut connection = sqlx::SqliteConnection::connect(&self.url).await.unwrap();
        sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap()
    }

    /// Changes something past the store.
    pub(super) async fn change(&self, sql: &'static str) {
        if self.server.is_some() {
            let mut connection = PgConnection::connect(&self.url).await.unwrap();
            sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        } else {
            let mut connection = sqlx::SqliteConnection::connect(&self.url).await.unwrap();
            sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        }
    }

    pub(super) async fn remove(self) {
        if let Some((server, database)) = self.server {
            let mut admin = PgConnection::connect(&server).await.unwrap();
            let drop = sqlx::AssertSqlSafe(format!("DROP DATABASE {database} WITH (FORCE)"));
            sqlx::raw_sql(drop).execute(&mut admin).await.unwrap();
        }
    }
}

pub(super) fn new_run(campaign: &str) -> NewRun {
    NewRun {
        id: run_id(campaign, "key"),
        campaign: campaign.to_owned(),
        run_key: "key".to_owned(),
        campaign_text: "name = \"spring\"\n# größer\n".to_owned(),
        campaign_digest: "c0ffee".to_owned(),
        audience_digest: "beef".to_owned(),
        audience_name: "people.csv".to_owned(),
        columns: vec!["phone".to_owned(), "first \"name\"".to_owned()],
        on_unknown: OnUnknown::AtLeastOnce,
        created_at: NOW,
        expires_at: Some(Timestamp(NOW.0 + 1)),
    }
}

pub(super) fn person(number: u64) -> Phone {
    Phone::from_digits(521_550_000_000 + number).unwrap()
}

pub(super) fn id(run: RunNo, record: u64) -> DeliveryId {
    DeliveryId::new(run, record).unwrap()
}

pub(super) fn planned(run: RunNo, records: std::ops::RangeInclusive<u64>) -> Vec<NewDelivery> {
    let delivery = |record| NewDelivery {
        id: id(run, record),
        person: person(record),
        line: record + 1,
        state: State::Pending,
        reason: 0,
        vars: serde_json::to_string(&[format!("5{record}"), "Zoë \"Z\" \u{1f389}\n".to_owned()]).unwrap(),
    };
    records.map(delivery).collect()
}

pub(super) fn sender() -> SenderRecord {
    SenderRecord { name: "shop".to_owned(), provider: "meta".to_owned(), number_id: "106".to_owned() }
}

/// A run with this many people that is running, and a sender.
pub(super) async fn running(store: &dyn Store, people: u64) -> (RunNo, SenderNo) {
    let run = store.create_run(&new_run("spring")).await.unwrap().no;
    store.plan(run, &planned(run, 1..=people), &[]).await.unwrap();
    assert!(store.finish_planning(run, RowCounts { read: people, planned: people, bad: 0, duplicate: 0 }).await.unwrap());
    assert!(store.move_run(run, RunState::Ready, RunState::Running, None, NOW).await.unwrap());
    let sender = store.senders(&[sender()]).await.unwrap()[0];
    (run, sender)
}

/// The intent of a template to this delivery.
pub(super) fn intent(id: DeliveryId, before: Standing, sender: SenderNo) -> Intent {
    let deadline = Timestamp(NOW.0 + 30_000);
    Intent {
        id,
        before,
        after: advance(before, Step::Intend { deadline }).unwrap(),
        person: person(id.record()),
        sender,
        route: RouteTaken::Template,
        digest: -7,
        at: NOW,
        window_since: NOW,
    }
}

/// What was learned of the attempt that stands at `before`.
pub(super) fn fact(before: Standing, sender: SenderNo, outcome: OutcomeKind, settled_by: SettledBy) -> AttemptFact {
    AttemptFact {
        attempt: before.tries,
        generation: before.generation,
        sender,
        route: RouteTaken::Template,
        outcome,
        class: None,
        code: None,
        detail: Some("wor\0ds".to_owned()),
        http: 200,
        provider_id: (outcome == OutcomeKind::Accepted).then(|| format!("wamid.{}", before.tries)),
        digest: -7,
        intent_at: NOW,
        settled_at: Timestamp(NOW.0 + 1),
        settled_by,
    }
}

/// A step with its fact.
pub(super) fn settlement(id: DeliveryId, before: Standing, step: Step, sender: SenderNo, outcome: OutcomeKind) -> Settlement {
    let by = if before.state == State::Intent { SettledBy::Answer } else { SettledBy::Webhook };
    let fact = (before.tries > 0).then(|| fact(before, sender, outcome, by));
    Settlement { id, before, after: advance(before, step).unwrap(), reason: 0, fact }
}

pub(super) async fn commit_intents(store: &dyn Store, intents: Vec<Intent>) -> GroupResult {
    store.commit(&Group { intents, ..Group::default() }).await.unwrap()
}

pub(super) async fn commit_settlements(store: &dyn Store, settlements: Vec<Settlement>) -> GroupResult {
    store.commit(&Group { settlements, ..Group::default() }).await.unwrap()
}

/// Where a delivery stands.
pub(super) async fn standing(store: &dyn Store, id: DeliveryId) -> Standing {
    let seen = std::sync::Mutex::new(None);
    let look = |subjects: &[fanfare::outbound::ledger::Subject]| {
        *seen.lock().unwrap() = subjects.first().map(|subject| subject.standing);
        fanfare::outbound::ledger::FoldWrites::default()
    };
    store.fold(&[], &[], &[id], &look).await.unwrap();
    seen.into_inner().unwrap().unwrap()
}
