//! Meta's JSON as types: [`request`] goes out, [`answer`] comes back, [`webhook`] comes in.
//!
//! Shapes only: no rule, no default and no decision lives here. Every type names the page of Meta's documentation that defines it;
//! pages are relative to <https://developers.facebook.com/documentation/business-messaging/whatsapp/>.

pub(crate) mod answer;
pub(crate) mod request;
pub(crate) mod webhook;
