//! When to stop: counts what outcomes say of more than their own message. Pure; the lane feeds it and acts on what it returns.
//!
//! Sources of the thresholds: the breaker table of the reliability design (template errors stop within 25 calls; an unlisted code stops after
//! 20 in a minute). People who cannot be reached never stop anything: a list may be old and still be meant.

use std::collections::VecDeque;
use std::time::Duration;

use super::react::Signal;
use crate::provider::contract::{Class, Failure};
use crate::time::Timestamp;

/// Refusals of the template or the request's shape in a row that stop the run.
const TEMPLATE_IN_A_ROW: u32 = 5;
/// … or this share of the first outcomes.
const FIRST: u32 = 50;
const TEMPLATE_IN_FIRST: u32 = 10;
/// Unlisted codes in this time that stop the run.
const UNLISTED: usize = 20;
const UNLISTED_WITHIN: Duration = Duration::from_secs(60);
/// Troubles in a row after which only probes are sent.
const TROUBLE: u32 = 10;
/// Longest pause between two probes.
const PROBE_MOST: Duration = Duration::from_secs(60);

/// What the lane has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing.
    Go,
    /// Send nothing for so long, then one message to probe.
    Probe(Duration),
    /// Pause the run, for this reason.
    Halt(String),
}

/// The breaker of one run on one lane.
#[derive(Debug, Default)]
pub struct Breaker {
    outcomes: u32,
    template_in_a_row: u32,
    template_in_first: u32,
    unlisted: VecDeque<Timestamp>,
    trouble: u32,
}

impl Breaker {
    /// Records one outcome's signal; `cause` is its code and words, for the reason of a halt.
    pub fn record(&mut self, signal: Signal, cause: &str, now: Timestamp) -> Verdict {
        self.outcomes = self.outcomes.saturating_add(1);
        self.trouble = if signal == Signal::Trouble { self.trouble.saturating_add(1) } else { 0 };
        match signal {
            Signal::TemplateRefused => {
                self.template_in_a_row += 1;
                self.template_in_first += u32::from(self.outcomes <= FIRST);
                if self.template_in_a_row >= TEMPLATE_IN_A_ROW || self.template_in_first >= TEMPLATE_IN_FIRST {
                    return Verdict::Halt(format!("the provider refuses this template: {cause}"));
                }
            }
            Signal::Stop => return Verdict::Halt(cause.to_owned()),
            Signal::Unlisted => {
                self.unlisted.push_back(now);
                while self.unlisted.front().is_some_and(|first| now.since(*first) > UNLISTED_WITHIN) {
                    self.unlisted.pop_front();
                }
                if self.unlisted.len() >= UNLISTED {
                    return Verdict::Halt(format!("the provider keeps answering with something not known: {cause}"));
                }
            }
            Signal::Trouble if self.trouble >= TROUBLE => {
                let doublings = (self.trouble - TROUBLE).min(6);
                return Verdict::Probe(Duration::from_secs(1 << doublings).min(PROBE_MOST));
            }
            _ => {}
        }
        if matches!(signal, Signal::Fine | Signal::BadRecipient) {
            self.template_in_a_row = 0;
        }
        Verdict::Go
    }

    /// Records a failure that a webhook told of an accepted message, and says why to stop. Most payment, spam and pacing stops are told
    /// in this way alone: every call is still answered with yes. A breaker of its own, which hears of nothing else.
    pub fn told(&mut self, failure: &Failure, now: Timestamp) -> Option<String> {
        let signal = match failure.class {
            Class::Number | Class::Auth | Class::Payment | Class::Policy => Signal::Stop,
            Class::Template => Signal::TemplateRefused,
            _ => return None,
        };
        let cause = failure.code.as_ref().map_or_else(|| failure.detail.clone(), |code| format!("{code}: {}", failure.detail));
        match self.record(signal, &cause, now) {
            Verdict::Halt(reason) => Some(format!("told by webhook: {reason}")),
            Verdict::Go | Verdict::Probe(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_webhooks_tell_of_the_account_stops_at_once_and_of_people_never() {
        let failure = |class| Failure { class, code: Some("1".into()), detail: "x".into(), retry_after: None };
        for class in [Class::Number, Class::Auth, Class::Payment, Class::Policy] {
            assert_eq!(Breaker::default().told(&failure(class), Timestamp(0)).as_deref(), Some("told by webhook: 1: x"));
        }
        let mut breaker = Breaker::default();
        for class in [Class::Recipient, Class::Hold, Class::OptOut, Class::WindowClosed, Class::PairLater, Class::Request] {
            for _ in 0..300 {
                assert_eq!(breaker.told(&failure(class), Timestamp(0)), None);
            }
        }
        let told: Vec<_> = (0..5).map(|_| breaker.told(&failure(Class::Template), Timestamp(0)).is_some()).collect();
        assert_eq!(told, [false, false, false, false, true]);
    }

    #[test]
    fn a_refused_template_costs_five_calls() {
        let mut breaker = Breaker::default();
        let verdicts: Vec<_> = (0..5).map(|_| breaker.record(Signal::TemplateRefused, "132001", Timestamp(0))).collect();
        assert!(verdicts[..4].iter().all(|verdict| *verdict == Verdict::Go));
        assert!(matches!(verdicts[4], Verdict::Halt(_)));
    }

    #[test]
    fn a_template_refused_for_every_fourth_row_stops_within_the_first_fifty() {
        let mut breaker = Breaker::default();
        let calls = (0..50).position(|n| {
            let signal = if n % 4 == 0 { Signal::TemplateRefused } else { Signal::Fine };
            matches!(breaker.record(signal, "132012", Timestamp(0)), Verdict::Halt(_))
        });
        assert_eq!(calls, Some(36), "the tenth refusal");
    }

    #[test]
    fn unlisted_codes_far_apart_stop_nothing() {
        let mut breaker = Breaker::default();
        for n in 0..100 {
            assert_eq!(breaker.record(Signal::Unlisted, "999", Timestamp::from_secs(n * 4)), Verdict::Go);
        }
        let mut verdict = Verdict::Go;
        for _ in 0..20 {
            verdict = breaker.record(Signal::Unlisted, "999", Timestamp::from_secs(400));
        }
        assert!(matches!(verdict, Verdict::Halt(reason) if reason.contains("999")));
    }

    #[test]
    fn trouble_leads_to_probes_that_grow_apart_until_something_works() {
        let mut breaker = Breaker::default();
        let mut waits = Vec::new();
        for _ in 0..20 {
            if let Verdict::Probe(wait) = breaker.record(Signal::Trouble, "503", Timestamp(0)) {
                waits.push(wait.as_secs());
            }
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60]);
        assert_eq!(breaker.record(Signal::Fine, "", Timestamp(0)), Verdict::Go);
        assert_eq!(breaker.record(Signal::Trouble, "503", Timestamp(0)), Verdict::Go);
    }

    #[test]
    fn people_who_cannot_be_reached_never_stop_anything() {
        let mut breaker = Breaker::default();
        for _ in 0..1000 {
            assert_eq!(breaker.record(Signal::BadRecipient, "131026", Timestamp(0)), Verdict::Go);
        }
        assert_eq!(breaker.record(Signal::TemplateRefused, "132001", Timestamp(0)), Verdict::Go, "and they prove the template");
    }
}
