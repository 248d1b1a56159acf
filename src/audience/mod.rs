//! To be written: `audience`.
