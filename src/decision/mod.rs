//! STUB
#![expect(missing_docs, reason = "stub")]
use crate::campaign::Prefer;
use crate::time::Timestamp;
#[derive(Debug)]
pub struct DecisionInput {
    pub prefer: Prefer,
    pub has_free_form: bool,
    pub has_template: bool,
    pub force_template: bool,
    pub last_inbound: Option<Timestamp>,
    pub now: Timestamp,
}
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SkipReason {
    X,
    NoConsent,
}
impl SkipReason {
    pub fn code(self) -> i16 {
        1
    }
}
#[derive(Debug, Clone, Copy)]
pub enum Decision {
    FreeForm { a: u8 },
    Template { a: u8 },
    Skip(SkipReason),
}
pub fn decide(_i: &DecisionInput) -> Decision {
    Decision::Template { a: 0 }
}
pub mod window {
    use crate::time::Timestamp;
    pub fn opened_since(now: Timestamp) -> Timestamp {
        now
    }
}
