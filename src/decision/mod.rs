//! To be written: `decision`.
