//! Where a webhook's raw body goes before it is answered.

use async_trait::async_trait;
use bytes::Bytes;

use crate::time::Timestamp;

/// Keeps raw bodies for good. The same body may come again: a provider repeats what was not answered in time.
#[async_trait]
pub trait Intake: Send + Sync {
    /// Returns once the body is durably committed. May be dropped while it waits, when that takes too long; what it has begun may
    /// still be committed then.
    ///
    /// # Errors
    /// When the body is not kept; the provider is told to come again.
    async fn store(&self, provider: &str, body: Bytes, received_at: Timestamp) -> Result<(), IntakeError>;
}

/// Why a body was not kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the webhook was not stored: {0}")]
pub struct IntakeError(pub String);
