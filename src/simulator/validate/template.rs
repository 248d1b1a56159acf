//! Template messages: whether a request is well formed, whatever the template says.
//!
//! In: the `template` object. Out: its parts, or the refusal. Whether they fit the definition is `matching`'s question.

use std::borrow::Cow;
use std::fmt;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::value::{Media, Text, check_optional, object};
use crate::simulator::answer::Refusal;

/// More spaces in a row than this are refused in a text parameter.
const SPACES: &str = "     ";
/// Longest coupon code; shorter beside a limited-time offer.
const COUPON_CHARS: usize = 20;
const OFFER_COUPON_CHARS: usize = 15;
/// Cards of a carousel.
const CARDS: std::ops::RangeInclusive<usize> = 2..=10;
/// Buttons of a template, and so the indexes below.
const BUTTONS: usize = 10;

/// The `template` object of a request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sent<'a> {
    #[serde(borrow)]
    name: Option<Text<'a>>,
    #[serde(borrow)]
    language: Option<Language<'a>>,
    #[serde(borrow, default)]
    pub(super) components: Vec<Component<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Language<'a> {
    #[serde(borrow)]
    code: Option<Text<'a>>,
    #[serde(borrow)]
    policy: Option<Text<'a>>,
}

/// A component of a message or a card.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Component<'a> {
    #[serde(borrow)]
    r#type: Option<Text<'a>>,
    #[serde(borrow)]
    sub_type: Option<Text<'a>>,
    index: Option<Index>,
    #[serde(borrow, default)]
    pub(super) parameters: Vec<Parameter<'a>>,
    #[serde(borrow, default)]
    pub(super) cards: Vec<Card<'a>>,
}

/// The place of a button: Meta takes a number and its text.
#[derive(Clone, Copy, Debug)]
enum Index {
    At(usize),
    /// A text that is no number.
    Unreadable,
}

impl<'de> Deserialize<'de> for Index {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl Visitor<'_> for Either {
            type Value = Index;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number or its text")
            }

            fn visit_u64<E>(self, index: u64) -> Result<Index, E> {
                Ok(usize::try_from(index).map_or(Index::Unreadable, Index::At))
            }

            fn visit_str<E>(self, text: &str) -> Result<Index, E> {
                Ok(text.parse().map_or(Index::Unreadable, Index::At))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// A card of a carousel.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Card<'a> {
    card_index: Option<usize>,
    #[serde(borrow, default)]
    pub(super) components: Vec<Component<'a>>,
}

/// A value of a component.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Parameter<'a> {
    #[serde(borrow)]
    r#type: Option<Text<'a>>,
    #[serde(borrow, rename = "parameter_name")]
    pub(super) name: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) text: Option<Text<'a>>,
    #[serde(borrow)]
    payload: Option<Text<'a>>,
    #[serde(borrow)]
    coupon_code: Option<Text<'a>>,
    ttl_minutes: Option<u32>,
    #[serde(borrow)]
    image: Option<&'a RawValue>,
    #[serde(borrow)]
    video: Option<&'a RawValue>,
    #[serde(borrow)]
    document: Option<&'a RawValue>,
    #[serde(borrow)]
    gif: Option<&'a RawValue>,
    #[serde(borrow)]
    location: Option<&'a RawValue>,
    #[serde(borrow)]
    product: Option<&'a RawValue>,
    #[serde(borrow)]
    currency: Option<&'a RawValue>,
    #[serde(borrow)]
    date_time: Option<&'a RawValue>,
    #[serde(borrow)]
    action: Option<&'a RawValue>,
    #[serde(borrow)]
    limited_time_offer: Option<&'a RawValue>,
    #[serde(borrow)]
    tap_target_configuration: Option<&'a RawValue>,
}

/// The kinds of components.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Header,
    Body,
    Button,
    Carousel,
    Offer,
    TapTarget,
}

fn missing(what: &str) -> Refusal {
    Refusal::new(131_008, format!("Required parameter is missing: {what}"))
}

fn mismatch(what: impl Into<Cow<'static, str>>) -> Refusal {
    Refusal::new(132_012, what)
}

