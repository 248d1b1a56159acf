//! Requests over the network: a request goes in, the provider's answer or the reason there is none comes out.
//!
//! Makes one call a request and never a second one: a hidden retry is a duplicate at somebody's phone. Says "not sent" only when no
//! byte of the request can have left. Knows no provider, no message and no outcome.

mod answer;
mod settings;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use async_trait::async_trait;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Body, Certificate, Client, Method, Proxy, Url, redirect, retry, tls};
use secrecy::ExposeSecret as _;

use super::contract::{Reply, Request, Transport, TransportError};
use crate::time::Clock;

pub use answer::retry_after;
pub use settings::{BadSettings, HttpSettings, clients_for};

/// An idle connection is closed after this long: sooner than a provider closes it, so that no request meets a closing one
/// (reliability, section 1.6).
const POOL_IDLE: Duration = Duration::from_secs(15);
/// How often an HTTP/2 connection is asked whether it still lives, and how long it may take to say so.
const PING: Duration = Duration::from_secs(20);
const PONG: Duration = Duration::from_secs(10);
const USER_AGENT: &str = concat!("fanfare/", env!("CARGO_PKG_VERSION"));

/// Makes ring the process's TLS implementation. Harmless when called again; called by [`HttpTransport::new`].
pub fn install_tls() {
    // Fails only when one is installed already, which is then kept.
    drop(rustls::crypto::ring::default_provider().install_default());
}

/// Calls one provider's API.
///
/// What it cannot prove: an HTTP/2 stream refused by the peer (`REFUSED_STREAM`, a `GOAWAY` below it) was not processed, but is
/// told as [`TransportError::NoAnswer`], since its headers left and its reason is not visible through this client.
pub struct HttpTransport {
    /// One HTTP/2 connection each; asked in turn.
    clients: Box<[Client]>,
    turn: AtomicUsize,
    base: Url,
    /// The base URL's own path, without a slash at its end.
    prefix: String,
    /// The last path and its address: a lane's path is nearly always the same.
    last: ArcSwapOption<(String, Url)>,
    clock: Arc<dyn Clock>,
}

impl HttpTransport {
    /// Connects to nothing yet.
    ///
    /// # Errors
    /// When the base URL is not `https` (or `http` on this machine), or the token, proxy or certificate cannot be used.
    pub fn new(settings: &HttpSettings, clock: Arc<dyn Clock>) -> Result<Self, BadSettings> {
        install_tls();
        let base = settings.base()?;
        let clients = (0..settings.clients.max(1)).map(|_| client(settings, &base)).collect::<Result<_, _>>()?;
        let prefix = base.path().trim_end_matches('/').to_owned();
        Ok(Self { clients, turn: AtomicUsize::new(0), base, prefix, last: ArcSwapOption::empty(), clock })
    }

    fn client(&self) -> Option<&Client> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        self.clients.get(turn.checked_rem(self.clients.len())?)
    }

    fn url(&self, path: &str) -> Url {
        if let Some(last) = self.last.load().as_deref().filter(|(of, _)| of == path) {
            return last.1.clone();
        }
        let mut url = self.base.clone();
        if self.prefix.is_empty() {
            url.set_path(path);
        } else {
            url.set_path(&[&self.prefix, path].concat());
        }
        self.last.store(Some(Arc::new((path.to_owned(), url.clone()))));
        url
    }
}

fn client(settings: &HttpSettings, base: &Url) -> Result<Client, BadSettings> {
    let mut token =
        HeaderValue::from_str(&["Bearer ", settings.token.expose_secret()].concat()).map_err(|_| BadSettings::Token)?;
    token.set_sensitive(true);
    let headers = HeaderMap::from_iter([(AUTHORIZATION, token), (CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    let mut client = Client::builder()
        .user_agent(USER_AGENT)
        .default_headers(headers)
        .redirect(redirect::Policy::none())
        .referer(false)
        .retry(retry::never())
        .no_proxy()
        .connect_timeout(settings.connect_timeout)
        .timeout(settings.timeout)
        .pool_idle_timeout(POOL_IDLE)
        .http2_keep_alive_interval(PING)
        .http2_keep_alive_timeout(PONG)
        .http2_keep_alive_while_idle(true);
    if let Some(proxy) = &settings.proxy {
        client = client.proxy(Proxy::all(proxy).map_err(|_| BadSettings::Proxy)?);
    }
    let extra = match &settings.extra_root {
        Some(pem) => Certificate::from_pem_bundle(pem).map_err(|_| BadSettings::Certificate)?,
        None => Vec::new(),
    };
    client = if base.scheme() == "https" {
        client.https_only(true).tls_version_min(tls::Version::TLS_1_2).tls_certs_merge(extra)
    } else {
        // Plain HTTP on this machine needs no certificates, so the system's are not read.
        client.tls_certs_only(extra)
    };
    client.build().map_err(|error| BadSettings::Client(answer::reason(error)))
}

impl fmt::Debug for HttpTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let base = self.base.as_str();
        f.debug_struct("HttpTransport").field("base", &base).field("clients", &self.clients.len()).finish_non_exhaustive()
    }
}

#[async_trait]
impl Transport for HttpTransport {
    async fn post(&self, request: &Request) -> Result<Reply, TransportError> {
        let mut call = reqwest::Request::new(Method::POST, self.url(&request.path));
        *call.body_mut() = Some(Body::from(request.body.clone()));
        let Some(client) = self.client() else { return Err(TransportError::NotSent("no client".to_owned())) };
        match client.execute(call).await {
            Ok(response) => answer::read(response, self.clock.as_ref()).await,
            Err(error) => Err(answer::without(error)),
        }
    }
}
