//! What follows from an outcome: pure, a table over the failure classes.
//!
//! Delays are per class and jittered by ±20 %; `Retry-After` is never undercut. Sources: `protocols/meta-cloud-api.md`, section 4.1
//! (classes), section 5.1 (pair limit: 4^x seconds).

use std::time::Duration;

use super::ledger::RouteTaken;
use super::status::{Standing, Step};
use crate::provider::contract::{Class, Failure, Outcome};
use crate::time::Timestamp;

/// What the reaction depends on besides the outcome.
#[derive(Clone, Copy, Debug)]
pub struct Situation {
    /// Now.
    pub now: Timestamp,
    /// Where the delivery stands: with its intent.
    pub standing: Standing,
    /// Which way it went.
    pub route: RouteTaken,
    /// Whether the campaign has a template to fall back to.
    pub has_template: bool,
    /// How long evidence of an unknown outcome may take.
    pub grace: Duration,
    /// A number in 0..1 that spreads delays.
    pub chance: f64,
}

/// What an outcome tells about more than its own message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// The provider took it.
    Fine,
    /// The number is too fast.
    TooFast,
    /// The provider or the way to it is in trouble.
    Trouble,
    /// The template or the request's shape is refused.
    TemplateRefused,
    /// This person cannot be reached.
    BadRecipient,
    /// A code nobody has described.
    Unlisted,
    /// The number or the account must stop.
    Stop,
    /// Nothing beyond the message.
    Quiet,
}

/// Attempts after which a refusal that may pass is final.
const TRANSIENT_TRIES: u16 = 5;
/// New sends after an accepted message failed later for a passing reason (reliability: at most 2).
pub const LATE_FAILURE_SENDS: u16 = 2;
/// How long deliveries wait that met a stopped template, number or account; a person acts in between.
const STOPPED: Duration = Duration::from_secs(60);

/// The step and the signal that follow from an outcome.
pub fn react(outcome: &Outcome, situation: &Situation) -> (Step, Signal) {
    match outcome {
        Outcome::Accepted { .. } => (Step::Accept, Signal::Fine),
        Outcome::Refused(failure) => refused(failure, situation),
        Outcome::NotSent(failure) => {
            let until = later(situation, failure, Duration::from_secs(1), 2, Duration::from_secs(60));
            (Step::Defer { until }, Signal::Trouble)
        }
        Outcome::Unknown(failure) => {
            let signal = if failure.class == Class::Unlisted { Signal::Unlisted } else { Signal::Trouble };
            (Step::Doubt { until: situation.now + situation.grace }, signal)
        }
    }
}

fn refused(failure: &Failure, situation: &Situation) -> (Step, Signal) {
    let defer = |from, factor, most| Step::Defer { until: later(situation, failure, from, factor, most) };
    match failure.class {
        Class::Transient if situation.standing.tries >= TRANSIENT_TRIES => (Step::Reject, Signal::Trouble),
        Class::Transient => (defer(Duration::from_secs(2), 4, Duration::from_secs(300)), Signal::Trouble),
        Class::SlowNumber => (defer(Duration::from_millis(500), 2, Duration::from_secs(30)), Signal::TooFast),
        Class::PairLater => (defer(Duration::from_secs(1), 4, Duration::from_secs(4096)), Signal::Quiet),
        Class::WindowClosed if situation.route == RouteTaken::FreeForm && situation.has_template => {
            (Step::Renew { until: situation.now, force_template: true }, Signal::Quiet)
        }
        Class::WindowClosed | Class::Hold | Class::OptOut => (Step::Reject, Signal::Quiet),
        Class::Recipient => (Step::Reject, Signal::BadRecipient),
        // The endpoint or the addressing is wrong for this template, whoever gets it: the people wait, they are not at fault.
        Class::Template | Class::OtherPath => (Step::Defer { until: situation.now + STOPPED }, Signal::TemplateRefused),
        Class::Number | Class::Auth | Class::Payment | Class::Policy => {
            (Step::Defer { until: situation.now + STOPPED }, Signal::Stop)
        }
        Class::Request => (Step::Reject, Signal::TemplateRefused),
        Class::Unlisted => (Step::Reject, Signal::Unlisted),
    }
}

/// What follows when an accepted message failed later, told by a webhook: a new send only where the failure proves that it may help.
pub fn late_failure(class: Class, situation: &Situation, failure: &Failure) -> Option<Step> {
    if situation.standing.generation >= LATE_FAILURE_SENDS {
        return None;
    }
    match class {
        Class::WindowClosed if situation.route == RouteTaken::FreeForm && situation.has_template => {
            Some(Step::Renew { until: situation.now, force_template: true })
        }
        Class::SlowNumber | Class::PairLater => {
            let until = later(situation, failure, Duration::from_secs(6), 4, Duration::from_secs(4096));
            Some(Step::Renew { until, force_template: false })
        }
        _ => None,
    }
}

