//! The one walk over all texts of a message.

use super::{
    Action, Attachment, Button, Card, FreeForm, Header, Media, Message, Offer, Part, ReplyButton, Slot, Template, Value, Values,
};

impl<T> Message<T> {
    /// The same message with every text turned by `f`, which is told each text's place.
    ///
    /// # Errors
    /// The first error `f` returns.
    pub fn try_map<U, E>(&self, mut f: impl FnMut(Slot, &T) -> Result<U, E>) -> Result<Message<U>, E> {
        match self {
            Self::FreeForm(message) => {
                let mut walk = Walk { f: &mut f, template: false, card: None };
                walk.free_form(message).map(Message::FreeForm)
            }
            Self::Template(template) => {
                let mut walk = Walk { f: &mut f, template: true, card: None };
                walk.template(template).map(Message::Template)
            }
        }
    }

    /// Shows every text with its place to `f`.
    pub fn visit(&self, mut f: impl FnMut(Slot, &T)) {
        let Ok(_) = self.try_map(|slot, text| {
            f(slot, text);
            Ok::<(), std::convert::Infallible>(())
        });
    }
}

struct Walk<'f, F> {
    f: &'f mut F,
    template: bool,
    card: Option<u8>,
}

impl<F> Walk<'_, F> {
    fn text<T, U, E>(&mut self, part: Part, index: u8, text: &T) -> Result<U, E>
    where
        F: FnMut(Slot, &T) -> Result<U, E>,
    {
        (self.f)(Slot { part, index, card: self.card, template: self.template }, text)
    }

    fn optional<T, U, E>(&mut self, part: Part, text: Option<&T>) -> Result<Option<U>, E>
    where
        F: FnMut(Slot, &T) -> Result<U, E>,
    {
        text.map(|text| self.text(part, 0, text)).transpose()
    }

    fn free_form<T, U, E>(&mut self, message: &FreeForm<T>) -> Result<FreeForm<U>, E>
    where
        F: FnMut(Slot, &T) -> Result<U, E>,
    {
        Ok(match message {
            FreeForm::Text { body, preview_url } => {
                FreeForm::Text { body: self.text(Part::TextBody, 0, body)?, preview_url: *preview_url }
            }
            FreeForm::Media(Attachment { kind, media, caption, filename }) => FreeForm::Media(Attachment {
                kind: *kind,
                media: self.media(media)?,
                caption: self.optional(Part::Caption, caption.as_ref())?,
                filename: self.optional(Part::Filename, filename.as_ref())?,
            }),
            FreeForm::Buttons { header, body, footer, buttons } => FreeForm::Buttons {
                header: header.as_ref().map(|header| self.header(header)).transpose()?,
                body: self.text(Part::ButtonsBody, 0, body)?,
                footer: self.optional(Part::Footer, footer.as_ref())?,
                buttons: numbered(buttons, |index, button| {
                    Ok(ReplyButton {
                        id: self.text(Part::ReplyId, index, &button.id)?,
                        title: self.text(Part::ReplyTitle, index, &button.title)?,
                    })
                })?,
            },
        })
    }

    fn template<T, U, E>(&mut self, template: &Template<T>) -> Result<Template<U>, E>
    where
        F: FnMut(Slot, &T) -> Result<U, E>,
    {
        Ok(Template {
            name: self.text(Part::Name, 0, &template.name)?,
            language: self.text(Part::Language, 0, &template.language)?,
            header: template.header.as_ref().map(|header| self.header(header)).transpose()?,
            body: self.values(&template.body)?,
            buttons: self.buttons(&template.buttons)?,
            offer: match &template.offer {
                Some(Offer { expires }) => Some(Offer { expires: self.text(Part::OfferExpires, 0, expires)? }),
                None => None,
            },
            cards: numbered(&template.cards, |index, Card { header, body, buttons }| {
                self.card = Some(index);
                let card = Card { header: self.header(header)?, body: self.values(body)?, buttons: self.buttons(buttons)? };
                self.card = None;
                Ok(card)
            })?,
        })
    }

    fn header<T, U, E>(&mut self, header: &Header<T>) -> Result<Header<U>, E>
    where
        F: FnMut(Slot, &T) -> Result<U, E>,
    {
        Ok(match header {
            Header::Text { name, value } => Header::Text { name: name.clone(), value: self.text(Part::HeaderText, 0, value)? },
            Header::Image(media) => Header::Image(self.media(media)?),
            Header::Video(media) => Header::Video(self.media(media)?),
            Header::Document { media, filename } => {
                Header::Document { media: self.media(media)?, filename: self.optional(Part::Filename, filename.as_ref())? }
            }
            Header::Location { latitude, longitude, name, address } => Header::Location {
                latitude: self.text(Part::Latitude, 0, latitude)?,
                longitude: self.text(Part::Longitude, 0, longitude)?,
                name: self.text(Part::LocationName, 0, name)?,
                address: self.text(Part::LocationAddress, 0, address)?,
            },
            Header::Product { retailer_id, catalog_id } => Header::Product {
                retailer_id: self.text(Part::ProductId, 0, retailer_id)?,
                catalog_id: self.text(Part::CatalogId, 0, catalog_id)?,
            },
        })
    }

    fn media<T, U, E>(&mut self, media: &Media<T>) -> Result<Media<U>, E>
    where
        F: FnMut(Slot, &T) -> Result<U, E>,
    {
        Ok(match media {
            Media::Link(link) => Media::Link(self.text(Part::MediaLink, 0, link)?),
            Media::Id(id) => Media::Id(self.text(Part::MediaId, 0, id)?),
        })
    }

    fn values<T, U, E>(&mut self, values: &Values<T>) -> Result<Values<U>, E>
    where
        F: FnMut(Slot, &T) -> Result<U, E>,
    {
        Ok(match values {
            Values::Positional(values) => Values::Positional(numbered(values, |index, value| self.value(index, value))?),
            Values::Named(values) => {
                Values::Named(numbered(values, |index, (name, value)| Ok((name.clone(), self.value(index, value)?)))?)
            }
        })
    }

    fn value<T, U, E>(&mut self, index: u8, value: &Value<T>) -> Result<Value<U>, E>
    where
        F: FnMut(Slot, &T) -> Result<U, E>,
    {
        Ok(match value {
            Value::Text(text) => Value::Text(self.text(Part::BodyValue, index, text)?),
            Value::Currency { fallback, code, amount } => Value::Currency {
                fallback: self.text(Part::CurrencyFallback, index, fallback)?,
                code: self.text(Part::CurrencyCode, index, code)?,
                amount: self.text(Part::CurrencyAmount, index, amount)?,
            },
            Value::DateTime { fallback } => Value::DateTime { fallback: self.text(Part::DateTimeFallback, index, fallback)? },
        })
    }

    fn buttons<T, U, E>(&mut self, buttons: &[Button<T>]) -> Result<Vec<Button<U>>, E>
    where
        F: FnMut(Slot, &T) -> Result<U, E>,
    {
        buttons
            .iter()
            .map(|Button { index, action }| {
                let action = match action {
                    Action::UrlSuffix(text) => Action::UrlSuffix(self.text(Part::UrlSuffix, *index, text)?),
                    Action::QuickReply(text) => Action::QuickReply(self.text(Part::QuickReply, *index, text)?),
                    Action::CopyCode(text) => Action::CopyCode(self.text(Part::CopyCode, *index, text)?),
                };
                Ok(Button { index: *index, action })
            })
            .collect()
    }
}

fn numbered<T, U, E>(items: &[T], mut f: impl FnMut(u8, &T) -> Result<U, E>) -> Result<Vec<U>, E> {
    items.iter().enumerate().map(|(index, item)| f(u8::try_from(index).unwrap_or(u8::MAX), item)).collect()
}
