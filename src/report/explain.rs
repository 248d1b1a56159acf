//! Everything the ledger holds about one person: windows, runs, why and how each message went, what was heard of it.

use std::time::Duration;

use serde::Serialize;

use super::figures::harmless;
use super::layout::table;
use super::model::{At, Identity, sender_name};
use super::port::{CallRow, PersonFacts, PersonRun, ReceiptTimes, SenderName};
use super::words::{self, Words};
use crate::outbound::status::{Flags, State};
use crate::time::Timestamp;

/// How long a person's message keeps the window open (Meta, "Customer service windows": 24 hours).
const WINDOW: Duration = Duration::from_secs(24 * 60 * 60);

/// Everything about one person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The version of this shape.
    pub schema: u32,
    /// Who, in E.164.
    pub phone: String,
    /// The customer service windows the person opened.
    pub windows: Vec<Window>,
    /// The runs that had the person in their audience, oldest first.
    pub runs: Vec<Part>,
}

/// A customer service window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Window {
    /// The sender the person wrote to.
    pub sender: String,
    /// The person's last message.
    pub last_message_at: At,
    /// When the window closes or closed.
    pub until: At,
    /// Whether it is open at the moment given by the asker.
    pub open: bool,
}

/// The person's part in one run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    /// The run.
    pub run: Identity,
    /// Line of the audience file.
    pub line: u64,
    /// Where the delivery stands.
    pub state: &'static str,
    /// Why it was skipped.
    pub reason: Option<String>,
    /// Sent again without proof that the first send was lost.
    pub possible_duplicate: bool,
    /// A status was seen under another name: it was probably sent.
    pub probably_accepted: bool,
    /// The window was found closed: only the template would do.
    pub window_was_closed: bool,
    /// The row's values: column, value.
    pub values: Vec<(String, String)>,
    /// The calls, in order.
    pub calls: Vec<Call>,
    /// What webhooks said, by send.
    pub receipts: Vec<Receipt>,
}

/// One call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Call {
    /// Its number, from 1.
    pub attempt: u16,
    /// The send it belonged to, from 0; more than one means a new message.
    pub send: u16,
    /// When it was about to be made.
    pub at: At,
    /// When its outcome was learned.
    pub settled_at: At,
    /// How that was learned.
    pub settled_by: &'static str,
    /// From which number.
    pub sender: String,
    /// Which way.
    pub route: &'static str,
    /// How it ended.
    pub outcome: &'static str,
    /// HTTP status; none without an answer.
    pub http: Option<u16>,
    /// The provider's code.
    pub code: Option<String>,
    /// What it says.
    pub meaning: Option<&'static str>,
    /// The provider's words, or ours.
    pub detail: Option<String>,
    /// The provider's id of the message.
    pub provider_id: Option<String>,
}

/// What webhooks said of one send, by the provider's clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Receipt {
    /// The send.
    pub send: u16,
    /// It left the provider.
    pub sent_at: Option<At>,
    /// It arrived.
    pub delivered_at: Option<At>,
    /// It was read.
    pub read_at: Option<At>,
    /// It failed.
    pub failed_at: Option<At>,
    /// The failure's code.
    pub code: Option<String>,
    /// What it says.
    pub meaning: Option<&'static str>,
}

impl Explanation {
    /// The explanation of these rows; `now` decides which windows are open.
    pub fn new(facts: &PersonFacts, words: Words<'_>, now: Timestamp) -> Self {
        let mut windows: Vec<_> = facts
            .windows
            .iter()
            .map(|&(no, last)| Window {
                sender: sender_name(&facts.senders, no),
                last_message_at: At(last),
                until: At(last + WINDOW),
                open: now < last + WINDOW,
            })
            .collect();
        windows.sort_by(|a, b| a.sender.cmp(&b.sender));
        let runs = facts.runs.iter().map(|run| Part::new(run, &facts.senders, words)).collect();
        Self { schema: 1, phone: facts.person.to_string(), windows, runs }
    }

    /// The explanation for people.
    pub fn text(&self, width: Option<u16>) -> String {
        let mut text = format!("{}\n", self.phone);
        if self.windows.is_empty() {
            text.push_str("\nnever wrote to a sender of this ledger: no window was opened\n");
        } else {
            let row = |window: &Window| {
                let word = if window.open { "open" } else { "closed" };
                vec![window.sender.clone(), window.last_message_at.0.to_string(), word.to_owned(), window.until.0.to_string()]
            };
            text.push('\n');
            let rows = self.windows.iter().map(row).collect();
            text.push_str(&table(width, &["wrote to", "at", "window", "until"], rows, &[]));
        }
        if self.runs.is_empty() {
            text.push_str("\nin no run's audience\n");
        }
        for part in &self.runs {
            text.push_str(&part.text(width));
        }
        text
    }
}

