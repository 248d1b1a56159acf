//! Inputs 19–46 and 52–53: headers, rows, quotes, line ends, delimiters, sizes.

use std::sync::atomic::Ordering;

use fanfare::audience::{Audience, AudienceError, AudienceSpec, Entry, Found, HeaderProblem, Input, Reading, Row};

use super::{Generated, fail, input, outcome, phones, problems, read, spec};

fn guessing() -> AudienceSpec {
    AudienceSpec { phone: None, ..phones() }
}

#[test]
fn csv_19_header_only() {
    assert_eq!(read("phone,name\n", &spec()), [""; 0]);
    assert_eq!(read("phone,name", &spec()), [""; 0]);
}

#[test]
fn csv_20_no_header() {
    let list = "5512345678,Ana\n5512345679,Bea\n";
    assert_eq!(problems(list, &spec()), [HeaderProblem::NoHeader], "one sentence, not one a column");
    assert_eq!(problems("+52 55 1234 5678,Ana\n", &guessing()), [HeaderProblem::NoHeader]);
}

#[test]
fn csv_21_duplicate_header_names() {
    let list = "phone,name,name,x,x\n5512345678,Ana,Bea,1,2\n";
    let twice = HeaderProblem::Ambiguous { role: "the campaign's texts", wanted: "name".into(), count: 2 };
    assert_eq!(problems(list, &spec()), [twice]);
    assert_eq!(read(list, &phones()), ["2 +525512345678 MX"], "names nobody uses may repeat");
}

#[test]
fn csv_22_header_differing_by_case_and_space() {
    assert_eq!(
        read(" Phone ,\"First  NAME\"\n5512345678,Ana\n", &AudienceSpec { columns: vec!["first name".into()], ..spec() }),
        ["2 +525512345678 MX Ana"]
    );
    assert_eq!(read("Phone,phone\n1,5512345678\n", &phones()), ["2 +525512345678 MX"], "the exact name wins");
    let close = HeaderProblem::Ambiguous { role: "the phone number", wanted: "phone".into(), count: 2 };
    assert_eq!(problems("Phone,PHONE \n1,5512345678\n", &phones()), [close]);
}

#[test]
fn csv_23_empty_header_cell() {
    assert_eq!(read("phone,,name\n5512345678,x,Ana\n", &spec()), ["2 +525512345678 MX Ana"]);
    let unnamed = AudienceSpec { columns: vec![String::new()], ..spec() };
    assert_eq!(read("phone,\n5512345678,Ana\n", &unnamed), ["2 +525512345678 MX Ana"]);
}

#[test]
fn csv_24_phone_column_missing() {
    let found = problems("mobil,naem\n1,2\n", &AudienceSpec { phone: Some("mobile".into()), ..spec() });
    let missing =
        |role, wanted: &str, near: &str| HeaderProblem::Missing { role, wanted: wanted.into(), suggestion: Some(near.into()) };
    assert_eq!(found, [missing("the campaign's texts", "name", "naem"), missing("the phone number", "mobile", "mobil")]);
    assert_eq!(problems("id,email\n1,2\n", &guessing()), [HeaderProblem::NoPhoneColumn]);
    let all = AudienceSpec {
        phone: Some("tel".into()),
        country: Some("mx".into()),
        country_column: Some("land".into()),
        delimiter: Some(b'"'),
        encoding: Some("nope".into()),
        consent: Some("ok".into()),
        language: Some("lang".into()),
        timezone: Some("tz".into()),
        columns: vec!["a".into(), "b".into()],
        own_numbers: vec![],
    };
    assert_eq!(problems("id,email\n1,2\n", &all).len(), 10, "all problems at once");
}

#[test]
fn csv_25_two_phone_columns() {
    let several = HeaderProblem::SeveralPhoneColumns { names: vec!["Teléfono".into(), "Celular".into()] };
    assert_eq!(problems("name,Teléfono,Celular\nAna,1,2\n", &guessing()), [several]);
    assert_eq!(read("name,Teléfono\nAna,5512345678\n", &guessing()), ["2 +525512345678 MX"]);
    let named = AudienceSpec { phone: Some("Celular".into()), ..phones() };
    assert_eq!(read("name,Teléfono,Celular\nAna,1,5512345678\n", &named), ["2 +525512345678 MX"]);
}

