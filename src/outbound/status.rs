//! The state of a delivery and its one transition function.
//!
//! ```text
//!  PENDING ── intent committed ──► INTENT ──┬── accepted ──────────────► ACCEPTED ·
//!   ▲ ▲ │                                   ├── refused for good ──────► REJECTED ·
//!   │ │ │                                   ├── not sent, slow down ───► PENDING, due later, same send
//!   │ │ │                                   └── anything else ─────────► UNKNOWN
//!   │ │ └─ SKIPPED · EXPIRED · CANCELLED · QUARANTINED ·                   │ evidence of acceptance ─► ACCEPTED ·
//!   │ └── evidence of absence, or at_least_once: a new send ◄──────────────┤
//!   └──── accepted, but failed later for a closed window: a new send       └ grace over ─► UNKNOWN_FINAL ·
//! ```
//!
//! A person may call accepted, or send again, what is unknown for good or held for a decision ([`HELD`]).
//!
//! The sender owns these columns. What webhooks say of delivery and reading is folded elsewhere ([`crate::receipt`]).

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// Where a delivery stands. The numbers are those of the ledger; everything below 3 is open, the rest is terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(i16)]
pub enum State {
    /// Waits to be sent, not before its due time.
    Pending = 0,
    /// A committed promise to send: the call is being made, or the process died over it.
    Intent = 1,
    /// The call's outcome could not be learned yet; due at the end of its grace time.
    Unknown = 2,
    /// The provider took it.
    Accepted = 3,
    /// The provider refused it for good.
    Rejected = 4,
    /// Never sent, for a reason.
    Skipped = 5,
    /// Never sent: the run's time was over.
    Expired = 6,
    /// Never sent: the run was cancelled.
    Cancelled = 7,
    /// Never sent: it broke the renderer or the sender twice.
    Quarantined = 8,
    /// The outcome will not be learned; listed for a person to decide.
    UnknownFinal = 9,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Pending,
        Self::Intent,
        Self::Unknown,
        Self::Accepted,
        Self::Rejected,
        Self::Skipped,
        Self::Expired,
        Self::Cancelled,
        Self::Quarantined,
        Self::UnknownFinal,
    ];

    /// The state of a stored number.
    pub fn from_code(code: i64) -> Option<Self> {
        usize::try_from(code).ok().and_then(|code| Self::ALL.get(code)).copied()
    }

    /// As stored.
    pub const fn code(self) -> i64 {
        self as i64
    }

    /// Whether nothing more is to be done.
    pub const fn is_terminal(self) -> bool {
        self.code() >= 3
    }

    /// The word used in reports and files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Intent => "in_flight",
            Self::Unknown => "unknown",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Skipped => "skipped",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Quarantined => "quarantined",
            Self::UnknownFinal => "unknown_final",
        }
    }
}

/// Facts about a delivery that outlive its state, one bit each in the ledger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Flags(pub i64);

impl Flags {
    /// The window was closed: only the template will do.
    pub const FORCE_TEMPLATE: Self = Self(1);
    /// Sent again without proof that the first send was lost.
    pub const POSSIBLE_DUPLICATE: Self = Self(2);
    /// A status for this person and time was seen under another name: it was probably sent.
    pub const PROBABLY_ACCEPTED: Self = Self(4);

    /// Whether all of `other` are set.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// The sender's columns of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Where it stands.
    pub state: State,
    /// Intents written so far: the number of its latest attempt.
    pub tries: u16,
    /// The current send; rises only after a proven non-send or by policy.
    pub generation: u16,
    /// What outlives the state.
    pub flags: Flags,
    /// Pending: not before. Intent: the call's deadline. Unknown: the end of grace. Terminal: zero.
    pub due_at: Timestamp,
}

/// The due time of an unknown delivery that waits for a person and for nothing else: after every real time.
pub const HELD: Timestamp = Timestamp(i64::MAX);

impl Standing {
    /// A planned delivery.
    pub const PLANNED: Self = Self { state: State::Pending, tries: 0, generation: 0, flags: Flags(0), due_at: Timestamp(0) };
}

