//! A recipient a line, for spreadsheets and for reading back.
//!
//! Every cell quoted, CRLF, UTF-8, one header line; formula-safe ([`super::cell`]) unless asked for raw. Recipients stream through page
//! by page in the order of the audience file: memory is flat in their number. All listings have the same columns.

use std::io::Write;

use async_trait::async_trait;

use super::cell::guard;
use super::format::{Format, ReportError, head};
use super::model::sender_name;
use super::port::{DeliveryRow, Listing, PAGE, Reports, RunHead, SenderName};
use super::words::{self, Words};
use crate::outbound::key::DeliveryId;
use crate::outbound::ledger::RouteTaken;
use crate::outbound::status::{Flags, State};
use crate::time::Timestamp;

/// The columns, in order.
pub const COLUMNS: [&str; 18] = [
    "line",
    "phone",
    "state",
    "reason",
    "route",
    "sender",
    "template",
    "provider_id",
    "attempts",
    "last_call_at",
    "sent_at",
    "delivered_at",
    "read_at",
    "failed_at",
    "code",
    "meaning",
    "possible_duplicate",
    "probably_accepted",
];

/// CSV, a recipient a line.
#[derive(Clone, Copy, Debug)]
pub struct Csv {
    /// Which recipients.
    pub listing: Listing,
    /// For machines: no guard against formulas. Such a file is not for spreadsheets.
    pub raw: bool,
    /// Begins with a byte order mark, which some spreadsheets need to see UTF-8.
    pub mark: bool,
    /// Recipients a page; [`PAGE`] unless a test wants to see the seams.
    pub page: u32,
}

impl Csv {
    /// This listing, safe for spreadsheets.
    pub const fn of(listing: Listing) -> Self {
        Self { listing, raw: false, mark: false, page: PAGE }
    }
}

#[async_trait]
impl Format for Csv {
    async fn write(
        &self,
        reports: &dyn Reports,
        run: &str,
        words: Words<'_>,
        out: &mut (dyn Write + Send),
    ) -> Result<(), ReportError> {
        let run = head(reports, run).await?;
        let senders = reports.sender_names().await?;
        let senders: Vec<SenderName> = senders.into_iter().map(|s| SenderName { name: self.cell(&s.name), ..s }).collect();
        let template = run.template.as_deref().map(|name| self.cell(name)).unwrap_or_default();
        if self.mark {
            out.write_all("\u{feff}".as_bytes())?;
        }
        let mut writer = ::csv::WriterBuilder::new()
            .quote_style(::csv::QuoteStyle::Always)
            .terminator(::csv::Terminator::CRLF)
            .from_writer(out);
        writer.write_record(COLUMNS)?;
        self.rows(reports, &run, words, &senders, &template, &mut writer).await?;
        writer.flush()?;
        Ok(())
    }
}

impl Csv {
    fn cell(self, text: &str) -> String {
        if self.raw { text.to_owned() } else { guard(text).into_owned() }
    }

    async fn rows<W: Write + Send>(
        &self,
        reports: &dyn Reports,
        run: &RunHead,
        words: Words<'_>,
        senders: &[SenderName],
        template: &str,
        writer: &mut ::csv::Writer<W>,
    ) -> Result<(), ReportError> {
        let mut after = DeliveryId::from_raw(i64::from(run.no.0) << 32);
        let mut cells = Cells::default();
        loop {
            let page = reports.deliveries(run.no, self.listing, after, self.page).await?;
            for row in &page {
                cells.clear();
                self.row(row, words, senders, template, &mut cells);
                writer.write_record(cells.iter())?;
            }
            match page.last() {
                Some(last) if page.len() >= usize::try_from(self.page).unwrap_or(usize::MAX) => after = last.id,
                _ => return Ok(()),
            }
        }
    }

    fn row(self, row: &DeliveryRow, words: Words<'_>, senders: &[SenderName], template: &str, cells: &mut Cells) {
        // The webhook's failure is later than the call's and says more.
        let failed = row.receipt.failed_at.is_some();
        let code = if failed { row.receipt.code.as_deref() } else { row.call_code.as_deref() };
        cells.shown(row.line);
        cells.guarded(self.raw, &row.person.to_string());
        cells.text(row.state.as_str());
        cells.text(&if row.state == State::Skipped { words.skipped(row.reason) } else { String::new() });
        cells.text(row.route.map_or("", words::route));
        cells.text(&row.sender.map(|no| sender_name(senders, no)).unwrap_or_default());
        cells.text(if row.route == Some(RouteTaken::Template) { template } else { "" });
        cells.guarded(self.raw, row.provider_id.as_deref().unwrap_or_default());
        cells.shown(row.tries);
        for at in [row.intent_at, row.receipt.sent_at, row.receipt.delivered_at, row.receipt.read_at, row.receipt.failed_at] {
            cells.time(at);
        }
        cells.guarded(self.raw, code.unwrap_or_default());
        cells.guarded(self.raw, code.and_then(|code| words.meaning(code)).unwrap_or_default());
        cells.text(if row.flags.has(Flags::POSSIBLE_DUPLICATE) { "yes" } else { "no" });
        cells.text(if row.flags.has(Flags::PROBABLY_ACCEPTED) { "yes" } else { "no" });
    }
}

/// One line's cells, in a buffer that is used again.
#[derive(Debug, Default)]
struct Cells {
    text: String,
    ends: Vec<usize>,
}

impl Cells {
    fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }

    fn text(&mut self, text: &str) {
        self.text.push_str(text);
        self.ends.push(self.text.len());
    }

    fn guarded(&mut self, raw: bool, text: &str) {
        if raw { self.text(text) } else { self.text(&guard(text)) }
    }

    fn shown(&mut self, value: impl std::fmt::Display) {
        use std::fmt::Write as _;
        // Writing to a String cannot fail.
        write!(self.text, "{value}").unwrap_or_default();
        self.ends.push(self.text.len());
    }

    fn time(&mut self, at: Option<Timestamp>) {
        match at {
            Some(at) => self.shown(at),
            None => self.text(""),
        }
    }

    fn iter(&self) -> impl Iterator<Item = &str> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| self.text.get(start..end).unwrap_or_default())
    }
}
