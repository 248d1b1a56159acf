//! What goes wrong: by share, from the seed, or by script.
//!
//! In: the settings and, per request, its number and what it is about. Out: at most one [`Fault`] of the wire, or a scripted
//! refusal or failure. It must not know HTTP: how a fault looks on the wire is the server's.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use super::chance::{Chance, Purpose};
use super::config::Latency;

/// Shares of requests and messages that go wrong. All default to 0.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// The connection is closed before the request is processed.
    pub drop_before: f64,
    /// The message is accepted and the connection reset before or inside the answer.
    pub drop_after: f64,
    /// The message is accepted and no answer ever comes.
    pub timeout_after: f64,
    /// HTTP 500, code 131000, nothing accepted.
    pub error_500_before: f64,
    /// HTTP 500, code 131000, although the message was accepted.
    pub error_500_after: f64,
    /// An HTML page with status 502; half of them after the message was accepted.
    pub html_502: f64,
    /// Status 200 with something that is no answer, although the message was accepted.
    pub garbage_200: f64,
    /// Status 200 whose body ends before its length, although the message was accepted.
    pub truncated_200: f64,
    /// Code 130429 although the limit was kept.
    pub rate_limited_130429: f64,
    /// Messages of marketing templates that fail with 131049 by webhook.
    pub capped_131049: f64,
    /// Template messages answered with `held_for_quality_assessment`.
    pub held_for_quality: f64,
    /// Of the held ones, those that fail with 132015 in the end.
    pub held_dropped_share: f64,
    /// How long they are held.
    pub held_delay: Latency,
    /// Of the free-form messages outside the window, those refused at once; the others are accepted and fail by webhook.
    pub window_sync_share: f64,
    /// After so many accepted messages every call gets 401, code 190.
    pub token_revoked_after: Option<u64>,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            drop_before: 0.0,
            drop_after: 0.0,
            timeout_after: 0.0,
            error_500_before: 0.0,
            error_500_after: 0.0,
            html_502: 0.0,
            garbage_200: 0.0,
            truncated_200: 0.0,
            rate_limited_130429: 0.0,
            capped_131049: 0.0,
            held_for_quality: 0.0,
            held_dropped_share: 0.5,
            held_delay: Latency::default(),
            window_sync_share: 0.5,
            token_revoked_after: None,
        }
    }
}

impl Faults {
    /// The shares that exclude each other, one roll a request.
    pub(super) fn wire_shares(&self) -> [(Fault, f64); 9] {
        [
            (Fault::DropBefore, self.drop_before),
            (Fault::DropAfter, self.drop_after),
            (Fault::TimeoutAfter, self.timeout_after),
            (Fault::Error500Before, self.error_500_before),
            (Fault::Error500After, self.error_500_after),
            (Fault::Html502, self.html_502),
            (Fault::Garbage200, self.garbage_200),
            (Fault::Truncated200, self.truncated_200),
            (Fault::RateLimited130429, self.rate_limited_130429),
        ]
    }

    /// Every share with its name, to be checked.
    pub(super) fn shares(&self) -> Vec<(&'static str, f64)> {
        let others = [
            ("faults.capped_131049", self.capped_131049),
            ("faults.held_for_quality", self.held_for_quality),
            ("faults.held_dropped_share", self.held_dropped_share),
            ("faults.window_sync_share", self.window_sync_share),
        ];
        self.wire_shares().iter().map(|(fault, share)| (fault.name(), *share)).chain(others).collect()
    }
}

/// One thing that goes wrong with a request on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Closed before processing.
    DropBefore,
    /// Accepted, then reset before or inside the answer.
    DropAfter,
    /// Accepted, never answered.
    TimeoutAfter,
    /// 500, not accepted.
    #[serde(rename = "error_500_before")]
    Error500Before,
    /// 500, accepted.
    #[serde(rename = "error_500_after")]
    Error500After,
    /// An HTML page, accepted or not.
    #[serde(rename = "html_502")]
    Html502,
    /// 200 with nonsense, accepted.
    #[serde(rename = "garbage_200")]
    Garbage200,
    /// 200 cut short, accepted.
    #[serde(rename = "truncated_200")]
    Truncated200,
    /// 130429 without reason.
    #[serde(rename = "rate_limited_130429")]
    RateLimited130429,
}

impl Fault {
    /// The key of its share in the settings, for messages.
    fn name(self) -> &'static str {
        match self {
            Self::DropBefore => "faults.drop_before",
            Self::DropAfter => "faults.drop_after",
            Self::TimeoutAfter => "faults.timeout_after",
            Self::Error500Before => "faults.error_500_before",
            Self::Error500After => "faults.error_500_after",
            Self::Html502 => "faults.html_502",
            Self::Garbage200 => "faults.garbage_200",
            Self::Truncated200 => "faults.truncated_200",
            Self::RateLimited130429 => "faults.rate_limited_130429",
        }
    }
}

/// One line of a script: when all that is named in `when` holds, `then` happens.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScriptRule {
    /// The condition; an empty one holds always.
    #[serde(default)]
    pub when: ScriptWhen,
    /// What happens.
    pub then: ScriptThen,
}

