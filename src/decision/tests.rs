use std::time::Duration;

use proptest::prelude::*;

use super::window::{Inbound, LENGTH, MARGIN, closes_at, is_open, opened_since};
use super::*;
use crate::audience::Consent;
use crate::campaign::{Prefer, Purpose};
use crate::time::Timestamp;

const NOW: Timestamp = Timestamp(1_795_225_500_000);
/// 23 hours and 59 minutes.
const SPAN: i64 = 86_340_000;

fn input() -> DecisionInput {
    DecisionInput {
        prefer: Prefer::FreeForm,
        has_free_form: true,
        has_template: true,
        force_template: false,
        last_inbound: None,
        now: NOW,
    }
}

#[test]
fn the_window_is_open_to_the_millisecond() {
    for (age, open) in [(0, true), (1, true), (SPAN - 1, true), (SPAN, false), (SPAN + 1, false), (-1, true), (-SPAN, true)] {
        assert_eq!(is_open(Some(Timestamp(NOW.0 - age)), NOW, MARGIN), open, "{age} ms old");
    }
    assert!(!is_open(None, NOW, MARGIN));
    // The margin is ours; the provider's own window is a minute longer.
    assert!(is_open(Some(Timestamp(NOW.0 - 86_399_999)), NOW, Duration::ZERO));
    assert!(!is_open(Some(NOW - LENGTH), NOW, Duration::ZERO));
    assert!(!is_open(Some(NOW), NOW, LENGTH));
    assert_eq!(opened_since(NOW), Timestamp(NOW.0 - SPAN + 1));
    assert_eq!(closes_at(NOW, MARGIN), Timestamp(NOW.0 + SPAN));
}

#[test]
fn what_opens_a_window() {
    use Inbound::{
        Button, Call, Contacts, Echo, Edit, FlowReply, Interactive, Location, Media, Order, Reaction, Revoke, System, Text,
        Unsupported, UserPreferences,
    };
    for kind in [Text, Media, Location, Contacts, Order, Button, Interactive, FlowReply, Call, Unsupported] {
        assert!(kind.opens_window(), "{kind:?}");
    }
    for kind in [Reaction, Edit, Revoke, System, UserPreferences, Echo] {
        assert!(!kind.opens_window(), "{kind:?}");
    }
}

#[test]
fn decisions_and_their_reasons() {
    let open = Some(Timestamp(NOW.0 - SPAN + 1));
    let closed = Some(Timestamp(NOW.0 - SPAN));
    let only_free = DecisionInput { has_template: false, ..input() };
    let only_template = DecisionInput { has_free_form: false, ..input() };
    let prefer_template = DecisionInput { prefer: Prefer::Template, ..input() };
    let cases = [
        (DecisionInput { last_inbound: open, ..input() }, "free_form window_open"),
        (DecisionInput { last_inbound: closed, ..input() }, "template window_closed"),
        (input(), "template never_wrote"),
        (DecisionInput { last_inbound: open, force_template: true, ..input() }, "template window_refused"),
        (DecisionInput { last_inbound: open, ..prefer_template }, "template preferred"),
        (DecisionInput { last_inbound: open, prefer: Prefer::Template, ..only_free }, "free_form window_open"),
        (DecisionInput { last_inbound: open, ..only_template }, "template only_template"),
        (DecisionInput { last_inbound: open, ..only_free }, "free_form window_open"),
        (DecisionInput { last_inbound: closed, ..only_free }, "skip window_closed_no_template"),
        (only_free, "skip window_closed_no_template"),
        (DecisionInput { last_inbound: open, force_template: true, ..only_free }, "skip window_closed_no_template"),
        (DecisionInput { has_free_form: false, ..only_free }, "skip window_closed_no_template"),
    ];
    for (input, expected) in cases {
        let decision = decide(&input);
        let kind = match decision {
            Decision::FreeForm { .. } => "free_form",
            Decision::Template { .. } => "template",
            Decision::Skip(_) => "skip",
        };
        assert_eq!(format!("{kind} {}", decision.reason()), expected, "{input:?}");
    }
}

#[test]
fn consent_is_asked_of_marketing_only() {
    use Consent::{No, NotAsked, Yes};
    for (purpose, said, expected) in [
        (Purpose::Marketing, No, Some(SkipReason::NoConsent)),
        (Purpose::Marketing, Yes, None),
        (Purpose::Marketing, NotAsked, None),
        (Purpose::Utility, No, None),
        (Purpose::Authentication, No, None),
    ] {
        assert_eq!(consent(purpose, said), expected, "{purpose:?} {said:?}");
    }
}

#[test]
fn stored_numbers_and_words_never_change() {
    let all = SkipReason::ALL.map(|reason| format!("{} {reason}", reason.code())).join("\n");
    assert_eq!(
        all,
        "1 duplicate_in_audience\n2 invalid_number\n3 no_consent\n4 opted_out\n5 quiet_hours_until_expiry\n6 frequency_cap\n\
         7 window_closed_no_template\n8 missing_variable\n9 budget\n10 tier_limit\n11 already_sent_once_per_contact\n12 policy_country"
    );
    for reason in SkipReason::ALL {
        assert_eq!(SkipReason::from_code(reason.code()), Some(reason));
    }
    assert_eq!([0, 13, -1].map(SkipReason::from_code), [None; 3]);
}

fn inputs() -> impl Strategy<Value = DecisionInput> {
    // Near the border and everywhere.
    let age = prop_oneof![SPAN - 3..SPAN + 3, -3_i64..3, any::<i32>().prop_map(i64::from)];
    let last = proptest::option::weighted(0.8, age);
    (any::<[bool; 4]>(), last, prop_oneof![Just(NOW.0), any::<i64>()]).prop_map(|([template, free, has, force], age, now)| {
        DecisionInput {
            prefer: if template { Prefer::Template } else { Prefer::FreeForm },
            has_free_form: free,
            has_template: has,
            force_template: force,
            last_inbound: age.map(|age| Timestamp(now.saturating_sub(age))),
            now: Timestamp(now),
        }
    })
}

proptest! {
    #[test]
    fn never_free_form_in_a_closed_window(input in inputs()) {
        match decide(&input) {
            Decision::FreeForm { until, .. } => {
                let last = input.last_inbound.expect("a message");
                prop_assert!(input.has_free_form && !input.force_template);
                prop_assert!(input.now.0.saturating_sub(last.0) < SPAN);
                prop_assert!(last >= opened_since(input.now), "the intent's check agrees");
                prop_assert!(until > input.now || input.now.0 == i64::MAX);
                prop_assert!(until.0 <= input.now.0.saturating_add(SPAN));
            }
            Decision::Template { .. } => prop_assert!(input.has_template),
            Decision::Skip(reason) => {
                prop_assert_eq!(reason, SkipReason::WindowClosedNoTemplate);
                prop_assert!(!input.has_template);
            }
        }
    }

    #[test]
    fn a_window_once_closed_stays_closed(last in any::<i32>(), now in any::<i32>(), later in 0_i64..i64::from(u32::MAX)) {
        let (last, now) = (Some(Timestamp(i64::from(last))), Timestamp(i64::from(now)));
        if is_open(last, Timestamp(now.0 + later), MARGIN) {
            prop_assert!(is_open(last, now, MARGIN));
        }
    }
}
