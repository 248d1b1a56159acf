//! Which message a person gets now, if any.
//!
//! In go what is known about one person at one instant; out comes a [`Decision`] with its reason, which is stored. Pure: no clock but
//! the given one, no ledger, no row. It is asked a batch ahead of the send; the ledger holds the window to
//! [`window::opened_since`] once more in the transaction that writes the intent.

mod route;
mod skip;
pub mod window;

#[cfg(test)]
mod tests;

pub use route::{Decision, DecisionInput, Reason, decide};
pub use skip::{SkipReason, consent};