impl<'a> Sent<'a> {
    /// Checks all shapes; returns name and language.
    pub(super) fn check(&self) -> Result<(Cow<'a, str>, Cow<'a, str>), Refusal> {
        let name = self.name.as_ref().filter(|name| !name.as_str().is_empty()).ok_or_else(|| missing("template['name']"))?;
        let is_name = |name: &str| {
            name.len() <= 512 && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        };
        if !is_name(name.as_str()) {
            return Err(Refusal::new(100, "Param template['name'] holds other than lower case letters, digits and underscores"));
        }
        let language = self.language.as_ref().ok_or_else(|| missing("template['language']"))?;
        let code = language.code.as_ref().filter(|code| !code.as_str().is_empty());
        let code = code.ok_or_else(|| missing("template['language']['code']"))?;
        if language.policy.as_ref().is_some_and(|policy| policy.as_str() != "deterministic") {
            return Err(Refusal::new(100, "Param template['language']['policy'] must be deterministic"));
        }
        check_components(&self.components, false)?;
        Ok((name.0.clone(), code.0.clone()))
    }

    /// The payload of the first quick reply button of the message, or of its first card.
    pub(super) fn first_payload(&self) -> Option<&str> {
        let cards = self.components.iter().flat_map(|component| &component.cards).flat_map(|card| &card.components);
        let all = self.components.iter().chain(cards);
        all.flat_map(|component| &component.parameters).find_map(|parameter| parameter.payload.as_ref()).map(Text::as_str)
    }
}

