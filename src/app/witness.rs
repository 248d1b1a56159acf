//! The witness: a small file outside the data folder that remembers how often the ledger was opened to send. A ledger that was opened
//! fewer times than its witness saw is an older copy: people it calls pending may have had their message, so nothing is sent from it
//! before a person says so (reliability, section 1.5, row 18).
//!
//! The ledger's count is raised first, the witness's after it: a process that dies in between leaves the ledger ahead, which is no
//! alarm. An alarm is written into the witness before the ledger is touched, so that opening the copy again and again does not wear it
//! out. While a run sends the count rises once a minute: a copy made earlier than that is noticed.
//!
//! The files lie in `$FANFARE_STATE`, else `$XDG_STATE_HOME/fanfare`, else `~/.local/state/fanfare`, one a ledger.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::outbound::ledger::LedgerError;
use crate::store::Store;

/// How often the count rises while a run sends.
const EVERY: Duration = Duration::from_secs(60);

/// What a witness remembers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Memory {
    /// Which ledger, for people who look.
    ledger: String,
    /// How often it was opened.
    openings: i64,
    /// Whether an older copy was seen and no person has decided yet.
    restored: bool,
}

/// What a ledger's count says beside the witness's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Judgement {
    /// Its own.
    Same,
    /// A new and empty one.
    New,
    /// Nobody remembers it although it was opened before: moved here, copied here, or the witness was lost.
    Stranger,
    /// An older copy.
    Restored,
}

const fn judge(openings: i64, memory: Option<&Memory>) -> Judgement {
    match memory {
        _ if openings == 0 => Judgement::New,
        None => Judgement::Stranger,
        Some(memory) if memory.restored || openings < memory.openings => Judgement::Restored,
        Some(_) => Judgement::Same,
    }
}

/// The witness of one ledger.
#[derive(Debug)]
pub struct Witness {
    /// `None` when there is no place for it.
    file: Option<PathBuf>,
    ledger: String,
    /// Whether a person accepted that the ledger is an older copy.
    accepted: bool,
    /// Whether a ledger without memory may be a copy: a file can be, a server is reached from several machines.
    movable: bool,
    openings: AtomicI64,
}

impl Witness {
    /// The witness of the ledger with this name: an absolute path, or host and database.
    pub fn of(ledger: &str, movable: bool, accepted: bool) -> Self {
        let folder = folder();
        if folder.is_none() {
            tracing::warn!("no home folder: a restored copy of the ledger would not be noticed; set FANFARE_STATE to a folder");
        }
        let name = hex::encode(Sha256::digest(ledger).get(..16).unwrap_or_default());
        Self {
            file: folder.map(|folder| folder.join(name)),
            ledger: ledger.to_owned(),
            accepted,
            movable,
            openings: AtomicI64::new(0),
        }
    }

    /// Looks at a ledger that is being opened; says what it is to count now.
    ///
    /// # Errors
    /// When an older copy was noticed and that cannot be written down.
    pub fn look(&self, openings: i64) -> Result<i64, LedgerError> {
        let memory = self.recall();
        let seen = memory.as_ref().map_or(0, |memory| memory.openings);
        // A copy that was accepted outruns its witness, and so the original too, should that come back.
        let next = openings.max(if self.accepted || openings == 0 { seen } else { 0 }) + 1;
        if judge(openings, memory.as_ref()) == Judgement::Restored && !self.accepted {
            self.remember(seen, true).map_err(|error| {
                LedgerError::Unfit(format!("the ledger is an older copy, and that cannot be written down: {error}"))
            })?;
        }
        self.openings.store(next, Ordering::Release);
        Ok(next)
    }

    /// After opening: why nothing may be sent from this ledger; `None` when it may be, which is remembered. `active` says whether runs
    /// have begun and not ended.
    pub fn refuses(&self, active: bool) -> Option<String> {
        let openings = self.openings.load(Ordering::Acquire);
        let memory = self.recall();
        let reason = match judge(openings - 1, memory.as_ref()) {
            _ if self.accepted => None,
            Judgement::Restored => {
                Some("restored: the ledger is older than what was sent from it, as if a backup had been put back")
            }
            Judgement::Stranger if active && self.movable => {
                Some("restored: the ledger has runs that were begun elsewhere, as if it had been copied or moved here")
            }
            Judgement::Same | Judgement::New | Judgement::Stranger => None,
        };
        let seen = if reason.is_some() { memory.map_or(openings, |memory| memory.openings) } else { openings };
        if let Err(error) = self.remember(seen, reason.is_some()) {
            tracing::warn!(%error, "a restored copy of the ledger may not be noticed: set FANFARE_STATE to a folder that can be written");
        }
        reason.map(str::to_owned)
    }