/// What can happen to a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The intent of one more attempt is being committed; the call must be over by then.
    Intend {
        /// After this the attempt counts as unknown.
        deadline: Timestamp,
    },
    /// The provider took it: by its answer or by evidence.
    Accept,
    /// The provider refused it for good.
    Reject,
    /// Proven not sent; the same send again, not before.
    Defer {
        /// Not before.
        until: Timestamp,
    },
    /// Proven not sent; a new send, not before.
    Renew {
        /// Not before.
        until: Timestamp,
        /// Whether it has to be the template now.
        force_template: bool,
    },
    /// Nothing was learned.
    Doubt {
        /// When grace ends.
        until: Timestamp,
    },
    /// Evidence is still possible; grace is longer.
    Wait {
        /// When grace ends now.
        until: Timestamp,
    },
    /// Sent again although the first send may have arrived.
    Resend,
    /// The outcome will not be learned.
    GiveUp,
    /// Not to be sent.
    Skip,
    /// Too late to be sent.
    Expire,
    /// Called off.
    Cancel,
    /// Broke the engine twice.
    Quarantine,
}

/// A step that does not lead anywhere from this state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a delivery cannot {step:?} while it is {}", state.as_str())]
pub struct Illegal {
    /// Where it stood.
    pub state: State,
    /// What was tried.
    pub step: Step,
}

/// The one transition function: where a delivery stands after `step`.
///
/// # Errors
/// [`Illegal`] when the step is not possible from here; nothing may be written then.
pub fn advance(from: Standing, step: Step) -> Result<Standing, Illegal> {
    let illegal = Illegal { state: from.state, step };
    let to = |state, due_at| Ok(Standing { state, due_at, ..from });
    let done = |state| to(state, Timestamp(0));
    let renewed = |until, flags| {
        let generation = from.generation.checked_add(1).ok_or(illegal)?;
        Ok(Standing { state: State::Pending, due_at: until, generation, flags: from.flags.with(flags), ..from })
    };
    match (from.state, step) {
        (State::Pending, Step::Intend { deadline }) => {
            let tries = from.tries.checked_add(1).ok_or(illegal)?;
            Ok(Standing { state: State::Intent, due_at: deadline, tries, ..from })
        }
        (State::Intent | State::Unknown | State::UnknownFinal, Step::Accept) => done(State::Accepted),
        (State::Intent, Step::Reject) => done(State::Rejected),
        // A deadline in the past would look like "never deferred": due times of deferred rows are always above zero.
        (State::Intent, Step::Defer { until }) => to(State::Pending, until.max(Timestamp(1))),
        (State::Intent | State::Unknown | State::Accepted, Step::Renew { until, force_template }) => {
            renewed(until.max(Timestamp(1)), if force_template { Flags::FORCE_TEMPLATE } else { Flags(0) })
        }
        (State::Intent, Step::Doubt { until }) | (State::Unknown, Step::Wait { until }) => to(State::Unknown, until),
        (State::Unknown | State::UnknownFinal, Step::Resend) => renewed(Timestamp(1), Flags::POSSIBLE_DUPLICATE),
        (State::Unknown, Step::GiveUp) => done(State::UnknownFinal),
        (State::Pending, Step::Skip) => done(State::Skipped),
        (State::Pending, Step::Expire) => done(State::Expired),
        (State::Pending, Step::Cancel) => done(State::Cancelled),
        (State::Pending, Step::Quarantine) => done(State::Quarantined),
        _ => Err(illegal),
    }
}

/// The states of a run. Every edge is compare-and-set on state and version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(i16)]
pub enum RunState {
    /// Its audience is being read into the ledger; nothing was sent.
    Planning = 0,
    /// Every row is in the ledger.
    Ready = 1,
    /// Sends.
    Running = 2,
    /// Stopped for a reason; the same command goes on.
    Paused = 3,
    /// Every delivery is terminal and the totals add up. A person who sends unknown ones again reopens it.
    Completed = 4,
    /// Called off.
    Cancelled = 5,
    /// Refused before the first send.
    Failed = 6,
}

