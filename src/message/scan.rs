//! The look at a text before handlebars parses it: where its tags are, and whether they are of a kind we take.
//!
//! In goes a text as a person wrote it; out come its tags' places, or every fault with its place. handlebars parses by recursion and
//! renders partials by recursion, and a stack overflow ends the process: whatever nests too deep, and partials, decorators and raw
//! blocks of any kind, are refused here and never reach it. The scan reads quotes and brackets exactly as the grammar does, and
//! refuses the few forms (lists, objects) in which the two could read them differently.

use std::ops::Range;

/// How deep brackets of helpers, or blocks with their `else if`s, may nest (`reliability.md`, 4.5).
pub(super) const MAX_DEPTH: usize = 16;
/// The most pieces a text may have (`reliability.md`, 4.5).
pub(super) const MAX_NODES: usize = 2_000;
/// The longest text that is looked at, in bytes; the same as what it may render to.
const MAX_TEXT: usize = super::program::MAX_OUTPUT;

/// What is wrong with a text, with the place in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Flaw {
    pub(super) code: &'static str,
    pub(super) at: Range<usize>,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

impl Flaw {
    pub(super) fn new(code: &'static str, at: Range<usize>, message: impl Into<String>) -> Self {
        Self { code, at, message: message.into(), help: None }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// What a scan found: the tags, and the stretches of plain text between them.
#[derive(Debug, Default)]
pub(super) struct Scan {
    pub(super) tags: Vec<Range<usize>>,
    pub(super) plain: Vec<Range<usize>>,
}

/// Finds the tags of `text`.
pub(super) fn scan(text: &str) -> Result<Scan, Vec<Flaw>> {
    if text.len() > MAX_TEXT {
        return Err(vec![Flaw::new("text_too_long", 0..0, format!("the text has more than {MAX_TEXT} bytes"))]);
    }
    let mut found = Scan::default();
    let mut flaws = Vec::new();
    // One entry a block: where it opens, and how many levels it stands for, its `else if`s included.
    let mut blocks: Vec<(Range<usize>, usize)> = Vec::new();
    let mut from = 0;
    let mut plain = 0;
    while let Some(start) = find(text, "{{", from) {
        if escaped(text, plain, start) {
            from = start + 2;
            continue;
        }
        found.plain.push(plain..start);
        let end = match tag_end(text, start) {
            Ok(end) => end,
            Err(flaw) => {
                flaws.push(flaw);
                stray(text, &found.plain, &mut flaws);
                return Err(flaws);
            }
        };
        let tag = start..end;
        if let Some(flaw) = refused(text, &tag) {
            flaws.push(flaw);
        }
        match kind(slice(text, &tag)) {
            Kind::Open => blocks.push((tag.clone(), 1)),
            Kind::ElseIf => {
                if let Some((_, levels)) = blocks.last_mut() {
                    *levels += 1;
                }
            }
            Kind::Close => {
                if blocks.pop().is_none() {
                    flaws.push(Flaw::new("unbalanced_block", tag.clone(), "this closes no block"));
                }
            }
            Kind::Other => {}
        }
        if blocks.iter().map(|(_, levels)| levels).sum::<usize>() > MAX_DEPTH {
            flaws.push(too_deep(tag));
            return Err(flaws);
        }
        found.tags.push(tag);
        if found.tags.len() > MAX_NODES {
            flaws.push(Flaw::new("too_many_parts", start..end, format!("the text has more than {MAX_NODES} parts")));
            return Err(flaws);
        }
        from = end;
        plain = end;
    }
    found.plain.push(plain..text.len());
    flaws.extend(
        blocks
            .into_iter()
            .map(|(open, _)| Flaw::new("unbalanced_block", open, "this block is never closed").help("close it with {{/if}}")),
    );
    stray(text, &found.plain, &mut flaws);
    if flaws.is_empty() { Ok(found) } else { Err(flaws) }
}

fn find(text: &str, pattern: &str, from: usize) -> Option<usize> {
    text.get(from..)?.find(pattern).map(|at| from + at)
}

pub(super) fn slice<'t>(text: &'t str, range: &Range<usize>) -> &'t str {
    text.get(range.clone()).unwrap_or_default()
}

/// One backslash before `{{` makes it plain text; two or more are backslashes before a tag.
fn escaped(text: &str, plain: usize, start: usize) -> bool {
    let before = slice(text, &(plain..start));
    before.len() - before.trim_end_matches('\\').len() == 1
}

enum Kind {
    Open,
    ElseIf,
    Close,
    Other,
}

fn kind(tag: &str) -> Kind {
    let inner = inner(tag);
    if inner.starts_with('#') {
        Kind::Open
    } else if inner.starts_with('/') {
        Kind::Close
    } else if is_else(tag) == Some(true) {
        Kind::ElseIf
    } else {
        Kind::Other
    }
}

/// A tag's text without braces, whitespace marks and spaces.
fn inner(tag: &str) -> &str {
    tag.trim_start_matches('{').trim_end_matches('}').trim().trim_start_matches('~').trim_end_matches('~').trim()
}

/// Whether a tag is an `else`, and if so whether with a condition.
pub(super) fn is_else(tag: &str) -> Option<bool> {
    let inner = inner(tag);
    let rest = inner.strip_prefix("else").or_else(|| inner.strip_prefix('^'))?;
    if rest.is_empty() {
        Some(false)
    } else if rest.starts_with(char::is_whitespace) || inner.starts_with('^') {
        Some(true)
    } else {
        None
    }
}

fn too_deep(at: Range<usize>) -> Flaw {
    Flaw::new("nested_too_deep", at, format!("nests deeper than {MAX_DEPTH} levels")).help("write it flatter")
}

