use bytes::Bytes;
use proptest::prelude::*;

use super::requests::{encode, messages};
use super::{fixture, fixtures, respaced};
use crate::audience::Phone;
use crate::provider::contract::{Envelope, Event, Outcome, Provider, Reply};
use crate::provider::meta::Meta;

/// A fixture's bytes with some of them overwritten, removed or doubled.
fn damaged(folder: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let files: Vec<_> = fixtures(folder).iter().map(|file| fixture(&format!("{folder}/{file}"))).collect();
    let edits = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 1..6);
    (prop::sample::select(files), edits).prop_map(|(file, edits)| {
        let mut bytes = respaced(&file, "").into_bytes();
        for (at, byte, kind) in edits {
            let at = at.index(bytes.len().max(1));
            match kind {
                0 => bytes.insert(at, byte),
                1 if !bytes.is_empty() => drop(bytes.remove(at)),
                2 if !bytes.is_empty() => bytes[at] = byte,
                _ => bytes.truncate(at),
            }
        }
        bytes
    })
}

/// What a second, careless reader finds: the only id of an answer, and the code of its error.
fn read(body: &[u8]) -> (Option<String>, bool) {
    let Ok(value) = serde_json::from_slice::<serde_json::Value>(body) else { return (None, false) };
    let id = value["messages"].as_array().filter(|ids| ids.len() == 1).and_then(|ids| ids[0]["id"].as_str()).map(Into::into);
    (id, !value["error"]["code"].is_null())
}

proptest! {
    #[test]
    fn any_bytes_are_an_outcome_and_without_words_of_the_provider_an_unknown(
        status in 0_u16..1_000,
        body in prop::collection::vec(any::<u8>(), 0..512),
    ) {
        let outcome = Meta::new().classify(&Reply { status, retry_after: None, body: Bytes::from(body) });
        if (300..400).contains(&status) {
            prop_assert!(matches!(outcome, Outcome::Refused(_)));
        } else {
            prop_assert!(matches!(outcome, Outcome::Unknown(_)), "{outcome:?}");
        }
    }

    #[test]
    fn a_damaged_answer_is_accepted_only_with_its_one_id_and_refused_only_with_a_code(
        status in prop::sample::select(vec![200_u16, 201, 400, 401, 429, 500, 503]),
        body in damaged("replies"),
    ) {
        let (id, code) = read(&body);
        match Meta::new().classify(&Reply { status, retry_after: None, body: Bytes::from(body) }) {
            Outcome::Accepted { provider_id, .. } => {
                prop_assert!(status < 300 && !code);
                prop_assert_eq!(Some(provider_id), id);
            }
            Outcome::Refused(failure) => prop_assert!(code && failure.code.is_some() && failure.detail.chars().count() <= 300),
            Outcome::Unknown(failure) => prop_assert!(failure.detail.chars().count() <= 300),
            Outcome::NotSent(_) => prop_assert!(false, "an answer cannot prove that nothing left"),
        }
    }

    #[test]
    fn any_webhook_bytes_are_events_or_an_error(body in prop::collection::vec(any::<u8>(), 0..512)) {
        prop_assert!(Meta::new().events(&body).is_err());
    }

    #[test]
    fn damaged_webhooks_never_panic(body in damaged("webhooks")) {
        if let Ok(events) = Meta::new().events(&body) {
            for event in events {
                if let Event::Notice { field } = event {
                    prop_assert!(field.chars().count() <= 64);
                }
            }
        }
    }

    #[test]
    fn white_space_changes_no_event(
        file in prop::sample::select(fixtures("webhooks")),
        space in "[ \t\r\n]{0,3}",
    ) {
        let body = fixture(&format!("webhooks/{file}"));
        let events = |body: &str| Meta::new().events(body.as_bytes());
        prop_assert_eq!(events(&respaced(&body, &space)), events(&body));
    }

    #[test]
    fn a_request_parses_and_carries_its_reference_and_person(
        index in any::<prop::sample::Index>(),
        digits in 1_000_000_u64..=999_999_999_999_999,
        reference in "\\PC{1,64}",
        words in "\\PC{1,40}",
    ) {
        let messages = messages();
        let (_, message) = &messages[index.index(messages.len())];
        // Every text but those that are parsed on the way is replaced by one that needs escaping.
        let message = message
            .try_map(|slot, text| match slot.part {
                crate::message::Part::CurrencyAmount | crate::message::Part::OfferExpires => Ok::<_, ()>(text.clone()),
                _ => Ok(format!("{words}\"\\\u{1}\n")),
            })
            .unwrap();
        let to = Phone::from_digits(digits).unwrap();
        let request = Meta::new().encode(&Envelope { number_id: "1", to, message: &message, client_ref: &reference }).unwrap();
        let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
        prop_assert_eq!(&body["biz_opaque_callback_data"], &reference);
        prop_assert_eq!(&body["to"], &format!("+{digits}"));
        let kind = body["type"].as_str().unwrap();
        prop_assert!(body[kind].is_object() && body.as_object().unwrap().len() == 6);
        let mut texts = 0;
        message.visit(|_, text| texts += usize::from(serde_json::to_string(text).is_ok_and(|text| {
            std::str::from_utf8(&request.body).unwrap().contains(&text)
        })));
        let mut all = 0;
        message.visit(|slot, _| all += usize::from(!matches!(
            slot.part,
            crate::message::Part::CurrencyAmount | crate::message::Part::OfferExpires
        )));
        prop_assert_eq!(texts, all, "every text of the message is in the request");
    }
}

/// Written anew by another writer: keys in another order, other escapes and spaces.
#[test]
fn a_body_written_anew_says_the_same() {
    for file in fixtures("webhooks") {
        let body = fixture(&format!("webhooks/{file}"));
        let value: serde_json::Value = serde_json::from_str(&body).unwrap();
        let ascii: String = serde_json::to_string_pretty(&value)
            .unwrap()
            .chars()
            .flat_map(|char| if char.is_ascii() { char.to_string() } else { escape(char) }.chars().collect::<Vec<_>>())
            .collect();
        let objects =
            |body: &str| Meta::new().events(body.as_bytes()).map(|events| events.into_iter().map(unordered).collect::<Vec<_>>());
        assert_eq!(objects(&ascii), objects(&body), "{file}");
    }
}

fn escape(char: char) -> String {
    char.encode_utf16(&mut [0; 2]).iter().fold(String::new(), |text, unit| text + &format!("\\u{unit:04x}"))
}

/// An event whose raw objects are compared as objects.
fn unordered(mut event: Event) -> (Event, Vec<serde_json::Value>) {
    let mut objects = Vec::new();
    if let Event::Status(status) = &mut event {
        for raw in [status.pricing.take(), status.conversation.take()].into_iter().flatten() {
            objects.push(serde_json::from_str(&raw).unwrap());
        }
    }
    (event, objects)
}

#[test]
fn encoding_is_repeatable() {
    for (_, message) in messages() {
        assert_eq!(encode(&message), encode(&message));
    }
}
