//! The bodies of webhooks.
//!
//! In: updates. Out: Meta's JSON: entries by account, changes by number, a few statuses in one change and the next in another,
//! so that whoever reads them has to walk every array.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use super::postman::{Parcel, Update};
use crate::simulator::codes;
use crate::simulator::ledger::{Inbound, Message};
use crate::simulator::people::{About, Event, carries_pricing};
use crate::simulator::world::World;

/// After so many statuses a change ends, even when the next status is of the same number.
const STATUSES_OF_A_CHANGE: usize = 4;

/// Account and number an update belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::simulator) struct Letterhead {
    /// The account's id.
    pub(in crate::simulator) waba_id: String,
    /// The number's id.
    pub(in crate::simulator) number_id: String,
    /// The number as people see it.
    pub(in crate::simulator) display: String,
}

#[derive(Serialize)]
struct Body<'a> {
    object: &'static str,
    entry: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    id: String,
    changes: Vec<Change<'a>>,
}

#[derive(Serialize)]
struct Change<'a> {
    field: &'a str,
    value: Content<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Content<'a> {
    Messages(Value<'a>),
    News(&'a RawValue),
}

#[derive(Serialize)]
struct Value<'a> {
    messaging_product: &'static str,
    metadata: Metadata,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    contacts: Vec<Contact<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    statuses: Vec<Status<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    messages: Vec<Incoming<'a>>,
}

#[derive(Clone, Serialize)]
struct Metadata {
    display_phone_number: String,
    phone_number_id: String,
}

#[derive(PartialEq, Serialize)]
struct Contact<'a> {
    profile: Profile,
    #[serde(skip_serializing_if = "Option::is_none")]
    wa_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'a str>,
}

#[derive(PartialEq, Serialize)]
struct Profile {
    name: String,
}

#[derive(Serialize)]
struct Status<'a> {
    id: &'a str,
    #[serde(rename = "status")]
    word: &'static str,
    timestamp: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient_user_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    biz_opaque_callback_data: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    conversation: Option<Conversation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pricing: Option<Pricing<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<[Failure; 1]>,
}

#[derive(Serialize)]
struct Conversation {
    id: String,
    expiration_timestamp: String,
    origin: Origin,
}

#[derive(Serialize)]
struct Origin {
    r#type: &'static str,
}

#[derive(Serialize)]
struct Pricing<'a> {
    billable: bool,
    #[serde(rename = "pricing_model")]
    model: &'static str,
    r#type: &'a str,
    category: &'a str,
}

#[derive(Serialize)]
struct Failure {
    code: u32,
    title: &'static str,
    message: &'static str,
    error_data: Details,
    href: &'static str,
}

#[derive(Serialize)]
struct Details {
    details: &'static str,
}

#[derive(Serialize)]
struct Incoming<'a> {
    from: &'a str,
    id: &'a str,
    timestamp: String,
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<Context<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    button: Option<Button<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    referral: Option<Referral>,
}

#[derive(Serialize)]
struct Context<'a> {
    from: Cow<'a, str>,
    id: &'a str,
}

#[derive(Serialize)]
struct Text<'a> {
    body: &'a str,
}

#[derive(Serialize)]
struct Button<'a> {
    payload: &'a str,
    text: &'a str,
}

#[derive(Serialize)]
struct Referral {
    source_type: &'static str,
    source_id: &'static str,
    ctwa_clid: String,
}

