//! The campaign file, described: every key there is, what it means and what may stand there.
//!
//! The only place that knows the file's keys by shape; `check` and `schema` both read it. Limits that are counts (buttons, cards,
//! senders) stand here; limits of texts stand in `read`, because they need the text. Numbers come from `protocols/meta-cloud-api.md`,
//! sections 1.2, 1.3 and 2, where nothing else is said.

use super::shape::{Key, Keys, Kinds, Later, Shape};

/// The most senders of one campaign: [`crate::outbound::quota::Quota`] allows for 64 of the fastest numbers.
const SENDERS: usize = 64;

/// The most values of a body: 1,024 characters hold 170 variables of the shortest kind (`{{1}}`) with a character between them.
const VALUES: usize = 170;

/// The most calls in flight for one sender. 1,000 messages a second, the most a number may send, keep 1,000 calls in flight when each
/// takes a whole second.
const IN_FLIGHT: i64 = 1000;

/// The whole file.
pub(super) static CAMPAIGN: Keys = Keys::of(&[
    Key::new(
        "name",
        Shape::Text,
        "\"spring-sale\"",
        "The campaign's name: lower-case letters, digits, `-` and `_`, at most 64. It names its runs.",
    )
    .required(),
    Key::new(
        "purpose",
        Shape::Word { words: PURPOSES, later: &[] },
        "\"marketing\"",
        "What people agreed to receive, and the category expected of the template.",
    )
    .required(),
    Key::new(
        "sender",
        Shape::Either(&[Shape::Text, Shape::List { of: &Shape::Text, least: 1, most: SENDERS }]),
        "\"shop\"",
        "The sender, or several that share the work, by their names in the settings.",
    )
    .required(),
    Key::new(
        "expires",
        Shape::Text,
        "\"12h\"",
        "How long after its start a run may still send, at most 30 days; what is not sent by then is not sent.",
    ),
    Key::new("audience", Shape::Table(&AUDIENCE), "{ file = \"audiences/spring.csv\" }", "Who gets the campaign.").required(),
    Key::new("pacing", Shape::Table(&PACING), "{ rate = \"70/s\" }", "How fast it goes out."),
    Key::new("route", Shape::Table(&ROUTE), "{ prefer = \"template\" }", "Which message is taken, and what happens in doubt."),
    Key::new(
        "free_form",
        Shape::Kinds(&FREE_FORM),
        "{ kind = \"text\", body = \"Hola\" }",
        "The message sent while a person's window is open.",
    ),
    Key::new(
        "template",
        Shape::Table(&TEMPLATE),
        "{ name = \"spring_sale\", language = \"es_MX\" }",
        "The approved template sent when the window is closed.",
    ),
])
.later(&[
    Later {
        name: "schedule",
        instead: "leave it out and start the campaign with `fanfare run`; `expires` stands at the top of the file",
    },
    Later {
        name: "budget",
        instead: "leave it out and hold the price of `fanfare plan` against your budget before `fanfare run`",
    },
    Later { name: "variants", instead: "write one campaign file for each variant, each with a part of the audience" },
    Later { name: "include", instead: "write everything into this file: campaign files do not include others" },
]);

const PURPOSES: &[(&str, &str)] = &[
    ("marketing", "Advertising: needs consent."),
    ("utility", "About something the person asked for or bought."),
    ("authentication", "One-time codes."),
];

static AUDIENCE: Keys = Keys::of(&[
    Key::new(
        "file",
        Shape::Text,
        "\"audiences/spring.csv\"",
        "The list of people, relative to this file's folder: .csv, .tsv, also .gz or .zst; `-` is standard input.",
    )
    .required(),
    Key::new("phone", Shape::Text, "\"mobile\"", "The column with the phone number; guessed from the header when left out."),
    Key::new("country", Shape::Text, "\"MX\"", "The country of numbers without a country code: two letters of ISO 3166."),
    Key::new("country_column", Shape::Text, "\"country\"", "The column with that country; `country` is taken where it is empty."),
    Key::new("language", Shape::Text, "\"locale\"", "The column with the person's language, such as `es_MX`."),
    Key::new("timezone", Shape::Text, "\"tz\"", "The column with the person's time zone, such as `America/Mexico_City`."),
    Key::new(
        "consent",
        Shape::Text,
        "\"opt_in\"",
        "The column that says whether the person agreed; words it does not know mean no.",
    ),
    Key::new("delimiter", Shape::Text, "\";\"", "The field separator, one character, when it cannot be guessed."),
    Key::new("encoding", Shape::Text, "\"windows-1252\"", "The file's encoding, when it cannot be guessed."),
])
.later(&[
    Later { name: "where", instead: "leave the rows out of the audience's file" },
    Later { name: "exclude", instead: "leave the rows out of the audience's file" },
    Later { name: "user_id", instead: "give the phone number's column with `phone`" },
]);

