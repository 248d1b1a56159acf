//! Real HTTP over raw sockets: the good, the slow, the long and the forged.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::time::{ManualClock, Timestamp};

const NOW: Timestamp = Timestamp(1_795_225_500_123);

/// What an intake does with the next body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    Keep,
    Fail,
    Hang,
}

type Kept = (String, Bytes, Timestamp);

struct Scripted {
    does: Mutex<Does>,
    kept: Mutex<Vec<Kept>>,
    entered: mpsc::UnboundedSender<()>,
}

#[async_trait]
impl Intake for Scripted {
    async fn store(&self, provider: &str, body: Bytes, received_at: Timestamp) -> Result<(), IntakeError> {
        self.entered.send(()).unwrap();
        let does = *self.does.lock().unwrap_or_else(PoisonError::into_inner);
        match does {
            Does::Keep => {
                self.kept.lock().unwrap_or_else(PoisonError::into_inner).push((provider.into(), body, received_at));
                Ok(())
            }
            Does::Fail => Err(IntakeError("disk full".into())),
            Does::Hang => std::future::pending().await,
        }
    }
}

struct Receiver {
    address: SocketAddr,
    webhooks: Arc<Webhooks>,
    intake: Arc<Scripted>,
    entered: mpsc::UnboundedReceiver<()>,
    stop: CancellationToken,
    served: JoinHandle<()>,
}

async fn receiver(limits: Limits, does: Does) -> Receiver {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, entered) = mpsc::unbounded_channel();
    let intake = Arc::new(Scripted { does: Mutex::new(does), kept: Mutex::default(), entered: sender });
    let account = Account { secrets: vec!["s3cret".into(), "0ld".into()], verify_token: Some("hunter2".into()) };
    let accounts = BTreeMap::from([("meta-mx".to_owned(), account), ("closed".to_owned(), Account::default())]);
    let clock = Arc::new(ManualClock::at(NOW));
    let webhooks = Webhooks::new(accounts, Arc::clone(&intake) as Arc<dyn Intake>, clock, limits).unwrap();
    let webhooks = Arc::new(webhooks);
    let stop = CancellationToken::new();
    let served = tokio::spawn(Arc::clone(&webhooks).serve(listener, stop.clone()));
    Receiver { address, webhooks, intake, entered, stop, served }
}

impl Receiver {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// The whole answer to these bytes, read until the receiver hangs up.
    async fn say(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        // The receiver may hang up before it has read all of it.
        drop(stream.write_all(bytes).await);
        rest(&mut stream).await
    }

    fn kept(&self) -> Vec<Kept> {
        self.intake.kept.lock().unwrap().clone()
    }

    fn counted(&self) -> (u64, u64, u64, u64) {
        let Counts { accepted, refused, busy, malformed } = self.webhooks.counts();
        (accepted, refused, busy, malformed)
    }
}

async fn rest(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    // A reset after the answer is no answer's end.
    drop(stream.read_to_end(&mut answer).await);
    String::from_utf8(answer).unwrap()
}

fn status(answer: &str) -> u16 {
    answer.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).and_then(|code| code.parse().ok()).unwrap_or(0)
}

fn sign(secret: &str, body: &[u8]) -> String {
    let mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap().chain_update(body);
    format!("X-Hub-Signature-256: sha256={}", hex::encode(mac.finalize().into_bytes()))
}

