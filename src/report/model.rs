//! The read model of one run: everything a report says, as figures.
//!
//! In comes [`RunFacts`], counted by a store; out goes [`RunReport`], the same value whichever format shows it. Pure: no clock, no
//! order that depends on the database. The checks compare figures that were counted apart; one that fails is part of the report.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::latency::Latency;
use super::port::{RunFacts, RunHead, Said, SenderName, Tally};
use super::words::{self, Words};
use crate::outbound::ledger::{OutcomeKind, SenderNo, SettledBy};
use crate::outbound::status::{Flags, RunState, State};
use crate::time::Timestamp;

/// The version of [`RunReport`]'s shape. Rises when a field changes its meaning or goes away; new fields alone do not raise it.
pub const SCHEMA: u32 = 1;

/// An instant in a report: RFC 3339 in UTC, to the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct At(pub Timestamp);

impl Serialize for At {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// Everything about one run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RunReport {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Which run.
    pub run: Identity,
    /// From the audience file's rows to deliveries.
    pub audience: Audience,
    /// Where the deliveries stand. Together they are all of them.
    pub deliveries: Deliveries,
    /// What webhooks said of the accepted ones.
    pub receipts: Receipts,
    /// The same by route; deliveries never called are in no route.
    pub routes: Vec<Share>,
    /// The same by sender, in the order of their names; deliveries never called are in no sender.
    pub senders: Vec<Share>,
    /// The calls.
    pub calls: Calls,
    /// Accepted calls over time; none without any.
    pub rate: Option<Rate>,
    /// From intent to answer, of accepted calls.
    pub call_latency: Option<Latency>,
    /// From the latest intent to the person's device, to the second: the provider's clock against ours.
    pub delivery_latency: Option<Latency>,
    /// Whether the figures add up.
    pub checks: Vec<Check>,
}

/// Which run, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Identity {
    /// Its public id.
    pub id: String,
    /// The campaign's name.
    pub campaign: String,
    /// Its state.
    pub state: &'static str,
    /// Why it is paused or failed.
    pub reason: Option<String>,
    /// The template's name, when it is the same for everyone.
    pub template: Option<String>,
    /// First 12 hex digits of the campaign file's SHA-256.
    pub campaign_digest: String,
    /// The audience's name.
    pub audience: String,
    /// First 12 hex digits of the audience's SHA-256.
    pub audience_digest: String,
    /// When it was created.
    pub created_at: At,
    /// When it first ran.
    pub started_at: Option<At>,
    /// When it ended.
    pub finished_at: Option<At>,
    /// When it stops sending.
    pub expires_at: Option<At>,
    /// From its first start to its end, pauses included, in milliseconds; none while it has not ended.
    pub took_ms: Option<u64>,
}

/// How many carry one code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Counted {
    /// The code or name; none when there was no code.
    pub code: Option<String>,
    /// What it says, when somebody has described it.
    pub meaning: Option<&'static str>,
    /// How many.
    pub count: u64,
}

/// What became of the audience file's records. All zero until the file was read to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Audience {
    /// All of them.
    pub rows: u64,
    /// Unusable.
    pub bad: u64,
    /// These by reason.
    pub bad_by_reason: Vec<Counted>,
    /// The same person again.
    pub duplicate: u64,
    /// Became deliveries.
    pub planned: u64,
}

/// Where the deliveries stand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Deliveries {
    /// All in the ledger.
    pub total: u64,
    /// Taken by the provider.
    pub accepted: u64,
    /// Refused for good.
    pub rejected: u64,
    /// These by the code of their latest call.
    pub rejected_by_code: Vec<Counted>,
    /// Left out for a reason.
    pub skipped: u64,
    /// These by reason.
    pub skipped_by_reason: Vec<Counted>,
    /// Not sent: the run's time was over.
    pub expired: u64,
    /// Not sent: the run was cancelled.
    pub cancelled: u64,
    /// Not sent: broke the engine twice.
    pub quarantined: u64,
    /// Outcome not learned, for good.
    pub unknown_final: u64,
    /// Outcome not learned yet.
    pub unknown: u64,
    /// Being called, or left by a process that died.
    pub in_flight: u64,
    /// Waiting to be sent.
    pub pending: u64,
    /// Of all these, sent again without proof that the first send was lost.
    pub possible_duplicates: u64,
}

