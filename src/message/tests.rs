//! Texts as campaigns write them, with the rows that try them (numbers: the inputs of `reliability.md`, 4.5).

use super::*;
use crate::campaign::Problem;
use crate::time::Timestamp;

mod agreement;

const NOW: Timestamp = Timestamp(1_795_225_500_000);

fn source(text: &str) -> Source {
    Source { text: text.to_owned(), span: 100..100 + text.len() }
}

fn template(body: &[&str]) -> Message<Source> {
    Message::Template(Template {
        name: source("spring_sale"),
        language: source("es_MX"),
        header: None,
        body: Values::Positional(body.iter().map(|text| Value::Text(source(text))).collect()),
        buttons: Vec::new(),
        offer: None,
        cards: Vec::new(),
    })
}

fn text(body: &str) -> Message<Source> {
    Message::FreeForm(FreeForm::Text { body: source(body), preview_url: false })
}

fn with_button(action: Action<Source>) -> Message<Source> {
    let Message::Template(mut message) = template(&["{{name}}"]) else { panic!("a template") };
    message.buttons.push(Button { index: 1, action });
    Message::Template(message)
}

fn with_header(header: Header<Source>) -> Message<Source> {
    let Message::Template(mut message) = template(&["{{name}}"]) else { panic!("a template") };
    message.header = Some(header);
    Message::Template(message)
}

fn strings(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

fn context() -> RowContext<'static> {
    RowContext { language: Some("es_MX"), fallback_language: None, now: NOW }
}

fn render(message: &Message<Source>, header: &[&str], values: &[&str]) -> Result<Message<String>, RowProblem> {
    let compiled = Compiled::new(message, &Columns::new(&strings(header))).expect("compiles");
    compiled.render(&strings(values), &context())
}

/// The first body value of a template whose body is `body`, for a person with one column `name`.
fn value(body: &str, name: &str) -> Result<String, (Rule, Option<String>)> {
    match render(&template(&[body]), &["name"], &[name]) {
        Ok(Message::Template(Template { body: Values::Positional(values), .. })) => match values.into_iter().next() {
            Some(Value::Text(text)) => Ok(text),
            other => panic!("{other:?}"),
        },
        Ok(other) => panic!("{other:?}"),
        Err(problem) => Err((problem.rule, problem.column)),
    }
}

/// A free text rendered for a person with one column `name`.
fn free(body: &str, name: &str) -> Result<String, (Rule, Option<String>)> {
    match render(&text(body), &["name"], &[name]) {
        Ok(Message::FreeForm(FreeForm::Text { body, .. })) => Ok(body),
        Ok(other) => panic!("{other:?}"),
        Err(problem) => Err((problem.rule, problem.column)),
    }
}

fn problems(body: &str, header: &[&str]) -> Vec<Problem> {
    Compiled::new(&template(&[body]), &Columns::new(&strings(header))).err().unwrap_or_default()
}

/// The one problem of a text: its code, the part of the text it points at, its help.
fn problem(body: &str, header: &[&str]) -> (&'static str, String, String) {
    let mut all = problems(body, header);
    assert_eq!(all.len(), 1, "{body}: {all:#?}");
    let problem = all.remove(0);
    let part = body.get(problem.span.start - 100..problem.span.end - 100).unwrap_or("outside").to_owned();
    (problem.code, part, problem.help.unwrap_or_default())
}

fn refused(rule: Rule) -> Result<String, (Rule, Option<String>)> {
    Err((rule, Some("name".to_owned())))
}

#[test]
fn a_typical_template_renders() {
    let message = template(&["{{first_name}}", "{{default discount '10%'}}"]);
    let rendered = render(&message, &["first_name", "discount"], &["José", ""]).expect("renders");
    let Message::Template(rendered) = rendered else { panic!("a template") };
    assert_eq!(rendered.body, Values::Positional(vec![Value::Text("José".into()), Value::Text("10%".into())]));
    assert_eq!((rendered.name.as_str(), rendered.language.as_str()), ("spring_sale", "es_MX"));
}

#[test]
fn columns_are_known_before_the_audience() {
    let message = template(&["{{[First Name]}} {{upper b}}", "{{#if (gt c 1)}}{{b}}{{else}}{{d}}{{/if}}"]);
    assert_eq!(columns_used(&message), Ok(strings(&["First Name", "b", "c", "d"])));
}

