//! Inputs 78–96: values are data. What they may be in a message is the renderer's question; here they pass unchanged.

use fanfare::audience::AudienceSpec;

use super::{HeaderProblem, phones, problems, read, spec};

/// The value of a row whose `name` cell is `value`, quoted as CSV wants it.
fn through(value: &str) -> String {
    let quoted = format!("phone,name\n5512345678,\"{}\"\n", value.replace('"', "\"\""));
    let lines = read(quoted, &spec());
    assert_eq!(lines.len(), 1);
    lines[0].strip_prefix("2 +525512345678 MX ").unwrap_or_else(|| panic!("{}", lines[0])).to_owned()
}

fn unchanged(values: &[&str]) {
    for &value in values {
        assert_eq!(through(value), value);
    }
}

#[test]
fn csv_78_missing_variable() {
    let missing = HeaderProblem::Missing { role: "the campaign's texts", wanted: "coupon".into(), suggestion: None };
    assert_eq!(problems("phone,name\n5512345678,Ana\n", &AudienceSpec { columns: vec!["coupon".into()], ..spec() }), [missing]);
}

#[test]
fn csv_79_empty_variable() {
    assert_eq!(through(""), "");
    assert_eq!(through("   "), "   ");
}

#[test]
fn csv_80_line_breaks_tabs_and_runs_of_spaces() {
    unchanged(&["a\nb", "a\r\nb", "a\tb", "a     b", " a "]);
}

#[test]
fn csv_81_value_of_10_000_characters() {
    unchanged(&[&"ñ".repeat(10_000)]);
}

#[test]
fn csv_82_emoji_and_joined_sequences() {
    unchanged(&["👩‍👩‍👧‍👦", "🏳️‍🌈 🇲🇽", "e\u{301}"]);
}

#[test]
fn csv_83_bidi_override() {
    unchanged(&["abc\u{202E}fed", "\u{2066}x\u{2069}"]);
}

#[test]
fn csv_84_handlebars_in_a_value() {
    unchanged(&["{{name}}", "{{#each this}}{{/each}}", "{{{x}}}", "{{> p}}"]);
}

#[test]
fn csv_85_placeholder_in_a_value() {
    unchanged(&["{{1}}", "{1}", "%s ${x}"]);
}

#[test]
fn csv_86_html_in_a_value() {
    unchanged(&["<script>alert(1)</script>", "<b>Ana</b> & co", "&amp;"]);
}

#[test]
fn csv_87_sql_in_a_value() {
    unchanged(&["'; DROP TABLE runs; --", "1 OR 1=1"]);
}

#[test]
fn csv_88_formula_cells() {
    unchanged(&["=HYPERLINK(\"http://x\",\"y\")", "+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1", "＝1", "'=1", "-2"]);
}

#[test]
fn csv_89_address_of_another_scheme() {
    unchanged(&["javascript:alert(1)", "file:///etc/passwd"]);
}

#[test]
fn csv_90_address_of_the_inner_network() {
    unchanged(&["http://169.254.169.254/latest/meta-data/"]);
}

#[test]
fn csv_91_ambiguous_date() {
    unchanged(&["03/04/05"]);
}

#[test]
fn csv_92_amount_with_a_comma() {
    unchanged(&["1,234.50", "1.234,50"]);
}

#[test]
fn csv_93_columns_with_names_of_the_language() {
    let names = ["__proto__", "constructor", "this", "@root"];
    let list = format!("phone,{}\n5512345678,a,b,c,d\n", names.join(","));
    let spec = AudienceSpec { columns: names.map(String::from).to_vec(), ..phones() };
    assert_eq!(read(list, &spec), ["2 +525512345678 MX a|b|c|d"]);
}

#[test]
fn csv_94_consent_words() {
    let spec = AudienceSpec { consent: Some("ok".into()), ..phones() };
    let said = |word: &str| read(format!("phone,ok\n5512345678,\"{word}\"\n"), &spec).remove(0);
    for yes in ["yes", "Y", "1", "true", "TRUE ", "oui", "sí", "SÍ", "Si", "sim", " Ja", "opted_in"] {
        assert_eq!(said(yes), "2 +525512345678 MX yes", "{yes}");
    }
    for no in ["", "no", "n", "0", "false", "maybe", "yes?", "not yes", "2", "yess", "N/A", "неt", &"yes".repeat(1000)] {
        assert_eq!(said(no), "2 +525512345678 MX no", "{no}");
    }
    assert_eq!(read("phone\n5512345678\n", &phones()), ["2 +525512345678 MX"], "nobody asked");
}

#[test]
fn csv_95_time_zone_column() {
    let spec = AudienceSpec { timezone: Some("tz".into()), ..phones() };
    let list = "phone,tz\n5512345678,America/Mexico_City\n5512345679,\n5512345670,Mexico City\n5512345671,GMT+25\n5512345672,../../etc/passwd\n5512345673,Mexico City\n";
    assert_eq!(
        read(list, &spec),
        [
            "2 +525512345678 MX America/Mexico_City",
            "3 +525512345679 MX",
            "4 !invalid_timezone [tz] Mexico City",
            "5 !invalid_timezone [tz] GMT+25",
            "6 !invalid_timezone [tz] ../../etc/passwd",
            "7 !invalid_timezone [tz] Mexico City",
        ]
    );
}

#[test]
fn csv_96_language_column() {
    let spec = AudienceSpec { language: Some("lang".into()), ..phones() };
    let list = "phone,lang\n5512345678, es_MX \n5512345679,\n5512345670,pt-BR\n5512345671,Spanish please\n5512345672,xx_YY\n5512345673,e\n";
    assert_eq!(
        read(list, &spec),
        [
            "2 +525512345678 MX es_MX",
            "3 +525512345679 MX",
            "4 +525512345670 MX pt-BR",
            "5 !invalid_language [lang] Spanish please",
            "6 +525512345672 MX xx_YY",
            "7 !invalid_language [lang] e",
        ],
        "whether a template speaks the language is the template's question"
    );
    let missing = HeaderProblem::Missing { role: "the language", wanted: "lang".into(), suggestion: None };
    assert_eq!(problems("phone\n", &spec), [missing]);
}
