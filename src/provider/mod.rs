//! Providers: what each one speaks. One folder a vendor; the engine sees [`contract`] alone.

pub mod contract;
pub mod meta;
