//! The language in which `keys` describes the file: what may stand where.
//!
//! One description serves two readers: `check` compares a file with it, `schema` turns it into a JSON Schema for editors. It says only
//! what holds for the structure; what values mean is the business of `read`. The words are JSON Schema's: a table with
//! [`Keys::one_of`] is `oneOf`, [`Keys::needs`] is `dependentRequired`.

/// What may stand at a place.
#[derive(Debug)]
pub(super) enum Shape {
    /// A string.
    Text,
    /// `true` or `false`.
    Flag,
    /// A whole number between two bounds, both included.
    Number {
        /// The smallest.
        least: i64,
        /// The largest.
        most: i64,
    },
    /// One of some words.
    Word {
        /// Each with what it means.
        words: &'static [(&'static str, &'static str)],
        /// Words of parts that do not exist yet.
        later: &'static [Later],
    },
    /// A list, its elements all of one shape.
    List {
        /// The elements' shape.
        of: &'static Shape,
        /// The fewest elements.
        least: usize,
        /// The most elements.
        most: usize,
    },
    /// A table with known keys.
    Table(&'static Keys),
    /// A table whose other keys depend on one of its words.
    Kinds(&'static Kinds),
    /// A table whose keys are names of the writer's choosing.
    Named {
        /// The values' shape.
        of: &'static Shape,
        /// The most entries.
        most: usize,
    },
    /// One of several shapes, told apart by their TOML type.
    Either(&'static [Shape]),
}

/// The keys of a table.
#[derive(Debug)]
pub(super) struct Keys {
    /// The keys there are.
    pub known: &'static [Key],
    /// The keys that belong to parts which do not exist yet.
    pub later: &'static [Later],
    /// Groups of keys of which exactly one must be given.
    pub one_of: &'static [&'static [&'static str]],
    /// Pairs: the first key makes no sense without the second.
    pub needs: &'static [(&'static str, &'static str)],
}

impl Keys {
    /// Keys without rules among them.
    pub(super) const fn of(keys: &'static [Key]) -> Self {
        Self { known: keys, later: &[], one_of: &[], needs: &[] }
    }

    /// Adds keys of parts that do not exist yet.
    pub(super) const fn later(self, later: &'static [Later]) -> Self {
        Self { later, ..self }
    }

    /// Adds groups of which exactly one key must be given.
    pub(super) const fn one_of(self, one_of: &'static [&'static [&'static str]]) -> Self {
        Self { one_of, ..self }
    }

    /// Adds keys that need others.
    pub(super) const fn needs(self, needs: &'static [(&'static str, &'static str)]) -> Self {
        Self { needs, ..self }
    }
}

/// A key of a table.
#[derive(Debug)]
pub(super) struct Key {
    /// Its name.
    pub name: &'static str,
    /// What it means: one sentence for the schema.
    pub doc: &'static str,
    /// An example of its value, in TOML.
    pub example: &'static str,
    /// What may stand there.
    pub shape: Shape,
    /// Whether it must be given.
    pub required: bool,
}

impl Key {
    /// A key that may be left out.
    pub(super) const fn new(name: &'static str, shape: Shape, example: &'static str, doc: &'static str) -> Self {
        Self { name, doc, example, shape, required: false }
    }

    /// The same key, which must be given.
    pub(super) const fn required(self) -> Self {
        Self { required: true, ..self }
    }
}

/// A key or word that is known and belongs to a part which does not exist yet.
#[derive(Debug)]
pub(super) struct Later {
    /// Its name.
    pub name: &'static str,
    /// What to do instead.
    pub instead: &'static str,
}

/// A table whose keys depend on a word.
#[derive(Debug)]
pub(super) struct Kinds {
    /// The key that holds the word.
    pub tag: &'static str,
    /// What the word decides.
    pub doc: &'static str,
    /// The words, each with its meaning and its keys.
    pub words: &'static [(&'static str, &'static str, Keys)],
    /// Words of parts that do not exist yet.
    pub later: &'static [Later],
}
