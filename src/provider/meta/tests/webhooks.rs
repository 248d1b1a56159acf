use std::fmt::Write as _;

use super::{fixture, fixtures, respaced};
use crate::provider::contract::{Event, InboundEvent, Provider, StatusEvent};
use crate::provider::meta::Meta;

pub(super) fn events(body: &str) -> Vec<Event> {
    Meta::new().events(body.as_bytes()).unwrap()
}

/// An event in few words.
fn brief(event: &Event) -> String {
    let mut words = String::new();
    match event {
        Event::Notice { field } => write!(words, "notice {field}"),
        Event::Status(StatusEvent { number_id, provider_id, status, at, recipient, client_ref, failure, .. }) => {
            assert!(provider_id.starts_with("wamid.HBg"), "{provider_id}");
            let why = failure.as_ref().map_or_else(String::new, |failure| {
                format!(" {:?} {} \"{}\"", failure.class, failure.code.as_deref().unwrap_or("-"), failure.detail)
            });
            let recipient = recipient.map_or_else(|| "-".into(), |phone| phone.digits().to_string());
            let client_ref = client_ref.as_deref().unwrap_or("-");
            write!(words, "{status:?} {} {number_id} {recipient} {client_ref}{why}", at.0)
        }
        Event::Inbound(InboundEvent { number_id, from, provider_id, at, opens_window, text, answers }) => {
            assert_eq!((number_id.as_str(), provider_id.as_str()), ("106540352242922", "wamid.HBgInbound"));
            assert_eq!((from.digits(), at.0), (5_215_512_345_678, 1_795_225_600_000));
            let text = text.as_deref().unwrap_or("-");
            let answers = if answers.is_some() { " answers" } else { "" };
            write!(words, "{} {text}{answers}", if *opens_window { "opens" } else { "ignored" })
        }
    }
    .unwrap();
    words
}

const SENT: &str = "Sent 1795225500000 106540352242922 5215512345678 w1-7KQ2M4X9-0";

#[test]
fn each_body_says_what_its_file_is_named_after() {
    let failed = |reference: &str, why: &str| format!("Failed 1795225500000 106540352242922 5215512345678 {reference} {why}");
    let cases: Vec<(&str, Vec<String>)> = vec![
        ("status_sent", vec![SENT.into()]),
        (
            "status_delivered_in_free_entry_point",
            vec!["Delivered 1795225503000 106540352242922 5215512345678 w1-7KQ2M4X9-0".into()],
        ),
        ("status_read_without_number", vec!["Read 1795225500000 106540352242922 - -".into()]),
        ("status_played", vec!["Read 1795225500000 106540352242922 5215512345678 -".into()]),
        (
            "status_failed_131049",
            vec![failed(
                "w1-7KQ2M4X9-0",
                "Hold 131049 \"In order to maintain a healthy ecosystem engagement, the message failed to be delivered.\"",
            )],
        ),
        (
            "status_failed_131050",
            vec![failed(
                "-",
                "OptOut 131050 \"Unable to deliver the message. This recipient has chosen to stop receiving marketing messages.\"",
            )],
        ),
        (
            "status_failed_131047",
            vec![failed(
                "-",
                "WindowClosed 131047 \"Message failed to send because more than 24 hours have passed since the customer *** last \
                 replied to this number.\"",
            )],
        ),
        ("status_failed_132015", vec![failed("-", "Template 132015 \"Template is paused due to low quality\"")]),
        (
            "status_failed_131042",
            vec![failed(
                "-",
                "Payment 131042 \"Message failed to send because there were one or more errors related to your payment method.\"",
            )],
        ),
        ("status_failed_unlisted", vec![failed("-", "Unlisted 139999 \"Something new\"")]),
        ("status_failed_without_reason", vec![failed("-", "Unlisted - \"failed without a reason\"")]),
        (
            "statuses_batch_two_numbers",
            vec![
                "Sent 1795225500000 106540352242922 5215512345678 -".into(),
                "Delivered 1795225502000 106540352242922 5215512345678 -".into(),
                "Read 1795225509000 106540352242922 5215512345678 -".into(),
                "Sent 1795225500000 206540352242922 5215512345678 -".into(),
            ],
        ),
        (
            "one_status_malformed",
            vec![
                "Sent 1795225500000 106540352242922 5215512345678 -".into(),
                "notice messages: unreadable status".into(),
                "notice messages: unreadable status".into(),
                "notice messages: status exploded".into(),
                "Read 1795225509000 106540352242922 5215512345678 -".into(),
            ],
        ),
        ("inbound_text", vec!["opens STOP".into()]),
        ("inbound_template_quick_reply", vec!["opens STOP_PROMO answers".into()]),
        ("inbound_button_reply", vec!["opens yes answers".into()]),
        ("inbound_list_reply", vec!["opens row-2 answers".into()]),
        ("inbound_flow_reply", vec!["opens - answers".into()]),
        ("inbound_reaction", vec!["ignored - answers".into()]),
        ("inbound_media", ["para devolver", "-", "-", "recibo", "-"].map(|text| format!("opens {text}")).into()),
        ("inbound_location_contacts_order", vec!["opens -".into(); 3]),
        ("inbound_unsupported", vec!["opens -".into()]),
        ("inbound_opens_no_window", vec!["ignored -".into(); 4]),
        ("inbound_without_number", vec!["notice messages: message from a person without a phone number".into()]),
        ("inbound_from_advertisement", vec!["opens Quiero info".into()]),
        ("user_stopped_marketing", vec!["notice user_preferences".into()]),
        ("template_paused", vec!["notice message_template_status_update".into()]),
        ("account_restricted", vec!["notice account_update".into()]),
    ];
    for (file, expected) in &cases {
        let said: Vec<_> = events(&fixture(&format!("webhooks/{file}.json"))).iter().map(brief).collect();
        assert_eq!(&said, expected, "{file}");
    }
    assert_eq!(fixtures("webhooks").len(), cases.len() + 1, "every file is shown, one of them below");
}

