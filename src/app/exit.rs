//! Exit codes: a closed list, documented in the README.

use std::process::{ExitCode, Termination};

/// How a command ended, for scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// Done. People the provider refused are in the report, not in the exit code.
    Done = 0,
    /// Something broke; the message says what. Nothing is lost: the same command goes on.
    Broken = 1,
    /// The command line, the settings, the campaign or the audience is wrong; nothing was sent.
    Invalid = 2,
    /// Done, but the outcome of some sends could not be learned: `fanfare report --format unknown` lists them.
    Unknown = 3,
    /// Paused: by the provider, a limit, a breaker, a full disk, a restored ledger, or because sends wait for a person. The message
    /// says why; the same command goes on.
    Paused = 4,
    /// Paused by Ctrl-C or SIGTERM; the same command goes on.
    Interrupted = 5,
    /// Another fanfare process has the ledger.
    Busy = 6,
}

impl Termination for Exit {
    fn report(self) -> ExitCode {
        ExitCode::from(self as u8)
    }
}
