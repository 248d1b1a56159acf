//! Bringing a ledger's schema to this version's, or refusing one from the future.

use sqlx::SqlSafeStr;
use sqlx::migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator};

use super::dialect::Dialect;
use super::failure::database;
use crate::outbound::ledger::LedgerError;

const TABLE: &str = "_sqlx_migrations";

fn migrator<DB: Dialect>() -> Migrator {
    let migration = |&(version, name, text): &(i64, &'static str, &'static str)| {
        Migration::new(version, name.into(), MigrationType::Simple, text.into_sql_str(), false)
    };
    Migrator::with_migrations(DB::MIGRATIONS.iter().map(migration).collect())
}

/// Applies what is missing.
pub(super) async fn migrate<DB: Dialect>(connection: &mut DB::Connection) -> Result<(), LedgerError> {
    migrator::<DB>().run_direct(None, connection, false).await.map_err(unfit)
}

/// Checks that a ledger opened for reading has exactly this version's schema.
pub(super) async fn verify<DB: Dialect>(connection: &mut DB::Connection) -> Result<(), LedgerError> {
    let applied = connection.list_applied_migrations(TABLE).await.map_err(unfit)?;
    let known = migrator::<DB>();
    if applied.iter().any(|applied| !known.version_exists(applied.version)) {
        return Err(newer());
    }
    if applied.len() < DB::MIGRATIONS.len() {
        return Err(LedgerError::Unfit(
            "the ledger was written by an older version: a `fanfare run` of it brings it up to date".into(),
        ));
    }
    Ok(())
}

fn newer() -> LedgerError {
    LedgerError::Unfit("the ledger was written by a newer version of fanfare: use that version, or another ledger".into())
}

fn unfit(error: MigrateError) -> LedgerError {
    match error {
        MigrateError::VersionMissing(_) => newer(),
        MigrateError::VersionMismatch(version) => LedgerError::Unfit(format!(
            "the ledger's schema ({version}) is not the one this version of fanfare knows: use another ledger"
        )),
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => database(error),
        error => LedgerError::Database(Box::new(error)),
    }
}
