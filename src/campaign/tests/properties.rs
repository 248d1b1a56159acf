//! What holds for every text.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::examples::ALL;
use super::*;
use crate::campaign::document;
use crate::campaign::shape::Shape;
use crate::campaign::tree::{Table, Value};

/// Every step on any text: reading it and saying what is wrong.
fn exercise(text: &str) {
    let problems = match parse(text, &context()) {
        Ok((_, warnings)) => {
            assert!(warnings.iter().all(|problem| problem.severity == Severity::Warning));
            warnings
        }
        Err(problems) => {
            assert!(problems.iter().any(|problem| problem.severity == Severity::Error));
            problems
        }
    };
    for problem in &problems {
        assert!(problem.span.start <= problem.span.end && problem.span.end <= text.len(), "{problem:?}");
        assert!(text.is_char_boundary(problem.span.start) && text.is_char_boundary(problem.span.end), "{problem:?}");
        assert!(problem.help.is_some(), "{problem:?}");
    }
    assert_eq!(diagnostic::lines(&problems, "c.toml", text).lines().count(), problems.len());
    for colour in [false, true] {
        diagnostic::terminal(&problems, "c.toml", text, colour);
    }
    diagnostic::json(&problems, "c.toml", text);
}

/// The keys of a file that have names of their own, with their places. Keys inside a table of values are the writer's.
fn keys(table: &Table, found: &mut Vec<(String, std::ops::Range<usize>)>) {
    for entry in &table.entries {
        found.push((entry.key.clone(), entry.span.clone()));
        match &entry.node.value {
            Value::Table(inner) if entry.key != "body" => keys(inner, found),
            Value::List(nodes) => {
                nodes.iter().filter_map(crate::campaign::tree::Node::table).for_each(|inner| keys(inner, found));
            }
            _ => {}
        }
    }
}

/// All names the description knows, and those of parts to come.
pub(super) fn known(shape: &'static Shape, found: &mut Vec<&'static str>) {
    match shape {
        Shape::Table(keys) => known_keys(keys, found),
        Shape::Kinds(kinds) => {
            found.push(kinds.tag);
            kinds.words.iter().for_each(|(.., keys)| known_keys(keys, found));
        }
        Shape::List { of, .. } | Shape::Named { of, .. } => known(of, found),
        Shape::Either(shapes) => shapes.iter().for_each(|shape| known(shape, found)),
        _ => {}
    }
}

fn known_keys(keys: &'static crate::campaign::shape::Keys, found: &mut Vec<&'static str>) {
    found.extend(keys.later.iter().map(|later| later.name));
    for key in keys.known {
        found.push(key.name);
        known(&key.shape, found);
    }
}