/// One body for all `parcels`.
pub(in crate::simulator) fn body(world: &World, parcels: &[Parcel]) -> serde_json::Result<Vec<u8>> {
    let mut entries: Vec<(Letterhead, Entry<'_>)> = Vec::new();
    for parcel in parcels {
        let number_id = match &parcel.update {
            Update::Status { message, .. } => &message.number_id,
            Update::Inbound(inbound) => &inbound.number_id,
            Update::News { waba_id, field, value } => {
                let head = Letterhead { waba_id: waba_id.clone(), number_id: String::new(), display: String::new() };
                let change = Change { field, value: Content::News(value) };
                entries.push((head, Entry { id: waba_id.clone(), changes: vec![change] }));
                continue;
            }
        };
        // Neighbours in a batch are mostly of one number: only a change of it is looked up.
        if entries.last().is_none_or(|(head, _)| head.number_id != *number_id) {
            let head = world.letterhead(number_id);
            let entry = Entry { id: head.waba_id.clone(), changes: Vec::new() };
            entries.push((head, entry));
        }
        let Some((head, entry)) = entries.last_mut() else { continue };
        let value = entry.open_value(head, matches!(parcel.update, Update::Inbound(_)));
        match (&parcel.update, value) {
            (Update::Status { message, event }, Some(value)) => value.add_status(world, message, *event, parcel.at_ms),
            (Update::Inbound(inbound), Some(value)) => value.add_incoming(inbound),
            _ => {}
        }
    }
    let entry = entries.into_iter().map(|(_, entry)| entry).collect();
    serde_json::to_vec(&Body { object: "whatsapp_business_account", entry })
}

impl<'a> Entry<'a> {
    /// The change the next status or inbound message belongs to: the last one while it has room and is of that sort.
    fn open_value(&mut self, head: &Letterhead, incoming: bool) -> Option<&mut Value<'a>> {
        let has_room = |change: &Change<'_>| match &change.value {
            Content::Messages(value) => value.statuses.len() < STATUSES_OF_A_CHANGE && value.statuses.is_empty() == incoming,
            Content::News(_) => false,
        };
        if !self.changes.last().is_some_and(has_room) {
            self.changes.push(Change { field: "messages", value: Content::Messages(Value::of(head)) });
        }
        match self.changes.last_mut().map(|change| &mut change.value) {
            Some(Content::Messages(value)) => Some(value),
            _ => None,
        }
    }
}

impl<'a> Value<'a> {
    fn of(head: &Letterhead) -> Self {
        let metadata = Metadata { display_phone_number: head.display.clone(), phone_number_id: head.number_id.clone() };
        Self { messaging_product: "whatsapp", metadata, contacts: Vec::new(), statuses: Vec::new(), messages: Vec::new() }
    }

    fn add_contact(&mut self, contact: Contact<'a>) {
        if !self.contacts.contains(&contact) {
            self.contacts.push(contact);
        }
    }

    fn add_status(&mut self, world: &World, message: &'a Message, event: Event, at_ms: i64) {
        let Some(status) = event.status() else { return };
        let person = message.person();
        let (wa_id, user_id) = if message.is_to_user_id() { (None, Some(person)) } else { (Some(person), None) };
        if event != Event::Failed {
            self.add_contact(Contact { profile: Profile::of(person), wa_id, user_id });
        }
        let is_priced = carries_pricing(&world.config, About::of(world.chance, message), event);
        let conversation = message.free_until_ms.filter(|_| event != Event::Failed).map(|until| Conversation {
            id: format!("{:032x}", About::of(world.chance, message).pair.key()),
            expiration_timestamp: seconds(until),
            origin: Origin { r#type: "referral_conversion" },
        });
        self.statuses.push(Status {
            id: &message.wamid,
            word: status,
            timestamp: seconds(at_ms),
            recipient_id: wa_id,
            recipient_user_id: user_id,
            biz_opaque_callback_data: message.client_ref.as_deref(),
            conversation,
            pricing: is_priced.then(|| Pricing {
                billable: message.pricing == "regular",
                model: "PMP",
                r#type: &message.pricing,
                category: &message.category,
            }),
            errors: message.code.filter(|_| event == Event::Failed).map(|code| [Failure::of(code)]),
        });
    }

    fn add_incoming(&mut self, inbound: &'a Inbound) {
        self.add_contact(Contact { profile: Profile::of(&inbound.from), wa_id: Some(&inbound.from), user_id: None });
        let button = inbound.payload.as_deref().map(|payload| Button { payload, text: &inbound.text });
        let display = &self.metadata.display_phone_number;
        self.messages.push(Incoming {
            from: &inbound.from,
            id: &inbound.wamid,
            timestamp: seconds(inbound.at_ms),
            r#type: if button.is_some() { "button" } else { "text" },
            context: inbound.context.as_deref().map(|id| Context { from: Cow::Owned(display.clone()), id }),
            text: button.is_none().then_some(Text { body: &inbound.text }),
            button,
            referral: inbound.from_ad.then(|| Referral {
                source_type: "ad",
                source_id: "300000000000001",
                ctwa_clid: format!("clid-{}", inbound.seq),
            }),
        });
    }
}

impl Profile {
    fn of(person: &str) -> Self {
        let last = person.char_indices().rev().nth(3).map_or(person, |(at, _)| person.get(at..).unwrap_or(person));
        Self { name: format!("Person {last}") }
    }
}

impl Failure {
    fn of(code: u32) -> Self {
        let known = codes::code(code);
        Self {
            code,
            title: known.title,
            message: known.title,
            error_data: Details { details: known.details },
            href: "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/",
        }
    }
}

/// Unix seconds as a string, as on the wire.
fn seconds(at_ms: i64) -> String {
    at_ms.div_euclid(1_000).to_string()
}
