use super::{fixture, fixtures, respaced};
use crate::audience::Phone;
use crate::message::{
    Action, Attachment, Button, Card, FreeForm, Header, Media, MediaKind, Message, Offer, ReplyButton, Template, Value, Values,
};
use crate::provider::contract::{Envelope, Inexpressible, Provider, Request};
use crate::provider::meta::{BadVersion, Meta};

pub(super) fn encode(message: &Message) -> Result<Request, Inexpressible> {
    let to = Phone::from_digits(5_215_512_345_678).unwrap();
    Meta::new().encode(&Envelope { number_id: "106540352242922", to, message, client_ref: "w1-7KQ2M4X9-0" })
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

fn positional(values: &[&str]) -> Values {
    Values::Positional(values.iter().map(|value| text(value)).collect())
}

fn button(index: u8, action: Action) -> Button {
    Button { index, action }
}

fn bare() -> Template {
    Template {
        name: "spring_sale_v3".into(),
        language: "es_MX".into(),
        header: None,
        body: Values::none(),
        buttons: Vec::new(),
        offer: None,
        cards: Vec::new(),
    }
}

fn headed(header: Header) -> Message {
    Message::Template(Template { header: Some(header), ..bare() })
}

fn file(kind: MediaKind, media: Media, caption: Option<&str>, filename: Option<&str>) -> Message {
    let (caption, filename) = (caption.map(Into::into), filename.map(Into::into));
    Message::FreeForm(FreeForm::Media(Attachment { kind, media, caption, filename }))
}

fn asked(header: Option<Header>, footer: Option<&str>, buttons: &[(&str, &str)]) -> Message {
    let buttons = buttons.iter().map(|(id, title)| ReplyButton { id: (*id).into(), title: (*title).into() }).collect();
    Message::FreeForm(FreeForm::Buttons { header, body: "¿Vienes?".into(), footer: footer.map(Into::into), buttons })
}

fn id(id: &str) -> Media {
    Media::Id(id.into())
}

fn link(link: &str) -> Media {
    Media::Link(link.into())
}

fn product(retailer_id: &str) -> Header {
    Header::Product { retailer_id: retailer_id.into(), catalog_id: "194836987003835".into() }
}

fn offered() -> Template {
    Template {
        header: Some(Header::Image(id("1558081531584829"))),
        body: positional(&["Ana"]),
        offer: Some(Offer { expires: "2026-12-08T23:59:00-06:00".into() }),
        buttons: vec![button(0, Action::CopyCode("25OFF".into())), button(1, Action::UrlSuffix("ana".into()))],
        ..bare()
    }
}

fn media_carousel() -> Template {
    let card = |picture, price, payload: &str, suffix: &str| Card {
        header: Header::Image(picture),
        body: positional(&[price]),
        buttons: vec![button(0, Action::QuickReply(payload.into())), button(1, Action::UrlSuffix(suffix.into()))],
    };
    Template {
        body: positional(&["Ana"]),
        cards: vec![
            card(id("1558081531584829"), "20%", "more-aloes", "blue-elf"),
            card(link("https://cdn.example/2.jpg"), "30%", "more-crassulas", "buddhas-temple"),
        ],
        ..bare()
    }
}

/// Every kind of message, by the file that shows its request.
pub(super) fn messages() -> Vec<(&'static str, Message)> {
    let bought = |sku| Card { header: product(sku), body: Values::none(), buttons: Vec::new() };
    let pdf = Header::Document { media: link("https://cdn.example/p/8731.pdf"), filename: Some("factura.pdf".into()) };
    let shop = Header::Location {
        latitude: "19.4326".into(),
        longitude: "-99.1332".into(),
        name: "Tienda Centro".into(),
        address: "Av. Juárez 1".into(),
    };
    let named = Values::Named(vec![
        ("first_name".into(), text("Ana")),
        ("price".into(), Value::Currency { fallback: "$100.99".into(), code: "USD".into(), amount: "100.99".into() }),
        ("until".into(), Value::DateTime { fallback: "8 de diciembre".into() }),
    ]);
    let title = |name: Option<&str>| Header::Text { name: name.map(Into::into), value: "Primavera".into() };
    let buttons = vec![
        button(0, Action::QuickReply("STOP_PROMO".into())),
        button(2, Action::UrlSuffix("ana%20s?c=1".into())),
        button(3, Action::CopyCode("25OFF".into())),
    ];
    let positional_values = Template { header: Some(title(None)), body: positional(&["Ana", "10% \"más\""]), ..bare() };
    let named_values = Template { header: Some(title(Some("sale"))), body: named, ..bare() };
    let said = FreeForm::Text { body: "Hola Ana 👋\nhttps://shop.example".into(), preview_url: true };
    let yes_no = [("yes", "Sí"), ("no", "No")];
    let document = Header::Document { media: link("https://cdn.example/p.pdf"), filename: Some("p.pdf".into()) };
    vec![
        ("template_without_values", Message::Template(bare())),
        ("template_positional_values", Message::Template(positional_values)),
        ("template_named_values", Message::Template(named_values)),
        ("template_header_image_by_id", headed(Header::Image(id("1558081531584829")))),
        ("template_header_video_by_link", headed(Header::Video(link("https://cdn.example/spring.mp4")))),
        ("template_header_document", headed(pdf)),
        ("template_header_location", headed(shop)),
        ("template_header_product", headed(product("sku-1"))),
        ("template_buttons", Message::Template(Template { body: positional(&["Ana"]), buttons, ..bare() })),
        ("template_limited_time_offer", Message::Template(offered())),
        ("template_media_carousel", Message::Template(media_carousel())),
        ("template_product_carousel", Message::Template(Template { cards: vec![bought("sku-1"), bought("sku-2")], ..bare() })),
        ("text", Message::FreeForm(said)),
        ("image_by_link_with_caption", file(MediaKind::Image, link("https://cdn.example/1.jpg"), Some("Para ti"), None)),
        ("video_by_id", file(MediaKind::Video, id("1166846181421424"), None, None)),
        ("audio_by_id", file(MediaKind::Audio, id("1166846181421425"), None, None)),
        (
            "document_with_filename",
            file(MediaKind::Document, link("https://cdn.example/p/8731.pdf"), Some("Tu factura"), Some("factura.pdf")),
        ),
        ("sticker_by_link", file(MediaKind::Sticker, link("https://cdn.example/hi.webp"), None, None)),
        ("buttons_text_header", asked(Some(title(None)), Some("Responde STOP para salir"), &yes_no)),
        ("buttons_image_header", asked(Some(Header::Image(id("1558081531584829"))), None, &yes_no[..1])),
        ("buttons_document_header", asked(Some(document), None, &yes_no[..1])),
    ]
}

#[test]
fn each_message_is_the_request_of_its_file_to_the_byte() {
    let messages = messages();
    for (label, message) in &messages {
        let request = encode(message).unwrap();
        assert_eq!(request.path, "/v26.0/106540352242922/messages", "{label}");
        let expected = respaced(&fixture(&format!("requests/{label}.json")), "");
        assert_eq!(std::str::from_utf8(&request.body).unwrap(), expected, "{label}");
    }
    assert_eq!(fixtures("requests").len(), messages.len(), "every file is shown by a message");
}

#[test]
fn amounts_are_exact_thousandths() {
    let amount = |amount: &str| {
        let value = Value::Currency { fallback: "$".into(), code: "USD".into(), amount: amount.into() };
        let message = Message::Template(Template { body: Values::Positional(vec![value]), ..bare() });
        let body = encode(&message).ok()?.body;
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        body["template"]["components"][0]["parameters"][0]["currency"]["amount_1000"].as_i64()
    };
    for (text, thousandths) in [
        ("0", Some(0)),
        ("0.001", Some(1)),
        ("0.1", Some(100)),
        ("19.99", Some(19_990)),
        ("1.0050", Some(1_005)),
        ("9007199254740.993", Some(9_007_199_254_740_993)),
        ("-5", Some(-5_000)),
        ("0.0001", None),
        ("1,5", None),
        ("1_000", None),
        ("1e3", None),
        ("", None),
        ("ten", None),
        ("9223372036854775807", None),
        ("99999999999999999999999999999999", None),
    ] {
        assert_eq!(amount(text), thousandths, "{text}");
    }
}

#[test]
fn what_meta_has_no_shape_for_is_refused_with_the_way_out() {
    let place = || Header::Location { latitude: "1".into(), longitude: "2".into(), name: "n".into(), address: "a".into() };
    let pictured = |header| {
        let card = Card { header, body: Values::none(), buttons: Vec::new() };
        Message::Template(Template { cards: vec![card], ..bare() })
    };
    let ending = |expires: &str| Message::Template(Template { offer: Some(Offer { expires: expires.into() }), ..bare() });
    let named = Header::Text { name: Some("n".into()), value: "v".into() };
    for (message, words) in [
        (file(MediaKind::Audio, id("1"), Some("c"), None), "leave `caption` out"),
        (file(MediaKind::Sticker, id("1"), Some("c"), None), "leave `caption` out"),
        (file(MediaKind::Image, id("1"), None, Some("a.jpg")), "leave `filename` out"),
        (asked(Some(place()), None, &[("a", "A")]), "use a text, image, video or document header"),
        (asked(Some(product("s")), None, &[("a", "A")]), "use a text, image, video or document header"),
        (asked(Some(named), None, &[("a", "A")]), "leave the name out"),
        (pictured(place()), "give each card an image, a video or a product"),
        (pictured(Header::Text { name: None, value: "v".into() }), "give each card an image, a video or a product"),
        (ending("tomorrow"), "write `offer_expires` like"),
    ] {
        let refused = encode(&message).unwrap_err().to_string();
        assert!(refused.starts_with("meta cannot send ") && refused.contains(words), "{refused}");
    }
}

#[test]
fn a_number_id_cannot_lead_elsewhere() {
    let to = Phone::from_digits(5_215_512_345_678).unwrap();
    let message = Message::Template(bare());
    for number_id in ["", "../1", "1/2", "1?x", "1%2f", "१"] {
        let envelope = Envelope { number_id, to, message: &message, client_ref: "r" };
        assert!(Meta::new().encode(&envelope).is_err(), "{number_id}");
    }
}

#[test]
fn the_version_can_be_chosen() {
    let to = Phone::from_digits(5_215_512_345_678).unwrap();
    let message = Message::Template(bare());
    let envelope = Envelope { number_id: "1", to, message: &message, client_ref: "r" };
    assert_eq!(Meta::with_version("v25.0").unwrap().encode(&envelope).unwrap().path, "/v25.0/1/messages");
    for version in ["", "25.0", "v25", "v25.", "v.1", "v1.0/..", "v1.0.0"] {
        assert_eq!(Meta::with_version(version), Err(BadVersion(version.into())));
    }
}
