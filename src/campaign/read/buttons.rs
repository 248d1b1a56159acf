//! The buttons of templates and cards.

use std::ops::Range;

use super::Reader;
use super::text::Rule;
use crate::campaign::Problem;
use crate::campaign::tree::{Node, Table, Text};
use crate::message::{Action, Button, Source};

/// The most URL buttons of a template (`protocols/meta-cloud-api.md`, section 2.1).
const URL_BUTTONS: usize = 2;
/// A link has at most 2,000 characters, its variable end included.
const SUFFIX: usize = 2000;
/// A quick reply's payload has no published limit; a reply button's id has this one.
const PAYLOAD: usize = 256;
/// A coupon has at most 20 characters, in a limited-time offer 15 (`protocols/meta-cloud-api.md`, sections 0.1 and 2.1).
const COUPON: usize = 20;
const OFFER_COUPON: usize = 15;

/// A button with its place in the file.
pub(super) struct Placed {
    pub button: Button<Source>,
    pub span: Range<usize>,
}

impl Reader<'_> {
    /// The buttons of a template, its `coupon` among them.
    pub(super) fn template_buttons(&mut self, template: &Table) -> Option<Vec<Button<Source>>> {
        let offer = template.has("offer_expires");
        let mut buttons = Vec::new();
        if let Some(coupon) = template.text("coupon") {
            let action = Action::CopyCode(self.coupon(coupon, offer));
            buttons.push(Some(Placed { button: Button { index: 0, action }, span: coupon.span.clone() }));
        }
        for (place, node) in template.list("buttons").iter().enumerate() {
            buttons.push(self.button(place, node, offer));
        }
        let complete = buttons.iter().all(Option::is_some);
        let buttons: Vec<Placed> = buttons.into_iter().flatten().collect();
        self.indexes(&buttons);
        self.counts(&buttons);
        if offer {
            self.offer_buttons(&buttons);
        }
        complete.then(|| sorted(buttons))
    }

    /// The buttons of a card.
    pub(super) fn card_buttons(&mut self, card: &Table) -> Option<Vec<Button<Source>>> {
        let buttons: Vec<Option<Placed>> =
            card.list("buttons").iter().enumerate().map(|(place, node)| self.button(place, node, false)).collect();
        let complete = buttons.iter().all(Option::is_some);
        let buttons: Vec<Placed> = buttons.into_iter().flatten().collect();
        self.indexes(&buttons);
        complete.then(|| sorted(buttons))
    }

    fn button(&mut self, place: usize, node: &Node, offer: bool) -> Option<Placed> {
        let table = node.table()?;
        let action = if let Some(suffix) = self.text(table, "url_suffix", Rule::most(SUFFIX)) {
            Action::UrlSuffix(suffix)
        } else if let Some(payload) = self.text(table, "quick_reply", Rule::most(PAYLOAD)) {
            Action::QuickReply(payload)
        } else {
            let code = table.text("copy_code")?;
            Action::CopyCode(self.coupon(code, offer))
        };
        let index = match table.get("index") {
            Some(_) => table.integer("index").and_then(|index| u8::try_from(index).ok())?,
            None => u8::try_from(place).ok()?,
        };
        let span = table.get("index").map_or_else(|| node.span.clone(), |index| index.span.clone());
        Some(Placed { button: Button { index, action }, span })
    }

    fn coupon(&mut self, code: &Text, offer: bool) -> Source {
        let most = if offer { OFFER_COUPON } else { COUPON };
        if code.is_literal() && !code.text.trim().is_empty() && !code.text.bytes().all(|b| b.is_ascii_alphanumeric()) {
            self.report(
                Problem::error("bad_coupon", code.span.clone(), "a coupon with something else than letters and digits")
                    .help(format!("write 1 to {most} letters and digits, without accents and spaces")),
            );
        }
        self.source(code, Rule::most(most))
    }

    fn indexes(&mut self, buttons: &[Placed]) {
        for (at, placed) in buttons.iter().enumerate() {
            let index = placed.button.index;
            if buttons.iter().take(at).any(|other| other.button.index == index) {
                self.report(
                    Problem::error("duplicate", placed.span.clone(), format!("two buttons at index {index}"))
                        .help("give each its place among all the template's buttons, from 0: `index = 1`; `coupon` takes 0"),
                );
            }
        }
    }

    fn counts(&mut self, buttons: &[Placed]) {
        let codes = buttons.iter().filter(|placed| matches!(placed.button.action, Action::CopyCode(_)));
        for placed in codes.skip(1) {
            self.report(
                Problem::error("bad_button", placed.span.clone(), "a second copy-code button")
                    .help("a template has one at most; `coupon` is one already"),
            );
        }
        let links = buttons.iter().filter(|placed| matches!(placed.button.action, Action::UrlSuffix(_)));
        for placed in links.skip(URL_BUTTONS) {
            self.report(
                Problem::error("bad_button", placed.span.clone(), "a third URL button").help("a template has at most two"),
            );
        }
    }

    /// In a limited-time offer the copy-code button comes first and the URL button after it.
    fn offer_buttons(&mut self, buttons: &[Placed]) {
        let coupon = buttons.iter().any(|placed| matches!(placed.button.action, Action::CopyCode(_)));
        for Placed { button, span } in buttons {
            let (wanted, what) = match button.action {
                Action::CopyCode(_) => (0, "the copy-code button"),
                Action::UrlSuffix(_) => (u8::from(coupon), "the URL button"),
                Action::QuickReply(_) => {
                    let problem = Problem::error("bad_button", span.clone(), "a limited-time offer has no quick replies");
                    self.report(problem.help("leave it out"));
                    continue;
                }
            };
            // With a coupon that is not written here the URL button is at 1 all the same.
            let fits = button.index == wanted || (matches!(button.action, Action::UrlSuffix(_)) && !coupon && button.index == 1);
            if !fits {
                let message = format!("in a limited-time offer {what} is at index {wanted}, not {}", button.index);
                self.report(Problem::error("bad_button", span.clone(), message).help(format!("write `index = {wanted}`")));
            }
        }
    }
}

/// In the order of their indexes.
fn sorted(buttons: Vec<Placed>) -> Vec<Button<Source>> {
    let mut buttons: Vec<_> = buttons.into_iter().map(|placed| placed.button).collect();
    buttons.sort_by_key(|button| button.index);
    buttons
}
