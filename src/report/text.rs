//! A run's report for people: an aligned funnel from the file's rows to read messages, with what went wrong in words.
//!
//! Percentages name their base. Zeros that say nothing are left out; a sum that does not come out stands at the top and the bottom.

use std::io::Write;

use async_trait::async_trait;

use super::figures::{duration, harmless, number, whole_seconds};
use super::format::{Format, ReportError};
use super::latency::Latency;
use super::layout::{Funnel, bars, table};
use super::model::{Calls, Counted, Deliveries, Identity, Rate, RunReport, Share};
use super::port::Reports;
use super::words::Words;

/// Text.
#[derive(Clone, Copy, Debug, Default)]
pub struct Text {
    /// Columns of the terminal; lines are as long as they are when unknown.
    pub width: Option<u16>,
}

#[async_trait]
impl Format for Text {
    async fn write(
        &self,
        reports: &dyn Reports,
        run: &str,
        words: Words<'_>,
        out: &mut (dyn Write + Send),
    ) -> Result<(), ReportError> {
        let facts = reports.run_facts(run).await?.ok_or_else(|| ReportError::NoSuchRun(run.to_owned()))?;
        out.write_all(self.render(&RunReport::new(&facts, words)).as_bytes())?;
        Ok(())
    }
}

impl Text {
    /// The whole report.
    pub fn render(self, report: &RunReport) -> String {
        let mut text = self.identity(&report.run);
        let alarm = alarm(report);
        text.push_str(&alarm);
        text.push_str(&self.section("Audience", &mut audience(report)));
        text.push_str(&self.section("Deliveries", &mut deliveries(&report.deliveries)));
        if report.deliveries.accepted + report.receipts.elsewhere > 0 {
            text.push_str(&self.section("Receipts", &mut receipts(report)));
        }
        if report.calls.intents > 0 {
            text.push_str(&self.section("Calls", &mut calls(&report.calls)));
            text.push_str(&self.shares("Route", &report.routes));
            text.push_str(&self.shares("Sender", &report.senders));
        }
        text.push_str(&self.times(report));
        text.push_str(&sums(report));
        text.push_str(&alarm);
        text
    }

    /// What run it is, and when it was.
    pub(super) fn identity(self, run: &Identity) -> String {
        let mut rows = vec![["Run", &run.id].map(str::to_owned).to_vec()];
        let mut row = |label: &str, value: String| rows.push(vec![label.to_owned(), value]);
        row("Campaign", format!("{} (file {})", run.campaign, run.campaign_digest));
        row("Audience", format!("{} ({})", run.audience, run.audience_digest));
        if let Some(template) = &run.template {
            row("Template", template.clone());
        }
        row("State", run.reason.as_ref().map_or_else(|| run.state.to_owned(), |reason| format!("{}: {reason}", run.state)));
        row("Created", run.created_at.0.to_string());
        let times = [("Started", run.started_at), ("Finished", run.finished_at), ("Stops", run.expires_at)];
        for (label, at) in times {
            let Some(at) = at else { continue };
            let took = run.took_ms.filter(|_| label == "Finished").map(|took| format!(", took {}", duration(took)));
            // When it would have stopped says nothing once it has ended.
            if label != "Stops" || run.finished_at.is_none() {
                row(label, format!("{}{}", at.0, took.unwrap_or_default()));
            }
        }
        table(self.width, &[], rows, &[])
    }

    fn section(self, title: &str, funnel: &mut Funnel) -> String {
        format!("\n{title}\n{}", funnel.text(self.width))
    }

    fn shares(self, title: &str, shares: &[Share]) -> String {
        let header = [title, "called", "accepted", "rejected", "unknown", "delivered", "read", "failed"];
        let rows = shares.iter().map(|share| {
            let counts = [share.called, share.accepted, share.rejected, share.unknown, share.delivered, share.read, share.failed];
            std::iter::once(share.name.clone()).chain(counts.map(number)).collect()
        });
        format!("\n{}", table(self.width, &header, rows.collect(), &[1, 2, 3, 4, 5, 6, 7]))
    }

    fn times(self, report: &RunReport) -> String {
        let mut text = String::new();
        let row = |label: &str, latency: &Option<Latency>, shown: &dyn Fn(u64) -> String| {
            let latency = latency.as_ref()?;
            let times = [latency.min_ms, latency.p50_ms, latency.p95_ms, latency.max_ms].map(shown);
            let of = if latency.every > 1 {
                format!("{}, every {}th", number(latency.measured), latency.every)
            } else {
                number(latency.measured)
            };
            Some(std::iter::once(label.to_owned()).chain(times).chain([of]).collect())
        };
        let rows = [
            row("call to answer", &report.call_latency, &duration),
            row("call to delivery", &report.delivery_latency, &whole_seconds),
        ];
        let rows: Vec<_> = rows.into_iter().flatten().collect();
        if !rows.is_empty() {
            text.push('\n');
            text.push_str(&table(self.width, &["Time", "min", "median", "95%", "max", "measured"], rows, &[1, 2, 3, 4, 5]));
        }
        if let Some(rate) = &report.rate {
            text.push_str(&over_time(rate));
        }
        text
    }
}

fn ranked(funnel: &mut Funnel, depth: usize, counted: &[Counted], base: (u64, &str)) {
    for one in counted {
        let label = harmless(one.code.as_deref().unwrap_or("no code")).into_owned();
        funnel.explained(depth, &label, one.count, Some(base), one.meaning.unwrap_or_default());
    }
}

