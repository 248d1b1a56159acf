//! Real sockets, scripted byte by byte: what each kind of trouble is told as, and that every call is made once.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::*;
use crate::time::{ManualClock, Timestamp};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

/// What a scripted server does once it has read a request.
#[derive(Clone, Copy, Debug)]
enum Then {
    /// Writes these bytes and waits for the next request on the same connection.
    Say(&'static [u8]),
    /// Writes these bytes and ends the connection in order.
    SayAndClose(&'static [u8]),
    /// Writes these bytes and resets the connection.
    SayAndReset(&'static [u8]),
    /// Writes these bytes and then nothing, for ever.
    SayAndHang(&'static [u8]),
    /// Writes a header and a mebibyte, and this many bytes more.
    Flood { announced: bool, more: usize },
}

/// A server that reacts to its nth request by the nth step. Shows each request as it came.
async fn server(steps: Vec<Then>) -> (SocketAddr, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (seen, requests) = mpsc::unbounded_channel();
    let next = Arc::new(AtomicUsize::new(0));
    let steps: Arc<[Then]> = steps.into();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(serve(stream, Arc::clone(&steps), Arc::clone(&next), seen.clone()));
        }
    });
    (address, requests)
}

async fn serve(mut stream: TcpStream, steps: Arc<[Then]>, next: Arc<AtomicUsize>, seen: mpsc::UnboundedSender<String>) {
    while let Some(request) = read_request(&mut stream).await {
        let step = steps[next.fetch_add(1, Ordering::SeqCst)];
        seen.send(request).unwrap();
        match step {
            Then::Say(bytes) => stream.write_all(bytes).await.unwrap(),
            Then::SayAndClose(bytes) => return stream.write_all(bytes).await.unwrap(),
            Then::SayAndReset(bytes) => {
                stream.write_all(bytes).await.unwrap();
                return stream.set_zero_linger().unwrap();
            }
            Then::SayAndHang(bytes) => {
                stream.write_all(bytes).await.unwrap();
                return std::future::pending().await;
            }
            Then::Flood { announced, more } => {
                let length = 1024 * 1024 + more;
                let head = if announced {
                    format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n")
                } else {
                    format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{length:x}\r\n")
                };
                // The client may hang up in the middle.
                drop(stream.write_all(head.as_bytes()).await);
                drop(stream.write_all(&vec![b' '; length]).await);
                drop(stream.write_all(if announced { b"" } else { b"\r\n0\r\n\r\n" }).await);
            }
        }
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8(bytes.clone()).unwrap();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.to_lowercase().split_once("content-length: ")?.1.split("\r\n").next()?.parse::<usize>().ok()?;
            if body.len() == length {
                return Some(text);
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

fn transport(base_url: &str) -> HttpTransport {
    transport_with(&HttpSettings::new(base_url, "EAAGtoken".into()))
}

fn transport_with(settings: &HttpSettings) -> HttpTransport {
    HttpTransport::new(settings, Arc::new(ManualClock::at(Timestamp::from_secs(1_795_225_500)))).unwrap()
}

fn request() -> Request {
    Request { path: "/v26.0/1/messages".into(), body: Bytes::from_static(br#"{"to":"+15550001111"}"#) }
}

/// The result of one call to a server of these steps, and how many requests the server read.
async fn call(steps: Vec<Then>) -> (Result<Reply, TransportError>, usize) {
    let (address, mut requests) = server(steps).await;
    let result = transport(&format!("http://{address}")).post(&request()).await;
    let mut count = 0;
    while requests.try_recv().is_ok() {
        count += 1;
    }
    (result, count)
}

fn no_answer(result: &Result<Reply, TransportError>) -> &str {
    match result {
        Err(TransportError::NoAnswer(why)) => why,
        other => panic!("{other:?}"),
    }
}

fn not_sent(result: &Result<Reply, TransportError>) -> &str {
    match result {
        Err(TransportError::NotSent(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_request_is_what_the_provider_reads() {
    let (address, mut requests) = server(vec![Then::Say(OK), Then::Say(OK)]).await;
    let reply = transport(&format!("http://{address}")).post(&request()).await.unwrap();
    assert_eq!(reply, Reply { status: 200, retry_after: None, body: Bytes::from_static(b"{}") });
    let seen = requests.recv().await.unwrap().to_lowercase();
    let (head, body) = seen.split_once("\r\n\r\n").unwrap();
    let mut lines: Vec<_> = head.split("\r\n").collect();
    lines[1..].sort_unstable();
    let (host, agent) = (format!("host: {address}"), format!("user-agent: fanfare/{}", env!("CARGO_PKG_VERSION")));
    let expected: [&str; 7] = [
        "post /v26.0/1/messages http/1.1",
        "accept: */*",
        "authorization: bearer eaagtoken",
        "content-length: 21",
        "content-type: application/json",
        &host,
        &agent,
    ];
    assert_eq!(lines, expected);
    assert_eq!(body, r#"{"to":"+15550001111"}"#);

    let prefixed = transport(&format!("http://{address}/meta/"));
    prefixed.post(&request()).await.unwrap();
    assert!(requests.recv().await.unwrap().starts_with("POST /meta/v26.0/1/messages HTTP/1.1\r\n"));
    assert!(!format!("{prefixed:?}").contains("EAAG"));
}

#[tokio::test]
async fn what_the_provider_says_is_handed_on() {
    let busy = b"HTTP/1.1 429 Too Many\r\nRetry-After: Sat, 21 Nov 2026 01:45:30 GMT\r\nContent-Length: 0\r\n\r\n";
    let (result, requests) = call(vec![Then::Say(busy)]).await;
    let expected = Reply { status: 429, retry_after: Some(Duration::from_secs(30)), body: Bytes::new() };
    assert_eq!((result.unwrap(), requests), (expected, 1));

    let broken = b"HTTP/1.1 503 Down\r\nRetry-After: soon\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n<ht\r\n3\r\nml>\r\n2\r\n!!\r\n0\r\n\r\n";
    let (result, requests) = call(vec![Then::Say(broken)]).await;
    let expected = Reply { status: 503, retry_after: None, body: Bytes::from_static(b"<html>!!") };
    assert_eq!((result.unwrap(), requests), (expected, 1));
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let moved = b"HTTP/1.1 307 Moved\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n";
    let (result, requests) = call(vec![Then::Say(moved), Then::Say(OK)]).await;
    assert_eq!((result.unwrap().status, requests), (307, 1));
}

#[tokio::test]
async fn a_refused_port_proves_that_nothing_was_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let result = transport(&format!("http://{address}")).post(&request()).await;
    let why = not_sent(&result);
    assert!(why.to_lowercase().contains("connection refused"), "{why}");
    assert!(!why.contains("/v26.0/"), "{why}");
}

#[tokio::test]
async fn trouble_after_the_request_left_proves_nothing_and_is_not_tried_again() {
    let half = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"messages\":[";
    let half_chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"mes\r\n";
    for step in [
        Then::SayAndReset(b""),
        Then::SayAndClose(b""),
        Then::SayAndReset(b"HTTP/1.1 200 OK\r\n"),
        Then::SayAndClose(b"HTTP/1.1 200 OK\r\n"),
        Then::SayAndReset(half),
        Then::SayAndClose(half),
        Then::SayAndReset(half_chunked),
        Then::SayAndClose(half_chunked),
        Then::SayAndClose(b"220 smtp.example ESMTP\r\n"),
        Then::SayAndClose(b"\x16\x03\x01\x00\x00"),
        Then::SayAndClose(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
    ] {
        let (result, requests) = call(vec![step, Then::Say(OK)]).await;
        no_answer(&result);
        assert_eq!(requests, 1, "{step:?}");
    }
}

/// Time jumps to the time-out once the server has the request: nothing waits.
#[tokio::test]
async fn silence_ends_in_a_time_out_that_proves_nothing() {
    for said in [&b""[..], b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"] {
        let (address, mut requests) = server(vec![Then::SayAndHang(said)]).await;
        let transport = transport(&format!("http://{address}"));
        let call = tokio::spawn(async move {
            let started = tokio::time::Instant::now();
            (transport.post(&request()).await, started.elapsed())
        });
        requests.recv().await.unwrap();
        tokio::time::pause();
        let (result, waited) = call.await.unwrap();
        tokio::time::resume();
        assert!(no_answer(&result).contains("timed out"), "{result:?}");
        assert!(waited >= Duration::from_secs(29), "{waited:?}");
    }
}

#[tokio::test]
async fn an_answer_longer_than_a_mebibyte_is_none() {
    for announced in [true, false] {
        let (result, requests) = call(vec![Then::Flood { announced, more: 0 }]).await;
        assert_eq!((result.unwrap().body.len(), requests), (1024 * 1024, 1));
        let (result, requests) = call(vec![Then::Flood { announced, more: 1 }]).await;
        assert_eq!(no_answer(&result), "the answer is longer than 1 MiB");
        assert_eq!(requests, 1);
    }
}

/// The race every keep-alive client runs: the peer gives up an idle connection just when the next request comes.
#[tokio::test]
async fn a_connection_closed_under_a_second_request_is_not_tried_again() {
    let (address, mut requests) = server(vec![Then::Say(OK), Then::SayAndReset(b""), Then::Say(OK)]).await;
    let transport = transport(&format!("http://{address}"));
    assert!(transport.post(&request()).await.is_ok());
    no_answer(&transport.post(&request()).await);
    assert!(transport.post(&request()).await.is_ok());
    let mut count = 0;
    while requests.try_recv().is_ok() {
        count += 1;
    }
    assert_eq!(count, 3, "one request a call");
}

/// hyper-util tries again what it took back untouched from a reused connection; that must never show as a second request.
#[tokio::test]
async fn every_call_is_one_request_however_connections_end() {
    const CALLS: usize = 300;
    let steps = (0..CALLS).map(|call| if call % 2 == 0 { Then::Say(OK) } else { Then::SayAndClose(OK) }).collect();
    let (address, mut requests) = server(steps).await;
    let transport = transport(&format!("http://{address}"));
    let mut untouched = 0;
    for _ in 0..CALLS {
        match transport.post(&request()).await {
            Ok(_) => {}
            // Closed in order before the request was written to it: the server never read it.
            Err(TransportError::NoAnswer(_) | TransportError::NotSent(_)) => untouched += 1,
        }
    }
    let mut count = 0;
    while requests.try_recv().is_ok() {
        count += 1;
    }
    assert!(count <= CALLS && count + untouched == CALLS, "{count} requests, {untouched} untouched");
}

fn tls_file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/providers/tls").join(name)
}

/// A TLS server with this certificate for one connection; gives the bytes of the request it could read.
fn tls_server(certificate: &str) -> (SocketAddr, std::thread::JoinHandle<Vec<u8>>) {
    install_tls();
    let chain: Vec<_> = CertificateDer::pem_file_iter(tls_file(certificate)).unwrap().map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(tls_file("server.key")).unwrap();
    let config = rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let thread = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut stream = rustls::StreamOwned::new(rustls::ServerConnection::new(Arc::new(config)).unwrap(), stream);
        let (mut seen, mut buffer) = (Vec::new(), [0; 4096]);
        while let Ok(count @ 1..) = stream.read(&mut buffer) {
            seen.extend_from_slice(&buffer[..count]);
            if seen.ends_with(b"}") {
                stream.write_all(OK).unwrap();
            }
        }
        seen
    });
    (address, thread)
}

/// What the server read, once the client has hung up, which it must have a thread for.
async fn read(server: std::thread::JoinHandle<Vec<u8>>) -> Vec<u8> {
    tokio::task::spawn_blocking(move || server.join().unwrap()).await.unwrap()
}

async fn call_tls(address: SocketAddr) -> Result<Reply, TransportError> {
    let extra_root = Some(std::fs::read(tls_file("authority.pem")).unwrap());
    let settings = HttpSettings::new(format!("https://localhost:{}", address.port()), "EAAGtoken".into());
    transport_with(&HttpSettings { extra_root, ..settings }).post(&request()).await
}

#[tokio::test]
async fn a_good_certificate_carries_the_request() {
    let (address, server) = tls_server("good.pem");
    assert_eq!(call_tls(address).await.unwrap().status, 200);
    let seen = String::from_utf8(read(server).await).unwrap();
    assert!(seen.contains("Bearer EAAGtoken") && seen.ends_with(r#"{"to":"+15550001111"}"#), "{seen}");
}

#[tokio::test]
async fn a_bad_certificate_gets_not_one_byte() {
    for certificate in ["expired.pem", "other_host.pem", "self_signed.pem"] {
        let (address, server) = tls_server(certificate);
        let result = call_tls(address).await;
        let why = not_sent(&result);
        assert!(why.contains("certificate"), "{certificate}: {why}");
        assert_eq!(read(server).await, b"", "{certificate}");
    }
}

#[tokio::test]
async fn no_tls_is_not_sent() {
    let too_old = b"\x15\x03\x02\x00\x02\x02\x46";
    for said in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], too_old, b""] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut hello = vec![0; 4096];
            let count = stream.read(&mut hello).await.unwrap();
            stream.write_all(said).await.unwrap();
            hello.truncate(count);
            hello
        });
        not_sent(&call_tls(address).await);
        let hello = server.await.unwrap();
        assert!(hello.starts_with(&[0x16, 3]) && !hello.windows(4).any(|bytes| bytes == b"EAAG"), "a greeting and nothing else");
    }
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused_at_once() {
    let with = |change: fn(&mut HttpSettings)| {
        let mut settings = HttpSettings::new("https://graph.facebook.com", "t".into());
        change(&mut settings);
        HttpTransport::new(&settings, Arc::new(ManualClock::default())).map(|_| ()).unwrap_err()
    };
    assert_eq!(with(|settings| settings.token = "a\nb".into()), BadSettings::Token);
    assert_eq!(with(|settings| settings.proxy = Some("::".into())), BadSettings::Proxy);
    assert_eq!(with(|settings| settings.extra_root = Some(b"-----BEGIN CERTIFICATE-----\n!".to_vec())), BadSettings::Certificate);
}
