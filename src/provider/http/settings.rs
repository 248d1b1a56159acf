//! What a transport is made of, and what is refused before the first call.

use std::net::IpAddr;
use std::time::Duration;

use reqwest::Url;
use secrecy::SecretString;

/// Messages in flight one HTTP/2 connection is given: peers allow 100 streams, and some room is left.
const STREAMS: u64 = 80;

/// How a provider is called.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// Where its API is: `https`, or `http` on this machine. A path in it stands before every request's.
    pub base_url: String,
    /// The bearer token of every request.
    pub token: SecretString,
    /// Clients, each with an HTTP/2 connection of its own; see [`clients_for`].
    pub clients: usize,
    /// Longest wait for a connection with TLS: 5 seconds.
    pub connect_timeout: Duration,
    /// Longest wait for a whole answer, connecting included: 30 seconds.
    pub timeout: Duration,
    /// The only proxy used; proxies of the environment are not.
    pub proxy: Option<String>,
    /// Certificates trusted beside the system's, PEM.
    pub extra_root: Option<Vec<u8>>,
}

impl HttpSettings {
    /// The usual settings for this address and token. Times: reliability, section 1.6.
    pub fn new(base_url: impl Into<String>, token: SecretString) -> Self {
        Self {
            base_url: base_url.into(),
            token,
            clients: 1,
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(30),
            proxy: None,
            extra_root: None,
        }
    }

    pub(super) fn base(&self) -> Result<Url, BadSettings> {
        let refused = |why| BadSettings::BaseUrl { url: self.base_url.clone(), why };
        let url: Url = self.base_url.parse().map_err(|_| refused("is no URL"))?;
        let host = url.host_str().ok_or_else(|| refused("has no host"))?;
        if url.username() != "" || url.password().is_some() {
            // Not repeated: it holds a secret.
            return Err(BadSettings::BaseUrl { url: host.to_owned(), why: "has a user or password in it" });
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(refused("has a query or fragment"));
        }
        match url.scheme() {
            "https" => Ok(url),
            "http" if on_this_machine(host) => Ok(url),
            "http" => Err(refused("is not encrypted; only this machine may be called by http")),
            _ => Err(refused("is neither https nor http")),
        }
    }
}

fn on_this_machine(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Clients needed so that no HTTP/2 connection has more than 80 calls in flight: one connection of 100 streams and 200 ms
/// carries 500 messages a second, whoever waits.
pub fn clients_for(rate_per_second: u32, p95_latency: Duration) -> usize {
    let millis = u64::try_from(p95_latency.as_millis()).unwrap_or(u64::MAX);
    let in_flight = u64::from(rate_per_second).saturating_mul(millis).div_ceil(1_000);
    usize::try_from(in_flight.div_ceil(STREAMS)).unwrap_or(usize::MAX).max(1)
}

/// Why a transport cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSettings {
    /// The address.
    #[error("the base URL `{url}` {why}: write it like `https://graph.facebook.com`")]
    BaseUrl {
        /// As written, without what is secret in it.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The token.
    #[error("the token has characters that no header can carry: check it for line breaks")]
    Token,
    /// The proxy.
    #[error("the proxy is no URL: write it like `http://proxy.example:3128`")]
    Proxy,
    /// The certificates.
    #[error("the extra certificates are not PEM")]
    Certificate,
    /// The client.
    #[error("the HTTP client cannot be made: {0}")]
    Client(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_encrypted_addresses_leave_this_machine() {
        let base =
            |url: &str| HttpSettings::new(url, "t".into()).base().map(|url| url.to_string()).map_err(|error| error.to_string());
        for url in ["https://graph.facebook.com/", "https://proxy.example/meta/", "https://10.0.0.1/"] {
            assert_eq!(base(url).as_deref(), Ok(url));
        }
        for url in ["http://127.0.0.1:9/", "http://localhost:9/", "http://[::1]:9/", "http://127.1.2.3/", "http://2130706433/"] {
            assert!(base(url).is_ok(), "{url}");
        }
        for url in [
            "http://graph.facebook.com",
            "http://localhost.evil.example",
            "http://127.0.0.1.evil.example",
            "http://0.0.0.0",
            "http://[::ffff:10.0.0.1]",
            "http://192.168.0.1",
            "ftp://127.0.0.1",
            "file:///etc/passwd",
            "graph.facebook.com",
            "https://",
            "https://graph.facebook.com/?x=1",
            "https://graph.facebook.com/#x",
            "",
        ] {
            let error = base(url).unwrap_err();
            assert!(error.ends_with("write it like `https://graph.facebook.com`"), "{error}");
        }
        let error = base("https://user:hunter2@graph.facebook.com").unwrap_err();
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[test]
    fn clients_follow_the_calls_in_flight() {
        for (rate, millis, clients) in
            [(70, 100, 1), (1_000, 80, 1), (1_000, 81, 2), (1_000, 400, 5), (0, 0, 1), (17_000, 100, 22)]
        {
            assert_eq!(clients_for(rate, Duration::from_millis(millis)), clients, "{rate} {millis}");
        }
        assert!(clients_for(u32::MAX, Duration::MAX) > 1);
    }

    #[test]
    fn the_token_is_not_shown() {
        let settings = HttpSettings::new("https://graph.facebook.com", "EAAGsecret".into());
        assert!(!format!("{settings:?}").contains("EAAGsecret"));
    }
}
