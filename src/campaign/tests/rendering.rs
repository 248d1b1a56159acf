//! Problems on a terminal, as lines and as JSON.

use super::*;
use crate::campaign::diagnostic::{Position, json, lines, position, terminal};

const TEXT: &str = "name = \"año 👋\"; x\r\n\t\u{feff}second = 2\n";

#[test]
fn places_count_characters_from_one() {
    let place = |offset| {
        let Position { line, column } = position(TEXT, offset);
        (line, column)
    };
    assert_eq!(place(0), (1, 1));
    assert_eq!(place(TEXT.find('o').unwrap()), (1, 11));
    assert_eq!(place(TEXT.find('x').unwrap()), (1, 17));
    assert_eq!(place(TEXT.find("👋").unwrap() + 2), (1, 13));
    assert_eq!(place(TEXT.find("second").unwrap()), (2, 3));
    assert_eq!(place(TEXT.len()), (3, 1));
    assert_eq!(place(usize::MAX), (3, 1));
}

#[test]
fn on_a_terminal_the_line_is_shown_and_underlined() {
    let text = small_with("\"es_MX\"", "\"ñandú 👋\" # no");
    let problems = parse(&text, &context()).unwrap_err();
    let shown = terminal(&problems, "camp.toml", &text, false);
    let expected = "\
error[bad_language]: no language of a template
  --> camp.toml:10:13
   |
10 | language = \"ñandú 👋\" # no
   |             ^^^^^^^^
   |
   = help: write it as the provider's catalogue does: `es`, `es_MX`, `pt_BR`
";
    assert_eq!(shown, expected);
    let coloured = terminal(&problems, "camp.toml", &text, true);
    assert!(coloured.contains("\u{1b}["));
    assert!(!shown.contains('\u{1b}'));
}

/// The place above a shown line is the place of the one-line form, also behind wide characters and tabs.
#[test]
fn all_forms_give_the_same_place() {
    for old in ["\t\"año 👋\" = 1", "\"名前\" = 1\n\t\tx = 2", "'a\u{301}' = 1"] {
        let text = small_with("purpose", &format!("{old}\npurpose"));
        let problems = parse(&text, &context()).unwrap_err();
        let shown = terminal(&problems, "camp.toml", &text, false);
        let places: Vec<&str> = shown.lines().filter_map(|line| line.trim_start().strip_prefix("--> ")).collect();
        let listed = lines(&problems, "camp.toml", &text);
        let listed: Vec<&str> = listed.lines().filter_map(|line| line.split_once(": ").map(|(place, _)| place)).collect();
        assert_eq!(places, listed);
    }
}

#[test]
fn json_has_every_part() {
    let text = small_with("purpose", "purpos");
    let problems = parse(&text, &context()).unwrap_err();
    assert_eq!(
        json(&problems, "camp.toml", &text),
        serde_json::json!([{
            "file": "camp.toml", "line": 2, "column": 1, "end_line": 2, "end_column": 7, "code": "unknown_key", "severity": "error",
            "message": "unknown key `purpos` in the campaign", "help": "did you mean `purpose`?",
        }])
    );
}

#[test]
fn credentials_are_never_shown() {
    let token = "EAAGm0PX4ZCpsBAKZCexampleexample";
    for line in [
        format!("acces = \"{token}\""),
        format!("access_token = \"{token}\""),
        format!("x = 1 # Bearer {token}"),
        "password = \"contraseña-1\"".to_owned(),
        format!("{token} = {token}"),
        format!("x = \"\\u001b{token}"),
        format!("[{token}"),
        format!("sender = \"{token}\""),
    ] {
        for text in [format!("{line}\n{SMALL}"), format!("{SMALL}{line}"), small_with("sender = \"demo\"", &line)] {
            let problems = parse(&text, &context()).unwrap_err();
            let forms = [
                terminal(&problems, "c.toml", &text, false),
                lines(&problems, "c.toml", &text),
                json(&problems, "c.toml", &text).to_string(),
                format!("{problems:?}"),
            ];
            for form in forms {
                assert!(!form.contains("GmOPX4ZC") && !form.contains(token) && !form.contains("contraseña-1"), "{line}\n{form}");
            }
        }
    }
}
