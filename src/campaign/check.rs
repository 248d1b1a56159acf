//! Compares a tree with the description: unknown keys, wrong types, missing keys, all of them.
//!
//! A key that is nearly a known one is reported and then read as that one, so that a slip of the pen costs one problem and hides none
//! behind it. What is wrong is turned into [`Value::Bad`]; what is unknown is taken out. Judges structure only.

use std::ops::Range;

use super::Problem;
use super::shape::{Key, Keys, Kinds, Later, Shape};
use super::tree::{Entry, Node, Table, Value};

/// Checks and repairs the tree of a whole file.
pub(super) fn check(root: &mut Table, keys: &'static Keys) -> Vec<Problem> {
    let mut check = Check { problems: Vec::new(), root: keys };
    check.table(root, &keys_of(keys, None), "the campaign");
    check.problems
}

struct Check {
    problems: Vec<Problem>,
    root: &'static Keys,
}

/// The keys of a table at hand: its own, and the one that says its kind.
struct Known {
    keys: &'static Keys,
    tag: Option<&'static Kinds>,
}

const fn keys_of(keys: &'static Keys, tag: Option<&'static Kinds>) -> Known {
    Known { keys, tag }
}

impl Known {
    fn names(&self) -> impl Iterator<Item = &'static str> {
        self.tag.map(|kinds| kinds.tag).into_iter().chain(self.keys.known.iter().map(|key| key.name))
    }

    fn find(&self, name: &str) -> Option<&'static Key> {
        self.keys.known.iter().find(|key| key.name == name)
    }

    fn example(&self, name: &str) -> String {
        self.find(name).map(|key| format!("`{} = {}`", key.name, key.example)).unwrap_or_default()
    }
}

impl Check {
    fn report(&mut self, code: &'static str, span: Range<usize>, message: String, help: String) {
        self.problems.push(Problem::error(code, span, message).help(help));
    }

    /// `place` names the table in messages: `[pacing]`.
    fn table(&mut self, table: &mut Table, known: &Known, place: &str) {
        let strangers = self.names(table, known, place);
        for entry in &mut table.entries {
            if let Some(key) = known.find(&entry.key) {
                self.node(&mut entry.node, &key.shape, &Spot { key: key.name, example: key.example });
            }
        }
        self.missing(table, known, place, strangers);
    }

    /// Takes out the keys that are not known, and renames those that were meant to be. Whether any were taken out.
    fn names(&mut self, table: &mut Table, known: &Known, place: &str) -> bool {
        let named = |entry: &Entry| {
            known.names().any(|name| name == entry.key) || known.keys.later.iter().any(|later| later.name == entry.key)
        };
        let (entries, strangers): (Vec<Entry>, Vec<Entry>) = std::mem::take(&mut table.entries).into_iter().partition(named);
        table.entries = entries;
        for entry in &mut table.entries {
            if let Some(later) = known.keys.later.iter().find(|later| later.name == entry.key) {
                self.not_yet(entry.span.clone(), later);
                // It stays, unread: what it is there for is not missing.
                entry.node.value = Value::Bad;
            }
        }
        let mut taken_out = false;
        for entry in strangers {
            let is_table = entry.node.table().is_some();
            let free = |name: &&str| table.get(name).is_none_or(|node| is_table && node.table().is_some());
            // Beyond what is listed nothing is looked up: a file of another kind has unknown keys without end.
            let listed = self.problems.len() < super::parse::MOST;
            let meant = if listed { nearest(&entry.key, known.names().filter(free)) } else { None };
            self.unknown(&entry, known, meant, place);
            match meant {
                Some(meant) => put(table, Entry { key: meant.to_owned(), ..entry }),
                None => taken_out = true,
            }
        }
        taken_out
    }