/// The condition of a [`ScriptRule`].
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScriptWhen {
    /// The number of the request on `/messages`, counted from 1 over the whole ledger.
    pub request: Option<u64>,
    /// The last digits of the recipient.
    pub recipient_suffix: Option<String>,
    /// The template's name.
    pub template: Option<String>,
    /// How often the rule applies, at most.
    pub times: Option<u64>,
}

/// What a [`ScriptRule`] does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScriptThen {
    /// The request is refused with this code, and the status Meta gives it.
    Refuse(u32),
    /// The message is accepted and fails by webhook with this code.
    Fail(u32),
    /// The message is held for a quality check and then sent.
    Held,
    /// As by share.
    #[serde(untagged)]
    Fault(Fault),
}

/// The faults at work: settings, counters of script rules, and how often a message was tried.
#[derive(Debug)]
pub(super) struct Trouble {
    faults: Faults,
    script: Vec<(ScriptRule, AtomicU64)>,
    quiet: bool,
    /// Tries of messages that met a fault, so that the next try of the same message rolls anew. Others need no entry.
    tries: Mutex<HashMap<u64, u64>>,
}

impl Trouble {
    pub(super) fn new(faults: Faults, script: Vec<ScriptRule>) -> Self {
        let quiet = faults.wire_shares().iter().all(|(_, share)| *share <= 0.0);
        let script = script.into_iter().map(|rule| (rule, AtomicU64::new(0))).collect();
        Self { faults, script, quiet, tries: Mutex::default() }
    }

    /// What the script says about the `nth` request. `template` is only asked for when a rule names one.
    pub(super) fn scripted(&self, nth: u64, to: &str, template: impl Fn() -> Option<String>) -> Option<ScriptThen> {
        self.script.iter().find_map(|(rule, used)| {
            let when = &rule.when;
            let holds = when.request.is_none_or(|request| request == nth)
                && when.recipient_suffix.as_deref().is_none_or(|suffix| to.ends_with(suffix))
                && when.template.as_deref().is_none_or(|name| template().as_deref() == Some(name));
            if !holds {
                return None;
            }
            let before = used.fetch_add(1, Ordering::Relaxed);
            when.times.is_none_or(|times| before < times).then_some(rule.then)
        })
    }

    /// The fault of this try of the message `about` is rolled for, and the chance to shape it with.
    pub(super) fn roll(&self, about: Chance) -> Option<(Fault, Chance)> {
        if self.quiet {
            return None;
        }
        let mut tries = self.tries.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let n = tries.get(&about.key()).copied().unwrap_or(0);
        let this_try = about.nth(n);
        let mut left = this_try.unit(Purpose::Fault);
        let fault = self.faults.wire_shares().into_iter().find_map(|(fault, share)| {
            left -= share;
            (left < 0.0).then_some(fault)
        })?;
        tries.insert(about.key(), n + 1);
        Some((fault, this_try))
    }

    /// A try of an earlier process that met a fault, read from its ledger.
    pub(super) fn remember(&self, about: Chance) {
        let mut tries = self.tries.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *tries.entry(about.key()).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> ScriptRule {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn scripts_match_all_they_name_and_count_their_uses() {
        let script = vec![
            rule("when = { request = 2 }\nthen = \"drop_before\""),
            rule("when = { recipient_suffix = \"77\", template = \"sale\", times = 1 }\nthen = { refuse = 131048 }"),
        ];
        let trouble = Trouble::new(Faults::default(), script);
        assert_eq!(trouble.scripted(1, "15550077", || None), None);
        assert_eq!(trouble.scripted(2, "15550000", || None), Some(ScriptThen::Fault(Fault::DropBefore)));
        assert_eq!(trouble.scripted(3, "15550077", || Some("sale".into())), Some(ScriptThen::Refuse(131_048)));
        assert_eq!(trouble.scripted(4, "15550077", || Some("sale".into())), None, "its one use is over");
    }

    #[test]
    fn a_second_try_of_the_same_message_rolls_anew() {
        let trouble = Trouble::new(Faults { drop_before: 0.5, ..Faults::default() }, Vec::new());
        let root = Chance::new(11);
        let ends = (0..200_u32).all(|n| {
            let about = root.about(&n.to_be_bytes());
            (0..64).any(|_| trouble.roll(about).is_none())
        });
        assert!(ends, "a message that fails half of the time gets through at last");
    }

    #[test]
    fn the_order_of_messages_does_not_change_their_faults() {
        let fates = |order: &mut dyn Iterator<Item = u32>| {
            let trouble = Trouble::new(Faults { drop_before: 0.2, html_502: 0.2, ..Faults::default() }, Vec::new());
            let root = Chance::new(5);
            let mut all: Vec<_> =
                order.map(|n| (n, trouble.roll(root.about(&n.to_be_bytes())).map(|(fault, _)| fault))).collect();
            all.sort_by_key(|(n, _)| *n);
            all
        };
        assert_eq!(fates(&mut (0..100)), fates(&mut (0..100).rev()));
    }
}
