//! What good files become.

use std::path::PathBuf;
use std::time::Duration;

use super::examples::{ALL, BUTTONS, CARDS, FULL, HEADER, PRODUCTS};
use super::*;
use crate::message::{Action, Attachment, Header, Media, MediaKind, Message, Source, Value, Values};

/// Only the texts of a message: places are compared with the file.
fn texts(message: &Message<Source>) -> Message<String> {
    let Ok(texts) = message.try_map(|_, source| Ok::<_, std::convert::Infallible>(source.text.clone()));
    texts
}

fn template(text: &str) -> Template<String> {
    let (campaign, _) = accepted(text);
    match texts(&Message::Template(campaign.template.unwrap().message)) {
        Message::Template(template) => template,
        Message::FreeForm(_) => unreachable!(),
    }
}

fn free_form(text: &str) -> FreeForm<String> {
    let (campaign, _) = accepted(text);
    match texts(&Message::FreeForm(campaign.free_form.unwrap())) {
        Message::FreeForm(free_form) => free_form,
        Message::Template(_) => unreachable!(),
    }
}

#[test]
fn every_key_reaches_its_field() {
    let (campaign, warnings) = accepted(FULL);
    assert_eq!(warnings, []);
    assert_eq!(campaign.name, "spring-sale");
    assert_eq!(campaign.purpose, Purpose::Marketing);
    assert_eq!(campaign.senders, ["demo", "demo-2"]);
    assert_eq!(campaign.expires, Some(Duration::from_hours(36)));
    assert_eq!(
        campaign.audience,
        AudiencePart {
            file: AudienceFile::Path(PathBuf::from("audiences/spring.csv.gz")),
            phone: Some("celular".to_owned()),
            country: Some("MX".to_owned()),
            country_column: Some("pais".to_owned()),
            language: Some("idioma".to_owned()),
            timezone: Some("zona".to_owned()),
            consent: Some("acepta".to_owned()),
            delimiter: Some(b';'),
            encoding: Some("windows-1252".to_owned()),
        }
    );
    assert_eq!(campaign.pacing, Pacing { rate: "70/s burst 5".parse().ok(), priority: -3, in_flight: NonZeroU32::new(64) });
    assert_eq!(campaign.route, Route { prefer: Prefer::FreeForm, on_unknown: OnUnknown::AtLeastOnce });
    assert_eq!(campaign.template.unwrap().fallback_language, Some("es_MX".to_owned()));
    assert_eq!(hex::encode(campaign.digest), hex::encode(<sha2::Sha256 as sha2::Digest>::digest(FULL)));
    assert_eq!(free_form(FULL), FreeForm::Text { body: "Hola {{nombre}} 👋".to_owned(), preview_url: true });

    let template = template(FULL);
    assert_eq!((template.name.as_str(), template.language.as_str()), ("spring_sale_v3", "{{idioma}}"));
    assert_eq!(template.header, Some(Header::Image(Media::Id("1013859600285441".to_owned()))));
    assert_eq!(
        template.body,
        Values::Named(vec![
            ("first_name".to_owned(), Value::Text("{{nombre}}".to_owned())),
            (
                "total".to_owned(),
                Value::Currency { fallback: "${{total}}".to_owned(), code: "MXN".to_owned(), amount: "{{total}}".to_owned() }
            ),
            ("day".to_owned(), Value::DateTime { fallback: "{{dia}}".to_owned() }),
        ])
    );
    assert_eq!(template.offer.unwrap().expires_ms(), Some(1_923_026_340_000));
    let buttons: Vec<_> = template.buttons.into_iter().map(|button| (button.index, button.action)).collect();
    assert_eq!(buttons, [(0, Action::CopyCode("{{cupon}}".to_owned())), (1, Action::UrlSuffix("{{slug}}".to_owned()))]);
}

