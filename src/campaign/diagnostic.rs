//! Problems as people and programs read them: on a terminal, one line each, or as JSON.
//!
//! In go the problems, the file's name as the user wrote it and its text; out comes text. Lines and columns count from 1, columns in
//! characters, a byte order mark not counted. Credentials in shown lines are masked, control and direction-changing characters replaced,
//! so that a hostile file can neither leak nor steer a terminal.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use super::{Problem, Severity, secret};

/// A place in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
}

/// Where the byte at `offset` stands; past the end is the end, the middle of a character is the character.
pub fn position(text: &str, offset: usize) -> Position {
    Lines::of(text).position(offset)
}

/// A text and where its lines begin.
struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    fn of(text: &'t str) -> Self {
        let after = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { text, starts: std::iter::once(0).chain(after).collect() }
    }

    /// The number of the line that holds `offset`, from 1, and its bytes without its end of line and a byte order mark.
    fn line(&self, offset: usize) -> (usize, Range<usize>) {
        let number = self.starts.partition_point(|start| *start <= offset).max(1);
        let start = self.starts.get(number - 1).copied().unwrap_or_default();
        let end = self.starts.get(number).map_or(self.text.len(), |next| next - 1);
        let line = self.text.get(start..end).unwrap_or_default();
        let end = start + line.strip_suffix('\r').unwrap_or(line).len();
        let mark = if start == 0 && line.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        (number, (start + mark).min(end)..end)
    }

    fn position(&self, offset: usize) -> Position {
        let offset = floor(self.text, offset);
        let (line, bytes) = self.line(offset);
        let before = self.text.get(bytes.start..offset).unwrap_or_default();
        Position { line, column: before.chars().count() + 1 }
    }
}

/// Each problem with the line it is about, underlined, and its help; coloured by ANSI escape codes when `colour` is set. Ends with a
/// newline; empty when there are no problems.
pub fn terminal(problems: &[Problem], file: &str, text: &str, colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let secrets = secrets(problems, text);
    let mut out = String::new();
    let lines = Lines::of(text);
    for problem in problems {
        let (number, line) = lines.line(problem.span.start.min(text.len()));
        let source = shown_line(text, &line, &secrets);
        let start = floor(text, problem.span.start).clamp(line.start, line.end) - line.start;
        let end = floor(text, problem.span.end).clamp(line.start + start, line.end) - line.start;
        let level = match problem.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let snippet =
            Snippet::source(source).line_start(number).path(clean(file)).annotation(AnnotationKind::Primary.span(start..end));
        let mut group = level.primary_title(clean(&problem.message)).id(problem.code).element(snippet);
        if let Some(help) = &problem.help {
            group = group.element(Level::HELP.message(clean(help)));
        }
        out.push_str(&renderer.render(&[group]));
        out.push_str("\n\n");
    }
    if out.ends_with("\n\n") {
        out.pop();
    }
    out
}

/// One line for each problem: `spring.toml:14:9: error[unknown_key]: … — help`.
pub fn lines(problems: &[Problem], file: &str, text: &str) -> String {
    let mut out = String::new();
    let places = Lines::of(text);
    for problem in problems {
        let Position { line, column } = places.position(problem.span.start);
        let (severity, code, message) = (word(problem.severity), problem.code, clean(&problem.message));
        // Writing to a string cannot fail.
        if write!(out, "{}:{line}:{column}: {severity}[{code}]: {message}", clean(file)).is_ok()
            && let Some(help) = &problem.help
        {
            out.push_str(" — ");
            out.push_str(&clean(help));
        }
        out.push('\n');
    }
    out
}

/// A list of objects: `file`, `line`, `column`, `end_line`, `end_column` (the character after), `code`, `severity`, `message`, `help`.
pub fn json(problems: &[Problem], file: &str, text: &str) -> serde_json::Value {
    let places = Lines::of(text);
    problems
        .iter()
        .map(|problem| {
            let start = places.position(problem.span.start);
            let end = places.position(problem.span.end);
            serde_json::json!({
                "file": file,
                "line": start.line,
                "column": start.column,
                "end_line": end.line,
                "end_column": end.column,
                "code": problem.code,
                "severity": word(problem.severity),
                "message": problem.message,
                "help": problem.help,
            })
        })
        .collect()
}

const fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// What looks like a credential anywhere, and what was reported as one.
fn secrets(problems: &[Problem], text: &str) -> Vec<Range<usize>> {
    let reported = problems.iter().filter(|problem| problem.code == "secret_in_file").map(|problem| problem.span.clone());
    secret::spans(text).into_iter().chain(reported).collect()
}

/// The line with every secret's bytes replaced, so that spans stay true.
fn shown_line<'t>(text: &'t str, line: &Range<usize>, secrets: &[Range<usize>]) -> Cow<'t, str> {
    let mut shown = Cow::Borrowed(text.get(line.clone()).unwrap_or_default());
    for secret in secrets {
        let start = secret.start.clamp(line.start, line.end) - line.start;
        let end = secret.end.clamp(line.start, line.end) - line.start;
        if start < end && shown.is_char_boundary(start) && shown.is_char_boundary(end) {
            shown.to_mut().replace_range(start..end, &"*".repeat(end - start));
        }
    }
    shown
}

/// Without characters that would break a line or turn its direction.
fn clean(text: &str) -> Cow<'_, str> {
    let bad =
        |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}');
    if text.contains(bad) { Cow::Owned(text.replace(bad, "\u{fffd}")) } else { Cow::Borrowed(text) }
}
