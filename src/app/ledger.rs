//! Opening the ledger to send from it, with everything that stands beside it: the witness that tells it from a copy, the journal of
//! outcomes that an earlier process could not put into it, the ballast, and the mark below which the disk is too full.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;

use super::config::Settings;
use super::witness::Witness;
use crate::outbound::emergency::{Ballast, Emergency, Journal, LowWater};
use crate::outbound::status::RunState;
use crate::store::{self, Mode, Store};
use crate::time::Clock;

/// Runs looked at for ones that have begun and not ended: the latest.
const RUNS: u32 = 10_000;

/// A ledger to send from.
pub struct Opened {
    /// The ledger.
    pub store: Arc<dyn Store>,
    /// What its writer falls back on.
    pub emergency: Emergency,
    /// What tells it from a copy.
    pub witness: Witness,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opened").field("witness", &self.witness).finish_non_exhaustive()
    }
}

/// What opening came to.
#[derive(Debug)]
pub enum Opening {
    /// Ready.
    Ready(Box<Opened>),
    /// It may be an older copy, for this reason: its runs are paused and it is closed again.
    Refused(String),
}

/// Opens the ledger; merges the journal before anyone looks at open intents. `accepted` says that a person knows that it is a copy.
///
/// # Errors
/// When the ledger is in use or unfit, or the journal cannot be merged.
pub async fn open(settings: &Settings, accepted: bool, clock: &dyn Clock) -> anyhow::Result<Opening> {
    let file = settings.database.strip_prefix("sqlite:").map(absolute).transpose()?;
    let name = file.as_ref().map_or_else(|| server(&settings.database), |file| file.display().to_string());
    let witness = Witness::of(&name, file.is_some(), accepted);
    let store = store::open_watched(&settings.database, Mode::Engine, &|openings| witness.look(openings)).await?;
    let begun = store.runs(RUNS).await?;
    let active = |state| matches!(state, RunState::Running | RunState::Paused);
    if let Some(reason) = witness.refuses(begun.iter().any(|run| active(run.state) && run.started_at.is_some())) {
        for run in begun.iter().filter(|run| run.state == RunState::Running) {
            store.move_run(run.no, RunState::Running, RunState::Paused, Some(&reason), clock.now()).await?;
        }
        store.close().await;
        return Ok(Opening::Refused(reason));
    }
    let emergency = beside(settings, file.as_deref(), &name);
    if let Some(journal) = &emergency.journal {
        let merged = journal.merge(&*store as _).await?;
        if merged.outcomes > 0 {
            tracing::warn!(
                outcomes = merged.outcomes,
                known = merged.known,
                "outcomes of the emergency journal are in the ledger now"
            );
        }
    }
    if let Some(ballast) = emergency.ballast.clone() {
        let spare = settings.keep_free;
        let made = tokio::task::spawn_blocking(move || ballast.make(spare)).await.context("making the ballast")?;
        match made {
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "the ballast could not be made: a full disk will have less room for outcomes"),
        }
    }
    Ok(Opening::Ready(Box::new(Opened { store, emergency, witness })))
}

fn beside(settings: &Settings, file: Option<&Path>, name: &str) -> Emergency {
    let Some(file) = file else {
        // The server's disk is its own affair; the journal lies here.
        let tag: String = name.chars().map(|char| if char.is_ascii_alphanumeric() { char } else { '-' }).collect();
        let journal = Journal::at(settings.data.join(format!("{tag}.outcomes.journal")));
        return Emergency { journal: Some(journal), ..Emergency::default() };
    };
    let with = |suffix: &str| {
        let mut name = file.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    Emergency {
        journal: Some(Journal::at(with(".outcomes.journal"))),
        ballast: Some(Ballast { path: with(".ballast"), bytes: settings.ballast }),
        low_water: Some(LowWater {
            folder: file.parent().unwrap_or(Path::new("/")).to_owned(),
            bytes: settings.keep_free,
            percent: settings.keep_free_percent,
        }),
    }
}

/// One name a file, whatever links lead to its folder. The folder is made: before that it has no such name.
fn absolute(path: &str) -> anyhow::Result<PathBuf> {
    let path = Path::new(path);
    let about = || format!("the ledger cannot be made at {}", path.display());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).with_context(about)?;
    Ok(folder.canonicalize().with_context(about)?.join(path.file_name().with_context(about)?))
}

/// Host and database of a server's URL: without user and password, which may change.
fn server(url: &str) -> String {
    url::Url::parse(url).map_or_else(
        |_| "server".to_owned(),
        |url| format!("{}:{}{}", url.host_str().unwrap_or_default(), url.port().unwrap_or(5432), url.path()),
    )
}

/// What a person has to do about a refused ledger.
pub fn advice(reason: &str) -> String {
    format!(
        "paused, {reason}. Sending from it could send again what was sent already. Compare with the provider what has been sent; \
         then run the same command with --accept-restored"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_servers_name_has_no_password_and_a_file_one_name_by_all_its_ways() {
        assert_eq!(server("postgres://me:secret@db.example/shop"), "db.example:5432/shop");
        assert_eq!(server("postgres://you@db.example:5432/shop"), "db.example:5432/shop");
        let folder = tempfile::tempdir().unwrap();
        let path = |text: &str| absolute(&folder.path().join(text).display().to_string()).unwrap();
        let first = path("data/ledger.db");
        assert_eq!(first, path("data/../data/ledger.db"));
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(folder.path().join("data"), folder.path().join("link")).unwrap();
            assert_eq!(first, path("link/ledger.db"));
        }
    }
}
