//! A transport that keeps requests instead of sending them, for samples of a plan and for tests.
//!
//! Every request is answered at once as taken, in Meta's words and with an id of its own. Nothing leaves the process.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;

use super::contract::{Reply, Request, Transport, TransportError};

/// The transport.
#[derive(Debug, Default)]
pub struct Recorder {
    requests: Mutex<Vec<Request>>,
    answered: AtomicU64,
}

impl Recorder {
    /// One that has recorded nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The requests so far, oldest first; they are forgotten here.
    pub fn take(&self) -> Vec<Request> {
        std::mem::take(&mut self.requests.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Transport for Recorder {
    async fn post(&self, request: &Request) -> Result<Reply, TransportError> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
        let number = self.answered.fetch_add(1, Ordering::Relaxed) + 1;
        let body = format!(r#"{{"messaging_product":"whatsapp","messages":[{{"id":"recorded-{number}"}}]}}"#);
        Ok(Reply { status: 200, retry_after: None, body: Bytes::from(body) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::contract::{Outcome, Provider as _};
    use crate::provider::meta::Meta;

    #[tokio::test]
    async fn requests_are_kept_and_answered_as_taken() {
        let recorder = Recorder::new();
        let mut taken = Vec::new();
        for number in 1..=2 {
            let request = Request { path: format!("/{number}"), body: Bytes::from_static(b"{}") };
            let reply = recorder.post(&request).await.unwrap();
            taken.extend(recorder.take());
            let expected = Outcome::Accepted { provider_id: format!("recorded-{number}"), held: false };
            assert_eq!(Meta::new().classify(&reply), expected);
        }
        let paths: Vec<_> = taken.into_iter().map(|request: Request| request.path).collect();
        assert_eq!(paths, ["/1", "/2"]);
        assert!(recorder.take().is_empty());
    }
}
