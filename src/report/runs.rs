//! The list of runs, and a short view of one.

use serde::Serialize;

use super::figures::number;
use super::layout::{Funnel, table};
use super::model::Identity;
use super::port::{RunCounts, RunHead};
use super::text::Text;

/// One run of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RunLine {
    /// Which, and when.
    #[serde(flatten)]
    pub run: Identity,
    /// Rows that became deliveries; zero until planning was over.
    pub planned: u64,
    /// Its main figures; none when they were not counted.
    pub counts: Option<Figures>,
}

/// A run's main figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Not terminal.
    pub open: u64,
    /// Taken by the provider.
    pub accepted: u64,
    /// Of these, arrived.
    pub delivered: u64,
    /// Of these, read.
    pub read: u64,
    /// Accepted, then failed.
    pub failed: u64,
    /// Refused.
    pub rejected: u64,
    /// Skipped, expired, cancelled or quarantined.
    pub not_sent: u64,
    /// Outcome not learned, for good.
    pub unknown: u64,
}

impl RunLine {
    /// The line of a stored run.
    pub fn new(head: &RunHead, counts: Option<RunCounts>) -> Self {
        let counts = counts.map(|counts| {
            let RunCounts { open, accepted, delivered, read, failed, rejected, not_sent, unknown } = counts;
            Figures { open, accepted, delivered, read, failed, rejected, not_sent, unknown }
        });
        Self { run: Identity::new(head), planned: head.rows.planned, counts }
    }

    /// When it first ran, else when it was created.
    fn when(&self) -> String {
        self.run.started_at.unwrap_or(self.run.created_at).0.to_string()
    }
}

/// The list as a table; a sentence when it is empty.
pub fn list(lines: &[RunLine], width: Option<u16>) -> String {
    if lines.is_empty() {
        return "no runs yet\n".to_owned();
    }
    let header =
        ["run", "campaign", "state", "when", "planned", "accepted", "delivered", "read", "failed", "rejected", "unknown", "open"];
    let row = |line: &RunLine| {
        let names =
            [line.run.id.clone(), line.run.campaign.clone(), line.run.state.to_owned(), line.when(), number(line.planned)];
        let counts = line.counts.map_or_else(
            || vec!["-".to_owned(); 7],
            |c| [c.accepted, c.delivered, c.read, c.failed, c.rejected, c.unknown, c.open].map(number).to_vec(),
        );
        names.into_iter().chain(counts).collect()
    };
    table(width, &header, lines.iter().map(row).collect(), &[4, 5, 6, 7, 8, 9, 10, 11])
}

/// A short view of one run.
pub fn show(line: &RunLine, width: Option<u16>) -> String {
    let mut text = Text { width }.identity(&line.run);
    let Some(counts) = &line.counts else { return text };
    let planned = Some((line.planned, "planned"));
    let accepted = Some((counts.accepted, "accepted"));
    let mut funnel = Funnel::default();
    funnel
        .figure(0, "planned", line.planned, None)
        .figure(0, "accepted", counts.accepted, planned)
        .unless_zero(1, "delivered", counts.delivered, accepted)
        .unless_zero(1, "read", counts.read, accepted)
        .unless_zero(1, "failed", counts.failed, accepted)
        .unless_zero(0, "rejected", counts.rejected, planned)
        .unless_zero(0, "not sent", counts.not_sent, planned)
        .unless_zero(0, "unknown for good", counts.unknown, planned)
        .unless_zero(0, "open", counts.open, planned);
    text.push('\n');
    text.push_str(&funnel.text(width));
    text
}
