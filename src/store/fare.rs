//! Pricing and conversation objects, each text stored once under a number derived from it, so that nothing is read to write one.
//! A bounded memory of the texts met last keeps the usual ones from being sent again and again.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use super::cells::Cells;
use super::dialect::Dialect;
use super::rows::Rows;
use super::session::{Session, Value};
use crate::outbound::ledger::LedgerError;

const PUT: &str = "\
    INSERT INTO fare_text (no, body) SELECT CAST(value ->> 0 AS BIGINT), value ->> 1 FROM jsonb_each($1) WHERE true \
    ON CONFLICT (no) DO NOTHING";
const TEXTS: &str = "SELECT no, body FROM fare_text WHERE no IN (SELECT CAST(value AS BIGINT) FROM jsonb_each($1))";

/// All of this file's statements.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[PUT, TEXTS];

/// Texts remembered, and the longest of them in bytes: 4 MiB in all. A price list has a few dozen texts; conversations have one each.
const REMEMBERED: usize = 4096;
const LONGEST: usize = 1024;

/// Texts by their numbers.
pub(super) type Texts = HashMap<i64, Arc<str>>;

/// A text's number: the first 63 bits of its SHA-256. Two of ten million texts share one with a chance of 1 in 10^5.
pub(super) fn number(text: &str) -> i64 {
    let digest = Sha256::digest(text);
    let bits = digest.iter().take(8).fold(0, |bits, byte| (bits << 8) | u64::from(*byte));
    (bits >> 1).cast_signed()
}

/// The texts met last; all of them are in the ledger.
#[derive(Debug, Default)]
pub(super) struct Fares(Mutex<Texts>);

impl Fares {
    /// Stores what is not known to be stored, and says what it was; to be [kept](Self::keep) after the commit.
    pub(super) async fn store<DB: Dialect>(&self, connection: &mut DB::Connection, texts: &[&str]) -> Result<Texts, LedgerError> {
        let mut missing = Texts::default();
        {
            let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            for text in texts {
                let no = number(text);
                if !known.contains_key(&no) {
                    missing.entry(no).or_insert_with(|| (*text).into());
                }
            }
        }
        if !missing.is_empty() {
            let mut rows = Rows::with_capacity(missing.len(), 200);
            for (no, text) in &missing {
                rows.row(|row| {
                    row.int(*no);
                    row.text(text);
                });
            }
            connection.execute(PUT, &[Value::Text(&rows.finish())]).await?;
        }
        Ok(missing)
    }

    /// Remembers texts that are in the ledger now.
    pub(super) fn keep(&self, texts: Texts) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (no, text) in texts.into_iter().filter(|(_, text)| text.len() <= LONGEST) {
            if known.len() >= REMEMBERED {
                known.clear();
            }
            known.insert(no, text);
        }
    }

    /// The texts of these numbers.
    pub(super) async fn texts<DB: Dialect>(
        &self,
        connection: &mut DB::Connection,
        numbers: &BTreeSet<i64>,
    ) -> Result<Texts, LedgerError> {
        let mut texts = Texts::default();
        let mut missing = Vec::new();
        {
            let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            for no in numbers {
                match known.get(no) {
                    Some(text) => drop(texts.insert(*no, Arc::clone(text))),
                    None => missing.push(*no),
                }
            }
        }
        if !missing.is_empty() {
            let rows = connection.fetch(TEXTS, &[Value::Text(&Rows::of_ints(missing))]).await?;
            let read = rows.iter().map(|row| Ok((row.int(0)?, row.text(1)?.into()))).collect::<Result<Texts, LedgerError>>()?;
            self.keep(read.clone());
            texts.extend(read);
        }
        Ok(texts)
    }
}