impl Part {
    fn new(part: &PersonRun, senders: &[SenderName], words: Words<'_>) -> Self {
        let row = &part.delivery;
        Self {
            run: Identity::new(&part.run),
            line: row.line,
            state: row.state.as_str(),
            reason: (row.state == State::Skipped).then(|| words.skipped(row.reason)),
            possible_duplicate: row.flags.has(Flags::POSSIBLE_DUPLICATE),
            probably_accepted: row.flags.has(Flags::PROBABLY_ACCEPTED),
            window_was_closed: row.flags.has(Flags::FORCE_TEMPLATE),
            values: part.columns.iter().cloned().zip(part.values.iter().cloned()).collect(),
            calls: part.calls.iter().map(|call| Call::new(call, senders, words)).collect(),
            receipts: part.receipts.iter().map(|(send, times)| Receipt::new(*send, times, words)).collect(),
        }
    }

    fn text(&self, width: Option<u16>) -> String {
        let mut text = format!(
            "\n{} ({}), line {} of {}: {}",
            harmless(&self.run.id),
            self.run.state,
            self.line,
            harmless(&self.run.audience),
            self.state
        );
        let notes = [
            self.reason.clone().unwrap_or_default(),
            note(self.window_was_closed, "the window was closed: template only"),
            note(self.possible_duplicate, "may have been received twice"),
            note(self.probably_accepted, "was probably sent"),
        ];
        for note in notes.iter().filter(|note| !note.is_empty()) {
            text.push_str(", ");
            text.push_str(note);
        }
        text.push('\n');
        for (column, value) in &self.values {
            for part in ["  ", &harmless(column), " = ", &harmless(value), "\n"] {
                text.push_str(part);
            }
        }
        text.push_str(&self.history(width));
        text
    }

    /// Calls and receipts by their time; the calls come first within a second, as they caused the rest.
    fn history(&self, width: Option<u16>) -> String {
        let mut events: Vec<(At, u8, Vec<String>)> = Vec::new();
        for call in &self.calls {
            let what = format!("call {}: {}", call.attempt, call.outcome);
            let mut told = vec![format!("{} from {}", call.route, call.sender)];
            if call.settled_by != "answer" {
                told.push(format!("learned by {} at {}", call.settled_by, call.settled_at.0));
            }
            told.extend(call.http.map(|http| format!("HTTP {http}")));
            told.extend(coded(call.code.as_deref(), call.meaning));
            told.extend(call.detail.clone());
            told.extend(call.provider_id.as_ref().map(|id| format!("id {id}")));
            events.push((call.at, 0, vec![call.at.0.to_string(), what, told.join("; ")]));
        }
        for receipt in &self.receipts {
            let of = if receipt.send == 0 { String::new() } else { format!("of send {}", receipt.send + 1) };
            let steps = [(1, "sent", receipt.sent_at), (2, "delivered", receipt.delivered_at), (3, "read", receipt.read_at)];
            let failed = (4, "failed", receipt.failed_at);
            for (order, word, at) in steps.into_iter().chain([failed]) {
                let Some(at) = at else { continue };
                let code = if order == 4 { coded(receipt.code.as_deref(), receipt.meaning) } else { None };
                let told = std::iter::once(of.clone()).filter(|of| !of.is_empty()).chain(code).collect::<Vec<_>>().join("; ");
                events.push((at, order, vec![at.0.to_string(), word.to_owned(), told]));
            }
        }
        if events.is_empty() {
            return String::new();
        }
        let second = |at: At| at.0.0.div_euclid(1000);
        events.sort_by_key(|&(at, order, _)| (second(at), order));
        table(width, &[], events.into_iter().map(|(_, _, row)| row).collect(), &[])
    }
}

impl Call {
    fn new(call: &CallRow, senders: &[SenderName], words: Words<'_>) -> Self {
        Self {
            attempt: call.attempt,
            send: call.generation,
            at: At(call.intent_at),
            settled_at: At(call.settled_at),
            settled_by: words::settled_by(call.settled_by),
            sender: sender_name(senders, call.sender),
            route: words::route(call.route),
            outcome: words::outcome(call.outcome),
            http: Some(call.http).filter(|&http| http > 0),
            meaning: call.code.as_deref().and_then(|code| words.meaning(code)),
            code: call.code.clone(),
            detail: call.detail.clone(),
            provider_id: call.provider_id.clone(),
        }
    }
}

impl Receipt {
    fn new(send: u16, times: &ReceiptTimes, words: Words<'_>) -> Self {
        Self {
            send,
            sent_at: times.sent_at.map(At),
            delivered_at: times.delivered_at.map(At),
            read_at: times.read_at.map(At),
            failed_at: times.failed_at.map(At),
            meaning: times.code.as_deref().and_then(|code| words.meaning(code)),
            code: times.code.clone(),
        }
    }
}

fn note(is: bool, words: &str) -> String {
    if is { words.to_owned() } else { String::new() }
}

fn coded(code: Option<&str>, meaning: Option<&str>) -> Option<String> {
    let code = code?;
    Some(meaning.map_or_else(|| format!("code {code}"), |meaning| format!("code {code}, {meaning}")))
}
