//! Whether a template message fits the definition in the catalogue.
//!
//! In: a well-formed request and the definition. Out: nothing, or the refusal Meta gives: 132001 when there is no such template,
//! 132015 and 132016 when it may not be sent, 132000 when counts differ, 132012 when formats do, 132005 when it gets too long.

use super::template::{Component, Kind, Parameter, Sent};
use crate::simulator::answer::Refusal;
use crate::simulator::catalogue::{Catalogue, Header, Shape, Template, Text};

/// Longest texts after the values are put in.
const HEADER_CHARS: usize = 60;
const BODY_CHARS: usize = 1_024;
const OFFER_BODY_CHARS: usize = 600;
const CARD_BODY_CHARS: usize = 160;

/// The definition; none when the catalogue is empty.
pub(super) fn find<'c>(catalogue: &'c Catalogue, name: &str, language: &str) -> Result<Option<&'c Template>, Refusal> {
    if catalogue.is_empty() {
        return Ok(None);
    }
    let absent = || Refusal::new(132_001, format!("template name ({name}) does not exist in {language}"));
    let template = catalogue.find(name, language).ok_or_else(absent)?;
    match template.status.as_str() {
        "APPROVED" => Ok(Some(template)),
        "PAUSED" => Err(Refusal::plain(132_015)),
        "DISABLED" => Err(Refusal::plain(132_016)),
        _ => Err(absent()),
    }
}

/// Compares a request with a definition.
pub(super) fn check(sent: &Sent<'_>, shape: &Shape) -> Result<(), Refusal> {
    check_parts(&sent.components, shape, if shape.has_offer { OFFER_BODY_CHARS } else { BODY_CHARS })?;
    let cards = sent.components.iter().find(|component| component.kind() == Ok(Kind::Carousel)).map(|c| c.cards.as_slice());
    let cards = cards.unwrap_or_default();
    // A product carousel is defined with two cards and may be sent with up to ten.
    let is_product =
        matches!(shape.cards.first().and_then(|card| card.header.as_ref()), Some(Header::Media(kind)) if kind == "product");
    if cards.len() != shape.cards.len() && (cards.is_empty() || !is_product) {
        return Err(counts("carousel cards", cards.len(), shape.cards.len()));
    }
    for (card, defined) in cards.iter().zip(shape.cards.iter().cycle()) {
        check_parts(&card.components, defined, CARD_BODY_CHARS)?;
    }
    let has_offer = sent.components.iter().any(|component| component.kind() == Ok(Kind::Offer));
    if has_offer != shape.has_offer {
        return Err(Refusal::new(132_012, "limited_time_offer: the message and the template differ"));
    }
    Ok(())
}

fn counts(part: &str, sent: usize, expected: usize) -> Refusal {
    Refusal::new(
        132_000,
        format!("{part}: number of localizable_params ({sent}) does not match the expected number of params ({expected})"),
    )
}

fn check_parts(components: &[Component<'_>], shape: &Shape, body_chars: usize) -> Result<(), Refusal> {
    let of = |kind: Kind| components.iter().find(|component| component.kind() == Ok(kind));
    let values = |kind: Kind| of(kind).map(|component| component.parameters.as_slice()).unwrap_or_default();
    let header = values(Kind::Header);
    match &shape.header {
        None if header.is_empty() => {}
        None => return Err(counts("header", header.len(), 0)),
        Some(Header::Text(text)) => check_text("header", header, text, HEADER_CHARS)?,
        Some(Header::Media(kind)) => match header.first() {
            Some(one) if one.kind()? == kind => {}
            Some(one) => {
                let received = one.kind()?.to_ascii_uppercase();
                let expected = kind.to_ascii_uppercase();
                return Err(Refusal::new(132_012, format!("header: Format mismatch, expected {expected}, received {received}")));
            }
            None => {
                return Err(Refusal::new(132_012, format!("header: Format mismatch, expected {}", kind.to_ascii_uppercase())));
            }
        },
    }
    let defined = shape.body.clone().unwrap_or_default();
    check_text("body", values(Kind::Body), &defined, body_chars)?;
    check_buttons(components, shape)
}

fn check_text(part: &str, values: &[Parameter<'_>], defined: &Text, most: usize) -> Result<(), Refusal> {
    if values.len() != defined.variables.len() {
        return Err(counts(part, values.len(), defined.variables.len()));
    }
    for value in values {
        match (&value.name, defined.is_named()) {
            (Some(name), true) if defined.variables.iter().any(|known| known == name.as_str()) => {}
            (Some(_), true) => return Err(Refusal::new(132_000, format!("{part}: a parameter_name is not in the template"))),
            (None, true) => return Err(Refusal::new(132_012, format!("{part}: Parameter name is missing or empty"))),
            (Some(_), false) => return Err(Refusal::new(132_012, format!("{part}: the template's parameters have no names"))),
            (None, false) => {}
        }
    }
    let all_given = |name: &String| values.iter().any(|v| v.name.as_ref().is_some_and(|given| given.as_str() == name));
    if defined.is_named() && !defined.variables.iter().all(all_given) {
        return Err(Refusal::new(132_000, format!("{part}: a parameter stands twice and another not at all")));
    }
    let filled: usize = values.iter().filter_map(|value| value.text.as_ref()).map(|text| text.as_str().chars().count()).sum();
    if defined.fixed_chars + filled > most {
        return Err(Refusal::new(132_005, format!("{part}: the text is longer than {most} characters with its values")));
    }
    Ok(())
}

fn check_buttons(components: &[Component<'_>], shape: &Shape) -> Result<(), Refusal> {
    let mut given = vec![false; shape.buttons.len()];
    for component in components.iter().filter(|component| component.kind() == Ok(Kind::Button)) {
        let (sub_type, index) = component.button()?;
        let position = || shape.buttons.iter().position(|button| button.sub_type == sub_type);
        let Some(index) = index.or_else(position) else {
            return Err(Refusal::new(132_012, format!("buttons: the template has no {sub_type} button")));
        };
        match (shape.buttons.get(index), given.get_mut(index)) {
            (Some(button), Some(slot)) if button.sub_type == sub_type => {
                if sub_type == "url" && !button.needs_value {
                    return Err(counts(&format!("buttons: Button at index {index}"), 1, 0));
                }
                *slot = true;
            }
            (Some(button), _) => {
                let message = format!("buttons: Button at index {index} is of type {}, not {sub_type}", button.sub_type);
                return Err(Refusal::new(132_012, message));
            }
            (None, _) => return Err(Refusal::new(132_012, format!("buttons: the template has no button at index {index}"))),
        }
    }
    let lacking = shape.buttons.iter().zip(given).position(|(button, given)| button.needs_value && !given);
    lacking.map_or(Ok(()), |index| {
        Err(Refusal::new(
            131_008,
            format!("buttons: Button at index {index} of type {} requires a parameter", {
                shape.buttons.get(index).map_or("", |button| button.sub_type.as_str())
            }),
        ))
    })
}
