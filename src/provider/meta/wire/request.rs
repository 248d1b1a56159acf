//! The body of `POST /{version}/{phone_number_id}/messages`, borrowed from the message it carries.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::audience::Phone;

/// The envelope. Page `messages/send-messages`; template sends: `templates/send-templates`.
#[derive(Serialize)]
pub(crate) struct Send<'a> {
    pub messaging_product: &'static str,
    pub recipient_type: &'static str,
    /// With a plus: without one Meta puts the business number's own country code before it.
    #[serde(serialize_with = "plus_digits")]
    pub to: Phone,
    #[serde(flatten)]
    pub content: Content<'a>,
    /// Echoed in every status of the message, at most 512 characters.
    pub biz_opaque_callback_data: &'a str,
}

/// The kind and its object. Pages `messages/*-messages`.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Content<'a> {
    Template { template: Template<'a> },
    Text { text: Text<'a> },
    Image { image: Media<'a> },
    Video { video: Media<'a> },
    Audio { audio: Media<'a> },
    Document { document: Media<'a> },
    Sticker { sticker: Media<'a> },
    Interactive { interactive: Interactive<'a> },
}

/// Page `messages/text-messages`.
#[derive(Serialize)]
pub(crate) struct Text<'a> {
    pub body: &'a str,
    pub preview_url: bool,
}

/// A file, by link or by the id of an upload. Pages `messages/image-messages` and its like, `business-phone-numbers/media`.
#[derive(Serialize)]
pub(crate) struct Media<'a> {
    #[serde(flatten)]
    pub place: Place<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caption: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filename: Option<&'a str>,
}

/// Where a file is.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Place<'a> {
    Id(&'a str),
    Link(&'a str),
}

/// Reply buttons. Page `messages/interactive-reply-buttons-messages`.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Interactive<'a> {
    Button {
        #[serde(skip_serializing_if = "Option::is_none")]
        header: Option<Parameter<'a>>,
        body: Words<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        footer: Option<Words<'a>>,
        action: Buttons<'a>,
    },
}

/// The text of a body or footer.
#[derive(Serialize)]
pub(crate) struct Words<'a> {
    pub text: &'a str,
}

/// The buttons of an interactive message.
#[derive(Serialize)]
pub(crate) struct Buttons<'a> {
    pub buttons: Vec<Button<'a>>,
}

/// One of them.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Button<'a> {
    Reply { reply: Reply<'a> },
}

/// What it shows and sends back.
#[derive(Serialize)]
pub(crate) struct Reply<'a> {
    pub id: &'a str,
    pub title: &'a str,
}

/// A template with its values. Page `templates/send-templates`.
#[derive(Serialize)]
pub(crate) struct Template<'a> {
    pub name: &'a str,
    pub language: Language<'a>,
    /// Left out when the template has no variables.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<Component<'a>>,
}

/// Exact: there is no fallback to another language.
#[derive(Serialize)]
pub(crate) struct Language<'a> {
    pub code: &'a str,
}

/// A part of a template that has values. Pages `templates/components`, `templates/marketing-templates/*`.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Component<'a> {
    Header {
        parameters: [Parameter<'a>; 1],
    },
    Body {
        parameters: Vec<Parameter<'a>>,
    },
    LimitedTimeOffer {
        parameters: [Parameter<'a>; 1],
    },
    Button {
        sub_type: &'static str,
        /// Counted from 0 over all buttons of the template, static ones too.
        #[serde(serialize_with = "text_of")]
        index: u8,
        parameters: [Parameter<'a>; 1],
    },
    Carousel {
        cards: Vec<Card<'a>>,
    },
}

/// Pages `templates/marketing-templates/media-card-carousel-templates` and `…/product-card-carousel-templates`.
#[derive(Serialize)]
pub(crate) struct Card<'a> {
    pub card_index: usize,
    pub components: Vec<Component<'a>>,
}

/// One value; also the header of an interactive message, which has the same shape. Page `templates/components`.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Parameter<'a> {
    Text {
        #[serde(skip_serializing_if = "Option::is_none")]
        parameter_name: Option<&'a str>,
        text: &'a str,
    },
    Currency {
        #[serde(skip_serializing_if = "Option::is_none")]
        parameter_name: Option<&'a str>,
        currency: Currency<'a>,
    },
    DateTime {
        #[serde(skip_serializing_if = "Option::is_none")]
        parameter_name: Option<&'a str>,
        date_time: DateTime<'a>,
    },
    Image {
        image: Media<'a>,
    },
    Video {
        video: Media<'a>,
    },
    Document {
        document: Media<'a>,
    },
    Location {
        location: Location<'a>,
    },
    Product {
        product: Product<'a>,
    },
    Payload {
        payload: &'a str,
    },
    CouponCode {
        coupon_code: &'a str,
    },
    LimitedTimeOffer {
        limited_time_offer: Offer,
    },
}

/// An amount, in thousandths of the currency's unit.
#[derive(Serialize)]
pub(crate) struct Currency<'a> {
    pub fallback_value: &'a str,
    pub code: &'a str,
    pub amount_1000: i64,
}

/// Only the fallback is shown.
#[derive(Serialize)]
pub(crate) struct DateTime<'a> {
    pub fallback_value: &'a str,
}

/// Degrees are texts here, unlike in free-form location messages.
#[derive(Serialize)]
pub(crate) struct Location<'a> {
    pub latitude: &'a str,
    pub longitude: &'a str,
    pub name: &'a str,
    pub address: &'a str,
}

/// A product of a catalogue.
#[derive(Serialize)]
pub(crate) struct Product<'a> {
    pub product_retailer_id: &'a str,
    pub catalog_id: &'a str,
}

/// The end of a limited-time offer. Page `templates/marketing-templates/limited-time-offer-templates`.
#[derive(Serialize)]
pub(crate) struct Offer {
    pub expiration_time_ms: i64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands fields over by reference")]
fn plus_digits<S: Serializer>(phone: &Phone, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("+{}", phone.digits()))
}

fn text_of<T: fmt::Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}
