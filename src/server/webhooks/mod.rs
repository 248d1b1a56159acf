//! The webhooks' receiver: a signed body goes to the [`Intake`], and only what it has kept is answered with 200.
//!
//! The order of work is the whole of it: cap, verify the raw bytes, store, answer. It reads no body and knows no event; a body that
//! nobody can read but that is signed is stored all the same, since refusing it would bring it back for days. Serves
//! `/webhooks/{account}` and nothing else, since it faces the internet. Figures: reliability, section 3.

mod body;
mod counts;
mod intake;
mod serve;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Query, Request, State};
use axum::http::header::{CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use secrecy::SecretString;
use serde::Deserialize;
use tokio::sync::Semaphore;

use crate::receipt::verify::{BadSecret, BadSignature, Claim, Handshake, SIGNATURE_HEADER, Signatures};
use crate::time::Clock;

pub use counts::Counts;
pub use intake::{Intake, IntakeError};
pub use serve::serve;

use counts::Counters;

/// What the receiver bears. The defaults are those of reliability, section 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a request's head.
    pub head: usize,
    /// Bytes of a body: Meta's are 3 MB at most.
    pub body: usize,
    /// Bytes of all bodies that are being received and stored.
    pub in_flight: usize,
    /// Connections at once.
    pub connections: usize,
    /// Longest wait for a head, and again for a body.
    pub read: Duration,
    /// Longest wait for the intake.
    pub store: Duration,
    /// Longest wait for open requests when it shuts down.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: 16 * 1024,
            body: 4 * 1024 * 1024,
            in_flight: 64 * 1024 * 1024,
            connections: 1_024,
            read: Duration::from_secs(10),
            store: Duration::from_secs(2),
            drain: Duration::from_secs(15),
        }
    }
}

/// What proves that a call is an account's.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// Of bodies: what any of these signed is taken. Without one, nothing is.
    pub secrets: Vec<SecretString>,
    /// Of the handshake. Without it, none is answered.
    pub verify_token: Option<SecretString>,
}

/// An account whose secrets are keyed.
struct Proofs {
    signatures: Option<Signatures>,
    handshake: Option<Handshake>,
}

impl Proofs {
    fn of(account: Account) -> Result<Self, BadSecret> {
        Ok(Self {
            signatures: if account.secrets.is_empty() { None } else { Some(Signatures::new(&account.secrets)?) },
            handshake: account.verify_token.map(Handshake::new).transpose()?,
        })
    }
}

/// The receiver's state.
pub struct Webhooks {
    accounts: BTreeMap<String, Proofs>,
    intake: Arc<dyn Intake>,
    clock: Arc<dyn Clock>,
    limits: Limits,
    in_flight: Semaphore,
    counters: Counters,
}

impl Webhooks {
    /// A receiver for these accounts, by the settings' name of their provider, which is the last part of their address.
    ///
    /// # Errors
    /// When a secret is empty.
    pub fn new(
        accounts: BTreeMap<String, Account>,
        intake: Arc<dyn Intake>,
        clock: Arc<dyn Clock>,
        limits: Limits,
    ) -> Result<Self, BadSecret> {
        let accounts = accounts.into_iter().map(|(name, account)| Ok((name, Proofs::of(account)?))).collect::<Result<_, _>>()?;
        let in_flight = Semaphore::new(limits.in_flight.min(Semaphore::MAX_PERMITS));
        Ok(Self { accounts, intake, clock, limits, in_flight, counters: Counters::default() })
    }

    /// What came so far.
    pub fn counts(&self) -> Counts {
        self.counters.read()
    }
}

impl fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhooks").field("accounts", &self.accounts.len()).field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// Why a call is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    /// No such account.
    Nowhere,
    /// Not proven to be the account's.
    Unproven,
    /// A handshake without its fields, or a body that cannot be read.
    Malformed,
    /// A body above the limit.
    TooLong,
    /// A body that came too slowly.
    TooSlow,
    /// Too much at once, or the intake does not keep up.
    Busy,
}

impl Refusal {
    fn status(self) -> StatusCode {
        match self {
            Self::Nowhere => StatusCode::NOT_FOUND,
            Self::Unproven => StatusCode::UNAUTHORIZED,
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl From<BadSignature> for Refusal {
    fn from(_: BadSignature) -> Self {
        Self::Unproven
    }
}

/// The two calls of `/webhooks/{account}`.
pub fn router(webhooks: Arc<Webhooks>) -> Router {
    Router::new().route("/webhooks/{account}", get(shake_hands).post(deliver)).with_state(webhooks)
}

#[derive(Deserialize)]
struct Question {
    #[serde(rename = "hub.mode")]
    mode: String,
    #[serde(rename = "hub.verify_token")]
    token: String,
    #[serde(rename = "hub.challenge")]
    challenge: String,
}

async fn shake_hands(State(webhooks): State<Arc<Webhooks>>, Path(account): Path<String>, uri: axum::http::Uri) -> Response {
    let answer = || {
        let account = webhooks.accounts.get(&account).ok_or(Refusal::Nowhere)?;
        let handshake = account.handshake.as_ref().ok_or(Refusal::Unproven)?;
        let Query(question) = Query::<Question>::try_from_uri(&uri).map_err(|_| Refusal::Malformed)?;
        Ok(handshake.answer(&question.mode, &question.token, &question.challenge)?.to_owned())
    };
    match answer() {
        // A type that no browser makes a page of.
        Ok(challenge) => ([(CONTENT_TYPE, "text/plain"), (X_CONTENT_TYPE_OPTIONS, "nosniff")], challenge).into_response(),
        Err(refusal) => webhooks.refuse(refusal),
    }
}

async fn deliver(State(webhooks): State<Arc<Webhooks>>, Path(account): Path<String>, request: Request) -> Response {
    match webhooks.take(&account, request).await {
        Ok(()) => {
            webhooks.counters.accepted();
            StatusCode::OK.into_response()
        }
        Err(refusal) => webhooks.refuse(refusal),
    }
}

impl Webhooks {
    async fn take(&self, name: &str, request: Request) -> Result<(), Refusal> {
        let account = self.accounts.get(name).ok_or(Refusal::Nowhere)?;
        let signatures = account.signatures.as_ref().ok_or(Refusal::Unproven)?;
        let claim = claim(request.headers())?;
        let received_at = self.clock.now();
        // Held until the body is stored: the bytes are in memory that long.
        let (body, _in_flight) = self.read(request).await?;
        signatures.verify(&claim, &body)?;
        match tokio::time::timeout(self.limits.store, self.intake.store(name, body, received_at)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => {
                tracing::warn!(account = name, %error, "webhook not stored");
                Err(Refusal::Busy)
            }
            Err(_) => {
                tracing::warn!(account = name, "webhook not stored in time");
                Err(Refusal::Busy)
            }
        }
    }

    fn refuse(&self, refusal: Refusal) -> Response {
        match refusal {
            Refusal::Unproven => self.counters.refused(),
            Refusal::Busy => self.counters.busy(),
            Refusal::Nowhere | Refusal::Malformed | Refusal::TooLong | Refusal::TooSlow => self.counters.malformed(),
        }
        refusal.status().into_response()
    }
}

/// The one signature header; two of them are none.
fn claim(headers: &HeaderMap) -> Result<Claim, BadSignature> {
    let mut headers = headers.get_all(SIGNATURE_HEADER).iter();
    match (headers.next(), headers.next()) {
        (Some(header), None) => Claim::read(header.as_bytes()),
        _ => Err(BadSignature),
    }
}
