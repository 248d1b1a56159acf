//! To be written: `provider`.