    fn unknown(&mut self, entry: &Entry, known: &Known, meant: Option<&'static str>, place: &str) {
        let listed = self.problems.len() < super::parse::MOST;
        let help = match meant.or_else(|| nearest(&entry.key, known.names().filter(|_| listed))) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None if !listed => String::new(),
            None => match homes(self.root, &entry.key) {
                homes if homes.is_empty() => format!("known here: {}", list(known.names())),
                homes => format!("it belongs into {}; known here: {}", homes.join(" or "), list(known.names())),
            },
        };
        self.report("unknown_key", entry.span.clone(), format!("unknown key `{}` in {place}", entry.key), help);
    }

    fn not_yet(&mut self, span: Range<usize>, later: &Later) {
        self.report("not_supported_yet", span, format!("`{}` is not supported yet", later.name), later.instead.to_owned());
    }

    fn missing(&mut self, table: &Table, known: &Known, place: &str, strangers: bool) {
        for key in known.keys.known.iter().filter(|key| key.required && !table.has(key.name)) {
            self.absent(table, key.name, known, place);
        }
        for group in known.keys.one_of {
            let given: Vec<&Entry> = table.entries.iter().filter(|entry| group.contains(&entry.key.as_str())).collect();
            match given.as_slice() {
                // An unknown key was probably meant to be the one.
                [] if strangers => {}
                [] => {
                    let message = format!("{place} lacks one of {}", list(group.iter().copied()));
                    let help = group
                        .first()
                        .map_or_else(String::new, |name| format!("write one of them, such as {}", known.example(name)));
                    self.report("missing_key", table.place(), message, help);
                }
                [_] => {}
                [first, rest @ ..] => {
                    for entry in rest {
                        let message = format!("`{}` and `{}` exclude each other", first.key, entry.key);
                        self.report("conflict", entry.span.clone(), message, "keep one of them".to_owned());
                    }
                }
            }
        }
        for (key, needed) in known.keys.needs {
            if table.has(key) && !table.has(needed) {
                if known.keys.one_of.iter().any(|group| group.contains(needed) && !group.contains(key)) {
                    // The key that decides what the table is stands elsewhere: this one is out of place.
                    let Some(entry) = table.entry(key) else { continue };
                    self.report(
                        "conflict",
                        entry.span.clone(),
                        format!("`{key}` goes with `{needed}` only"),
                        format!("leave `{key}` out"),
                    );
                } else {
                    self.absent(table, needed, known, place);
                }
            }
        }
    }

    fn absent(&mut self, table: &Table, name: &str, known: &Known, place: &str) {
        let help = format!("add {}", known.example(name));
        self.report("missing_key", table.place(), format!("{place} lacks `{name}`"), help);
    }

    fn node(&mut self, node: &mut Node, shape: &'static Shape, spot: &Spot<'_>) {
        if node.is_bad() {
            return;
        }
        match (shape, &mut node.value) {
            (Shape::Either(shapes), _) => match shapes.iter().find(|shape| fits(shape, &node.value)) {
                Some(shape) => self.node(node, shape, spot),
                None => self.wrong_type(node, shape, spot),
            },
            (Shape::Text, Value::Text(_)) | (Shape::Flag, Value::Flag(_)) => {}
            (Shape::Number { least, most }, Value::Integer(number)) => {
                if *number < *least || *number > *most {
                    let message = format!("`{}` is {number}, outside {least} to {most}", spot.key);
                    self.report(
                        "out_of_range",
                        node.span.clone(),
                        message,
                        format!("write a whole number from {least} to {most}"),
                    );
                    node.value = Value::Bad;
                }
            }
            (Shape::Word { words, later }, Value::Text(text)) => {
                if words.iter().any(|(word, _)| *word == text.text) {
                    return;
                }
                if let Some(later) = later.iter().find(|later| later.name == text.text) {
                    self.not_yet(node.span.clone(), later);
                } else {
                    let words = words.iter().map(|(word, _)| *word);
                    self.unknown_word(node.span.clone(), &text.text.clone(), spot.key, words);
                }
                node.value = Value::Bad;
            }
            (Shape::List { of, least, most }, Value::List(nodes)) => {
                let count = nodes.len();
                for node in nodes {
                    self.node(node, of, spot);
                }
                if count < *least || count > *most {
                    let message = format!("`{}` has a length of {count}, outside {least} to {most}", spot.key);
                    self.report("out_of_range", node.span.clone(), message, format!("give from {least} to {most}"));
                }
            }
            (Shape::Table(keys), Value::Table(table)) => self.table(table, &keys_of(keys, None), &format!("`{}`", spot.key)),
            (Shape::Kinds(kinds), Value::Table(table)) => self.kinds(table, kinds, spot),
            (Shape::Named { of, most }, Value::Table(table)) => {
                let count = table.entries.len();
                for entry in &mut table.entries {
                    let name = entry.key.clone();
                    self.node(&mut entry.node, of, &Spot { key: &name, ..*spot });
                }
                if count > *most {
                    let message = format!("`{}` has {count} entries, more than {most}", spot.key);
                    self.report("out_of_range", node.span.clone(), message, format!("give at most {most}"));
                }
            }
            _ => self.wrong_type(node, shape, spot),
        }
    }

    /// A table whose word decides its keys; without a usable word only the word can be spoken of.
    fn kinds(&mut self, table: &mut Table, kinds: &'static Kinds, spot: &Spot<'_>) {
        static NONE: Keys = Keys::of(&[]);
        let words = || kinds.words.iter().map(|(word, ..)| *word);
        let everywhere = || kinds.words.iter().flat_map(|(.., keys)| keys.known.iter().map(|key| key.name));
        if !table.has(kinds.tag) {
            // Renamed here and not in `names`, because no key can be judged before the kind is known.
            let slip = table.entries.iter_mut().find(|entry| {
                !everywhere().any(|name| name == entry.key) && nearest(&entry.key, std::iter::once(kinds.tag)).is_some()
            });
            if let Some(slip) = slip {
                self.unknown(slip, &keys_of(&NONE, Some(kinds)), Some(kinds.tag), &format!("`{}`", spot.key));
                kinds.tag.clone_into(&mut slip.key);
            }
        }
        let place = table.place();
        let Some(entry) = table.entries.iter_mut().find(|entry| entry.key == kinds.tag) else {
            let message = format!("`{}` lacks `{}`", spot.key, kinds.tag);
            return self.report("missing_key", place, message, format!("add `{} = \"…\"`: {}", kinds.tag, list(words())));
        };
        if entry.node.is_bad() {
            return;
        }
        let Some(word) = entry.node.text().map(|word| word.text.clone()) else {
            return self.wrong_type(&mut entry.node, &Shape::Text, &Spot { key: kinds.tag, example: "\"text\"" });
        };
        if let Some((.., keys)) = kinds.words.iter().find(|(name, ..)| *name == word) {
            return self.table(table, &keys_of(keys, Some(kinds)), &format!("`{}` of kind `{word}`", spot.key));
        }
        entry.node.value = Value::Bad;
        let span = entry.node.span.clone();
        match kinds.later.iter().find(|later| later.name == word) {
            Some(later) => self.not_yet(span, later),
            None => self.unknown_word(span, &word, kinds.tag, words()),
        }
    }

    fn unknown_word(&mut self, span: Range<usize>, word: &str, key: &str, words: impl Iterator<Item = &'static str> + Clone) {
        let help = match nearest(word, words.clone()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("write one of {}", list(words)),
        };
        let word: String = word.chars().take(40).collect();
        self.report("unknown_word", span, format!("`{key}` cannot be `{word}`"), help);
    }

    fn wrong_type(&mut self, node: &mut Node, shape: &Shape, spot: &Spot<'_>) {
        let message = format!("`{}` must be {}, not {}", spot.key, wanted(shape), node.kind());
        let help = match (shape, &node.value) {
            (Shape::Number { .. } | Shape::Flag, Value::Text(text)) if text.text.len() <= 20 => {
                format!("write it without quotes: `{} = {}`", spot.key, text.text)
            }
            (Shape::Text, Value::Integer(_) | Value::Flag(_) | Value::Foreign(_)) => {
                format!("put it in quotes, as in `{} = {}`", spot.key, spot.example)
            }
            _ => format!("as in `{} = {}`", spot.key, spot.example),
        };
        self.report("wrong_type", node.span.clone(), message, help);
        node.value = Value::Bad;
    }
}

