//! To be written: `simulator`.
