//! What becomes of an unknown outcome when its grace is over: pure.
//!
//! Evidence of acceptance settles an unknown as soon as it comes ([`crate::receipt`]); this is what remains. Absence is evidence only when
//! the webhooks are proven to work for that number (reliability: at least 99.5 % of the sends accepted around it have a status).

use std::time::Duration;

use super::ledger::{Heard, SettledBy};
use super::status::{Flags, HELD, Standing, Step};
use crate::campaign::OnUnknown;
use crate::time::Timestamp;

/// The sends around an unknown one whose statuses prove the webhooks: five minutes to each side.
pub const AROUND: Duration = Duration::from_secs(300);
/// The sends nearest to it: those that shared its fate, when a process or the way to it was gone for a while.
pub const NEAR: Duration = Duration::from_secs(5);
/// The least number of such sends that proves anything.
const ENOUGH: u64 = 5;
/// How many times its grace an unknown is listened for at most until the webhooks are proven.
const PATIENCE: u32 = 4;

/// The longest time without anybody listening after which silence can still prove something.
const LONGEST_GAP: Duration = Duration::from_secs(3600);

/// What is known about an unknown outcome besides itself.
#[derive(Clone, Copy, Debug)]
pub struct Evidence {
    /// Now.
    pub now: Timestamp,
    /// When its intent was written.
    pub intent_at: Timestamp,
    /// How long evidence may take.
    pub grace: Duration,
    /// Since when this process listens to webhooks; `None` when it does not.
    pub listening_since: Option<Timestamp>,
    /// Whether the provider echoes the attempt's key.
    pub echoes_key: bool,
    /// Sends around it that are at least a grace old, and how many of them were heard of.
    pub heard: Heard,
    /// The same of those near it.
    pub near: Heard,
    /// When the oldest webhook body came in that is not folded yet.
    pub unfolded_since: Option<Timestamp>,
}

impl Evidence {
    fn pipe_works(&self) -> bool {
        let Some(told_by) = self.told_by() else { return false };
        let proven = |heard: &Heard| heard.with_status * 1000 >= heard.accepted * 995;
        self.echoes_key
            && self.now >= told_by
            // What came in time and waits to be folded may be the evidence.
            && self.unfolded_since.is_none_or(|at| at > told_by)
            && self.heard.accepted >= ENOUGH
            && proven(&self.heard)
            && proven(&self.near)
    }
}

/// What follows, and by what right.
pub fn resolve(policy: OnUnknown, standing: &Standing, evidence: &Evidence) -> (Step, SettledBy) {
    let wait = (Step::Wait { until: evidence.now + evidence.grace }, SettledBy::Policy);
    let give_up = (Step::GiveUp, SettledBy::Policy);
    match policy {
        OnUnknown::Hold => (Step::Wait { until: HELD }, SettledBy::Policy),
        OnUnknown::Auto | OnUnknown::AtLeastOnce if evidence.pipe_works() => {
            (Step::Renew { until: evidence.now, force_template: false }, SettledBy::Absence)
        }
        // Absence was not proven: the re-send is flagged, and there is one.
        OnUnknown::AtLeastOnce if !standing.flags.has(Flags::POSSIBLE_DUPLICATE) => (Step::Resend, SettledBy::Policy),
        OnUnknown::Auto if evidence.may_still_come() => wait,
        OnUnknown::Auto | OnUnknown::AtMostOnce | OnUnknown::AtLeastOnce => give_up,
    }
}

impl Evidence {
    /// When a status would have come. One that found nobody listening comes again after waits that grow with its age, so that it may
    /// take as long as nobody listened; after too long it may never come.
    fn told_by(&self) -> Option<Timestamp> {
        let since = self.listening_since?;
        let unheard = since.since(self.intent_at);
        (unheard <= LONGEST_GAP).then(|| since.max(self.intent_at) + unheard + self.grace)
    }

