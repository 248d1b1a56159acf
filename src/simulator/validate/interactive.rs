//! Interactive free-form messages: buttons, lists, links, products, carousels, flows.
//!
//! In: the `interactive` object. Out: its own type for the ledger, or the refusal. The limits are those of Meta's message pages.

use std::borrow::Cow;
use std::collections::HashSet;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::value::{Media, Text, check_optional, check_text, is_web, object};
use crate::simulator::answer::Refusal;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Interactive<'a> {
    #[serde(borrow)]
    r#type: Option<Text<'a>>,
    #[serde(borrow)]
    header: Option<Header<'a>>,
    #[serde(borrow)]
    body: Option<Part<'a>>,
    #[serde(borrow)]
    footer: Option<Part<'a>>,
    #[serde(borrow)]
    action: Option<Action<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Part<'a> {
    #[serde(borrow)]
    text: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header<'a> {
    #[serde(borrow)]
    r#type: Option<Text<'a>>,
    #[serde(borrow)]
    text: Option<Text<'a>>,
    #[serde(borrow)]
    image: Option<Media<'a>>,
    #[serde(borrow)]
    video: Option<Media<'a>>,
    #[serde(borrow)]
    document: Option<Media<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Action<'a> {
    #[serde(borrow)]
    name: Option<Text<'a>>,
    #[serde(borrow)]
    button: Option<Text<'a>>,
    #[serde(borrow, default)]
    buttons: Vec<Button<'a>>,
    #[serde(borrow, default)]
    sections: Vec<Section<'a>>,
    #[serde(borrow, default)]
    cards: Vec<Card<'a>>,
    #[serde(borrow)]
    parameters: Option<&'a RawValue>,
    #[serde(borrow)]
    catalog_id: Option<Text<'a>>,
    #[serde(borrow)]
    product_retailer_id: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Button<'a> {
    #[serde(borrow)]
    r#type: Option<Text<'a>>,
    #[serde(borrow)]
    reply: Option<Row<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    title: Option<Text<'a>>,
    #[serde(borrow)]
    description: Option<Text<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Section<'a> {
    #[serde(borrow)]
    title: Option<Text<'a>>,
    #[serde(borrow, default)]
    rows: Vec<Row<'a>>,
    #[serde(default)]
    product_items: Vec<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Card<'a> {
    #[serde(rename = "card_index")]
    index: Option<usize>,
    #[serde(borrow)]
    r#type: Option<Text<'a>>,
    #[serde(borrow)]
    body: Option<Part<'a>>,
}

#[derive(Deserialize)]
struct Link<'a> {
    #[serde(borrow)]
    display_text: Option<Text<'a>>,
    #[serde(borrow)]
    url: Option<Text<'a>>,
}

fn wrong(details: impl Into<Cow<'static, str>>) -> Refusal {
    Refusal::new(131_009, details)
}

fn missing(name: &str) -> Refusal {
    Refusal::new(131_008, format!("Param {name} is missing"))
}

/// Checks the `interactive` object; its type is the kind.
pub(super) fn check(given: &RawValue) -> Result<String, Refusal> {
    let sent: Interactive<'_> = object("interactive", given)?;
    let kind = sent.r#type.as_ref().ok_or_else(|| missing("interactive['type']"))?.as_str();
    let action = sent.action.as_ref().ok_or_else(|| missing("interactive['action']"))?;
    let most_body = if kind == "list" { 4_096 } else { 1_024 };
    let body = sent.body.as_ref().and_then(|part| part.text.as_ref());
    // A single product may stand alone.
    if kind == "product" {
        check_optional("interactive['body']['text']", body, most_body)?;
    } else {
        check_text("interactive['body']['text']", body, most_body)?;
    }
    check_optional("interactive['footer']['text']", sent.footer.as_ref().and_then(|part| part.text.as_ref()), 60)?;
    check_header(kind, sent.header.as_ref())?;
    match kind {
        "button" => check_buttons(&action.buttons)?,
        "list" => check_list(action)?,
        "cta_url" => check_link(action)?,
        "product" => {
            check_text("action['catalog_id']", action.catalog_id.as_ref(), 512)?;
            check_text("action['product_retailer_id']", action.product_retailer_id.as_ref(), 512)?;
        }
        "product_list" => check_products(action)?,
        "carousel" => check_cards(&sent, action)?,
        "catalog_message"
        | "location_request_message"
        | "flow"
        | "address_message"
        | "call_permission_request"
        | "voice_call"
        | "request_contact_info" => {
            check_text("action['name']", action.name.as_ref(), 512)?;
            if kind == "flow" && action.parameters.is_none() {
                return Err(missing("action['parameters']"));
            }
        }
        other => return Err(Refusal::new(100, format!("Param interactive['type'] must not be '{other}'"))),
    }
    Ok(kind.to_owned())
}

