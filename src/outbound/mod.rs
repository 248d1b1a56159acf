//! To be written: the send protocol.

pub mod quota;
