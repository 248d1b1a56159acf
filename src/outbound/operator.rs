//! What a person decides about sends whose outcome could not be learned: that they were accepted, or that they are to be sent again.
//!
//! In come attempts as the ledger has them; out go settlements that compare and set like every other. Only what waits for a person may
//! be decided: during its grace time evidence may still come, and a call may still be on its way.

use super::ledger::{AttemptFact, Group, Ledger, LedgerError, OpenAttempt, OutcomeKind, RunRecord, SettledBy, Settlement};
use super::session::fact;
use super::status::{HELD, RunState, State, Step, advance};
use crate::time::Timestamp;

/// Settlements of one commit.
const GROUP: usize = 500;

/// A decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The provider took it: it counts as accepted.
    Accept,
    /// It is sent once more, as a possible duplicate.
    Resend,
}

/// Why a decision was not carried out. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum DecisionError {
    /// The run cannot send any more.
    #[error("run {id} is {}: nothing is sent from it any more", state.as_str())]
    Over {
        /// The run.
        id: String,
        /// Its state.
        state: RunState,
    },
    /// The run's time is over.
    #[error("run {id} expired on {at}: what is sent again now would only expire")]
    Expired {
        /// The run.
        id: String,
        /// When.
        at: Timestamp,
    },
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// Whether an attempt waits for a person.
pub fn decidable(attempt: &OpenAttempt) -> bool {
    match attempt.standing.state {
        State::UnknownFinal => true,
        State::Unknown => attempt.standing.due_at == HELD,
        _ => false,
    }
}

fn settlement(decision: Decision, attempt: &OpenAttempt, now: Timestamp) -> Option<Settlement> {
    let (step, fact) = match decision {
        Decision::Accept => {
            let told = fact(attempt, now, SettledBy::Operator, "a person says that it was sent");
            (Step::Accept, Some(AttemptFact { outcome: OutcomeKind::Accepted, class: None, ..told }))
        }
        Decision::Resend => (Step::Resend, None),
    };
    let after = advance(attempt.standing, step).ok()?;
    decidable(attempt).then_some(Settlement { id: attempt.id, before: attempt.standing, after, reason: 0, fact })
}

/// Carries a decision out; returns how many attempts it changed. A completed run with something to send again is reopened first, so
/// that no moment shows a completed run with open deliveries; the same `fanfare run` goes on with it.
///
/// # Errors
/// When the run cannot send any more (to send again only), or the ledger fails. Then some may have been decided; again does no harm.
pub async fn decide(
    decision: Decision,
    run: &RunRecord,
    attempts: &[OpenAttempt],
    ledger: &dyn Ledger,
    now: Timestamp,
) -> Result<usize, DecisionError> {
    let settlements: Vec<_> = attempts.iter().filter_map(|attempt| settlement(decision, attempt, now)).collect();
    if settlements.is_empty() {
        return Ok(0);
    }
    if decision == Decision::Resend {
        reopen(run, settlements.len(), ledger, now).await?;
    }
    let mut changed = 0;
    let mut left = settlements.into_iter();
    loop {
        let settlements: Vec<_> = left.by_ref().take(GROUP).collect();
        if settlements.is_empty() {
            return Ok(changed);
        }
        changed += settlements.len();
        changed -= ledger.commit(&Group { settlements, ..Group::default() }).await?.superseded.len();
    }
}

async fn reopen(run: &RunRecord, sends: usize, ledger: &dyn Ledger, now: Timestamp) -> Result<(), DecisionError> {
    let id = || run.run.id.clone();
    if let Some(at) = run.run.expires_at.filter(|at| *at <= now) {
        return Err(DecisionError::Expired { id: id(), at });
    }
    match run.state {
        RunState::Ready | RunState::Running | RunState::Paused => Ok(()),
        RunState::Completed => {
            let reason = format!("reopened to send {sends} again");
            if ledger.move_run(run.no, RunState::Completed, RunState::Ready, Some(&reason), now).await? {
                return Ok(());
            }
            Err(DecisionError::Over { id: id(), state: run.state })
        }
        state => Err(DecisionError::Over { id: id(), state }),
    }
}
