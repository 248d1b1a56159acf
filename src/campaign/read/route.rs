//! The `[route]` table.
//!
//! `at_least_once` may send twice. Where a provider recognises a repeated request (idempotency) it cannot, and nothing is asked. Elsewhere
//! the writer must say in the file that duplicates are accepted: `confirm = "i_accept_duplicates"`, and for marketing, where a duplicate
//! annoys people and is charged again, the stronger `confirm = "i_accept_duplicate_marketing"`.

use super::Reader;
use crate::campaign::tree::Table;
use crate::campaign::{OnUnknown, Prefer, Problem, Purpose, Route};

impl Reader<'_> {
    pub(super) fn route(&mut self, root: &Table, purpose: Option<Purpose>, senders: &[String]) -> Route {
        let Some(table) = root.table("route") else {
            return Route { prefer: Prefer::default(), on_unknown: OnUnknown::default() };
        };
        let word = |key: &str| table.text(key).map(|text| text.text.as_str());
        let prefer = match word("prefer") {
            Some("template") => Prefer::Template,
            _ => Prefer::FreeForm,
        };
        let on_unknown = match word("on_unknown") {
            Some("at_most_once") => OnUnknown::AtMostOnce,
            Some("at_least_once") => OnUnknown::AtLeastOnce,
            Some("hold") => OnUnknown::Hold,
            _ => OnUnknown::Auto,
        };
        if on_unknown == OnUnknown::AtLeastOnce {
            self.confirmed(table, purpose, senders);
        }
        if prefer == Prefer::Template {
            self.prefers_template(root, table);
        }
        Route { prefer, on_unknown }
    }

    fn confirmed(&mut self, table: &Table, purpose: Option<Purpose>, senders: &[String]) {
        let doubtful =
            senders.iter().find_map(|name| self.known(name).filter(|sender| !sender.idempotent).map(|sender| (name, sender)));
        let Some((name, sender)) = doubtful else { return };
        let needed = match purpose {
            Some(Purpose::Marketing) => "i_accept_duplicate_marketing",
            _ => "i_accept_duplicates",
        };
        let given = table.text("confirm").map(|text| text.text.as_str());
        let unreadable = table.has("confirm") && given.is_none();
        if unreadable || given == Some(needed) || given == Some("i_accept_duplicate_marketing") {
            return;
        }
        let Some(place) = table.get("on_unknown") else { return };
        let message =
            format!("`at_least_once` may send twice: sender `{name}` ({}) cannot recognise a repeated request", sender.provider);
        let help = format!("write `on_unknown = \"auto\"`, or add `confirm = \"{needed}\"`");
        self.report(Problem::error("needs_confirm", place.span.clone(), message).help(help));
    }

    fn prefers_template(&mut self, root: &Table, table: &Table) {
        let Some(place) = table.get("prefer").map(|node| node.span.clone()) else { return };
        if let Some(free_form) = root.entry("free_form") {
            if root.has("template") {
                let message = "[free_form] is never sent while the template is preferred";
                self.report(Problem::warning("never_used", free_form.span.clone(), message).help("leave one of them out"));
            } else {
                let message = "there is no [template] to prefer";
                self.report(Problem::error("conflict", place, message).help("add a [template], or leave `prefer` out"));
            }
        }
    }
}
