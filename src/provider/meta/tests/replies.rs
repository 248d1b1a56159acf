use std::time::Duration;

use bytes::Bytes;

use super::{fixture, fixtures};
use crate::provider::contract::{Class, Failure, Outcome, Provider, Reply};
use crate::provider::meta::Meta;
use crate::provider::meta::codes::{self, Proof};

const ID: &str = "wamid.HBgNNTIxNTUxMjM0NTY3OBUCABEYEjlBM0NBNUIzRDRDRDZFNjdFNwA=";

fn classify(status: u16, body: impl Into<Bytes>) -> Outcome {
    Meta::new().classify(&Reply { status, retry_after: None, body: body.into() })
}

/// An outcome in few words: what is known, the class, the code.
fn brief(outcome: &Outcome) -> String {
    let said = |known: &str, Failure { class, code, .. }: &Failure| {
        code.as_ref().map_or_else(|| format!("{known} {class:?}"), |code| format!("{known} {class:?} {code}"))
    };
    match outcome {
        Outcome::Accepted { provider_id, held } => {
            assert_eq!(provider_id, ID);
            if *held { "accepted held".into() } else { "accepted".into() }
        }
        Outcome::Refused(failure) => said("refused", failure),
        Outcome::NotSent(failure) => said("not sent", failure),
        Outcome::Unknown(failure) => said("unknown", failure),
    }
}

#[test]
fn each_answer_means_what_the_table_says() {
    let cases = [
        (200, "accepted.json", "accepted"),
        (200, "accepted_template.json", "accepted"),
        (200, "accepted_new_fields.json", "accepted"),
        (201, "accepted.json", "accepted"),
        (200, "held_by_pacing.json", "accepted held"),
        (200, "paused.json", "accepted held"),
        (200, "no_ids.json", "unknown Unlisted"),
        (200, "empty_id.json", "unknown Unlisted"),
        (200, "two_ids.json", "unknown Unlisted"),
        (200, "success_true.json", "unknown Unlisted"),
        (200, "truncated.json", "unknown Unlisted"),
        (200, "proxy_page.html", "unknown Unlisted"),
        (200, "error_and_messages.json", "unknown Unlisted"),
        (400, "accepted.json", "unknown Unlisted"),
        (500, "accepted.json", "unknown Transient"),
        (102, "accepted.json", "unknown Unlisted"),
        (301, "accepted.json", "refused Request"),
        (302, "proxy_page.html", "refused Request"),
        (400, "throughput_130429.json", "refused SlowNumber 130429"),
        (429, "throughput_130429.json", "refused SlowNumber 130429"),
        (200, "throughput_130429.json", "refused SlowNumber 130429"),
        (400, "pair_rate_131056.json", "refused PairLater 131056"),
        (500, "something_went_wrong_131000.json", "unknown Transient 131000"),
        (400, "something_went_wrong_131000.json", "unknown Transient 131000"),
        (503, "service_down_2.json", "unknown Transient 2"),
        (401, "token_expired_190.json", "refused Auth 190"),
        (401, "token_malformed_190.json", "refused Auth 190"),
        (403, "permission_200.json", "refused Auth 200"),
        (404, "template_missing_132001.json", "refused Template 132001"),
        (400, "values_132000.json", "refused Request 132000"),
        (400, "not_allowed_131030.json", "refused Request 131030"),
        (500, "maintenance_131057.json", "refused SlowNumber 131057"),
        (400, "code_as_text.json", "refused WindowClosed 131047"),
        (400, "unlisted_137000.json", "refused Unlisted 137000"),
        (401, "unlisted_137000.json", "refused Auth 137000"),
        (429, "unlisted_137000.json", "refused SlowNumber 137000"),
        (500, "unlisted_137000.json", "unknown Transient 137000"),
        (200, "unlisted_137000.json", "unknown Unlisted 137000"),
        (400, "unlisted_transient_137001.json", "unknown Transient 137001"),
        (400, "error_without_code.json", "unknown Unlisted"),
        (400, "proxy_page.html", "unknown Unlisted"),
        (429, "proxy_page.html", "unknown SlowNumber"),
        (502, "proxy_page.html", "unknown Transient"),
        (504, "error_without_code.json", "unknown Transient"),
    ];
    for (status, file, expected) in cases {
        let outcome = classify(status, fixture(&format!("replies/{file}")));
        assert_eq!(brief(&outcome), expected, "{status} {file}");
    }
    for file in fixtures("replies") {
        assert!(cases.iter().any(|(_, shown, _)| *shown == file), "{file} is shown by a case");
    }
}

