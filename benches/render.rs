//! How long does one row's message take to render? The target is 2 µs for a template with three or four values.

use divan::{Bencher, black_box};
use fanfare::message::{Action, Button, Columns, Compiled, FreeForm, Message, RowContext, Source, Template, Value, Values};
use fanfare::time::Timestamp;

fn main() {
    divan::main();
}

fn source(text: &str) -> Source {
    Source { text: text.to_owned(), span: 0..text.len() }
}

fn template(body: &[&str]) -> Message<Source> {
    Message::Template(Template {
        name: source("spring_sale_v3"),
        language: source("{{locale}}"),
        header: None,
        body: Values::Positional(body.iter().map(|text| Value::Text(source(text))).collect()),
        buttons: vec![Button { index: 1, action: Action::UrlSuffix(source("{{slug}}")) }],
        offer: None,
        cards: Vec::new(),
    })
}

fn row() -> (Vec<String>, Vec<String>) {
    let cells = [
        ("mobile", "+525512345678"),
        ("first_name", "José"),
        ("locale", "es_MX"),
        ("coupon", "SPRING25"),
        ("price", "1234.50"),
        ("due", "2026-12-08"),
        ("slug", "a/b?c=1"),
        ("tier", "gold"),
    ];
    cells.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).unzip()
}

fn bench(bencher: Bencher<'_, '_>, message: &Message<Source>) {
    let (header, values) = row();
    let compiled = Compiled::new(message, &Columns::new(&header)).unwrap_or_else(|problems| unreachable!("{problems:?}"));
    let context = RowContext { language: None, fallback_language: Some("es_MX"), now: Timestamp(0) };
    bencher.bench(|| compiled.render(black_box(&values), &context));
}

#[divan::bench(sample_size = 100)]
fn template_of_plain_columns(bencher: Bencher<'_, '_>) {
    bench(bencher, &template(&["{{first_name}}", "Código {{coupon}} de {{tier}}", "{{price}}"]));
}

#[divan::bench(sample_size = 100)]
fn template_with_helpers(bencher: Bencher<'_, '_>) {
    bench(
        bencher,
        &template(&[
            "{{default first_name 'amiga'}}",
            "{{money price 'MXN'}}",
            "{{date due 'long'}}",
            "{{#if (eq tier 'gold')}}oro{{else}}plata{{/if}}",
        ]),
    );
}

#[divan::bench(sample_size = 100)]
fn free_text(bencher: Bencher<'_, '_>) {
    bench(
        bencher,
        &Message::FreeForm(FreeForm::Text {
            body: source("Hola {{first_name}}, tu código es {{coupon}}.\n¡Gracias!"),
            preview_url: false,
        }),
    );
}