#[test]
fn i78_a_row_without_the_cell_is_refused() {
    let problem = render(&template(&["{{a}}", "{{b}}"]), &["a", "b"], &["x"]).expect_err("refused");
    assert_eq!((problem.rule, problem.column.as_deref()), (Rule::MissingVariable, Some("b")));
    assert_eq!(problem.slot.to_string(), "template.body[1]");
    assert_eq!(problem.to_string(), "template.body[1] (column 'b'): the row ends before this column; add the missing cells");
}

#[test]
fn i78_an_unknown_column_is_a_problem_of_the_file_with_the_name_meant() {
    assert_eq!(
        problem("Hola {{first_nme}}", &["first_name"]),
        ("unknown_column", "first_nme".into(), "did you mean {{first_name}}?".into())
    );
    assert_eq!(problem("{{first_name}}", &["First Name"]).2, "did you mean {{[First Name]}}?");
    assert_eq!(problem("{{telefono}}", &["Teléfono"]).2, "did you mean {{Teléfono}}?");
    assert_eq!(problem("{{xyz}}", &["a", "b"]).2, "the columns are 'a', 'b'");
    assert_eq!(
        problem("{{1}}", &["a"]).2,
        "numbers like {{1}} stand in the provider's template; here name the column that fills it"
    );
    // Strict mode does not look into conditions; we do.
    assert_eq!(problem("{{#if nme}}x{{/if}}", &["name"]).1, "nme");
    assert_eq!(problem("{{a}}", &["a", "a"]).0, "ambiguous_column");
}

#[test]
fn all_problems_of_all_texts_come_at_once() {
    let message = template(&["{{x}} {{y}}", "{{#each a}}{{/each}}", "{{name"]);
    let codes: Vec<_> =
        Compiled::new(&message, &Columns::new(&strings(&["name"]))).expect_err("refused").iter().map(|p| p.code).collect();
    assert_eq!(codes, ["unknown_column", "unknown_column", "unknown_block", "unbalanced_braces"]);
}

#[test]
fn i79_an_empty_value_is_refused_naming_the_column() {
    assert_eq!(value("{{name}}", ""), refused(Rule::Empty));
    assert_eq!(value("{{name}}", " \u{200b}\u{a0}"), refused(Rule::Empty));
    assert_eq!(value("Hola {{name}}", ""), Ok("Hola ".into()));
    assert_eq!(value("{{default name 'amiga'}}", " "), Ok("amiga".into()));
    let problem = render(&template(&["{{a}}{{b}}"]), &["a", "b"], &["", ""]).expect_err("refused");
    assert_eq!(problem.column.as_deref(), Some("a"));
}

#[test]
fn i80_line_breaks_tabs_and_five_spaces_are_refused_in_template_values() {
    for line_break in ["\n", "\r\n", "\r", "\u{2028}", "\u{85}"] {
        assert_eq!(value("{{name}}", &format!("a{line_break}b")), refused(Rule::Newline), "{line_break:?}");
    }
    assert_eq!(value("{{name}}", "a\tb"), refused(Rule::Tab));
    assert_eq!(value("{{name}}", "a     b"), refused(Rule::Spaces));
    assert_eq!(value("{{name}}", "a    b"), Ok("a    b".into()));
    // Free text may have both.
    assert_eq!(free("{{name}}", "a\r\nb\tc     d"), Ok("a\r\nb\tc     d".into()));
}

#[test]
fn i81_ten_thousand_characters_are_refused() {
    let long = "ñ".repeat(10_000);
    assert_eq!(value("{{name}}", &long), refused(Rule::TooLong));
    assert_eq!(free("{{name}}", &long), refused(Rule::TooLong));
    assert_eq!(free("{{name}}", &"ñ".repeat(4096)), Ok("ñ".repeat(4096)));
    assert_eq!(free("{{name}}", &"ñ".repeat(4097)), refused(Rule::TooLong));
    assert_eq!(value("{{truncate name 5}}", &long), Ok("ññññ…".into()));
    assert_eq!(value("{{name}}", &"x".repeat(70_000)), refused(Rule::TooLong));
    // Values of one body together.
    let problem =
        render(&template(&["{{a}}", "{{b}}"]), &["a", "b"], &[&"x".repeat(600), &"x".repeat(425)]).expect_err("refused");
    assert_eq!((problem.rule, problem.slot.index), (Rule::TooLong, 1));
    render(&template(&["{{a}}", "{{b}}"]), &["a", "b"], &[&"x".repeat(600), &"x".repeat(424)]).expect("fits");
}