fn check_components(components: &[Component<'_>], in_card: bool) -> Result<(), Refusal> {
    let has_offer = components.iter().any(|component| component.kind() == Ok(Kind::Offer));
    let mut seen: [bool; 6] = [false; 6];
    let mut indexes = [false; BUTTONS];
    for component in components {
        let kind = component.kind()?;
        if kind == Kind::Button {
            if let Some(index) = component.check_button(has_offer)? {
                let slot = indexes.get_mut(index).ok_or_else(|| Refusal::new(131_009, "Button index must be between 0 and 9"))?;
                if std::mem::replace(slot, true) {
                    return Err(mismatch(format!("Button index {index} stands twice")));
                }
            }
            continue;
        }
        if let Some(slot) = seen.get_mut(kind as usize)
            && std::mem::replace(slot, true)
        {
            return Err(mismatch("A component stands twice"));
        }
        match kind {
            Kind::Header => component.check_header()?,
            Kind::Body => component.check_body()?,
            Kind::Carousel if in_card => return Err(mismatch("A card cannot hold a carousel")),
            Kind::Carousel => component.check_cards()?,
            Kind::Offer => component.check_offer()?,
            Kind::TapTarget => {
                let given = component.parameters.first().and_then(|parameter| parameter.tap_target_configuration);
                given.ok_or_else(|| missing("tap_target_configuration"))?;
            }
            Kind::Button => {}
        }
    }
    Ok(())
}

impl Component<'_> {
    /// What it is.
    pub(super) fn kind(&self) -> Result<Kind, Refusal> {
        let name = self.r#type.as_ref().map(Text::as_str).ok_or_else(|| missing("template['components']['type']"))?;
        Ok(match name.to_ascii_lowercase().as_str() {
            "header" => Kind::Header,
            "body" => Kind::Body,
            "button" => Kind::Button,
            "carousel" => Kind::Carousel,
            "limited_time_offer" => Kind::Offer,
            "tap_target_configuration" => Kind::TapTarget,
            _ => return Err(Refusal::new(100, format!("Param template['components']['type'] must not be '{name}'"))),
        })
    }

    /// The button's sub type in lower case and its index, if it has one.
    pub(super) fn button(&self) -> Result<(String, Option<usize>), Refusal> {
        let sub_type = self.sub_type.as_ref().ok_or_else(|| missing("sub_type of a button"))?.as_str().to_ascii_lowercase();
        let index = match &self.index {
            None if sub_type == "voice_call" => None,
            None => return Err(missing("index of a button")),
            Some(Index::At(index)) => Some(*index),
            Some(Index::Unreadable) => return Err(Refusal::new(131_009, "Button index is not a number")),
        };
        Ok((sub_type, index))
    }

    fn check_header(&self) -> Result<(), Refusal> {
        match self.parameters.as_slice() {
            [] => Ok(()),
            [one] => match one.kind()? {
                "text" => one.check_text(true),
                "image" => Parameter::check_media("image", one.image),
                "video" => Parameter::check_media("video", one.video),
                "document" => Parameter::check_media("document", one.document),
                "gif" => Parameter::check_media("gif", one.gif),
                "location" => check_location(one.location),
                "product" => one.product.map(|_| ()).ok_or_else(|| missing("product of a header")),
                other => Err(mismatch(format!("header: Format mismatch, expected no {}", other.to_ascii_uppercase()))),
            },
            _ => Err(Refusal::new(132_000, "header: number of localizable_params is more than one")),
        }
    }

    fn check_body(&self) -> Result<(), Refusal> {
        let named = self.parameters.iter().filter(|parameter| parameter.name.is_some()).count();
        if named != 0 && named != self.parameters.len() {
            return Err(Refusal::new(100, "Invalid parameter: parameter_name must stand on all values or on none"));
        }
        for parameter in &self.parameters {
            match parameter.kind()? {
                "text" => parameter.check_text(true)?,
                "currency" => parameter.currency.map(|_| ()).ok_or_else(|| missing("currency"))?,
                "date_time" => parameter.date_time.map(|_| ()).ok_or_else(|| missing("date_time"))?,
                other => {
                    return Err(mismatch(format!(
                        "body: Format mismatch, expected TEXT, received {}",
                        other.to_ascii_uppercase()
                    )));
                }
            }
        }
        Ok(())
    }

    fn check_button(&self, has_offer: bool) -> Result<Option<usize>, Refusal> {
        let (sub_type, index) = self.button()?;
        let (wanted, most): (&[&str], usize) = match sub_type.as_str() {
            "url" => (&["text"], 1),
            "quick_reply" => (&["payload"], 1),
            "copy_code" => (&["coupon_code"], 1),
            "catalog" | "mpm" | "flow" => (&["action"], 1),
            "voice_call" => (&["ttl_minutes", "payload"], 2),
            "spm" => (&[], 0),
            other => return Err(Refusal::new(100, format!("Param sub_type must not be '{other}'"))),
        };
        let is_optional = matches!(sub_type.as_str(), "catalog" | "flow" | "voice_call" | "spm");
        if self.parameters.is_empty() && !is_optional {
            return Err(missing("parameters of a button"));
        }
        if self.parameters.len() > most {
            return Err(Refusal::new(132_000, "buttons: too many parameters"));
        }
        for parameter in &self.parameters {
            let kind = parameter.kind()?;
            if !wanted.contains(&kind) {
                return Err(mismatch(format!("buttons: {sub_type} does not take a parameter of type {kind}")));
            }
            match kind {
                "text" => parameter.check_text(false)?,
                "payload" => {
                    parameter.payload.as_ref().ok_or_else(|| missing("payload"))?;
                    check_optional("payload", parameter.payload.as_ref(), 512)?;
                }
                "coupon_code" => parameter.check_coupon(has_offer)?,
                "action" => check_action(&sub_type, parameter.action)?,
                "ttl_minutes" => match parameter.ttl_minutes {
                    Some(1..=43_200) => {}
                    _ => return Err(Refusal::new(131_009, "ttl_minutes must be between 1 and 43200")),
                },
                _ => {}
            }
        }
        if has_offer && sub_type == "copy_code" && index != Some(0) {
            return Err(mismatch("The coupon button of a limited-time offer must have index 0"));
        }
        Ok(index)
    }

    fn check_cards(&self) -> Result<(), Refusal> {
        if !CARDS.contains(&self.cards.len()) {
            return Err(Refusal::new(131_009, "A carousel must have between 2 and 10 cards"));
        }
        let mut seen = [false; 10];
        let mut first_header = None;
        for card in &self.cards {
            let index = card.card_index.ok_or_else(|| missing("card_index"))?;
            let is_new = seen.get_mut(index).is_some_and(|slot| !std::mem::replace(slot, true));
            if index >= self.cards.len() || !is_new {
                return Err(mismatch("card_index must count the cards from 0, each once"));
            }
            check_components(&card.components, true)?;
            let header = card.components.iter().find(|component| component.kind() == Ok(Kind::Header));
            let header = header.and_then(|header| header.parameters.first()).ok_or_else(|| missing("header of a card"))?;
            let kind = header.kind()?;
            if !matches!(kind, "image" | "video" | "product") {
                return Err(mismatch("header of a card: expected IMAGE, VIDEO or PRODUCT"));
            }
            if *first_header.get_or_insert(kind) != kind {
                return Err(mismatch("All cards of a carousel must have the same kind of header"));
            }
        }
        Ok(())
    }

    fn check_offer(&self) -> Result<(), Refusal> {
        #[derive(Deserialize)]
        struct Offer {
            expiration_time_ms: Option<i64>,
        }
        let given = self.parameters.first().and_then(|parameter| parameter.limited_time_offer);
        let offer: Offer = object("limited_time_offer", given.ok_or_else(|| missing("limited_time_offer"))?)?;
        match offer.expiration_time_ms {
            // Ten digits would be seconds.
            Some(at) if at >= 100_000_000_000 => Ok(()),
            Some(_) => Err(Refusal::new(131_009, "expiration_time_ms must be Unix milliseconds")),
            None => Err(missing("expiration_time_ms")),
        }
    }
}