    /// Raises both counts, the ledger's first, now and every minute; never ends.
    pub async fn watch(&self, store: &dyn Store) -> std::convert::Infallible {
        loop {
            tokio::time::sleep(EVERY).await;
            self.raise(store).await;
        }
    }

    /// Raises both counts once, the ledger's first.
    pub async fn raise(&self, store: &dyn Store) {
        let next = self.openings.load(Ordering::Acquire) + 1;
        // A ledger that cannot be written now is the writer's to report.
        if store.count_openings(next).await.is_ok() {
            self.openings.store(next, Ordering::Release);
            if let Err(error) = self.remember(next, false) {
                tracing::debug!(%error, "the witness could not be written");
            }
        }
    }

    fn recall(&self) -> Option<Memory> {
        let text = std::fs::read_to_string(self.file.as_ref()?).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// Written aside and moved: what is there is whole.
    fn remember(&self, openings: i64, restored: bool) -> io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let memory = Memory { ledger: self.ledger.clone(), openings, restored };
        let folder = file.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        let aside = file.with_extension("new");
        std::fs::write(&aside, serde_json::to_string(&memory)?)?;
        std::fs::File::open(&aside)?.sync_all()?;
        std::fs::rename(&aside, file)
    }
}

fn folder() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("FANFARE_STATE")
        .or_else(|| set("XDG_STATE_HOME").map(|folder| folder.join("fanfare")))
        .or_else(|| set("HOME").map(|folder| folder.join(".local/state/fanfare")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn witness(folder: &Path, accepted: bool) -> Witness {
        let file = Some(folder.join("state/0123"));
        Witness { file, ledger: "/data/ledger.db".into(), accepted, movable: true, openings: AtomicI64::new(0) }
    }

    /// Opens the ledger with this count; true when sending is refused.
    fn opened(folder: &Path, ledger: &mut i64, active: bool, accepted: bool) -> bool {
        let witness = witness(folder, accepted);
        *ledger = witness.look(*ledger).unwrap();
        witness.refuses(active).is_some()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn kills_anywhere_are_no_alarm_and_a_copy_is_one_until_a_person_accepts_it(
            kills in proptest::collection::vec(0u8..3, 0..12), later in 1usize..5, again in 1usize..6, killed_in_alarm: bool
        ) {
            let folder = tempfile::tempdir().unwrap();
            let folder = folder.path();
            let mut ledger = 0;
            prop_assert!(!opened(folder, &mut ledger, false, false));
            for kill in kills {
                let witness = witness(folder, false);
                let next = witness.look(ledger).unwrap();
                match kill {
                    0 => {}                // before the ledger counted
                    1 => ledger = next,    // before the witness did
                    _ => {
                        ledger = next;
                        prop_assert_eq!(witness.refuses(true), None);
                    }
                }
            }
            prop_assert!(!opened(folder, &mut ledger, true, false));
            let mut copy = ledger;
            for _ in 0..later {
                prop_assert!(!opened(folder, &mut ledger, true, false));
            }
            for _ in 0..again {
                if killed_in_alarm {
                    copy = witness(folder, false).look(copy).unwrap();
                }
                prop_assert!(opened(folder, &mut copy, true, false), "however often it is tried");
            }
            prop_assert!(!opened(folder, &mut copy, true, true));
            prop_assert!(!opened(folder, &mut copy, true, false), "accepted once");
            prop_assert!(opened(folder, &mut ledger, true, false), "the original is the older copy now");
        }
    }

    #[test]
    fn a_ledger_nobody_remembers_is_refused_only_when_it_has_begun_something() {
        let folder = tempfile::tempdir().unwrap();
        let mut moved = 7;
        assert!(opened(folder.path(), &mut moved, true, false));
        assert!(opened(folder.path(), &mut moved, false, false), "seen once, it stays so until a person decides");
        assert!(!opened(folder.path(), &mut moved, true, true));
        let elsewhere = tempfile::tempdir().unwrap();
        let mut moved = 7;
        assert!(!opened(elsewhere.path(), &mut moved, false, false));
        assert!(!opened(elsewhere.path(), &mut moved, true, false), "known by now");
        let mut server = 7;
        let third = tempfile::tempdir().unwrap();
        let witness = Witness { movable: false, ..witness(third.path(), false) };
        server = witness.look(server).unwrap();
        assert_eq!((server, witness.refuses(true)), (8, None), "another machine's runs go on here");
    }

    #[test]
    fn a_new_ledger_in_an_old_ones_place_is_new_and_counts_on() {
        let folder = tempfile::tempdir().unwrap();
        let mut ledger = 0;
        for _ in 0..5 {
            opened(folder.path(), &mut ledger, false, false);
        }
        let mut new = 0;
        assert!(!opened(folder.path(), &mut new, false, false));
        assert_eq!(new, 6);
        assert!(opened(folder.path(), &mut ledger, true, false), "the old one, put back");
    }
}
