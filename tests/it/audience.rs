//! Lists as people really send them: each bad input is a test of its own, by its number, with the exact result.
//!
//! A list is written as a text and read to a text: one line a record, `LINE PHONE REGION value|value` for a row and
//! `LINE !reason [column] value -> suggestion` for a reject.

mod bytes;
mod numbers;
mod paths;
mod properties;
mod rejects;
mod structure;
mod values;

use std::fmt::Write as _;
use std::io::{Cursor, Read};

use fanfare::audience::{Audience, AudienceError, AudienceSpec, Consent, Dialect, Digest, Entry, HeaderProblem, Input};

/// A list with columns `phone` and `name`, Mexican where numbers do not say otherwise.
fn spec() -> AudienceSpec {
    AudienceSpec {
        phone: Some("phone".into()),
        country: Some("MX".into()),
        columns: vec!["name".into()],
        ..AudienceSpec::default()
    }
}

/// Only the phone column.
fn phones() -> AudienceSpec {
    AudienceSpec { columns: Vec::new(), ..spec() }
}

fn input(bytes: impl AsRef<[u8]>) -> Input {
    Input::Bytes(Box::new(Cursor::new(bytes.as_ref().to_vec())))
}

fn line(entry: &Entry) -> String {
    match entry {
        Entry::Row(row) => {
            let mut line = format!("{} {} {}", row.line, row.phone, row.region);
            if !row.values.is_empty() {
                write!(line, " {}", row.values.join("|")).unwrap();
            }
            match row.consent {
                Consent::Yes => line += " yes",
                Consent::No => line += " no",
                Consent::NotAsked => {}
            }
            for extra in [&row.language, &row.timezone].into_iter().flatten() {
                write!(line, " {extra}").unwrap();
            }
            line
        }
        Entry::Reject(reject) => {
            let column = reject.column.as_ref().map(|name| format!(" [{name}] {}", reject.value)).unwrap_or_default();
            let suggestion = reject.suggestion.as_ref().map(|text| format!(" -> {text}")).unwrap_or_default();
            format!("{} !{}{column}{suggestion}", reject.line, reject.reason.as_str())
        }
    }
}

struct Outcome {
    lines: Vec<String>,
    end: Result<Digest, AudienceError>,
    dialect: Dialect,
}

fn outcome(input: Input, spec: &AudienceSpec) -> Result<Outcome, AudienceError> {
    let mut audience = Audience::open(input, spec)?;
    let mut lines = Vec::new();
    let mut failure = None;
    for entry in audience.entries() {
        match entry {
            Ok(entry) => lines.push(line(&entry)),
            Err(error) => failure = Some(error),
        }
    }
    let end = match failure {
        Some(error) => Err(error),
        None => Ok(audience.digest().expect("a digest at the end")),
    };
    Ok(Outcome { lines, end, dialect: audience.dialect().clone() })
}

/// Reads a list to its end; every record must be readable.
fn read(bytes: impl AsRef<[u8]>, spec: &AudienceSpec) -> Vec<String> {
    let found = outcome(input(bytes), spec).unwrap();
    found.end.unwrap();
    found.lines
}

/// Reads a list that must fail, when it is opened or later; what was read before comes with the error.
fn fail(input: Input, spec: &AudienceSpec) -> (Vec<String>, AudienceError) {
    match outcome(input, spec) {
        Err(error) => (Vec::new(), error),
        Ok(found) => (found.lines, found.end.expect_err("an error")),
    }
}

/// The problems of a header.
fn problems(bytes: impl AsRef<[u8]>, spec: &AudienceSpec) -> Vec<HeaderProblem> {
    match Audience::open(input(bytes), spec) {
        Err(AudienceError::Header { problems }) => problems,
        other => panic!("not a header's problem: {other:?}"),
    }
}

/// Gives what `next` makes, a piece a call, and counts the bytes.
struct Generated<F> {
    next: F,
    rest: Vec<u8>,
    given: std::sync::Arc<std::sync::atomic::AtomicU64>,
}

impl<F: FnMut() -> Option<Vec<u8>>> Generated<F> {
    fn new(next: F) -> (Generated<F>, std::sync::Arc<std::sync::atomic::AtomicU64>) {
        let given = std::sync::Arc::default();
        (Generated { next, rest: Vec::new(), given: std::sync::Arc::clone(&given) }, given)
    }
}

impl<F: FnMut() -> Option<Vec<u8>>> Read for Generated<F> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        while self.rest.len() < buf.len() {
            let Some(piece) = (self.next)() else { break };
            self.rest.extend_from_slice(&piece);
        }
        let n = self.rest.len().min(buf.len());
        buf[..n].copy_from_slice(&self.rest[..n]);
        self.rest.drain(..n);
        self.given.fetch_add(n as u64, std::sync::atomic::Ordering::Relaxed);
        Ok(n)
    }
}
