//! What a ledger says at the start of a simulator that continues it.
//!
//! In: the file. Out: the next numbers, what people wrote, which messages met faults, and every update nobody has acknowledged.
//! Memory follows what is open, not the length of the file.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use super::{Fact, Inbound, Message, Request, read};

/// The bit of an inbound message's webhook in `acked` facts.
const INBOUND: u8 = 32;

/// What is known of the time before.
#[derive(Debug, Default)]
pub(in crate::simulator) struct Past {
    /// The first free number.
    pub(in crate::simulator) next_seq: u64,
    /// Requests so far, accepted or not.
    pub(in crate::simulator) requests: u64,
    /// Messages accepted so far.
    pub(in crate::simulator) accepted: u64,
    /// Free service deliveries so far, by number.
    pub(in crate::simulator) free_service: BTreeMap<String, u64>,
    /// The last message of every person to every number.
    pub(in crate::simulator) written: BTreeMap<(String, String), (i64, bool)>,
    /// Tries that met a fault: recipient and reference.
    pub(in crate::simulator) tries: Vec<(String, Option<String>, String)>,
    /// Messages with updates that were not acknowledged: the bits still owed.
    pub(in crate::simulator) owed: BTreeMap<u64, (Message, u8)>,
    /// Inbound messages that were not acknowledged.
    pub(in crate::simulator) unheard: BTreeMap<u64, Inbound>,
}

/// Reads what there is. `course` says which updates a message causes; its bit for the reply of a person is `reply`.
pub(in crate::simulator) fn recover(path: &Path, reply: u8, course: impl Fn(&Message) -> u8) -> io::Result<Past> {
    let mut past = Past { next_seq: 1, ..Past::default() };
    if !path.exists() {
        return Ok(past);
    }
    cut_torn_end(path)?;
    for fact in read(path)? {
        match fact? {
            Fact::Message(message) => past.message(message, &course),
            Fact::Request(request) => past.request(request),
            Fact::Inbound(inbound) => past.inbound(inbound, reply),
            Fact::Acked(acked) => acked.updates.iter().for_each(|(seq, bit)| past.acked(*seq, *bit)),
        }
    }
    Ok(past)
}

impl Past {
    fn saw(&mut self, seq: u64) {
        self.next_seq = self.next_seq.max(seq + 1);
    }

    fn message(&mut self, message: Message, course: &impl Fn(&Message) -> u8) {
        self.saw(message.seq);
        self.requests += 1;
        self.accepted += 1;
        if message.pricing == "free_customer_service" {
            *self.free_service.entry(message.number_id.clone()).or_default() += 1;
        }
        if message.fault.is_some() {
            self.tries.push((message.person().to_owned(), message.client_ref.clone(), message.sha256.clone()));
        }
        let owed = course(&message);
        if owed != 0 {
            self.owed.insert(message.seq, (message, owed));
        }
    }

    fn request(&mut self, request: Request) {
        self.saw(request.seq);
        self.requests += 1;
        if let (Some(_), Some(to)) = (request.fault, request.to) {
            self.tries.push((to, request.client_ref, request.sha256));
        }
    }

    fn inbound(&mut self, inbound: Inbound, reply: u8) {
        self.saw(inbound.seq);
        let last = self.written.entry((inbound.number_id.clone(), inbound.from.clone())).or_default();
        *last = (last.0.max(inbound.at_ms), last.1 || inbound.from_ad);
        if let Some(seq) = inbound.reply_to {
            self.acked(seq, reply);
        }
        self.unheard.insert(inbound.seq, inbound);
    }

    fn acked(&mut self, seq: u64, bit: u8) {
        if bit == INBOUND {
            self.unheard.remove(&seq);
        } else if let Some((_, owed)) = self.owed.get_mut(&seq) {
            *owed &= !bit;
            if *owed == 0 {
                self.owed.remove(&seq);
            }
        }
    }
}

/// Cuts a last line that was never finished, so that the next one does not continue it.
fn cut_torn_end(path: &Path) -> io::Result<()> {
    const STEP: u64 = 4_096;
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    let length = file.metadata()?.len();
    let mut end = length;
    while end > 0 {
        let begin = end.saturating_sub(STEP);
        file.seek(SeekFrom::Start(begin))?;
        let mut tail = Vec::new();
        file.by_ref().take(end - begin).read_to_end(&mut tail)?;
        if let Some(last) = tail.iter().rposition(|byte| *byte == b'\n') {
            let keep = begin + u64::try_from(last).unwrap_or(0) + 1;
            return if keep < length { file.set_len(keep) } else { Ok(()) };
        }
        end = begin;
    }
    file.set_len(0)
}