static PACING: Keys = Keys::of(&[
    Key::new(
        "rate",
        Shape::Text,
        "\"70/s\"",
        "The most messages over all senders: a number and a unit, `70/s`, `1000/m` or `5/s burst 10`.",
    ),
    Key::new(
        "priority",
        Shape::Number { least: -32_768, most: 32_767 },
        "0",
        "Higher goes first when several runs share a sender; 0 when left out.",
    ),
    Key::new(
        "in_flight",
        Shape::Number { least: 1, most: IN_FLIGHT },
        "64",
        "The most calls in flight for one sender; chosen from rate and latency when left out.",
    ),
])
.later(&[
    Later { name: "spread", instead: "give a `rate` that takes as long" },
    Later { name: "canary", instead: "run a campaign with a small audience first" },
]);

static ROUTE: Keys = Keys::of(&[
    Key::new(
        "prefer",
        Shape::Word {
            words: &[
                ("free_form", "The free-form message while the window is open, else the template."),
                ("template", "The template, even while the window is open."),
            ],
            later: &[Later { name: "cheapest", instead: "write `free_form` or `template`" }],
        },
        "\"free_form\"",
        "Which message is taken when both could be; `free_form` when left out.",
    ),
    Key::new(
        "on_unknown",
        Shape::Word {
            words: &[
                ("auto", "Looks for evidence, then does as `at_most_once`."),
                ("at_most_once", "Never sends again; lists the person."),
                (
                    "at_least_once",
                    "Sends once more when the grace time is over without evidence, and lists a possible duplicate.",
                ),
                ("hold", "Waits for a person's decision."),
            ],
            later: &[],
        },
        "\"auto\"",
        "What happens to a send whose outcome could not be learned; `auto` when left out.",
    ),
    Key::new(
        "confirm",
        Shape::Word {
            words: &[
                ("i_accept_duplicates", "Some people may get the message twice."),
                ("i_accept_duplicate_marketing", "Some people may get the advertisement twice, and it may be charged twice."),
            ],
            later: &[],
        },
        "\"i_accept_duplicates\"",
        "What `at_least_once` asks for when a sender's provider cannot recognise a repeated request.",
    ),
])
.later(&[
    Later { name: "frequency", instead: "leave people who had enough out of the audience's file" },
    Later { name: "holdout", instead: "leave the people to hold out out of the audience's file" },
]);

static MEDIA_ID: Keys =
    Keys::of(&[
        Key::new("id", Shape::Text, "\"1013859600285441\"", "The id of a file uploaded to the provider before.").required()
    ]);

/// A link, or the id of an uploaded file.
const MEDIA: Shape = Shape::Either(&[Shape::Text, Shape::Table(&MEDIA_ID)]);

const LINK_DOC: &str = "An `https://` link which the provider fetches, or `{ id = \"…\" }` of an uploaded file.";
const IMAGE: Key = Key::new("image", MEDIA, "\"https://cdn.example/spring.jpg\"", LINK_DOC);
const VIDEO: Key = Key::new("video", MEDIA, "\"https://cdn.example/spring.mp4\"", LINK_DOC);
const DOCUMENT: Key = Key::new("document", MEDIA, "\"https://cdn.example/prices.pdf\"", LINK_DOC);
const FILENAME: Key = Key::new("filename", Shape::Text, "\"prices.pdf\"", "The name the document is shown under.");
const LINK: Key =
    Key::new("link", Shape::Text, "\"https://cdn.example/spring.jpg\"", "An `https://` link which the provider fetches.");
const ID: Key = Key::new("id", Shape::Text, "\"1013859600285441\"", "The id of a file uploaded to the provider before.");
const CAPTION: Key = Key::new("caption", Shape::Text, "\"Hasta el domingo\"", "The text below, at most 1,024 characters.");

