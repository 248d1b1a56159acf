//! Files that use every key there is.

/// Every key of the top, the audience, pacing, route, a text and a template with an offer.
pub(super) const FULL: &str = r#"# Spring
name = "spring-sale"
purpose = "marketing"
sender = ["demo", "demo-2"]
expires = "1d 12h"

[audience]
file = "audiences/spring.csv.gz"
phone = "celular"
country = "MX"
country_column = "pais"
language = "idioma"
timezone = "zona"
consent = "acepta"
delimiter = ";"
encoding = "windows-1252"

[pacing]
rate = "70/s burst 5"
priority = -3
in_flight = 64

[route]
prefer = "free_form"
on_unknown = "at_least_once"
confirm = "i_accept_duplicate_marketing"

[free_form]
kind = "text"
body = "Hola {{nombre}} 👋"
preview_url = true

[template]
name = "spring_sale_v3"
language = "{{idioma}}"
fallback_language = "es_MX"
header = { image = { id = "1013859600285441" } }
coupon = "{{cupon}}"
offer_expires = "2030-12-08T23:59-06:00"
buttons = [{ index = 1, url_suffix = "{{slug}}" }]

[template.body]
first_name = "{{nombre}}"
total = { currency = "MXN", amount = "{{total}}", fallback = "${{total}}" }
day = { date = "{{dia}}" }
"#;

/// A carousel of pictures, beside a document.
pub(super) const CARDS: &str = r#"name = "cards"
purpose = "marketing"
sender = "demo"
audience = { file = "-", consent = "ok" }

[free_form]
kind = "document"
document = "https://cdn.example/catálogo.pdf"
caption = "El catálogo"
filename = "catalogo.pdf"

[template]
name = "cards"
language = "es"
body = ["{{nombre}}", '''{{#if vip}}"VIP"{{/if}}''']

[[template.cards]]
header = { image = "https://cdn.example/1.jpg" }
body = ["{{precio1}}"]
buttons = [{ quick_reply = "more-1" }, { url_suffix = "{{sku1}}" }]

[[template.cards]]
header = { image = "https://cdn.example/2.jpg" }
body = ["{{precio2}}"]
buttons = [{ quick_reply = "more-2" }, { url_suffix = "{{sku2}}" }]

[[template.cards]]
header = { image = "https://cdn.example/3.jpg" }
body = ["{{precio3}}"]
buttons = [{ quick_reply = "more-3" }, { url_suffix = "{{sku3}}" }]
"#;

/// Reply buttons, and a template with a place above it.
pub(super) const BUTTONS: &str = r#"name = "buttons"
purpose = "utility"
sender = "steady"
audience.file = "audiences/buttons.tsv"

[free_form]
kind = "buttons"
header = { document = "https://cdn.example/a.pdf", filename = "a.pdf" }
body = "¿Vienes?"
footer = "Tienda Demo"
buttons = [{ id = "yes", title = "Sí" }, { id = "no", title = "No" }]

[template]
name = "visit"
language = "es"
header.location = { latitude = "19.4326", longitude = "-99.1332", name = "Tienda", address = "Av. Juárez 1" }
"#;

/// A carousel of products, beside a header with a named variable.
pub(super) const PRODUCTS: &str = r#"name = "products"
purpose = "marketing"
sender = "steady"

[audience]
file = "audiences/products.csv"
consent = "ok"

[free_form]
kind = "sticker"
id = "1013859600285441"

[template]
name = "products"
language = "es"

[[template.cards]]
header.product = { retailer_id = "{{sku1}}", catalog_id = "194836987003835" }
buttons = [{ index = 0, url_suffix = "a" }]

[[template.cards]]
header.product = { retailer_id = "{{sku2}}", catalog_id = "194836987003835" }
buttons = [{ index = 0, url_suffix = "b" }]
"#;

/// A header with a named variable.
pub(super) const HEADER: &str = r#"name = "header"
purpose = "utility"
sender = "demo"

[audience]
file = "audiences/header.csv"

[free_form]
kind = "image"
link = "https://cdn.example/1.jpg"

[template]
name = "header"
language = "es"
header = { text = "{{nombre}}", name = "first_name" }
body = { first_name = "{{nombre}}" }
buttons = [{ index = 0, quick_reply = "a" }, { index = 2, copy_code = "SALE10" }]
"#;

/// All of them.
pub(super) const ALL: [&str; 5] = [FULL, CARDS, BUTTONS, PRODUCTS, HEADER];