#[test]
fn every_listed_code_reacts_as_its_row_says_whatever_the_status() {
    assert!(codes::TABLE.windows(2).all(|pair| pair[0].code < pair[1].code), "ascending, for the search");
    for row in codes::TABLE {
        for status in [200, 400, 401, 403, 404, 429, 500, 503] {
            let body = format!(r#"{{"error":{{"code":{},"message":"m"}}}}"#, row.code);
            let failure =
                Failure { class: row.class, code: Some(row.code.to_string()), detail: "m".into(), retry_after: row.wait() };
            let expected = match row.proof {
                Proof::NotSent => Outcome::Refused(failure),
                Proof::Nothing => Outcome::Unknown(failure),
            };
            assert_eq!(classify(status, body), expected, "{status} {}", row.code);
        }
        assert_eq!(codes::meaning(&row.code.to_string()), Some(row.meaning));
        assert!(!row.meaning.is_empty() && !row.meaning.ends_with('.'), "{}", row.code);
    }
    assert_eq!(codes::meaning("137000"), None);
    assert_eq!(codes::meaning("x"), None);
    for code in [200, 250, 299] {
        assert_eq!(codes::find(code).map(|row| row.class), Some(Class::Auth));
    }
}

/// The reactions of `protocols/meta-cloud-api.md`, section 4.2, written down a second time: a slip in one of the two shows.
#[test]
fn the_table_is_the_document() {
    use Class::*;
    let document: &[(Class, &[u32])] = &[
        (Auth, &[0, 3, 10, 104, 190, 200, 219, 299, 131_005]),
        (Transient, &[1, 2, 131_000, 131_016, 133_004, 134_101, 2_494_100]),
        (SlowNumber, &[4, 80_007, 130_429, 131_057]),
        (PairLater, &[131_056]),
        (Hold, &[131_049]),
        (OptOut, &[131_050]),
        (WindowClosed, &[131_047, 131_070]),
        (Recipient, &[130_403, 130_472, 130_497, 131_021, 131_026]),
        (Payment, &[131_042, 131_044, 134_011]),
        (Policy, &[368, 131_031, 131_064]),
        (Template, &[132_001, 132_007, 132_015, 132_016, 132_068, 132_069]),
        (OtherPath, &[131_055, 131_061, 131_062, 131_063, 134_100, 134_102, 139_200]),
        (Unlisted, &[131_052, 131_060]),
        (
            Number,
            &[
                33, 131_037, 131_045, 131_048, 133_000, 133_005, 133_006, 133_008, 133_009, 133_010, 133_015, 133_016, 136_024,
                136_025, 147_005,
            ],
        ),
        (
            Request,
            &[
                100, 131_008, 131_009, 131_030, 131_051, 131_053, 131_058, 131_059, 132_000, 132_005, 132_008, 132_012, 132_018,
                135_000, 200_005, 200_006, 200_007, 2_388_019, 2_388_024, 2_388_039, 2_388_040, 2_388_047, 2_388_072, 2_388_073,
                2_388_293, 2_388_299, 2_388_318, 2_388_330,
            ],
        ),
    ];
    let mut listed = 0;
    for (class, codes) in document {
        for code in *codes {
            let row = codes::find(*code).unwrap_or_else(|| panic!("{code} is not in the table"));
            assert_eq!(row.class, *class, "{code}");
            listed += usize::from(row.code == *code && !(200..300).contains(code));
        }
    }
    assert_eq!(listed, codes::TABLE.len(), "every row is in the document");
    let doubtful: Vec<_> = codes::TABLE.iter().filter(|row| row.proof == Proof::Nothing).map(|row| row.code).collect();
    assert_eq!(doubtful, [1, 2, 131_000, 131_016, 133_004, 2_494_100]);
}

#[test]
fn details_name_no_person_and_no_token() {
    let detail = |file: &str| match classify(400, fixture(&format!("replies/{file}"))) {
        Outcome::Refused(failure) => failure.detail,
        other => panic!("{other:?}"),
    };
    let not_allowed = detail("not_allowed_131030.json");
    assert!(not_allowed.starts_with("Recipient phone number *** not in allowed list"), "{not_allowed}");
    assert_eq!(detail("token_malformed_190.json"), "Malformed access token ***");
    assert_eq!(detail("throughput_130429.json"), "Cloud API message throughput has been reached.");
}

#[test]
fn the_wait_is_the_answers_or_else_the_pages() {
    let wait = |retry_after, file: &str| {
        let body = fixture(&format!("replies/{file}")).into();
        match Meta::new().classify(&Reply { status: 400, retry_after, body }) {
            Outcome::Refused(failure) | Outcome::Unknown(failure) => failure.retry_after,
            other => panic!("{other:?}"),
        }
    };
    let asked = Some(Duration::from_secs(7));
    assert_eq!(wait(asked, "throughput_130429.json"), asked);
    assert_eq!(wait(asked, "maintenance_131057.json"), asked);
    assert_eq!(wait(asked, "proxy_page.html"), asked);
    assert_eq!(wait(None, "throughput_130429.json"), None);
    assert_eq!(wait(None, "maintenance_131057.json"), Some(Duration::from_mins(1)));
}

/// Cut anywhere, an acceptance is unknown: never accepted, never refused.
#[test]
fn every_cut_of_an_answer_is_unknown() {
    for file in ["accepted.json", "held_by_pacing.json", "not_allowed_131030.json", "something_went_wrong_131000.json"] {
        let whole = fixture(&format!("replies/{file}"));
        let whole = whole.trim_end().as_bytes();
        for cut in 0..whole.len() {
            for status in [200, 400, 500] {
                let outcome = classify(status, whole[..cut].to_vec());
                assert!(matches!(outcome, Outcome::Unknown(_)), "{status} {file} cut at {cut}: {outcome:?}");
            }
        }
    }
}