/// `first` × `factor` ^ (tries − 1), at most `most`, ±20 %, never before what the provider asked.
fn later(situation: &Situation, failure: &Failure, first: Duration, factor: u32, most: Duration) -> Timestamp {
    let exponent = u32::from(situation.standing.tries.saturating_sub(1)).min(12);
    let delay = first.saturating_mul(factor.saturating_pow(exponent)).min(most);
    let jittered = delay.mul_f64(0.8 + 0.4 * situation.chance.clamp(0.0, 1.0));
    situation.now + jittered.max(failure.retry_after.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbound::status::{State, advance};
    use proptest::prelude::*;

    const CLASSES: [Class; 15] = [
        Class::Transient,
        Class::SlowNumber,
        Class::PairLater,
        Class::Hold,
        Class::Recipient,
        Class::OptOut,
        Class::WindowClosed,
        Class::Template,
        Class::OtherPath,
        Class::Number,
        Class::Auth,
        Class::Payment,
        Class::Policy,
        Class::Request,
        Class::Unlisted,
    ];

    fn failure(class: Class, retry_after: Option<Duration>) -> Failure {
        Failure { class, code: None, detail: String::new(), retry_after }
    }

    fn situation(tries: u16, chance: f64) -> Situation {
        Situation {
            now: Timestamp(1_000_000),
            standing: Standing { state: State::Intent, tries, ..Standing::PLANNED },
            route: RouteTaken::FreeForm,
            has_template: true,
            grace: Duration::from_secs(900),
            chance,
        }
    }

    proptest! {
        #[test]
        fn every_reaction_is_a_legal_step_and_never_before_retry_after(
            class in 0usize..15, kind in 0u8..3, tries in 1u16..40, chance in 0.0f64..1.0, seconds in proptest::option::of(0u64..3600)
        ) {
            let retry_after = seconds.map(Duration::from_secs);
            let failure = failure(CLASSES[class], retry_after);
            let outcome = match kind {
                0 => Outcome::Refused(failure),
                1 => Outcome::NotSent(failure),
                _ => Outcome::Unknown(failure),
            };
            let situation = situation(tries, chance);
            let (step, _) = react(&outcome, &situation);
            let next = advance(situation.standing, step).unwrap();
            if let Step::Defer { until } = step
                && !matches!(CLASSES[class], Class::Template | Class::OtherPath | Class::Number | Class::Auth | Class::Payment | Class::Policy) {
                prop_assert!(until >= situation.now + retry_after.unwrap_or_default());
            }
            // Only proof of a non-send lets the same message go out again by itself.
            if matches!(outcome, Outcome::Unknown(_)) {
                prop_assert_eq!(next.state, State::Unknown);
            }
        }
    }

    #[test]
    fn the_pair_limit_waits_four_to_the_x_seconds() {
        for (tries, seconds) in [(1, 1), (2, 4), (3, 16), (4, 64)] {
            let refused = Outcome::Refused(failure(Class::PairLater, None));
            let (step, signal) = react(&refused, &situation(tries, 0.5));
            assert_eq!(step, Step::Defer { until: Timestamp(1_000_000 + seconds * 1000) });
            assert_eq!(signal, Signal::Quiet, "others go on");
        }
    }

    #[test]
    fn what_no_person_is_at_fault_for_rejects_nobody() {
        for class in [Class::Template, Class::OtherPath, Class::Number, Class::Auth, Class::Payment, Class::Policy] {
            let (step, signal) = react(&Outcome::Refused(failure(class, None)), &situation(1, 0.5));
            assert!(matches!(step, Step::Defer { .. }) && matches!(signal, Signal::TemplateRefused | Signal::Stop), "{class:?}");
        }
    }

    #[test]
    fn a_closed_window_becomes_the_template_once() {
        let closed = Outcome::Refused(failure(Class::WindowClosed, None));
        let renewed = Step::Renew { until: Timestamp(1_000_000), force_template: true };
        assert_eq!(react(&closed, &situation(1, 0.5)).0, renewed);
        let template = Situation { route: RouteTaken::Template, ..situation(1, 0.5) };
        assert_eq!(react(&closed, &template).0, Step::Reject);
        let none = Situation { has_template: false, ..situation(1, 0.5) };
        assert_eq!(react(&closed, &none).0, Step::Reject);
    }
}
