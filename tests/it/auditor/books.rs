//! What the engine wrote down: its database, read with SQL of the auditor's own.

use std::collections::HashMap;
use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection, Row};

/// A run.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) no: i64,
    pub(crate) id: String,
    /// 4: completed.
    pub(crate) state: i64,
    pub(crate) read: i64,
    pub(crate) planned: i64,
    pub(crate) bad: i64,
    pub(crate) duplicate: i64,
}

/// A recipient.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub(crate) run: i64,
    pub(crate) person: i64,
    /// 0 pending, 1 intent, 2 unknown, 3 accepted, 4 rejected, 5 skipped, 6 expired, 7 cancelled, 8 quarantined, 9 unknown for good.
    pub(crate) state: i64,
    pub(crate) tries: i64,
    pub(crate) generation: i64,
    pub(crate) flags: i64,
    pub(crate) digest: i64,
}

/// A call.
#[derive(Clone, Debug)]
#[expect(dead_code, reason = "the times and the sender are for people who read a finding")]
pub(crate) struct Attempt {
    pub(crate) delivery: i64,
    pub(crate) generation: i64,
    /// 1 accepted, 2 refused, 3 not sent, 4 unknown.
    pub(crate) outcome: i64,
    /// 0 answer, 1 webhook, 2 recovery, 3 absence, 4 policy.
    pub(crate) settled_by: i64,
    pub(crate) provider_id: Option<String>,
    pub(crate) digest: i64,
    pub(crate) intent_at: i64,
    pub(crate) settled_at: i64,
    pub(crate) sender: i64,
}

/// Bits as in the provider's ledger: 1 sent, 2 delivered, 4 read, 8 failed.
#[derive(Clone, Debug)]
pub(crate) struct Receipt {
    pub(crate) bits: u8,
    pub(crate) code: Option<String>,
}

/// The database at rest.
#[derive(Debug)]
pub(crate) struct Books {
    pub(crate) integrity: String,
    pub(crate) runs: Vec<Run>,
    pub(crate) deliveries: HashMap<i64, Delivery>,
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) receipts: HashMap<(i64, i64), Receipt>,
    pub(crate) rejected_rows: HashMap<i64, i64>,
    pub(crate) unfolded: i64,
    pub(crate) unread: i64,
    pub(crate) incarnation: i64,
}

impl Books {
    /// The possible-duplicate mark.
    pub(crate) const POSSIBLE_DUPLICATE: i64 = 2;

    /// Reads everything.
    pub(crate) fn read(path: &Path) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(Self::load(path))
    }

    async fn load(path: &Path) -> Self {
        // A log that a killed process left is read too, for which SQLite may have to make its index file.
        let options = SqliteConnectOptions::new().filename(path).create_if_missing(false);
        let mut db = SqliteConnection::connect_with(&options).await.expect("the engine's database");
        let integrity: String = sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&mut db).await.unwrap();
        let runs = sqlx::query("SELECT no, id, state, rows_read, rows_planned, rows_bad, rows_duplicate FROM run ORDER BY no")
            .fetch_all(&mut db)
            .await
            .unwrap();
        let run = |row: &sqlx::sqlite::SqliteRow| Run {
            no: row.get(0),
            id: row.get(1),
            state: row.get(2),
            read: row.get(3),
            planned: row.get(4),
            bad: row.get(5),
            duplicate: row.get(6),
        };
        let deliveries = sqlx::query("SELECT id, run, person, state, tries, gen, flags, digest FROM delivery")
            .fetch_all(&mut db)
            .await
            .unwrap();
        let delivery = |row: &sqlx::sqlite::SqliteRow| {
            let delivery = Delivery {
                run: row.get(1),
                person: row.get(2),
                state: row.get(3),
                tries: row.get(4),
                generation: row.get(5),
                flags: row.get(6),
                digest: row.get(7),
            };
            (row.get::<i64, _>(0), delivery)
        };
        let attempts = sqlx::query(
            "SELECT delivery, gen, outcome, settled_by, provider_id, digest, intent_at, settled_at, sender FROM attempt",
        )
        .fetch_all(&mut db)
        .await
        .unwrap();
        let attempt = |row: &sqlx::sqlite::SqliteRow| Attempt {
            delivery: row.get(0),
            generation: row.get(1),
            outcome: row.get(2),
            settled_by: row.get(3),
            provider_id: row.get(4),
            digest: row.get(5),
            intent_at: row.get(6),
            settled_at: row.get(7),
            sender: row.get(8),
        };
        let receipts = sqlx::query("SELECT delivery, gen, sent_at, delivered_at, read_at, failed_at, code FROM receipt")
            .fetch_all(&mut db)
            .await
            .unwrap();
        let receipt = |row: &sqlx::sqlite::SqliteRow| {
            let bits = (0..4).filter(|bit| row.get::<Option<i64>, _>(2 + bit).is_some()).fold(0, |bits, bit| bits | (1 << bit));
            ((row.get::<i64, _>(0), row.get::<i64, _>(1)), Receipt { bits, code: row.get(6) })
        };
        let bad = sqlx::query("SELECT run, COUNT(*) FROM rejected_row GROUP BY run").fetch_all(&mut db).await.unwrap();
        Self {
            integrity,
            runs: runs.iter().map(run).collect(),
            deliveries: deliveries.iter().map(delivery).collect(),
            attempts: attempts.iter().map(attempt).collect(),
            receipts: receipts.iter().map(receipt).collect(),
            rejected_rows: bad.iter().map(|row| (row.get(0), row.get(1))).collect(),
            unfolded: sqlx::query_scalar("SELECT COUNT(*) FROM inbox_todo").fetch_one(&mut db).await.unwrap(),
            unread: sqlx::query_scalar("SELECT COUNT(*) FROM inbox_unread").fetch_one(&mut db).await.unwrap(),
            incarnation: sqlx::query_scalar("SELECT incarnation FROM engine").fetch_one(&mut db).await.unwrap(),
        }
    }
}

/// One number, asked of the database.
pub(crate) fn number(path: &Path, sql: &'static str) -> i64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let options = SqliteConnectOptions::new().filename(path).create_if_missing(false);
        let mut db = SqliteConnection::connect_with(&options).await.expect("the engine's database");
        sqlx::query_scalar(sql).fetch_one(&mut db).await.unwrap()
    })
}
