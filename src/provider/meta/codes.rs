//! Meta's error codes as data: what each means in plain words, where it is seen, how the engine reacts, and what it proves.
//!
//! Branch on the code, never on the HTTP status or a title. Source: Meta, page `support/error-codes` (2025-12-12 with HTTP status,
//! and a 2026 copy), in `protocols/meta-cloud-api.md`, section 4.2. Classes are the contract's.

use std::time::Duration;

use crate::provider::contract::Class;

/// One code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Meta's number of it.
    pub code: u32,
    /// What it means, for a report.
    pub meaning: &'static str,
    /// Where it is seen.
    pub seen: Seen,
    /// How the engine reacts.
    pub class: Class,
    /// What an answer with it proves.
    pub proof: Proof,
    /// How long Meta's page says to wait, in seconds; 0 when it does not say.
    pub wait: u32,
}

impl Row {
    /// The wait Meta's page names.
    pub fn wait(&self) -> Option<Duration> {
        (self.wait > 0).then(|| Duration::from_secs(u64::from(self.wait)))
    }
}

/// Where a code is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// In the answer to a call.
    Answer,
    /// In a `failed` status.
    Status,
    /// In either.
    Both,
    /// In a person's message, never about ours.
    Inbound,
}

/// What an answer with a code proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Nothing was sent.
    NotSent,
    /// Nothing: the message may have been taken.
    Nothing,
}

use Class::{
    Auth, Hold, Number, OptOut, OtherPath, PairLater, Payment, Policy, Recipient, Request, SlowNumber, Template, Transient,
    Unlisted, WindowClosed,
};
use Seen::{Answer, Both, Inbound, Status};

/// A code whose answer proves that nothing was sent.
const fn no(code: u32, seen: Seen, class: Class, meaning: &'static str) -> Row {
    Row { code, meaning, seen, class, proof: Proof::NotSent, wait: 0 }
}

/// A code whose answer proves nothing.
const fn perhaps(code: u32, seen: Seen, meaning: &'static str) -> Row {
    Row { code, meaning, seen, class: Transient, proof: Proof::Nothing, wait: 0 }
}

const fn after(wait: u32, row: Row) -> Row {
    Row { wait, ..row }
}

