//! Text → campaign, or everything that is wrong with it.
//!
//! The steps, each in its module: `document` (syntax), `secret` (credentials), `environment` (variables), `check` (structure), `read` (meaning). Every step runs on
//! what the step before left usable, so one mistake costs one problem and hides no other.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::{Campaign, Problem, Severity, check, document, environment, keys, read, secret};
use crate::message::Source;
use crate::outbound::quota::Quota;
use crate::time::Timestamp;

/// What a campaign file may refer to.
#[derive(Clone, Debug)]
pub struct Context {
    /// The senders of the settings, by name; `None` when the settings are not at hand (in an editor), which leaves out the checks that
    /// need them.
    pub senders: Option<BTreeMap<String, KnownSender>>,
    /// The time now: offers that are over are refused.
    pub now: Timestamp,
}

/// What the settings say about a sender, as far as a campaign depends on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownSender {
    /// The kind of its provider, such as `meta`; for messages.
    pub provider: String,
    /// Whether the provider recognises a repeated request, so that it can be repeated without a second message.
    pub idempotent: bool,
    /// Its own limit, when the settings give one.
    pub rate: Option<Quota>,
}

/// Reads a campaign file.
///
/// `Ok` carries the warnings, `Err` every error and warning; both in the file's order. Each problem's span is in bytes of `text`.
///
/// Texts become [`Source`](crate::message::Source)s whose span is the bytes between the quotes, without the line break that follows an
/// opening `"""` or `'''`. In a literal string, and in a basic one without `\\`, byte `i` of the text is byte `span.start + i` of the
/// file. Escapes are longer in the file than in the text: after one, `span.start + i` lies before the true place, yet inside the span.
///
/// The codes: `too_large`, `unreadable`, `too_deep`, `syntax`, `duplicate_key`, `control_character`, `and_more` (the text); `secret_in_file`,
/// `environment_variable`; `unknown_key`, `missing_key`, `wrong_type`, `unknown_word`, `out_of_range`, `conflict`, `not_supported_yet`
/// (the structure); `bad_name`, `unknown_sender`, `duplicate`, `bad_duration`, `bad_rate`, `bad_country`, `bad_language`,
/// `bad_delimiter`, `unknown_encoding`, `bad_column`, `outside_root`, `bad_file`, `bad_link`, `empty`, `too_long`, `bad_text`,
/// `bad_currency`, `bad_number`, `bad_coupon`, `bad_instant`, `offer_over`, `bad_button`, `uneven_cards`, `wrong_purpose`,
/// `needs_confirm` (the meaning); `free_form_only`, `no_consent_column`, `never_used`, `rate_above_senders` (warnings).
///
/// # Errors
/// All problems, at least one of them an error.
pub fn parse(text: &str, context: &Context) -> Result<(Campaign, Vec<Problem>), Vec<Problem>> {
    let Examined { campaign, problems, .. } = examine(text, context);
    match campaign {
        Some(campaign) if problems.iter().all(|problem| problem.severity == Severity::Warning) => Ok((campaign, problems)),
        _ => Err(problems),
    }
}

/// A campaign file as far as it could be read, for whoever has more to check: what is wrong with its texts is said in the same breath.
#[derive(Clone, Debug, Default)]
pub struct Examined {
    /// The campaign, when its shape was whole; only good to look at unless every problem is a warning.
    pub campaign: Option<Campaign>,
    /// Every text with variables that was found, whether or not its surroundings could be read.
    pub texts: Vec<Source>,
    /// All errors and warnings, in the file's order.
    pub problems: Vec<Problem>,
}

/// Reads a campaign file as far as it goes.
pub fn examine(text: &str, context: &Context) -> Examined {
    let document::Document { mut root, mut problems, broken } = document::read(text);
    problems.extend(secret::take(text, &mut root));
    if broken {
        return Examined { problems: in_order(problems), ..Examined::default() };
    }
    problems.extend(environment::take(&mut root));
    problems.extend(check::check(&mut root, &keys::CAMPAIGN));
    let digest = Sha256::digest(text.as_bytes()).into();
    let (campaign, texts, found) = read::campaign(&root, context, digest);
    problems.extend(found);
    Examined { campaign, texts, problems: in_order(problems) }
}

/// The most problems listed: more than anyone reads, few enough that a file of another kind costs no time.
pub(super) const MOST: usize = 1000;

fn in_order(mut problems: Vec<Problem>) -> Vec<Problem> {
    problems.sort_by_key(|problem| (problem.span.start, problem.span.end));
    for problem in &mut problems {
        // Messages quote keys and words, and anything can stand there.
        problem.message = secret::masked(&problem.message);
    }
    if let Some(first) = problems.get(MOST) {
        let more = problems.len() - MOST;
        let rest = Problem::error("and_more", first.span.clone(), format!("{more} more problems are not listed"))
            .help("mend those above first; is this a campaign file?");
        problems.truncate(MOST);
        problems.push(rest);
    }
    problems
}
