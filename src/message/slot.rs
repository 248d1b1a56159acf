//! Where in a message a text stands: how a value's rules are found, and how an error names it.

use std::fmt;

/// What a text is for; decides which rules its value must keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the part of the message it is named after")]
pub enum Part {
    Name,
    Language,
    HeaderText,
    MediaLink,
    MediaId,
    Filename,
    Latitude,
    Longitude,
    LocationName,
    LocationAddress,
    ProductId,
    CatalogId,
    BodyValue,
    CurrencyFallback,
    CurrencyCode,
    CurrencyAmount,
    DateTimeFallback,
    UrlSuffix,
    QuickReply,
    CopyCode,
    OfferExpires,
    TextBody,
    ButtonsBody,
    Footer,
    Caption,
    ReplyId,
    ReplyTitle,
}

/// One text of a message: its part, its number among its like, and its card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Slot {
    /// What the text is for.
    pub part: Part,
    /// Its number: body values and cards' values from 0 in order, buttons by their index in the template.
    pub index: u8,
    /// The card it stands on, from 0.
    pub card: Option<u8>,
    /// Whether the message is a template.
    pub template: bool,
}

/// The campaign file's own words for the place: `template.cards[1].body[0]`.
impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.template { "template" } else { "free_form" })?;
        if let Some(card) = self.card {
            write!(f, ".cards[{card}]")?;
        }
        let index = self.index;
        match self.part {
            Part::Name => f.write_str(".name"),
            Part::Language => f.write_str(".language"),
            Part::HeaderText => f.write_str(".header.text"),
            Part::MediaLink | Part::MediaId => f.write_str(".media"),
            Part::Filename => f.write_str(".filename"),
            Part::Latitude => f.write_str(".header.latitude"),
            Part::Longitude => f.write_str(".header.longitude"),
            Part::LocationName => f.write_str(".header.name"),
            Part::LocationAddress => f.write_str(".header.address"),
            Part::ProductId => f.write_str(".product"),
            Part::CatalogId => f.write_str(".catalog"),
            Part::BodyValue => write!(f, ".body[{index}]"),
            Part::CurrencyFallback => write!(f, ".body[{index}].fallback"),
            Part::CurrencyCode => write!(f, ".body[{index}].currency"),
            Part::CurrencyAmount => write!(f, ".body[{index}].amount"),
            Part::DateTimeFallback => write!(f, ".body[{index}].date"),
            Part::UrlSuffix => write!(f, ".buttons[{index}].url_suffix"),
            Part::QuickReply => write!(f, ".buttons[{index}].quick_reply"),
            Part::CopyCode => write!(f, ".buttons[{index}].copy_code"),
            Part::OfferExpires => f.write_str(".offer_expires"),
            Part::TextBody | Part::ButtonsBody => f.write_str(".body"),
            Part::Footer => f.write_str(".footer"),
            Part::Caption => f.write_str(".caption"),
            Part::ReplyId => write!(f, ".buttons[{index}].id"),
            Part::ReplyTitle => write!(f, ".buttons[{index}].title"),
        }
    }
}
