//! A bare client and a bare callback, so that what happens on the wire is seen as it is.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What a request met.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// A whole answer: status and body.
    Answer(u16, String),
    /// The end of the connection after so many bytes of an answer that was to be longer.
    Closed(usize),
    /// A reset after so many bytes.
    Reset(usize),
}

impl Seen {
    pub(super) fn json(&self) -> Value {
        match self {
            Self::Answer(_, body) => serde_json::from_str(body).unwrap(),
            other => panic!("no answer but {other:?}"),
        }
    }

    pub(super) fn status(&self) -> u16 {
        match self {
            Self::Answer(status, _) => *status,
            other => panic!("no answer but {other:?}"),
        }
    }

    pub(super) fn code(&self) -> u64 {
        self.json()["error"]["code"].as_u64().unwrap()
    }

    pub(super) fn wamid(&self) -> String {
        self.json()["messages"][0]["id"].as_str().unwrap().to_owned()
    }
}

/// One request on a connection of its own.
pub(super) async fn call(base: &str, method: &str, path: &str, token: &str, body: &str) -> Seen {
    let mut stream = TcpStream::connect(base.strip_prefix("http://").unwrap()).await.unwrap();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    loop {
        if let Some(whole) = whole(&bytes) {
            return whole;
        }
        let mut part = [0; 4096];
        match stream.read(&mut part).await {
            Ok(0) => return Seen::Closed(bytes.len()),
            Ok(n) => bytes.extend_from_slice(&part[..n]),
            Err(_) => return Seen::Reset(bytes.len()),
        }
    }
}

fn whole(bytes: &[u8]) -> Option<Seen> {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok());
    (body.len() >= length.unwrap_or(0)).then(|| Seen::Answer(status, body.to_owned()))
}

/// A callback that keeps what it hears.
#[derive(Clone, Debug, Default)]
pub(super) struct Callback(Arc<Heard>);

#[derive(Debug, Default)]
struct Heard {
    posts: Mutex<Vec<(bool, Value)>>,
    refuse: AtomicUsize,
}

impl Callback {
    /// Listens; the first `refuse` POSTs get 503. Returns its URL.
    pub(super) async fn listen(refuse: usize) -> (Self, String) {
        let callback = Self::default();
        callback.0.refuse.store(refuse, Ordering::SeqCst);
        let router = Router::new().route("/hook", post(hear)).route("/hook", get(shake)).with_state(callback.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (callback, url)
    }

    /// Every status as (wamid, word), in the order it came.
    pub(super) fn statuses(&self) -> Vec<(String, String)> {
        let word = |value: &Value, key: &str| value[key].as_str().unwrap().to_owned();
        self.values("statuses").iter().map(|status| (word(status, "id"), word(status, "status"))).collect()
    }

    /// Everything under `key` of all changes.
    pub(super) fn values(&self, key: &str) -> Vec<Value> {
        let posts = self.0.posts.lock().unwrap();
        let changes = posts.iter().flat_map(|(_, body)| body["entry"].as_array().unwrap().clone());
        let changes = changes.flat_map(|entry| entry["changes"].as_array().unwrap().clone());
        changes.flat_map(|change| change["value"][key].as_array().cloned().unwrap_or_default()).collect()
    }

    /// Whether every POST was signed rightly.
    pub(super) fn all_signed(&self) -> bool {
        self.0.posts.lock().unwrap().iter().all(|(signed, _)| *signed)
    }

    /// How many POSTs were taken.
    pub(super) fn posts(&self) -> usize {
        self.0.posts.lock().unwrap().len()
    }
}

async fn hear(State(callback): State<Callback>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let refused = callback.0.refuse.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
    if refused.is_ok() {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    let mut mac = Hmac::<Sha256>::new_from_slice(b"simulator-secret").unwrap();
    mac.update(&body);
    let signature = format!("sha256={}", hex::encode(mac.finalize().into_bytes()));
    let is_signed = headers.get("x-hub-signature-256").is_some_and(|given| given.as_bytes() == signature.as_bytes());
    callback.0.posts.lock().unwrap().push((is_signed, serde_json::from_slice(&body).unwrap()));
    StatusCode::OK
}

async fn shake(RawQuery(query): RawQuery) -> Result<String, StatusCode> {
    let query = query.unwrap_or_default();
    let of = |key: &str| query.split('&').find_map(|pair| pair.strip_prefix(key)).map(str::to_owned);
    match of("hub.verify_token=").as_deref() {
        Some("simulator%2Dverify") => of("hub.challenge=").ok_or(StatusCode::BAD_REQUEST),
        _ => Err(StatusCode::FORBIDDEN),
    }
}
