//! Inputs 1–18: encodings, packing, and what is no list at all.

use std::io::Write;

use fanfare::audience::{AudienceError, AudienceSpec, Compression, Found, HeaderProblem, Refused};

use super::{fail, input, outcome, phones, problems, read, spec};

const ANA: &str = "2 +525512345678 MX José";

fn utf16(text: &str, big: bool) -> Vec<u8> {
    text.encode_utf16().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
}

fn refused(bytes: impl AsRef<[u8]>) -> Refused {
    match fail(input(bytes), &spec()) {
        (rows, AudienceError::Refused { what }) if rows.is_empty() => what,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn csv_01_empty_file() {
    assert!(matches!(fail(input(""), &spec()).1, AudienceError::Empty));
    assert!(matches!(fail(input("\n\r\n\n"), &spec()).1, AudienceError::Empty), "blank lines are nothing");
}

#[test]
fn csv_02_only_a_byte_order_mark() {
    for mark in [&b"\xEF\xBB\xBF"[..], b"\xFF\xFE", b"\xFE\xFF"] {
        assert!(matches!(fail(input(mark), &spec()).1, AudienceError::Empty), "{mark:?}");
    }
}

#[test]
fn csv_03_byte_order_mark_and_header() {
    let found = outcome(input("\u{FEFF}phone,name\n5512345678,José\n"), &spec()).unwrap();
    assert_eq!(found.lines, [ANA]);
    assert_eq!((found.dialect.encoding, found.dialect.encoding_found), ("UTF-8", Found::Certain));
    assert_eq!(read("\u{FEFF}\"phone\",name\n5512345678,José\n", &spec()), [ANA], "the mark is not part of a quoted name");
}

#[test]
fn csv_04_utf16_little_endian_with_mark() {
    let bytes = utf16("\u{FEFF}phone\tname\r\n5512345678\tJosé\r\n", false);
    let found = outcome(input(bytes), &spec()).unwrap();
    assert_eq!(found.lines, [ANA]);
    assert_eq!((found.dialect.encoding, found.dialect.encoding_found), ("UTF-16LE", Found::Certain));
    assert_eq!(found.dialect.delimiter, b'\t');
}

#[test]
fn csv_05_utf16_big_endian_without_mark() {
    let found = outcome(input(utf16("phone,name\n5512345678,José\n", true)), &spec()).unwrap();
    assert_eq!(found.lines, [ANA]);
    assert_eq!(found.dialect.to_string(), "UTF-16BE (guessed), comma (guessed)");
    let found = outcome(input(utf16("phone,name\n5512345678,José\n", false)), &spec()).unwrap();
    assert_eq!((found.lines.as_slice(), found.dialect.encoding), ([ANA.to_owned()].as_slice(), "UTF-16LE"));
}

#[test]
fn csv_06_latin_1() {
    let found = outcome(input(b"phone,name\n5512345678,Jos\xE9\n5512345679,Mar\xEDa Mu\xF1oz\n"), &spec()).unwrap();
    assert_eq!(found.lines, [ANA, "3 +525512345679 MX María Muñoz"]);
    assert_eq!(found.dialect.to_string(), "windows-1252 (guessed), comma (guessed)");
}

#[test]
fn csv_07_windows_1252_smart_quotes() {
    let list = b"phone,name\n5512345678,\x93El Rey\x94 \x96 Jos\xE9 \x80 5\n";
    assert_eq!(read(list, &spec()), ["2 +525512345678 MX “El Rey” – José € 5"]);
    let told = AudienceSpec { encoding: Some("latin1".into()), ..spec() };
    let found = outcome(input(list), &told).unwrap();
    assert_eq!(found.lines, ["2 +525512345678 MX “El Rey” – José € 5"]);
    assert_eq!(found.dialect.encoding_found, Found::Given);
    let wrong = AudienceSpec { encoding: Some("utf-9".into()), ..spec() };
    assert_eq!(problems(list, &wrong), [HeaderProblem::UnknownEncoding("utf-9".into())]);
}

#[test]
fn csv_08_invalid_utf8_in_a_cell() {
    let found = outcome(input(b"phone,name\n5512345678,Jos\xC3\xA9\n5512345679,Jos\xC3\n5512345670,Ana\n"), &spec()).unwrap();
    assert_eq!(found.lines, [ANA, "3 !bad_encoding [name] Jos\u{FFFD}", "4 +525512345670 MX Ana"]);
    assert_eq!(found.dialect.encoding, "UTF-8", "one bad row must not spoil the good ones");
    assert_eq!(read(b"phone,note\n5512345678,\xC3\xA9\n5512345679,\xC3\n", &phones()).len(), 2);
    let unused = read(b"phone,note\n5512345678,\xC3\xA9\n5512345679,\xC3\n", &phones());
    assert_eq!(unused, ["2 +525512345678 MX", "3 +525512345679 MX"], "a column nobody uses harms nobody");
}

#[test]
fn csv_09_nul_byte_in_a_cell() {
    let list = b"phone,name\n5512345678,Jo\0se\n55123\x0045679,Ana\n5512345670,Bea\n";
    assert_eq!(
        read(list, &spec()),
        ["2 !nul_byte [name] Jo\0se", "3 !nul_byte [phone] 55123\x0045679", "4 +525512345670 MX Bea"]
    );
}

#[test]
fn csv_10_nul_filled_tail() {
    for tail in [10, 5_000, 3 << 20] {
        for cut in ["", "55123", "5512345679,Be"] {
            let mut list = format!("phone,name\n5512345678,José\n{cut}").into_bytes();
            list.resize(list.len() + tail, 0);
            let (rows, error) = fail(input(list), &spec());
            assert_eq!(rows, [ANA]);
            assert!(matches!(error, AudienceError::NulTail { line: 3 }), "{tail} {cut}: {error:?}");
        }
    }
}

#[test]
fn csv_11_overlong_utf8() {
    let list = b"phone,name\n5512345678,Jos\xC3\xA9\n5512345679,\xC0\xAFx\n";
    assert_eq!(read(list, &spec()), [ANA, "3 !bad_encoding [name] \u{FFFD}\u{FFFD}x"]);
}

#[test]
fn csv_12_lone_surrogates() {
    let cesu = b"phone,name\n5512345678,Jos\xC3\xA9\n5512345679,\xED\xA0\xBDx\n";
    assert_eq!(read(cesu, &spec()), [ANA, "3 !bad_encoding [name] \u{FFFD}\u{FFFD}\u{FFFD}x"]);
    let mut wide = utf16("\u{FEFF}phone,name\n5512345678,José\n5512345679,", false);
    wide.extend([0x3D, 0xD8]);
    wide.extend(utf16("x\n", false));
    assert_eq!(read(wide, &spec()), [ANA, "3 !bad_encoding [name] \u{FFFD}x"]);
}

#[test]
fn csv_13_mixed_encodings_by_row() {
    let mostly_utf8 = b"phone,name\n5512345678,Jos\xC3\xA9\n5512345679,Jos\xE9\n5512345670,Mu\xC3\xB1oz\n";
    assert_eq!(read(mostly_utf8, &spec()), [ANA, "3 !bad_encoding [name] Jos\u{FFFD}", "4 +525512345670 MX Muñoz"]);
    let mostly_latin = b"phone,name\n5512345678,Jos\xE9\n5512345679,Jos\xC3\xA9\n5512345670,Mu\xF1oz\n5512345671,Ra\xFAl\n";
    let found = outcome(input(mostly_latin), &spec()).unwrap();
    assert_eq!(found.dialect.encoding, "windows-1252");
    assert_eq!(found.lines, [ANA, "3 !bad_encoding [name] JosÃ©", "4 +525512345670 MX Muñoz", "5 +525512345671 MX Raúl"]);
}

#[test]
fn csv_14_gzip_named_csv() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all("phone,name\n5512345678,José\n".as_bytes()).unwrap();
    let mut packed = gzip.finish().unwrap();
    let mut second = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    second.write_all(b"5512345679,Bea\n").unwrap();
    packed.extend(second.finish().unwrap());
    let found = outcome(input(&packed), &spec()).unwrap();
    assert_eq!(found.lines, [ANA, "3 +525512345679 MX Bea"], "both members are read");
    assert_eq!(found.dialect.compression, Compression::Gzip);

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list.csv");
    std::fs::write(&path, zstd::encode_all("phone,name\n5512345678,José\n".as_bytes(), 3).unwrap()).unwrap();
    let found = outcome(fanfare::audience::Input::Path(path), &spec()).unwrap();
    assert_eq!(
        (found.lines.as_slice(), found.dialect.to_string().as_str()),
        ([ANA.to_owned()].as_slice(), "UTF-8, comma (guessed), Zstandard")
    );

    let again = zstd::encode_all(packed.as_slice(), 3).unwrap();
    assert_eq!(refused(again), Refused::OtherCompression, "packed twice");
}

#[test]
fn csv_15_spreadsheet_renamed_csv() {
    assert_eq!(refused(b"PK\x03\x04\x14\x00\x06\x00xl/workbook.xml"), Refused::Spreadsheet);
    assert_eq!(refused(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"), Refused::OldSpreadsheet);
    let said = AudienceError::Refused { what: Refused::Spreadsheet }.to_string();
    assert_eq!(
        said,
        "the audience is not a CSV file but a spreadsheet or zip file: open it in the spreadsheet program and save it as CSV (UTF-8)"
    );
}

#[test]
fn csv_16_html_error_page() {
    assert_eq!(refused("<!DOCTYPE html><html><body>502 Bad Gateway, phone</body></html>"), Refused::Html);
    assert_eq!(refused("\u{FEFF}\r\n  <HTML lang=en>"), Refused::Html);
    assert_eq!(refused("<?xml version=\"1.0\"?><Error/>"), Refused::Xml);
    assert_eq!(refused(r#"{"error":"not found"}"#), Refused::Json);
}

#[test]
fn csv_17_pdf() {
    assert_eq!(refused("%PDF-1.7\n%âãÏÓ\n"), Refused::Pdf);
}

#[test]
fn csv_18_random_binary() {
    for seed in 0..50 {
        let mut random = fastrand::Rng::with_seed(seed);
        let bytes: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(20_000).collect();
        assert_eq!(refused(bytes), Refused::Binary, "seed {seed}");
    }
    let mut archive = vec![0; 512];
    archive[..5].copy_from_slice(b"l.csv");
    archive[257..262].copy_from_slice(b"ustar");
    assert_eq!(refused(archive), Refused::Archive);
    assert_eq!(refused(b"\xFF\xFE\x00\x00p\x00\x00\x00"), Refused::Utf32);
    assert_eq!(refused(b"SQLite format 3\0"), Refused::Binary);
}
