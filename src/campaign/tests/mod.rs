//! The campaign file, from text to campaign.

mod accepted;
mod bad_files;
mod examples;
mod meaning;
mod properties;
mod rendering;
mod schema;
mod shipped;

use std::collections::BTreeMap;

use super::*;

/// 2026-11-21T00:00:00Z.
const NOW: Timestamp = Timestamp(1_795_219_200_000);

/// `demo` and `demo-2` cannot recognise a repeated request, `steady` can; each sends at most 80 a second.
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

/// Exactly these lines are said, each after `c.toml:`.
fn says(text: &str, lines: &[&str]) {
    let said = said(text);
    let said: Vec<&str> = said.lines().map(|line| line.strip_prefix("c.toml:").unwrap()).collect();
    assert_eq!(said, lines);
}

/// A campaign about which nothing is said.
const SMALL: &str = r#"name = "spring-sale"
purpose = "utility"
sender = "demo"

[audience]
file = "audiences/spring.csv"

[template]
name = "spring_sale"
language = "es_MX"
"#;

/// [`SMALL`] with `new` in the place of `old`.
fn small_with(old: &str, new: &str) -> String {
    assert!(SMALL.contains(old), "{old}");
    SMALL.replace(old, new)
}

/// [`SMALL`] with lines at its end, which is inside `[template]`.
fn small_and(lines: &str) -> String {
    format!("{SMALL}{lines}\n")
}

#[test]
fn nothing_is_said_about_a_small_campaign() {
    let (campaign, warnings) = accepted(SMALL);
    assert_eq!((campaign.name.as_str(), campaign.senders.as_slice()), ("spring-sale", ["demo".to_owned()].as_slice()));
    assert_eq!(warnings, []);
    assert_eq!(said(SMALL), "");
}
