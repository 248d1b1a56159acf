//! Webhooks: what the business is told, when, and how often until it says 200.
//!
//! In: accepted messages with their course, and what people write. Out: signed POSTs to one loopback URL, and the facts that
//! they were acknowledged. Like Meta's they come in batches, late, twice, in any order and again after every failure.

mod payload;
mod postman;
mod target;

use serde::Deserialize;

pub(super) use payload::Letterhead;
pub(super) use postman::{Parcel, Postman, Update, work};
pub(super) use target::{Line, Target};

use super::config::Latency;

/// How webhooks behave.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebhookConfig {
    /// Off: nothing is told, and people do not answer. Default on.
    pub enabled: bool,
    /// From the acceptance to `sent` (or `failed`), and from `sent` to `delivered`.
    pub delay: Latency,
    /// Statuses told twice; the copy comes up to `shuffle_ms` later.
    pub duplicate_share: f64,
    /// Statuses moved out of their order by up to `shuffle_ms`.
    pub reorder_share: f64,
    /// How far a moved status or a copy is moved. Default 1,000.
    pub shuffle_ms: u64,
    /// Statuses never told.
    pub loss_share: f64,
    /// Read messages whose `delivered` is left out.
    pub read_only_share: f64,
    /// Messages whose first status arrives before the answer to the request.
    pub before_response_share: f64,
    /// The most updates in a POST. Default 1,000 (Meta's most).
    pub batch_max: usize,
    /// How long a POST waits for more updates after its first. Default 5.
    pub batch_wait_ms: u64,
    /// POSTs under way at once. With 1 and no reordering, updates due at different times arrive in that order. Default 4.
    pub connections: usize,
    /// Whether a POST that failed is made again. Default on.
    pub retry: bool,
    /// The first wait before that; it doubles up to `retry_most_ms`. Default 200.
    pub retry_first_ms: u64,
    /// The longest wait. Default 5,000.
    pub retry_most_ms: u64,
    /// When retries end, after the first try. What is given up is owed again by the next start with the same ledger. Default
    /// 600,000 (Meta: up to 7 days).
    pub retry_for_ms: u64,
    /// How long a POST may take. Default 10,000.
    pub timeout_ms: u64,
}

impl Default for WebhookConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            delay: Latency::default(),
            duplicate_share: 0.0,
            reorder_share: 0.0,
            shuffle_ms: 1_000,
            loss_share: 0.0,
            read_only_share: 0.0,
            before_response_share: 0.0,
            batch_max: 1_000,
            batch_wait_ms: 5,
            connections: 4,
            retry: true,
            retry_first_ms: 200,
            retry_most_ms: 5_000,
            retry_for_ms: 600_000,
            timeout_ms: 10_000,
        }
    }
}

impl WebhookConfig {
    /// Every share with its name, to be checked.
    pub(super) fn shares(&self) -> Vec<(&'static str, f64)> {
        vec![
            ("webhooks.duplicate_share", self.duplicate_share),
            ("webhooks.reorder_share", self.reorder_share),
            ("webhooks.loss_share", self.loss_share),
            ("webhooks.read_only_share", self.read_only_share),
            ("webhooks.before_response_share", self.before_response_share),
        ]
    }
}