#[test]
fn csv_26_row_too_short() {
    let list = "phone,name\n5512345678\n5512345679,Bea\n";
    assert_eq!(read(list, &spec()), ["2 !row_too_short", "3 +525512345679 MX Bea"]);
}

#[test]
fn csv_27_row_too_long() {
    let list = "phone,name\n5512345678,Perez, Ana\n5512345679,Bea\n";
    assert_eq!(read(list, &spec()), ["2 !row_too_long", "3 +525512345679 MX Bea"]);
}

#[test]
fn csv_28_a_row_of_100_000_columns() {
    let list = format!("phone,name\n5512345678,Ana{}\n5512345679,Bea\n", ",x".repeat(99_998));
    assert_eq!(read(list, &spec()), ["2 !row_too_long", "3 +525512345679 MX Bea"]);
    let header = format!("phone{}\n", ",x".repeat(99_999));
    assert_eq!(problems(header, &phones()), [HeaderProblem::TooManyColumns { count: 100_000, limit: 4096 }]);
}

#[test]
fn csv_29_a_cell_of_a_gibibyte() {
    let mut step = 0;
    let (list, given) = Generated::new(move || {
        step += 1;
        match step {
            1 => Some(b"phone,name\n5512345678,Ana\n5512345679,".to_vec()),
            2..16_500 => Some(vec![b'a'; 64 << 10]),
            _ => None,
        }
    });
    let (rows, error) = fail(Input::Bytes(Box::new(list)), &spec());
    assert_eq!(rows, ["2 +525512345678 MX Ana"]);
    assert!(matches!(error, AudienceError::RecordTooLarge { line: 3, limit: 1_048_576 }), "{error:?}");
    assert!(given.load(Ordering::Relaxed) < 2 << 20, "the rest of the gibibyte is not even read");
}

#[test]
fn csv_30_quote_never_closed() {
    let (rows, error) = fail(input("phone,name\n5512345678,Ana\n5512345679,\"Bea\n5512345670,Cid\n"), &spec());
    assert_eq!(rows, ["2 +525512345678 MX Ana"]);
    assert!(matches!(error, AudienceError::UnclosedQuote { line: 3 }), "{error:?}");
    let long = format!("phone,name\n5512345679,\"Bea\n{}", "5512345670,Cid\n".repeat(100_000));
    let (_, error) = fail(input(long), &spec());
    assert!(matches!(error, AudienceError::RecordTooLarge { line: 2, .. }), "{error:?}");
    let (_, error) = fail(input("phone,\"name\n5512345679,Bea\n"), &spec());
    assert!(matches!(error, AudienceError::UnclosedQuote { line: 1 }), "{error:?}");
}

#[test]
fn csv_31_quote_inside_an_unquoted_cell() {
    let list = "phone,name\n5512345678,Ana \"la Reina\" Gil\n5512345679,Bea 5\"\n";
    assert_eq!(read(list, &spec()), ["2 +525512345678 MX Ana \"la Reina\" Gil", "3 +525512345679 MX Bea 5\""]);
}

#[test]
fn csv_32_doubled_quotes() {
    let list = "phone,name\n5512345678,\"Ana \"\"la Reina\"\", Gil\"\n";
    assert_eq!(read(list, &spec()), ["2 +525512345678 MX Ana \"la Reina\", Gil"]);
}

#[test]
fn csv_33_quotes_escaped_with_backslashes() {
    let list = "phone,name\n5512345678,\"Ana \\\"la Reina\\\" Gil\"\n5512345679,\"5\\\" tubo\"\n5512345670,a\\b\n";
    assert_eq!(
        read(list, &spec()),
        ["2 !bad_quoting [name] Ana \\la Reina\\\" Gil\"", "3 !bad_quoting [name] 5\\ tubo\"", "4 +525512345670 MX a\\b",]
    );
}

#[test]
fn csv_34_carriage_returns_only() {
    let list = "phone,name\r5512345678,Ana\r\r5512345679,Bea\rnope,Cid";
    assert_eq!(read(list, &spec()), ["2 +525512345678 MX Ana", "4 +525512345679 MX Bea", "5 !letters [phone] nope"]);
}

