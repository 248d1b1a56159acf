//! The file of rejects: written, fixed, handed back.

use fanfare::audience::{Audience, AudienceSpec, OWN_COLUMNS, Reading, RejectsWriter, Row, guard, unguard};

use super::{input, line, outcome, read, spec};
use fanfare::audience::Entry;

/// Reads a list and writes its rejects; the rows that were good come too.
fn export(list: impl AsRef<[u8]>, spec: &AudienceSpec) -> (Vec<String>, Vec<u8>) {
    let mut audience = Audience::open(input(list), spec).unwrap();
    let mut writer = RejectsWriter::new(Vec::new(), audience.header()).unwrap();
    let (mut row, mut rows) = (Row::default(), Vec::new());
    while let Some(reading) = audience.next_row(&mut row).unwrap() {
        match reading {
            Reading::Row => rows.push(line(&Entry::Row(row.clone()))),
            Reading::Reject(reject) => writer.write(&reject, audience.cells()).unwrap(),
        }
    }
    (rows, writer.finish().unwrap())
}

#[test]
fn names_what_is_wrong_beside_the_rows_own_cells() {
    let (rows, file) = export("name,phone\nAna,5512345678\n=1+1,5512345679.0\nBea\n", &spec());
    assert_eq!(rows, ["2 +525512345678 MX Ana"]);
    let expected = "\u{FEFF}\"rejected_line\",\"rejected_column\",\"rejected_reason\",\"rejected_because\",\"rejected_value\",\"corrected_value\",\"name\",\"phone\"\r\n\
        \"3\",\"phone\",\"decimal_number\",\"a spreadsheet made the number a decimal: format the column as text and export again\",\"5512345679.0\",\"'+525512345679\",\"'=1+1\",\"5512345679.0\"\r\n\
        \"4\",\"\",\"row_too_short\",\"the row has fewer cells than the header: a cell or a delimiter is missing\",\"\",\"\",\"Bea\"\r\n";
    assert_eq!(String::from_utf8(file).unwrap(), expected);
}

#[test]
fn comes_back_with_its_corrections() {
    let (_, file) = export("name,phone\n=1+1,5512345679.0\nBea,nope\n\"'@x\",+52 55\n", &spec());
    let found = outcome(input(&file), &spec()).unwrap();
    assert!(found.dialect.rejects);
    assert_eq!(found.lines, ["2 +525512345679 MX =1+1", "3 !letters [phone] nope", "4 !too_short [phone] +52 55"]);
    let fixed = String::from_utf8(file)
        .unwrap()
        .replace("\"nope\",\"\"", "\"nope\",\"55 1234 5670\"")
        .replace("\"'+52 55\"\r", "\"5512345671\"\r");
    assert_eq!(read(fixed, &spec()), ["2 +525512345679 MX =1+1", "3 +525512345670 MX Bea", "4 +525512345671 MX '@x"]);
}

#[test]
fn duplicates_that_come_back_stay_out() {
    let (_, file) = export("name,phone\nAna,5512345678\nBea,5512345678\n", &spec());
    assert_eq!(read(file, &spec()), ["2 !duplicate"], "the person got the message by the first row");
}

#[test]
fn short_rows_that_a_spreadsheet_filled_up_stay_out() {
    let (_, file) = export("phone,name\n5512345678\n", &spec());
    assert_eq!(read(&file, &spec()), ["2 !row_too_short"]);
    let filled = String::from_utf8(file).unwrap().replace("\"5512345678\"\r", "\"5512345678\",\"\"\r");
    assert_eq!(read(&filled, &spec()), ["2 !row_too_short"]);
    let mended = filled.replace("\"5512345678\",\"\"\r", "\"5512345678\",\"Ana\"\r");
    assert_eq!(read(mended, &spec()), ["2 +525512345678 MX Ana"]);
}

#[test]
fn a_list_that_came_back_may_be_rejected_again() {
    let (_, first) = export("name,phone\n+Ana,nope\n", &spec());
    let (_, second) = export(&first, &spec());
    let mut audience = Audience::open(input(&second), &spec()).unwrap();
    assert_eq!(audience.header(), ["name", "phone"], "its own columns do not pile up");
    let mut row = Row::default();
    audience.next_row(&mut row).unwrap();
    assert_eq!(audience.cells().collect::<Vec<_>>(), [b"+Ana".as_slice(), b"nope"]);
}

#[test]
fn no_cell_is_a_formula() {
    let hostile =
        ["=1", "+1", "-1", "@x", "\tx", "\rx", "\nx", "＝1", "＋1", "－1", "＠x", " =1", "'=1", "\"=1", " ' \" =1", "\u{A0}=1"];
    for cell in hostile {
        let safe = guard(cell);
        assert_eq!(safe, format!("'{cell}"));
        assert_eq!(unguard(&safe), cell);
    }
    for harmless in ["", "Ana", "'Ana", "O'Hara", "a=b", "5512345678", "'", "''", "\"x\""] {
        assert_eq!(guard(harmless), harmless);
        assert_eq!(unguard(harmless), harmless);
    }
    assert_eq!(OWN_COLUMNS.len(), 6);
}
