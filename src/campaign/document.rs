//! TOML text → tree, with every syntax problem.
//!
//! The toml parser recovers from mistakes, so a bad value or a key given twice does not hide the rest of the file: such a value becomes
//! [`Value::Bad`]. Only when the structure itself is broken (an unclosed bracket, a line that is no `key = value`) do later steps stop,
//! because what they would say could be an echo of it.
//!
//! The parser bounds brackets and dotted keys to 80 each, which multiply to 6,400 nested tables; building and dropping those takes more
//! stack than a thread has by default, and an overflow would end the process. So the parser runs on a stack of its own. Spans count bytes of the text as given, a byte order mark included.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::Problem;
use super::tree::{Entry, Node, Table, Text, Value};

/// The largest campaign file. A campaign is written by hand and holds texts, not lists; the figure is that of a request body in
/// `reliability.md`, section 6.2.
pub(super) const MAX_BYTES: usize = 1 << 20;

/// The deepest nesting read. The deepest place of a campaign is `template.cards[0].header.location.latitude`, 6 deep.
const MAX_DEPTH: usize = 16;

/// Stack for the parser: 6,480 nested tables take 10 KiB each at most.
const STACK: usize = 64 << 20;

/// What became of a text.
#[derive(Debug)]
pub(super) struct Document {
    /// Everything that could be read.
    pub root: Table,
    /// What was wrong with the syntax.
    pub problems: Vec<Problem>,
    /// Whether the structure is broken, so that nothing can be said about what is missing.
    pub broken: bool,
}

/// Reads `text`.
pub(super) fn read(text: &str) -> Document {
    if text.len() > MAX_BYTES {
        let message = format!("the file is larger than {MAX_BYTES} bytes");
        return unread(
            Problem::error("too_large", 0..0, message)
                .help("a campaign file holds texts only; put lists of people into the audience's file"),
        );
    }
    let parsed = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, || parse(text)).ok()?;
        thread.join().ok()
    });
    parsed.unwrap_or_else(|| {
        unread(
            Problem::error("unreadable", 0..0, "the file could not be read")
                .help("try again when the machine has memory and threads to spare"),
        )
    })
}

fn unread(problem: Problem) -> Document {
    Document { root: Table::default(), problems: vec![problem], broken: true }
}

fn parse(text: &str) -> Document {
    let (root, errors) = DeTable::parse_recoverable(text);
    let mut faults: Vec<Fault> = errors.iter().map(|error| Fault::new(error, text)).collect();
    faults.sort_by_key(|fault| (fault.span.start, fault.span.end));
    let mut walk = Walk { text, faults, too_deep: None };
    let root = walk.table(root.get_ref(), text.len() - text.trim_start_matches('\u{feff}').len(), 0);
    let Walk { faults, too_deep, .. } = walk;
    let broken = faults.iter().any(|fault| !fault.local);
    let mut problems = one_per_line(faults, text);
    if !problems.iter().any(|problem| problem.code == "too_deep") {
        problems.extend(too_deep.map(nested_too_deep));
    }
    Document { root, problems, broken }
}

fn nested_too_deep(span: Range<usize>) -> Problem {
    Problem::error("too_deep", span, "nested too deeply")
        .help(format!("no part of a campaign is nested more than {MAX_DEPTH} deep"))
}

/// One error of the parser.
struct Fault {
    span: Range<usize>,
    message: String,
    /// Concerns one value or one key only; the rest of the file reads as it was meant.
    local: bool,
}

impl Fault {
    fn new(error: &toml::de::Error, text: &str) -> Self {
        let span = error.span().unwrap_or(0..0);
        let span = floor(text, span.start)..floor(text, span.end);
        Self { span, message: error.message().to_owned(), local: error.message() == "duplicate key" }
    }

