//! Rules over several texts of one message, kept while they are rendered one after the other.

use crate::message::row::{Fault, Rule};
use crate::message::{FreeForm, Message, Part, Slot};

/// A template's body once filled in; with a limited-time offer; on a card (`protocols/meta-cloud-api.md`, 2.1).
const MAX_BODY: usize = 1024;
const MAX_OFFER_BODY: usize = 600;
const MAX_CARD_BODY: usize = 160;

/// What was seen of a message so far.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::message) struct Whole {
    card: Option<u8>,
    /// Characters of the current body's values. The template's own words come on top, so this is the least the body will have.
    sum: usize,
}

impl Whole {
    /// Takes in one more rendered text.
    pub(in crate::message) fn add(&mut self, slot: Slot, text: &str, offer: bool) -> Result<(), Fault> {
        if !matches!(slot.part, Part::BodyValue | Part::CurrencyFallback | Part::DateTimeFallback) {
            return Ok(());
        }
        if slot.card != self.card {
            *self = Self { card: slot.card, sum: 0 };
        }
        self.sum += text.chars().count();
        let limit = match slot.card {
            Some(_) => MAX_CARD_BODY,
            None if offer => MAX_OFFER_BODY,
            None => MAX_BODY,
        };
        if self.sum > limit {
            let which = if slot.card.is_some() { "card's body" } else { "body" };
            return Err(Fault::new(
                Rule::TooLong,
                format!("the values alone have {} characters, the {which} at most {limit}; shorten them", self.sum),
            ));
        }
        Ok(())
    }
}

/// Buttons that cannot be told apart: the place of the second one.
pub(in crate::message) fn duplicate(message: &Message<String>) -> Option<(Slot, &'static str)> {
    let Message::FreeForm(FreeForm::Buttons { buttons, .. }) = message else { return None };
    for (at, button) in buttons.iter().enumerate() {
        let before = buttons.iter().take(at);
        let part = if before.clone().any(|other| other.id == button.id) {
            Part::ReplyId
        } else if before.clone().any(|other| other.title == button.title) {
            Part::ReplyTitle
        } else {
            continue;
        };
        let slot = Slot { part, index: u8::try_from(at).unwrap_or(u8::MAX), card: None, template: false };
        return Some((slot, if part == Part::ReplyId { "id" } else { "title" }));
    }
    None
}
