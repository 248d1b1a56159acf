//! The file alone: what is read of it, whatever befell it. Merging into a real ledger is tested with the store.

use proptest::prelude::*;

use super::*;
use crate::outbound::key::DeliveryId;
use crate::outbound::ledger::{AttemptFact, OutcomeKind, RouteTaken, SenderNo, SettledBy};
use crate::outbound::status::{Flags, Standing, State};
use crate::provider::contract::Class;
use crate::time::Timestamp;

fn outcome(id: i64, detail: Option<String>) -> Settlement {
    let before = Standing { state: State::Intent, tries: 3, generation: 1, flags: Flags(2), due_at: Timestamp(77) };
    let fact = AttemptFact {
        attempt: 3,
        generation: 1,
        sender: SenderNo(4),
        route: RouteTaken::FreeForm,
        outcome: OutcomeKind::Refused,
        class: Some(Class::PairLater),
        code: Some("131056".into()),
        detail,
        http: 400,
        provider_id: None,
        digest: i64::MIN,
        intent_at: Timestamp(5),
        settled_at: Timestamp(6),
        settled_by: SettledBy::Answer,
    };
    let after = Standing { state: State::Pending, due_at: Timestamp(i64::MAX), ..before };
    Settlement { id: DeliveryId::from_raw(id), before, after, reason: -1, fact: Some(fact) }
}

fn journal() -> (tempfile::TempDir, Journal) {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::at(folder.path().join("outcomes.journal"));
    (folder, journal)
}

fn content(journal: &Journal) -> (Vec<Settlement>, usize) {
    read(&std::fs::read(journal.path()).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_is_appended_is_read_and_a_cut_end_costs_only_what_was_cut(
        details in proptest::collection::vec(proptest::option::of(any::<String>()), 1..8), cut in 0usize..5000
    ) {
        let (_folder, journal) = journal();
        let all: Vec<_> = (0..).zip(details).map(|(id, detail)| outcome(id, detail)).collect();
        for part in all.chunks(3) {
            journal.append(part).unwrap();
        }
        prop_assert_eq!(content(&journal), (all.clone(), 0));
        let bytes = std::fs::read(journal.path()).unwrap();
        let cut = cut.min(bytes.len());
        let (left, unreadable) = read(&bytes[..cut]);
        prop_assert_eq!(unreadable, 0, "a cut line has no end");
        prop_assert_eq!(left.len(), bytes[..cut].split(|byte| *byte == b'\n').count() - 1);
        prop_assert_eq!(&left[..], &all[..left.len()]);
        // What follows a cut line stands on a line of its own.
        std::fs::write(journal.path(), &bytes[..cut]).unwrap();
        let next = outcome(1000, None);
        journal.append(std::slice::from_ref(&next)).unwrap();
        let (again, _) = content(&journal);
        prop_assert_eq!(again.last(), Some(&next));
        prop_assert!(again.len() > left.len());
    }

    #[test]
    fn a_changed_byte_is_noticed_and_costs_its_own_line_alone(at in 0usize..10_000, to: u8) {
        let (_folder, journal) = journal();
        let all: Vec<_> = (0..5).map(|id| outcome(id, Some("words".into()))).collect();
        journal.append(&all).unwrap();
        let mut bytes = std::fs::read(journal.path()).unwrap();
        let at = at % bytes.len();
        prop_assume!(bytes[at] != to && bytes[at] != b'\n' && to != b'\n');
        bytes[at] = to;
        let (left, unreadable) = read(&bytes);
        prop_assert_eq!((left.len(), unreadable), (4, 1));
        prop_assert!(left.iter().all(|outcome| all.contains(outcome)));
    }
}

#[test]
fn a_journal_is_private_and_bounded() {
    let (_folder, journal) = journal();
    journal.append(&[outcome(1, None)]).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(journal.path()).unwrap().permissions().mode() & 0o777, 0o600);
    }
    std::fs::OpenOptions::new().write(true).open(journal.path()).unwrap().set_len(MOST).unwrap();
    assert!(journal.append(&[outcome(2, None)]).is_err());
    assert_eq!(std::fs::metadata(journal.path()).unwrap().len(), MOST, "nothing was added");
    journal.remove().unwrap();
    journal.remove().unwrap();
}
