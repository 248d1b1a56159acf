//! The values of a body.

use std::ops::Range;

use super::Reader;
use super::text::Rule;
use crate::campaign::Problem;
use crate::campaign::tree::{Node, Table, Text, Value as Tree};
use crate::message::{Source, Value, Values};

/// A rendered body has at most 1,024 characters (`protocols/meta-cloud-api.md`, section 2.1), so no value can have more.
const BODY: usize = 1024;

/// The longest name of a variable; the provider publishes none, a template's own name ends at 512.
const VARIABLE: usize = 512;

impl Reader<'_> {
    /// The values under `body`; none when it is left out.
    pub(super) fn values(&mut self, table: &Table) -> Option<Values<Source>> {
        let Some(node) = table.get("body") else { return Some(Values::none()) };
        match &node.value {
            Tree::List(nodes) => {
                let values: Vec<Option<_>> = nodes.iter().map(|node| self.value(node)).collect();
                values.into_iter().collect::<Option<_>>().map(Values::Positional)
            }
            Tree::Table(table) => {
                let mut values = Vec::with_capacity(table.entries.len());
                for entry in &table.entries {
                    self.variable(&entry.key, entry.span.clone());
                    values.push(self.value(&entry.node).map(|value| (entry.key.clone(), value)));
                }
                values.into_iter().collect::<Option<_>>().map(Values::Named)
            }
            _ => None,
        }
    }

    /// Refuses what cannot be the name of a variable.
    pub(super) fn variable(&mut self, name: &str, span: Range<usize>) {
        let shape = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if name.is_empty() || name.len() > VARIABLE || !shape || name.starts_with(|c: char| c.is_ascii_digit()) {
            self.report(Problem::error("bad_name", span, "no name of a template's variable").help(
                "write lower-case letters, digits and `_`, no digit first; numbered variables are a list: `body = [\"…\"]`",
            ));
        }
    }

    fn value(&mut self, node: &Node) -> Option<Value<Source>> {
        let table = match &node.value {
            Tree::Text(text) => return Some(Value::Text(self.source(text, Rule::value(BODY)))),
            Tree::Table(table) => table,
            _ => return None,
        };
        if let Some(date) = self.text(table, "date", Rule::value(BODY)) {
            return Some(Value::DateTime { fallback: date });
        }
        if let Some(code) = table.text("currency") {
            self.currency(code);
        }
        if let Some(amount) = table.text("amount") {
            self.amount(amount);
        }
        let code = self.text(table, "currency", Rule::SOMETHING);
        let amount = self.text(table, "amount", Rule::SOMETHING);
        let fallback = self.text(table, "fallback", Rule::value(BODY));
        Some(Value::Currency { fallback: fallback?, code: code?, amount: amount? })
    }

    fn currency(&mut self, code: &Text) {
        let shape = code.text.len() == 3 && code.text.bytes().all(|b| b.is_ascii_uppercase());
        if code.is_literal() && !shape && !code.text.trim().is_empty() {
            self.report(
                Problem::error("bad_currency", code.span.clone(), "no currency")
                    .help("write the three letters of ISO 4217, such as `USD`"),
            );
        }
    }

    fn amount(&mut self, amount: &Text) {
        let (whole, decimals) = amount.text.split_once('.').unwrap_or((&amount.text, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let fine =
            digits(whole.strip_prefix('-').unwrap_or(whole)) && digits(decimals) && decimals.len() <= 3 && whole.len() <= 12;
        if amount.is_literal() && !fine && !amount.text.trim().is_empty() {
            self.report(
                Problem::error("bad_number", amount.span.clone(), "no amount of money")
                    .help("write digits with a decimal point and at most three decimals, such as `100.99`"),
            );
        }
    }
}