fn post(path: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let headers = if headers.is_empty() { String::new() } else { format!("{headers}\r\n") };
    let head = format!("POST {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn signed(body: &[u8]) -> Vec<u8> {
    post("/webhooks/meta-mx", &sign("s3cret", body), body)
}

/// Sends the head of a signed body and returns when the receiver waits for the body itself.
async fn begin(stream: &mut TcpStream, body: &[u8]) {
    const GO_ON: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
    let request = post("/webhooks/meta-mx", &format!("{}\r\nExpect: 100-continue", sign("s3cret", body)), body);
    stream.write_all(&request[..request.len() - body.len()]).await.unwrap();
    let mut said = vec![0; GO_ON.len()];
    stream.read_exact(&mut said).await.unwrap();
    assert_eq!(said, GO_ON);
}

#[tokio::test]
async fn a_signed_body_is_stored_as_it_came_and_then_answered() {
    let receiver = receiver(Limits::default(), Does::Keep).await;
    // Signed but unreadable: stored all the same.
    let bodies: [&[u8]; 4] = [b"{}", b"{ \"object\" : 1 }\n", b"\xff\x00 no JSON", b""];
    for body in bodies {
        assert_eq!(status(&receiver.say(&signed(body)).await), 200);
    }
    let old = post("/webhooks/meta-mx", &sign("0ld", b"{}"), b"{}");
    assert_eq!(status(&receiver.say(&old).await), 200, "both secrets of a rotation are good");
    let expected: Vec<_> =
        bodies.into_iter().chain([&b"{}"[..]]).map(|body| ("meta-mx".to_owned(), Bytes::from(body), NOW)).collect();
    assert_eq!(receiver.kept(), expected);
    assert_eq!(receiver.counted(), (5, 0, 0, 0));
}

#[tokio::test]
async fn one_connection_carries_many_and_chunked_bodies_are_whole() {
    let receiver = receiver(Limits::default(), Does::Keep).await;
    let mut stream = receiver.connect().await;
    let large = vec![b'x'; 3 * 1024 * 1024];
    let mut bytes = String::from_utf8(signed(b"{}")).unwrap().replace("Connection: close\r\n", "").into_bytes();
    bytes.extend(String::from_utf8(signed(&large)).unwrap().replace("Connection: close\r\n", "").into_bytes());
    let chunked = format!(
        "POST /webhooks/meta-mx HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n{}\r\n\r\n2\r\n{{\"\r\n3\r\na\":\r\n2\r\n1}}\r\n0\r\n\r\n",
        sign("s3cret", b"{\"a\":1}")
    );
    bytes.extend(chunked.into_bytes());
    let (mut read, mut write) = stream.split();
    let mut answers = Vec::new();
    let (written, _) = tokio::join!(write.write_all(&bytes), read.read_to_end(&mut answers));
    written.unwrap();
    assert_eq!(String::from_utf8(answers).unwrap().matches("HTTP/1.1 200 OK").count(), 3);
    let kept: Vec<_> = receiver.kept().into_iter().map(|(_, body, _)| body).collect();
    assert_eq!(kept, [Bytes::from_static(b"{}"), Bytes::from(large), Bytes::from_static(b"{\"a\":1}")]);
}

#[tokio::test]
async fn what_is_not_proven_is_not_stored() {
    let receiver = receiver(Limits::default(), Does::Keep).await;
    let good = sign("s3cret", b"{}");
    for headers in [
        String::new(),
        sign("guess", b"{}"),
        sign("s3cret", b"{} "),
        good.to_uppercase(),
        good.replace("256", "1"),
        format!("{good}\r\n{good}"),
        good.replace("sha256=", ""),
    ] {
        let answer = receiver.say(&post("/webhooks/meta-mx", &headers, b"{}")).await;
        assert_eq!(status(&answer), 401, "{headers}");
        assert!(answer.ends_with("\r\n\r\n"), "nothing is said about why: {answer}");
    }
    assert_eq!(receiver.kept(), []);
    assert_eq!(receiver.counted(), (0, 7, 0, 0));
}

#[tokio::test]
async fn an_account_without_secrets_takes_nothing() {
    let receiver = receiver(Limits::default(), Does::Keep).await;
    for secret in ["", "s3cret"] {
        let header = sign(secret, b"{}");
        assert_eq!(status(&receiver.say(&post("/webhooks/closed", &header, b"{}")).await), 401);
    }
    for token in ["", "hunter2"] {
        let query = format!("hub.mode=subscribe&hub.challenge=1&hub.verify_token={token}");
        let ask = format!("GET /webhooks/closed?{query} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
        assert_eq!(status(&receiver.say(ask.as_bytes()).await), 401);
    }
    let empty = BTreeMap::from([("a".to_owned(), Account { secrets: vec!["".into()], verify_token: None })]);
    let intake = Arc::clone(&receiver.intake) as Arc<dyn Intake>;
    let refused = Webhooks::new(empty, intake, Arc::new(ManualClock::default()), Limits::default()).map(|_| ());
    assert_eq!(refused, Err(BadSecret::Empty));
}

#[tokio::test]
async fn nothing_else_is_served() {
    let receiver = receiver(Limits::default(), Does::Keep).await;
    for path in
        ["/", "/webhooks", "/webhooks/", "/webhooks/other", "/webhooks/meta-mx/", "/webhooks/META-MX", "/webhooks/meta-mx/x"]
    {
        assert_eq!(status(&receiver.say(&post(path, &sign("s3cret", b"{}"), b"{}")).await), 404, "{path}");
    }
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"] {
        let request = format!("{method} /webhooks/meta-mx HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
        assert_eq!(status(&receiver.say(request.as_bytes()).await), 405, "{method}");
    }
    assert_eq!(receiver.kept(), []);
}

#[tokio::test]
async fn the_handshake_is_answered_with_the_bare_challenge() {
    let receiver = receiver(Limits::default(), Does::Keep).await;
    let ask =
        |query: &str| format!("GET /webhooks/meta-mx?{query} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").into_bytes();
    let good = receiver.say(&ask("hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=hunter2")).await;
    assert_eq!(status(&good), 200);
    assert!(good.contains("content-type: text/plain\r\n") && good.ends_with("\r\n\r\n1158201444"), "{good}");
    for (query, expected) in [
        ("hub.mode=subscribe&hub.challenge=1&hub.verify_token=guess", 401),
        ("hub.mode=unsubscribe&hub.challenge=1&hub.verify_token=hunter2", 401),
        ("hub.mode=subscribe&hub.challenge=%3Cscript%3E&hub.verify_token=hunter2", 401),
        ("hub.mode=subscribe&hub.challenge=&hub.verify_token=hunter2", 401),
        ("hub.mode=subscribe&hub.challenge=1", 400),
        ("hub.mode=subscribe&hub.challenge=1&hub.verify_token=hunter2&hub.challenge=2", 400),
        ("", 400),
    ] {
        let answer = receiver.say(&ask(query)).await;
        assert_eq!(status(&answer), expected, "{query}");
        assert!(!answer.contains("script"), "{answer}");
    }
    assert_eq!(receiver.counted(), (0, 4, 0, 3));
}

#[tokio::test]
async fn what_is_too_long_is_refused_announced_or_not() {
    let limits = Limits { body: 1_000, ..Limits::default() };
    let receiver = receiver(limits, Does::Keep).await;
    assert_eq!(status(&receiver.say(&signed(&[b'x'; 1_000])).await), 200);
    assert_eq!(status(&receiver.say(&signed(&[b'x'; 1_001])).await), 413);
    let chunked = |length: usize| {
        let body = "x".repeat(length);
        let signature = sign("s3cret", body.as_bytes());
        format!(
            "POST /webhooks/meta-mx HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n{signature}\r\n\r\n{length:x}\r\n{body}\r\n0\r\n\r\n"
        )
    };
    assert_eq!(status(&receiver.say(chunked(1_000).as_bytes()).await), 200);
    assert_eq!(status(&receiver.say(chunked(1_001).as_bytes()).await), 413);
    let endless = post("/webhooks/meta-mx", &sign("s3cret", b""), b"");
    let endless = String::from_utf8(endless).unwrap().replace("Content-Length: 0", "Content-Length: 99999999999999999999999");
    assert_eq!(status(&receiver.say(endless.as_bytes()).await), 400);
    assert_eq!(receiver.kept().len(), 2);
}

#[tokio::test]
async fn a_long_head_is_refused() {
    let receiver = receiver(Limits::default(), Does::Keep).await;
    let padded =
        |length: usize| post("/webhooks/meta-mx", &format!("{}\r\nX-Pad: {}", sign("s3cret", b"{}"), "x".repeat(length)), b"{}");
    assert_eq!(status(&receiver.say(&padded(15_000)).await), 200);
    assert_eq!(status(&receiver.say(&padded(16 * 1024)).await), 431);
    let many = format!("{}{}", sign("s3cret", b"{}"), "\r\nX: y".repeat(100));
    assert_eq!(status(&receiver.say(&post("/webhooks/meta-mx", &many, b"{}")).await), 431);
    assert_eq!(status(&receiver.say(b"no HTTP at all\r\n\r\n").await), 400);
}

/// Time jumps to the limit once nothing else is to do.
#[tokio::test]
async fn a_slow_head_is_hung_up_on() {
    let receiver = receiver(Limits::default(), Does::Keep).await;
    for beginning in ["", "POST /webhooks/meta-mx HTTP/1.1\r\nHost: h\r\n"] {
        let mut stream = receiver.connect().await;
        stream.write_all(beginning.as_bytes()).await.unwrap();
        tokio::time::pause();
        let started = tokio::time::Instant::now();
        assert_ne!(status(&rest(&mut stream).await), 200);
        let waited = started.elapsed();
        tokio::time::resume();
        assert!(waited >= Duration::from_secs(9) && waited < Duration::from_secs(20), "{waited:?}");
    }
    assert_eq!(receiver.kept(), []);
}

#[tokio::test]
async fn a_slow_body_is_not_waited_for() {
    let receiver = receiver(Limits::default(), Does::Keep).await;
    let mut stream = receiver.connect().await;
    begin(&mut stream, b"{\"a\":1}").await;
    stream.write_all(b"{").await.unwrap();
    tokio::time::pause();
    let answer = rest(&mut stream).await;
    tokio::time::resume();
    assert_eq!(status(&answer), 408);
    assert_eq!(receiver.counted(), (0, 0, 0, 1));
}

#[tokio::test]
async fn what_cannot_be_stored_is_answered_with_come_again() {
    let mut receiver = receiver(Limits::default(), Does::Fail).await;
    assert_eq!(status(&receiver.say(&signed(b"{}")).await), 503);
    receiver.entered.recv().await.unwrap();

    *receiver.intake.does.lock().unwrap() = Does::Hang;
    let mut stream = receiver.connect().await;
    stream.write_all(&signed(b"{}")).await.unwrap();
    receiver.entered.recv().await.unwrap();
    tokio::time::pause();
    let started = tokio::time::Instant::now();
    assert_eq!(status(&rest(&mut stream).await), 503);
    let waited = started.elapsed();
    tokio::time::resume();
    assert!(waited <= Duration::from_secs(3), "{waited:?}");
    assert_eq!(receiver.counted(), (0, 0, 2, 0));
}

#[tokio::test]
async fn bytes_in_flight_are_bounded_and_given_back() {
    let limits = Limits { in_flight: 1_000, ..Limits::default() };
    let mut receiver = receiver(limits, Does::Hang).await;
    let mut holder = receiver.connect().await;
    holder.write_all(&signed(&[b'x'; 600])).await.unwrap();
    receiver.entered.recv().await.unwrap();

    // Announced bytes that do not come take no room.
    let mut silent = receiver.connect().await;
    begin(&mut silent, &[b'y'; 900]).await;

    *receiver.intake.does.lock().unwrap() = Does::Keep;
    assert_eq!(status(&receiver.say(&signed(&[b'z'; 401])).await), 503);
    assert_eq!(status(&receiver.say(&signed(&[b'z'; 400])).await), 200);
    drop(holder);
    tokio::time::pause();
    // The holder's store is given up at its time-out at the latest.
    tokio::time::sleep(Duration::from_secs(3)).await;
    tokio::time::resume();
    assert_eq!(status(&receiver.say(&signed(&[b'z'; 1_000])).await), 200);
}

#[tokio::test]
async fn connections_are_bounded_and_the_next_one_waits() {
    let limits = Limits { connections: 2, ..Limits::default() };
    let receiver = receiver(limits, Does::Keep).await;
    let (first, _second) = (receiver.connect().await, receiver.connect().await);
    let mut third = receiver.connect().await;
    third.write_all(&signed(b"{}")).await.unwrap();
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(receiver.kept(), [], "no room yet");
    drop(first);
    assert_eq!(status(&rest(&mut third).await), 200);
}

#[tokio::test]
async fn stopping_waits_for_what_is_open() {
    let receiver = receiver(Limits::default(), Does::Keep).await;
    let idle = receiver.connect().await;
    let mut open = receiver.connect().await;
    begin(&mut open, b"{}").await;
    receiver.stop.cancel();
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    open.write_all(b"{}").await.unwrap();
    assert_eq!(status(&rest(&mut open).await), 200);
    receiver.served.await.unwrap();
    assert!(TcpStream::connect(receiver.address).await.is_err(), "the listener is closed");
    assert_eq!(receiver.intake.kept.lock().unwrap().len(), 1);
    drop(idle);
}
