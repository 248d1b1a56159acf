//! The `[free_form]` table.

use super::Reader;
use super::header::NAME;
use super::text::Rule;
use crate::campaign::Problem;
use crate::campaign::tree::{Node, Table};
use crate::message::{Attachment, FreeForm, Media, MediaKind, ReplyButton, Source};

// Characters; `protocols/meta-cloud-api.md`, section 1.3.
const TEXT: usize = 4096;
const BUTTONS_BODY: usize = 1024;
const FOOTER: usize = 60;
const CAPTION: usize = 1024;
const REPLY_ID: usize = 256;
const REPLY_TITLE: usize = 20;

impl Reader<'_> {
    pub(super) fn free_form(&mut self, table: &Table) -> Option<FreeForm<Source>> {
        let kind = match table.text("kind")?.text.as_str() {
            "text" => {
                let body = self.text(table, "body", Rule::most(TEXT))?;
                return Some(FreeForm::Text { body, preview_url: table.flag("preview_url").unwrap_or(false) });
            }
            "buttons" => return self.reply_buttons(table),
            "image" => MediaKind::Image,
            "video" => MediaKind::Video,
            "audio" => MediaKind::Audio,
            "document" => MediaKind::Document,
            "sticker" => MediaKind::Sticker,
            _ => return None,
        };
        let media = self.attached(table);
        let caption = self.text(table, "caption", Rule::most(CAPTION));
        let filename = self.text(table, "filename", Rule::most(NAME));
        Some(FreeForm::Media(Attachment { kind, media: media?, caption, filename }))
    }

    fn attached(&mut self, table: &Table) -> Option<Media<Source>> {
        if let Some(link) = table.text("link") {
            return self.link(link);
        }
        if let Some(id) = table.text("id") {
            return Some(self.media_id(id));
        }
        let named = ["image", "video", "audio", "document", "sticker"];
        named.iter().find_map(|kind| table.get(kind)).and_then(|node| self.media(node))
    }

    fn reply_buttons(&mut self, table: &Table) -> Option<FreeForm<Source>> {
        let header = table.table("header").map(|header| self.header(header));
        let body = self.text(table, "body", Rule::most(BUTTONS_BODY));
        let footer = self.text(table, "footer", Rule::most(FOOTER));
        let nodes = table.list("buttons");
        self.unique(nodes, "id");
        self.unique(nodes, "title");
        let buttons: Vec<Option<ReplyButton<Source>>> = nodes.iter().map(|node| self.reply(node)).collect();
        Some(FreeForm::Buttons {
            header: match header {
                Some(header) => Some(header?),
                None => None,
            },
            body: body?,
            footer,
            buttons: buttons.into_iter().collect::<Option<_>>()?,
        })
    }

    fn reply(&mut self, node: &Node) -> Option<ReplyButton<Source>> {
        let table = node.table()?;
        let id = self.text(table, "id", Rule::most(REPLY_ID));
        let title = self.text(table, "title", Rule::value(REPLY_TITLE));
        Some(ReplyButton { id: id?, title: title? })
    }

    fn unique(&mut self, nodes: &[Node], key: &str) {
        let texts: Vec<_> = nodes.iter().filter_map(|node| node.table()?.text(key)).collect();
        for (at, text) in texts.iter().enumerate() {
            if texts.iter().take(at).any(|other| other.text == text.text) {
                let problem = Problem::error("duplicate", text.span.clone(), format!("two buttons with the same {key}"));
                self.report(problem.help("give each button its own"));
            }
        }
    }
}
