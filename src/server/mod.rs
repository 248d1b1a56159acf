//! To be written: `server`.
pub mod webhooks;
