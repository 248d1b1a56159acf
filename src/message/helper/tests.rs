//! Every helper in a table, and the languages beside each other. A no-break space is written as `_`, a narrow one as `^`.

use super::*;
use crate::message::columns::Columns;
use crate::message::lower::lower;
use crate::message::program::Row;

fn run(template: &str, value: &str, locale: &str) -> String {
    let header = ["v".to_owned()];
    let text = lower(template, &mut Columns::new(&header)).expect("compiles");
    let mut out = String::new();
    let values = [value.to_owned()];
    match text.write(&Row { values: &values, locale: Locale::parse(locale) }, &mut out) {
        Ok(()) => out.replace('\u{a0}', "_").replace('\u{202f}', "^"),
        Err(fault) => format!("! {}", fault.rule),
    }
}

#[test]
fn letters() {
    for (template, value, expected) in [
        ("{{default v 'x'}}", "", "x"),
        ("{{default v 'x'}}", "\u{a0}", "x"),
        ("{{default v 'x'}}", "0", "0"),
        ("{{default v (upper v) 'z'}}", "", "z"),
        ("{{upper v}}", "straße ñ", "STRASSE Ñ"),
        ("{{lower v}}", "ÁÉ İ", "áé i̇"),
        ("{{title v}}", "maría DEL carmen", "María Del Carmen"),
        ("{{title v}}", "o'brien d’arc don't", "O'brien D’arc Don't"),
        ("{{title v}}", "jean-luc 3rd", "Jean-Luc 3rd"),
        ("{{trim v}}", "  a b\t", "a b"),
        ("{{truncate v 3}}", "abc", "abc"),
        ("{{truncate v 3}}", "abcd", "ab…"),
        ("{{truncate v 3}}", "a bcd", "a…"),
        ("{{truncate v 1}}", "abcd", "…"),
        ("{{truncate v 2}}", "e\u{301}e\u{301}e", "…"),
        ("{{truncate v 3}}", "e\u{301}e\u{301}e", "e\u{301}…"),
        ("{{url_encode v}}", "Año Nuevo/á?x=1&y=%20~", "A%C3%B1o%20Nuevo%2F%C3%A1%3Fx%3D1%26y%3D%2520~"),
        ("{{url_encode (lower v)}}", "A B", "a%20b"),
    ] {
        assert_eq!(run(template, value, "en"), expected, "{template} of {value:?}");
    }
}

#[test]
fn conditions() {
    for (condition, value, expected) in [
        ("(eq v 'a')", "a", "yes"),
        ("(eq v 'a')", "A", "no"),
        ("(ne v 'a')", "b", "yes"),
        ("(gt v 9)", "10", "yes"),
        ("(gt v 9)", "9", "no"),
        ("(gte v 9)", "9.0", "yes"),
        ("(lt v '-1')", "-1.5", "yes"),
        ("(lte v 9)", "9.01", "no"),
        ("(gt v 9)", "1,5", "! ambiguous_number"),
        ("(gt v 9)", "many", "! not_a_number"),
        ("(and v (eq v 'a'))", "a", "yes"),
        ("(or (eq v 'a') (eq v 'b'))", "b", "yes"),
        ("(not v)", "", "yes"),
        ("v", "no", "yes"),
        ("v", "", "no"),
    ] {
        assert_eq!(
            run(&format!("{{{{#if {condition}}}}}yes{{{{else}}}}no{{{{/if}}}}"), value, "en"),
            expected,
            "{condition} of {value:?}"
        );
    }
}

