//! To be written: `app`.

pub mod progress;
