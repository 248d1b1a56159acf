//! To be written: `receipt`.