    fn problem(self, text: &str) -> Problem {
        let Self { span, message, .. } = self;
        let raw = text.get(span.clone()).unwrap_or_default();
        let control = raw.chars().next().filter(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'));
        if message == "duplicate key" {
            return Problem::error("duplicate_key", span, format!("`{raw}` is given twice")).help("keep one of them");
        }
        if message.contains("recurs") {
            return nested_too_deep(span);
        }
        if let Some(control) = control {
            return Problem::error("control_character", span, format!("control character U+{:04X}", u32::from(control)))
                .help("delete it: editors do not show it, and no message may hold it");
        }
        let unquoted = message.starts_with("string values must be quoted");
        match raw.to_ascii_lowercase().as_str() {
            "yes" | "no" | "on" | "off" | "true" | "false" if unquoted => {
                Problem::error("syntax", span, format!("`{raw}` is no TOML value")).help("write `true` or `false`")
            }
            lower if unquoted && lower.starts_with(['&', '*']) => {
                Problem::error("syntax", span, "TOML has no anchors and aliases").help("write the value out")
            }
            "" if unquoted => Problem::error("syntax", span, "a value is missing").help("write it after the `=`"),
            _ if unquoted => Problem::error("syntax", span, "a text without quotes").help("put it in quotes: \"…\""),
            _ if message.starts_with("unexpected leading zero") => Problem::error("syntax", span, "a number with a leading zero")
                .help("leave the zero out, or put it in quotes when it is a text; octal numbers are written `0o755`"),
            _ if message.starts_with("key with no value") => Problem::error("syntax", span, "a line that is no `key = value`")
                .help("TOML puts `=` between key and value, not `:`"),
            _ if message.starts_with("invalid unquoted key") => {
                Problem::error("syntax", span, "a key with something else than letters, digits, `-` and `_`")
                    .help("TOML puts `=` between key and value, not `:`; other keys stand in quotes")
            }
            "" if message.contains("string") => {
                Problem::error("syntax", span, "a text that does not end").help("close it with the quote it began with")
            }
            _ => Problem::error("syntax", span, message).help("see https://toml.io for how TOML is written"),
        }
    }
}

/// The first fault of each line; the parser often says more about the same mistake. Keys given twice are all kept.
fn one_per_line(faults: Vec<Fault>, text: &str) -> Vec<Problem> {
    let mut problems: Vec<Problem> = Vec::new();
    let mut last = None;
    for fault in faults {
        let start = fault.span.start;
        let same_line = last.is_some_and(|last| text.get(last..start).is_some_and(|between| !between.contains('\n')));
        last = Some(start);
        let problem = fault.problem(text);
        if !same_line || problem.code == "duplicate_key" {
            problems.push(problem);
        }
    }
    problems
}

/// The largest character boundary not after `at`.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

struct Walk<'t> {
    text: &'t str,
    /// Sorted by place.
    faults: Vec<Fault>,
    too_deep: Option<Range<usize>>,
}

impl Walk<'_> {
    fn table(&mut self, table: &DeTable<'_>, end: usize, depth: usize) -> Table {
        let mut entries: Vec<Entry> = table
            .iter()
            .map(|(key, value)| {
                let node = self.node(value.get_ref(), value.span(), depth + 1);
                Entry { key: key.get_ref().clone().into_owned(), span: key.span(), node }
            })
            .collect();
        entries.sort_by_key(|entry| entry.span.start);
        Table { entries, end }
    }

    fn node(&mut self, value: &DeValue<'_>, span: Range<usize>, depth: usize) -> Node {
        if depth > MAX_DEPTH {
            self.too_deep.get_or_insert_with(|| span.clone());
            return Node { value: Value::Bad, span };
        }
        let value = match value {
            DeValue::Table(table) => {
                // An inline table takes a missing key before its brace, one with a header after the header.
                let inline = self.text.get(span.clone()).is_some_and(|raw| raw.starts_with('{') && raw.ends_with('}'));
                Value::Table(self.table(table, span.end - usize::from(inline), depth))
            }
            DeValue::Array(array) => {
                Value::List(array.iter().map(|item| self.node(item.get_ref(), item.span(), depth + 1)).collect())
            }
            _ if self.is_faulty(&span) => Value::Bad,
            DeValue::String(text) => Value::Text(Text { text: text.clone().into_owned(), span: self.content(&span) }),
            DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) => Value::Integer(number),
                Err(_) => Value::Foreign("a number beyond 64 bits"),
            },
            DeValue::Boolean(flag) => Value::Flag(*flag),
            DeValue::Float(_) => Value::Foreign("a fraction"),
            DeValue::Datetime(_) => Value::Foreign("a date without quotes"),
        };
        Node { value, span }
    }

    /// Whether a syntax error lies in this value; those errors concern it alone, unless it swallowed the rest of the file.
    fn is_faulty(&mut self, span: &Range<usize>) -> bool {
        let swallowed = self.text.get(span.end..).is_none_or(|rest| rest.trim().is_empty())
            && self.text.get(span.clone()).is_some_and(|raw| raw.contains('\n'));
        let first = self.faults.partition_point(|fault| fault.span.start < span.start);
        let mut faulty = false;
        for fault in self.faults.iter_mut().skip(first).take_while(|fault| fault.span.start <= span.end) {
            faulty = true;
            fault.local |= !swallowed;
        }
        faulty
    }

    /// The bytes between a string's quotes; a newline right after an opening triple quote is not part of the text.
    fn content(&self, span: &Range<usize>) -> Range<usize> {
        let raw = self.text.get(span.clone()).unwrap_or_default();
        for quote in ["\"\"\"", "'''", "\"", "'"] {
            let Some(inner) = raw.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) else { continue };
            let newline = match quote.len() {
                3 if inner.starts_with("\r\n") => 2,
                3 if inner.starts_with('\n') => 1,
                _ => 0,
            };
            return span.start + quote.len() + newline..span.end - quote.len();
        }
        span.clone()
    }
}
