//! Virtual people: who they are, what becomes of a message to them, and what they do with it.
//!
//! In: the settings, the seed, a message. Out: its fate, settled when it is accepted, and its course: which updates follow and
//! when. Both are pure functions, so a simulator that continues a ledger comes to the same course again. It must not know HTTP.

use serde::Deserialize;

use super::chance::{Chance, Purpose};
use super::config::{Latency, SimulatorConfig};
use super::ledger::{Fate, Message};

/// How people behave. Shares are of people where a trait is a person's own, of messages where it is not.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PeopleConfig {
    /// Delivered messages that are read. Default 0.5.
    pub read_share: f64,
    /// How long after the delivery.
    pub read_delay: Latency,
    /// Delivered messages that are answered: by the first quick reply button when there is one, else with `reply_text`.
    pub reply_share: f64,
    /// How long after the delivery.
    pub reply_delay: Latency,
    /// What they write. Default `Thank you!`.
    pub reply_text: String,
    /// People who answer every delivered message with `STOP`.
    pub stop_share: f64,
    /// People who blocked the business: messages are sent and never arrive, and no webhook says so.
    pub block_share: f64,
    /// People who have no WhatsApp: 131026 by webhook.
    pub not_on_whatsapp_share: f64,
    /// Pairs of person and number whose window is open at the start, because the person wrote in the day before.
    pub window_open_share: f64,
    /// Messages people write at the very start.
    pub hello: Vec<Hello>,
}

impl Default for PeopleConfig {
    fn default() -> Self {
        Self {
            read_share: 0.5,
            read_delay: Latency::default(),
            reply_share: 0.0,
            reply_delay: Latency::default(),
            reply_text: "Thank you!".into(),
            stop_share: 0.0,
            block_share: 0.0,
            not_on_whatsapp_share: 0.0,
            window_open_share: 0.0,
            hello: Vec::new(),
        }
    }
}

impl PeopleConfig {
    /// Every share with its name, to be checked.
    pub(super) fn shares(&self) -> Vec<(&'static str, f64)> {
        vec![
            ("people.read_share", self.read_share),
            ("people.reply_share", self.reply_share),
            ("people.stop_share", self.stop_share),
            ("people.block_share", self.block_share),
            ("people.not_on_whatsapp_share", self.not_on_whatsapp_share),
            ("people.window_open_share", self.window_open_share),
        ]
    }
}

/// A message somebody writes at the start.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hello {
    /// The number they write to.
    pub number_id: String,
    /// Their phone number.
    pub from: String,
    /// What they write.
    #[serde(default = "hello_text")]
    pub text: String,
    /// How long before the start they wrote it.
    #[serde(default)]
    pub ago_ms: i64,
}

/// What people write when nothing else is said.
pub(super) fn hello_text() -> String {
    "Hello".into()
}

/// Something that follows an accepted message. The value is its bit in the ledger's `acked` facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Event {
    /// It left Meta.
    Sent = 1,
    /// It reached the person's telephone.
    Delivered = 2,
    /// The person saw it.
    Read = 4,
    /// It failed.
    Failed = 8,
    /// The person answers.
    Reply = 16,
}

impl Event {
    /// Its bit.
    pub(super) fn bit(self) -> u8 {
        self as u8
    }

    /// Its word in a status webhook; a reply is none.
    pub(super) fn status(self) -> Option<&'static str> {
        match self {
            Self::Sent => Some("sent"),
            Self::Delivered => Some("delivered"),
            Self::Read => Some("read"),
            Self::Failed => Some("failed"),
            Self::Reply => None,
        }
    }
}

/// One step of a message's course.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// What happens.
    pub(super) event: Event,
    /// How long after the acceptance.
    pub(super) after_ms: u64,
    /// No webhook tells it.
    pub(super) lost: bool,
    /// A second copy is told so much later.
    pub(super) copy_after_ms: Option<u64>,
}

/// The world's chances about a message: of itself, of its person, of the pair.
#[derive(Clone, Copy, Debug)]
pub(super) struct About {
    /// The message; the next try of the same message has the same.
    pub(super) message: Chance,
    /// The person, for every business.
    pub(super) person: Chance,
    /// The person with this number.
    pub(super) pair: Chance,
}

impl About {
    /// Of a message to `person` from `number_id`; without a reference its own bytes stand for it.
    pub(super) fn new(root: Chance, number_id: &str, person: &str, client_ref: Option<&str>, sha256: &str) -> Self {
        let of_person = root.about(person.as_bytes());
        Self {
            message: of_person.about(client_ref.unwrap_or(sha256).as_bytes()),
            person: of_person,
            pair: of_person.about(number_id.as_bytes()),
        }
    }

