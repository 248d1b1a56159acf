//! From a text as written to a [`Text`] that renders.
//!
//! handlebars parses (its grammar, its rules for white space and escapes); what comes out is walked piece by piece and either becomes
//! part of the program or is refused with its place. What is taken is a closed list: literals, columns, `if` and `unless` with
//! `else`, and the helpers of [`super::helper`]. The meaning is handlebars' own in strict mode without escaping, which a property
//! test holds against the crate's renderer, with two differences on purpose: a bare `{{date}}` is the column even where a helper has
//! the same name, and `{{[this]}}` is a column called `this`.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use handlebars::template::{HelperTemplate, Parameter, TemplateElement};
use handlebars::{Path, PathSeg, Template};

use super::helper::{self, Helper};
use super::program::{Call, Expr, Node, Text};
use super::scan::{Flaw, MAX_DEPTH, MAX_NODES, is_else, scan, slice};

/// Finds a column's number by its name, or says why there is none and what to do.
pub(super) trait Resolve {
    fn column(&mut self, name: &str) -> Result<u32, Unresolved>;
    /// Whether `name` is a column, for advice only.
    fn knows(&self, name: &str) -> bool;
}

/// Why a name is no column.
pub(super) struct Unresolved {
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

/// Compiles one text.
pub(super) fn lower(text: &str, columns: &mut dyn Resolve) -> Result<Text, Vec<Flaw>> {
    let scan = scan(text)?;
    let mut flaws = Vec::new();
    for plain in &scan.plain {
        single_braces(text, plain, columns, &mut flaws);
    }
    if scan.tags.is_empty() && !text.contains("\\{{") {
        // Nothing for the parser to do: most texts of a campaign are plain.
        let nodes = if text.is_empty() { Vec::new() } else { vec![Node::Literal(text.into())] };
        return if flaws.is_empty() { Ok(Text { nodes, columns: Vec::new() }) } else { Err(flaws) };
    }
    // The grammar is the crate's; a panic in it must stay one bad text.
    let parsed = catch_unwind(AssertUnwindSafe(|| Template::compile(text)));
    let template = match parsed {
        Ok(Ok(template)) => template,
        Ok(Err(error)) => {
            flaws.push(syntax(text, &scan.tags, &error));
            return Err(flaws);
        }
        Err(_) => {
            flaws.push(Flaw::new("syntax", 0..text.len(), "this text cannot be read").help("write it more simply"));
            return Err(flaws);
        }
    };
    let mut lowering = Lowering { text, tags: &scan.tags, next: 0, columns, used: Vec::new(), nodes: 0, flaws };
    let nodes = lowering.template(&template, 0);
    let Lowering { used, flaws, .. } = lowering;
    if flaws.is_empty() { Ok(Text { nodes, columns: used }) } else { Err(flaws) }
}

/// `{name}` with one brace on each side is sent as it stands, which nobody wants when there is a column of that name.
fn single_braces(text: &str, plain: &Range<usize>, columns: &dyn Resolve, flaws: &mut Vec<Flaw>) {
    let part = slice(text, plain);
    for (open, _) in part.match_indices('{') {
        let rest = slice(part, &(open + 1..part.len()));
        if let Some(close) = rest.find(['{', '}'])
            && rest[close..].starts_with('}')
            && !rest[close..].starts_with("}}")
            && columns.knows(&rest[..close])
        {
            let at = plain.start + open;
            let name = &rest[..close];
            flaws.push(
                Flaw::new("single_braces", at..at + close + 2, format!("'{{{name}}}' would be sent as it stands"))
                    .help(format!("write {}", mention(name))),
            );
        }
    }
}

/// How a column is written in a text.
pub(super) fn mention(name: &str) -> String {
    let plain =
        name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-') || (!c.is_ascii() && c.is_alphanumeric()));
    if plain && !matches!(name, "this" | "else" | "as" | "") { format!("{{{{{name}}}}}") } else { format!("{{{{[{name}]}}}}") }
}

fn syntax(text: &str, tags: &[Range<usize>], error: &handlebars::TemplateError) -> Flaw {
    let at = error.pos().map_or(0, |(line, column)| offset(text, line, column));
    // The parser names the spot where it gave up; the tag around it is what the person has to mend.
    let place = tags.iter().find(|tag| tag.contains(&at) || tag.start >= at).cloned().unwrap_or(at.min(text.len())..text.len());
    let tag = slice(text, &place);
    let message = match error.reason() {
        handlebars::TemplateErrorReason::MismatchingClosedHelper(open, close) => {
            format!("the block {open} is closed by {close}").replace('"', "'")
        }
        _ if tag.contains('#') => format!("the block '{tag}' cannot be read, or is never closed"),
        _ => format!("'{tag}' cannot be read"),
    };
    Flaw::new("syntax", place, message)
        .help("a column is {{name}} or {{[First Name]}}, a helper {{upper name}}, a condition {{#if name}}…{{else}}…{{/if}}")
}

/// The byte at a line and a column, both counted from 1, columns in characters.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let mut start = 0;
    for part in text.split_inclusive('\n').take(line.saturating_sub(1)) {
        start += part.len();
    }
    let rest = text.get(start..).unwrap_or_default();
    start + rest.char_indices().nth(column.saturating_sub(1)).map_or(rest.len(), |(at, _)| at)
}

