//! A message in Meta's words: the envelope of a send goes in, the exact path and body come out.
//!
//! Says no to what Meta has no shape for. Knows no limits of lengths and values: those are checked where messages are rendered.

use bytes::Bytes;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::wire::request as wire;
use crate::message::{Action, Attachment, Button, Card, FreeForm, Header, Media, MediaKind, Message, Template, Value, Values};
use crate::provider::contract::{Envelope, Inexpressible, Request};

/// Bytes a usual send fits in, so that its buffer does not grow.
const USUAL_BODY: usize = 1024;

pub(super) fn encode(version: &str, envelope: &Envelope<'_>) -> Result<Request, Inexpressible> {
    let number = envelope.number_id;
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(cannot(format!("from `{number}`: the id of a phone number is digits only")));
    }
    let send = wire::Send {
        messaging_product: "whatsapp",
        recipient_type: "individual",
        to: envelope.to,
        content: match envelope.message {
            Message::Template(message) => wire::Content::Template { template: template(message)? },
            Message::FreeForm(message) => free_form(message)?,
        },
        biz_opaque_callback_data: envelope.client_ref,
    };
    let mut body = Vec::with_capacity(USUAL_BODY);
    serde_json::to_writer(&mut body, &send).map_err(|error| cannot(format!("this message: {error}")))?;
    let path = ["/", version, "/", number, "/messages"].concat();
    Ok(Request { path, body: Bytes::from(body) })
}

fn cannot(what: impl Into<String>) -> Inexpressible {
    Inexpressible { provider: super::DESCRIPTOR.kind, what: what.into() }
}

fn free_form(message: &FreeForm) -> Result<wire::Content<'_>, Inexpressible> {
    Ok(match message {
        FreeForm::Text { body, preview_url } => {
            wire::Content::Text { text: wire::Text { body: body.as_str(), preview_url: *preview_url } }
        }
        FreeForm::Media(attachment) => file(attachment)?,
        FreeForm::Buttons { header, body, footer, buttons } => wire::Content::Interactive {
            interactive: wire::Interactive::Button {
                header: header.as_ref().map(free_form_header).transpose()?,
                body: wire::Words { text: body.as_str() },
                footer: footer.as_deref().map(|text| wire::Words { text }),
                action: wire::Buttons {
                    buttons: buttons
                        .iter()
                        .map(|button| wire::Button::Reply {
                            reply: wire::Reply { id: button.id.as_str(), title: button.title.as_str() },
                        })
                        .collect(),
                },
            },
        },
    })
}

fn file(attachment: &Attachment) -> Result<wire::Content<'_>, Inexpressible> {
    let Attachment { kind, media: place, caption, filename } = attachment;
    if filename.is_some() && *kind != MediaKind::Document {
        return Err(cannot("a file name with anything but a document: leave `filename` out"));
    }
    if caption.is_some() && matches!(kind, MediaKind::Audio | MediaKind::Sticker) {
        return Err(cannot("a caption with a sound or sticker: leave `caption` out"));
    }
    let media = wire::Media { place: at(place), caption: caption.as_deref(), filename: filename.as_deref() };
    Ok(match kind {
        MediaKind::Image => wire::Content::Image { image: media },
        MediaKind::Video => wire::Content::Video { video: media },
        MediaKind::Audio => wire::Content::Audio { audio: media },
        MediaKind::Document => wire::Content::Document { document: media },
        MediaKind::Sticker => wire::Content::Sticker { sticker: media },
    })
}

fn free_form_header(above: &Header) -> Result<wire::Parameter<'_>, Inexpressible> {
    match above {
        Header::Text { name: Some(_), .. } => Err(cannot("a named header in a free-form message: leave the name out")),
        Header::Location { .. } => Err(cannot("a location above buttons: use a text, image, video or document header")),
        Header::Product { .. } => Err(cannot("a product above buttons: use a text, image, video or document header")),
        Header::Text { .. } | Header::Image(_) | Header::Video(_) | Header::Document { .. } => Ok(header(above)),
    }
}

