//! stub
#![expect(missing_docs, reason = "stub")]
use crate::time::{Clock, Timestamp};
use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::StatusCode,
    routing::post,
};
use secrecy::SecretString;
use std::{collections::BTreeMap, sync::Arc};
use tokio_util::sync::CancellationToken;
#[derive(Debug)]
pub struct Account {
    pub secrets: Vec<SecretString>,
    pub verify_token: Option<SecretString>,
}
#[derive(Debug)]
pub struct IntakeError(pub String);
#[async_trait::async_trait]
pub trait Intake: Send + Sync {
    async fn store(&self, provider: &str, body: bytes::Bytes, at: Timestamp) -> Result<(), IntakeError>;
}
type S = (Arc<dyn Intake>, Arc<dyn Clock>);
async fn hook(State((i, c)): State<S>, Path(a): Path<String>, body: Bytes) -> StatusCode {
    match i.store(&a, body, c.now()).await {
        Ok(()) => StatusCode::OK,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}
pub async fn serve(
    l: tokio::net::TcpListener,
    _a: BTreeMap<String, Account>,
    i: Arc<dyn Intake>,
    c: Arc<dyn Clock>,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let r = Router::new()
        .route(
            "/webhooks/{a}",
            post(hook).get(|axum::extract::RawQuery(q): axum::extract::RawQuery| async move {
                q.unwrap_or_default()
                    .split('&')
                    .find_map(|p| p.strip_prefix("hub.challenge=").map(str::to_owned))
                    .unwrap_or_default()
            }),
        )
        .with_state((i, c));
    axum::serve(l, r).with_graceful_shutdown(async move { stop.cancelled().await }).await
}