fn check_header(kind: &str, header: Option<&Header<'_>>) -> Result<(), Refusal> {
    let Some(header) = header else {
        return if kind == "product_list" { Err(missing("interactive['header']")) } else { Ok(()) };
    };
    let name = header.r#type.as_ref().ok_or_else(|| missing("header['type']"))?.as_str();
    let media = match name {
        "text" => return check_text("header['text']", header.text.as_ref(), 60),
        "image" => &header.image,
        "video" => &header.video,
        "document" => &header.document,
        other => return Err(Refusal::new(100, format!("Param header['type'] must not be '{other}'"))),
    };
    if matches!(kind, "list" | "product_list") {
        return Err(wrong("The header of a list must be text"));
    }
    media.as_ref().ok_or_else(|| missing(name))?.check_source(name)
}

fn check_buttons(buttons: &[Button<'_>]) -> Result<(), Refusal> {
    if !(1..=3).contains(&buttons.len()) {
        return Err(wrong("Invalid buttons count. Min allowed buttons: 1, Max allowed buttons: 3"));
    }
    let (mut ids, mut titles) = (HashSet::new(), HashSet::new());
    for button in buttons {
        if button.r#type.as_ref().is_none_or(|kind| kind.as_str() != "reply") {
            return Err(wrong("Param button['type'] must be reply"));
        }
        let reply = button.reply.as_ref().ok_or_else(|| missing("button['reply']"))?;
        check_text("reply['id']", reply.id.as_ref(), 256)?;
        check_text("reply['title']", reply.title.as_ref(), 20)?;
        if !ids.insert(reply.id.as_ref().map(Text::as_str)) || !titles.insert(reply.title.as_ref().map(Text::as_str)) {
            return Err(wrong("Duplicated button id or title"));
        }
    }
    Ok(())
}

fn check_list(action: &Action<'_>) -> Result<(), Refusal> {
    check_text("action['button']", action.button.as_ref(), 20)?;
    let rows: usize = action.sections.iter().map(|section| section.rows.len()).sum();
    if !(1..=10).contains(&action.sections.len()) || !(1..=10).contains(&rows) {
        return Err(wrong("A list takes 1 to 10 sections and 1 to 10 rows in total"));
    }
    let mut ids = HashSet::new();
    for section in &action.sections {
        check_section_title(section, action.sections.len())?;
        for row in &section.rows {
            check_text("row['id']", row.id.as_ref(), 200)?;
            check_text("row['title']", row.title.as_ref(), 24)?;
            check_optional("row['description']", row.description.as_ref(), 72)?;
            if !ids.insert(row.id.as_ref().map(Text::as_str)) {
                return Err(wrong("Duplicated row id"));
            }
        }
    }
    Ok(())
}

fn check_section_title(section: &Section<'_>, sections: usize) -> Result<(), Refusal> {
    if sections > 1 {
        check_text("section['title']", section.title.as_ref(), 24)
    } else {
        check_optional("section['title']", section.title.as_ref(), 24)
    }
}

fn check_link(action: &Action<'_>) -> Result<(), Refusal> {
    let parameters = action.parameters.ok_or_else(|| missing("action['parameters']"))?;
    let link: Link<'_> = object("parameters", parameters)?;
    check_text("parameters['display_text']", link.display_text.as_ref(), 20)?;
    check_text("parameters['url']", link.url.as_ref(), 2_000)?;
    match link.url {
        Some(url) if is_web(url.as_str()) => Ok(()),
        _ => Err(wrong("Param parameters['url'] is not a valid URL")),
    }
}

fn check_products(action: &Action<'_>) -> Result<(), Refusal> {
    check_text("action['catalog_id']", action.catalog_id.as_ref(), 512)?;
    let products: usize = action.sections.iter().map(|section| section.product_items.len()).sum();
    if !(1..=10).contains(&action.sections.len()) || !(1..=30).contains(&products) {
        return Err(wrong("A product list takes 1 to 10 sections and 1 to 30 products"));
    }
    action.sections.iter().try_for_each(|section| check_section_title(section, action.sections.len()))
}

fn check_cards(sent: &Interactive<'_>, action: &Action<'_>) -> Result<(), Refusal> {
    if sent.header.is_some() || sent.footer.is_some() {
        return Err(wrong("A carousel has no header and no footer"));
    }
    if !(2..=10).contains(&action.cards.len()) {
        return Err(wrong("A carousel must have between 2 and 10 cards"));
    }
    let kind = |card: &Card<'_>| card.r#type.as_ref().map(|kind| kind.as_str().to_owned());
    let first = action.cards.first().and_then(kind);
    for (at, card) in action.cards.iter().enumerate() {
        if card.index != Some(at) {
            return Err(wrong("card_index must count the cards from 0"));
        }
        if kind(card) != first || first.is_none() {
            return Err(wrong("All cards of a carousel must be of one type"));
        }
        check_optional("card['body']['text']", card.body.as_ref().and_then(|part| part.text.as_ref()), 160)?;
    }
    Ok(())
}