impl<'a> Parameter<'a> {
    /// Its type.
    pub(super) fn kind(&self) -> Result<&str, Refusal> {
        self.r#type.as_ref().map(Text::as_str).ok_or_else(|| missing("type of a parameter"))
    }

    fn check_text(&self, is_shown: bool) -> Result<(), Refusal> {
        let text = self.text.as_ref().map(Text::as_str).unwrap_or_default();
        if text.trim().is_empty() {
            return Err(Refusal::new(131_008, "Parameter of type text is missing text value"));
        }
        if is_shown && (text.contains(['\n', '\r', '\t']) || text.contains(SPACES)) {
            return Err(Refusal::plain(132_018));
        }
        if !is_shown && text.contains(char::is_whitespace) {
            return Err(Refusal::new(132_018, "A URL value must be percent-encoded"));
        }
        if self.name.as_ref().is_some_and(|name| name.as_str().is_empty()) {
            return Err(Refusal::new(100, "Invalid parameter: parameter_name is empty"));
        }
        Ok(())
    }

    fn check_media(name: &str, given: Option<&'a RawValue>) -> Result<(), Refusal> {
        let media: Media<'a> = object(name, given.ok_or_else(|| missing(name))?)?;
        if media.caption.is_some() || media.voice.is_some() || (media.filename.is_some() && name != "document") {
            return Err(Refusal::new(100, format!("Param {name} of a header holds an unexpected key")));
        }
        media.check_source(name)
    }

    fn check_coupon(&self, has_offer: bool) -> Result<(), Refusal> {
        let code = self.coupon_code.as_ref().map(Text::as_str).unwrap_or_default();
        let most = if has_offer { OFFER_COUPON_CHARS } else { COUPON_CHARS };
        if code.is_empty() {
            return Err(missing("coupon_code"));
        }
        if code.chars().count() > most || !code.chars().all(char::is_alphanumeric) {
            return Err(Refusal::new(131_009, format!("coupon_code must be at most {most} letters and digits")));
        }
        Ok(())
    }
}

fn check_location(given: Option<&RawValue>) -> Result<(), Refusal> {
    #[derive(Deserialize)]
    struct Place {
        latitude: Option<String>,
        longitude: Option<String>,
    }
    let place: Place = object("location", given.ok_or_else(|| missing("location"))?)?;
    let is_degree = |text: Option<&String>, most: f64| {
        text.and_then(|text| text.parse::<f64>().ok()).is_some_and(|degree| degree.abs() <= most)
    };
    if is_degree(place.latitude.as_ref(), 90.0) && is_degree(place.longitude.as_ref(), 180.0) {
        Ok(())
    } else {
        Err(mismatch("header: location needs latitude and longitude as text"))
    }
}

/// Actions: only a multi-product one has rules of its own.
fn check_action(sub_type: &str, given: Option<&RawValue>) -> Result<(), Refusal> {
    #[derive(Deserialize)]
    struct Action {
        #[serde(default)]
        sections: Vec<Section>,
        thumbnail_product_retailer_id: Option<String>,
    }
    #[derive(Deserialize)]
    struct Section {
        #[serde(default)]
        product_items: Vec<serde::de::IgnoredAny>,
    }
    let action: Action = object("action", given.ok_or_else(|| missing("action"))?)?;
    if sub_type != "mpm" {
        return Ok(());
    }
    let products: usize = action.sections.iter().map(|section| section.product_items.len()).sum();
    if action.thumbnail_product_retailer_id.is_none() {
        return Err(missing("thumbnail_product_retailer_id"));
    }
    if !(1..=10).contains(&action.sections.len()) || !(1..=30).contains(&products) {
        return Err(Refusal::new(131_009, "A multi-product button takes 1 to 10 sections and 1 to 30 products"));
    }
    Ok(())
}