#[test]
fn i82_emoji_with_joiners_pass_whole() {
    for emoji in ["👩‍🚀", "🏳️‍🌈", "👍🏽", "🇲🇽", "🏴󠁧󠁢󠁥󠁮󠁧󠁿"] {
        assert_eq!(value("{{name}}", emoji), Ok(emoji.into()));
    }
    assert_eq!(value("{{truncate name 3}}", "ab👩‍🚀cd"), Ok("ab…".into()));
    assert_eq!(value("{{truncate name 4}}", "ab👩‍🚀cd"), Ok("ab…".into()));
    assert_eq!(value("{{truncate name 6}}", "ab👩‍🚀cd"), Ok("ab👩‍🚀…".into()));
}

#[test]
fn i83_direction_overrides_are_refused_and_right_to_left_scripts_pass() {
    for c in ["\u{202e}", "\u{202a}", "\u{2066}", "\u{2069}"] {
        assert_eq!(value("{{name}}", &format!("a{c}b")), refused(Rule::BidiControl));
        assert_eq!(free("{{name}}", &format!("a{c}b")), refused(Rule::BidiControl));
    }
    for text in ["שלום דנה", "مرحبا\u{200f} Ana", "a\u{200e}b"] {
        assert_eq!(value("{{name}}", text), Ok(text.into()));
    }
    assert_eq!(value("{{name}}", "a\u{0}b"), refused(Rule::ControlCharacter));
    assert_eq!(free("{{name}}", "a\u{1b}[31mb"), refused(Rule::ControlCharacter));
}

#[test]
fn i84_to_i88_values_are_sent_as_they_are_and_never_read_as_templates() {
    let values = [
        "{{name}}",
        "{{{{raw}}}} {{> partial}}",
        "{{#if name}}",
        "\\{{x}}",
        "{{1}}",
        "<b>&amp;</b><script>alert('x')</script>",
        "'; DROP TABLE runs; --",
        "=HYPERLINK(\"https://x\")",
        "+cmd|' /C calc'!A0",
        "@SUM(1)",
        "＝1+1",
    ];
    for text in values {
        assert_eq!(value("{{name}}", text), Ok(text.into()));
        assert_eq!(free("{{#if name}}«{{{name}}}»{{/if}}", text), Ok(format!("«{text}»")));
        assert_eq!(free("{{default name 'x'}}", text), Ok(text.into()));
    }
    assert_eq!(value("{{name}}", "\t=1+1"), refused(Rule::Tab));
    assert_eq!(value("{{name}}", "\r=1+1"), refused(Rule::Newline));
}

fn link(value: &str) -> Result<(), Rule> {
    let message = with_header(Header::Image(Media::Link(source("{{link}}"))));
    render(&message, &["name", "link"], &["Ana", value]).map(drop).map_err(|problem| problem.rule)
}

#[test]
fn i89_i90_media_links_are_https_and_public() {
    for good in
        ["https://cdn.example/1.jpg", "https://cdn.example:8443/a%20b.jpg?x=1&y=%C3%B1", "https://xn--bcher-kva.example/x"]
    {
        assert_eq!(link(good), Ok(()), "{good}");
    }
    for bad in [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "http://cdn.example/1.jpg",
        "ftp://cdn.example/1.jpg",
        "data:image/png;base64,AAAA",
        "//cdn.example/1.jpg",
        "cdn.example/1.jpg",
        "http://169.254.169.254/latest/meta-data",
        "https://169.254.169.254/latest/meta-data",
        "https://2852039166/",
        "https://0xa9fea9fe/",
        "https://0251.0376.0251.0376/",
        "https://127.1/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://10.0.0.1/x.jpg",
        "https://localhost/x.jpg",
        "https://LOCALHOST./x.jpg",
        "https://intranet/x.jpg",
        "https://files.corp/x.jpg",
        "https://metadata.google.internal/x",
        "https://printer.local/x",
        "https://user:secret@cdn.example/1.jpg",
        "https://user@cdn.example/1.jpg",
        "https://cdn.example\\@10.0.0.1/x",
        "https://cdn.example/a b.jpg",
        "https://cdn.example/ñ.jpg",
        " https://cdn.example/1.jpg",
        "https://cdn.example/1.jpg\n",
        "https://",
        "https://ｌocalhost/",
    ] {
        assert_eq!(link(bad), Err(Rule::MediaLink), "{bad}");
    }
    assert_eq!(link(""), Err(Rule::Empty));
}