fn slip(name: &str, kind: u8, at: Index, letter: char) -> String {
    let mut letters: Vec<char> = name.chars().collect();
    let at = at.index(letters.len());
    match kind {
        0 => letters.insert(at, letter),
        1 => letters[at] = letter,
        2 => drop(letters.remove(at)),
        _ => letters.swap(at, (at + 1).min(name.len() - 1)),
    }
    letters.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics(text in any::<String>()) {
        exercise(&text);
    }

    #[test]
    fn no_soup_of_campaign_words_panics(words in proptest::collection::vec(select(vec![
        "name", "sender", "audience", "template", "cards", "body", "header", "kind", "buttons", "free_form", "image", " = ", " = ", ".",
        "\n", "\n", "[", "]", "[[", "]]", "{", "}", ", ", "\"", "\"\"\"", "'", "\"text\"", "\"x{{y}}\"", "1", "-0", "true", "nan", "\u{0}",
        "é", "\u{202e}", "\\", "#", "\r", "\t", "🎉", "EAAaaaaaaaaaaaaaaaaaaaaaaaaa", "Bearer aaaaaaaaaaaaaaaaaaaaaa", "2030-01-01",
    ]), 0..60)) {
        exercise(&words.concat());
    }

    #[test]
    fn no_damage_to_a_good_file_panics(text in select(ALL.to_vec()), from in any::<Index>(), len in 0usize..40, put in ".{0,6}") {
        let chars: Vec<char> = text.chars().collect();
        let from = from.index(chars.len());
        let to = (from + len).min(chars.len());
        let damaged: String = chars[..from].iter().copied().chain(put.chars()).chain(chars[to..].iter().copied()).collect();
        exercise(&damaged);
    }

    /// One key misspelt: one problem, at the key, with the key that was meant.
    #[test]
    fn a_slip_in_a_key_is_one_problem(
        text in select(ALL.to_vec()), which in any::<Index>(), kind in 0u8..4, at in any::<Index>(), letter in proptest::char::range('a', 'z'),
    ) {
        let mut places = Vec::new();
        keys(&document::read(text).root, &mut places);
        let (name, span) = which.get(&places).clone();
        let misspelt = slip(&name, kind, at, letter);
        let mut names = Vec::new();
        known_keys(&crate::campaign::keys::CAMPAIGN, &mut names);
        // Not a slip, or one that makes another good key.
        prop_assume!(!misspelt.is_empty() && !names.contains(&misspelt.as_str()));
        // The first of several `[[template.cards]]` alone: that splits the list instead.
        prop_assume!(!(text.contains("[[template.cards]]") && (name == "cards" || name == "template")));
        let mut broken = text.to_owned();
        broken.replace_range(span.clone(), &misspelt);
        let problems: Vec<Problem> = match parse(&broken, &context()) {
            Ok(_) => panic!("accepted"),
            Err(problems) => problems.into_iter().filter(|problem| problem.severity == Severity::Error).collect(),
        };
        let unknown = problems.iter().find(|problem| problem.code == "unknown_key").unwrap();
        prop_assert_eq!(&unknown.span, &(span.start..span.start + misspelt.len()));
        let help = unknown.help.clone().unwrap();
        let meant = help.strip_prefix("did you mean `").and_then(|rest| rest.strip_suffix("`?")).unwrap_or_default().to_owned();
        // Another key may be as near: then either is a fair guess.
        prop_assume!(meant == name || strsim::osa_distance(&meant, &misspelt) > 1);
        prop_assert_eq!(meant, name, "{}", diagnostic::terminal(&problems, "c.toml", &broken, false));
        prop_assert_eq!(problems.len(), 1, "{}", diagnostic::terminal(&problems, "c.toml", &broken, false));
    }
}

/// Dotted keys in inline tables in dotted keys: 79 × 79 tables deep, which is as deep as the parser follows.
#[test]
fn nesting_that_multiplies_does_no_harm() {
    let dotted = vec!["a"; 79].join(".");
    let nested = format!("{}1{}", format!("{{{dotted}=").repeat(78), "}".repeat(78));
    exercise(&format!("{dotted} = {nested}\n"));
    exercise(&format!("[{dotted}]\n{dotted} = {nested}\n"));
}

/// A file of another kind is answered shortly, however much is wrong with it.
#[test]
fn files_full_of_mistakes_are_answered_shortly() {
    use std::fmt::Write as _;
    let mut keys = String::new();
    for number in 0..30_000 {
        writeln!(keys, "k{number}=").unwrap();
    }
    let secrets = "token=\"EAAaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"\n".repeat(5_000);
    for text in [keys, "x\n".repeat(50_000), "a=yes\n".repeat(30_000), secrets] {
        let problems = parse(&text, &context()).unwrap_err();
        assert_eq!((problems.len(), problems.last().unwrap().code), (1001, "and_more"));
        assert_eq!(diagnostic::lines(&problems, "c.toml", &text).lines().count(), 1001);
    }
    for text in ["[".repeat(1_000_000), "'".repeat(1_000_000), "{a=".repeat(300_000), "a.".repeat(500_000)] {
        exercise(&text);
    }
}
