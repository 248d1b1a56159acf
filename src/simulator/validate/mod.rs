//! What Meta would say about a request to send.
//!
//! In: the body's bytes, the number it came to, the catalogue. Out: what the request asks for, or the refusal. Pure: no time, no
//! limits, no windows. Bodies are read into borrowed types; only the object the request's `type` names is looked into.

mod free_form;
mod interactive;
mod matching;
mod template;
#[cfg(test)]
mod tests;
mod value;

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::answer::Refusal;
use super::catalogue::Catalogue;
use super::numbers::Number;
use value::{Text, object};

/// The longest `biz_opaque_callback_data`.
const CLIENT_REF_CHARS: usize = 512;

/// A request to send, or to mark as read. Unknown keys are refused.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Envelope<'a> {
    #[serde(borrow)]
    messaging_product: Option<Text<'a>>,
    #[serde(borrow)]
    recipient_type: Option<Text<'a>>,
    #[serde(borrow)]
    to: Option<Text<'a>>,
    #[serde(borrow)]
    recipient: Option<Text<'a>>,
    #[serde(borrow)]
    r#type: Option<Text<'a>>,
    #[serde(borrow)]
    biz_opaque_callback_data: Option<Text<'a>>,
    #[serde(borrow)]
    context: Option<&'a RawValue>,
    #[serde(borrow)]
    template: Option<&'a RawValue>,
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    #[serde(borrow)]
    image: Option<&'a RawValue>,
    #[serde(borrow)]
    video: Option<&'a RawValue>,
    #[serde(borrow)]
    audio: Option<&'a RawValue>,
    #[serde(borrow)]
    document: Option<&'a RawValue>,
    #[serde(borrow)]
    sticker: Option<&'a RawValue>,
    #[serde(borrow)]
    location: Option<&'a RawValue>,
    #[serde(borrow)]
    contacts: Option<&'a RawValue>,
    #[serde(borrow)]
    reaction: Option<&'a RawValue>,
    #[serde(borrow)]
    interactive: Option<&'a RawValue>,
    #[serde(borrow)]
    status: Option<Text<'a>>,
    #[serde(borrow)]
    message_id: Option<Text<'a>>,
    #[serde(borrow, rename = "typing_indicator")]
    _typing_indicator: Option<&'a RawValue>,
    #[serde(borrow, rename = "product_policy")]
    _product_policy: Option<Text<'a>>,
    #[serde(rename = "message_activity_sharing")]
    _message_activity_sharing: Option<bool>,
    #[serde(borrow, rename = "bid_spec")]
    _bid_spec: Option<&'a RawValue>,
}

/// What a request asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wish<'a> {
    /// Whom it reaches: digits, or a BSUID.
    pub(super) to: String,
    /// The person's `wa_id`, when it differs.
    pub(super) wa_id: Option<String>,
    /// Somebody else than was meant.
    pub(super) wrong_person: bool,
    /// The `type`, or the type of the interactive object.
    pub(super) kind: String,
    /// Name and language.
    pub(super) template: Option<(Cow<'a, str>, Cow<'a, str>)>,
    /// The price category.
    pub(super) category: String,
    /// The payload of the first quick reply.
    pub(super) reply_payload: Option<String>,
}

/// Reads a body.
pub(super) fn read(body: &[u8]) -> Result<Envelope<'_>, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::new(100, error.to_string()))
}

impl<'a> Envelope<'a> {
    /// The recipient as written.
    pub(super) fn input(&self) -> &str {
        self.to.as_ref().or(self.recipient.as_ref()).map_or("", |text| text.as_str())
    }

    /// The reference to echo.
    pub(super) fn client_ref(&self) -> Option<&str> {
        self.biz_opaque_callback_data.as_ref().map(Text::as_str)
    }

    /// Whether it marks a message as read instead of sending one.
    pub(super) fn marks_read(&self) -> bool {
        self.status.as_ref().is_some_and(|status| status.as_str() == "read") && self.message_id.is_some()
    }

    /// Whom it reaches, digits or BSUID, without any check; empty when there is none.
    pub(super) fn recipient(&self, number: &Number) -> (String, bool) {
        match (&self.to, &self.recipient) {
            (Some(to), _) => read_phone(to.as_str(), number),
            (None, Some(user_id)) => (user_id.as_str().to_owned(), false),
            (None, None) => (String::new(), false),
        }
    }

