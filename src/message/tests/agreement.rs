//! Our rendering against handlebars' own, and against anything at all.

use handlebars::{Handlebars, handlebars_helper, no_escape};
use proptest::prelude::*;

use super::*;
use crate::message::columns::Collected;
use crate::message::lower::lower;
use crate::message::program::Row;

const HEADER: [&str; 5] = ["name", "b", "First Name", "ciudad_año", "date"];

handlebars_helper!(upper: |text: String| text.to_uppercase());
handlebars_helper!(lower_case: |text: String| text.to_lowercase());
handlebars_helper!(default_to: |text: String, other: String| if crate::message::rules::is_blank(&text) { other } else { text });

/// handlebars as it is meant to be used: strict, without escaping.
fn reference(template: &str, values: &[String]) -> Result<String, String> {
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    registry.register_escape_fn(no_escape);
    registry.register_helper("upper", Box::new(upper));
    registry.register_helper("lower", Box::new(lower_case));
    registry.register_helper("default", Box::new(default_to));
    let row: serde_json::Map<_, _> =
        HEADER.iter().zip(values).map(|(name, value)| ((*name).to_owned(), serde_json::Value::String(value.clone()))).collect();
    registry.render_template(template, &row).map_err(|error| error.to_string())
}

fn ours(template: &str, values: &[String]) -> Result<String, String> {
    let mut columns = Columns::new(&strings(&HEADER));
    let text = lower(template, &mut columns).map_err(|flaws| format!("{flaws:?}"))?;
    let mut out = String::new();
    text.write(&Row { values, locale: None }, &mut out).map_err(|fault| format!("{fault:?}"))?;
    Ok(out)
}

fn column() -> BoxedStrategy<String> {
    prop_oneof![
        Just("name".to_owned()),
        Just("b".to_owned()),
        Just("[First Name]".to_owned()),
        Just("ciudad_año".to_owned()),
        Just("this.date".to_owned()),
        Just("[name]".to_owned()),
    ]
    .boxed()
}

fn expression() -> BoxedStrategy<String> {
    let leaf = prop_oneof![column(), Just("'lit \\'x'".to_owned()), Just("\"lit\"".to_owned())];
    leaf.prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|x| format!("(upper {x})")),
            inner.clone().prop_map(|x| format!("(lower {x} )")),
            (inner.clone(), inner).prop_map(|(x, y)| format!("(default {x} {y})")),
        ]
    })
    .boxed()
}

fn condition() -> BoxedStrategy<String> {
    prop_oneof![
        column(),
        (expression(), expression()).prop_map(|(x, y)| format!("(eq {x} {y})")),
        (column(), column()).prop_map(|(x, y)| format!("(and {x} (not {y}))")),
        expression().prop_map(|x| format!("(upper {x})")),
    ]
    .boxed()
}

fn tilde() -> BoxedStrategy<&'static str> {
    prop_oneof![4 => Just(""), 1 => Just("~")].boxed()
}

fn template_text() -> BoxedStrategy<String> {
    let leaf = prop_oneof![
        4 => "[a-zñ👍 \t\n\r:;,.\"'<>&()\\[\\]=#/]{0,8}",
        1 => Just("\n".to_owned()),
        1 => Just("\\\\".to_owned()),
        1 => Just("\\{{name}} ".to_owned()),
        4 => (tilde(), column(), tilde()).prop_map(|(l, x, r)| format!("{{{{{l}{x}{r}}}}}")),
        1 => column().prop_map(|x| format!("{{{{{{{x}}}}}}}")),
        1 => column().prop_map(|x| format!("{{{{& {x} }}}}")),
        2 => expression().prop_map(|x| format!("{{{{upper {x}}}}}")),
        1 => Just("{{! note }}".to_owned()),
        1 => Just("{{!-- a {{b}} note --}}".to_owned()),
    ];
    leaf.prop_recursive(4, 48, 5, |inner| {
        let text = proptest::collection::vec(inner.clone(), 0..4).prop_map(|parts| parts.concat()).boxed();
        let tag = (tilde(), tilde());
        prop_oneof![
            proptest::collection::vec(inner, 1..4).prop_map(|parts| parts.concat()),
            (condition(), text.clone(), tag).prop_map(|(c, t, (l, r))| format!("{{{{{l}#if {c}{r}}}}}{t}{{{{/if}}}}")),
            (condition(), text.clone(), text.clone(), tilde())
                .prop_map(|(c, t, e, l)| format!("{{{{#unless {c}}}}}{t}{{{{{l}else}}}}{e}{{{{/unless}}}}")),
            (condition(), condition(), text.clone(), text.clone(), text)
                .prop_map(|(c, d, t, e, f)| { format!("{{{{#if {c}}}}}{t}{{{{else if {d}}}}}{e}{{{{else}}}}{f}{{{{/if}}}}") }),
        ]
    })
    .boxed()
}