impl Deliveries {
    /// Those that are not terminal.
    pub const fn open(&self) -> u64 {
        self.unknown + self.in_flight + self.pending
    }

    /// Those in a terminal state.
    pub const fn terminal(&self) -> u64 {
        self.accepted + self.rejected + self.skipped + self.expired + self.cancelled + self.quarantined + self.unknown_final
    }
}

/// What webhooks said of accepted deliveries. `delivered + failed + sent_only + silent` are all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Receipts {
    /// Arrived (read ones included).
    pub delivered: u64,
    /// Of these, read.
    pub read: u64,
    /// Of the delivered, those whose same send was also said to have failed.
    pub conflict: u64,
    /// Failed after being accepted.
    pub failed: u64,
    /// These by code.
    pub failed_by_code: Vec<Counted>,
    /// Left the provider; neither delivered nor failed so far.
    pub sent_only: u64,
    /// Nothing was said so far.
    pub silent: u64,
    /// Receipts of deliveries that are not accepted (being sent again, or settled otherwise).
    pub elsewhere: u64,
}

/// One route's or sender's part.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Share {
    /// Its name.
    pub name: String,
    /// Deliveries whose latest call went this way.
    pub called: u64,
    /// Accepted.
    pub accepted: u64,
    /// Refused for good.
    pub rejected: u64,
    /// Outcome not learned, yet or for good.
    pub unknown: u64,
    /// Of the accepted, arrived.
    pub delivered: u64,
    /// Of the accepted, read.
    pub read: u64,
    /// Of the accepted, failed later.
    pub failed: u64,
}

/// The calls made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Calls {
    /// Intents committed: every call that may have been made.
    pub intents: u64,
    /// Of these, beyond the first of their delivery.
    pub retries: u64,
    /// Outcomes recorded.
    pub recorded: u64,
    /// Of these, taken by the provider.
    pub accepted: u64,
    /// Refused, proven not sent.
    pub refused: u64,
    /// No byte left.
    pub not_sent: u64,
    /// Not learned.
    pub unknown: u64,
    /// Of the recorded, learned otherwise than from the call's own answer, by how.
    pub settled_later: Vec<Counted>,
}

/// Accepted calls over time, by the time of their intent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rate {
    /// Start of the first bucket.
    pub from: At,
    /// Width of each in seconds.
    pub bucket_secs: u64,
    /// Calls in each, at most [`super::rate::MOST`] buckets.
    pub accepted: Vec<u64>,
}

/// One sum that must come out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What is compared.
    pub what: &'static str,
    /// What it must be.
    pub whole: u64,
    /// What the parts make.
    pub parts: u64,
    /// Whether they are the same.
    pub holds: bool,
}

impl Check {
    const fn new(what: &'static str, whole: u64, parts: u64) -> Self {
        Self { what, whole, parts, holds: whole == parts }
    }
}

impl RunReport {
    /// The report of these counts.
    pub fn new(facts: &RunFacts, words: Words<'_>) -> Self {
        let deliveries = deliveries(facts, words);
        let receipts = receipts(facts, words);
        let calls = calls(facts);
        let checks = checks(facts, &deliveries, &receipts, &calls);
        Self {
            schema: SCHEMA,
            run: Identity::new(&facts.head),
            audience: audience(facts),
            deliveries,
            receipts,
            routes: shares(facts, |tally| tally.route.map(|route| (route, words::route(route).to_owned()))),
            senders: shares(facts, |tally| {
                let name = sender_name(&facts.senders, tally.sender?);
                Some(((name.clone(), tally.sender), name))
            }),
            calls,
            rate: facts.rate.as_ref().map(|buckets| Rate {
                from: At(buckets.from),
                bucket_secs: buckets.width.as_secs(),
                accepted: buckets.dense(),
            }),
            call_latency: facts.call_latency.latency(1),
            delivery_latency: facts.delivery_latency.latency(1000),
            checks,
        }
    }

