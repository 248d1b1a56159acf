//! Everything that starts, prints or reads the environment. The only place that names concrete stores and adapters is [`wire`].

pub mod args;
pub mod command;
pub mod config;
pub mod exit;
pub mod ledger;
pub mod progress;
pub mod shutdown;
pub mod wire;
pub mod witness;
