//! The `[template]` table.

use super::Reader;
use super::text::Rule;
use crate::campaign::tree::{Table, Text};
use crate::campaign::{Problem, Purpose, TemplatePart};
use crate::message::{Header, Offer, Source, Template};
use crate::time::Timestamp;

/// A template's name (`protocols/meta-cloud-api.md`, section 2.1).
const NAME: usize = 512;

impl Reader<'_> {
    pub(super) fn template(&mut self, table: &Table, purpose: Option<Purpose>) -> Option<TemplatePart> {
        let name = table.text("name").map(|name| self.template_name(name));
        let language = table.text("language").map(|language| {
            self.language(language);
            self.source(language, Rule::SOMETHING)
        });
        let fallback_language = table.text("fallback_language").map(|fallback| {
            self.fallback(fallback, table.text("language"));
            fallback.text.clone()
        });
        let header = table.table("header").map(|header| self.header(header));
        let body = self.values(table);
        let offer = table.text("offer_expires").map(|expires| self.offer(expires));
        if table.has("offer_expires")
            && let Some(Some(Header::Text { .. } | Header::Document { .. } | Header::Location { .. })) = &header
        {
            let place = table.entry("header").map_or_else(|| table.place(), |entry| entry.span.clone());
            let problem = Problem::error("conflict", place, "a limited-time offer has a picture or a video above it");
            self.report(problem.help("give `image` or `video`, as the template was approved"));
        }
        let buttons = self.template_buttons(table);
        let cards = self.cards(table, purpose);
        let header = match header {
            Some(header) => Some(header?),
            None => None,
        };
        let message = Template { name: name?, language: language?, header, body: body?, buttons: buttons?, offer, cards: cards? };
        Some(TemplatePart { message, fallback_language })
    }

    fn template_name(&mut self, name: &Text) -> Source {
        let shape = name.text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if name.is_literal() && !shape && !name.text.trim().is_empty() {
            self.report(
                Problem::error("bad_name", name.span.clone(), "no name of a template")
                    .help("template names have lower-case letters, digits and `_` only; copy it from the provider's catalogue"),
            );
        }
        self.source(name, Rule::most(NAME))
    }

    fn language(&mut self, language: &Text) {
        if language.is_literal() && !language.text.trim().is_empty() && !is_language(&language.text) {
            let hyphen = language.text.replace('-', "_");
            let help = if is_language(&hyphen) {
                format!("did you mean `{hyphen}`?")
            } else {
                "write it as the provider's catalogue does: `es`, `es_MX`, `pt_BR`".to_owned()
            };
            self.report(Problem::error("bad_language", language.span.clone(), "no language of a template").help(help));
        }
    }

    fn fallback(&mut self, fallback: &Text, language: Option<&Text>) {
        if !fallback.is_literal() || fallback.text.trim().is_empty() {
            self.report(
                Problem::error("bad_language", fallback.span.clone(), "the fallback must be one language")
                    .help("write it out, such as `es_MX`"),
            );
            return;
        }
        self.language(fallback);
        if language.is_some_and(Text::is_literal) {
            self.report(
                Problem::warning(
                    "never_used",
                    fallback.span.clone(),
                    "`language` is the same for everyone, so the fallback is never taken",
                )
                .help("leave `fallback_language` out, or write `language = \"{{column}}\"`"),
            );
        }
    }

    fn offer(&mut self, expires: &Text) -> Offer<Source> {
        let text = &expires.text;
        if expires.is_literal() && !text.trim().is_empty() {
            match text.parse::<jiff::Timestamp>() {
                Err(_) => self.report(
                    Problem::error("bad_instant", expires.span.clone(), "no instant")
                        .help("write date, time and offset from UTC: `2030-12-08T23:59-06:00`"),
                ),
                Ok(instant) if Timestamp(instant.as_millisecond()) <= self.context.now => {
                    let message = format!("the offer is over: it is {} now", self.context.now);
                    self.report(
                        Problem::error("offer_over", expires.span.clone(), message).help("write an instant in the future"),
                    );
                }
                Ok(_) => {}
            }
        }
        Offer { expires: self.source(expires, Rule::SOMETHING) }
    }
}

/// Two or three lower-case letters; a region of two capitals or a script may follow: `es`, `fil`, `pt_BR`.
fn is_language(text: &str) -> bool {
    let mut parts = text.split('_');
    let language = parts.next().unwrap_or_default();
    let lower = |part: &str| part.bytes().all(|b| b.is_ascii_lowercase());
    matches!(language.len(), 2 | 3)
        && lower(language)
        && parts.all(|part| match part.len() {
            2 => part.bytes().all(|b| b.is_ascii_uppercase()),
            3 => part.bytes().all(|b| b.is_ascii_uppercase()),
            4 => {
                part.get(..1).is_some_and(|first| first.bytes().all(|b| b.is_ascii_uppercase()))
                    && part.get(1..).is_some_and(lower)
            }
            _ => false,
        })
}
