//! A checked tree → a campaign, with every problem of meaning.
//!
//! The structure was judged before: what is missing here and was required has been reported, and is passed over in silence. Texts that
//! hold `{{` depend on the row and are judged when they are rendered; literal ones are judged here.

mod audience;
mod buttons;
mod cards;
mod free_form;
mod header;
mod route;
mod template;
mod text;
mod values;

use std::time::Duration;

use super::tree::{Node, Table, Text, Value};
use super::{Campaign, Context, KnownSender, Pacing, Problem, Purpose};
use crate::campaign::check::nearest;
use crate::message::Source;
use crate::outbound::quota::Quota;

/// The longest `expires`: as long as WhatsApp itself keeps a message (`protocols/meta-cloud-api.md`, section 1.6).
const LONGEST: Duration = Duration::from_hours(30 * 24);

/// The longest name of a campaign.
const NAME: usize = 64;

/// Reads the whole file; the campaign is there when nothing it needs is missing or wrong.
pub(super) fn campaign(root: &Table, context: &Context, digest: [u8; 32]) -> (Option<Campaign>, Vec<Source>, Vec<Problem>) {
    let mut reader = Reader { context, problems: Vec::new(), texts: Vec::new() };
    let campaign = reader.campaign(root, digest);
    (campaign, reader.texts, reader.problems)
}

/// Collects problems on the way through the tree.
struct Reader<'c> {
    context: &'c Context,
    problems: Vec<Problem>,
    /// Every text with variables, whether or not its surroundings could be read.
    texts: Vec<Source>,
}

impl Reader<'_> {
    fn report(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    fn campaign(&mut self, root: &Table, digest: [u8; 32]) -> Option<Campaign> {
        let name = root.text("name").map(|name| self.name(name));
        let purpose = root.text("purpose").and_then(|purpose| match purpose.text.as_str() {
            "marketing" => Some(Purpose::Marketing),
            "utility" => Some(Purpose::Utility),
            "authentication" => Some(Purpose::Authentication),
            _ => None,
        });
        let senders = root.get("sender").map(|sender| self.senders(sender));
        let expires = root.text("expires").and_then(|expires| self.expires(expires));
        let audience = root.table("audience").and_then(|audience| self.audience(audience, purpose));
        let pacing = root.table("pacing").map(|pacing| self.pacing(pacing, senders.as_deref().unwrap_or_default()));
        let free_form = root.table("free_form").and_then(|free_form| self.free_form(free_form));
        let template = root.table("template").and_then(|template| self.template(template, purpose));
        self.messages(root);
        let route = self.route(root, purpose, senders.as_deref().unwrap_or_default());
        Some(Campaign {
            name: name?,
            purpose: purpose?,
            senders: senders?,
            audience: audience?,
            pacing: pacing.unwrap_or_default(),
            route,
            expires,
            free_form,
            template,
            digest,
        })
    }

    fn name(&mut self, name: &Text) -> String {
        let text = &name.text;
        let shape = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_'));
        if text.is_empty() || text.len() > NAME || !shape || text.starts_with(['-', '_']) {
            self.report(
                Problem::error("bad_name", name.span.clone(), "no name of a campaign")
                    .help("write 1 to 64 lower-case letters, digits, `-` and `_`, a letter or digit first"),
            );
        }
        text.clone()
    }

    fn senders(&mut self, node: &Node) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        let nodes = match &node.value {
            Value::List(nodes) => nodes.as_slice(),
            _ => std::slice::from_ref(node),
        };
        for text in nodes.iter().filter_map(Node::text) {
            if names.contains(&text.text) {
                let problem = Problem::error("duplicate", text.span.clone(), format!("sender `{}` stands here twice", text.text));
                self.report(problem.help("name it once"));
            } else if text.text.is_empty() {
                self.report(
                    Problem::error("empty", text.span.clone(), "a sender without a name").help("name a sender of the settings"),
                );
            } else if let Some(senders) = &self.context.senders
                && !senders.contains_key(&text.text)
            {
                let help = match nearest(&text.text, senders.keys().map(String::as_str)) {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None if senders.is_empty() => "add a sender to the settings (fanfare.toml)".to_owned(),
                    None => {
                        let known: Vec<String> = senders.keys().map(|name| format!("`{name}`")).collect();
                        format!("the settings know {}", known.join(", "))
                    }
                };
                let message = format!("the settings have no sender `{}`", text.text);
                self.report(Problem::error("unknown_sender", text.span.clone(), message).help(help));
            }
            names.push(text.text.clone());
        }
        names
    }

    fn expires(&mut self, text: &Text) -> Option<Duration> {
        let help = "write a time such as `12h`, `90m` or `2d`, at most `30d`";
        let wrong = |message: &str| Problem::error("bad_duration", text.span.clone(), message).help(help);
        let Some(duration) = duration(&text.text) else {
            self.report(wrong("no length of time"));
            return None;
        };
        if duration.is_zero() {
            self.report(wrong("a run that expires at once would send nothing"));
        } else if duration > LONGEST {
            self.report(wrong("longer than 30 days"));
        }
        Some(duration)
    }

    fn pacing(&mut self, table: &Table, senders: &[String]) -> Pacing {
        let rate = table.text("rate").and_then(|text| match text.text.parse::<Quota>() {
            Ok(rate) => {
                self.above_senders(text, rate, senders);
                Some(rate)
            }
            Err(error) => {
                let error = error.to_string();
                let (message, help) = error.rsplit_once(": ").unwrap_or((&error, "write at most `64000/s`"));
                self.report(Problem::error("bad_rate", text.span.clone(), message).help(help));
                None
            }
        });
        Pacing {
            rate,
            priority: table.integer("priority").and_then(|number| number.try_into().ok()).unwrap_or(0),
            in_flight: table
                .integer("in_flight")
                .and_then(|number| u32::try_from(number).ok())
                .and_then(|number| number.try_into().ok()),
        }
    }

    /// Warns when the rate asks for more than the senders' own limits allow together.
    fn above_senders(&mut self, text: &Text, rate: Quota, senders: &[String]) {
        let limits: Option<f64> = senders.iter().map(|name| Some(self.known(name)?.rate?.rate())).sum();
        if let Some(limit) = limits.filter(|limit| !senders.is_empty() && *limit < rate.rate()) {
            let message = format!("`{rate}` is more than the senders may send: {limit:.1}/s together");
            self.report(
                Problem::warning("rate_above_senders", text.span.clone(), message)
                    .help("each sender's own limit holds; lower the rate or add senders"),
            );
        }
    }

    fn known(&self, sender: &str) -> Option<&KnownSender> {
        self.context.senders.as_ref()?.get(sender)
    }

    /// At least one message must be there; one that needs a window alone leaves people out.
    fn messages(&mut self, root: &Table) {
        if root.has("template") {
            return;
        }
        if let Some(free_form) = root.entry("free_form") {
            self.report(
                Problem::warning("free_form_only", free_form.span.clone(), "people without an open window are left out")
                    .help("add a [template] to reach them"),
            );
        } else {
            self.report(
                Problem::error("missing_key", root.place(), "the campaign has nothing to send")
                    .help("add a [template], a [free_form] message, or both"),
            );
        }
    }
}

/// `12h`, `90m`, `1h 30m`, `2d`: a day has 24 hours.
fn duration(text: &str) -> Option<Duration> {
    let span: jiff::Span = text.parse().ok()?;
    let duration = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).ok()?;
    Duration::try_from(duration).ok()
}
