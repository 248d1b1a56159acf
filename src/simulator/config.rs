//! What a simulated provider is told before it starts.
//!
//! In: TOML or a value built in code. Out: checked settings. Every share is a fraction of 1 and every default is the quiet
//! one: an API that answers at once, loses nothing and reports `sent`, `delivered` and, for half the people, `read`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::Deserialize;

use super::SimulatorError;
use super::catalogue::Catalogue;
use super::faults::{Faults, ScriptRule};
use super::people::PeopleConfig;
use super::webhook::WebhookConfig;

/// Everything a simulator is told. Unknown keys are errors.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SimulatorConfig {
    /// Where to listen. Only loopback addresses are accepted; port 0 takes a free one. Default `127.0.0.1:0`.
    pub listen: SocketAddr,
    /// The root of every chance.
    pub seed: u64,
    /// The one bearer token that is accepted. Default `simulator-token`.
    pub token: Secret,
    /// The app secret webhooks are signed with. Default `simulator-secret`.
    pub app_secret: Secret,
    /// What the callback's handshake must know. Default `simulator-verify`.
    pub verify_token: Secret,
    /// The append-only ledger's file; memory only when absent. An existing file is continued.
    pub ledger: Option<PathBuf>,
    /// The business numbers. Empty: any number id is accepted, each with [`NumberConfig::default`]'s limits.
    pub numbers: Vec<NumberConfig>,
    /// A JSON file of template definitions; see [`Catalogue`].
    pub catalogue: Option<PathBuf>,
    /// The same as a value; `catalogue` goes before it. Empty: any well-formed template is accepted.
    #[serde(skip)]
    pub templates: Catalogue,
    /// Where webhooks go: `http://` and a loopback address. Without one they wait until it is set.
    pub webhook_url: Option<String>,
    /// How webhooks behave.
    pub webhooks: WebhookConfig,
    /// How people behave.
    pub people: PeopleConfig,
    /// How long the API thinks about a request. The message is accepted somewhere inside that time.
    pub latency: Latency,
    /// What goes wrong.
    pub faults: Faults,
    /// What goes wrong on purpose, before any chance; the first rule that matches counts.
    pub script: Vec<ScriptRule>,
    /// Free service (non-template) deliveries of a number before they are charged. Default 1,000 (Meta, since 2026-10-01;
    /// there per month, here per ledger).
    pub free_service_deliveries: u64,
    /// Whether `wa_id` differs from the number for Mexico (`52` + 10 digits becomes `521` + 10), as it may at Meta.
    pub rewrite_mexico: bool,
    /// How long [`super::Simulator::shutdown`] waits for webhooks. Default 5,000.
    pub shutdown_wait_ms: u64,
}

impl Default for SimulatorConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            seed: 0,
            token: "simulator-token".into(),
            app_secret: "simulator-secret".into(),
            verify_token: "simulator-verify".into(),
            ledger: None,
            numbers: Vec::new(),
            catalogue: None,
            templates: Catalogue::default(),
            webhook_url: None,
            webhooks: WebhookConfig::default(),
            people: PeopleConfig::default(),
            latency: Latency::default(),
            faults: Faults::default(),
            script: Vec::new(),
            free_service_deliveries: 1_000,
            rewrite_mexico: false,
            shutdown_wait_ms: 5_000,
        }
    }
}

impl SimulatorConfig {
    /// Reads settings from TOML.
    ///
    /// # Errors
    /// [`SimulatorError::Config`] with the parser's own words and place.
    pub fn from_toml(text: &str) -> Result<Self, SimulatorError> {
        toml::from_str(text).map_err(|error| SimulatorError::Config(error.to_string()))
    }

