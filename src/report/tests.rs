//! Every format over one ledger with a bit of everything, and nasty names in it.

use super::csv::Csv;
use super::explain::Explanation;
use super::fixture::{Recipient, Rows, START, head};
use super::format::{Format, ReportError};
use super::json::{Json, document};
use super::model::RunReport;
use super::port::{Listing, Reports, SenderName};
use super::runs::{RunLine, list, show};
use super::text::Text;
use super::words::Words;
use crate::outbound::key::RunNo;
use crate::outbound::ledger::{OutcomeKind, RouteTaken, RowCounts, SenderNo, SettledBy};
use crate::outbound::status::{Flags, RunState, State};
use crate::time::Timestamp;

const WORDS: Words<'static> = Words {
    code: &|code| match code {
        "131026" => Some("message undeliverable"),
        "131047" => Some("the customer service window is closed"),
        "131049" => Some("held back by the provider for this person"),
        _ => None,
    },
    reason: &|reason| (reason == 1).then_some("no_consent"),
};

fn mixed() -> Rows {
    use OutcomeKind::{Accepted, NotSent, Refused, Unknown};
    use RouteTaken::{FreeForm, Template};
    let no = RunNo(3);
    let mut recipients = Vec::new();
    let mut add = |one: Recipient| recipients.push(one);
    add(Recipient::new(no, 1, State::Accepted).call(FreeForm, 1, Accepted, None, 0).said(Some(1), Some(2), Some(60), None));
    add(Recipient::new(no, 2, State::Accepted).call(Template, 2, Accepted, None, 500).said(Some(2), Some(9), None, None));
    add(Recipient::new(no, 3, State::Accepted).call(Template, 1, Accepted, None, 1_500).said(
        Some(3),
        None,
        None,
        Some((4, "131049")),
    ));
    add(Recipient::new(no, 4, State::Accepted).call(Template, 2, Accepted, None, 1_600).said(
        Some(3),
        Some(4),
        None,
        Some((5, "131026")),
    ));
    add(Recipient::new(no, 5, State::Accepted).call(Template, 2, NotSent, None, 1_700).call(Template, 2, Accepted, None, 9_000));
    add(Recipient::new(no, 6, State::Rejected).call(Template, 1, Refused, Some("131026"), 2_000));
    add(Recipient::new(no, 7, State::Rejected).call(Template, 1, Refused, Some("=cmd|' /C calc'!A0"), 2_100));
    let mut skipped = Recipient::new(no, 8, State::Skipped);
    skipped.row.reason = 1;
    add(skipped);
    let mut skipped = Recipient::new(no, 9, State::Skipped);
    skipped.row.reason = 77;
    add(skipped);
    let mut closed = Recipient::new(no, 10, State::Accepted)
        .call(FreeForm, 1, Accepted, None, 3_000)
        .said(None, None, None, Some((5, "131047")))
        .renewed()
        .call(Template, 1, Accepted, None, 6_000)
        .said(Some(7), None, None, None);
    closed.row.flags = Flags::FORCE_TEMPLATE;
    closed.values = vec!["Ana\u{1b}[2J".into(), "=HYPERLINK(\"x\")".into()];
    add(closed);
    let mut unknown = Recipient::new(no, 11, State::UnknownFinal).call(Template, 2, Unknown, None, 3_500);
    unknown.row.flags = Flags::PROBABLY_ACCEPTED;
    unknown.calls[0].settled_by = SettledBy::Recovery;
    unknown.calls[0].http = 0;
    unknown.calls[0].detail = Some("the process ended over the call".into());
    add(unknown);
    let mut twice = Recipient::new(no, 12, State::Accepted)
        .call(Template, 2, Unknown, None, 4_000)
        .renewed()
        .call(Template, 2, Accepted, None, 65_000)
        .said(Some(66), Some(70), Some(71), None);
    twice.row.flags = Flags::POSSIBLE_DUPLICATE;
    add(twice);
    let mut open = Recipient::new(no, 13, State::Intent);
    open.row.tries = 1;
    open.intend(Template, 1, Timestamp(START.0 + 70_000));
    add(open);
    add(Recipient::new(no, 14, State::Pending));
    add(Recipient::new(no, 15, State::Expired));
    Rows {
        head: crate::report::port::RunHead {
            state: RunState::Paused,
            reason: Some("template_paused: spring_sale_v3".into()),
            audience_name: "audiences/@spring \u{202e}.csv".into(),
            rows: RowCounts { read: 18, planned: 15, bad: 2, duplicate: 1 },
            started_at: Some(START),
            expires_at: Some(Timestamp(START.0 + 43_200_000)),
            ..head(3, RunState::Paused)
        },
        senders: vec![
            SenderName { no: SenderNo(1), name: "=shop-mx".into() },
            SenderName { no: SenderNo(2), name: "Tienda \"Núm. 2\", CDMX".into() },
        ],
        rejected: vec![(4, "invalid_number".into()), (7, "missing_value".into()), (9, "duplicate".into())],
        columns: vec!["first_name".into(), "link".into()],
        recipients,
        windows: vec![(
            SenderNo(1),
            crate::audience::Phone::from_digits(5_215_512_340_010).unwrap(),
            Timestamp(START.0 - 3_600_000),
        )],
    }
}