#[test]
fn cards_number_their_buttons_by_place() {
    let template = template(CARDS);
    assert_eq!(template.cards.len(), 3);
    let card = &template.cards[1];
    assert_eq!(card.header, Header::Image(Media::Link("https://cdn.example/2.jpg".to_owned())));
    assert_eq!(card.body, Values::Positional(vec![Value::Text("{{precio2}}".to_owned())]));
    let buttons: Vec<_> = card.buttons.iter().map(|button| (button.index, button.action.clone())).collect();
    assert_eq!(buttons, [(0, Action::QuickReply("more-2".to_owned())), (1, Action::UrlSuffix("{{sku2}}".to_owned()))]);
    assert_eq!(
        free_form(CARDS),
        FreeForm::Media(Attachment {
            kind: MediaKind::Document,
            media: Media::Link("https://cdn.example/catálogo.pdf".to_owned()),
            caption: Some("El catálogo".to_owned()),
            filename: Some("catalogo.pdf".to_owned()),
        })
    );
    assert_eq!(accepted(CARDS).0.audience.file, AudienceFile::Stdin);
}

#[test]
fn headers_of_all_kinds() {
    let place = Header::Location {
        latitude: "19.4326".to_owned(),
        longitude: "-99.1332".to_owned(),
        name: "Tienda".to_owned(),
        address: "Av. Juárez 1".to_owned(),
    };
    assert_eq!(template(BUTTONS).header, Some(place));
    assert_eq!(
        template(HEADER).header,
        Some(Header::Text { name: Some("first_name".to_owned()), value: "{{nombre}}".to_owned() })
    );
    let product = Header::Product { retailer_id: "{{sku2}}".to_owned(), catalog_id: "194836987003835".to_owned() };
    assert_eq!(template(PRODUCTS).cards[1].header, product);
    let FreeForm::Buttons { header, buttons, footer, .. } = free_form(BUTTONS) else { panic!("buttons") };
    let media = Media::Link("https://cdn.example/a.pdf".to_owned());
    assert_eq!(header, Some(Header::Document { media, filename: Some("a.pdf".to_owned()) }));
    assert_eq!((buttons[1].id.as_str(), buttons[1].title.as_str(), footer), ("no", "No", Some("Tienda Demo".to_owned())));
}

/// A place holds exactly its text where the text has no escapes, whatever the quotes.
#[test]
fn places_hold_their_texts() {
    for text in ALL {
        let (campaign, _) = accepted(text);
        let free_form = campaign.free_form.map(Message::FreeForm);
        let template = campaign.template.map(|part| Message::Template(part.message));
        for message in free_form.iter().chain(&template) {
            message.visit(|slot, source| assert_eq!(text.get(source.span.clone()), Some(source.text.as_str()), "{slot}"));
        }
    }
    for body in ["\"\"\"\nuno\ndos\"\"\"", "'''uno \"dos\" '''", "'uno'", "\"\"\"uno\"\"\"", "\"\"\"\r\nuno\"\"\"", "'''\nuno'''"]
    {
        let text = small_and(&format!("[free_form]\nkind = \"text\"\nbody = {body}"));
        let Some(FreeForm::Text { body: source, .. }) = accepted(&text).0.free_form else { panic!("a text") };
        assert_eq!(text[source.span.clone()], source.text, "{body}");
    }
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_change_nothing() {
    let text = format!("\u{feff}{}", FULL.replace('\n', "\r\n"));
    let (campaign, warnings) = accepted(&text);
    assert_eq!((campaign.name.as_str(), warnings.as_slice()), ("spring-sale", [].as_slice()));
    let name = campaign.template.unwrap().message.name;
    assert_eq!(text[name.span], name.text);
    says(
        &format!("\u{feff}x = 1\r\n{SMALL}"),
        &[
            "1:1: error[unknown_key]: unknown key `x` in the campaign — known here: `name`, `purpose`, `sender`, `expires`, `audience`, `pacing`, `route`, `free_form`, `template`",
        ],
    );
}

#[test]
fn without_settings_senders_are_not_judged() {
    let editor = Context { senders: None, now: NOW };
    let text = small_with("\"demo\"\n", "\"anyone\"\nroute.on_unknown = \"at_least_once\"\npacing.rate = \"900/s\"\n");
    assert_eq!(parse(&text, &editor).unwrap().1, []);
}