static FREE_FORM: Kinds = Kinds {
    tag: "kind",
    doc: "What the message is.",
    words: &[
        (
            "text",
            "Plain text.",
            Keys::of(&[
                Key::new("body", Shape::Text, "\"Hola {{first_name}}\"", "What is said, at most 4,096 characters.").required(),
                Key::new(
                    "preview_url",
                    Shape::Flag,
                    "true",
                    "Whether the first link is shown with a preview; `false` when left out.",
                ),
            ]),
        ),
        ("image", "A picture: jpeg or png, 5 MB.", Keys::of(&[IMAGE, LINK, ID, CAPTION]).one_of(&[&["image", "link", "id"]])),
        ("video", "A video: mp4 or 3gp, 16 MB.", Keys::of(&[VIDEO, LINK, ID, CAPTION]).one_of(&[&["video", "link", "id"]])),
        (
            "audio",
            "A sound: aac, amr, mp3, m4a or ogg, 16 MB. It has no caption.",
            Keys::of(&[Key::new("audio", MEDIA, "\"https://cdn.example/spring.mp3\"", LINK_DOC), LINK, ID])
                .one_of(&[&["audio", "link", "id"]]),
        ),
        (
            "document",
            "A document, 100 MB.",
            Keys::of(&[DOCUMENT, LINK, ID, CAPTION, FILENAME]).one_of(&[&["document", "link", "id"]]),
        ),
        (
            "sticker",
            "A sticker: webp, 100 KB, 500 KB when it moves. It has no caption.",
            Keys::of(&[Key::new("sticker", MEDIA, "\"https://cdn.example/spring.webp\"", LINK_DOC), LINK, ID])
                .one_of(&[&["sticker", "link", "id"]]),
        ),
        (
            "buttons",
            "A text with one to three buttons to answer with.",
            Keys::of(&[
                Key::new("header", Shape::Table(&FREE_HEADER), "{ text = \"Primavera\" }", "What stands above the body."),
                Key::new("body", Shape::Text, "\"¿Te interesa?\"", "What is said, at most 1,024 characters.").required(),
                Key::new("footer", Shape::Text, "\"Tienda Demo\"", "The small print, at most 60 characters."),
                Key::new(
                    "buttons",
                    Shape::List { of: &Shape::Table(&REPLY), least: 1, most: 3 },
                    "[{ id = \"yes\", title = \"Sí\" }]",
                    "One to three buttons, with unique ids and titles.",
                )
                .required(),
            ]),
        ),
    ],
    later: &[
        Later { name: "location", instead: "send a `text` with a link to the map" },
        Later { name: "contacts", instead: "send a `text` with the number" },
        Later { name: "list", instead: "send `buttons`, at most three" },
        Later { name: "cta_url", instead: "send a `text` with the link" },
        Later { name: "product", instead: "send an `image` with the link in its caption" },
        Later { name: "product_list", instead: "send a `text` with the link" },
        Later { name: "catalog", instead: "send a `text` with the link" },
        Later { name: "carousel", instead: "send a template with `[[template.cards]]`" },
        Later { name: "flow", instead: "send a `text` with a link to the form" },
        Later { name: "location_request", instead: "ask for the place in a `text`" },
    ],
};

static FREE_HEADER: Keys = Keys::of(&[
    Key::new("text", Shape::Text, "\"Primavera\"", "A line of text, at most 60 characters."),
    IMAGE,
    VIDEO,
    DOCUMENT,
    FILENAME,
])
.one_of(&[&["text", "image", "video", "document"]])
.needs(&[("filename", "document")]);

static REPLY: Keys = Keys::of(&[
    Key::new("id", Shape::Text, "\"yes\"", "What comes back when it is pressed, at most 256 characters.").required(),
    Key::new("title", Shape::Text, "\"Sí\"", "What stands on it, at most 20 characters.").required(),
]);

/// A body's values: a list for numbered variables, a table for named ones.
const BODY: Shape =
    Shape::Either(&[Shape::List { of: &VALUE, least: 0, most: VALUES }, Shape::Named { of: &VALUE, most: VALUES }]);
const BODY_DOC: &str = "The body's values: a list for `{{1}}`, `{{2}}` …, or a table for named variables.";

static VALUE: Shape = Shape::Either(&[Shape::Text, Shape::Table(&TYPED_VALUE)]);

static TYPED_VALUE: Keys = Keys::of(&[
    Key::new("currency", Shape::Text, "\"USD\"", "An amount of money: its ISO 4217 code."),
    Key::new("amount", Shape::Text, "\"{{total}}\"", "The decimal amount, such as `100.99`."),
    Key::new("fallback", Shape::Text, "\"${{total}}\"", "What is shown where the amount cannot be formatted."),
    Key::new("date", Shape::Text, "\"{{day}}\"", "A date, as it is shown."),
])
.one_of(&[&["currency", "date"]])
.needs(&[("currency", "amount"), ("currency", "fallback"), ("amount", "currency"), ("fallback", "currency")]);