struct Lowering<'l> {
    text: &'l str,
    tags: &'l [Range<usize>],
    /// The tag the walk comes to next: the tree is in the order of the text.
    next: usize,
    columns: &'l mut dyn Resolve,
    used: Vec<u32>,
    nodes: usize,
    flaws: Vec<Flaw>,
}

impl Lowering<'_> {
    fn take(&mut self) -> Range<usize> {
        let tag = self.peek();
        self.next += 1;
        tag
    }

    fn peek(&self) -> Range<usize> {
        self.tags.get(self.next).cloned().unwrap_or(0..self.text.len())
    }

    fn count(&mut self, tag: &Range<usize>) {
        self.nodes += 1;
        if self.nodes == MAX_NODES + 1 {
            self.flaws.push(Flaw::new("too_many_parts", tag.clone(), format!("the text has more than {MAX_NODES} parts")));
        }
    }

    fn template(&mut self, template: &Template, depth: usize) -> Vec<Node> {
        let mut nodes: Vec<Node> = Vec::with_capacity(template.elements.len());
        for element in &template.elements {
            match element {
                TemplateElement::RawString(text) => {
                    if let Some(Node::Literal(last)) = nodes.last_mut() {
                        *last = format!("{last}{text}").into();
                    } else if !text.is_empty() {
                        nodes.push(Node::Literal(text.as_str().into()));
                    }
                }
                TemplateElement::Expression(expression) | TemplateElement::HtmlExpression(expression) => {
                    let tag = self.take();
                    nodes.extend(self.expression(expression, &tag));
                }
                TemplateElement::HelperBlock(block) => nodes.extend(self.block(block, depth + 1)),
                TemplateElement::Comment(_) => {
                    self.take();
                }
                // The scan has refused these already; nothing new in the grammar may slip in.
                _ => {
                    let tag = self.take();
                    self.flaws.push(Flaw::new("unsupported", tag, "this kind of tag is not supported"));
                }
            }
        }
        nodes
    }

    fn expression(&mut self, expression: &HelperTemplate, tag: &Range<usize>) -> Option<Node> {
        self.count(tag);
        if expression.params.is_empty() && expression.hash.is_empty() {
            return match &expression.name {
                Parameter::Name(name) => self.column(name, tag).map(Node::Column),
                Parameter::Path(path) => self.path(path, tag).map(Node::Column),
                _ => {
                    self.flaws.push(
                        Flaw::new("unsupported", tag.clone(), "a helper in brackets stands alone")
                            .help("write {{upper name}} without brackets"),
                    );
                    None
                }
            };
        }
        self.call(expression, tag, 0).map(Node::Call)
    }

    fn block(&mut self, block: &HelperTemplate, depth: usize) -> Option<Node> {
        let open = self.take();
        self.count(&open);
        let expected = match block.name.as_name() {
            Some("if") => true,
            Some("unless") => false,
            name => {
                let name = name.unwrap_or_default();
                self.flaws.push(
                    Flaw::new("unknown_block", open.clone(), format!("there is no block '#{name}'"))
                        .help("the blocks are {{#if name}}…{{else}}…{{/if}} and {{#unless name}}…{{/unless}}"),
                );
                true
            }
        };
        let known = matches!(block.name.as_name(), Some("if" | "unless"));
        if depth > MAX_DEPTH {
            self.flaws.push(Flaw::new("nested_too_deep", open, format!("blocks nest deeper than {MAX_DEPTH} levels")));
            return None;
        }
        if known && (!block.hash.is_empty() || block.block_param.is_some()) {
            self.flaws.push(Flaw::new("unsupported", open.clone(), "a block takes a condition and nothing else"));
        }
        let condition = match block.params.as_slice() {
            _ if !known => None,
            [condition @ (Parameter::Path(_) | Parameter::Subexpression(_))] => self.expr(condition, &open, 0),
            _ => {
                self.flaws.push(
                    Flaw::new("condition", open.clone(), "a block needs one condition")
                        .help("write {{#if name}} or {{#if (eq plan 'gold')}}"),
                );
                None
            }
        };
        let then = block.template.as_ref().map(|template| self.template(template, depth)).unwrap_or_default();
        let closing = self.peek();
        let otherwise = if let Some(chained) = is_else(slice(self.text, &closing)) {
            if !chained {
                self.take();
            }
            let otherwise = block.inverse.as_ref().map(|template| self.template(template, depth)).unwrap_or_default();
            if !chained {
                self.take();
            }
            otherwise
        } else {
            self.take();
            Vec::new()
        };
        Some(Node::Branch { condition: condition?, expected, then, otherwise })
    }

    fn call(&mut self, call: &HelperTemplate, tag: &Range<usize>, depth: usize) -> Option<Call> {
        let name = call.name.as_name().unwrap_or_default();
        let Some(helper) = helper::find(name) else {
            self.unknown_helper(name, tag);
            return None;
        };
        let arguments: Vec<Option<Expr>> = call.params.iter().map(|argument| self.expr(argument, tag, depth)).collect();
        let mut options = Vec::new();
        let mut hash: Vec<_> = call.hash.iter().collect();
        hash.sort_by_key(|(name, _)| *name);
        for (name, value) in hash {
            if let Some(option) = helper.options.iter().find(|option| *option == name) {
                options.push((*option, self.expr(value, tag, depth)));
            } else {
                let at = self.spot(name, tag);
                self.flaws.push(
                    Flaw::new("unknown_option", at, format!("'{}' has no option '{name}'", helper.name))
                        .help(format!("write {}", helper.usage)),
                );
            }
        }
        let arguments = arguments.into_iter().collect::<Option<Vec<_>>>()?;
        let options = options.into_iter().map(|(name, value)| Some((name, value?))).collect::<Option<Vec<_>>>()?;
        if let Err(message) = check(helper, &arguments, &options) {
            self.flaws.push(Flaw::new("argument", tag.clone(), message).help(format!("write {}", helper.usage)));
            return None;
        }
        Some(Call { helper, arguments, options })
    }

    fn unknown_helper(&mut self, name: &str, tag: &Range<usize>) {
        let whole = slice(self.text, tag).trim_matches(['{', '}', '~', ' ']);
        let flaw = if self.columns.knows(whole) {
            Flaw::new("unknown_helper", tag.clone(), "a column's name with spaces needs square brackets")
                .help(format!("write {}", mention(whole)))
        } else {
            let at = self.spot(name, tag);
            let help = match helper::closest(name) {
                Some(close) => format!("did you mean '{close}'?"),
                None if self.columns.knows(name) => format!("'{name}' is a column; to write it use {}", mention(name)),
                None => format!("the helpers are {}; a column with spaces is written {{{{[First Name]}}}}", helper::names()),
            };
            Flaw::new("unknown_helper", at, format!("there is no helper '{name}'")).help(help)
        };
        self.flaws.push(flaw);
    }

    fn expr(&mut self, parameter: &Parameter, tag: &Range<usize>, depth: usize) -> Option<Expr> {
        self.count(tag);
        match parameter {
            Parameter::Name(name) => self.column(name, tag).map(Expr::Column),
            Parameter::Path(path) => self.path(path, tag).map(Expr::Column),
            Parameter::Literal(value) => {
                let text = match value {
                    serde_json::Value::String(text) => text.clone(),
                    serde_json::Value::Bool(value) => value.to_string(),
                    serde_json::Value::Number(number) => number.to_string(),
                    _ => {
                        self.flaws.push(Flaw::new("unsupported", tag.clone(), "only texts and numbers can be given to a helper"));
                        return None;
                    }
                };
                Some(Expr::Literal(text.into()))
            }
            Parameter::Subexpression(inner) => match inner.as_element() {
                TemplateElement::Expression(call) if depth < MAX_DEPTH => {
                    if call.params.is_empty() && call.hash.is_empty() {
                        self.flaws.push(Flaw::new("argument", tag.clone(), "a helper in brackets needs something to work on"));
                        return None;
                    }
                    self.call(call, tag, depth + 1).map(|call| Expr::Call(Box::new(call)))
                }
                _ => {
                    self.flaws.push(Flaw::new(
                        "nested_too_deep",
                        tag.clone(),
                        format!("helpers nest deeper than {MAX_DEPTH} levels"),
                    ));
                    None
                }
            },
            _ => {
                self.flaws.push(Flaw::new(
                    "unsupported",
                    tag.clone(),
                    "only columns, texts and numbers can be given to a helper",
                ));
                None
            }
        }
    }

    fn path(&mut self, path: &Path, tag: &Range<usize>) -> Option<u32> {
        let raw = match path {
            Path::Relative((_, raw)) | Path::Local((_, _, raw)) => raw.as_str(),
        };
        let bare = ["this.", "this/", "./"].iter().find_map(|prefix| raw.strip_prefix(prefix)).unwrap_or(raw);
        let bracketed = bare.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
        let name = bracketed.unwrap_or(bare);
        let simple = match path {
            Path::Relative((segments, _)) => match segments.as_slice() {
                [PathSeg::Named(segment)] => segment == name,
                // The grammar drops every `this`; in brackets it can only be meant as a name.
                [] => bracketed == Some("this"),
                _ => false,
            },
            Path::Local(_) => false,
        };
        if simple {
            return self.column(name, tag);
        }
        let at = self.spot(raw, tag);
        let help = if self.columns.knows(raw) {
            format!("for the column of that name write {{{{[{raw}]}}}}")
        } else {
            "write {{name}} or {{[First Name]}}".to_owned()
        };
        let message = if raw == "this" {
            "the whole row cannot be put into a text".to_owned()
        } else {
            format!("'{raw}' is not a column: texts see one flat row")
        };
        self.flaws.push(Flaw::new("not_a_column", at, message).help(help));
        None
    }

    fn column(&mut self, name: &str, tag: &Range<usize>) -> Option<u32> {
        match self.columns.column(name) {
            Ok(column) => {
                if !self.used.contains(&column) {
                    self.used.push(column);
                }
                Some(column)
            }
            Err(Unresolved { code, message, help }) => {
                let at = self.spot(name, tag);
                self.flaws.push(Flaw { code, at, message, help });
                None
            }
        }
    }

    /// Where in its tag a name stands; the whole tag when it is not found as a word of its own.
    fn spot(&self, name: &str, tag: &Range<usize>) -> Range<usize> {
        let text = slice(self.text, tag);
        let word = |c: char| c.is_alphanumeric() || c == '_';
        text.match_indices(name)
            .find(|(at, _)| !name.is_empty() && !text[..*at].ends_with(word) && !text[at + name.len()..].starts_with(word))
            .map_or(tag.clone(), |(at, _)| tag.start + at..tag.start + at + name.len())
    }
}

/// What can be known about a call's arguments before any row.
fn check(helper: &Helper, arguments: &[Expr], options: &[(&'static str, Expr)]) -> Result<(), String> {
    if !helper.takes.contains(&arguments.len()) {
        let (least, most) = (helper.takes.start(), helper.takes.end());
        let wanted = if least == most { least.to_string() } else { format!("{least} to {most}") };
        return Err(format!("'{}' takes {wanted} values, not {}", helper.name, arguments.len()));
    }
    let literal = |expr: &Expr| match expr {
        Expr::Literal(text) => Some(text.to_string()),
        Expr::Column(_) | Expr::Call(_) => None,
    };
    let arguments: Vec<Option<String>> = arguments.iter().map(literal).collect();
    let options: Vec<(&str, Option<String>)> = options.iter().map(|(name, value)| (*name, literal(value))).collect();
    helper.check(&arguments, &options)
}