#[test]
fn dates_by_language() {
    for (locale, short, medium, long, full, time) in [
        ("es_MX", "08/12/2026", "8 dic 2026", "8 de diciembre de 2026", "martes, 8 de diciembre de 2026", "21:05"),
        ("es", "08/12/2026", "8 dic 2026", "8 de diciembre de 2026", "martes, 8 de diciembre de 2026", "21:05"),
        ("en_US", "12/08/2026", "Dec 8, 2026", "December 8, 2026", "Tuesday, December 8, 2026", "9:05 PM"),
        ("en_GB", "08/12/2026", "8 Dec 2026", "8 December 2026", "Tuesday 8 December 2026", "21:05"),
        ("pt_BR", "08/12/2026", "8 de dez. de 2026", "8 de dezembro de 2026", "terça-feira, 8 de dezembro de 2026", "21:05"),
        ("fr", "08/12/2026", "8 déc. 2026", "8 décembre 2026", "mardi 8 décembre 2026", "21:05"),
        ("fr_CA", "2026-12-08", "8 déc. 2026", "8 décembre 2026", "mardi 8 décembre 2026", "21:05"),
        ("de", "08.12.2026", "8. Dez. 2026", "8. Dezember 2026", "Dienstag, 8. Dezember 2026", "21:05"),
        ("it", "08/12/2026", "8 dic 2026", "8 dicembre 2026", "martedì 8 dicembre 2026", "21:05"),
    ] {
        for (style, expected) in [("short", short), ("medium", medium), ("long", long), ("full", full), ("time", time)] {
            assert_eq!(
                run(&format!("{{{{date v '{style}'}}}}"), "2026-12-08T21:05:30-06:00", locale),
                expected,
                "{style} in {locale}"
            );
        }
    }
    assert_eq!(run("{{date v 'long'}}", "2026-05-01", "es"), "1 de mayo de 2026");
    assert_eq!(run("{{date v 'medium'}}", "2026-05-01", "en"), "May 1, 2026");
}

#[test]
fn dates_by_pattern() {
    for (template, value, expected) in [
        ("{{date v '%-d %B %Y'}}", "2026-03-05", "5 marzo 2026"),
        ("{{date v '%A %d/%m/%y a las %H:%M'}}", "2026-03-05T07:04", "jueves 05/03/26 a las 07:04"),
        ("{{date v '%a %b %-m, %-I:%M:%S %p, 100%%'}}", "2026-03-05 12:04:09", "jue mar 3, 12:04:09 PM, 100%"),
        ("{{date v '%I %p'}}", "2026-03-05T00:30Z", "12 AM"),
        ("{{date v '%B' locale='de'}}", "2026-03-05", "März"),
        ("{{date v '%H:%M'}}", "2026-03-05", "! not_a_date"),
        ("{{date v 'time'}}", "2026-03-05", "! not_a_date"),
        ("{{date v '%d/%m/%Y'}}", "", "! not_a_date"),
        ("{{date v 'long'}}", "5.3.2026", "! ambiguous_date"),
        ("{{date v 'long' from='dmy'}}", "5.3.26", "5 de marzo de 2026"),
        ("{{date v 'long' from='dmy'}}", "29/02/2027", "! not_a_date"),
        ("{{date v 'long' from='dmy'}}", "2026-03-05", "5 de marzo de 2026"),
        ("{{date v 'long'}}", "20260305", "! not_a_date"),
        ("{{date v 'long'}}", "2026-03-05T25:00", "! not_a_date"),
    ] {
        assert_eq!(run(template, value, "es_MX"), expected, "{template} of {value:?}");
    }
    assert_eq!(run("{{date v 'long'}}", "2026-03-05", "ja"), "! unknown_locale");
    assert_eq!(run("{{date v '%d/%m/%Y'}}", "2026-03-05", "ja"), "05/03/2026");
}

