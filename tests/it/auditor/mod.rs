//! The auditor: compares what people got with what the engine says it did.
//!
//! In: the provider's ledger (NDJSON) and the engine's database. Out: every disagreement, and the figures. It shares no code with the
//! engine, not even how a reference is read: a mistake there cannot hide itself here. The invariants are those of the reliability
//! design, section 5, and keep its numbers.

mod books;
mod facts;
mod key;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

pub(crate) use books::Books;
pub(crate) use facts::Facts;

const ACCEPTED: i64 = 3;
const UNKNOWN_FINAL: i64 = 9;

/// What the test did, and so what has to hold.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own about the test")]
pub(crate) struct Circumstances {
    /// Every run went to its end.
    pub(crate) completed: bool,
    /// The engine was killed at least once: an intent may have had no call.
    pub(crate) killed: bool,
    /// Webhooks were told, acknowledged and folded to the end.
    pub(crate) webhooks: bool,
    /// The provider was made to contradict its own windows.
    pub(crate) false_windows: bool,
}

impl Circumstances {
    /// A run that went to its end without kills, with webhooks.
    pub(crate) const CALM: Self = Self { completed: true, killed: false, webhooks: true, false_windows: false };
}

/// What the auditor found.
#[derive(Debug)]
pub(crate) struct Audit {
    /// The disagreements; must be empty.
    pub(crate) findings: Vec<String>,
    pub(crate) books: Books,
    pub(crate) facts: Facts,
    /// How often each recipient got the message.
    pub(crate) received: HashMap<i64, usize>,
}

/// Compares the two.
pub(crate) fn audit(database: &Path, ledger: &Path, circumstances: Circumstances) -> Audit {
    let (books, facts) = (Books::read(database), Facts::read(ledger));
    let mut received = HashMap::new();
    for (delivery, _) in facts.received().filter_map(facts::Message::key) {
        *received.entry(delivery).or_default() += 1;
    }
    let mut audit = Audit { findings: Vec::new(), books, facts, received };
    let mut findings = Findings::default();
    audit.conservation(circumstances, &mut findings);
    audit.every_message_has_its_intent(&mut findings);
    audit.at_most_once(&mut findings);
    audit.accepted_ids_are_real(&mut findings);
    audit.received_is_known(circumstances, &mut findings);
    audit.receipts(circumstances, &mut findings);
    audit.windows(circumstances, &mut findings);
    audit.no_hidden_retries(circumstances, &mut findings);
    if audit.books.integrity != "ok" {
        findings.add("I18", || audit.books.integrity.clone());
    }
    if audit.books.unread != 0 {
        findings.add("I10", || format!("{} webhook bodies could not be read", audit.books.unread));
    }
    audit.findings = findings.told();
    audit
}

