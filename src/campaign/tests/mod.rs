//! The campaign file, from text to campaign.

use std::collections::BTreeMap;

use super::*;

/// 2026-11-21T00:00:00Z.
const NOW: Timestamp = Timestamp(1_795_219_200_000);

fn context() -> Context {
    let sender = |idempotent: bool| KnownSender {
        provider: if idempotent { "gosend" } else { "meta" }.to_owned(),
        idempotent,
        rate: "80/s".parse().ok(),
    };
    let senders = BTreeMap::from([
        ("demo".to_owned(), sender(false)),
        ("demo-2".to_owned(), sender(false)),
        ("steady".to_owned(), sender(true)),
    ]);
    Context { senders: Some(senders), now: NOW }
}

fn accepted(text: &str) -> (Campaign, Vec<Problem>) {
    parse(text, &context()).unwrap_or_else(|problems| panic!("{}", diagnostic::terminal(&problems, "campaign.toml", text, false)))
}

/// Everything said about a text, one line each.
fn said(text: &str) -> String {
    let problems = match parse(text, &context()) {
        Ok((_, warnings)) => warnings,
        Err(problems) => problems,
    };
    diagnostic::lines(&problems, "c.toml", text)
}

const SMALL: &str = r#"name = "spring-sale"
purpose = "utility"
sender = "demo"

[audience]
file = "audiences/spring.csv"

[template]
name = "spring_sale"
language = "es_MX"
"#;

#[test]
fn a_small_campaign_is_accepted() {
    let (campaign, warnings) = accepted(SMALL);
    assert_eq!(campaign.name, "spring-sale");
    assert_eq!(campaign.senders, ["demo"]);
    assert_eq!(warnings, []);
    assert_eq!(said(SMALL), "");
}
