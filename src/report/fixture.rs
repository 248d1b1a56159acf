//! A ledger in memory, row by row, that answers the port by walking over everything: what the formats are shown, and what the
//! databases' counting is held against. Simple on purpose.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::latency::{Histogram, every};
use super::port::{
    CallRow, CallTally, DeliveryRow, Listing, PersonFacts, PersonRun, ReceiptTimes, Reports, RunCounts, RunFacts, RunHead, Said,
    SenderName, Tally,
};
use super::rate::{Buckets, grid};
use crate::audience::Phone;
use crate::campaign::OnUnknown;
use crate::outbound::key::{DeliveryId, RunNo};
use crate::outbound::ledger::{LedgerError, OutcomeKind, RouteTaken, RowCounts, SenderNo, SettledBy};
use crate::outbound::status::{Flags, RunState, State};
use crate::time::Timestamp;

/// 2026-11-21T01:45:00Z.
pub(crate) const START: Timestamp = Timestamp(1_795_225_500_000);

/// One recipient with everything.
#[derive(Clone, Debug)]
pub(crate) struct Recipient {
    pub(crate) row: DeliveryRow,
    pub(crate) generation: u16,
    pub(crate) values: Vec<String>,
    pub(crate) calls: Vec<CallRow>,
    pub(crate) receipts: BTreeMap<u16, ReceiptTimes>,
}

/// A ledger of one run.
#[derive(Clone, Debug)]
pub(crate) struct Rows {
    pub(crate) head: RunHead,
    pub(crate) senders: Vec<SenderName>,
    pub(crate) rejected: Vec<(u64, String)>,
    pub(crate) columns: Vec<String>,
    pub(crate) recipients: Vec<Recipient>,
    pub(crate) windows: Vec<(SenderNo, Phone, Timestamp)>,
}

/// A run of which nothing happened yet.
pub(crate) fn head(no: u32, state: RunState) -> RunHead {
    RunHead {
        no: RunNo(no),
        id: format!("spring-sale-{no:010}"),
        campaign: "spring-sale".into(),
        run_key: no.to_string(),
        state,
        reason: None,
        campaign_digest: "c0ffee0123456789abcdef".into(),
        audience_digest: "facade0123456789abcdef".into(),
        audience_name: "audiences/spring.csv".into(),
        template: Some("spring_sale_v3".into()),
        on_unknown: OnUnknown::Auto,
        rows: RowCounts::default(),
        created_at: START,
        started_at: None,
        finished_at: None,
        expires_at: None,
    }
}

impl Recipient {
    /// The `record`th of a run, planned.
    pub(crate) fn new(run: RunNo, record: u64, state: State) -> Self {
        let row = DeliveryRow {
            id: DeliveryId::new(run, record).unwrap(),
            person: Phone::from_digits(5_215_512_340_000 + record).unwrap(),
            line: record + 1,
            state,
            reason: 0,
            tries: 0,
            flags: Flags(0),
            route: None,
            sender: None,
            intent_at: None,
            provider_id: None,
            call_code: None,
            receipt: ReceiptTimes::default(),
        };
        Self { row, generation: 0, values: Vec::new(), calls: Vec::new(), receipts: BTreeMap::new() }
    }

    /// Adds a call of the current send.
    pub(crate) fn call(mut self, route: RouteTaken, sender: i16, outcome: OutcomeKind, code: Option<&str>, at_ms: i64) -> Self {
        self.row.tries += 1;
        let call = CallRow {
            attempt: self.row.tries,
            generation: self.generation,
            sender: SenderNo(sender),
            route,
            outcome,
            settled_by: SettledBy::Answer,
            code: code.map(str::to_owned),
            detail: None,
            http: if code.is_some() { 400 } else { 200 },
            provider_id: (outcome == OutcomeKind::Accepted).then(|| format!("wamid.{}", self.row.line)),
            intent_at: Timestamp(START.0 + at_ms),
            settled_at: Timestamp(START.0 + at_ms + 120),
        };
        self.intend(route, sender, call.intent_at);
        self.row.provider_id.clone_from(&call.provider_id);
        self.row.call_code.clone_from(&call.code);
        self.calls.push(call);
        self
    }

