//! To be written: `server`.
