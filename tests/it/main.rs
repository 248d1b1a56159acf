//! Integration tests: one binary.

mod audience;
mod auditor;
mod kill;
mod rig;
mod store;
