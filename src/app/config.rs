//! The settings: `fanfare.toml`, found beside the campaign or in a folder above it.
//!
//! Secrets stand here only by the name of an environment variable or a file. Paths are relative to the settings' folder.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use secrecy::SecretString;
use serde::Deserialize;

use crate::audience::Phone;
use crate::campaign::KnownSender;
use crate::outbound::quota::Quota;
use crate::simulator::SimulatorConfig;

/// The settings' file name.
pub const FILE: &str = "fanfare.toml";

/// The settings as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    #[serde(default = "default_database")]
    database: String,
    #[serde(default)]
    grace: Option<String>,
    #[serde(default = "default_ballast")]
    ballast: String,
    #[serde(default = "default_keep_free")]
    keep_free: String,
    #[serde(default = "default_keep_free_percent")]
    keep_free_percent: u8,
    #[serde(default)]
    webhooks: Option<RawWebhooks>,
    #[serde(default)]
    providers: BTreeMap<String, RawProvider>,
    #[serde(default)]
    senders: BTreeMap<String, RawSender>,
}

fn default_database() -> String {
    "sqlite:data/fanfare.db".to_owned()
}

/// Room for some 100,000 outcomes (reliability, section 1.9).
fn default_ballast() -> String {
    "64MiB".to_owned()
}

fn default_keep_free() -> String {
    "512MiB".to_owned()
}

const fn default_keep_free_percent() -> u8 {
    2
}