fn only_status(body: &str) -> StatusEvent {
    let mut events = events(body);
    match (events.pop(), events.pop()) {
        (Some(Event::Status(status)), None) => status,
        other => panic!("one status, not {other:?}"),
    }
}

#[test]
fn pricing_and_conversation_are_kept_as_received_without_spaces() {
    let body = fixture("webhooks/status_delivered_in_free_entry_point.json");
    let status = only_status(&body);
    assert_eq!(
        status.pricing.unwrap(),
        r#"{"billable":false,"pricing_model":"PMP","type":"free_entry_point","category":"referral_conversion","cost":{"amount":0.035,"currency":"USD"}}"#
    );
    assert_eq!(
        status.conversation.unwrap(),
        r#"{"id":"c7a1","expiration_timestamp":"1795484700","origin":{"type":"referral_conversion"}}"#
    );
    let odd = respaced(&body, "").replace("0.035", "0.0350").replace("\"USD\"", "\"U \\\" \\\\\"");
    let status = only_status(&respaced(&odd, " \r\n\t"));
    assert!(
        status.pricing.unwrap().ends_with(r#""cost":{"amount":0.0350,"currency":"U \" \\"}}"#),
        "digits and texts as they were"
    );
}

#[test]
fn a_foreign_body_is_an_error() {
    let read = |body: &str| Meta::new().events(body.as_bytes()).map_err(|error| error.to_string());
    let foreign = read(&fixture("webhooks/not_whatsapp.json")).unwrap_err();
    assert_eq!(foreign, "unreadable webhook body: its object is `page`, not `whatsapp_business_account`");
    for body in
        ["", "{}", "[]", "null", "<html>", r#"{"object":"whatsapp_business_account"}"#, "{\"object\":\"page\",\"entry\":[]"]
    {
        assert!(read(body).is_err(), "{body}");
    }
    assert_eq!(read(r#"{"object":"whatsapp_business_account","entry":[]}"#), Ok(Vec::new()));
    assert!(Meta::new().events(&[0xff, 0xfe]).is_err());
}

/// The careful reading, piece by piece, says of a good body what the quick one says.
#[test]
fn one_bad_piece_leaves_every_good_one_as_it_was() {
    let spoilt_entry = r#""entry":[7,{"changes":[7,{"field":"messages","value":7}]},"#;
    for file in fixtures("webhooks").iter().filter(|file| *file != "not_whatsapp.json") {
        let body = respaced(&fixture(&format!("webhooks/{file}")), "");
        let spoilt = body.replacen(r#""entry":["#, spoilt_entry, 1);
        let said = events(&spoilt);
        let (notices, rest) = said.split_at(3);
        let notices: Vec<_> = notices.iter().map(brief).collect();
        assert_eq!(notices, ["notice unreadable entry", "notice unreadable change", "notice messages: unreadable"]);
        assert_eq!(rest, events(&body), "{file}");
    }
}

#[test]
fn a_body_of_a_thousand_statuses_is_walked_to_its_end() {
    let one = r#"{"id":"wamid.HBg#","status":"delivered","timestamp":"1795225503","recipient_id":"5215512345678"}"#;
    let all: Vec<_> = (0..1_000).map(|number| one.replace('#', &number.to_string())).collect();
    let body = format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"changes":[{{"field":"messages","value":{{"metadata":{{"phone_number_id":"1"}},"statuses":[{}]}}}}]}}]}}"#,
        all.join(",")
    );
    let ids: Vec<_> = events(&body)
        .into_iter()
        .map(|event| match event {
            Event::Status(status) => status.provider_id,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(ids, (0..1_000).map(|number| format!("wamid.HBg{number}")).collect::<Vec<_>>());
}