/// Adds an entry, into a table of its name when there is one: `[tempalte]` beside `[template.body]`.
fn put(table: &mut Table, entry: Entry) {
    let Some(existing) = table.entries.iter_mut().find(|existing| existing.key == entry.key) else {
        return table.entries.push(entry);
    };
    if let (Value::Table(existing), Value::Table(more)) = (&mut existing.node.value, entry.node.value) {
        for entry in more.entries {
            if !existing.has(&entry.key) {
                existing.entries.push(entry);
            }
        }
    }
}

/// Where a value stands, for messages.
struct Spot<'a> {
    key: &'a str,
    example: &'a str,
}

const fn fits(shape: &Shape, value: &Value) -> bool {
    matches!(
        (shape, value),
        (Shape::Text | Shape::Word { .. }, Value::Text(_))
            | (Shape::Flag, Value::Flag(_))
            | (Shape::Number { .. }, Value::Integer(_))
            | (Shape::List { .. }, Value::List(_))
            | (Shape::Table(_) | Shape::Kinds(_) | Shape::Named { .. }, Value::Table(_))
    )
}

fn wanted(shape: &Shape) -> String {
    match shape {
        Shape::Text | Shape::Word { .. } => "a text".to_owned(),
        Shape::Flag => "true or false".to_owned(),
        Shape::Number { .. } => "a whole number".to_owned(),
        Shape::List { .. } => "a list".to_owned(),
        Shape::Table(_) | Shape::Kinds(_) | Shape::Named { .. } => "a table".to_owned(),
        Shape::Either(shapes) => shapes.iter().map(wanted).collect::<Vec<_>>().join(" or "),
    }
}