fn template(message: &Template) -> Result<wire::Template<'_>, Inexpressible> {
    let mut components = Vec::new();
    if let Some(above) = &message.header {
        components.push(wire::Component::Header { parameters: [header(above)] });
    }
    if !message.body.is_empty() {
        components.push(wire::Component::Body { parameters: values(&message.body)? });
    }
    if let Some(offer) = &message.offer {
        let expiration_time_ms = offer
            .expires_ms()
            .ok_or_else(|| cannot("an offer that ends at no instant: write `offer_expires` like `2026-12-08T23:59:00-06:00`"))?;
        let limited_time_offer = wire::Offer { expiration_time_ms };
        components
            .push(wire::Component::LimitedTimeOffer { parameters: [wire::Parameter::LimitedTimeOffer { limited_time_offer }] });
    }
    components.extend(message.buttons.iter().map(button));
    if !message.cards.is_empty() {
        let cards = message.cards.iter().enumerate().map(|(index, on)| card(index, on)).collect::<Result<_, _>>()?;
        components.push(wire::Component::Carousel { cards });
    }
    Ok(wire::Template { name: &message.name, language: wire::Language { code: &message.language }, components })
}

fn card(card_index: usize, on: &Card) -> Result<wire::Card<'_>, Inexpressible> {
    if !matches!(on.header, Header::Image(_) | Header::Video(_) | Header::Product { .. }) {
        return Err(cannot("a carousel card without a picture: give each card an image, a video or a product"));
    }
    let mut components = Vec::with_capacity(2 + on.buttons.len());
    components.push(wire::Component::Header { parameters: [header(&on.header)] });
    if !on.body.is_empty() {
        components.push(wire::Component::Body { parameters: values(&on.body)? });
    }
    components.extend(on.buttons.iter().map(button));
    Ok(wire::Card { card_index, components })
}

fn header(above: &Header) -> wire::Parameter<'_> {
    match above {
        Header::Text { name, value } => wire::Parameter::Text { parameter_name: name.as_deref(), text: value.as_str() },
        Header::Image(place) => wire::Parameter::Image { image: media(place, None) },
        Header::Video(place) => wire::Parameter::Video { video: media(place, None) },
        Header::Document { media: place, filename } => wire::Parameter::Document { document: media(place, filename.as_deref()) },
        Header::Location { latitude, longitude, name, address } => {
            wire::Parameter::Location { location: wire::Location { latitude, longitude, name, address } }
        }
        Header::Product { retailer_id, catalog_id } => {
            wire::Parameter::Product { product: wire::Product { product_retailer_id: retailer_id, catalog_id } }
        }
    }
}

fn media<'a>(place: &'a Media, filename: Option<&'a str>) -> wire::Media<'a> {
    wire::Media { place: at(place), caption: None, filename }
}

fn at(place: &Media) -> wire::Place<'_> {
    match place {
        Media::Id(id) => wire::Place::Id(id),
        Media::Link(link) => wire::Place::Link(link),
    }
}

fn values(values: &Values) -> Result<Vec<wire::Parameter<'_>>, Inexpressible> {
    match values {
        Values::Positional(values) => values.iter().map(|shown| value(None, shown)).collect(),
        Values::Named(values) => values.iter().map(|(name, shown)| value(Some(name), shown)).collect(),
    }
}

fn value<'a>(parameter_name: Option<&'a str>, value: &'a Value) -> Result<wire::Parameter<'a>, Inexpressible> {
    Ok(match value {
        Value::Text(text) => wire::Parameter::Text { parameter_name, text: text.as_str() },
        Value::Currency { fallback, code, amount } => {
            let amount_1000 = thousandths(amount).ok_or_else(|| {
                cannot(format!("the amount `{amount}`: write it as digits with at most three decimals, such as 100.99"))
            })?;
            wire::Parameter::Currency { parameter_name, currency: wire::Currency { fallback_value: fallback, code, amount_1000 } }
        }
        Value::DateTime { fallback } => {
            wire::Parameter::DateTime { parameter_name, date_time: wire::DateTime { fallback_value: fallback } }
        }
    })
}

/// A decimal text in thousandths, exactly; `None` when it is none or has more than three decimals.
fn thousandths(amount: &str) -> Option<i64> {
    if !amount.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-')) {
        return None;
    }
    let thousandths = Decimal::from_str_exact(amount).ok()?.checked_mul(Decimal::ONE_THOUSAND)?;
    if thousandths.fract().is_zero() { thousandths.to_i64() } else { None }
}

fn button(button: &Button) -> wire::Component<'_> {
    let (sub_type, parameter) = match &button.action {
        Action::UrlSuffix(text) => ("url", wire::Parameter::Text { parameter_name: None, text: text.as_str() }),
        Action::QuickReply(payload) => ("quick_reply", wire::Parameter::Payload { payload: payload.as_str() }),
        Action::CopyCode(code) => ("copy_code", wire::Parameter::CouponCode { coupon_code: code.as_str() }),
    };
    wire::Component::Button { sub_type, index: button.index, parameters: [parameter] }
}
