//! A compiled text: what to write, piece by piece, for one row.
//!
//! In goes a row's values by number; out comes text. A text of literals and columns is a flat list, written without any look-up.
//! Conditions and helpers are a small tree, bounded when it was built. Values are only ever written, never read as templates.

use std::borrow::Cow;

use super::helper::{Arguments, Helper};
use super::locale::Locale;
use super::row::{Fault, Rule};

/// The most bytes one text may render to (`reliability.md`, 4.5).
pub(super) const MAX_OUTPUT: usize = 64 * 1024;

/// One text, ready to render.
#[derive(Clone, Debug, Default)]
pub(super) struct Text {
    pub(super) nodes: Vec<Node>,
    /// The columns it reads, each once, in the order of their first use.
    pub(super) columns: Vec<u32>,
}

/// One piece of a text.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Literal(Box<str>),
    Column(u32),
    Call(Call),
    Branch { condition: Expr, expected: bool, then: Vec<Node>, otherwise: Vec<Node> },
}

/// What a helper is given.
#[derive(Clone, Debug)]
pub(super) enum Expr {
    Literal(Box<str>),
    Column(u32),
    Call(Box<Call>),
}

/// A helper with its arguments.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) helper: &'static Helper,
    pub(super) arguments: Vec<Expr>,
    pub(super) options: Vec<(&'static str, Expr)>,
}

/// What an expression comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Val<'a> {
    Text(Cow<'a, str>),
    Bool(bool),
}

impl Val<'_> {
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Bool(true) => "true",
            Self::Bool(false) => "false",
        }
    }

    /// As in handlebars: every text but the empty one is true, `0` and `no` included.
    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::Text(text) => !text.is_empty(),
            Self::Bool(value) => *value,
        }
    }
}

/// One row on its way through a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'r> {
    pub(super) values: &'r [String],
    pub(super) locale: Option<Locale>,
}

impl<'r> Row<'r> {
    fn value(&self, column: u32) -> Result<&'r str, Fault> {
        let value = usize::try_from(column).ok().and_then(|index| self.values.get(index));
        match value {
            Some(value) if value.len() <= MAX_OUTPUT => Ok(value),
            Some(_) => Err(Fault { column: Some(column), ..too_long() }),
            None => Err(Fault {
                rule: Rule::MissingVariable,
                detail: "the row ends before this column; add the missing cells".into(),
                column: Some(column),
            }),
        }
    }
}

impl Text {
    /// The text itself when no row changes it.
    pub(super) fn literal(&self) -> Option<&str> {
        match self.nodes.as_slice() {
            [] => Some(""),
            [Node::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// About how long it will be: enough that most texts are written without growing.
    pub(super) fn size_hint(&self) -> usize {
        self.nodes.iter().map(|node| if let Node::Literal(text) = node { text.len() } else { 24 }).sum()
    }

    /// Writes the text for one row at the end of `out`.
    pub(super) fn write(&self, row: &Row<'_>, out: &mut String) -> Result<(), Fault> {
        let end = out.len() + MAX_OUTPUT;
        write(&self.nodes, row, end, out)
    }
}

fn write(nodes: &[Node], row: &Row<'_>, end: usize, out: &mut String) -> Result<(), Fault> {
    for node in nodes {
        match node {
            Node::Literal(text) => out.push_str(text),
            Node::Column(column) => out.push_str(row.value(*column)?),
            Node::Call(call) => out.push_str(call.run(row)?.as_str()),
            Node::Branch { condition, expected, then, otherwise } => {
                let taken = if condition.value(row)?.is_true() == *expected { then } else { otherwise };
                write(taken, row, end, out)?;
            }
        }
        if out.len() > end {
            return Err(too_long());
        }
    }
    Ok(())
}

impl Expr {
    fn value<'r>(&'r self, row: &Row<'r>) -> Result<Val<'r>, Fault> {
        match self {
            Self::Literal(text) => Ok(Val::Text(Cow::Borrowed(text))),
            Self::Column(column) => row.value(*column).map(|value| Val::Text(Cow::Borrowed(value))),
            Self::Call(call) => call.run(row),
        }
    }
}

impl Call {
    fn run<'r>(&'r self, row: &Row<'r>) -> Result<Val<'r>, Fault> {
        let values = self.arguments.iter().map(|argument| argument.value(row)).collect::<Result<Vec<_>, _>>()?;
        let mut options = Vec::with_capacity(self.options.len());
        for (name, value) in &self.options {
            options.push((*name, value.value(row)?));
        }
        let value = self.helper.run(&Arguments { values: &values, options: &options, locale: row.locale }).map_err(|fault| {
            let first = match self.arguments.first() {
                Some(Expr::Column(column)) => Some(*column),
                _ => None,
            };
            Fault { column: fault.column.or(first), ..fault }
        })?;
        if value.as_str().len() > MAX_OUTPUT { Err(too_long()) } else { Ok(value) }
    }
}

fn too_long() -> Fault {
    Fault::new(Rule::TooLong, format!("the text is longer than {MAX_OUTPUT} bytes; shorten the value"))
}