#[test]
fn i91_ambiguous_dates_are_refused_with_what_to_do() {
    let problem = render(&template(&["{{date name 'long'}}"]), &["name"], &["03/04/05"]).expect_err("refused");
    assert_eq!(problem.rule, Rule::AmbiguousDate);
    assert_eq!(problem.detail, "'03/04/05' can be read in several ways; write 2026-12-08, or say from='dmy' (mdy, ymd)");
    assert_eq!(value("{{date name 'long' from='dmy'}}", "03/04/05"), Ok("3 de abril de 2005".into()));
    assert_eq!(value("{{date name 'long' from='mdy'}}", "03/04/05"), Ok("4 de marzo de 2005".into()));
    assert_eq!(value("{{date name 'long' from='ymd'}}", "03/04/05"), Ok("5 de abril de 2003".into()));
    // A day above twelve could be told, but only by guessing what the other rows mean.
    assert_eq!(value("{{date name 'long'}}", "25/12/2026"), refused(Rule::AmbiguousDate));
    assert_eq!(value("{{date name 'long' from='mdy'}}", "25/12/2026"), refused(Rule::NotADate));
    assert_eq!(value("{{date name 'long'}}", "2026-12-08"), Ok("8 de diciembre de 2026".into()));
    assert_eq!(value("{{date name 'long'}}", "2026-02-30"), refused(Rule::NotADate));
    assert_eq!(value("{{date name 'long'}}", "mañana"), refused(Rule::NotADate));
}

#[test]
fn i92_numbers_with_commas_are_never_guessed() {
    assert_eq!(value("{{number name}}", "1234.5"), Ok("1,234.5".into()));
    for ambiguous in ["1,234", "1,5", "1.234,56", "1,234.56", "1 234", "1.234"] {
        assert_eq!(value("{{number name}}", ambiguous), refused(Rule::AmbiguousNumber), "{ambiguous}");
    }
    assert_eq!(value("{{number name decimal=','}}", "1.234,56"), Ok("1,234.56".into()));
    assert_eq!(value("{{number name decimal=','}}", "1,5"), Ok("1.5".into()));
    assert_eq!(value("{{number name decimal='.'}}", "1,234"), Ok("1,234".into()));
    assert_eq!(value("{{number name decimal='.'}}", "12,34,567.8"), Ok("1,234,567.8".into()));
    assert_eq!(value("{{number name decimal=','}}", "1.23"), refused(Rule::NotANumber));
    assert_eq!(value("{{number name decimal='.'}}", "1,23"), refused(Rule::NotANumber));
    assert_eq!(value("{{money name 'MXN'}}", "1234.5"), Ok("$1,234.50".into()));
    assert_eq!(value("{{money name 'MXN'}}", "1.005"), refused(Rule::AmbiguousNumber));
    assert_eq!(value("{{money name 'MXN'}}", "0.005"), refused(Rule::Currency));
    assert_eq!(value("{{money name 'KWD'}}", "1.005"), Ok("KWD\u{a0}1.005".into()));
    assert_eq!(value("{{number name}}", "1e3"), refused(Rule::NotANumber));
    assert_eq!(value("{{number name}}", ""), refused(Rule::NotANumber));

    let amount =
        |amount: &str| Value::Currency { fallback: "$1".into(), code: "USD".into(), amount: amount.to_owned() }.amount_1000();
    assert_eq!(amount("100.99"), Some(100_990));
    assert_eq!(amount("0.1"), Some(100));
    assert_eq!(amount("9223372036854775.807"), Some(i64::MAX));
    assert_eq!(amount("9223372036854775.808"), None);
    assert_eq!(amount("1.2345"), None);
    assert_eq!(amount("1,5"), None);
    assert_eq!(Value::Text("1".to_owned()).amount_1000(), None);
}

