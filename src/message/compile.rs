//! A campaign's texts, compiled once and rendered for every row.
//!
//! In go a message as written and the audience's header; out comes a [`Compiled`] that renders a row's message, or every problem of
//! every text at once, each with its place in the campaign file. The check, the plan and the send render through the same function,
//! so a row that was planned renders to the same bytes when it is sent.
//!
//! An empty cell is an empty text: `{{name}}` writes nothing, and then the rules of its place decide: an empty template value is
//! refused for that row with the column's name. `{{default name 'friend'}}` covers it.

use std::sync::Arc;

use super::columns::{Collected, Columns};
use super::locale::Locale;
use super::lower::{Resolve, lower};
use super::program::{Row, Text};
use super::row::{Fault, RowContext, RowProblem, Rule};
use super::rules::{self, Around, Whole, is_blank};
use super::scan::Flaw;
use super::{Message, Part, Slot, Source};
use crate::campaign::Problem;

/// Which columns a message's texts read, each once, in the order of their first use. Needs no audience.
///
/// # Errors
/// Every problem of every text that can be seen without a header.
pub fn columns_used(message: &Message<Source>) -> Result<Vec<String>, Vec<Problem>> {
    let mut columns = Collected::default();
    compile(message, &mut columns)?;
    Ok(columns.names)
}

/// What is wrong with one text by itself, wherever it may stand: for files whose shape is too broken to be a message.
pub fn faults(text: &Source) -> Vec<Problem> {
    let flaws = lower(&text.text, &mut Collected::default()).err().unwrap_or_default();
    flaws.into_iter().map(|flaw| problem(text, flaw)).collect()
}

/// A message whose texts are compiled against one header. Cheap to clone and shared between threads.
#[derive(Clone, Debug)]
pub struct Compiled {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    message: Message<Text>,
    columns: Arc<[String]>,
    offer: bool,
}

impl Compiled {
    /// Compiles all texts of a message.
    ///
    /// # Errors
    /// Every problem of every text, with its place.
    pub fn new(message: &Message<Source>, columns: &Columns) -> Result<Self, Vec<Problem>> {
        let compiled = compile(message, &mut columns.clone())?;
        Ok(Self { inner: Arc::new(Inner { offer: has_offer(message), message: compiled, columns: columns.names() }) })
    }

    /// The message for one row, whose values stand in the header's order.
    ///
    /// # Errors
    /// The first rule the row breaks.
    pub fn render(&self, values: &[String], context: &RowContext<'_>) -> Result<Message<String>, RowProblem> {
        let inner = &*self.inner;
        let language = context.language.filter(|language| !is_blank(language));
        let mut row = Row { values, locale: language.or(context.fallback_language).and_then(Locale::parse) };
        let around = Around { offer: inner.offer, now: Some(context.now) };
        let mut whole = Whole::default();
        let message = inner.message.try_map(|slot, text| {
            let mut out = String::with_capacity(text.size_hint());
            let done = text.write(&row, &mut out).and_then(|()| {
                if slot.part == Part::Language {
                    if let (true, Some(fallback)) = (is_blank(&out), context.fallback_language) {
                        fallback.clone_into(&mut out);
                    }
                    if language.is_none() {
                        row.locale = Locale::parse(&out);
                    }
                }
                rules::check(slot, &mut out, around)?;
                whole.add(slot, &out, inner.offer)
            });
            match done {
                Ok(()) => Ok(out),
                Err(fault) => Err(inner.problem(slot, text, values, fault)),
            }
        })?;
        match rules::duplicate(&message) {
            Some((slot, what)) => Err(RowProblem {
                slot,
                column: None,
                rule: Rule::Duplicate,
                detail: format!("two buttons have the same {what}; give each its own"),
            }),
            None => Ok(message),
        }
    }
}

impl Inner {
    fn problem(&self, slot: Slot, text: &Text, values: &[String], fault: Fault) -> RowProblem {
        let value = |column: u32| usize::try_from(column).ok().and_then(|index| values.get(index)).map_or("", String::as_str);
        let to_blame = |column: u32| match fault.rule {
            Rule::Empty => is_blank(value(column)),
            Rule::Newline => value(column).contains(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']),
            Rule::Tab => value(column).contains('\t'),
            Rule::Spaces => value(column).contains("     "),
            _ => false,
        };
        let column = fault.column.or(match text.columns.as_slice() {
            [only] => Some(*only),
            columns => columns.iter().copied().find(|column| to_blame(*column)),
        });
        let name = column.and_then(|column| usize::try_from(column).ok()).and_then(|index| self.columns.get(index));
        RowProblem { slot, column: name.cloned(), rule: fault.rule, detail: fault.detail }
    }
}

fn has_offer(message: &Message<Source>) -> bool {
    matches!(message, Message::Template(template) if template.offer.is_some())
}

fn compile(message: &Message<Source>, columns: &mut dyn Resolve) -> Result<Message<Text>, Vec<Problem>> {
    let around = Around { offer: has_offer(message), now: None };
    let mut problems = Vec::new();
    let mapped: Result<_, std::convert::Infallible> = message.try_map(|slot, source| {
        Ok(match lower(&source.text, columns) {
            Ok(text) => {
                // A text no row changes is wrong for all rows or none: an error of the file.
                if let Some(literal) = text.literal()
                    && let Err(fault) = rules::check(slot, &mut literal.to_owned(), around)
                {
                    let message = format!("{slot}: {}", fault.detail);
                    problems.push(Problem::error(fault.rule.as_str(), source.span.clone(), message));
                }
                text
            }
            Err(flaws) => {
                problems.extend(flaws.into_iter().map(|flaw| problem(source, flaw)));
                Text::default()
            }
        })
    });
    let Ok(compiled) = mapped;
    if problems.is_empty() { Ok(compiled) } else { Err(problems) }
}

fn problem(source: &Source, flaw: Flaw) -> Problem {
    Problem { help: flaw.help, ..Problem::error(flaw.code, place(source, flaw.at), flaw.message) }
}

/// Where in the file a part of a text stands. Exact when the file holds the text as it is, with or without quotes around it; with
/// escapes in it, the text's whole place.
fn place(source: &Source, at: std::ops::Range<usize>) -> std::ops::Range<usize> {
    let quotes = match source.span.len().checked_sub(source.text.len()) {
        Some(0) => 0,
        Some(2) => 1,
        _ => return source.span.clone(),
    };
    let start = source.span.start + quotes;
    start + at.start..start + at.end
}