    /// The sums that do not come out. Anything here is a defect or a damaged ledger, and is to be shown loudly.
    pub fn broken(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| !check.holds)
    }
}

impl Identity {
    /// The identity in a run's row.
    pub fn new(head: &RunHead) -> Self {
        let short = |digest: &str| digest.chars().take(12).collect();
        let took = head.started_at.zip(head.finished_at).map(|(start, end)| end.since(start).as_millis());
        Self {
            id: head.id.clone(),
            campaign: head.campaign.clone(),
            state: head.state.as_str(),
            reason: head.reason.clone(),
            template: head.template.clone(),
            campaign_digest: short(&head.campaign_digest),
            audience: head.audience_name.clone(),
            audience_digest: short(&head.audience_digest),
            created_at: At(head.created_at),
            started_at: head.started_at.map(At),
            finished_at: head.finished_at.map(At),
            expires_at: head.expires_at.map(At),
            took_ms: took.map(|took| u64::try_from(took).unwrap_or(u64::MAX)),
        }
    }
}

/// A sender's name, or its number when the ledger has no row of it.
pub fn sender_name(senders: &[SenderName], no: SenderNo) -> String {
    senders.iter().find(|sender| sender.no == no).map_or_else(|| format!("sender {}", no.0), |sender| sender.name.clone())
}

/// Most first, then by code: the same order on every database.
fn ranked(
    counts: impl IntoIterator<Item = (Option<String>, u64)>,
    meaning: impl Fn(&str) -> Option<&'static str>,
) -> Vec<Counted> {
    let mut summed: BTreeMap<Option<String>, u64> = BTreeMap::new();
    for (code, count) in counts.into_iter().filter(|&(_, count)| count > 0) {
        *summed.entry(code).or_default() += count;
    }
    let mut ranked: Vec<_> =
        summed.into_iter().map(|(code, count)| Counted { meaning: code.as_deref().and_then(&meaning), code, count }).collect();
    ranked.sort_by_key(|counted| std::cmp::Reverse(counted.count));
    ranked
}

fn audience(facts: &RunFacts) -> Audience {
    let rows = facts.head.rows;
    // Repeated people may be listed with the rejects; they are counted on their own line.
    let bad = facts.rejected_rows.iter().filter(|(reason, _)| reason != "duplicate");
    Audience {
        rows: rows.read,
        bad: rows.bad,
        bad_by_reason: ranked(bad.map(|(reason, count)| (Some(reason.clone()), *count)), |_| None),
        duplicate: rows.duplicate,
        planned: rows.planned,
    }
}

fn deliveries(facts: &RunFacts, words: Words<'_>) -> Deliveries {
    let mut all = Deliveries {
        rejected_by_code: ranked(facts.rejections.iter().cloned(), |code| words.meaning(code)),
        skipped_by_reason: ranked(
            facts
                .tallies
                .iter()
                .filter(|tally| tally.state == State::Skipped)
                .map(|t| (Some(words.skipped(t.reason)), t.deliveries)),
            |_| None,
        ),
        ..Deliveries::default()
    };
    for tally in &facts.tallies {
        let slot = match tally.state {
            State::Pending => &mut all.pending,
            State::Intent => &mut all.in_flight,
            State::Unknown => &mut all.unknown,
            State::Accepted => &mut all.accepted,
            State::Rejected => &mut all.rejected,
            State::Skipped => &mut all.skipped,
            State::Expired => &mut all.expired,
            State::Cancelled => &mut all.cancelled,
            State::Quarantined => &mut all.quarantined,
            State::UnknownFinal => &mut all.unknown_final,
        };
        *slot += tally.deliveries;
        all.total += tally.deliveries;
        if tally.flags.has(Flags::POSSIBLE_DUPLICATE) {
            all.possible_duplicates += tally.deliveries;
        }
    }
    all
}

