//! Tables: a request, and what Meta says to it.

#![expect(clippy::needless_pass_by_value, reason = "rows of tables read better without borrows")]

use serde_json::{Value, json};

use super::*;
use crate::simulator::config::NumberConfig;
use crate::simulator::numbers::Numbers;

fn judge(body: &Value, catalogue: &Catalogue) -> Result<String, u32> {
    let numbers = Numbers::new(&[NumberConfig { id: "1".into(), ..NumberConfig::default() }]);
    let number = numbers.get("1").unwrap();
    let text = body.to_string();
    let envelope = read(text.as_bytes()).map_err(|refusal| refusal.code)?;
    envelope.check(&number, catalogue, Rules::default()).map(|wish| wish.kind).map_err(|refusal| refusal.code)
}

fn envelope(kind: &str, object: Value) -> Value {
    let mut body = json!({ "messaging_product": "whatsapp", "to": "+5215512345678", "type": kind });
    body[kind] = object;
    body
}

fn template(components: Value) -> Value {
    envelope("template", json!({ "name": "sale", "language": { "code": "es_MX" }, "components": components }))
}

/// Checks a table and names the row that differs.
fn table(catalogue: &Catalogue, rows: Vec<(&str, Value, Result<&str, u32>)>) {
    for (label, body, expected) in rows {
        assert_eq!(judge(&body, catalogue).as_deref().map_err(|code| *code), expected, "{label}");
    }
}

fn with(mut body: Value, key: &str, value: Value) -> Value {
    body[key] = value;
    body
}

fn without(mut body: Value, key: &str) -> Value {
    body.as_object_mut().unwrap().remove(key);
    body
}

fn body_of(parameters: Value) -> Value {
    template(json!([{ "type": "body", "parameters": parameters }]))
}

fn said(text: &str) -> Value {
    json!({ "type": "text", "text": text })
}

fn button(sub_type: &str, index: Value, parameter: Value) -> Value {
    json!({ "type": "button", "sub_type": sub_type, "index": index, "parameters": [parameter] })
}

#[test]
fn envelopes() {
    let good = template(json!([]));
    let long = "x".repeat(513);
    table(
        &Catalogue::default(),
        vec![
            ("as it should be", good.clone(), Ok("template")),
            ("reference of 512", with(good.clone(), "biz_opaque_callback_data", json!(&long[1..])), Ok("template")),
            ("reference of 513", with(good.clone(), "biz_opaque_callback_data", json!(long)), Err(100)),
            ("no product", without(good.clone(), "messaging_product"), Err(131_008)),
            ("other product", with(good.clone(), "messaging_product", json!("sms")), Err(100)),
            ("no recipient", without(good.clone(), "to"), Err(131_008)),
            ("number as a number", with(good.clone(), "to", json!(5_215_512_345_678_u64)), Err(100)),
            ("letters in the number", with(good.clone(), "to", json!("+52155CALLME")), Err(131_009)),
            ("sixteen digits", with(good.clone(), "to", json!("+5215512345678901")), Err(131_009)),
            ("to ourselves", with(good.clone(), "to", json!("+1 555 078 3881")), Err(131_021)),
            ("misspelt key", with(good.clone(), "templat", json!({})), Err(100)),
            ("unknown type", with(good.clone(), "type", json!("fax")), Err(100)),
            ("type without its object", without(good.clone(), "template"), Err(131_008)),
            ("group", with(good.clone(), "recipient_type", json!("crowd")), Err(100)),
            ("user id", with(without(good.clone(), "to"), "recipient", json!("US.13491208655302741918")), Ok("template")),
            ("no user id", with(without(good.clone(), "to"), "recipient", json!("us-13")), Err(131_009)),
            ("quoted", with(good.clone(), "context", json!({ "message_id": "wamid.x" })), Ok("template")),
            ("quoted nothing", with(good, "context", json!({})), Err(131_008)),
        ],
    );
}