impl RunState {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Planning, Self::Ready, Self::Running, Self::Paused, Self::Completed, Self::Cancelled, Self::Failed];

    /// The state of a stored number.
    pub fn from_code(code: i64) -> Option<Self> {
        usize::try_from(code).ok().and_then(|code| Self::ALL.get(code)).copied()
    }

    /// As stored.
    pub const fn code(self) -> i64 {
        self as i64
    }

    /// Whether a run may go from here to `to`.
    pub const fn may_become(self, to: Self) -> bool {
        match self {
            Self::Planning => matches!(to, Self::Ready | Self::Failed | Self::Cancelled),
            Self::Ready => matches!(to, Self::Running | Self::Cancelled),
            Self::Running => matches!(to, Self::Paused | Self::Completed | Self::Cancelled),
            Self::Paused => matches!(to, Self::Running | Self::Cancelled),
            Self::Completed => matches!(to, Self::Ready),
            Self::Cancelled | Self::Failed => false,
        }
    }

    /// Whether nothing more will happen by itself.
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Cancelled | Self::Failed)
    }

    /// The word used in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planning => "planning",
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_step() -> impl Strategy<Value = Step> {
        let at = || (0i64..1_000_000).prop_map(Timestamp);
        prop_oneof![
            at().prop_map(|deadline| Step::Intend { deadline }),
            Just(Step::Accept),
            Just(Step::Reject),
            at().prop_map(|until| Step::Defer { until }),
            (at(), any::<bool>()).prop_map(|(until, force_template)| Step::Renew { until, force_template }),
            at().prop_map(|until| Step::Doubt { until }),
            at().prop_map(|until| Step::Wait { until }),
            Just(Step::Resend),
            Just(Step::GiveUp),
            Just(Step::Skip),
            Just(Step::Expire),
            Just(Step::Cancel),
            Just(Step::Quarantine),
        ]
    }

    proptest! {
        #[test]
        fn whatever_happens_a_send_has_an_intent_and_a_resend_a_reason(steps in proptest::collection::vec(any_step(), 0..40)) {
            let mut standing = Standing::PLANNED;
            let mut intents = 0;
            let mut sends = 1;
            for step in steps {
                let Ok(next) = advance(standing, step) else { continue };
                if let Step::Intend { .. } = step {
                    intents += 1;
                    prop_assert_eq!(standing.state, State::Pending, "only a pending delivery is sent");
                }
                if next.generation != standing.generation {
                    sends += 1;
                    prop_assert_eq!(next.state, State::Pending);
                    prop_assert!(standing.state != State::Pending, "a new send needs an end of the old one");
                    if standing.state == State::Unknown && matches!(step, Step::Resend) {
                        prop_assert!(next.flags.has(Flags::POSSIBLE_DUPLICATE));
                    }
                }
                prop_assert_eq!(usize::from(next.tries), intents);
                prop_assert_eq!(usize::from(next.generation) + 1, sends);
                prop_assert_eq!(next.flags.0 & standing.flags.0, standing.flags.0, "flags are never lost");
                if next.state.is_terminal() {
                    prop_assert_eq!(next.due_at, Timestamp(0));
                }
                standing = next;
            }
        }

        #[test]
        fn terminal_states_are_left_only_by_evidence_or_a_person(code in 3i64..=9, step in any_step()) {
            let state = State::from_code(code).unwrap();
            let from = Standing { state, tries: 1, ..Standing::PLANNED };
            if let Ok(next) = advance(from, step) {
                let by_evidence = (state == State::Accepted && matches!(step, Step::Renew { .. }) && next.state == State::Pending)
                    || (state == State::UnknownFinal && step == Step::Accept);
                let by_a_person = state == State::UnknownFinal && step == Step::Resend
                    && next.state == State::Pending && next.generation == 1 && next.flags.has(Flags::POSSIBLE_DUPLICATE);
                prop_assert!(by_evidence || by_a_person, "{state:?} left by {step:?}");
            }
        }
    }

    #[test]
    fn an_unknown_is_never_simply_sent_again() {
        let unknown = Standing { state: State::Unknown, tries: 1, ..Standing::PLANNED };
        assert!(advance(unknown, Step::Intend { deadline: Timestamp(1) }).is_err());
        assert!(advance(unknown, Step::Defer { until: Timestamp(1) }).is_err());
    }

    #[test]
    fn codes_and_states_are_one_to_one() {
        for state in State::ALL {
            assert_eq!(State::from_code(state.code()), Some(state));
        }
        for state in RunState::ALL {
            assert_eq!(RunState::from_code(state.code()), Some(state));
        }
        assert_eq!((State::from_code(10), State::from_code(-1)), (None, None));
    }

    #[test]
    fn runs_end_once_unless_a_person_reopens_them() {
        for from in RunState::ALL {
            for to in RunState::ALL {
                let reopened = (from, to) == (RunState::Completed, RunState::Ready);
                assert_eq!(from.is_terminal() && from.may_become(to), reopened, "{from:?} to {to:?}");
            }
        }
        assert!(!RunState::Planning.may_become(RunState::Running), "a run sends only after every row was read");
    }
}
