//! The callback: its address, and a connection to it.
//!
//! In: a URL and signed bytes. Out: the status it answered with. Loopback only; one request at a time on a kept connection.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_TYPE, HOST, USER_AGENT};
use hyper::{Method, Request, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::simulator::SimulatorError;

/// The longest answer that is read.
const ANSWER_BYTES: usize = 64 * 1_024;

/// Where webhooks go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::simulator) struct Target {
    address: SocketAddr,
    host: String,
    path: String,
}

impl Target {
    /// Reads a URL; only `http` and loopback addresses (or `localhost`) are taken.
    pub(in crate::simulator) fn parse(url: &str) -> Result<Self, SimulatorError> {
        let refused = || SimulatorError::NotLoopback(url.to_owned());
        let uri: Uri = url.parse().map_err(|_| refused())?;
        let authority = uri.authority().ok_or_else(refused)?;
        if uri.scheme_str() != Some("http") {
            return Err(refused());
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        let ip = if host == "localhost" { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { host.parse().map_err(|_| refused())? };
        if !ip.is_loopback() {
            return Err(refused());
        }
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        Ok(Self {
            address: SocketAddr::new(ip, authority.port_u16().unwrap_or(80)),
            host: authority.as_str().to_owned(),
            path: path.to_owned(),
        })
    }

    /// The path and what follows it.
    pub(in crate::simulator) fn path(&self) -> &str {
        &self.path
    }

    /// The path, with `query` added to it.
    pub(in crate::simulator) fn with_query(&self, query: &str) -> String {
        let joint = if self.path.contains('?') { '&' } else { '?' };
        format!("{}{joint}{query}", self.path)
    }
}

/// A kept connection to a [`Target`].
#[derive(Debug, Default)]
pub(in crate::simulator) struct Line {
    open: Option<(Target, SendRequest<Full<Bytes>>)>,
}

impl Line {
    /// Makes one request and reads the answer: its status and its first bytes.
    pub(in crate::simulator) async fn request(
        &mut self,
        target: &Target,
        method: Method,
        path: &str,
        signature: Option<&str>,
        body: &Bytes,
    ) -> io::Result<(u16, Bytes)> {
        let make = || {
            let mut builder = Request::builder().method(method.clone()).uri(path);
            builder = builder.header(HOST, &target.host).header(USER_AGENT, "fanfare-simulator");
            if let Some(signature) = signature {
                builder = builder.header("x-hub-signature-256", signature).header(CONTENT_TYPE, "application/json");
            }
            builder.body(Full::new(body.clone())).map_err(io::Error::other)
        };
        let kept = self.open.take().filter(|(to, sender)| to == target && !sender.is_closed());
        let was_kept = kept.is_some();
        let mut sender = match kept {
            Some((_, sender)) => sender,
            None => connect(target).await?,
        };
        // A kept connection may have been closed by the other side just now; a new one is then no second try.
        if was_kept && sender.ready().await.is_err() {
            sender = connect(target).await?;
        }
        let answer = sender.send_request(make()?).await.map_err(io::Error::other)?;
        let status = answer.status().as_u16();
        let body = Limited::new(answer.into_body(), ANSWER_BYTES).collect().await.map_err(io::Error::other)?.to_bytes();
        self.open = Some((target.clone(), sender));
        Ok((status, body))
    }
}

async fn connect(target: &Target) -> io::Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(target.address).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    // It ends with its sender; an error of the connection is the request's error.
    tokio::spawn(connection);
    Ok(sender)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_addresses_are_taken() {
        let target = Target::parse("http://127.0.0.1:8080/hook?x=1").unwrap();
        assert_eq!(target.address, "127.0.0.1:8080".parse().unwrap());
        assert_eq!((target.host.as_str(), target.path.as_str()), ("127.0.0.1:8080", "/hook?x=1"));
        assert_eq!(target.with_query("a=b"), "/hook?x=1&a=b");
        assert!(Target::parse("http://localhost/").is_ok());
        assert!(Target::parse("http://[::1]:9/").is_ok());
        for url in
            ["http://example.org/", "https://127.0.0.1/", "http://10.0.0.1/", "127.0.0.1:80", "nonsense", "http://0.0.0.0:1/"]
        {
            assert!(Target::parse(url).is_err(), "{url}");
        }
    }
}
