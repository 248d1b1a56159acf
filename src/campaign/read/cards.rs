//! The cards of a carousel.

use std::ops::Range;

use super::Reader;
use crate::campaign::tree::Table;
use crate::campaign::{Problem, Purpose};
use crate::message::{Action, Button, Card, Header, Source, Values};

/// What stands beside the body on a carousel's main message: nothing (`protocols/meta-cloud-api.md`, section 1.2).
const NOT_BESIDE: [&str; 4] = ["header", "buttons", "coupon", "offer_expires"];

impl Reader<'_> {
    pub(super) fn cards(&mut self, template: &Table, purpose: Option<Purpose>) -> Option<Vec<Card<Source>>> {
        let Some(entry) = template.entry("cards") else { return Some(Vec::new()) };
        for key in NOT_BESIDE {
            if let Some(other) = template.entry(key) {
                let problem = Problem::error("conflict", other.span.clone(), format!("`{key}` does not go with cards"));
                self.report(problem.help("a carousel has a body and cards; headers and buttons stand on the cards"));
            }
        }
        if matches!(purpose, Some(Purpose::Utility | Purpose::Authentication)) {
            self.report(
                Problem::error("wrong_purpose", entry.span.clone(), "carousels are for marketing only")
                    .help("write `purpose = \"marketing\"`, or leave the cards out"),
            );
        }
        let nodes = template.list("cards");
        let cards: Vec<Option<(Card<Source>, Range<usize>)>> =
            nodes.iter().map(|node| Some((self.card(node.table()?)?, node.span.clone()))).collect();
        self.alike(cards.iter().flatten());
        cards.into_iter().map(|card| card.map(|(card, _)| card)).collect()
    }

    fn card(&mut self, table: &Table) -> Option<Card<Source>> {
        let header = table.table("header").and_then(|header| self.header(header));
        let body = self.values(table);
        let buttons = self.card_buttons(table);
        if let Some(Header::Product { .. }) = header {
            if let Some(body) = table.entry("body") {
                let problem = Problem::error("conflict", body.span.clone(), "a product card has no body");
                self.report(problem.help("leave it out: the provider shows the product's own text"));
            }
            if let Some(button) =
                buttons.iter().flatten().find(|button| button.index > 0 || !matches!(button.action, Action::UrlSuffix(_)))
            {
                let place = table.entry("buttons").map_or_else(|| table.place(), |entry| entry.span.clone());
                let message = format!("a product card has one URL button at index 0, not button {}", button.index);
                self.report(Problem::error("bad_button", place, message).help("leave the others out"));
            }
        }
        Some(Card { header: header?, body: body?, buttons: buttons? })
    }

    /// All cards must have the parts of the first.
    fn alike<'c>(&mut self, mut cards: impl Iterator<Item = &'c (Card<Source>, Range<usize>)>) {
        let Some((first, _)) = cards.next() else { return };
        for (card, span) in cards {
            let difference = if kind(&card.header) != kind(&first.header) {
                format!("a {} where the first card has a {}", kind(&card.header), kind(&first.header))
            } else if names(&card.body) != names(&first.body) {
                "other body values than the first card".to_owned()
            } else if actions(&card.buttons) != actions(&first.buttons) {
                "other buttons than the first card".to_owned()
            } else if other_catalogue(&card.header, &first.header) {
                "another catalogue than the first card".to_owned()
            } else {
                continue;
            };
            let problem = Problem::error("uneven_cards", span.clone(), format!("this card has {difference}"));
            self.report(problem.help("all cards of a carousel have the same parts"));
        }
    }
}

const fn kind(header: &Header<Source>) -> &'static str {
    match header {
        Header::Text { .. } => "text",
        Header::Image(_) => "picture",
        Header::Video(_) => "video",
        Header::Document { .. } => "document",
        Header::Location { .. } => "place",
        Header::Product { .. } => "product",
    }
}

fn names(values: &Values<Source>) -> (usize, Vec<&str>) {
    let mut names: Vec<&str> = match values {
        Values::Positional(_) => Vec::new(),
        Values::Named(values) => values.iter().map(|(name, _)| name.as_str()).collect(),
    };
    names.sort_unstable();
    (values.len(), names)
}

fn actions(buttons: &[Button<Source>]) -> Vec<(u8, u8)> {
    let action = |action: &Action<Source>| match action {
        Action::UrlSuffix(_) => 0,
        Action::QuickReply(_) => 1,
        Action::CopyCode(_) => 2,
    };
    buttons.iter().map(|button| (button.index, action(&button.action))).collect()
}

/// Whether two product cards name different catalogues, as far as both are literal.
fn other_catalogue(a: &Header<Source>, b: &Header<Source>) -> bool {
    match (a, b) {
        (Header::Product { catalog_id: a, .. }, Header::Product { catalog_id: b, .. }) => {
            !a.text.contains("{{") && !b.text.contains("{{") && a.text != b.text
        }
        _ => false,
    }
}
