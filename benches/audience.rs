//! How fast a list becomes rows: the whole reader, and the phone cell alone.

use std::io::Cursor;

use divan::Bencher;
use divan::counter::ItemsCount;
use fanfare::audience::{Audience, AudienceSpec, Input, Region, Row, normalise};

fn main() {
    divan::main();
}

const ROWS: usize = 100_000;

/// The form in which a list writes its numbers.
#[derive(Debug, Clone, Copy)]
enum Form {
    /// `+525512345678`
    Plus,
    /// `5512345678`
    National,
    /// `525512345678`
    NoPlus,
    /// `55 1234 5678`
    Spaced,
    /// `+5215512345678`, and other countries'
    Mixed,
}

const FORMS: [Form; 5] = [Form::Plus, Form::National, Form::NoPlus, Form::Spaced, Form::Mixed];

fn cell(form: Form, i: usize) -> String {
    let subscriber = 10_000_000 + i * 7919 % 89_999_999;
    match form {
        Form::Plus => format!("+5255{subscriber}"),
        Form::National => format!("55{subscriber}"),
        Form::NoPlus => format!("5255{subscriber}"),
        Form::Spaced => format!("55 {} {:04}", subscriber / 10_000, subscriber % 10_000),
        Form::Mixed => match i % 4 {
            0 => format!("+52155{subscriber}"),
            1 => format!("+55119{subscriber}"),
            2 => format!("+9198{subscriber}"),
            _ => format!("+14155{:06}", 200_000 + i % 799_999),
        },
    }
}

#[divan::bench(args = FORMS)]
fn rows(bencher: Bencher, form: Form) {
    let mut list = String::from("id,phone,first_name,coupon,locale,tier\n");
    for i in 0..ROWS {
        list.push_str(&[&i.to_string(), ",", &cell(form, i), ",María José,SPRING-2026,es_MX,gold\n"].concat());
    }
    let spec = AudienceSpec {
        country: Some("MX".into()),
        columns: ["first_name", "coupon", "locale", "tier"].map(String::from).to_vec(),
        ..AudienceSpec::default()
    };
    bencher.counter(ItemsCount::new(ROWS)).with_inputs(|| list.clone().into_bytes()).bench_values(|list| {
        let opened = Audience::open(Input::Bytes(Box::new(Cursor::new(list))), &spec);
        let Ok(mut audience) = opened else { return 0 };
        let (mut row, mut read) = (Row::default(), 0);
        while let Ok(Some(_)) = audience.next_row(&mut row) {
            read += 1;
        }
        read
    });
}

#[divan::bench(args = FORMS)]
fn phone(bencher: Bencher, form: Form) {
    let cells: Vec<String> = (0..1000).map(|i| cell(form, i)).collect();
    let country = Region::parse("MX");
    bencher.counter(ItemsCount::new(cells.len())).bench(|| cells.iter().filter(|cell| normalise(cell, country).is_ok()).count());
}