#[test]
fn template_values() {
    let named = |name: &str| json!({ "type": "text", "parameter_name": name, "text": "x" });
    table(
        &Catalogue::default(),
        vec![
            ("positional", body_of(json!([said("Ana"), said("10 %")])), Ok("template")),
            ("named", body_of(json!([named("a"), named("b")])), Ok("template")),
            ("mixed", body_of(json!([named("a"), said("b")])), Err(100)),
            ("newline", body_of(json!([said("a\nb")])), Err(132_018)),
            ("tab", body_of(json!([said("a\tb")])), Err(132_018)),
            ("four spaces", body_of(json!([said("a    b")])), Ok("template")),
            ("five spaces", body_of(json!([said("a     b")])), Err(132_018)),
            ("empty", body_of(json!([said("")])), Err(131_008)),
            ("blank", body_of(json!([said("  ")])), Err(131_008)),
            ("null", body_of(json!([{ "type": "text", "text": null }])), Err(131_008)),
            ("number", body_of(json!([{ "type": "text", "text": 5 }])), Err(100)),
            ("image in the body", body_of(json!([{ "type": "image", "image": { "id": "1" } }])), Err(132_012)),
            ("misspelt", body_of(json!([{ "type": "text", "txt": "x" }])), Err(100)),
            (
                "currency",
                body_of(
                    json!([{ "type": "currency", "currency": { "fallback_value": "$1", "code": "USD", "amount_1000": 1000 } }]),
                ),
                Ok("template"),
            ),
            ("two bodies", template(json!([{ "type": "body" }, { "type": "body" }])), Err(132_012)),
            ("no language", envelope("template", json!({ "name": "sale" })), Err(131_008)),
            ("name in capitals", envelope("template", json!({ "name": "Sale", "language": { "code": "en" } })), Err(100)),
            (
                "policy",
                envelope("template", json!({ "name": "a", "language": { "code": "en", "policy": "fallback" } })),
                Err(100),
            ),
        ],
    );
}

#[test]
fn template_headers_and_buttons() {
    let header = |parameter: Value| template(json!([{ "type": "header", "parameters": [parameter] }]));
    let one = |button: Value| template(json!([button]));
    let coupon = |code: &str| json!({ "type": "coupon_code", "coupon_code": code });
    let offer = json!({ "type": "limited_time_offer", "parameters": [{ "type": "limited_time_offer", "limited_time_offer": { "expiration_time_ms": 1_795_000_000_000_i64 } }] });
    let late = json!({ "type": "limited_time_offer", "parameters": [{ "type": "limited_time_offer", "limited_time_offer": { "expiration_time_ms": 1_795_000_000_i64 } }] });
    table(
        &Catalogue::default(),
        vec![
            ("image by id", header(json!({ "type": "image", "image": { "id": "15" } })), Ok("template")),
            ("image by link", header(json!({ "type": "image", "image": { "link": "https://x.example/a.jpg" } })), Ok("template")),
            ("both", header(json!({ "type": "image", "image": { "id": "1", "link": "https://x.example/" } })), Err(100)),
            ("neither", header(json!({ "type": "image", "image": {} })), Err(131_008)),
            ("no link", header(json!({ "type": "image", "image": { "link": "a.jpg" } })), Err(131_009)),
            ("type and object differ", header(json!({ "type": "image", "video": { "id": "1" } })), Err(131_008)),
            (
                "document name",
                header(json!({ "type": "document", "document": { "id": "1", "filename": "a.pdf" } })),
                Ok("template"),
            ),
            (
                "location",
                header(
                    json!({ "type": "location", "location": { "latitude": "1.5", "longitude": "-122.16", "name": "a", "address": "b" } }),
                ),
                Ok("template"),
            ),
            (
                "location as numbers",
                header(json!({ "type": "location", "location": { "latitude": 1.5, "longitude": 2 } })),
                Err(100),
            ),
            ("two values", template(json!([{ "type": "header", "parameters": [said("a"), said("b")] }])), Err(132_000)),
            ("index as text", one(button("url", json!("0"), said("spring"))), Ok("template")),
            ("index as number", one(button("url", json!(0), said("spring"))), Ok("template")),
            ("index ten", one(button("url", json!(10), said("spring"))), Err(131_009)),
            ("index word", one(button("url", json!("first"), said("spring"))), Err(131_009)),
            ("no index", one(json!({ "type": "button", "sub_type": "url", "parameters": [said("x")] })), Err(131_008)),
            ("no sub type", one(json!({ "type": "button", "index": 0, "parameters": [said("x")] })), Err(131_008)),
            (
                "index twice",
                template(json!([button("url", json!(0), said("a")), button("url", json!("0"), said("b"))])),
                Err(132_012),
            ),
            ("payload on url", one(button("url", json!(0), json!({ "type": "payload", "payload": "x" }))), Err(132_012)),
            (
                "quick reply",
                one(button("quick_reply", json!("1"), json!({ "type": "payload", "payload": "STOP" }))),
                Ok("template"),
            ),
            ("coupon of 20", one(button("copy_code", json!(0), coupon(&"A".repeat(20)))), Ok("template")),
            ("coupon of 21", one(button("copy_code", json!(0), coupon(&"A".repeat(21)))), Err(131_009)),
            ("coupon with dash", one(button("copy_code", json!(0), coupon("A-B"))), Err(131_009)),
            ("offer", template(json!([offer, button("copy_code", json!(0), coupon("SPRING"))])), Ok("template")),
            (
                "offer, coupon of 16",
                template(json!([offer, button("copy_code", json!(0), coupon(&"A".repeat(16)))])),
                Err(131_009),
            ),
            ("offer, coupon second", template(json!([offer, button("copy_code", json!(1), coupon("A"))])), Err(132_012)),
            ("offer in seconds", template(json!([late])), Err(131_009)),
            (
                "voice call",
                one(
                    json!({ "type": "button", "sub_type": "voice_call", "parameters": [{ "type": "ttl_minutes", "ttl_minutes": 1440 }] }),
                ),
                Ok("template"),
            ),
            (
                "voice call too long",
                one(
                    json!({ "type": "button", "sub_type": "voice_call", "parameters": [{ "type": "ttl_minutes", "ttl_minutes": 43201 }] }),
                ),
                Err(131_009),
            ),
            ("catalog in capitals", one(json!({ "type": "button", "sub_type": "CATALOG", "index": "0" })), Ok("template")),
            (
                "products without thumbnail",
                one(button("mpm", json!(0), json!({ "type": "action", "action": { "sections": [{ "product_items": [{}] }] } }))),
                Err(131_008),
            ),
        ],
    );
}

