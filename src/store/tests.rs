//! What holds for the statements and schemas themselves. The behaviour of the ports is tested from outside.

use std::collections::BTreeSet;
use std::path::Path;

use sqlx::postgres::PgTypeInfo;
use sqlx::{Connection, Executor, PgConnection, Postgres, SqlSafeStr, Sqlite, SqliteConnection};

use super::dialect::Dialect;
use super::migration::migrate;
use super::session::Session;
use super::{dispatch, fare, fold, group, inbox, plan, report, runs, sql};

fn statements() -> Vec<&'static str> {
    let parts = [dispatch::STATEMENTS, fare::STATEMENTS, fold::STATEMENTS, group::STATEMENTS, inbox::STATEMENTS];
    [plan::STATEMENTS, report::STATEMENTS, runs::STATEMENTS, &[sql::OPENED, sql::OPENINGS]]
        .into_iter()
        .chain(parts)
        .flatten()
        .copied()
        .collect()
}

#[tokio::test]
async fn sqlite_takes_every_statement() {
    let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
    migrate::<Sqlite>(&mut connection).await.unwrap();
    for statement in statements() {
        let prepared = Executor::prepare(&mut connection, statement.into_sql_str()).await;
        assert!(prepared.is_ok(), "{:?}: {statement}", prepared.err());
    }
}

#[tokio::test]
async fn postgres_takes_every_statement() {
    let Ok(url) = std::env::var("FANFARE_TEST_POSTGRES") else {
        println!("LEFT OUT: FANFARE_TEST_POSTGRES is not set, PostgreSQL's statements were not prepared");
        return;
    };
    let mut connection = PgConnection::connect(&url).await.unwrap();
    // Everything in one transaction that is never committed: the server's database stays as it is.
    Session::execute(&mut connection, "BEGIN", &[]).await.unwrap();
    for (_, _, text) in Postgres::MIGRATIONS {
        sqlx::raw_sql(*text).execute(&mut connection).await.unwrap();
    }
    for statement in statements() {
        // What the one statement with bytes says of them is what the store binds; of all others the server finds out itself.
        let bytes = [PgTypeInfo::with_name("TEXT"), PgTypeInfo::with_name("BYTEA")];
        let types = if statement.contains("SUBSTR($2") { &bytes[..] } else { &[] };
        let prepared = Executor::prepare_with(&mut connection, statement.into_sql_str(), types).await;
        assert!(prepared.is_ok(), "{:?}: {statement}", prepared.err());
    }
}

#[test]
fn every_statement_is_listed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store");
    let mut constants = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let begins =
            |text: &str| ["SELECT ", "INSERT ", "UPDATE ", "DELETE "].iter().any(|word| text.trim_start().starts_with(word));
        constants += text
            .split("const ")
            .filter(|part| {
                part.split_once(": &str =").is_some_and(|(_, sql)| {
                    sql.split_once('"').is_some_and(|(_, sql)| begins(sql.trim_start_matches(['\\', '\n', ' '])))
                })
            })
            .count();
    }
    assert_eq!(statements().len(), constants, "a statement stands in no list");
}

#[test]
fn both_databases_have_the_same_migrations() {
    let names = |database: &str| -> BTreeSet<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(database);
        std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
    };
    assert_eq!(names("sqlite"), names("postgres"));
    let embedded = |all: &[(i64, &str, &str)]| -> BTreeSet<String> {
        all.iter().map(|(version, name, _)| format!("{version:04}_{name}.sql")).collect()
    };
    assert_eq!(embedded(Sqlite::MIGRATIONS), names("sqlite"), "a migration on the disk is not embedded");
    assert_eq!(embedded(Postgres::MIGRATIONS), names("postgres"), "a migration on the disk is not embedded");
}

/// Tables and their columns, with what may be null.
async fn columns(connection: &mut impl Session, sql: &'static str) -> BTreeSet<(String, String, bool)> {
    use super::cells::Cells;
    let rows = Session::fetch(connection, sql, &[]).await.unwrap();
    rows.iter()
        .map(|row| (row.text(0).unwrap().to_owned(), row.text(1).unwrap().to_owned(), row.int(2).unwrap() == 1))
        .filter(|(table, ..)| table != "_sqlx_migrations")
        .collect()
}

#[tokio::test]
async fn both_databases_have_the_same_columns() {
    let Ok(url) = std::env::var("FANFARE_TEST_POSTGRES") else {
        println!("LEFT OUT: FANFARE_TEST_POSTGRES is not set, the schemas were not compared");
        return;
    };
    let mut sqlite = SqliteConnection::connect("sqlite::memory:").await.unwrap();
    migrate::<Sqlite>(&mut sqlite).await.unwrap();
    let ours = columns(
        &mut sqlite,
        "SELECT m.name, c.name, CASE WHEN c.\"notnull\" = 1 OR c.pk > 0 THEN 0 ELSE 1 END FROM sqlite_schema AS m \
         JOIN pragma_table_info(m.name) AS c WHERE m.type = 'table'",
    )
    .await;
    let mut postgres = PgConnection::connect(&url).await.unwrap();
    Session::execute(&mut postgres, "BEGIN", &[]).await.unwrap();
    for (_, _, text) in Postgres::MIGRATIONS {
        sqlx::raw_sql(*text).execute(&mut postgres).await.unwrap();
    }
    let theirs = columns(
        &mut postgres,
        "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT), CASE is_nullable WHEN 'YES' THEN CAST(1 AS BIGINT) ELSE 0 END \
         FROM information_schema.columns WHERE table_schema = 'public'",
    )
    .await;
    assert!(!ours.is_empty());
    assert_eq!(ours, theirs);
}
