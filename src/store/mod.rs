//! The ledger's databases: SQL, and nothing but SQL.
//!
//! In come the values of [`crate::outbound::ledger`]'s ports; out go rows of SQLite or PostgreSQL. Each statement stands once and
//! runs on both: what really differs between them is a member of [`Dialect`], with the reason. Rows cross in sets (one JSON
//! array a statement), because a statement costs far more than a row. One connection writes; a few read. The store decides
//! nothing, has no clock and makes no names: it guards what the ports say and keeps it.

mod cells;
mod codes;
mod dialect;
mod dispatch;
#[cfg(test)]
mod emergency_tests;
mod failure;
mod fare;
mod fold;
mod group;
mod inbox;
mod lock;
mod migration;
mod open;
mod plan;
mod postgres;
mod report;
#[cfg(test)]
mod report_tests;
mod rows;
mod runs;
mod session;
#[cfg(test)]
mod session_tests;
mod sql;
mod sqlite;
#[cfg(test)]
mod tests;

pub use cells::Cells;
pub use dialect::Dialect;
pub use open::{Mode, Store, open, open_watched};
pub use session::{Session, Value};
pub use sql::{Closing, Count, SqlStore};
