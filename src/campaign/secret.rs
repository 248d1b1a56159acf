//! Finds what looks like a credential, which has no place in a campaign file.
//!
//! Files are shared, committed and pasted into chats; credentials live in the environment and are named in the settings. Two signs are
//! used: how the text itself looks, anywhere in the file (comments too), and a key named like a secret with a plain value. What was found
//! is never repeated: problems carry its place, and `diagnostic` masks it in every line it shows.

use std::ops::Range;

use super::Problem;
use super::tree::{Node, Table, Value};

/// How known credentials begin, and how many more characters of a credential must follow. `EAA`: Meta's access tokens; `eyJ`: a JSON Web
/// Token; `sk_live_`, `sk-`: API keys; `ghp_`: GitHub.
const BEGINNINGS: [(&str, usize); 5] = [("EAA", 20), ("eyJ", 30), ("sk_live_", 16), ("sk-", 20), ("ghp_", 30)];

/// The shortest word after `Bearer` that is taken for a credential.
const BEARER: usize = 16;

/// From this length on, a run of letters and digits with both cases and digits is taken for a credential. Media ids are digits, UUIDs
/// have 36 characters and one case.
const RANDOM: usize = 40;

/// The shortest plain value of a key named like a secret that is taken for one.
const SHORTEST: usize = 8;

/// Words in a key's name that say its value is a secret.
const NAMES: [&str; 8] = ["token", "secret", "password", "passwd", "api_key", "apikey", "authorization", "credential"];

/// The byte ranges of `text` that look like credentials, in order.
pub(super) fn spans(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut rest = 0;
    while let Some((start, word)) = next_word(text, rest) {
        rest = start + word.len();
        let end = match word {
            "Bearer" => text.get(rest..).and_then(bearer).map(|more| rest + more),
            "-----BEGIN" => Some(text.get(rest..).and_then(|tail| tail.find('\n')).map_or(text.len(), |line| rest + line)),
            word => looks_secret(word).then_some(rest),
        };
        if let Some(end) = end {
            rest = end;
            found.push(start..end);
        }
    }
    found
}

/// How many bytes after `Bearer` belong to a credential.
fn bearer(after: &str) -> Option<usize> {
    let spaces = after.len() - after.trim_start_matches(' ').len();
    let (at, word) = next_word(after, spaces)?;
    (spaces > 0 && at == spaces && word.len() >= BEARER).then_some(at + word.len())
}

fn next_word(text: &str, from: usize) -> Option<(usize, &str)> {
    let tail = text.get(from..)?;
    let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '+');
    let start = tail.find(part)?;
    let word = tail.get(start..)?;
    let end = word.find(|c| !part(c)).unwrap_or(word.len());
    word.get(..end).map(|word| (from + start, word))
}

fn looks_secret(word: &str) -> bool {
    let begins = BEGINNINGS.iter().any(|(begin, more)| {
        // Something may stand before it, such as the end of an escape; `sk-` alone is too short for that (`task-…`).
        let at = if begin.len() > 3 || !begin.ends_with('-') { word.find(begin) } else { word.starts_with(begin).then_some(0) };
        at.is_some_and(|at| word.len() >= at + begin.len() + more)
    });
    let mixed = word.len() >= RANDOM
        && !word.contains('.')
        && word.bytes().any(|byte| byte.is_ascii_digit())
        && word.bytes().any(|byte| byte.is_ascii_uppercase())
        && word.bytes().any(|byte| byte.is_ascii_lowercase());
    begins || mixed
}

/// The text with everything that looks like a credential left out.
pub(super) fn masked(text: &str) -> String {
    let mut masked = text.to_owned();
    for span in spans(text).into_iter().rev() {
        masked.replace_range(span, "***");
    }
    masked
}

/// Takes every secret out of the tree and says where they stood; `text` is the whole file.
pub(super) fn take(text: &str, root: &mut Table) -> Vec<Problem> {
    let mut search = Search { seen: spans(text), named: Vec::new() };
    search.table(root);
    search.seen.into_iter().chain(search.named).map(problem).collect()
}

fn problem(span: Range<usize>) -> Problem {
    Problem::error("secret_in_file", span, "this looks like a credential")
        .help("take it out and revoke it if the file was shared; settings name the environment variable or file that holds it")
}

struct Search {
    /// By their looks, in order.
    seen: Vec<Range<usize>>,
    /// By their keys.
    named: Vec<Range<usize>>,
}

impl Search {
    /// Whether a secret that was seen by its looks lies inside `span`.
    fn holds(&self, span: &Range<usize>) -> bool {
        let first = self.seen.partition_point(|seen| seen.start < span.start);
        self.seen.get(first).is_some_and(|seen| seen.end <= span.end)
    }

    fn table(&mut self, table: &mut Table) {
        table.entries.retain_mut(|entry| {
            if self.holds(&entry.span) {
                return false;
            }
            let name = entry.key.to_lowercase().replace('-', "_");
            match &entry.node.value {
                Value::Text(text)
                    if text.is_literal() && text.text.len() >= SHORTEST && NAMES.iter().any(|secret| name.contains(secret)) =>
                {
                    if !self.holds(&text.span) {
                        self.named.push(text.span.clone());
                    }
                    false
                }
                _ => {
                    self.node(&mut entry.node);
                    true
                }
            }
        });
    }

    fn node(&mut self, node: &mut Node) {
        match &mut node.value {
            Value::Text(text) if self.holds(&text.span) => node.value = Value::Bad,
            Value::Table(table) => self.table(table),
            Value::List(nodes) => nodes.iter_mut().for_each(|node| self.node(node)),
            _ => {}
        }
    }
}