static TEMPLATE: Keys = Keys::of(&[
    Key::new("name", Shape::Text, "\"spring_sale_v3\"", "The template's name in the provider's catalogue.").required(),
    Key::new("language", Shape::Text, "\"es_MX\"", "The template's language, such as `es_MX`, or `{{locale}}`.").required(),
    Key::new("fallback_language", Shape::Text, "\"es_MX\"", "The language taken when the row's is empty."),
    Key::new(
        "header",
        Shape::Table(&TEMPLATE_HEADER),
        "{ image = \"https://cdn.example/spring.jpg\" }",
        "The value of the header, when it has one.",
    ),
    Key::new("body", BODY, "[\"{{first_name}}\"]", BODY_DOC),
    Key::new(
        "coupon",
        Shape::Text,
        "\"{{coupon}}\"",
        "The coupon of the copy-code button; short for `{ index = 0, copy_code = … }`.",
    ),
    Key::new(
        "offer_expires",
        Shape::Text,
        "\"2030-12-08T23:59-06:00\"",
        "When the limited-time offer ends: date, time and offset from UTC.",
    ),
    Key::new(
        "buttons",
        Shape::List { of: &Shape::Table(&BUTTON), least: 0, most: 10 },
        "[{ index = 1, url_suffix = \"{{slug}}\" }]",
        "The values of the buttons that have some.",
    ),
    Key::new(
        "cards",
        Shape::List { of: &Shape::Table(&CARD), least: 2, most: 10 },
        "[{ header = { image = \"https://cdn.example/1.jpg\" } }, { header = { image = \"https://cdn.example/2.jpg\" } }]",
        "The carousel's cards, 2 to 10, as many as the template was approved with, all with the same parts.",
    ),
]);

static TEMPLATE_HEADER: Keys = Keys::of(&[
    Key::new("text", Shape::Text, "\"{{first_name}}\"", "The value of the header's one variable, at most 60 characters."),
    Key::new("name", Shape::Text, "\"first_name\"", "The variable's name, in templates with named variables."),
    IMAGE,
    VIDEO,
    DOCUMENT,
    FILENAME,
    Key::new(
        "location",
        Shape::Table(&LOCATION),
        "{ latitude = \"19.43\", longitude = \"-99.13\", name = \"Tienda\", address = \"Av. Juárez 1\" }",
        "A place.",
    ),
])
.one_of(&[&["text", "image", "video", "document", "location"]])
.needs(&[("name", "text"), ("filename", "document")]);

static LOCATION: Keys = Keys::of(&[
    Key::new("latitude", Shape::Text, "\"19.4326\"", "Decimal degrees, -90 to 90.").required(),
    Key::new("longitude", Shape::Text, "\"-99.1332\"", "Decimal degrees, -180 to 180.").required(),
    Key::new("name", Shape::Text, "\"Tienda Centro\"", "The place's name.").required(),
    Key::new("address", Shape::Text, "\"Av. Juárez 1\"", "Its address.").required(),
]);

const INDEX_DOC: &str =
    "The button's place among all buttons, from 0; static buttons count. Its place in this list when left out.";
const URL_SUFFIX: Key = Key::new("url_suffix", Shape::Text, "\"{{slug}}\"", "The end of a URL button's link.");
const QUICK_REPLY: Key = Key::new("quick_reply", Shape::Text, "\"more\"", "What a quick reply sends back.");

static BUTTON: Keys = Keys::of(&[
    Key::new("index", Shape::Number { least: 0, most: 9 }, "1", INDEX_DOC),
    URL_SUFFIX,
    QUICK_REPLY,
    Key::new(
        "copy_code",
        Shape::Text,
        "\"{{coupon}}\"",
        "The code a copy-code button copies: letters and digits, at most 20, in an offer 15.",
    ),
])
.one_of(&[&["url_suffix", "quick_reply", "copy_code"]])
.later(&[
    Later { name: "flow_token", instead: "send a template without a flow button" },
    Later { name: "catalog", instead: "send a template without a catalogue button" },
]);

static CARD: Keys = Keys::of(&[
    Key::new(
        "header",
        Shape::Table(&CARD_HEADER),
        "{ image = \"https://cdn.example/1.jpg\" }",
        "The card's picture, video or product.",
    )
    .required(),
    Key::new("body", BODY, "[\"{{price}}\"]", BODY_DOC),
    Key::new(
        "buttons",
        Shape::List { of: &Shape::Table(&CARD_BUTTON), least: 0, most: 2 },
        "[{ url_suffix = \"{{sku}}\" }]",
        "The values of the card's buttons that have some, at most 2.",
    ),
]);

static CARD_HEADER: Keys = Keys::of(&[
    IMAGE,
    VIDEO,
    Key::new(
        "product",
        Shape::Table(&PRODUCT),
        "{ retailer_id = \"{{sku}}\", catalog_id = \"1948\" }",
        "A product of a catalogue.",
    ),
])
.one_of(&[&["image", "video", "product"]]);

static PRODUCT: Keys = Keys::of(&[
    Key::new("retailer_id", Shape::Text, "\"{{sku}}\"", "The product's id in the catalogue.").required(),
    Key::new("catalog_id", Shape::Text, "\"194836987003835\"", "The catalogue's id; one for all cards.").required(),
]);

static CARD_BUTTON: Keys =
    Keys::of(&[Key::new("index", Shape::Number { least: 0, most: 1 }, "1", INDEX_DOC), URL_SUFFIX, QUICK_REPLY])
        .one_of(&[&["url_suffix", "quick_reply"]]);
