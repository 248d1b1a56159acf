//! What happened, said from the ledger alone: to the run, to the cent of a percent, to the person.
//!
//! In come the counts and rows that a store hands over through [`port::Reports`]; out go [`model::RunReport`] and its formats (text for
//! people, JSON for machines, CSV a recipient a line), the list of runs and everything about one person. Read only: nothing here
//! changes the ledger, and nothing here asks for the time, so a finished run's report is the same bytes whenever it is written.
//!
//! Knows nothing of databases, providers' wire formats or the engine at work; what codes mean is given as [`words::Words`].

pub mod cell;
pub mod csv;
pub mod explain;
pub mod figures;
pub mod format;
pub mod json;
pub mod latency;
pub mod layout;
pub mod model;
pub mod port;
pub mod rate;
pub mod runs;
pub mod text;
pub mod words;

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;
