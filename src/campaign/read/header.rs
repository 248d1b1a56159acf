//! Headers and media.

use super::Reader;
use super::text::Rule;
use crate::campaign::Problem;
use crate::campaign::tree::{Node, Table, Text, Value};
use crate::message::{Header, Media, Source};

/// Links have at most 2,000 characters, values included (`protocols/meta-cloud-api.md`, section 2.1).
const LINK: usize = 2000;
/// A header's text.
const HEADER: usize = 60;
/// Names, ids and addresses have no published limit; this one keeps a slip (a whole text in the place of a name) out.
pub(super) const NAME: usize = 1024;

impl Reader<'_> {
    /// The header of a message, a template or a card: the description says which keys each may have.
    pub(super) fn header(&mut self, table: &Table) -> Option<Header<Source>> {
        if let Some(value) = self.text(table, "text", Rule::value(HEADER)) {
            let name = table.text("name").map(|name| {
                self.variable(&name.text, name.span.clone());
                name.text.clone()
            });
            return Some(Header::Text { name, value });
        }
        if let Some(image) = table.get("image") {
            return self.media(image).map(Header::Image);
        }
        if let Some(video) = table.get("video") {
            return self.media(video).map(Header::Video);
        }
        if let Some(document) = table.get("document") {
            let filename = self.text(table, "filename", Rule::most(NAME));
            return self.media(document).map(|media| Header::Document { media, filename });
        }
        if let Some(place) = table.table("location") {
            return self.location(place);
        }
        let product = table.table("product")?;
        let retailer_id = self.text(product, "retailer_id", Rule::most(NAME));
        let catalog_id = self.text(product, "catalog_id", Rule::most(NAME));
        Some(Header::Product { retailer_id: retailer_id?, catalog_id: catalog_id? })
    }

    fn location(&mut self, place: &Table) -> Option<Header<Source>> {
        let latitude = self.degrees(place, "latitude", 90.0);
        let longitude = self.degrees(place, "longitude", 180.0);
        let name = self.text(place, "name", Rule::value(NAME));
        let address = self.text(place, "address", Rule::value(NAME));
        Some(Header::Location { latitude: latitude?, longitude: longitude?, name: name?, address: address? })
    }

    fn degrees(&mut self, place: &Table, key: &str, most: f64) -> Option<Source> {
        let text = place.text(key)?;
        let plain = text.text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'.'));
        let fine = plain && text.text.parse::<f64>().is_ok_and(|degrees| degrees.abs() <= most);
        if text.is_literal() && !fine && !text.text.trim().is_empty() {
            let problem = Problem::error("bad_number", text.span.clone(), format!("no {key}"));
            self.report(problem.help(format!("write decimal degrees from -{most} to {most}, such as `19.4326`")));
        }
        self.text(place, key, Rule::SOMETHING)
    }

    /// A link, or `{ id = "…" }`.
    pub(super) fn media(&mut self, node: &Node) -> Option<Media<Source>> {
        match &node.value {
            Value::Text(link) => self.link(link),
            Value::Table(table) => table.text("id").map(|id| self.media_id(id)),
            _ => None,
        }
    }

    pub(super) fn media_id(&mut self, id: &Text) -> Media<Source> {
        if id.is_literal() && id.text.chars().any(char::is_whitespace) && !id.text.trim().is_empty() {
            self.report(
                Problem::error("bad_text", id.span.clone(), "an id with a space in it").help("write the id the upload answered"),
            );
        }
        Media::Id(self.source(id, Rule::most(NAME)))
    }

    /// A link begins with `https://`, or with a variable that does once rendered.
    pub(super) fn link(&mut self, link: &Text) -> Option<Media<Source>> {
        let text = &link.text;
        let scheme = text.split_once(':').map(|(scheme, _)| scheme).filter(|scheme| {
            scheme.len() > 1 && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
        });
        let https = text.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("https://"));
        let problem = if text.starts_with("{{") || text.trim().is_empty() {
            None
        } else if https {
            let bad = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '<' | '>' | '\\');
            (link.is_literal() && (text.len() == 8 || text.contains(bad)))
                .then(|| Problem::error("bad_link", link.span.clone(), "no link").help("write the whole link, percent-encoded"))
        } else if scheme.is_some() {
            Some(
                Problem::error("bad_link", link.span.clone(), "a link that does not begin with `https://`")
                    .help("providers fetch media over https only; give an https link or `{ id = \"…\" }`"),
            )
        } else {
            Some(
                Problem::error("not_supported_yet", link.span.clone(), "uploading local files is not supported yet")
                    .help("give an `https://` link, or upload the file and give `{ id = \"…\" }`"),
            )
        };
        match problem {
            None => Some(Media::Link(self.source(link, Rule::most(LINK)))),
            Some(problem) => {
                self.report(problem);
                None
            }
        }
    }
}