    /// The columns of the latest intent.
    pub(crate) fn intend(&mut self, route: RouteTaken, sender: i16, at: Timestamp) {
        self.row.route = Some(route);
        self.row.sender = Some(SenderNo(sender));
        self.row.intent_at = Some(at);
        self.row.provider_id = None;
        self.row.call_code = None;
    }

    /// Sets what was said of the current send, in seconds after the start.
    pub(crate) fn said(
        mut self,
        sent: Option<i64>,
        delivered: Option<i64>,
        read: Option<i64>,
        failed: Option<(i64, &str)>,
    ) -> Self {
        let at = |secs: i64| Timestamp(START.0 + secs * 1000);
        self.row.receipt = ReceiptTimes {
            sent_at: sent.map(at),
            delivered_at: delivered.map(at),
            read_at: read.map(at),
            failed_at: failed.map(|(secs, _)| at(secs)),
            code: failed.map(|(_, code)| code.to_owned()),
        };
        self.receipts.insert(self.generation, self.row.receipt.clone());
        self
    }

    /// A new send.
    pub(crate) fn renewed(mut self) -> Self {
        self.generation += 1;
        self.row.receipt = ReceiptTimes::default();
        self
    }

    /// The row as a listing shows it: what an earlier send reached is not lost.
    pub(crate) fn listed(&self) -> DeliveryRow {
        let earlier = |got: &dyn Fn(&ReceiptTimes) -> Option<Timestamp>| {
            self.receipts.range(..self.generation).filter_map(|(_, times)| got(times)).min()
        };
        let mut row = self.row.clone();
        row.receipt.delivered_at = row.receipt.delivered_at.or_else(|| earlier(&|times| times.delivered_at));
        row.receipt.read_at = row.receipt.read_at.or_else(|| earlier(&|times| times.read_at));
        row
    }

    fn said_at_best(&self) -> Said {
        let any = |got: &dyn Fn(&ReceiptTimes) -> bool| self.receipts.range(..=self.generation).any(|(_, times)| got(times));
        let now = self.receipts.get(&self.generation).cloned().unwrap_or_default();
        let read = any(&|times| times.read_at.is_some());
        let delivered = any(&|times| times.delivered_at.is_some()) || read;
        let failed = now.failed_at.is_some();
        let conflict = failed && (now.delivered_at.is_some() || now.read_at.is_some());
        match (read, delivered, failed) {
            (true, ..) if conflict => Said::ReadAndFailed,
            (true, ..) => Said::Read,
            (_, true, _) if conflict => Said::DeliveredAndFailed,
            (_, true, _) => Said::Delivered,
            (_, _, true) => Said::Failed,
            _ if now.sent_at.is_some() => Said::Sent,
            _ => Said::Nothing,
        }
    }
}

fn add<K: PartialEq>(counts: &mut Vec<(K, u64)>, key: K) {
    match counts.iter_mut().find(|(known, _)| *known == key) {
        Some((_, count)) => *count += 1,
        None => counts.push((key, 1)),
    }
}

