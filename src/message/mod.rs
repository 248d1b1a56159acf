//! To be written: `message`.
