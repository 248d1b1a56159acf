//! Tests of the reader as a whole.

use std::io::Cursor;

use super::*;

fn entries(text: &'static str, spec: &AudienceSpec) -> Vec<Entry> {
    let mut audience = Audience::open(Input::Bytes(Box::new(Cursor::new(text))), spec).unwrap();
    audience.entries().collect::<Result<_, _>>().unwrap()
}

#[test]
fn csv_to_rows() {
    let spec = AudienceSpec { country: Some("MX".into()), columns: vec!["name".into()], ..AudienceSpec::default() };
    let found = entries("name,phone\nAna,55 1234 5678\nBea,+5215512345679\nCid,nope\nDan,5215512345678\n", &spec);
    let line = |entry: &Entry| match entry {
        Entry::Row(row) => format!("{} {} {} {}", row.line, row.phone, row.region, row.values.join("|")),
        Entry::Reject(reject) => format!("{} {} {}", reject.line, reject.reason.as_str(), reject.value),
    };
    let found: Vec<String> = found.iter().map(line).collect();
    assert_eq!(found, ["2 +525512345678 MX Ana", "3 +525512345679 MX Bea", "4 letters nope", "5 duplicate 5215512345678"]);
}
