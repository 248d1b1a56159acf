//! Free-form messages: delivered only inside an open window.

use super::template::{Header, Media};

/// A message without a template. Limits: Meta, "messages" pages (`protocols/meta-cloud-api.md`, section 1.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FreeForm<T = String> {
    /// Plain text, at most 4,096 characters.
    Text {
        /// What is said.
        body: T,
        /// Whether the first link is shown with a preview.
        preview_url: bool,
    },
    /// A picture, video, sound, document or sticker.
    Media(Attachment<T>),
    /// A text with one to three buttons to answer with.
    Buttons {
        /// Text, image, video or document above the body.
        header: Option<Header<T>>,
        /// At most 1,024 characters.
        body: T,
        /// At most 60 characters.
        footer: Option<T>,
        /// One to three, with unique ids and titles.
        buttons: Vec<ReplyButton<T>>,
    },
}

/// What kind of file an [`Attachment`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MediaKind {
    /// jpeg or png, 5 MB.
    Image,
    /// mp4 or 3gp, 16 MB.
    Video,
    /// aac, amr, mp3, m4a or ogg, 16 MB; has no caption.
    Audio,
    /// Any document, 100 MB.
    Document,
    /// webp, 100 KB (500 KB when it moves); has no caption.
    Sticker,
}

/// A file sent as a free-form message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment<T = String> {
    /// What it is.
    pub kind: MediaKind,
    /// Where it is.
    pub media: Media<T>,
    /// Text below it, at most 1,024 characters; not for audio and stickers.
    pub caption: Option<T>,
    /// The name shown for a document.
    pub filename: Option<T>,
}

/// A button that answers with its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyButton<T = String> {
    /// Sent back when it is pressed; at most 256 characters, unique in the message.
    pub id: T,
    /// Shown on the button; at most 20 characters, unique in the message.
    pub title: T,
}
