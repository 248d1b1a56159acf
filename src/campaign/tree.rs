//! The file as a tree that remembers places.
//!
//! What `document` makes of the TOML text, `check` repairs against the description, and `read` turns into values. A node that was found
//! wrong stays in the tree as [`Value::Bad`], so that later steps neither use it nor say it is missing.

use std::ops::Range;

/// One value with its place.
#[derive(Debug)]
pub(super) struct Node {
    /// What stands there.
    pub value: Value,
    /// Its bytes in the file, quotes and brackets included; of a table with a header, the header's.
    pub span: Range<usize>,
}

/// What stands at a node.
#[derive(Debug)]
pub(super) enum Value {
    /// A string.
    Text(Text),
    /// A whole number.
    Integer(i64),
    /// `true` or `false`.
    Flag(bool),
    /// A table, of any spelling.
    Table(Table),
    /// An array, or an array of tables.
    List(Vec<Node>),
    /// A kind of value no campaign has (floats, dates, numbers beyond 64 bits), by its name.
    Foreign(&'static str),
    /// Something a problem was already reported for.
    Bad,
}

/// A string without its quotes.
#[derive(Clone, Debug)]
pub(super) struct Text {
    /// Its decoded text.
    pub text: String,
    /// The bytes between the quotes.
    pub span: Range<usize>,
}

impl Text {
    /// Whether the text is the same for every person: it holds no `{{`.
    pub(super) fn is_literal(&self) -> bool {
        !self.text.contains("{{")
    }
}

/// The entries of a table, in the file's order.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// The entries.
    pub entries: Vec<Entry>,
    /// Where a missing key would stand: an empty span.
    pub end: usize,
}

/// A key and its value.
#[derive(Debug)]
pub(super) struct Entry {
    /// The key, decoded; a repaired one is the key it was meant to be.
    pub key: String,
    /// The key's bytes.
    pub span: Range<usize>,
    /// The value.
    pub node: Node,
}

impl Table {
    /// The entry called `key`.
    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// The node called `key`.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.node)
    }

    /// Whether `key` stands in the file, usable or not.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entry(key).is_some()
    }

    /// The text called `key`.
    pub(super) fn text(&self, key: &str) -> Option<&Text> {
        self.get(key).and_then(Node::text)
    }

    /// The table called `key`.
    pub(super) fn table(&self, key: &str) -> Option<&Self> {
        self.get(key).and_then(Node::table)
    }

    /// The elements of the list called `key`; none when there is no such list.
    pub(super) fn list(&self, key: &str) -> &[Node] {
        match self.get(key).map(|node| &node.value) {
            Some(Value::List(nodes)) => nodes,
            _ => &[],
        }
    }

    /// The whole number called `key`.
    pub(super) fn integer(&self, key: &str) -> Option<i64> {
        match self.get(key)?.value {
            Value::Integer(number) => Some(number),
            _ => None,
        }
    }

    /// The flag called `key`.
    pub(super) fn flag(&self, key: &str) -> Option<bool> {
        match self.get(key)?.value {
            Value::Flag(flag) => Some(flag),
            _ => None,
        }
    }

    /// The empty span where a missing key would stand.
    pub(super) const fn place(&self) -> Range<usize> {
        self.end..self.end
    }
}

impl Node {
    /// The text, when it is one.
    pub(super) const fn text(&self) -> Option<&Text> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The table, when it is one.
    pub(super) const fn table(&self) -> Option<&Table> {
        match &self.value {
            Value::Table(table) => Some(table),
            _ => None,
        }
    }

    /// Whether a problem was already reported for it.
    pub(super) const fn is_bad(&self) -> bool {
        matches!(self.value, Value::Bad)
    }

    /// What it is, in words a person writes TOML with.
    pub(super) const fn kind(&self) -> &'static str {
        match &self.value {
            Value::Text(_) => "a text",
            Value::Integer(_) => "a whole number",
            Value::Flag(_) => "true or false",
            Value::Table(_) => "a table",
            Value::List(_) => "a list",
            Value::Foreign(kind) => kind,
            Value::Bad => "an unreadable value",
        }
    }
}
