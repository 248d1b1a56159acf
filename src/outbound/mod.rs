//! The send protocol: from a checked row to a recorded outcome, through any crash.
//!
//! [`status`] is the state machine and its one transition function; [`key`] makes the names that never change; [`ledger`] is what
//! the protocol needs from a store. Sees providers only through [`crate::provider::contract`].

pub mod breaker;
pub mod call;
pub mod emergency;
pub mod feeder;
pub mod key;
pub mod lane;
pub mod ledger;
pub mod operator;
pub mod pacer;
pub mod plan;
pub mod progress;
pub mod quota;
pub mod react;
pub mod ready;
pub mod resolve;
pub mod script;
pub mod session;
pub mod slots;
pub mod status;
pub mod writer;