fn card(index: u64, kind: &str) -> Value {
    let mut header = json!({ "type": kind });
    header[kind] = json!({ "id": "1" });
    json!({ "card_index": index, "components": [
        { "type": "header", "parameters": [header] },
        { "type": "body", "parameters": [said("20 %")] },
        button("quick_reply", json!("0"), json!({ "type": "payload", "payload": format!("more-{index}") })),
    ] })
}

#[test]
fn carousels() {
    let carousel = |cards: Vec<Value>| template(json!([{ "type": "carousel", "cards": cards }]));
    table(
        &Catalogue::default(),
        vec![
            ("two", carousel(vec![card(0, "image"), card(1, "image")]), Ok("template")),
            ("ten", carousel((0..10).map(|n| card(n, "image")).collect()), Ok("template")),
            ("one", carousel(vec![card(0, "image")]), Err(131_009)),
            ("eleven", carousel((0..11).map(|n| card(n, "image")).collect()), Err(131_009)),
            ("index twice", carousel(vec![card(0, "image"), card(0, "image")]), Err(132_012)),
            ("gap", carousel(vec![card(0, "image"), card(2, "image")]), Err(132_012)),
            ("mixed headers", carousel(vec![card(0, "image"), card(1, "video")]), Err(132_012)),
        ],
    );
}