async fn written(format: &dyn Format, rows: &Rows) -> String {
    let mut out = Vec::new();
    format.write(rows, &rows.head.id, WORDS, &mut out).await.unwrap();
    String::from_utf8(out).unwrap()
}

#[tokio::test]
async fn text_for_people() {
    insta::assert_snapshot!(written(&Text::default(), &mixed()).await);
}

#[tokio::test]
async fn text_on_a_narrow_terminal() {
    let text = written(&Text { width: Some(60) }, &mixed()).await;
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn text_of_a_run_without_anything() {
    let rows = Rows { head: head(1, RunState::Planning), recipients: Vec::new(), rejected: Vec::new(), ..mixed() };
    insta::assert_snapshot!(written(&Text::default(), &rows).await);
}

#[tokio::test]
async fn json_for_machines() {
    let text = written(&Json, &mixed()).await;
    assert!(text.ends_with("}\n"));
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn csv_a_recipient_a_line() {
    let text = written(&Csv::of(Listing::All), &mixed()).await;
    assert!(text.lines().count() == 16 && text.matches("\r\n").count() == 16);
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn csv_of_doubts() {
    insta::assert_snapshot!(written(&Csv::of(Listing::Unknown), &mixed()).await);
    insta::assert_snapshot!(written(&Csv { mark: true, raw: true, ..Csv::of(Listing::PossibleDuplicates) }, &mixed()).await);
}

#[tokio::test]
async fn csv_pages_have_no_seams() {
    let rows = mixed();
    let whole = written(&Csv::of(Listing::All), &rows).await;
    for page in [1, 2, 3, 5, 14, 15, 16] {
        assert_eq!(written(&Csv { page, ..Csv::of(Listing::All) }, &rows).await, whole, "pages of {page}");
    }
}

#[tokio::test]
async fn csv_guarded_reads_back_as_raw() {
    let rows = mixed();
    let parsed = |text: String| -> Vec<Vec<String>> {
        let mut reader = ::csv::Reader::from_reader(text.as_bytes());
        reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
    };
    let raw = parsed(written(&Csv { raw: true, ..Csv::of(Listing::All) }, &rows).await);
    let mut guarded = parsed(written(&Csv::of(Listing::All), &rows).await);
    assert_ne!(guarded, raw);
    for cell in guarded.iter_mut().flatten() {
        assert!(!cell.starts_with(['=', '+', '-', '@']), "{cell}");
        *cell = super::cell::unguard(cell).to_owned();
    }
    assert_eq!(guarded, raw);
}

#[tokio::test]
async fn a_lost_delivery_is_shown_loudly() {
    let mut rows = mixed();
    rows.recipients.remove(0);
    let text = written(&Text::default(), &rows).await;
    assert_eq!(text.matches("!! MISMATCH: planned = terminal + open: 15 against 14").count(), 2, "{text}");
    assert!(text.contains("DO NOT come out"));
    let report = RunReport::new(&rows.facts(), WORDS);
    assert_eq!(report.broken().map(|check| check.what).collect::<Vec<_>>(), ["planned = terminal + open"]);
}

#[tokio::test]
async fn a_lost_outcome_is_shown_loudly() {
    let mut rows = mixed();
    rows.recipients[0].calls.clear();
    let report = RunReport::new(&rows.facts(), WORDS);
    assert_eq!(report.broken().map(|check| check.what).collect::<Vec<_>>(), ["calls intended = recorded + in flight"]);
}

#[tokio::test]
async fn an_unknown_run_is_named() {
    let error = Json.write(&mixed(), "nope", WORDS, &mut Vec::new()).await.unwrap_err();
    assert!(matches!(error, ReportError::NoSuchRun(_)));
    assert_eq!(error.to_string(), "there is no run nope in this ledger; `fanfare runs` lists those it has");
}

#[tokio::test]
async fn a_person_explained() {
    let rows = mixed();
    let person = rows.recipients[9].row.person;
    let facts = rows.person(person).await.unwrap();
    let explanation = Explanation::new(&facts, WORDS, START);
    insta::assert_snapshot!(explanation.text(None));
    let mut out = Vec::new();
    document(&explanation, &mut out).unwrap();
    insta::assert_snapshot!(String::from_utf8(out).unwrap());
    let closed = Explanation::new(&facts, WORDS, Timestamp(START.0 + 23 * 3_600_000));
    assert!(explanation.windows[0].open && !closed.windows[0].open);
    let nobody = rows.person(crate::audience::Phone::from_digits(4_400_000_000).unwrap()).await.unwrap();
    insta::assert_snapshot!(Explanation::new(&nobody, WORDS, START).text(None));
}

#[tokio::test]
async fn runs_listed_and_shown() {
    let rows = mixed();
    let mut lines = Vec::new();
    for counted in [true, false] {
        let listed = rows.run_list(20, counted).await.unwrap();
        lines.extend(listed.iter().map(|(head, counts)| RunLine::new(head, *counts)));
    }
    insta::assert_snapshot!(list(&lines, None));
    insta::assert_snapshot!(show(&lines[0], Some(80)));
    assert_eq!(list(&[], None), "no runs yet\n");
}