#[test]
fn i93_columns_with_names_of_the_language_are_reached_or_refused_clearly() {
    let header = ["this", "@root", "__proto__", "constructor", "First Name", "a.b", "date", "if", "ñandú", "else", "x[1"];
    let values = ["v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10"];
    let show = |body: &str| match render(&text(body), &header, &values) {
        Ok(Message::FreeForm(FreeForm::Text { body, .. })) => body,
        other => panic!("{other:?}"),
    };
    assert_eq!(show("{{[this]}} {{[@root]}} {{__proto__}} {{constructor}} {{[First Name]}} {{[a.b]}}"), "v0 v1 v2 v3 v4 v5");
    assert_eq!(show("{{date}} {{if}} {{ñandú}} {{[else]}} {{[x[1]}} {{this.date}} {{./date}}"), "v6 v7 v8 v9 v10 v6 v6");
    assert_eq!(show("{{upper [this]}} {{#if [@root]}}{{lower __proto__}}{{/if}} {{upper date}}"), "V0 v2 V6");
    assert_eq!(
        problem("{{this}}", &header),
        ("not_a_column", "this".into(), "for the column of that name write {{[this]}}".into())
    );
    assert_eq!(problem("{{a.b}}", &header).2, "for the column of that name write {{[a.b]}}");
    assert_eq!(problem("{{First Name}}", &header).2, "write {{[First Name]}}");
    for out_of_the_row in
        ["{{@root.date}}", "{{../date}}", "{{@index}}", "{{this.this.date}}", "{{__proto__.constructor}}", "{{upper @root.date}}"]
    {
        assert_eq!(problem(out_of_the_row, &header).0, "not_a_column", "{out_of_the_row}");
    }
}