fn audience(report: &RunReport) -> Funnel {
    let audience = &report.audience;
    let mut funnel = Funnel::default();
    let rows = (audience.rows, "rows");
    funnel.figure(1, "rows", audience.rows, None).figure(1, "planned", audience.planned, Some(rows));
    funnel.unless_zero(1, "bad", audience.bad, Some(rows));
    ranked(&mut funnel, 2, &audience.bad_by_reason, (audience.bad, "bad"));
    funnel.unless_zero(1, "duplicate", audience.duplicate, Some(rows));
    funnel
}

fn deliveries(all: &Deliveries) -> Funnel {
    let mut funnel = Funnel::default();
    let base = Some((all.total, "deliveries"));
    funnel.figure(1, "deliveries", all.total, None).figure(1, "accepted", all.accepted, base).unless_zero(
        1,
        "rejected",
        all.rejected,
        base,
    );
    ranked(&mut funnel, 2, &all.rejected_by_code, (all.rejected, "rejected"));
    funnel.unless_zero(1, "skipped", all.skipped, base);
    ranked(&mut funnel, 2, &all.skipped_by_reason, (all.skipped, "skipped"));
    funnel
        .unless_zero(1, "expired", all.expired, base)
        .unless_zero(1, "cancelled", all.cancelled, base)
        .unless_zero(1, "quarantined", all.quarantined, base)
        .unless_zero(1, "unknown for good", all.unknown_final, base)
        .unless_zero(1, "open", all.open(), base)
        .unless_zero(2, "pending", all.pending, Some((all.open(), "open")))
        .unless_zero(2, "in flight", all.in_flight, Some((all.open(), "open")))
        .unless_zero(2, "unknown yet", all.unknown, Some((all.open(), "open")))
        .unless_zero(1, "possible duplicates", all.possible_duplicates, base);
    funnel
}

fn receipts(report: &RunReport) -> Funnel {
    let receipts = &report.receipts;
    let mut funnel = Funnel::default();
    let accepted = Some((report.deliveries.accepted, "accepted"));
    funnel
        .figure(1, "delivered", receipts.delivered, accepted)
        .figure(2, "read", receipts.read, Some((receipts.delivered, "delivered")))
        .unless_zero(2, "also said to have failed", receipts.conflict, Some((receipts.delivered, "delivered")))
        .unless_zero(1, "failed", receipts.failed, accepted);
    ranked(&mut funnel, 2, &receipts.failed_by_code, (receipts.failed, "failed"));
    funnel
        .unless_zero(1, "sent, no more heard", receipts.sent_only, accepted)
        .unless_zero(1, "nothing heard", receipts.silent, accepted)
        .unless_zero(1, "of others, not accepted", receipts.elsewhere, None);
    funnel
}

fn calls(calls: &Calls) -> Funnel {
    let mut funnel = Funnel::default();
    let base = Some((calls.recorded, "recorded"));
    funnel
        .figure(1, "calls", calls.intents, None)
        .unless_zero(1, "repeated", calls.retries, Some((calls.intents, "calls")))
        .figure(1, "recorded", calls.recorded, Some((calls.intents, "calls")))
        .figure(2, "accepted", calls.accepted, base)
        .unless_zero(2, "refused", calls.refused, base)
        .unless_zero(2, "not sent", calls.not_sent, base)
        .unless_zero(2, "unknown", calls.unknown, base);
    for later in &calls.settled_later {
        funnel.figure(1, &format!("learned by {}", later.code.as_deref().unwrap_or_default()), later.count, base);
    }
    funnel
}

fn over_time(rate: &Rate) -> String {
    let most = rate.accepted.iter().copied().max().unwrap_or(0);
    // Tenths of a call a second, cut: whole numbers only, so that every machine prints the same.
    let tenths = most.saturating_mul(10) / rate.bucket_secs.max(1);
    format!(
        "\nAccepted over time, {} a bar from {}, at most {}.{}/s\n  |{}|\n",
        if rate.bucket_secs < 60 { format!("{}s", rate.bucket_secs) } else { duration(rate.bucket_secs.saturating_mul(1000)) },
        rate.from.0,
        number(tenths / 10),
        tenths % 10,
        bars(&rate.accepted)
    )
}

fn sums(report: &RunReport) -> String {
    let all = &report.deliveries;
    let states = [
        ("accepted", all.accepted),
        ("rejected", all.rejected),
        ("skipped", all.skipped),
        ("expired", all.expired),
        ("cancelled", all.cancelled),
        ("quarantined", all.quarantined),
        ("unknown", all.unknown_final),
        ("open", all.open()),
    ];
    let parts: Vec<_> =
        states.into_iter().filter(|&(_, count)| count > 0).map(|(word, count)| format!("{word} {}", number(count))).collect();
    let parts = if parts.is_empty() { "nothing".to_owned() } else { parts.join(" + ") };
    let (broken, of) = (report.broken().count(), report.checks.len());
    let verdict = if broken == 0 { format!("all {of} sums come out") } else { format!("{broken} of {of} sums DO NOT come out") };
    let sign = if report.audience.planned == all.total { '=' } else { '≠' };
    format!("\nSums\n  planned {} {sign} {parts}\n  {verdict}\n", number(report.audience.planned))
}

fn alarm(report: &RunReport) -> String {
    let mut lines = vec![String::new()];
    lines.extend(report.broken().map(|check| {
        let (whole, parts) = (number(check.whole), number(check.parts));
        format!("!! MISMATCH: {}: {whole} against {parts}. Keep the ledger file as it is and have it looked at.", check.what)
    }));
    if lines.len() == 1 { String::new() } else { lines.join("\n") + "\n" }
}