/// The name that `word` was probably meant to be: at most one slip in three letters away, letters that changed places counting once.
pub(super) fn nearest<'n>(word: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let plain = |text: &str| text.to_lowercase().replace('-', "_");
    let word = plain(word);
    names
        .map(|name| (strsim::osa_distance(&word, &plain(name)), name))
        .filter(|(slips, name)| *slips <= (name.chars().count() / 3).max(1))
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, name)| name)
}

/// The tables that know `name`, as they are written in the file.
fn homes(root: &'static Keys, name: &str) -> Vec<String> {
    let mut found = Vec::new();
    if root.known.iter().any(|key| key.name == name) {
        found.push("the top of the file, above every [table]".to_owned());
    }
    for key in root.known {
        visit(&key.shape, key.name, name, &mut found);
    }
    found
}

fn visit(shape: &'static Shape, path: &str, name: &str, found: &mut Vec<String>) {
    match shape {
        Shape::Table(keys) | Shape::List { of: Shape::Table(keys), .. } => visit_keys(keys, path, "", name, found),
        Shape::Kinds(kinds) => {
            for (word, _, keys) in kinds.words {
                visit_keys(keys, path, &format!(" of kind `{word}`"), name, found);
            }
        }
        _ => {}
    }
}

fn visit_keys(keys: &'static Keys, path: &str, kind: &str, name: &str, found: &mut Vec<String>) {
    let later = keys.later.iter().map(|later| later.name);
    if keys.known.iter().map(|key| key.name).chain(later).any(|known| known == name) {
        found.push(format!("[{path}]{kind}"));
    }
    for key in keys.known {
        visit(&key.shape, &format!("{path}.{}", key.name), name, found);
    }
}

fn list<'n>(names: impl Iterator<Item = &'n str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