    /// Checks everything that needs no state. `only_marketing`: it came to `/marketing_messages`.
    pub(super) fn check(&self, number: &Number, catalogue: &Catalogue, rules: Rules) -> Result<Wish<'a>, Refusal> {
        let missing = |name: &str| Refusal::new(131_008, format!("Required parameter {name} is missing"));
        match self.messaging_product.as_ref().map(Text::as_str) {
            None => return Err(missing("messaging_product")),
            Some("whatsapp") => {}
            Some(_) => return Err(Refusal::new(100, "Param messaging_product must be one of {WHATSAPP}")),
        }
        if self.recipient_type.as_ref().is_some_and(|kind| !matches!(kind.as_str(), "individual" | "group")) {
            return Err(Refusal::new(100, "Param recipient_type must be one of {INDIVIDUAL, GROUP}"));
        }
        if self.to.is_none() && self.recipient.is_none() {
            return Err(missing("to"));
        }
        if self.client_ref().is_some_and(|text| text.chars().count() > CLIENT_REF_CHARS) {
            return Err(Refusal::new(100, "Param biz_opaque_callback_data must be at most 512 characters long"));
        }
        let (to, wrong_person) = self.recipient(number);
        check_recipient(&to, self.to.is_some())?;
        if to == number.digits {
            return Err(Refusal::plain(131_021));
        }
        let wa_id = rules.rewrite_mexico.then(|| mexican(&to)).flatten();
        let kind = self.r#type.as_ref().map_or("text", Text::as_str);
        let given = self.object(kind)?;
        let Some(given) = given else { return Err(missing(kind)) };
        if let Some(context) = self.context {
            free_form::check_context(context)?;
        }
        let wish = Wish {
            to,
            wa_id,
            wrong_person,
            kind: kind.to_owned(),
            template: None,
            category: "service".into(),
            reply_payload: None,
        };
        if kind == "template" {
            return check_template(given, catalogue, rules, wish);
        }
        if rules.only_marketing {
            return Err(Refusal::plain(131_055));
        }
        let kind = free_form::check(kind, given)?;
        Ok(Wish { kind, ..wish })
    }

    /// The object `kind` names.
    fn object(&self, kind: &str) -> Result<Option<&'a RawValue>, Refusal> {
        Ok(match kind {
            "template" => self.template,
            "text" => self.text,
            "image" => self.image,
            "video" => self.video,
            "audio" => self.audio,
            "document" => self.document,
            "sticker" => self.sticker,
            "location" => self.location,
            "contacts" => self.contacts,
            "reaction" => self.reaction,
            "interactive" => self.interactive,
            _ => return Err(Refusal::new(100, format!("Param type must not be '{kind}'"))),
        })
    }

    /// The name of the template it asks for, if it is one that can be read.
    pub(super) fn template_name(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Name {
            name: String,
        }
        serde_json::from_str::<Name>(self.template?.get()).ok().map(|named| named.name)
    }
}

/// What differs between simulators and paths.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rules {
    /// Only marketing templates are taken: the path is `/marketing_messages`.
    pub(super) only_marketing: bool,
    /// Mexican numbers get the `1` of old back.
    pub(super) rewrite_mexico: bool,
}

fn check_template<'a>(given: &'a RawValue, catalogue: &Catalogue, rules: Rules, wish: Wish<'a>) -> Result<Wish<'a>, Refusal> {
    let sent: template::Sent<'a> = object("template", given)?;
    let (name, language) = sent.check()?;
    let known = matching::find(catalogue, &name, &language)?;
    let category = match known {
        Some(known) => {
            matching::check(&sent, &known.shape)?;
            known.category.clone()
        }
        None => "marketing".to_owned(),
    };
    let category = match (rules.only_marketing, category.as_str()) {
        (false, _) => category,
        (true, "marketing") => "marketing_lite".to_owned(),
        (true, _) => return Err(Refusal::plain(131_055)),
    };
    let defined = || known.and_then(|known| known.shape.buttons.iter().find(|button| button.sub_type == "quick_reply"));
    let reply_payload = sent.first_payload().map(str::to_owned).or_else(|| defined().map(|button| button.label.clone()));
    Ok(Wish { template: Some((name, language)), category, reply_payload, ..wish })
}

/// Digits of a phone number; without a plus, the business number's country code comes before them, and the message goes to
/// whoever has that number.
fn read_phone(to: &str, number: &Number) -> (String, bool) {
    let mut digits = String::with_capacity(20);
    let trimmed = to.trim();
    let has_plus = trimmed.starts_with('+');
    if !has_plus {
        digits.push_str(number.country_code());
    }
    // What is no digit and no separator stays, so that the check sees it.
    digits.extend(trimmed.trim_start_matches('+').chars().filter(|c| !matches!(c, ' ' | '-' | '(' | ')')));
    (digits, !has_plus)
}

fn check_recipient(to: &str, is_phone: bool) -> Result<(), Refusal> {
    let is_good = if is_phone {
        // E.164: at most 15 digits; the shortest international numbers have 7.
        (7..=15).contains(&to.len()) && to.bytes().all(|byte| byte.is_ascii_digit())
    } else {
        to.split_once('.').is_some_and(|(country, id)| {
            country.len() == 2
                && country.bytes().all(|byte| byte.is_ascii_uppercase())
                && (1..=132).contains(&id.len())
                && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.')
        })
    };
    let name = if is_phone { "to" } else { "recipient" };
    if is_good { Ok(()) } else { Err(Refusal::new(131_009, format!("Parameter value is not valid: {name}"))) }
}

/// `52` and ten digits become `521` and ten digits.
pub(super) fn mexican(to: &str) -> Option<String> {
    to.strip_prefix("52").filter(|rest| rest.len() == 10).map(|rest| format!("521{rest}"))
}
