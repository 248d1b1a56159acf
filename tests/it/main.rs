//! Integration tests: one binary.

mod audience;
mod store;