/// A size such as `64MiB`, `1 GiB`, `500 MB`, `0`.
fn size(text: &str) -> Option<u64> {
    let text = text.trim();
    let unit = text.find(|char: char| !char.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(unit)?;
    let bytes: u64 = match unit.trim() {
        "" | "B" => 1,
        "kB" | "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(bytes)
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawWebhooks {
    listen: SocketAddr,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, tag = "kind", rename_all = "snake_case")]
enum RawProvider {
    Simulator {
        #[serde(default)]
        settings: Box<SimulatorConfig>,
    },
    Meta {
        #[serde(default = "meta_base")]
        base_url: String,
        #[serde(default)]
        version: Option<String>,
        token: SecretName,
        #[serde(default)]
        app_secrets: Vec<SecretName>,
        #[serde(default)]
        verify_token: Option<SecretName>,
        #[serde(default)]
        timeout: Option<String>,
    },
}

fn meta_base() -> String {
    "https://graph.facebook.com".to_owned()
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSender {
    provider: String,
    number_id: String,
    #[serde(default)]
    phone: Option<String>,
    #[serde(default)]
    rate: Option<String>,
}

/// Where a secret is: never the secret itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum SecretName {
    /// In this environment variable.
    Env(String),
    /// In this file, readable by its owner alone.
    File(PathBuf),
}

impl SecretName {
    /// Reads the secret.
    ///
    /// # Errors
    /// When it is not there, empty, or others may read it.
    pub fn read(&self, root: &Path) -> anyhow::Result<SecretString> {
        let text = match self {
            Self::Env(name) => std::env::var(name)
                .with_context(|| format!("the settings take a secret from the environment variable {name}: set it"))?,
            Self::File(file) => {
                use std::os::unix::fs::PermissionsExt as _;
                let path = root.join(file);
                let about = || format!("the settings take a secret from the file {}", path.display());
                let others = std::fs::metadata(&path).with_context(about)?.permissions().mode() & 0o077;
                ensure!(others == 0, "{}, which others may read: chmod 600 it", about());
                std::fs::read_to_string(&path).with_context(about)?
            }
        };
        let text = text.trim();
        ensure!(!text.is_empty(), "a secret of the settings is empty: {self:?}");
        Ok(SecretString::from(text.to_owned()))
    }
}

/// The settings, checked.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The folder of the settings' file: audiences and relative paths live under it.
    pub root: PathBuf,
    /// `sqlite:<absolute path>` or `postgres://…`.
    pub database: String,
    /// Where files beside the database go.
    pub data: PathBuf,
    /// How long evidence of an unknown outcome may take; the provider's own when left out.
    pub grace: Option<Duration>,
    /// Bytes of the file beside a SQLite ledger that is given up when the disk is full; 0 for none.
    pub ballast: u64,
    /// Bytes that must be free on a SQLite ledger's disk before anything new is sent.
    pub keep_free: u64,
    /// Percent of that disk that must be free; the larger of the two counts.
    pub keep_free_percent: u8,
    /// Where webhooks are listened to while a run is active.
    pub listen: Option<SocketAddr>,
    /// Providers by name.
    pub providers: BTreeMap<String, ProviderSettings>,
    /// Senders by name.
    pub senders: BTreeMap<String, SenderSettings>,
}

/// One provider.
#[derive(Clone, Debug)]
pub enum ProviderSettings {
    /// Built in, for demos and rehearsals.
    Simulator(Box<SimulatorConfig>),
    /// Meta's Cloud API.
    Meta {
        /// Where it is.
        base_url: String,
        /// Graph version; the adapter's own when left out.
        version: Option<String>,
        /// The bearer token.
        token: SecretName,
        /// Secrets webhooks may be signed with; two during rotation.
        app_secrets: Vec<SecretName>,
        /// What the callback's handshake must know.
        verify_token: Option<SecretName>,
        /// How long a call may take in all.
        timeout: Option<Duration>,
    },
}

/// One sender.
#[derive(Clone, Debug)]
pub struct SenderSettings {
    /// Its provider's name.
    pub provider: String,
    /// The provider's id of the number.
    pub number_id: String,
    /// Its own number; nobody is written to from itself.
    pub phone: Option<Phone>,
    /// How fast it may go; the provider's usual rate when left out.
    pub rate: Option<Quota>,
}

impl Settings {
    /// Finds the settings for a campaign: the given file, else the nearest [`FILE`] in `folder` or above.
    ///
    /// # Errors
    /// When there are none, or they are wrong.
    pub fn find(given: Option<&Path>, folder: &Path) -> anyhow::Result<Self> {
        if let Some(file) = given {
            return Self::load(file);
        }
        let folder = std::path::absolute(folder)?;
        let found = folder.ancestors().map(|folder| folder.join(FILE)).find(|file| file.is_file());
        match found {
            Some(file) => Self::load(&file),
            None => bail!("no {FILE} in {} or a folder above it: write one, or name it with --config", folder.display()),
        }
    }

    /// Reads a settings file.
    ///
    /// # Errors
    /// When it cannot be read or is wrong; the message names the place.
    pub fn load(file: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(file).with_context(|| format!("cannot read the settings {}", file.display()))?;
        let raw: Raw = toml::from_str(&text).with_context(|| format!("the settings {} are wrong", file.display()))?;
        let absolute = std::path::absolute(file)?;
        let root = absolute.parent().unwrap_or(Path::new("/")).to_owned();
        raw.check(root).with_context(|| format!("the settings {} are wrong", file.display()))
    }

    /// What campaigns may know of the senders.
    pub fn known_senders(&self) -> BTreeMap<String, KnownSender> {
        let known =
            |sender: &SenderSettings| KnownSender { provider: sender.provider.clone(), idempotent: false, rate: sender.rate };
        self.senders.iter().map(|(name, sender)| (name.clone(), known(sender))).collect()
    }
}

impl Raw {
    fn check(self, root: PathBuf) -> anyhow::Result<Settings> {
        let (database, data) = match self.database.strip_prefix("sqlite:") {
            Some(path) => {
                let path = root.join(path);
                (format!("sqlite:{}", path.display()), path.parent().unwrap_or(&root).to_owned())
            }
            None => (self.database.clone(), root.join("data")),
        };
        let time = |text: &Option<String>, what: &str| {
            text.as_deref().map(super::args::duration).transpose().map_err(|error| anyhow::anyhow!("{what}: {error}"))
        };
        let mut providers = BTreeMap::new();
        for (name, provider) in self.providers {
            let provider = match provider {
                RawProvider::Simulator { mut settings } => {
                    settings.ledger = settings.ledger.map(|file| root.join(file));
                    settings.catalogue = settings.catalogue.map(|file| root.join(file));
                    settings.check()?;
                    ProviderSettings::Simulator(settings)
                }
                RawProvider::Meta { base_url, version, token, app_secrets, verify_token, timeout } => {
                    let timeout = time(&timeout, &format!("providers.{name}.timeout"))?;
                    ProviderSettings::Meta { base_url, version, token, app_secrets, verify_token, timeout }
                }
            };
            ensure!(
                !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)),
                "providers.{name}: a provider's name is letters, digits, - and _"
            );
            providers.insert(name, provider);
        }
        let mut senders = BTreeMap::new();
        for (name, sender) in self.senders {
            ensure!(
                providers.contains_key(&sender.provider),
                "senders.{name}.provider: no provider `{}` in these settings; they have {}",
                sender.provider,
                providers.keys().cloned().collect::<Vec<_>>().join(", ")
            );
            ensure!(
                !sender.number_id.is_empty() && sender.number_id.bytes().all(|byte| byte.is_ascii_alphanumeric()),
                "senders.{name}.number_id: the provider's id of the number is letters and digits"
            );
            let phone = sender.phone.as_deref().map(Phone::parse).transpose();
            let phone = phone.map_err(|_| anyhow::anyhow!("senders.{name}.phone: write the number as +5215512345678"))?;
            let rate = sender.rate.as_deref().map(str::parse).transpose().with_context(|| format!("senders.{name}.rate"))?;
            senders.insert(name, SenderSettings { provider: sender.provider, number_id: sender.number_id, phone, rate });
        }
        let grace = time(&self.grace, "grace")?;
        let bytes = |text: &str, key: &str| {
            size(text).with_context(|| format!("{key}: `{text}` is no size: write a number and a unit, such as 64MiB, or 0"))
        };
        let (ballast, keep_free) = (bytes(&self.ballast, "ballast")?, bytes(&self.keep_free, "keep_free")?);
        ensure!(self.keep_free_percent <= 100, "keep_free_percent: {} is not between 0 and 100", self.keep_free_percent);
        Ok(Settings {
            root,
            database,
            data,
            grace,
            ballast,
            keep_free,
            keep_free_percent: self.keep_free_percent,
            listen: self.webhooks.map(|webhooks| webhooks.listen),
            providers,
            senders,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_a_number_and_a_unit() {
        let cases = [("64MiB", 64 << 20), (" 1 GiB ", 1 << 30), ("500 MB", 500_000_000), ("0", 0), ("17", 17), ("3kB", 3000)];
        for (text, bytes) in cases {
            assert_eq!(size(text), Some(bytes), "{text}");
        }
        for text in ["", "MiB", "-1MiB", "1.5GiB", "1 TiB", "18446744073709551615MiB", "²MiB"] {
            assert_eq!(size(text), None, "{text}");
        }
    }

    #[test]
    fn the_disks_keys_have_defaults_and_are_checked() {
        let read = |text: &str| toml::from_str::<Raw>(text).unwrap().check(PathBuf::from("/shop"));
        let usual = read("").unwrap();
        assert_eq!((usual.ballast, usual.keep_free, usual.keep_free_percent), (64 << 20, 512 << 20, 2));
        let own = read("ballast = \"0\"\nkeep_free = \"1GiB\"\nkeep_free_percent = 0").unwrap();
        assert_eq!((own.ballast, own.keep_free, own.keep_free_percent), (0, 1 << 30, 0));
        let wrong = format!("{:#}", read("ballast = \"lots\"").unwrap_err());
        assert!(wrong.contains("ballast: `lots` is no size"), "{wrong}");
        assert!(read("keep_free_percent = 101").is_err());
    }
}