/// Where the tag that opens at `start` ends.
fn tag_end(text: &str, start: usize) -> Result<usize, Flaw> {
    let unclosed = || {
        Flaw::new("unbalanced_braces", start..start + 2, "this '{{' is never closed")
            .help("close it with '}}'; to send two braces write '\\{{'")
    };
    let rest = slice(text, &(start..text.len()));
    if rest.starts_with("{{{{") {
        return Err(Flaw::new("raw_block", start..start + 4, "raw blocks ('{{{{') are not supported")
            .help("write '\\{{' to send two braces"));
    }
    if rest.starts_with("{{!") {
        let (mark, skip) = if rest.starts_with("{{!--") { ("--}}", 5) } else { ("}}", 3) };
        return find(text, mark, start + skip).map(|at| at + mark.len()).ok_or_else(|| {
            Flaw::new("unbalanced_braces", start..start + 2, format!("this comment is never closed with '{mark}'"))
        });
    }
    let close = if rest.starts_with("{{{") { "}}}" } else { "}}" };
    let mut parens: Vec<usize> = Vec::new();
    let mut at = start + close.len();
    while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
        let next = at + c.len_utf8();
        at = match c {
            '"' | '\'' => string_end(text, next, c).ok_or_else(|| {
                Flaw::new("unbalanced_quotes", at..next, format!("this {c} is never closed")).help(format!("close it with {c}"))
            })?,
            '[' => bracket_end(text, next)?,
            '(' => {
                parens.push(at);
                if parens.len() > MAX_DEPTH {
                    return Err(too_deep(start..next));
                }
                next
            }
            ')' => {
                if parens.pop().is_none() {
                    return Err(Flaw::new("unbalanced_brackets", at..next, "this ')' closes nothing"));
                }
                next
            }
            '{' if slice(text, &(at..text.len())).starts_with("{{") => return Err(unclosed()),
            '{' => {
                return Err(Flaw::new("unbalanced_braces", at..next, "a '{' cannot stand inside a tag").help("write {{name}}"));
            }
            '}' if slice(text, &(at..text.len())).starts_with(close) => {
                return match parens.pop() {
                    Some(open) => Err(Flaw::new("unbalanced_brackets", open..open + 1, "this '(' is never closed")),
                    None => Ok(at + close.len()),
                };
            }
            '}' => return Err(unclosed().at(start..next)),
            _ => next,
        };
    }
    Err(unclosed())
}

impl Flaw {
    fn at(self, at: Range<usize>) -> Self {
        Self { at, ..self }
    }
}

/// The end of a quoted text whose content begins at `at`.
fn string_end(text: &str, mut at: usize, quote: char) -> Option<usize> {
    loop {
        let c = text.get(at..)?.chars().next()?;
        at += c.len_utf8();
        if c == quote {
            return Some(at);
        }
        if c == '\\' {
            at += text.get(at..)?.chars().next()?.len_utf8();
        }
    }
}

/// The end of a column name in square brackets whose content begins at `at`.
fn bracket_end(text: &str, at: usize) -> Result<usize, Flaw> {
    let open = at - 1;
    let Some(end) = find(text, "]", at) else {
        return Err(Flaw::new("unbalanced_brackets", open..at, "this '[' is never closed").help("write {{[First Name]}}"));
    };
    let content = slice(text, &(at..end));
    let list = content.split(',').any(|part| part.trim_start().starts_with(['"', '\'', '[', '{']));
    if list {
        return Err(Flaw::new("list", open..end + 1, "lists are not supported")
            .help("square brackets hold a column's name: {{[First Name]}}"));
    }
    Ok(end + 1)
}

/// Kinds of tags that are never taken.
fn refused(text: &str, tag: &Range<usize>) -> Option<Flaw> {
    let inner = inner(slice(text, tag));
    let block = inner.strip_prefix('#').map(str::trim_start);
    let (code, message) = if inner.starts_with('>') || block.is_some_and(|rest| rest.starts_with('>')) {
        ("partial", "partials ('{{>') are not supported: a text cannot take in another one")
    } else if inner.starts_with('*') || block.is_some_and(|rest| rest.starts_with('*')) {
        ("decorator", "decorators and inline partials ('{{*', '{{#*') are not supported")
    } else if inner.is_empty() {
        ("empty_tag", "these braces hold nothing")
    } else {
        return None;
    };
    Some(Flaw::new(code, tag.clone(), message).help("write the text out"))
}

/// Closing braces in plain text that look like the end of a tag somebody opened with one brace, or not at all.
fn stray(text: &str, plain: &[Range<usize>], flaws: &mut Vec<Flaw>) {
    for range in plain {
        let part = slice(text, range);
        let mut from = 0;
        while let Some(at) = find(part, "}}", from) {
            let before = slice(part, &(from..at));
            let name = before.rfind('{').map_or(before, |open| slice(before, &(open + 1..before.len())));
            let opened = before.contains('{');
            let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | ' ' | '.');
            // Two braces before it are escaped ones: their end is plain text too.
            let looks_like_name = if opened {
                !before.ends_with(&format!("{{{{{name}")) && !name.is_empty() && name.chars().all(word)
            } else {
                name.ends_with(|c: char| c.is_alphanumeric() || c == '_')
            };
            if looks_like_name {
                let start = if opened { range.start + at - name.len() - 1 } else { range.start + at };
                flaws.push(
                    Flaw::new("unbalanced_braces", start..range.start + at + 2, "this '}}' closes nothing")
                        .help("a column is written with two braces on both sides: {{name}}"),
                );
            }
            from = at + 2;
        }
    }
}