/// The codes, ascending.
pub const TABLE: &[Row] = &[
    no(0, Answer, Auth, "the access token is no longer valid"),
    perhaps(1, Answer, "an invalid request or an error at Meta"),
    perhaps(2, Answer, "Meta's API is down or overloaded for a moment"),
    no(3, Answer, Auth, "the app lacks a capability or permission"),
    no(4, Answer, SlowNumber, "the app made too many calls"),
    no(10, Answer, Auth, "a permission is missing or was removed"),
    no(33, Answer, Number, "the business phone number was deleted or its id is wrong"),
    no(100, Answer, Request, "a parameter is unsupported, misspelt or has a wrong length"),
    no(104, Answer, Auth, "no access token was given"),
    no(190, Answer, Auth, "the access token has expired"),
    no(368, Answer, Policy, "the account is restricted or disabled for breaking a policy"),
    no(80_007, Answer, SlowNumber, "the account made too many calls"),
    no(130_403, Both, Recipient, "the business has blocked this person"),
    no(130_429, Both, SlowNumber, "the number sends faster than it may"),
    no(130_472, Status, Recipient, "the person is in a group Meta keeps from marketing messages as an experiment"),
    no(130_497, Both, Recipient, "the account may not message this country"),
    perhaps(131_000, Both, "something went wrong at Meta"),
    no(131_005, Answer, Auth, "a permission is missing"),
    no(131_008, Answer, Request, "a required parameter is missing or empty"),
    no(131_009, Both, Request, "a parameter's value is invalid"),
    perhaps(131_016, Both, "Meta's service is unavailable for a moment"),
    no(131_021, Answer, Recipient, "the recipient is the sender itself"),
    no(131_026, Status, Recipient, "undeliverable: not on WhatsApp, terms not accepted, or too old an app"),
    no(131_030, Answer, Request, "a test number may send to its own list of people only"),
    no(131_031, Answer, Policy, "the account is locked"),
    no(131_037, Answer, Number, "the number's display name is not approved"),
    no(131_042, Both, Payment, "the account has no working payment method"),
    no(131_044, Status, Payment, "the account has no working payment method for calls"),
    no(131_045, Both, Number, "the number is not properly registered"),
    no(131_047, Both, WindowClosed, "more than 24 hours since the person last wrote to this number"),
    no(131_048, Both, Number, "the number is limited because people blocked it or reported it as spam"),
    no(131_049, Both, Hold, "not delivered, to keep this person from too many marketing messages"),
    no(131_050, Both, OptOut, "the person stopped marketing messages from this business"),
    no(131_051, Answer, Request, "this type of message is not supported"),
    no(131_052, Inbound, Unlisted, "the file a person sent could not be fetched"),
    no(131_053, Both, Request, "the file to send could not be fetched, or its type is wrong"),
    no(131_055, Answer, OtherPath, "only marketing templates go by this endpoint"),
    no(131_056, Both, PairLater, "too many messages to this person in a short time"),
    after(60, no(131_057, Answer, SlowNumber, "the number is in maintenance, for about a minute")),
    no(131_058, Answer, Request, "the sample template goes from public test numbers only"),
    no(131_059, Answer, Request, "a page of a list was asked for with a stale cursor"),
    no(131_060, Inbound, Unlisted, "a person's message could not be shown"),
    no(131_061, Answer, OtherPath, "a template with a maximum price goes by the marketing endpoint only"),
    no(131_062, Answer, OtherPath, "this message goes to phone numbers only"),
    no(131_063, Answer, OtherPath, "marketing is switched off on this endpoint for the account"),
    no(131_064, Answer, Policy, "the account is capped for wrong template categories, until it lifts by itself"),
    no(131_070, Answer, WindowClosed, "another app holds the conversation with this person"),
    no(132_000, Answer, Request, "the number of values is not the number of the template's variables"),
    no(132_001, Answer, Template, "the template does not exist in this language, or is not approved"),
    no(132_005, Answer, Request, "the template's text with its values is too long"),
    no(132_007, Answer, Template, "the template's content breaks a policy"),
    no(132_008, Answer, Request, "a template value is wrong"),
    no(132_012, Answer, Request, "a template value has the wrong format or type"),
    no(132_015, Both, Template, "the template is paused for low quality"),
    no(132_016, Answer, Template, "the template is disabled for good"),
    no(132_018, Both, Request, "a value has a new line, a tab or more than four spaces in a row"),
    no(132_068, Answer, Template, "the template's Flow is blocked"),
    no(132_069, Answer, Template, "the template's Flow is throttled, ten messages an hour"),
    no(133_000, Answer, Number, "the number's earlier deregistration is not finished"),
    perhaps(133_004, Answer, "Meta's registration server is unavailable for a moment"),
    no(133_005, Answer, Number, "the number's two-step PIN is wrong"),
    no(133_006, Answer, Number, "the number is not verified"),
    no(133_008, Answer, Number, "the two-step PIN was tried too often"),
    no(133_009, Answer, Number, "the two-step PIN was entered too fast"),
    no(133_010, Answer, Number, "the number is not registered"),
    after(300, no(133_015, Answer, Number, "the number was just deleted; five minutes must pass")),
    no(133_016, Answer, Number, "the number was registered or deregistered too often; locked for 72 hours"),
    no(134_011, Answer, Payment, "the terms of payments are not accepted yet"),
    no(134_100, Answer, OtherPath, "only marketing templates go by this endpoint"),
    after(
        600,
        no(134_101, Answer, Transient, "the template is still being prepared for the marketing endpoint, about ten minutes"),
    ),
    no(134_102, Answer, OtherPath, "the template cannot go by the marketing endpoint"),
    no(135_000, Answer, Request, "a parameter is wrong"),
    no(136_024, Answer, Number, "the number could not be verified"),
    no(136_025, Answer, Number, "the number could not be verified"),
    no(139_200, Answer, OtherPath, "sending without a template is blocked for the account"),
    no(147_005, Answer, Number, "the number's username must be transferred first"),
    no(200_005, Answer, Request, "template insights are not available"),
    no(200_006, Answer, Request, "template insights cannot be switched off"),
    no(200_007, Answer, Request, "template insights are not switched on"),
    no(2_388_019, Answer, Request, "the template could not be managed: the account's limit of templates"),
    no(2_388_024, Answer, Request, "a template of this name and language exists already"),
    no(2_388_039, Answer, Request, "the template could not be managed"),
    no(2_388_040, Answer, Request, "the template could not be managed: a field is too long"),
    no(2_388_047, Answer, Request, "the template could not be managed: its header"),
    no(2_388_072, Answer, Request, "the template could not be managed: its body"),
    no(2_388_073, Answer, Request, "the template could not be managed: its footer"),
    no(2_388_293, Answer, Request, "the template has too many variables for its length"),
    no(2_388_299, Answer, Request, "the template's body begins or ends with a variable"),
    no(2_388_318, Answer, Request, "a generated template cannot be edited"),
    no(2_388_330, Answer, Request, "a generated template cannot be deleted"),
    perhaps(2_494_100, Answer, "Meta's service is in maintenance, for minutes"),
];

/// 200 to 299: one meaning.
const PERMISSIONS: Row = no(200, Answer, Auth, "a permission was not granted, or no access token was given");

/// The row of a code, when Meta's pages describe it.
pub fn find(code: u32) -> Option<&'static Row> {
    match code {
        200..=299 => Some(&PERMISSIONS),
        _ => TABLE.binary_search_by_key(&code, |row| row.code).ok().and_then(|index| TABLE.get(index)),
    }
}

/// What a code means, in plain words for a report; `None` when nobody has described it.
pub fn meaning(code: &str) -> Option<&'static str> {
    code.parse().ok().and_then(find).map(|row| row.meaning)
}