#[test]
fn against_the_catalogue() {
    let catalogue = Catalogue::from_json(
        &json!({ "data": [
            { "name": "sale", "language": "es_MX", "category": "MARKETING", "status": "APPROVED", "components": [
                { "type": "HEADER", "format": "IMAGE" },
                { "type": "BODY", "text": "Hola {{1}}, {{2}}" },
                { "type": "BUTTONS", "buttons": [ { "type": "QUICK_REPLY", "text": "Stop" }, { "type": "URL", "text": "Go", "url": "https://x.example/{{1}}" } ] } ] },
            { "name": "sale", "language": "fr", "status": "PAUSED", "components": [] },
            { "name": "sale", "language": "de", "status": "DISABLED", "components": [] },
            { "name": "sale", "language": "it", "status": "PENDING", "components": [] },
            { "name": "named", "language": "es_MX", "components": [ { "type": "BODY", "text": "Hi {{first}} {{last}}" } ] },
            { "name": "cards", "language": "es_MX", "components": [ { "type": "BODY", "text": "x" }, { "type": "CAROUSEL", "cards": [
                { "components": [ { "type": "HEADER", "format": "IMAGE" }, { "type": "BODY", "text": "{{1}}" }, { "type": "BUTTONS", "buttons": [ { "type": "QUICK_REPLY", "text": "a" } ] } ] },
                { "components": [ { "type": "HEADER", "format": "IMAGE" }, { "type": "BODY", "text": "{{1}}" }, { "type": "BUTTONS", "buttons": [ { "type": "QUICK_REPLY", "text": "a" } ] } ] } ] } ] }
        ] })
        .to_string(),
    )
    .unwrap();
    let image = json!({ "type": "header", "parameters": [{ "type": "image", "image": { "id": "1" } }] });
    let two = json!({ "type": "body", "parameters": [said("Ana"), said("10 %")] });
    let url = button("url", json!(1), said("spring"));
    let named = |components: Value| {
        envelope("template", json!({ "name": "named", "language": { "code": "es_MX" }, "components": components }))
    };
    let value = |name: &str, text: &str| json!({ "type": "text", "parameter_name": name, "text": text });
    let cards = |count: u64| {
        let cards: Vec<_> = (0..count).map(|n| card(n, "image")).collect();
        envelope(
            "template",
            json!({ "name": "cards", "language": { "code": "es_MX" }, "components": [{ "type": "carousel", "cards": cards }] }),
        )
    };
    let in_language = |code: &str| envelope("template", json!({ "name": "sale", "language": { "code": code } }));
    table(
        &catalogue,
        vec![
            ("fits", template(json!([image, two, url])), Ok("template")),
            ("one value too few", template(json!([image, { "type": "body", "parameters": [said("Ana")] }, url])), Err(132_000)),
            ("no image", template(json!([two, url])), Err(132_012)),
            ("text for the image", template(json!([{ "type": "header", "parameters": [said("x")] }, two, url])), Err(132_012)),
            ("no url value", template(json!([image, two])), Err(131_008)),
            ("url at the wrong index", template(json!([image, two, button("url", json!(0), said("x"))])), Err(132_012)),
            (
                "button that is not there",
                template(json!([image, two, url, button("quick_reply", json!(2), json!({ "type": "payload", "payload": "x" }))])),
                Err(132_012),
            ),
            (
                "names for positions",
                template(json!([image, { "type": "body", "parameters": [value("a", "x"), value("b", "x")] }, url])),
                Err(132_012),
            ),
            (
                "too long",
                template(json!([image, { "type": "body", "parameters": [said(&"x".repeat(1_020)), said("y")] }, url])),
                Err(132_005),
            ),
            ("other language", in_language("en_US"), Err(132_001)),
            ("paused", in_language("fr"), Err(132_015)),
            ("disabled", in_language("de"), Err(132_016)),
            ("pending", in_language("it"), Err(132_001)),
            (
                "by name",
                named(json!([{ "type": "body", "parameters": [value("last", "b"), value("first", "a")] }])),
                Ok("template"),
            ),
            ("without names", named(json!([{ "type": "body", "parameters": [said("a"), said("b")] }])), Err(132_012)),
            (
                "wrong name",
                named(json!([{ "type": "body", "parameters": [value("first", "a"), value("lst", "b")] }])),
                Err(132_000),
            ),
            (
                "one name twice",
                named(json!([{ "type": "body", "parameters": [value("first", "a"), value("first", "b")] }])),
                Err(132_000),
            ),
            ("cards fit", cards(2), Ok("template")),
            ("a card too many", cards(3), Err(132_000)),
        ],
    );
}

