//! To be written: `campaign`.
