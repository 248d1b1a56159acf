//! Free-form, template, or nothing.

use std::fmt;

use super::skip::SkipReason;
use super::window;
use crate::campaign::Prefer;
use crate::time::Timestamp;

/// What is known when a person's message is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecisionInput {
    /// Which message the campaign takes when both could be.
    pub prefer: Prefer,
    /// Whether the campaign has a free-form message.
    pub has_free_form: bool,
    /// Whether the campaign has a template.
    pub has_template: bool,
    /// Whether the provider has answered for this person that the window is closed, whatever we think of it.
    pub force_template: bool,
    /// The person's last message to the sender that would answer.
    pub last_inbound: Option<Timestamp>,
    /// Now.
    pub now: Timestamp,
}

/// What a person gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The free-form message: the window is open.
    FreeForm {
        /// When the window counts as closed; the send must have begun before.
        until: Timestamp,
        /// Why.
        reason: Reason,
    },
    /// The template.
    Template {
        /// Why.
        reason: Reason,
    },
    /// Nothing.
    Skip(SkipReason),
}

impl Decision {
    /// Why, in the stored word.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::FreeForm { reason, .. } | Self::Template { reason } => reason.as_str(),
            Self::Skip(reason) => reason.as_str(),
        }
    }
}

/// Why a message was chosen. Closed; the words are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Free-form: the person wrote within the window.
    WindowOpen,
    /// Template: the person never wrote to the sender.
    NeverWrote,
    /// Template: the person's last message is too old.
    WindowClosed,
    /// Template: the provider answered that the window is closed.
    WindowRefused,
    /// Template: the campaign prefers it.
    Preferred,
    /// Template: the campaign has nothing else.
    OnlyTemplate,
}

impl Reason {
    /// The stored word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WindowOpen => "window_open",
            Self::NeverWrote => "never_wrote",
            Self::WindowClosed => "window_closed",
            Self::WindowRefused => "window_refused",
            Self::Preferred => "preferred",
            Self::OnlyTemplate => "only_template",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Chooses one person's message.
///
/// Free-form only ever with an open window and without the provider's word against it. A preferred template wins while there is
/// one; preferring it does not keep a campaign without templates from answering.
pub fn decide(input: &DecisionInput) -> Decision {
    let template = |reason| {
        if input.has_template { Decision::Template { reason } } else { Decision::Skip(SkipReason::WindowClosedNoTemplate) }
    };
    if !input.has_free_form {
        return template(Reason::OnlyTemplate);
    }
    if input.has_template && input.prefer == Prefer::Template {
        return template(Reason::Preferred);
    }
    if input.force_template {
        return template(Reason::WindowRefused);
    }
    match input.last_inbound {
        Some(last) if window::is_open(Some(last), input.now, window::MARGIN) => {
            let last = last.min(input.now);
            Decision::FreeForm { until: window::closes_at(last, window::MARGIN), reason: Reason::WindowOpen }
        }
        Some(_) => template(Reason::WindowClosed),
        None => template(Reason::NeverWrote),
    }
}