/// Disagreements, a few of each kind in full.
#[derive(Default)]
struct Findings(BTreeMap<&'static str, (usize, Vec<String>)>);

impl Findings {
    fn add(&mut self, invariant: &'static str, what: impl FnOnce() -> String) {
        let (count, examples) = self.0.entry(invariant).or_default();
        *count += 1;
        if examples.len() < 3 {
            examples.push(what());
        }
    }

    fn told(self) -> Vec<String> {
        self.0.into_iter().map(|(name, (count, some))| format!("{name}, {count} times: {}", some.join(" | "))).collect()
    }
}

impl Audit {
    /// Fails the test when there is anything to find; `replay` says how to get the same again.
    pub(crate) fn assert_clean(&self, replay: &str) {
        assert!(self.findings.is_empty(), "the auditor found:\n{}\n{replay}", self.findings.join("\n"));
    }

    /// Recipients in each state.
    pub(crate) fn states(&self) -> BTreeMap<i64, usize> {
        let mut states = BTreeMap::new();
        for delivery in self.books.deliveries.values() {
            *states.entry(delivery.state).or_default() += 1;
        }
        states
    }

    /// Recipients in one state.
    pub(crate) fn in_state(&self, state: i64) -> usize {
        self.states().get(&state).copied().unwrap_or(0)
    }

    /// Recipients who got the message more than once.
    pub(crate) fn duplicated(&self) -> Vec<i64> {
        self.received.iter().filter(|(_, count)| **count > 1).map(|(id, _)| *id).collect()
    }

    /// Recipients who were to get it and got nothing, though the provider never refused them for good and no list names them.
    pub(crate) fn silently_lost(&self) -> Vec<i64> {
        let failed: HashSet<i64> =
            self.facts.messages.iter().filter(|message| message.fate != "delivered").filter_map(|m| Some(m.key()?.0)).collect();
        let lost = |(id, delivery): (&i64, &books::Delivery)| {
            let listed = !matches!(delivery.state, 0..=3);
            let excused = listed || failed.contains(id) || self.received.contains_key(id);
            (!excused).then_some(*id)
        };
        self.books.deliveries.iter().filter_map(lost).collect()
    }

    /// Recipients whose outcome is listed as not learned.
    pub(crate) fn unknown_for_good(&self) -> usize {
        self.in_state(UNKNOWN_FINAL)
    }

    /// Whether a template to this recipient was accepted and failed afterwards: nothing more can be done.
    pub(crate) fn template_failed(&self, delivery: i64) -> bool {
        let failed = |message: &&facts::Message| message.template.is_some() && message.fate == "failed";
        self.facts.messages.iter().filter(failed).any(|message| message.key().is_some_and(|(id, _)| id == delivery))
    }

    /// All that is known of the first few recipients chosen by id and state, for the message of a failing test.
    pub(crate) fn stories(&self, choose: impl Fn(&i64, i64) -> bool) -> Vec<String> {
        let of_state = self.books.deliveries.iter().filter(|(id, delivery)| choose(id, delivery.state)).take(3);
        let story = |(id, delivery): (&i64, &books::Delivery)| {
            let attempts: Vec<_> = self.books.attempts.iter().filter(|attempt| attempt.delivery == *id).collect();
            let of_it = |reference: Option<&str>| reference.and_then(key::decode).is_some_and(|(of, _)| of == *id);
            let messages: Vec<_> = self.facts.messages.iter().filter(|m| of_it(m.client_ref.as_deref())).collect();
            let refused: Vec<_> = self.facts.refused.iter().filter(|r| of_it(r.client_ref.as_deref())).collect();
            format!("{id}: {delivery:?}\n{attempts:#?}\n{messages:?}\n{refused:?}")
        };
        of_state.map(story).collect()
    }

    /// Recipients on the list of possible duplicates.
    pub(crate) fn flagged(&self) -> usize {
        self.books.deliveries.values().filter(|delivery| delivery.is_flagged()).count()
    }

    /// Attempts of each outcome and how it was learned.
    pub(crate) fn attempts_by(&self, outcome: i64, settled_by: i64) -> usize {
        self.books.attempts.iter().filter(|attempt| attempt.outcome == outcome && attempt.settled_by == settled_by).count()
    }

    /// I1: rows become recipients, bad rows or duplicates; recipients of a completed run are all in a final state.
    fn conservation(&self, circumstances: Circumstances, findings: &mut Findings) {
        for run in &self.books.runs {
            let of_run: Vec<_> = self.books.deliveries.values().filter(|delivery| delivery.run == run.no).collect();
            if circumstances.completed && run.state != 4 {
                findings.add("I1", || format!("{} is in state {}, not completed", run.id, run.state));
            }
            if run.state >= 1 {
                let set_aside = self.books.rejected_rows.get(&run.no).copied().unwrap_or(0);
                if run.read != run.planned + run.bad + run.duplicate || set_aside != run.bad + run.duplicate {
                    findings.add("I1", || format!("{run:?}, {set_aside} rows set aside"));
                }
                if i64::try_from(of_run.len()) != Ok(run.planned) {
                    findings.add("I1", || format!("{run:?} has {} recipients", of_run.len()));
                }
            }
            let open = of_run.iter().filter(|delivery| delivery.state < ACCEPTED).count();
            if run.state == 4 && open > 0 {
                findings.add("I1", || format!("{} is completed with {open} recipients open", run.id));
            }
        }
        let mut people = HashSet::new();
        for delivery in self.books.deliveries.values() {
            if !people.insert((delivery.run, delivery.person)) {
                findings.add("I1", || "one person twice in a run".to_owned());
            }
        }
    }

    /// I2: whatever reached the provider was promised before, in the database, for that person, with those bytes.
    fn every_message_has_its_intent(&self, findings: &mut Findings) {
        let mut digests: HashMap<(i64, i64), HashSet<i64>> = HashMap::new();
        for attempt in &self.books.attempts {
            digests.entry((attempt.delivery, attempt.generation)).or_default().insert(attempt.digest);
        }
        let mut requests: HashMap<i64, i64> = HashMap::new();
        for reference in self.facts.references() {
            let Some((id, send)) = key::decode(reference) else {
                findings.add("I2", || format!("a request with the reference {reference}"));
                continue;
            };
            let Some(delivery) = self.books.deliveries.get(&id) else {
                findings.add("I2", || format!("a request for {id}, which the database does not have"));
                continue;
            };
            *requests.entry(id).or_default() += 1;
            if send > delivery.generation || requests[&id] > delivery.tries {
                findings.add("I2", || format!("request {} of send {send} for {id}: {delivery:?}", requests[&id]));
            }
        }
        for message in &self.facts.messages {
            let Some((id, send)) = message.key() else {
                findings.add("I2", || format!("a message without a reference: {}", message.wamid));
                continue;
            };
            let Some(delivery) = self.books.deliveries.get(&id) else { continue };
            if message.to != delivery.person.to_string() {
                findings.add("I5", || format!("{id} reached another person"));
            }
            let bytes: Vec<u8> = (0..8).map(|at| u8::from_str_radix(&message.sha256[2 * at..2 * at + 2], 16).unwrap()).collect();
            let digest = i64::from_be_bytes(bytes.try_into().unwrap());
            let recorded = digests.get(&(id, send)).is_some_and(|all| all.contains(&digest));
            let latest = send == delivery.generation && delivery.digest == digest;
            if !recorded && !latest {
                findings.add("I2", || format!("other bytes were sent for {id} than were promised"));
            }
        }
    }

    /// I3: nobody gets the message twice unless they are on the list of possible duplicates.
    fn at_most_once(&self, findings: &mut Findings) {
        for id in self.duplicated() {
            let delivery = self.books.deliveries.get(&id);
            if !delivery.is_some_and(books::Delivery::is_flagged) {
                findings.add("I3", || {
                    let sends: Vec<_> = self.facts.received().filter(|m| m.key().is_some_and(|(of, _)| of == id)).collect();
                    let attempts: Vec<_> = self.books.attempts.iter().filter(|attempt| attempt.delivery == id).collect();
                    format!("{id} got it {} times: {delivery:?}; {attempts:?}; {sends:?}", self.received[&id])
                });
            }
        }
    }

    /// I4: an accepted message is in the provider's ledger, for that recipient and send.
    fn accepted_ids_are_real(&self, findings: &mut Findings) {
        let known: HashMap<&str, Option<(i64, i64)>> =
            self.facts.messages.iter().map(|message| (message.wamid.as_str(), message.key())).collect();
        for attempt in self.books.attempts.iter().filter(|attempt| attempt.outcome == 1) {
            let told = attempt.provider_id.as_deref().and_then(|id| known.get(id)).copied().flatten();
            if told != Some((attempt.delivery, attempt.generation)) {
                findings.add("I4", || format!("{attempt:?} is not what the provider took: {told:?}"));
            }
        }
        let accepted: HashSet<i64> =
            self.books.attempts.iter().filter(|attempt| attempt.outcome == 1).map(|attempt| attempt.delivery).collect();
        for (id, delivery) in &self.books.deliveries {
            if delivery.state == ACCEPTED && !accepted.contains(id) {
                findings.add("I4", || format!("{id} is accepted by no attempt"));
            }
        }
    }

    /// I5: whoever got it stands as accepted, or on a list.
    fn received_is_known(&self, circumstances: Circumstances, findings: &mut Findings) {
        for message in self.facts.received() {
            let Some(delivery) = message.key().and_then(|(id, _)| self.books.deliveries.get(&id)) else { continue };
            let known = match delivery.state {
                ACCEPTED | UNKNOWN_FINAL => true,
                0..=2 => !circumstances.completed,
                _ => delivery.is_flagged(),
            };
            if !known {
                findings.add("I5", || format!("a person got {} but {delivery:?}", message.wamid));
            }
        }
    }

    /// I11: receipts are what was told and acknowledged, and nothing that never happened.
    fn receipts(&self, circumstances: Circumstances, findings: &mut Findings) {
        let mut told: HashMap<(i64, i64), u8> = HashMap::new();
        let mut possible: HashMap<(i64, i64), (u8, HashSet<String>)> = HashMap::new();
        for message in &self.facts.messages {
            let Some(key) = message.key() else { continue };
            *told.entry(key).or_default() |= self.facts.acked.get(&message.seq).copied().unwrap_or(0);
            let (bits, codes) = possible.entry(key).or_default();
            *bits |= match message.fate.as_str() {
                "failed" => 8,
                "blocked" => 1,
                _ => 7,
            };
            codes.extend(message.code.map(|code| code.to_string()));
        }
        for (key, receipt) in &self.books.receipts {
            match possible.get(key) {
                Some((bits, codes))
                    if receipt.bits & !bits == 0 && receipt.code.as_ref().is_none_or(|code| codes.contains(code)) => {}
                happened => findings.add("I11", || format!("{key:?}: {receipt:?}, but what happened is {happened:?}")),
            }
        }
        if !circumstances.webhooks {
            return;
        }
        if self.books.unfolded > 0 && circumstances.completed {
            findings.add("I10", || format!("{} webhook bodies wait", self.books.unfolded));
        }
        for (key, bits) in told {
            // What the provider told is there; more may be, when an answer to the provider was lost.
            let bits = bits & 15;
            let stored = self.books.receipts.get(&key).map_or(0, |receipt| receipt.bits);
            if bits & !stored != 0 {
                findings.add("I11", || format!("{key:?}: told {bits:04b}, stored {stored:04b}"));
            }
        }
    }

    /// I15: free-form only to people who wrote to that number within a day, as the provider saw it.
    fn windows(&self, circumstances: Circumstances, findings: &mut Findings) {
        const DAY_MS: i64 = 24 * 3600 * 1000;
        let mut wrote: HashMap<(&str, String), Vec<i64>> = HashMap::new();
        for inbound in &self.facts.inbound {
            wrote.entry((&inbound.number_id, person(&inbound.from))).or_default().push(inbound.at_ms);
        }
        for message in self.facts.messages.iter().filter(|message| message.template.is_none()) {
            let times = wrote.get(&(message.number_id.as_str(), person(&message.to)));
            let open = times.is_some_and(|times| times.iter().any(|at| (0..DAY_MS).contains(&(message.at_ms - at))));
            if !open {
                findings.add("I15", || format!("{} went free-form without an open window", message.wamid));
            }
        }
        let refused = self.facts.refused.iter().filter(|request| request.code == Some(131_047)).count();
        if refused > 0 && !circumstances.false_windows {
            findings.add("I15", || format!("{refused} refused for a closed window"));
        }
    }

    /// No call is made twice behind the engine's back: requests at the provider are attempts in the database.
    fn no_hidden_retries(&self, circumstances: Circumstances, findings: &mut Findings) {
        // "Not sent" by the transport itself never reached the provider.
        let calls = self.books.attempts.iter().filter(|attempt| !(attempt.outcome == 3 && attempt.settled_by == 0)).count();
        let tries: i64 = self.books.deliveries.values().map(|delivery| delivery.tries).sum();
        let requests = self.facts.requests();
        let fits = if circumstances.killed {
            requests <= calls.max(usize::try_from(tries).unwrap())
        } else {
            requests == calls && usize::try_from(tries) == Ok(self.books.attempts.len())
        };
        if !fits {
            findings.add("hidden retries", || format!("{requests} requests, {calls} attempts, {tries} intents"));
        }
        let mut of_delivery: HashMap<i64, i64> = HashMap::new();
        for attempt in &self.books.attempts {
            *of_delivery.entry(attempt.delivery).or_default() += 1;
        }
        for (id, delivery) in &self.books.deliveries {
            let recorded = of_delivery.get(id).copied().unwrap_or(0);
            let open = i64::from(delivery.state == 1);
            if recorded + open != delivery.tries {
                findings.add("attempts", || format!("{id}: {recorded} attempts recorded: {delivery:?}"));
            }
        }
    }
}

/// A person by one of their numbers: in Mexico 52 1 and ten digits is 52 and ten digits, whichever the other side writes.
fn person(digits: &str) -> String {
    match digits.strip_prefix("521") {
        Some(rest) if rest.len() == 10 => format!("52{rest}"),
        _ => digits.to_owned(),
    }
}

impl books::Delivery {
    fn is_flagged(&self) -> bool {
        self.flags & Books::POSSIBLE_DUPLICATE != 0
    }
}

/// I13: what the report says is what the database says, and its parts are its wholes.
pub(crate) fn audit_report(report: &serde_json::Value, audit: &Audit, run: i64) -> Vec<String> {
    let mut findings = Vec::new();
    let number = |path: &str| report.pointer(path).and_then(serde_json::Value::as_u64).unwrap_or(u64::MAX);
    let of_run: Vec<_> = audit.books.deliveries.values().filter(|delivery| delivery.run == run).collect();
    let count = |state: i64| of_run.iter().filter(|delivery| delivery.state == state).count() as u64;
    let states = [
        ("pending", 0),
        ("in_flight", 1),
        ("unknown", 2),
        ("accepted", 3),
        ("rejected", 4),
        ("skipped", 5),
        ("expired", 6),
        ("cancelled", 7),
        ("quarantined", 8),
        ("unknown_final", 9),
    ];
    let mut sum = 0;
    for (name, state) in states {
        let said = number(&format!("/deliveries/{name}"));
        sum += said;
        if said != count(state) {
            findings.push(format!("I13: the report says {name} = {said}, the database {}", count(state)));
        }
    }
    if number("/deliveries/total") != sum || sum != of_run.len() as u64 {
        findings.push(format!("I13: {sum} in all, total {}", number("/deliveries/total")));
    }
    if number("/audience/rows") != number("/audience/bad") + number("/audience/duplicate") + number("/audience/planned") {
        findings.push("I13: the audience's rows do not add up".to_owned());
    }
    let flagged = of_run.iter().filter(|delivery| delivery.is_flagged()).count() as u64;
    if number("/deliveries/possible_duplicates") != flagged {
        findings.push(format!("I13: possible duplicates {flagged}"));
    }
    for check in report.pointer("/checks").and_then(|checks| checks.as_array()).into_iter().flatten() {
        if check["holds"] != true {
            findings.push(format!("I13: {check}"));
        }
    }
    let receipts = ["delivered", "read", "failed", "sent_only", "silent", "conflict"];
    if receipts.iter().any(|name| number(&format!("/receipts/{name}")) == u64::MAX) {
        findings.push("I13: the report's receipts are not all there".to_owned());
    }
    findings
}

/// I16: what a log must not hold: anybody's number, or a secret.
pub(crate) fn audit_log(log: &str, people: &HashSet<String>, secrets: &[&str]) -> Vec<String> {
    let mut findings = Vec::new();
    for line in log.lines() {
        let secret = secrets.iter().any(|secret| line.contains(secret));
        let number = line.split(|letter: char| !letter.is_ascii_digit()).any(|digits| people.contains(digits));
        if secret || number {
            findings.push(format!("I16: {line}"));
        }
    }
    findings.truncate(5);
    findings
}

/// Promises to call that were made after their run's time was over.
pub(crate) fn late_intents(database: &std::path::Path) -> i64 {
    books::number(
        database,
        "SELECT COUNT(*) FROM attempt JOIN run ON run.no = attempt.delivery >> 32 WHERE attempt.intent_at >= run.expires_at",
    )
}