#[test]
fn what_could_recurse_or_leave_the_row_is_refused_with_its_place() {
    let cases = [
        ("a {{> card}} b", "partial", "{{> card}}"),
        ("{{#> card}}x{{/card}}", "partial", "{{#> card}}"),
        ("{{#*inline 'x'}}y{{/inline}}", "decorator", "{{#*inline 'x'}}"),
        ("{{* set}}", "decorator", "{{* set}}"),
        ("{{{{raw}}}} {{x}} {{{{/raw}}}}", "raw_block", "{{{{"),
        ("{{#with name}}x{{/with}}", "unknown_block", "{{#with name}}"),
        ("{{lookup name 0}}", "unknown_helper", "lookup"),
        ("{{log name}}", "unknown_helper", "log"),
        ("{{upper name}}{{uper name}}", "unknown_helper", "uper"),
        ("{{upper [\"a\"]}}", "list", "[\"a\"]"),
        ("{{upper {\"a\":1}}}", "unbalanced_braces", "{"),
        ("Hola {{name}", "unbalanced_braces", "{{name}"),
        ("Hola {{name", "unbalanced_braces", "{{"),
        ("Hola {name}}", "unbalanced_braces", "{name}}"),
        ("Hola name}}", "unbalanced_braces", "}}"),
        ("Hola {name}", "single_braces", "{name}"),
        ("{{upper (lower name}}", "unbalanced_brackets", "("),
        ("{{upper lower name)}}", "unbalanced_brackets", ")"),
        ("{{upper 'x}}", "unbalanced_quotes", "'"),
        ("{{[name}}", "unbalanced_brackets", "["),
        ("{{!-- x }}", "unbalanced_braces", "{{"),
        ("{{}}", "empty_tag", "{{}}"),
        ("{{#if name}}x{{/unless}}", "syntax", "{{/unless}}"),
        ("{{#if name}}x", "unbalanced_block", "{{#if name}}"),
        ("x{{/if}}", "unbalanced_block", "{{/if}}"),
        ("{{#if}}x{{/if}}", "condition", "{{#if}}"),
        ("{{#if 'x'}}x{{/if}}", "condition", "{{#if 'x'}}"),
        ("{{#if name as |x|}}x{{/if}}", "unsupported", "{{#if name as |x|}}"),
        ("{{#if name includeZero=true}}x{{/if}}", "unsupported", "{{#if name includeZero=true}}"),
        ("{{upper name name}}", "argument", "{{upper name name}}"),
        ("{{truncate name 'x'}}", "argument", "{{truncate name 'x'}}"),
        ("{{truncate name 0}}", "argument", "{{truncate name 0}}"),
        ("{{money name 'EURO'}}", "argument", "{{money name 'EURO'}}"),
        ("{{date name '%q'}}", "argument", "{{date name '%q'}}"),
        ("{{date name 'ling'}}", "argument", "{{date name 'ling'}}"),
        ("{{number name locale='xx'}}", "argument", "{{number name locale='xx'}}"),
        ("{{number name digit=2}}", "unknown_option", "digit"),
        ("{{(upper name)}}", "unsupported", "{{(upper name)}}"),
    ];
    for (body, code, part) in cases {
        let found = problem(body, &["name"]);
        assert_eq!((found.0, found.1.as_str()), (code, part), "{body}");
    }
    // Braces that are nobody's tag pass: a payload in JSON.
    assert_eq!(free(r#"{"a":{"b":"x"}} \{{name}} {other}"#, "v"), Ok(r#"{"a":{"b":"x"}} {{name}} {other}"#.into()));
}

#[test]
fn places_are_exact_with_quotes_and_the_whole_text_with_escapes() {
    let header = Columns::new(&strings(&["name"]));
    let span = |text: &str, span: std::ops::Range<usize>| {
        let message = Message::FreeForm(FreeForm::Text { body: Source { text: text.into(), span }, preview_url: false });
        Compiled::new(&message, &header).expect_err("refused").remove(0).span
    };
    assert_eq!(span("a {{x}}", 10..19), 15..16);
    assert_eq!(span("a\n{{x}}", 10..20), 10..20);
}

#[test]
fn nesting_is_bounded_before_the_parser_sees_it() {
    let parens = |n: usize| format!("{{{{upper {}name{}}}}}", "(lower ".repeat(n), ")".repeat(n));
    let blocks = |n: usize| format!("{}x{}", "{{#if name}}".repeat(n), "{{/if}}".repeat(n));
    let chain = |n: usize| format!("{{{{#if name}}}}x{}{{{{/if}}}}", "{{else if name}}y".repeat(n));
    for make in [&parens as &dyn Fn(usize) -> String, &blocks, &chain] {
        assert!(problems(&make(15), &["name"]).is_empty(), "{}", make(15));
        for n in [17, 100, 3_000] {
            assert_eq!(problems(&make(n), &["name"]).first().map(|p| p.code), Some("nested_too_deep"), "{n}");
        }
    }
    assert_eq!(problems(&"{{upper ".repeat(5_000), &["name"]).first().map(|p| p.code), Some("unbalanced_braces"));
    assert_eq!(
        problems(&format!("{{{{x {}", "[".repeat(50_000)), &["name"]).first().map(|p| p.code),
        Some("unbalanced_brackets")
    );
    assert_eq!(
        problems(&format!("{{{{x [1, \"]\"] \"{}]}}}}", "(".repeat(40_000)), &["name"]).first().map(|p| p.code),
        Some("list")
    );
    assert_eq!(problems(&"{{name}}".repeat(2_001), &["name"]).first().map(|p| p.code), Some("too_many_parts"));
    assert_eq!(problems(&"x".repeat(65_537), &["name"]).first().map(|p| p.code), Some("text_too_long"));
}

#[test]
fn a_literal_no_row_can_make_right_is_a_problem_of_the_file() {
    let refused = |message: &Message<Source>| {
        let found = Compiled::new(message, &Columns::new(&strings(&["name"]))).expect_err("refused");
        found.iter().map(|p| p.code).collect::<Vec<_>>()
    };
    assert_eq!(refused(&template(&["a\nb"])), ["newline"]);
    assert_eq!(refused(&template(&[""])), ["empty"]);
    assert_eq!(refused(&with_button(Action::CopyCode(source("25-OFF")))), ["copy_code"]);
    assert_eq!(refused(&with_button(Action::UrlSuffix(source("a b")))), ["url_suffix"]);
    assert_eq!(refused(&with_header(Header::Image(Media::Link(source("http://cdn.example/1.jpg"))))), ["media_link"]);
    assert_eq!(refused(&with_header(Header::Image(Media::Id(source("12a"))))), ["digits"]);
}

#[test]
fn the_language_falls_back_and_tells_helpers_how_to_write() {
    let Message::Template(mut message) = template(&["{{number points}}"]) else { panic!("a template") };
    message.language = source("{{locale}}");
    let compiled = Compiled::new(&Message::Template(message), &Columns::new(&strings(&["locale", "points"]))).expect("compiles");
    let render = |locale: &str, fallback: Option<&str>| {
        let context = RowContext { language: None, fallback_language: fallback, now: NOW };
        match compiled.render(&strings(&[locale, "1234.5"]), &context) {
            Ok(Message::Template(Template { language, body: Values::Positional(body), .. })) => match body.into_iter().next() {
                Some(Value::Text(text)) => Ok((language, text)),
                other => panic!("{other:?}"),
            },
            Ok(other) => panic!("{other:?}"),
            Err(problem) => Err((problem.rule, problem.detail)),
        }
    };
    assert_eq!(render("de", None), Ok(("de".into(), "1.234,5".into())));
    assert_eq!(render("", Some("en_GB")), Ok(("en_GB".into(), "1,234.5".into())));
    assert_eq!(render("", None).map_err(|e| e.0), Err(Rule::Empty));
    let free = Compiled::new(&text("{{number points}}"), &Columns::new(&strings(&["points"]))).expect("compiles");
    let context = RowContext { language: Some(""), fallback_language: Some("de"), now: NOW };
    let expected = FreeForm::Text { body: "1.234,5".to_owned(), preview_url: false };
    assert_eq!(free.render(&strings(&["1234.5"]), &context), Ok(Message::FreeForm(expected)));
    assert_eq!(render("es-mx", None), Err((Rule::Language, "'es-mx' is not a template's language; did you mean es_MX?".into())));
    assert_eq!(render("español", None).map_err(|e| e.0), Err(Rule::Language));
    assert_eq!(render("ja", None).map_err(|e| e.0), Err(Rule::UnknownLocale));
}

#[test]
fn an_offer_ends_later_and_is_written_in_one_form() {
    let Message::Template(mut message) = template(&["{{name}}"]) else { panic!("a template") };
    message.offer = Some(Offer { expires: source("{{end}}") });
    message.buttons.push(Button { index: 0, action: Action::CopyCode(source("{{coupon}}")) });
    let message = Message::Template(message);
    let offer = |end: &str, coupon: &str| match render(&message, &["name", "end", "coupon"], &["Ana", end, coupon]) {
        Ok(Message::Template(Template { offer: Some(offer), .. })) => Ok((offer.expires.clone(), offer.expires_ms())),
        Ok(other) => panic!("{other:?}"),
        Err(problem) => Err(problem.rule),
    };
    assert_eq!(offer("2026-12-08T23:59-06:00", "A1"), Ok(("2026-12-09T05:59:00Z".into(), Some(1_796_795_940_000))));
    assert_eq!(offer("2026-11-21T01:45:00Z", "A1"), Err(Rule::OfferOver));
    assert_eq!(offer("2026-11-21T01:45:00.001Z", "A1"), Ok(("2026-11-21T01:45:00.001Z".into(), Some(NOW.0 + 1))));
    assert_eq!(offer("2026-12-08T23:59", "A1"), Err(Rule::OfferExpires));
    assert_eq!(offer("tomorrow", "A1"), Err(Rule::OfferExpires));
    assert_eq!(offer("2026-12-08T23:59-06:00", "A234567890123456"), Err(Rule::TooLong));
}

#[test]
fn buttons_that_look_the_same_are_refused() {
    let reply = |id: &str, title: &str| ReplyButton { id: source(id), title: source(title) };
    let message = Message::FreeForm(FreeForm::Buttons {
        header: None,
        body: source("?"),
        footer: None,
        buttons: vec![reply("a", "{{name}}"), reply("b", "Sí")],
    });
    let rule =
        |name: &str| render(&message, &["name"], &[name]).map(drop).map_err(|problem| (problem.rule, problem.slot.to_string()));
    assert_eq!(rule("No"), Ok(()));
    assert_eq!(rule("Sí"), Err((Rule::Duplicate, "free_form.buttons[1].title".into())));
    assert_eq!(rule("123456789012345678901"), Err((Rule::TooLong, "free_form.buttons[0].title".into())));
}

#[test]
fn a_compiled_message_is_shared_between_threads() {
    fn shared<T: Send + Sync + Clone>() {}
    shared::<Compiled>();
}

#[test]
fn the_deepest_text_we_take_needs_little_stack() {
    let condition = format!("{}name{}", "(lower ".repeat(15), ")".repeat(15));
    let body = format!("{}x{}", format!("{{{{#if {condition}}}}}").repeat(15), "{{/if}}".repeat(15));
    // A quarter of what a test's thread has; an overflow here would end the process.
    let thread = std::thread::Builder::new().stack_size(512 * 1024).spawn(move || value(&body, "Ana"));
    assert_eq!(thread.expect("a thread").join().expect("no panic"), Ok("x".into()));
}