    /// Of an accepted message.
    pub(super) fn of(root: Chance, message: &Message) -> Self {
        Self::new(root, &message.number_id, message.person(), message.client_ref.as_deref(), &message.sha256)
    }
}

/// What becomes of a message, before any script: its fate and the code it fails with.
pub(super) fn fate(config: &SimulatorConfig, about: About, message: &Message, in_window: bool) -> (Fate, Option<u32>) {
    let (people, faults) = (&config.people, &config.faults);
    let is_marketing = message.category.starts_with("marketing");
    if about.person.happens(Purpose::NotOnWhatsApp, people.not_on_whatsapp_share) {
        (Fate::Failed, Some(131_026))
    } else if message.template.is_none() && !in_window {
        (Fate::Failed, Some(131_047))
    } else if is_marketing && about.message.happens(Purpose::Capped, faults.capped_131049) {
        (Fate::Failed, Some(131_049))
    } else if message.held && about.message.happens(Purpose::HeldDropped, faults.held_dropped_share) {
        (Fate::Failed, Some(132_015))
    } else if about.person.happens(Purpose::Blocked, people.block_share) {
        (Fate::Blocked, None)
    } else {
        (Fate::Delivered, None)
    }
}

/// What follows a message. `steps` is cleared and filled; its order is the order of nature, not of arrival.
pub(super) fn course(config: &SimulatorConfig, about: About, message: &Message, steps: &mut Vec<Step>) {
    steps.clear();
    let (people, webhooks, chance) = (&config.people, &config.webhooks, about.message);
    let begin = if message.held { chance.millis(Purpose::HeldDropped, config.faults.held_delay) } else { 0 };
    let delay = |event: Event| chance.nth(u64::from(event.bit())).millis(Purpose::StatusDelay, webhooks.delay);
    let mut push = |event: Event, after_ms: u64| {
        let own = chance.nth(u64::from(event.bit()));
        let moved = if own.happens(Purpose::Reorder, webhooks.reorder_share) {
            own.millis(Purpose::ReorderDelay, Latency { min_ms: 0, max_ms: webhooks.shuffle_ms })
        } else {
            0
        };
        let copy = own.happens(Purpose::Duplicate, webhooks.duplicate_share);
        let later = || own.millis(Purpose::DuplicateDelay, Latency { min_ms: 0, max_ms: webhooks.shuffle_ms });
        steps.push(Step {
            event,
            after_ms: after_ms + moved,
            lost: own.happens(Purpose::Loss, webhooks.loss_share),
            copy_after_ms: copy.then(later),
        });
    };
    match message.fate {
        Fate::Failed => push(Event::Failed, begin + delay(Event::Failed)),
        // Of a reaction nothing more is ever told.
        Fate::Delivered if message.kind == "reaction" => push(Event::Sent, begin + delay(Event::Sent)),
        Fate::Blocked => push(Event::Sent, begin + delay(Event::Sent)),
        Fate::Delivered => {
            let sent = begin + delay(Event::Sent);
            let delivered = sent + delay(Event::Delivered);
            push(Event::Sent, sent);
            let is_read = chance.happens(Purpose::Read, people.read_share);
            if !(is_read && chance.happens(Purpose::ReadOnly, webhooks.read_only_share)) {
                push(Event::Delivered, delivered);
            }
            if is_read {
                push(Event::Read, delivered + chance.millis(Purpose::ReadDelay, people.read_delay));
            }
            if replies(config, about) {
                let after_ms = delivered + chance.millis(Purpose::ReplyDelay, people.reply_delay);
                steps.push(Step { event: Event::Reply, after_ms, lost: false, copy_after_ms: None });
            }
        }
    }
}

/// The bits of all updates a message causes that are not lost.
pub(super) fn course_bits(config: &SimulatorConfig, about: About, message: &Message) -> u8 {
    let mut steps = Vec::new();
    course(config, about, message, &mut steps);
    steps.iter().filter(|step| !step.lost).fold(0, |bits, step| bits | step.event.bit())
}

/// Whether pricing stands on this status: on `sent`, and on `delivered`, or on `read` when `delivered` is left out.
pub(super) fn carries_pricing(config: &SimulatorConfig, about: About, event: Event) -> bool {
    match event {
        Event::Sent | Event::Delivered => true,
        Event::Read => about.message.happens(Purpose::ReadOnly, config.webhooks.read_only_share),
        Event::Failed | Event::Reply => false,
    }
}

