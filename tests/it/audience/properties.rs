//! What holds for every list.

use std::io::Read;

use fanfare::audience::{
    Audience, AudienceSpec, Input, Reading, Region, RejectsWriter, Row, canonical, guard, normalise, unguard,
};
use proptest::prelude::*;

use super::{input, outcome, read, spec};

/// Gives its bytes in pieces of the sizes told, again and again.
struct Chunked {
    bytes: Vec<u8>,
    at: usize,
    sizes: Vec<usize>,
    turn: usize,
}

impl Read for Chunked {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let size = self.sizes[self.turn % self.sizes.len()];
        self.turn += 1;
        if size == 0 {
            return Err(std::io::ErrorKind::Interrupted.into());
        }
        let n = size.min(buf.len()).min(self.bytes.len() - self.at);
        buf[..n].copy_from_slice(&self.bytes[self.at..self.at + n]);
        self.at += n;
        Ok(n)
    }
}

/// Everything that can be seen of a list, as text.
fn seen(input: Input, spec: &AudienceSpec) -> String {
    match outcome(input, spec) {
        Ok(found) => format!("{:?} {:?} {:?}", found.lines, found.end.map_err(|e| e.to_string()), found.dialect),
        Err(error) => error.to_string(),
    }
}

/// Text made of what CSV readers stumble over.
fn csvish() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => Just("5512345678".to_owned()),
        4 => "[0-9+]{1,14}",
        2 => Just("José".to_owned()),
        3 => Just(",".to_owned()),
        2 => Just("\n".to_owned()),
        2 => Just("\r\n".to_owned()),
        1 => Just("\r".to_owned()),
        2 => Just("\"".to_owned()),
        1 => Just(";".to_owned()),
        1 => Just("\\".to_owned()),
        1 => Just("\0".to_owned()),
        1 => Just(" ".to_owned()),
        1 => Just("=1".to_owned()),
        1 => "\\PC{0,6}",
    ];
    let body = prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat().into_bytes());
    (prop_oneof![Just("phone,name\n"), Just("phone,name\r\n"), Just("phone;name\r"), Just("")], body)
        .prop_map(|(header, body)| [header.as_bytes(), &body].concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_neither_panic_nor_loop(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        seen(input(&bytes), &spec());
        let headed = [b"phone,name\n5512345678,Ana\n".as_slice(), &bytes].concat();
        seen(input(headed), &spec());
    }

    #[test]
    fn pieces_do_not_matter(bytes in csvish(), sizes in prop::collection::vec(0usize..40, 1..6)) {
        prop_assume!(sizes.iter().any(|&size| size > 0));
        let whole = seen(input(&bytes), &spec());
        let chunked = Chunked { bytes, at: 0, sizes, turn: 0 };
        prop_assert_eq!(seen(Input::Bytes(Box::new(chunked)), &spec()), whole);
    }

    #[test]
    fn cells_survive_any_text(values in prop::collection::vec("[^\0\\\\\u{FFFD}]{0,40}", 1..5)) {
        let mut csv = csv::WriterBuilder::new().quote_style(csv::QuoteStyle::Always).from_writer(Vec::new());
        csv.write_record(["phone", "name"]).unwrap();
        for (i, value) in values.iter().enumerate() {
            csv.write_record([&format!("55{:08}", 12_345_678 + i), value]).unwrap();
        }
        let spec = AudienceSpec { delimiter: Some(b','), ..spec() };
        let mut audience = Audience::open(input(csv.into_inner().unwrap()), &spec).unwrap();
        let mut row = Row::default();
        for value in &values {
            prop_assert_eq!(audience.next_row(&mut row).unwrap(), Some(Reading::Row));
            prop_assert_eq!(&row.values[0], value);
        }
    }

    #[test]
    fn guarding_is_undone_exactly(cell in "[ '\"=+@\t\r\n＝a1-]{0,12}|\\PC{0,20}") {
        let safe = guard(&cell);
        prop_assert_eq!(unguard(&safe), cell.as_str());
        let start = safe.trim_start_matches([' ', '"']);
        prop_assert!(!start.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']));
    }

    #[test]
    fn rejects_come_back_as_they_were(names in prop::collection::vec("[^\0\\\\\u{FFFD}]{0,20}", 1..6)) {
        let mut list = csv::WriterBuilder::new().quote_style(csv::QuoteStyle::Always).from_writer(Vec::new());
        list.write_record(["name", "phone"]).unwrap();
        for name in &names {
            list.write_record([name.as_str(), "nope"]).unwrap();
        }
        let spec = AudienceSpec { delimiter: Some(b','), ..spec() };
        let mut audience = Audience::open(input(list.into_inner().unwrap()), &spec).unwrap();
        let mut writer = RejectsWriter::new(Vec::new(), audience.header()).unwrap();
        let mut row = Row::default();
        while let Some(reading) = audience.next_row(&mut row).unwrap() {
            let Reading::Reject(reject) = reading else { panic!("a row") };
            writer.write(&reject, audience.cells()).unwrap();
        }
        let mut back = Audience::open(input(writer.finish().unwrap()), &spec).unwrap();
        prop_assert_eq!(back.header(), ["name", "phone"]);
        for name in &names {
            prop_assert!(matches!(back.next_row(&mut row).unwrap(), Some(Reading::Reject(_))));
            prop_assert_eq!(back.cells().next().unwrap(), name.as_bytes());
        }
        prop_assert_eq!(back.next_row(&mut row).unwrap(), None);
    }

    #[test]
    fn any_cell_is_a_number_or_a_reason(raw in "\\PC{0,40}|[-+0-9 ().,/eExX#']{0,30}") {
        for country in [None, Region::parse("MX"), Region::parse("DE")] {
            if let Ok(phone) = normalise(&raw, country) {
                prop_assert_eq!(normalise(&phone.to_string(), None), Ok(phone));
                prop_assert_eq!(normalise(&phone.to_string(), Region::parse("US")), Ok(phone));
            }
        }
    }

    #[test]
    fn canonical_is_idempotent(digits in 1_000_000u64..1_000_000_000_000_000) {
        let phone = fanfare::audience::Phone::from_digits(digits).unwrap();
        prop_assert_eq!(canonical(canonical(phone)), canonical(phone));
    }
}

#[test]
fn rows_do_not_depend_on_line_ends() {
    let list = "phone,name\n5512345678,Ana\n\n5512345679,\"B\"\"ea\"\nnope,Cid\n";
    let expected = read(list, &spec());
    for end in ["\r\n", "\r"] {
        assert_eq!(read(list.replace('\n', end), &spec()), expected, "{end:?}");
    }
}
