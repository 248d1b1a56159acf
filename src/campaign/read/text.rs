//! Texts: from the tree to [`Source`], with what can be said of literal ones.

use super::Reader;
use crate::campaign::Problem;
use crate::campaign::tree::{Table, Text};
use crate::message::Source;

/// What a literal text must keep.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    /// The most characters (Unicode scalar values).
    most: usize,
    /// Whether it stands inside an approved text: then newlines, tabs and more than four spaces in a row are refused.
    inside: bool,
}

impl Rule {
    /// Not empty.
    pub(super) const SOMETHING: Self = Self { most: usize::MAX, inside: false };

    /// At most so many characters.
    pub(super) const fn most(most: usize) -> Self {
        Self { most, inside: false }
    }

    /// A value of a template: at most so many characters, none that breaks a line.
    pub(super) const fn value(most: usize) -> Self {
        Self { most, inside: true }
    }
}

/// The most spaces in a row in a value (`protocols/meta-cloud-api.md`, section 2.2).
const SPACES: usize = 4;

impl Reader<'_> {
    /// The text, judged by `rule` when it is literal.
    pub(super) fn source(&mut self, text: &Text, rule: Rule) -> Source {
        if text.is_literal() {
            let count = text.text.chars().count();
            if text.text.trim().is_empty() {
                self.report(
                    Problem::error("empty", text.span.clone(), "an empty text")
                        .help("write something: providers refuse empty texts"),
                );
            } else if count > rule.most {
                let message = format!("{count} characters, at most {} are allowed", rule.most);
                self.report(Problem::error("too_long", text.span.clone(), message).help("make it shorter"));
            }
            let wide = " ".repeat(SPACES + 1);
            if rule.inside && (text.text.contains(['\n', '\r', '\t']) || text.text.contains(&wide)) {
                self.report(
                    Problem::error(
                        "bad_text",
                        text.span.clone(),
                        "a value with a line break, a tab or more than four spaces in a row",
                    )
                    .help("write it in one line; providers refuse it otherwise"),
                );
            }
        }
        let source = Source { text: text.text.clone(), span: text.span.clone() };
        if !text.is_literal() {
            self.texts.push(source.clone());
        }
        source
    }

    /// The text called `key`, judged by `rule`.
    pub(super) fn text(&mut self, table: &Table, key: &str, rule: Rule) -> Option<Source> {
        table.text(key).map(|text| self.source(text, rule))
    }
}
