//! Providers: what each one speaks, and what carries it. One folder a vendor; the engine sees [`contract`] alone.

pub mod contract;
pub mod http;
pub mod meta;
pub mod record;
