//! People: from a list someone exported to rows with a checked phone number.
//!
//! In: bytes (a file or a stream) and what the campaign says about its columns. Out: a [`Row`] for each person, or a [`Reject`]
//! that names line, column, reason and, where it can be guessed, the correction. It reads in one pass, on its caller's thread,
//! in memory that does not grow with the list (but for one compressed bitmap of the numbers seen).
//!
//! The way of a byte: `source` (`path`, `magic`, decompression, SHA-256) → `encoding` (to UTF-8) → `lines` (physical
//! lines, limits) → csv → `reader` → `fill` (columns, `normalise`, duplicates).
//!
//! It must not know campaigns' texts, templates, the ledger, or the clock: what a value *means* is the renderer's business, here it
//! is data that passes through unchanged.

mod consent;
mod dialect;
mod encoding;
mod error;
mod fill;
mod header;
mod lines;
mod magic;
mod normalise;
mod open;
mod path;
mod phone;
mod reader;
mod region;
mod reject;
mod rejects;
mod repair;
mod row;
mod source;
mod spec;
mod stage;
#[cfg(test)]
mod tests;

pub use dialect::{Dialect, Found};
pub use error::{AudienceError, HeaderProblem};
pub use magic::{Compression, Refused};
pub use normalise::{NumberProblem, normalise};
pub use path::{PathProblem, resolve};
pub use phone::{NotAPhone, Phone, canonical};
pub use reader::{Audience, Entry};
pub use region::Region;
pub use reject::{Reason, Reject};
pub use rejects::{Fault, OWN_COLUMNS, RejectsWriter, guard, unguard};
pub use row::{Consent, Reading, Row};
pub use source::{Digest, Input};
pub use spec::AudienceSpec;
