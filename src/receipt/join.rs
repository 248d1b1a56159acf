//! One send's receipt as a join over its statuses: commutative, associative, idempotent.
//!
//! Reached wins for "did the person see it", and a failure stands beside it: both delivered and failed is a conflict that reports show.

use crate::outbound::ledger::Receipt;
use crate::provider::contract::{Status, StatusEvent};
use crate::time::Timestamp;

impl Receipt {
    /// What one status says.
    pub fn of(event: &StatusEvent) -> Self {
        let mut receipt = Self { pricing: event.pricing.clone(), conversation: event.conversation.clone(), ..Self::default() };
        match event.status {
            Status::Sent => receipt.sent_at = Some(event.at),
            Status::Delivered => receipt.delivered_at = Some(event.at),
            Status::Read => receipt.read_at = Some(event.at),
            Status::Failed => {
                receipt.failed_at = Some(event.at);
                receipt.code = event.failure.as_ref().and_then(|failure| failure.code.clone());
            }
        }
        receipt
    }

    /// Both together: the first time of each step, and one of two texts by a fixed order.
    #[must_use]
    pub fn join(&self, other: &Self) -> Self {
        let (failed_at, code) = match (self.failed_at, other.failed_at) {
            (Some(own), Some(others)) if own == others => (Some(own), first(self.code.as_ref(), other.code.as_ref())),
            (Some(own), Some(others)) if own > others => (Some(others), other.code.clone()),
            (None, _) => (other.failed_at, other.code.clone()),
            _ => (self.failed_at, self.code.clone()),
        };
        Self {
            sent_at: earliest(self.sent_at, other.sent_at),
            delivered_at: earliest(self.delivered_at, other.delivered_at),
            read_at: earliest(self.read_at, other.read_at),
            failed_at,
            code,
            pricing: first(self.pricing.as_ref(), other.pricing.as_ref()),
            conversation: first(self.conversation.as_ref(), other.conversation.as_ref()),
        }
    }

    /// Whether nothing more is expected: it arrived or failed.
    pub const fn is_settled(&self) -> bool {
        self.delivered_at.is_some() || self.read_at.is_some() || self.failed_at.is_some()
    }
}

fn earliest(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// The longer text, then the smaller: a later status may say more (a pricing object with its cost), and two that differ must join to
/// the same one in any order.
fn first(one: Option<&String>, other: Option<&String>) -> Option<String> {
    match (one, other) {
        (Some(one), Some(other)) if (other.len(), one) > (one.len(), other) => Some(other.clone()),
        (one, other) => one.or(other).cloned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::contract::{Class, Failure};
    use proptest::prelude::*;

    fn any_status() -> impl Strategy<Value = StatusEvent> {
        let status = prop_oneof![Just(Status::Sent), Just(Status::Delivered), Just(Status::Read), Just(Status::Failed)];
        let text = || proptest::option::of("[ab]{0,3}");
        (status, 0i64..5, text(), text(), text()).prop_map(|(status, at, code, pricing, conversation)| StatusEvent {
            number_id: String::new(),
            provider_id: String::new(),
            status,
            at: Timestamp(at),
            recipient: None,
            client_ref: None,
            failure: Some(Failure { class: Class::Recipient, code, detail: String::new(), retry_after: None }),
            pricing,
            conversation,
        })
    }

    fn folded<'e>(events: impl IntoIterator<Item = &'e StatusEvent>) -> Receipt {
        events.into_iter().fold(Receipt::default(), |receipt, event| receipt.join(&Receipt::of(event)))
    }

    proptest! {
        #[test]
        fn any_order_duplicates_and_cuts_join_to_the_same(
            events in proptest::collection::vec(any_status(), 0..8), order in any::<proptest::sample::Index>(), cut in any::<proptest::sample::Index>()
        ) {
            let whole = folded(&events);
            let mut shuffled = events.clone();
            if !shuffled.is_empty() {
                let by = order.index(shuffled.len());
                shuffled.rotate_left(by);
                shuffled.reverse();
            }
            prop_assert_eq!(&folded(&shuffled), &whole);
            prop_assert_eq!(&folded(events.iter().chain(&shuffled)), &whole, "duplicates");
            let at = cut.index(events.len() + 1);
            prop_assert_eq!(folded(&events[..at]).join(&folded(&events[at..])), whole, "batches");
        }
    }

    #[test]
    fn every_order_of_five_statuses_and_every_subset() {
        let event = |status, at| StatusEvent {
            number_id: String::new(),
            provider_id: String::new(),
            status,
            at: Timestamp(at),
            recipient: None,
            client_ref: None,
            failure: None,
            pricing: Some(format!("{{\"at\":{at}}}")),
            conversation: None,
        };
        let all = [
            event(Status::Sent, 1),
            event(Status::Delivered, 2),
            event(Status::Read, 3),
            event(Status::Failed, 4),
            event(Status::Delivered, 2),
        ];
        for subset in 0u8..32 {
            let chosen: Vec<_> = (0..5).filter(|bit| subset & (1 << bit) != 0).map(|bit| &all[bit]).collect();
            let expected = folded(chosen.iter().copied());
            for_each_order(&chosen, &mut Vec::new(), &mut |order| assert_eq!(folded(order.iter().copied()), expected));
        }
    }

    fn for_each_order<'e>(left: &[&'e StatusEvent], taken: &mut Vec<&'e StatusEvent>, check: &mut dyn FnMut(&[&'e StatusEvent])) {
        if left.is_empty() {
            check(taken);
        }
        for (index, event) in left.iter().enumerate() {
            let mut rest = left.to_vec();
            rest.remove(index);
            taken.push(event);
            for_each_order(&rest, taken, check);
            taken.pop();
        }
    }
}
