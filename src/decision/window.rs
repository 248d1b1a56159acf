//! The customer service window: the 24 hours after a person's last message to one of our numbers, in which anything may be sent.
//!
//! It is kept per person **and** number: an answer to another number of the same business opens nothing here. The instant that counts
//! is the earlier of the provider's time and ours when the message came in (`reliability.md`, 1.10).

use std::time::Duration;

use crate::time::Timestamp;

/// How long a window stays open (`protocols/meta-cloud-api.md`, 6.1).
pub const LENGTH: Duration = Duration::from_hours(24);

/// How much earlier we stop: a message accepted at the last second may be judged a moment later (`reliability.md`, 1.10).
pub const MARGIN: Duration = Duration::from_mins(1);

/// The earliest last message that leaves the window open at `now`, itself included: a window is open when the person's last message
/// is not older than this.
pub fn opened_since(now: Timestamp) -> Timestamp {
    opened_since_with(now, MARGIN)
}

fn opened_since_with(now: Timestamp, margin: Duration) -> Timestamp {
    // At the very end of the window it is closed: hence one millisecond, the unit of time.
    now - LENGTH.saturating_sub(margin) + Duration::from_millis(1)
}

/// Whether a person whose last message came at `last_inbound` can be sent anything at `now`. A last message of the future (two
/// clocks that disagree) counts as one of now.
pub fn is_open(last_inbound: Option<Timestamp>, now: Timestamp, margin: Duration) -> bool {
    last_inbound.is_some_and(|last| last >= opened_since_with(now, margin))
}

/// The first instant at which a window opened at `last_inbound` counts as closed.
pub fn closes_at(last_inbound: Timestamp, margin: Duration) -> Timestamp {
    last_inbound + LENGTH.saturating_sub(margin)
}

/// What came from a person, or about one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Inbound {
    /// A text.
    Text,
    /// A picture, video, sound, document or sticker.
    Media,
    /// A place.
    Location,
    /// Address cards.
    Contacts,
    /// A basket.
    Order,
    /// A tap on a template's quick reply.
    Button,
    /// A tap on a reply button or a list's row.
    Interactive,
    /// A filled-in flow.
    FlowReply,
    /// A call to our number.
    Call,
    /// A message of a kind the provider does not pass on.
    Unsupported,
    /// An emoji on one of our messages.
    Reaction,
    /// A change of an earlier message.
    Edit,
    /// A message taken back.
    Revoke,
    /// News of the provider, such as a changed number.
    System,
    /// The person's choice about marketing messages.
    UserPreferences,
    /// What was written in the business's own app.
    Echo,
}

impl Inbound {
    /// Whether it opens the window, or opens it anew (`protocols/meta-cloud-api.md`, 6.1). For reaction, edit and revoke Meta does not
    /// say; they are taken not to.
    pub const fn opens_window(self) -> bool {
        match self {
            Self::Text
            | Self::Media
            | Self::Location
            | Self::Contacts
            | Self::Order
            | Self::Button
            | Self::Interactive
            | Self::FlowReply
            | Self::Call
            | Self::Unsupported => true,
            Self::Reaction | Self::Edit | Self::Revoke | Self::System | Self::UserPreferences | Self::Echo => false,
        }
    }
}
