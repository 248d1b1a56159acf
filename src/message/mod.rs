//! Provider-neutral messages: what a person gets, before any provider's wire format.
//!
//! One set of types serves every step, generic over its text `T`: [`Source`] as written in the campaign file (with its place),
//! compiled templates after the check, and `String` once rendered for one person. [`Message::try_map`] walks all texts of a message
//! and tells each one's [`Slot`], so that compiling, rendering and checking values are each one closure.
//!
//! Knows nothing of providers, files or the ledger. Later kinds are new variants of [`FreeForm`], [`Header`] and [`Action`].

mod columns;
mod compile;
mod currency;
mod free_form;
mod helper;
mod locale;
mod lower;
mod map;
mod program;
mod row;
mod rules;
mod scan;
mod slot;
mod template;

#[cfg(test)]
mod tests;

pub use columns::Columns;
pub use compile::{Compiled, columns_used, faults};
pub use free_form::{Attachment, FreeForm, MediaKind, ReplyButton};
pub use helper::{HelperDoc, helpers};
pub use row::{RowContext, RowProblem, Rule};
pub use slot::{Part, Slot};
pub use template::{Action, Button, Card, Header, Media, Offer, Template, Value, Values};

use std::ops::Range;

/// A text as written in the campaign file: a handlebars template with its place, for errors that point at it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// The template's text.
    pub text: String,
    /// Bytes of the campaign file that hold it.
    pub span: Range<usize>,
}

/// One message, free-form or template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message<T = String> {
    /// Only delivered while the person's window is open.
    FreeForm(FreeForm<T>),
    /// An approved template with its values.
    Template(Template<T>),
}