#[test]
fn free_form() {
    let text = |body: &str| envelope("text", json!({ "body": body }));
    table(
        &Catalogue::default(),
        vec![
            ("text", text("Hi\nthere"), Ok("text")),
            ("4,096", text(&"é".repeat(4_096)), Ok("text")),
            ("4,097", text(&"é".repeat(4_097)), Err(100)),
            ("blank", text(" "), Err(131_008)),
            ("image", envelope("image", json!({ "link": "https://x.example/a.jpg", "caption": "x" })), Ok("image")),
            ("long caption", envelope("image", json!({ "id": "1", "caption": "x".repeat(1_025) })), Err(131_009)),
            ("caption on audio", envelope("audio", json!({ "id": "1", "caption": "x" })), Err(100)),
            ("voice", envelope("audio", json!({ "id": "1", "voice": true })), Ok("audio")),
            ("document", envelope("document", json!({ "id": "1", "filename": "a.pdf" })), Ok("document")),
            ("location", envelope("location", json!({ "latitude": 19.4, "longitude": "-99.1", "name": "x" })), Ok("location")),
            ("off the globe", envelope("location", json!({ "latitude": 91, "longitude": 0 })), Err(131_009)),
            ("contact", envelope("contacts", json!([{ "name": { "formatted_name": "Ana" }, "phones": [] }])), Ok("contacts")),
            ("nameless contact", envelope("contacts", json!([{ "name": {} }])), Err(131_008)),
            ("no contact", envelope("contacts", json!([])), Err(131_009)),
            ("reaction", envelope("reaction", json!({ "message_id": "wamid.x", "emoji": "" })), Ok("reaction")),
        ],
    );
}

#[test]
fn interactive_kinds() {
    let sent = |object: Value| envelope("interactive", object);
    let reply = |id: &str, title: &str| json!({ "type": "reply", "reply": { "id": id, "title": title } });
    let buttons =
        |buttons: Vec<Value>| sent(json!({ "type": "button", "body": { "text": "x" }, "action": { "buttons": buttons } }));
    let row = |id: usize| json!({ "id": id.to_string(), "title": "t" });
    let list = |sections: Value| {
        sent(json!({ "type": "list", "body": { "text": "x" }, "action": { "button": "Choose", "sections": sections } }))
    };
    let link = |url: &str| {
        sent(
            json!({ "type": "cta_url", "body": { "text": "x" }, "action": { "name": "cta_url", "parameters": { "display_text": "Go", "url": url } } }),
        )
    };
    let carousel = |count: usize| {
        let cards: Vec<_> =
            (0..count).map(|n| json!({ "card_index": n, "type": "cta_url", "body": { "text": "x" }, "action": {} })).collect();
        sent(json!({ "type": "carousel", "body": { "text": "x" }, "action": { "cards": cards } }))
    };
    table(
        &Catalogue::default(),
        vec![
            ("buttons", buttons(vec![reply("1", "Yes"), reply("2", "No")]), Ok("button")),
            ("no button", buttons(vec![]), Err(131_009)),
            ("four buttons", buttons((0..4).map(|n| reply(&n.to_string(), &n.to_string())).collect()), Err(131_009)),
            ("title of 20", buttons(vec![reply("1", &"x".repeat(20))]), Ok("button")),
            ("title of 21", buttons(vec![reply("1", &"x".repeat(21))]), Err(131_009)),
            ("same title", buttons(vec![reply("1", "Yes"), reply("2", "Yes")]), Err(131_009)),
            ("same id", buttons(vec![reply("1", "Yes"), reply("1", "No")]), Err(131_009)),
            ("list", list(json!([{ "rows": [row(1), row(2)] }])), Ok("list")),
            ("eleven rows", list(json!([{ "rows": (0..11).map(row).collect::<Vec<_>>() }])), Err(131_009)),
            ("two sections without titles", list(json!([{ "rows": [row(1)] }, { "rows": [row(2)] }])), Err(131_008)),
            ("link", link("https://x.example/"), Ok("cta_url")),
            ("no link", link("x.example"), Err(131_009)),
            ("carousel", carousel(2), Ok("carousel")),
            ("carousel of one", carousel(1), Err(131_009)),
            (
                "product alone",
                sent(json!({ "type": "product", "action": { "catalog_id": "1", "product_retailer_id": "sku" } })),
                Ok("product"),
            ),
            ("no body", sent(json!({ "type": "button", "action": { "buttons": [reply("1", "Yes")] } })), Err(131_008)),
            (
                "long footer",
                sent(
                    json!({ "type": "button", "body": { "text": "x" }, "footer": { "text": "x".repeat(61) }, "action": { "buttons": [reply("1", "Yes")] } }),
                ),
                Err(131_009),
            ),
            ("unknown", sent(json!({ "type": "poll", "body": { "text": "x" }, "action": {} })), Err(100)),
        ],
    );
}