    /// Refuses what no simulator can be: an address others can reach, shares outside 0 to 1, ranges the wrong way round.
    ///
    /// # Errors
    /// [`SimulatorError::NotLoopback`] or [`SimulatorError::Config`].
    pub fn check(&self) -> Result<(), SimulatorError> {
        if !self.listen.ip().is_loopback() {
            return Err(SimulatorError::NotLoopback(self.listen.to_string()));
        }
        let shares = self.faults.shares().into_iter().chain(self.people.shares()).chain(self.webhooks.shares());
        for (name, share) in shares {
            if !(0.0..=1.0).contains(&share) {
                return Err(SimulatorError::Config(format!("{name} is {share}: a share lies between 0 and 1")));
            }
        }
        let wire: f64 = self.faults.wire_shares().iter().map(|(_, share)| share).sum();
        if wire > 1.0 {
            return Err(SimulatorError::Config(format!("the faults of a request add up to {wire}: at most 1 is possible")));
        }
        let ranges = [("latency", self.latency), ("webhooks.delay", self.webhooks.delay)]
            .into_iter()
            .chain([("people.read_delay", self.people.read_delay), ("people.reply_delay", self.people.reply_delay)]);
        for (name, range) in ranges {
            if range.min_ms > range.max_ms {
                return Err(SimulatorError::Config(format!("{name} ends before it begins: make max_ms at least min_ms")));
            }
        }
        Ok(())
    }
}

/// One business number.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NumberConfig {
    /// The phone number id in the path.
    pub id: String,
    /// The number people see, digits with or without a plus. Its country code is put before numbers without a plus.
    pub display_phone_number: String,
    /// The account the number belongs to.
    pub waba_id: String,
    /// Messages a second the number is said to be allowed; 0 is no limit. Default 80 (Meta's standard throughput).
    pub limit_per_second: u32,
    /// What is really allowed, when less than what is said.
    pub hidden_limit_per_second: Option<u32>,
}

impl Default for NumberConfig {
    fn default() -> Self {
        Self {
            id: "100000000000001".into(),
            display_phone_number: "15550783881".into(),
            waba_id: "200000000000001".into(),
            limit_per_second: 80,
            hidden_limit_per_second: None,
        }
    }
}

/// A range of milliseconds, both ends included. Default: none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Latency {
    /// The least.
    pub min_ms: u64,
    /// The most.
    pub max_ms: u64,
}

impl Latency {
    /// Always the same time.
    pub const fn exactly(ms: u64) -> Self {
        Self { min_ms: ms, max_ms: ms }
    }
}

/// A text that is never printed.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn toml_reaches_every_part() {
        let config = SimulatorConfig::from_toml(
            r#"
            seed = 7
            token = "t"
            latency = { min_ms = 5, max_ms = 9 }
            [[numbers]]
            id = "1"
            hidden_limit_per_second = 20
            [webhooks]
            duplicate_share = 0.5
            [people]
            stop_share = 0.1
            [faults]
            drop_after = 0.01
            token_revoked_after = 10
            [[script]]
            when = { request = 3 }
            then = "html_502"
            [[script]]
            when = { recipient_suffix = "99" }
            then = { fail = 131026 }
            "#,
        )
        .unwrap();
        config.check().unwrap();
        assert_eq!(config.latency, Latency { min_ms: 5, max_ms: 9 });
        assert_eq!(config.numbers[0].hidden_limit_per_second, Some(20));
        assert_eq!(config.numbers[0].limit_per_second, 80);
        assert_eq!(config.faults.token_revoked_after, Some(10));
        assert_eq!(config.script.len(), 2);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let open = SimulatorConfig { listen: "0.0.0.0:0".parse().unwrap(), ..SimulatorConfig::default() };
        assert!(matches!(open.check(), Err(SimulatorError::NotLoopback(_))));
        for text in [
            "[faults]\ndrop_before = 1.5",
            "[faults]\ndrop_before = 0.6\ndrop_after = 0.6",
            "latency = { min_ms = 2, max_ms = 1 }",
        ] {
            let config = SimulatorConfig::from_toml(text).unwrap();
            assert!(matches!(config.check(), Err(SimulatorError::Config(_))), "{text}");
        }
        assert!(SimulatorConfig::from_toml("tokken = \"x\"").is_err());
    }

    #[test]
    fn secrets_are_not_printed() {
        let config = SimulatorConfig { token: "very-secret".into(), ..SimulatorConfig::default() };
        assert!(!format!("{config:?}").contains("very-secret"));
    }
}