impl Rows {
    /// Everything counted, the slow way.
    pub(crate) fn facts(&self) -> RunFacts {
        let mut facts = RunFacts {
            head: self.head.clone(),
            senders: self.senders.clone(),
            rejected_rows: Vec::new(),
            tallies: Vec::new(),
            rejections: Vec::new(),
            failures: Vec::new(),
            calls: Vec::new(),
            rate: None,
            call_latency: Histogram { every: every(self.head.rows.planned), counts: Vec::new() },
            delivery_latency: Histogram { every: every(self.head.rows.planned), counts: Vec::new() },
        };
        for (_, reason) in &self.rejected {
            add(&mut facts.rejected_rows, reason.clone());
        }
        let mut accepted = Vec::new();
        for one in &self.recipients {
            let said = one.said_at_best();
            let DeliveryRow { state, reason, route, sender, flags, tries, .. } = one.row;
            let found = facts.tallies.iter_mut().find(|tally| {
                (tally.state, tally.reason, tally.route, tally.sender, tally.flags, tally.said)
                    == (state, reason, route, sender, flags, said)
            });
            let (called, intents) = (u64::from(tries > 0), u64::from(tries));
            match found {
                Some(tally) => {
                    tally.deliveries += 1;
                    tally.called += called;
                    tally.intents += intents;
                }
                None => facts.tallies.push(Tally { state, reason, route, sender, flags, said, deliveries: 1, called, intents }),
            }
            if state == State::Rejected {
                add(&mut facts.rejections, one.row.call_code.clone());
            }
            if state == State::Accepted && said == Said::Failed {
                add(&mut facts.failures, one.row.receipt.code.clone());
            }
            if let (Some(at), Some(delivered)) = (one.row.intent_at, one.row.receipt.delivered_at) {
                add(&mut facts.delivery_latency.counts, (delivered.0 - at.0) / 1000);
            }
            for call in &one.calls {
                match facts.calls.iter_mut().find(|t| (t.outcome, t.settled_by) == (call.outcome, call.settled_by)) {
                    Some(tally) => tally.calls += 1,
                    None => facts.calls.push(CallTally { outcome: call.outcome, settled_by: call.settled_by, calls: 1 }),
                }
                if call.outcome == OutcomeKind::Accepted {
                    accepted.push(call.intent_at);
                    if call.settled_by == SettledBy::Answer {
                        add(&mut facts.call_latency.counts, call.settled_at.0 - call.intent_at.0);
                    }
                }
            }
        }
        if let (Some(&first), Some(&last)) = (accepted.iter().min(), accepted.iter().max()) {
            let (from, width) = grid(first, last);
            let mut counts = Vec::new();
            for at in accepted {
                add(&mut counts, (at.0 - from.0) / i64::try_from(width.as_millis()).unwrap());
            }
            facts.rate = Some(Buckets { from, width, counts });
        }
        facts
    }

    /// The main figures, the slow way.
    pub(crate) fn counts(&self) -> RunCounts {
        let mut counts = RunCounts::default();
        for one in &self.recipients {
            let said = one.said_at_best();
            match one.row.state {
                State::Accepted => {
                    counts.accepted += 1;
                    counts.delivered += u64::from(said.delivered());
                    counts.read += u64::from(said.read());
                    counts.failed += u64::from(said == Said::Failed);
                }
                State::Rejected => counts.rejected += 1,
                State::UnknownFinal => counts.unknown += 1,
                state if state.is_terminal() => counts.not_sent += 1,
                _ => counts.open += 1,
            }
        }
        counts
    }
}

#[async_trait]
impl Reports for Rows {
    async fn run_list(&self, _: u32, counted: bool) -> Result<Vec<(RunHead, Option<RunCounts>)>, LedgerError> {
        Ok(vec![(self.head.clone(), counted.then(|| self.counts()))])
    }

    async fn run_head(&self, id: &str) -> Result<Option<RunHead>, LedgerError> {
        Ok(Some(self.head.clone()).filter(|head| head.id == id))
    }

    async fn sender_names(&self) -> Result<Vec<SenderName>, LedgerError> {
        Ok(self.senders.clone())
    }

    async fn run_facts(&self, id: &str) -> Result<Option<RunFacts>, LedgerError> {
        Ok((self.head.id == id).then(|| self.facts()))
    }

    async fn deliveries(
        &self,
        _: RunNo,
        listing: Listing,
        after: DeliveryId,
        limit: u32,
    ) -> Result<Vec<DeliveryRow>, LedgerError> {
        let listed = |row: &&DeliveryRow| match listing {
            Listing::All => true,
            Listing::Unknown => matches!(row.state, State::Unknown | State::UnknownFinal),
            Listing::PossibleDuplicates => row.flags.has(Flags::POSSIBLE_DUPLICATE),
        };
        let rows: Vec<_> = self.recipients.iter().map(Recipient::listed).collect();
        Ok(rows.iter().filter(|row| row.id > after).filter(listed).take(limit as usize).cloned().collect())
    }

    async fn person(&self, person: Phone) -> Result<PersonFacts, LedgerError> {
        let runs = self.recipients.iter().filter(|one| one.row.person == person).map(|one| PersonRun {
            run: self.head.clone(),
            columns: self.columns.clone(),
            values: one.values.clone(),
            delivery: one.listed(),
            calls: one.calls.clone(),
            receipts: one.receipts.clone().into_iter().collect(),
        });
        let windows = self.windows.iter().filter(|(_, who, _)| *who == person).map(|&(no, _, at)| (no, at));
        Ok(PersonFacts { person, senders: self.senders.clone(), windows: windows.collect(), runs: runs.collect() })
    }
}