fn values() -> impl Strategy<Value = Vec<String>> {
    let value =
        prop_oneof![2 => Just(String::new()), 1 => Just("{{name}} {{> x}}".to_owned()), 4 => ".{0,6}", 1 => "[ \n\t]{1,3}"];
    proptest::collection::vec(value, HEADER.len())
}

/// Anything, with much of what templates are made of.
fn garbage() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        Just("{{"),
        Just("}}"),
        Just("{"),
        Just("}"),
        Just("{{{"),
        Just("}}}"),
        Just("{{{{"),
        Just("}}}}"),
        Just("#if "),
        Just("/if"),
        Just("{{#if name}}"),
        Just("{{/if}}"),
        Just("else"),
        Just("{{else}}"),
        Just("{{else if name}}"),
        Just("^"),
        Just("~"),
        Just("("),
        Just(")"),
        Just("["),
        Just("]"),
        Just("'"),
        Just("\""),
        Just("\\"),
        Just("name"),
        Just("this"),
        Just("@root"),
        Just("../"),
        Just("."),
        Just(" "),
        Just("\n"),
        Just("="),
        Just("|"),
        Just("as |x|"),
        Just("!--"),
        Just("--"),
        Just("upper "),
        Just("default "),
        Just("&"),
        Just(">"),
        Just("*"),
        Just("0"),
        Just("null"),
        Just("true"),
        Just("ñ"),
        Just("👩‍🚀"),
        Just(","),
        Just("{{name}}"),
        Just("/"),
        Just("@"),
    ];
    prop_oneof![3 => proptest::collection::vec(token, 0..24).prop_map(|tokens| tokens.concat()), 1 => "\\PC{0,40}"]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_we_take_renders_as_handlebars_would(template in template_text(), values in values()) {
        let expected = reference(&template, &values);
        prop_assert!(expected.is_ok(), "{expected:?}");
        prop_assert_eq!(ours(&template, &values), expected);
    }

    #[test]
    fn anything_is_refused_or_renders_as_handlebars_would(template in garbage(), values in values()) {
        if let Ok(text) = ours(&template, &values) {
            prop_assert_eq!(Ok(text), reference(&template, &values));
        }
    }

    #[test]
    fn nothing_panics_before_there_is_a_header(template in garbage()) {
        drop(lower(&template, &mut Collected::default()));
    }

    #[test]
    fn problems_point_into_the_text(template in garbage()) {
        for problem in problems(&template, &HEADER) {
            prop_assert!(problem.span.start >= 100 && problem.span.end <= 100 + template.len(), "{problem:?}");
            prop_assert!(template.get(problem.span.start - 100..problem.span.end - 100).is_some(), "{problem:?}");
        }
    }

    #[test]
    fn helpers_take_any_value(name in "\\PC{0,30}|[0-9/.,:+ TZ-]{0,24}", b in "\\PC{0,8}|[0-9]{0,4}") {
        let calls = [
            "{{default name b}}", "{{upper name}}", "{{lower name}}", "{{title name}}", "{{trim name}}", "{{truncate name b}}",
            "{{url_encode name}}", "{{date name b}}", "{{date name 'full' from=b}}", "{{date name '%d %B %Y %H:%M %p' from='dmy'}}", "{{number name}}",
            "{{number name decimal=b digits=b locale=b}}", "{{money name b}}", "{{money name 'EUR' decimal=','}}", "{{plural name b 'x'}}",
            "{{#if (gt name b)}}x{{/if}}",
        ];
        for call in calls {
            if let Err(problem) = render(&text(call), &["name", "b"], &[&name, &b]) {
                prop_assert!(!problem.to_string().is_empty());
            }
        }
    }

    #[test]
    fn places_keep_their_rules(value in "\\PC{0,40}|[a-z0-9:/.%?&=\\\\@\u{202e}\n ]{0,40}") {
        let places = [
            with_button(Action::UrlSuffix(source("{{v}}"))),
            with_button(Action::QuickReply(source("{{v}}"))),
            with_button(Action::CopyCode(source("{{v}}"))),
            with_header(Header::Image(Media::Link(source("{{v}}")))),
            with_header(Header::Document { media: Media::Id(source("{{v}}")), filename: Some(source("{{v}}")) }),
        ];
        for place in places {
            if render(&place, &["name", "v"], &["Ana", &value]).is_ok() {
                let wrong = value.is_empty() || value.contains(['\n', '\u{202e}']);
                prop_assert!(!wrong);
            }
        }
    }
}
