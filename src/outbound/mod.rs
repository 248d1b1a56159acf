//! To be written: `outbound`.