/// Whether the person always answers STOP.
pub(super) fn says_stop(config: &SimulatorConfig, about: About) -> bool {
    about.person.happens(Purpose::Stop, config.people.stop_share)
}

fn replies(config: &SimulatorConfig, about: About) -> bool {
    says_stop(config, about) || about.message.happens(Purpose::Reply, config.people.reply_share)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulator::webhook::WebhookConfig;

    fn message() -> Message {
        Message { category: "marketing".into(), template: Some("sale".into()), to: "1555".into(), ..Message::default() }
    }

    fn of(config: &SimulatorConfig, message: &Message) -> (Fate, Option<u32>) {
        fate(config, About::of(Chance::new(config.seed), message), message, false)
    }

    fn events(config: &SimulatorConfig, message: &Message) -> Vec<Step> {
        let mut steps = Vec::new();
        course(config, About::of(Chance::new(config.seed), message), message, &mut steps);
        steps
    }

    #[test]
    fn fates_follow_the_shares() {
        let mut config = SimulatorConfig::default();
        assert_eq!(of(&config, &message()), (Fate::Delivered, None));
        let free_form = Message { template: None, category: "service".into(), ..message() };
        assert_eq!(of(&config, &free_form), (Fate::Failed, Some(131_047)));
        config.people.block_share = 1.0;
        assert_eq!(of(&config, &message()), (Fate::Blocked, None));
        config.faults.capped_131049 = 1.0;
        assert_eq!(of(&config, &message()), (Fate::Failed, Some(131_049)));
        let utility = Message { category: "utility".into(), ..message() };
        assert_eq!(of(&config, &utility), (Fate::Blocked, None), "only marketing is capped");
        config.people.not_on_whatsapp_share = 1.0;
        assert_eq!(of(&config, &message()), (Fate::Failed, Some(131_026)));
    }

    #[test]
    fn the_course_of_a_message_is_the_same_at_every_look() {
        let config = SimulatorConfig {
            webhooks: WebhookConfig {
                delay: Latency { min_ms: 5, max_ms: 900 },
                duplicate_share: 0.3,
                reorder_share: 0.3,
                shuffle_ms: 500,
                ..WebhookConfig::default()
            },
            ..SimulatorConfig::default()
        };
        let one = Message { client_ref: Some("w1-a-0".into()), ..message() };
        assert_eq!(events(&config, &one), events(&config, &one));
        let late = Message { at_ms: 99, seq: 77, wamid: "other".into(), ..one.clone() };
        assert_eq!(events(&config, &one), events(&config, &late), "neither time nor place in the ledger matters");
    }

    #[test]
    fn a_read_message_was_sent_and_delivered_in_that_order() {
        let mut config = SimulatorConfig::default();
        config.people.read_share = 1.0;
        config.people.reply_share = 1.0;
        config.webhooks.delay = Latency { min_ms: 1, max_ms: 50 };
        config.people.read_delay = Latency { min_ms: 1, max_ms: 50 };
        let steps = events(&config, &message());
        let order: Vec<_> = steps.iter().map(|step| step.event).collect();
        assert_eq!(order, [Event::Sent, Event::Delivered, Event::Read, Event::Reply]);
        assert!(steps.is_sorted_by_key(|step| if step.event == Event::Reply { u64::MAX } else { step.after_ms }));
        config.webhooks.read_only_share = 1.0;
        let order: Vec<_> = events(&config, &message()).iter().map(|step| step.event).collect();
        assert_eq!(order, [Event::Sent, Event::Read, Event::Reply]);
    }

    #[test]
    fn people_keep_their_traits_over_messages() {
        let mut config = SimulatorConfig::default();
        config.people.not_on_whatsapp_share = 0.5;
        let fates = |to: String| {
            (0..5)
                .map(|n| of(&config, &Message { to: to.clone(), client_ref: Some(n.to_string()), ..message() }).1)
                .collect::<Vec<_>>()
        };
        let people: Vec<_> = (0..20).map(|n| fates(format!("1555000{n}"))).collect();
        assert!(people.iter().all(|fates| fates.iter().all(|fate| *fate == fates[0])));
        assert!(people.iter().any(|fates| fates[0].is_some()) && people.iter().any(|fates| fates[0].is_none()));
    }
}