    fn may_still_come(&self) -> bool {
        // Time in which nobody listened tells nothing: after a stop the patience begins anew.
        let Some(since) = self.listening_since else { return false };
        let end = self.told_by().unwrap_or(since.max(self.intent_at) + self.grace) + self.grace * (PATIENCE - 1);
        self.echoes_key && self.now < end
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbound::status::{State, advance};
    use proptest::prelude::*;

    fn unknown(flags: Flags) -> Standing {
        Standing { state: State::Unknown, tries: 1, flags, ..Standing::PLANNED }
    }

    fn evidence(accepted: u64, with_status: u64, listening: bool, age: u64) -> Evidence {
        let now = Timestamp::from_secs(100_000);
        Evidence {
            now,
            intent_at: now - Duration::from_secs(age),
            grace: Duration::from_secs(900),
            listening_since: listening.then(|| now - Duration::from_secs(age)),
            echoes_key: true,
            heard: Heard { accepted, with_status },
            near: Heard { accepted: 1, with_status: 1 },
            unfolded_since: None,
        }
    }

    proptest! {
        #[test]
        fn at_most_once_and_hold_never_send_again(accepted in 0u64..1000, with_status in 0u64..1000, listening: bool, age in 0u64..10_000) {
            let evidence = evidence(accepted, with_status.min(accepted), listening, age);
            for policy in [OnUnknown::AtMostOnce, OnUnknown::Hold] {
                let (step, _) = resolve(policy, &unknown(Flags(0)), &evidence);
                prop_assert_ne!(advance(unknown(Flags(0)), step).unwrap().state, State::Pending);
            }
        }

        #[test]
        fn auto_sends_again_only_on_proven_absence(accepted in 0u64..1000, with_status in 0u64..1000, listening: bool, age in 0u64..10_000) {
            let evidence = evidence(accepted, with_status.min(accepted), listening, age);
            let (step, by) = resolve(OnUnknown::Auto, &unknown(Flags(0)), &evidence);
            if advance(unknown(Flags(0)), step).unwrap().state == State::Pending {
                prop_assert_eq!(by, SettledBy::Absence);
                prop_assert!(listening && age >= 900 && accepted >= 5);
                prop_assert!(with_status.min(accepted) * 1000 >= accepted * 995);
            }
        }

        #[test]
        fn at_least_once_sends_again_once(accepted in 0u64..1000, listening: bool, age in 0u64..10_000) {
            let blind = evidence(accepted, 0, listening, age);
            let (step, _) = resolve(OnUnknown::AtLeastOnce, &unknown(Flags(0)), &blind);
            let again = advance(unknown(Flags(0)), step).unwrap();
            prop_assert_eq!(again.state, State::Pending);
            prop_assert!(again.flags.has(Flags::POSSIBLE_DUPLICATE), "without proof it is flagged");
            let second = Standing { state: State::Unknown, ..again };
            let (step, _) = resolve(OnUnknown::AtLeastOnce, &second, &blind);
            prop_assert_eq!(step, Step::GiveUp);
        }
    }

    #[test]
    fn silence_near_the_send_or_a_full_inbox_proves_nothing() {
        let proven = evidence(100, 100, true, 1000);
        assert_eq!(resolve(OnUnknown::Auto, &unknown(Flags(0)), &proven).1, SettledBy::Absence);
        let after_a_crash = Evidence { near: Heard { accepted: 3, with_status: 0 }, ..proven };
        assert!(matches!(resolve(OnUnknown::Auto, &unknown(Flags(0)), &after_a_crash).0, Step::Wait { .. }));
        let behind = Evidence { unfolded_since: Some(proven.now - Duration::from_secs(200)), ..proven };
        assert!(matches!(resolve(OnUnknown::Auto, &unknown(Flags(0)), &behind).0, Step::Wait { .. }));
        let newer = Evidence { unfolded_since: Some(proven.now - Duration::from_secs(50)), ..proven };
        assert_eq!(resolve(OnUnknown::Auto, &unknown(Flags(0)), &newer).1, SettledBy::Absence);
    }

    #[test]
    fn auto_gives_nothing_up_for_the_time_in_which_nobody_listened() {
        let day = evidence(100, 50, true, 86_400);
        let just_back = Evidence { listening_since: Some(day.now - Duration::from_secs(30)), ..day };
        assert!(matches!(resolve(OnUnknown::Auto, &unknown(Flags(0)), &just_back).0, Step::Wait { .. }));
        let long_back = Evidence { listening_since: Some(day.now - Duration::from_secs(3600)), ..day };
        assert_eq!(resolve(OnUnknown::Auto, &unknown(Flags(0)), &long_back).0, Step::GiveUp);
    }

    #[test]
    fn after_a_stop_silence_proves_something_only_after_as_long_again() {
        let back_for = |seconds, age| {
            let all = evidence(100, 100, true, age);
            let back = Evidence { listening_since: Some(all.now - Duration::from_secs(seconds)), ..all };
            resolve(OnUnknown::Auto, &unknown(Flags(0)), &back)
        };
        // Nobody listened for 1,000 seconds; the grace is 900.
        assert!(matches!(back_for(1899, 2899).0, Step::Wait { .. }));
        assert_eq!(back_for(1900, 2900).1, SettledBy::Absence);
        // A stop of two hours: it is waited for, but silence proves nothing any more.
        assert!(matches!(back_for(3599, 10_800).0, Step::Wait { .. }));
        assert_eq!(back_for(3600, 10_900).0, Step::GiveUp);
    }

    #[test]
    fn auto_waits_for_the_webhooks_but_not_for_ever() {
        let early = evidence(100, 50, true, 1000);
        assert!(matches!(resolve(OnUnknown::Auto, &unknown(Flags(0)), &early).0, Step::Wait { .. }));
        let late = evidence(100, 50, true, 4000);
        assert_eq!(resolve(OnUnknown::Auto, &unknown(Flags(0)), &late).0, Step::GiveUp);
        let deaf = evidence(100, 100, false, 1000);
        assert_eq!(resolve(OnUnknown::Auto, &unknown(Flags(0)), &deaf).0, Step::GiveUp);
    }
}
