//! Template messages: an approved text of the provider's catalogue, with the values of one person.

/// A template send. Shapes: Meta, "send template messages" (`protocols/meta-cloud-api.md`, section 1.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template<T = String> {
    /// The template's name in the catalogue.
    pub name: T,
    /// Its language, such as `es_MX`. A template has no language fallback at the provider.
    pub language: T,
    /// What stands above the body.
    pub header: Option<Header<T>>,
    /// The body's values; empty when the body has no variables.
    pub body: Values<T>,
    /// Values of the buttons that have some, by the button's place in the template.
    pub buttons: Vec<Button<T>>,
    /// The limited-time offer's end.
    pub offer: Option<Offer<T>>,
    /// Carousel cards, 2 to 10, in order; empty when it is no carousel.
    pub cards: Vec<Card<T>>,
}

/// What stands above a body, or on a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Header<T = String> {
    /// The header's one text variable (in a free-form message: the text itself), at most 60 characters once rendered.
    Text {
        /// The variable's name, in templates with named variables.
        name: Option<String>,
        /// Its value.
        value: T,
    },
    /// A picture.
    Image(Media<T>),
    /// A video.
    Video(Media<T>),
    /// A document with the name it is shown under.
    Document {
        /// Where it is.
        media: Media<T>,
        /// The name shown.
        filename: Option<T>,
    },
    /// A place; not in free-form messages.
    Location {
        /// Decimal degrees, -90 to 90.
        latitude: T,
        /// Decimal degrees, -180 to 180.
        longitude: T,
        /// The place's name.
        name: T,
        /// Its address.
        address: T,
    },
    /// A product of a catalogue: the header of a product card.
    Product {
        /// The product's id in the catalogue.
        retailer_id: T,
        /// The catalogue's id.
        catalog_id: T,
    },
}

/// Where a media file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Media<T = String> {
    /// An `https` link, which the provider fetches.
    Link(T),
    /// The id of a file uploaded before.
    Id(T),
}

/// A body's values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Values<T = String> {
    /// For `{{1}}`, `{{2}}` …, in order.
    Positional(Vec<Value<T>>),
    /// For named variables, in the file's order.
    Named(Vec<(String, Value<T>)>),
}

impl<T> Values<T> {
    /// No values.
    pub const fn none() -> Self {
        Self::Positional(Vec::new())
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        match self {
            Self::Positional(values) => values.len(),
            Self::Named(values) => values.len(),
        }
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// One value of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<T = String> {
    /// Text: no newline, no tab, at most 4 spaces in a row, not empty.
    Text(T),
    /// An amount of money.
    Currency {
        /// What is shown when the client cannot format it.
        fallback: T,
        /// ISO 4217 code.
        code: T,
        /// Decimal amount such as `100.99`; at most three decimals.
        amount: T,
    },
    /// A date; the provider shows the fallback only.
    DateTime {
        /// What is shown.
        fallback: T,
    },
}

/// The value of one button of the template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Button<T = String> {
    /// Its place among **all** buttons of the template or card, from 0; static buttons count.
    pub index: u8,
    /// What it is given.
    pub action: Action<T>,
}

/// What a button is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action<T = String> {
    /// The end of a URL button's link; percent-encoded once rendered.
    UrlSuffix(T),
    /// What a quick reply sends back.
    QuickReply(T),
    /// The coupon a copy-code button copies: at most 20 characters, 15 in a limited-time offer, letters and digits.
    CopyCode(T),
}

/// A limited-time offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer<T = String> {
    /// When it ends: an RFC 3339 instant once rendered, in the future when it is sent.
    pub expires: T,
}

impl Offer<String> {
    /// The end in milliseconds since 1970, the provider's unit; `None` when the text is no instant.
    pub fn expires_ms(&self) -> Option<i64> {
        self.expires.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
    }
}

/// One card of a carousel. All cards of one carousel have the same parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card<T = String> {
    /// Image or video (media carousel), or product (product carousel).
    pub header: Header<T>,
    /// The card body's values.
    pub body: Values<T>,
    /// The card's buttons that have values.
    pub buttons: Vec<Button<T>>,
}
