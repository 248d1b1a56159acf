//! To be written: `store`.