#[test]
fn csv_35_mixed_line_ends() {
    let list = "phone,name\r\n5512345678,Ana\n5512345679,Bea\r5512345670,Cid\r\n\r\nnope,Dan\r\n";
    assert_eq!(
        read(list, &spec()),
        ["2 +525512345678 MX Ana", "3 +525512345679 MX Bea", "4 +525512345670 MX Cid", "6 !letters [phone] nope"]
    );
}

#[test]
fn csv_36_line_end_inside_quotes() {
    let list = "phone,name\r\n5512345678,\"Ana\r\n\r\nGil\"\r\n5512345679,Bea\r\n";
    assert_eq!(read(list, &spec()), ["2 +525512345678 MX Ana\r\n\r\nGil", "5 +525512345679 MX Bea"]);
}

#[test]
fn csv_37_delimiter_at_the_end() {
    let all = ["2 +525512345678 MX Ana", "3 +525512345679 MX Bea"];
    assert_eq!(read("phone,name,\n5512345678,Ana,\n5512345679,Bea,\n", &spec()), all);
    assert_eq!(read("phone,name\n5512345678,Ana,\n5512345679,Bea,,\n", &spec()), all, "empty cells at the end are none");
}

#[test]
fn csv_38_semicolon() {
    let found = outcome(input("phone;name\n5512345678;Gil, Ana\n"), &spec()).unwrap();
    assert_eq!(found.lines, ["2 +525512345678 MX Gil, Ana"]);
    assert_eq!(found.dialect.to_string(), "UTF-8, semicolon (guessed)");
}

#[test]
fn csv_39_tab() {
    let found = outcome(input("phone\tname\n5512345678\tGil, Ana; x\n"), &spec()).unwrap();
    assert_eq!(found.lines, ["2 +525512345678 MX Gil, Ana; x"]);
    assert_eq!(found.dialect.delimiter, b'\t');
}

#[test]
fn csv_40_pipe() {
    let found = outcome(input("phone|name\n5512345678|Ana\n"), &spec()).unwrap();
    assert_eq!(found.lines, ["2 +525512345678 MX Ana"]);
    let told = AudienceSpec { delimiter: Some(b'^'), ..spec() };
    let found = outcome(input("phone^name\n5512345678^Ana|Bea\n"), &told).unwrap();
    assert_eq!(found.lines, ["2 +525512345678 MX Ana|Bea"]);
    assert_eq!((found.dialect.delimiter, found.dialect.delimiter_found), (b'^', Found::Given));
    assert_eq!(
        problems("phone,name\n", &AudienceSpec { delimiter: Some(b'\n'), ..spec() })[0],
        HeaderProblem::BadDelimiter(b'\n')
    );
}

#[test]
fn csv_41_decimal_commas_between_semicolons() {
    let amounts = AudienceSpec { columns: vec!["amount".into()], ..phones() };
    let list = "phone;amount\n5512345678;12,50\n5512345679;7,00\n5512345670;1.200,00\n";
    assert_eq!(read(list, &amounts), ["2 +525512345678 MX 12,50", "3 +525512345679 MX 7,00", "4 +525512345670 MX 1.200,00"]);
}

#[test]
fn csv_42_sep_line() {
    let found = outcome(input("sep=;\r\nphone;name\r\n5512345678;Ana\r\n"), &spec()).unwrap();
    assert_eq!(found.lines, ["3 +525512345678 MX Ana"], "lines are the file's own");
    assert_eq!((found.dialect.delimiter, found.dialect.delimiter_found), (b';', Found::Certain));
    assert_eq!(read("\u{FEFF}SEP=|\nphone|name\n5512345678|a;b;c\n", &spec()), ["3 +525512345678 MX a;b;c"]);
}

#[test]
fn csv_43_comment_lines() {
    let list = "# exported on Monday\n#\nphone,name\n5512345678,Ana\n# the end\n";
    assert_eq!(read(list, &spec()), ["4 +525512345678 MX Ana", "5 !row_too_short"], "behind the header they are rows");
    let numbered = "#,phone,name\n1,5512345678,Ana\n";
    assert_eq!(read(numbered, &spec()), ["2 +525512345678 MX Ana"], "a column may be called #");
}