fn receipts(facts: &RunFacts, words: Words<'_>) -> Receipts {
    let mut all =
        Receipts { failed_by_code: ranked(facts.failures.iter().cloned(), |code| words.meaning(code)), ..Receipts::default() };
    for tally in &facts.tallies {
        let count = tally.deliveries;
        if tally.state != State::Accepted {
            if tally.said != Said::Nothing {
                all.elsewhere += count;
            }
            continue;
        }
        match tally.said {
            Said::Nothing => all.silent += count,
            Said::Sent => all.sent_only += count,
            Said::Failed => all.failed += count,
            Said::Delivered | Said::Read | Said::DeliveredAndFailed | Said::ReadAndFailed => all.delivered += count,
        }
        if tally.said.read() {
            all.read += count;
        }
        if tally.said.conflict() {
            all.conflict += count;
        }
    }
    all
}

fn shares<K: Ord>(facts: &RunFacts, key: impl Fn(&Tally) -> Option<(K, String)>) -> Vec<Share> {
    let mut shares: BTreeMap<K, Share> = BTreeMap::new();
    for tally in &facts.tallies {
        let Some((key, name)) = key(tally) else { continue };
        let share = shares.entry(key).or_insert_with(|| Share { name, ..Share::default() });
        let count = tally.deliveries;
        share.called += count;
        match tally.state {
            State::Rejected => share.rejected += count,
            State::Unknown | State::UnknownFinal => share.unknown += count,
            State::Accepted => {
                share.accepted += count;
                share.delivered += if tally.said.delivered() { count } else { 0 };
                share.read += if tally.said.read() { count } else { 0 };
                share.failed += if tally.said == Said::Failed { count } else { 0 };
            }
            _ => {}
        }
    }
    shares.into_values().collect()
}

fn calls(facts: &RunFacts) -> Calls {
    let intents = facts.tallies.iter().map(|tally| tally.intents).sum::<u64>();
    let called = facts.tallies.iter().map(|tally| tally.called).sum::<u64>();
    let later = facts.calls.iter().filter(|tally| tally.settled_by != SettledBy::Answer);
    let mut all = Calls {
        intents,
        retries: intents.saturating_sub(called),
        settled_later: ranked(later.map(|t| (Some(words::settled_by(t.settled_by).to_owned()), t.calls)), |_| None),
        ..Calls::default()
    };
    for tally in &facts.calls {
        all.recorded += tally.calls;
        match tally.outcome {
            OutcomeKind::Accepted => all.accepted += tally.calls,
            OutcomeKind::Refused => all.refused += tally.calls,
            OutcomeKind::NotSent => all.not_sent += tally.calls,
            OutcomeKind::Unknown => all.unknown += tally.calls,
        }
    }
    all
}

/// Whether the audience was read to its end: until then the ledger holds no counts of rows to compare with.
fn planned(head: &RunHead) -> bool {
    head.rows.read > 0 || !matches!(head.state, RunState::Planning | RunState::Failed | RunState::Cancelled)
}

fn checks(facts: &RunFacts, deliveries: &Deliveries, receipts: &Receipts, calls: &Calls) -> Vec<Check> {
    let sum = |counted: &[Counted]| counted.iter().map(|counted| counted.count).sum();
    let mut checks = Vec::with_capacity(5);
    if planned(&facts.head) {
        let rows = facts.head.rows;
        checks.push(Check::new("rows read = planned + bad + duplicate", rows.read, rows.planned + rows.bad + rows.duplicate));
        checks.push(Check::new("planned = terminal + open", rows.planned, deliveries.terminal() + deliveries.open()));
    }
    checks.push(Check::new("rejected = rejected by code", deliveries.rejected, sum(&deliveries.rejected_by_code)));
    checks.push(Check::new("failed = failed by code", receipts.failed, sum(&receipts.failed_by_code)));
    checks.push(Check::new("calls intended = recorded + in flight", calls.intents, calls.recorded + deliveries.in_flight));
    checks
}
