//! Receiving: what webhooks say, folded into the ledger.
//!
//! In come raw bodies from the inbox, committed before they were answered; out go receipts (a join per send), open windows and evidence for
//! unknown sends. Bodies come late, twice and in any order: folding them in any order gives the same ledger.

pub mod fold;
pub mod join;
pub mod verify;
pub mod worker;
