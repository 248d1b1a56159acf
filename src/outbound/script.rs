//! What a run says: the campaign's texts compiled against the audience's columns, rendered and encoded for one person at a time.
//!
//! Planning and sending both come through here with the same values, so what was checked is what is sent.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::key::AttemptKey;
use super::ledger::{Claimed, RouteTaken};
use crate::campaign::{Campaign, Prefer, Problem, Purpose};
use crate::message::{Columns, Compiled, Message, RowContext, RowProblem, columns_used};
use crate::provider::contract::{Envelope, Inexpressible, Provider, Request};
use crate::time::Timestamp;

/// The texts and choices of one run.
#[derive(Clone, Debug)]
pub struct Script {
    free_form: Option<Compiled>,
    template: Option<Compiled>,
    fallback_language: Option<Arc<str>>,
    columns: Vec<String>,
    language_column: Option<usize>,
    /// Which message is taken when both could be.
    pub prefer: Prefer,
    /// What the campaign is for.
    pub purpose: Purpose,
}

/// Why a row's message could not be made ready.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ScriptError {
    /// The row's values break a rule.
    #[error("{0}")]
    Row(RowProblem),
    /// The provider has no such message.
    #[error(transparent)]
    Inexpressible(#[from] Inexpressible),
    /// The campaign has no message of this route.
    #[error("the campaign has no {0}")]
    Missing(&'static str),
    /// The renderer broke down.
    #[error("rendering broke down")]
    Broken,
}

impl Script {
    /// The columns that a campaign's texts use, each once, in order of first use, and the language column.
    ///
    /// # Errors
    /// All problems of the texts.
    pub fn columns_of(campaign: &Campaign) -> Result<Vec<String>, Vec<Problem>> {
        let mut columns = Vec::new();
        let mut problems = Vec::new();
        for message in messages(campaign).into_iter().flatten() {
            match columns_used(&message) {
                Ok(used) => columns.extend(used),
                Err(more) => problems.extend(more),
            }
        }
        columns.extend(campaign.audience.language.clone());
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut seen = std::collections::HashSet::new();
        columns.retain(|column| seen.insert(column.clone()));
        Ok(columns)
    }

    /// Compiles a campaign's texts for rows of these columns.
    ///
    /// # Errors
    /// All problems of the texts.
    pub fn new(campaign: &Campaign, columns: Vec<String>) -> Result<Self, Vec<Problem>> {
        let header = Columns::new(&columns);
        let mut problems = Vec::new();
        let mut compile = |message: Option<Message<crate::message::Source>>| {
            message.and_then(|message| Compiled::new(&message, &header).map_err(|more| problems.extend(more)).ok())
        };
        let [free_form, template] = messages(campaign);
        let (free_form, template) = (compile(free_form), compile(template));
        if !problems.is_empty() {
            return Err(problems);
        }
        let language_column =
            campaign.audience.language.as_ref().and_then(|name| columns.iter().position(|column| column == name));
        let fallback_language = campaign.template.as_ref().and_then(|part| part.fallback_language.as_deref()).map(Arc::from);
        let (prefer, purpose) = (campaign.route.prefer, campaign.purpose);
        Ok(Self { free_form, template, fallback_language, columns, language_column, prefer, purpose })
    }

    /// The columns each row's values are of, in order.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Whether there is a free-form message.
    pub const fn has_free_form(&self) -> bool {
        self.free_form.is_some()
    }

    /// Whether there is a template.
    pub const fn has_template(&self) -> bool {
        self.template.is_some()
    }

    /// One person's message.
    ///
    /// # Errors
    /// When the row's values break a rule.
    pub fn render(&self, route: RouteTaken, values: &[String], now: Timestamp) -> Result<Message, ScriptError> {
        let compiled = match route {
            RouteTaken::FreeForm => self.free_form.as_ref().ok_or(ScriptError::Missing("free-form message"))?,
            RouteTaken::Template => self.template.as_ref().ok_or(ScriptError::Missing("template"))?,
        };
        let language = self.language_column.and_then(|index| values.get(index)).map(String::as_str);
        let context = RowContext { language, fallback_language: self.fallback_language.as_deref(), now };
        catch_unwind(AssertUnwindSafe(|| compiled.render(values, &context)))
            .map_err(|_| ScriptError::Broken)?
            .map_err(ScriptError::Row)
    }

    /// Renders every message the row might get and throws the bytes away: nothing fails to render in the middle of a run.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn prove(&self, values: &[String], now: Timestamp) -> Result<(), ScriptError> {
        if self.has_free_form() && (self.prefer == Prefer::FreeForm || !self.has_template()) {
            self.render(RouteTaken::FreeForm, values, now)?;
        }
        if self.has_template() {
            self.render(RouteTaken::Template, values, now)?;
        }
        Ok(())
    }

    /// The exact request for a claimed delivery, and the first 64 bits of its body's SHA-256.
    ///
    /// # Errors
    /// When the row's values break a rule, or the provider has no such message.
    pub fn request(
        &self,
        claimed: &Claimed,
        route: RouteTaken,
        from: &From<'_>,
        now: Timestamp,
    ) -> Result<(Request, i64), ScriptError> {
        let message = self.render(route, &claimed.vars, now)?;
        let key = AttemptKey::new(claimed.id, from.run_id, claimed.person, claimed.standing.generation).to_string();
        let envelope = Envelope { number_id: from.number_id, to: claimed.person, message: &message, client_ref: &key };
        let request = from.provider.encode(&envelope)?;
        let digest = Sha256::digest(&request.body).iter().take(8).fold(0_i64, |digest, byte| (digest << 8) | i64::from(*byte));
        Ok((request, digest))
    }
}

/// From where a message goes.
#[derive(Clone, Copy, Debug)]
pub struct From<'a> {
    /// The run's public id, for the attempt's key.
    pub run_id: &'a str,
    /// The provider's id of the number.
    pub number_id: &'a str,
    /// The number's provider.
    pub provider: &'a dyn Provider,
}

fn messages(campaign: &Campaign) -> [Option<Message<crate::message::Source>>; 2] {
    [campaign.free_form.clone().map(Message::FreeForm), campaign.template.clone().map(|part| Message::Template(part.message))]
}