#[test]
fn numbers_and_money_by_language() {
    for (locale, thousand, million, pesos, euros, yen) in [
        ("es_MX", "1,234", "1,234,567.5", "$1,234.50", "€1,234.50", "¥1,235"),
        ("es_ES", "1234", "1.234.567,5", "1234,50_MXN", "1234,50_€", "1235_¥"),
        ("es_AR", "1.234", "1.234.567,5", "MXN_1.234,50", "€_1.234,50", "¥_1.235"),
        ("en_US", "1,234", "1,234,567.5", "MXN_1,234.50", "€1,234.50", "¥1,235"),
        ("en_IN", "1,234", "12,34,567.5", "MXN_1,234.50", "€1,234.50", "¥1,235"),
        ("pt_BR", "1.234", "1.234.567,5", "MXN_1.234,50", "€_1.234,50", "¥_1.235"),
        ("pt_PT", "1234", "1_234_567,5", "1234,50_MXN", "1234,50_€", "1235_¥"),
        ("fr", "1^234", "1^234^567,5", "1^234,50_MXN", "1^234,50_€", "1^235_¥"),
        ("de", "1.234", "1.234.567,5", "1.234,50_MXN", "1.234,50_€", "1.235_¥"),
        ("de_CH", "1’234", "1’234’567.5", "MXN_1’234.50", "€_1’234.50", "¥_1’235"),
        ("it", "1.234", "1.234.567,5", "1.234,50_MXN", "1.234,50_€", "1.235_¥"),
    ] {
        assert_eq!(run("{{number v}}", "1234", locale), thousand, "{locale}");
        assert_eq!(run("{{number v}}", "1234567.5", locale), million, "{locale}");
        assert_eq!(run("{{money v 'MXN'}}", "1234.5", locale), pesos, "{locale}");
        assert_eq!(run("{{money v 'EUR'}}", "1234.500", locale), euros, "{locale}");
        assert_eq!(run("{{money v 'JPY'}}", "1235.0", locale), yen, "{locale}");
    }
    for (template, value, expected) in [
        ("{{number v digits=2}}", "2.675", "! ambiguous_number"),
        ("{{number v digits=2 decimal='.'}}", "2.675", "2.68"),
        ("{{number v digits=2}}", "0.125", "0.13"),
        ("{{number v digits=0}}", "-1999.5", "-2,000"),
        ("{{number v digits=2}}", "-0.001", "0.00"),
        ("{{number v}}", "-1234.50", "-1,234.50"),
        ("{{number v}}", "+7", "7"),
        ("{{number v}}", "99999999999999999999999999999", "! not_a_number"),
        ("{{money v 'USD'}}", "-5", "-USD_5.00"),
        ("{{money v 'USD' locale='en'}}", "1999", "$1,999.00"),
        ("{{money v 'CLP' locale='es_CL'}}", "19990", "$19.990"),
        ("{{money v 'CLP' locale='es_CL'}}", "19990.5", "! currency"),
        ("{{money v 'BRL' locale='pt_BR'}}", "19.9", "R$_19,90"),
        ("{{money v 'GBP' locale='en_GB'}}", "19.9", "£19.90"),
    ] {
        assert_eq!(run(template, value, "es_MX"), expected, "{template} of {value:?}");
    }
}

#[test]
fn plural_words_by_language() {
    for (locale, zero, one, fraction, two) in [
        ("es", "b", "a", "b", "b"),
        ("en", "b", "a", "b", "b"),
        ("pt_BR", "a", "a", "a", "b"),
        ("pt_PT", "b", "a", "b", "b"),
        ("fr", "a", "a", "a", "b"),
        ("de", "b", "a", "b", "b"),
        ("it", "b", "a", "b", "b"),
    ] {
        for (count, expected) in [("0", zero), ("1", one), ("1.5", fraction), ("2", two), ("21", "b")] {
            assert_eq!(run("{{plural v 'a' 'b'}}", count, locale), expected, "{count} in {locale}");
        }
    }
    assert_eq!(run("{{plural v 'a' 'b'}}", "x", "es"), "! not_a_number");
}

#[test]
fn the_table_is_its_own_documentation() {
    let mut names = std::collections::BTreeSet::new();
    for helper in helpers() {
        assert!(names.insert(helper.name), "{} stands twice", helper.name);
        assert!(helper.usage.contains(helper.name) && !helper.does.is_empty(), "{helper:?}");
        let header = ["name", "city", "due", "points", "price", "count", "plan", "email", "phone"].map(str::to_owned);
        let usage = if helper.usage.starts_with('(') {
            format!("{{{{#if {}}}}}x{{{{/if}}}}", helper.usage)
        } else {
            helper.usage.to_owned()
        };
        assert!(lower(&usage, &mut Columns::new(&header)).is_ok(), "{usage}");
    }
}
