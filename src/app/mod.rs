//! To be written: `app`.