#[test]
fn csv_44_blank_lines() {
    let list = "\n\nphone,name\n\n   \n5512345678,Ana\n\t \n,\n\"\",\" \"\n5512345679,Bea\n\n\n";
    assert_eq!(read(list, &spec()), ["6 +525512345678 MX Ana", "10 +525512345679 MX Bea"]);
    let mut audience = Audience::open(input(list), &spec()).unwrap();
    let records: Vec<u64> = audience.entries().map(|e| if let Entry::Row(row) = e.unwrap() { row.record } else { 0 }).collect();
    assert_eq!(records, [1, 2], "blank lines are no records");
}

#[test]
fn csv_45_no_line_end_at_the_end() {
    assert_eq!(read("phone,name\n5512345678,Ana", &spec()), ["2 +525512345678 MX Ana"]);
    assert_eq!(read("phone,name\n5512345678,\"Ana\"", &spec()), ["2 +525512345678 MX Ana"]);
}

#[test]
fn csv_46_last_row_cut_off() {
    assert_eq!(
        read("phone,name,city\n5512345678,Ana,Mx\n5512345679,B", &spec()),
        ["2 +525512345678 MX Ana", "3 !unfinished_row"]
    );
    assert_eq!(read("name,phone\nAna,5512345678\nBea,55123", &spec()), ["2 +525512345678 MX Ana", "3 !too_short [phone] 55123"]);
    let (_, error) = fail(input("phone,name\n5512345678,Ana\n5512345679,\"Be"), &spec());
    assert!(matches!(error, AudienceError::UnclosedQuote { line: 3 }));
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    std::io::Write::write_all(&mut gzip, "phone,name\n".as_bytes()).unwrap();
    for i in 0..20_000 {
        std::io::Write::write_all(&mut gzip, format!("55{:08},Ana\n", 12_345_678 + i).as_bytes()).unwrap();
    }
    let mut packed = gzip.finish().unwrap();
    packed.truncate(packed.len() / 2);
    let (rows, error) = fail(input(packed), &spec());
    assert!(matches!(error, AudienceError::Corrupt { .. }), "{error:?}");
    assert!(rows.len() > 5_000);
}

/// 50 million rows are not read in a test. What is shown: the reader is never more than its buffers ahead of its caller, whatever
/// the length. Memory and rates of whole processes are measured by `benches/audience.rs`.
#[test]
fn csv_52_a_list_without_end() {
    const ROWS: u64 = 40_000;
    let padding = "x".repeat(1000);
    let mut row = 0;
    let (list, given) = Generated::new(move || {
        row += 1;
        match row {
            1 => Some(b"phone,name,padding\n".to_vec()),
            2.. if row <= ROWS + 1 => Some(format!("+5255{:08},Ana,{padding}\n", 10_000_000 + row).into_bytes()),
            _ => None,
        }
    });
    let mut audience = Audience::open(Input::Bytes(Box::new(list)), &spec()).unwrap();
    let mut row = Row::default();
    let (mut read, mut used, mut most_ahead) = (0, 0, 0);
    while let Some(reading) = audience.next_row(&mut row).unwrap() {
        assert_eq!(reading, Reading::Row);
        read += 1;
        used += 1000 + 14 + 6;
        most_ahead = most_ahead.max(given.load(Ordering::Relaxed).saturating_sub(used));
    }
    assert_eq!((read, row.record), (ROWS, ROWS));
    assert!(most_ahead < 512 << 10, "{most_ahead} bytes ahead");
}

#[test]
fn csv_53_zip_bomb() {
    let endless_cell =
        zstd::encode_all(std::io::Read::chain(&b"phone,name\n"[..], std::io::Read::take(std::io::repeat(b'a'), 200 << 20)), 1)
            .unwrap();
    assert!(endless_cell.len() < 100_000);
    let (_, error) = fail(input(endless_cell), &spec());
    assert!(matches!(error, AudienceError::RecordTooLarge { line: 2, .. }), "{error:?}");

    let wide_row = format!("{}\n", "a".repeat(1_000_000));
    let mut rows = std::iter::once(b"phone,name\n".to_vec()).chain(std::iter::repeat_n(wide_row.into_bytes(), 100));
    let (rows, _) = Generated::new(move || rows.next());
    let packed = zstd::encode_all(rows, 1).unwrap();
    let (rows, error) = fail(input(packed), &spec());
    assert!(matches!(error, AudienceError::Bomb { line: 66..=72, ratio: 250 }), "{error:?}");
    assert!(rows.iter().all(|row| row.ends_with("!row_too_short")));
}
