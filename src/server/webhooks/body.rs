//! Reading a body within its limits.
//!
//! Bytes are counted as they come, not as they are announced: who announces much and sends nothing keeps nobody out.

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::CONTENT_LENGTH;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use tokio::sync::SemaphorePermit;

use super::{Refusal, Webhooks};

/// Bytes reserved for a body before they have come, whatever was announced.
const FIRST_RESERVE: usize = 16 * 1024;

impl Webhooks {
    /// The raw body, and its share of the bytes in flight.
    pub(super) async fn read(&self, request: Request) -> Result<(Bytes, Option<SemaphorePermit<'_>>), Refusal> {
        let announced = match request.headers().get(CONTENT_LENGTH) {
            Some(length) => length.to_str().ok().and_then(|length| length.parse::<usize>().ok()).ok_or(Refusal::Malformed)?,
            None => 0,
        };
        if announced > self.limits.body {
            return Err(Refusal::TooLong);
        }
        let whole = self.collect(request.into_body(), announced);
        tokio::time::timeout(self.limits.read, whole).await.map_err(|_| Refusal::TooSlow)?
    }

    async fn collect(&self, body: Body, announced: usize) -> Result<(Bytes, Option<SemaphorePermit<'_>>), Refusal> {
        let mut chunks = body.into_data_stream();
        let mut share: Option<SemaphorePermit<'_>> = None;
        let mut collected = BytesMut::new();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|_| Refusal::Malformed)?;
            if collected.len() + chunk.len() > self.limits.body {
                return Err(Refusal::TooLong);
            }
            let bytes = u32::try_from(chunk.len()).map_err(|_| Refusal::TooLong)?;
            let more = self.in_flight.try_acquire_many(bytes).map_err(|_| Refusal::Busy)?;
            match &mut share {
                Some(share) => share.merge(more),
                None => share = Some(more),
            }
            if collected.is_empty() && chunk.len() == announced {
                // The usual body comes in one piece, which is kept as it is.
                return Ok((chunk, share));
            }
            if collected.is_empty() {
                collected.reserve(chunk.len().max(announced.min(FIRST_RESERVE)));
            }
            collected.extend_from_slice(&chunk);
        }
        Ok((collected.freeze(), share))
    }
}
