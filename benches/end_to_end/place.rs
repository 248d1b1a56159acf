//! One campaign with everything it needs, in a folder of its own: list, campaign, settings, and the provider's settings.

use std::fmt::Write as _;
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::Done;

/// The number messages are sent from; its neighbours when there are more.
pub(crate) const NUMBER: u64 = 106_540_352_242_922;

/// What kind of campaign.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// People in its list.
    pub recipients: u32,
    /// Calls in flight of each sender; 0 lets the engine find out.
    pub in_flight: u32,
    /// Three signed statuses a message.
    pub webhooks: bool,
    /// How many numbers share the work.
    pub senders: u32,
    /// Messages a second of each.
    pub rate: u32,
    /// What the provider allows a second of each; 0 is no limit.
    pub allowed: u32,
    /// How long the provider thinks, in milliseconds.
    pub latency_ms: u32,
}

impl Default for Wanted {
    fn default() -> Self {
        Self { recipients: 1_000, in_flight: 128, webhooks: false, senders: 1, rate: 64_000, allowed: 0, latency_ms: 0 }
    }
}

/// The folder, removed when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    folder: TempDir,
    /// What it is for.
    pub wanted: Wanted,
}

impl Place {
    /// Writes everything but the settings, which name the provider's address.
    pub(crate) fn new(wanted: &Wanted) -> Done<Self> {
        let folder = tempfile::Builder::new().prefix("fanfare-bench-").tempdir()?;
        let place = Self { folder, wanted: wanted.clone() };
        place.audience()?;
        std::fs::write(place.campaign(), campaign(wanted))?;
        place.simulator_settings(None)?;
        for (name, secret) in [("token", "simulator-token"), ("secret", "simulator-secret"), ("verify", "simulator-verify")] {
            let path = place.path(name);
            std::fs::write(&path, secret)?;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        }
        Ok(place)
    }

    /// A file of this place.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The campaign's file.
    pub(crate) fn campaign(&self) -> PathBuf {
        self.path("campaign.toml")
    }

    /// The ledger's file.
    pub(crate) fn ledger(&self) -> PathBuf {
        self.path("ledger.db")
    }

    /// The list: a number and four values of ten characters, in the order people have them, which is none.
    fn audience(&self) -> Done {
        let mut list = BufWriter::new(std::fs::File::create(self.path("audience.csv"))?);
        writeln!(list, "phone,name,city,amount,code")?;
        for row in 0..u64::from(self.wanted.recipients) {
            let subscriber = 10_000_000 + row * 7_919 % 89_999_999;
            writeln!(
                list,
                "+5255{subscriber},Ana{:07},Puebla{:04},{:06} MXN,CODE{:06}",
                row,
                row % 10_000,
                row % 1_000_000,
                row
            )?;
        }
        Ok(list.into_inner()?.sync_all()?)
    }

    /// The provider's settings.
    pub(crate) fn simulator_settings(&self, webhook_url: Option<&str>) -> Done<PathBuf> {
        let Wanted { webhooks, senders, allowed, latency_ms, .. } = self.wanted;
        let mut text = webhook_url.map(|url| format!("webhook_url = \"{url}\"\n")).unwrap_or_default();
        writeln!(
            text,
            "ledger = '{}'\nlatency = {{ min_ms = {latency_ms}, max_ms = {latency_ms} }}",
            self.path("received.ndjson").display()
        )?;
        writeln!(text, "webhooks = {{ enabled = {webhooks} }}\npeople = {{ read_share = 1.0 }}")?;
        for sender in 0..u64::from(senders) {
            writeln!(text, "[[numbers]]\nid = \"{}\"\nlimit_per_second = {allowed}", NUMBER + sender)?;
        }
        let path = self.path("simulator.toml");
        std::fs::write(&path, text)?;
        Ok(path)
    }

    /// The engine's settings, with the provider at `base_url`, and webhooks taken at `listen`.
    pub(crate) fn settings(&self, base_url: &str, listen: Option<&str>) -> Done {
        let mut text = "database = \"sqlite:ledger.db\"\ngrace = \"60s\"\n".to_owned();
        if let Some(listen) = listen {
            writeln!(text, "webhooks = {{ listen = \"{listen}\" }}")?;
        }
        writeln!(text, "[providers.wire]\nkind = \"meta\"\nbase_url = \"{base_url}\"\ntoken = {{ file = \"token\" }}")?;
        writeln!(text, "app_secrets = [{{ file = \"secret\" }}]\nverify_token = {{ file = \"verify\" }}")?;
        for sender in 0..u64::from(self.wanted.senders) {
            let (number, rate) = (NUMBER + sender, self.wanted.rate);
            writeln!(text, "[senders.s{sender}]\nprovider = \"wire\"\nnumber_id = \"{number}\"\nrate = \"{rate}/s\"")?;
        }
        Ok(std::fs::write(self.path("fanfare.toml"), text)?)
    }

    /// Bytes of the ledger's files.
    pub(crate) fn ledger_bytes(&self) -> u64 {
        let size = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
        size(&self.ledger()) + size(&self.path("ledger.db-wal"))
    }
}

/// A template with an image, three values and a link's end: a body of about 600 bytes.
fn campaign(wanted: &Wanted) -> String {
    let senders: Vec<_> = (0..wanted.senders).map(|sender| format!("\"s{sender}\"")).collect();
    let pacing = match wanted.in_flight {
        0 => String::new(),
        calls => format!("[pacing]\nin_flight = {calls}\n"),
    };
    format!(
        r#"name = "bench"
purpose = "utility"
sender = [{}]
[audience]
file = "audience.csv"
phone = "phone"
country = "MX"
{pacing}[route]
prefer = "template"
on_unknown = "auto"
[template]
name = "spring_sale_v3"
language = "es_MX"
header = {{ image = "https://shop.example/media/spring-sale.jpg" }}
body = ["{{{{name}}}}", "{{{{city}}}}", "{{{{amount}}}}"]
buttons = [{{ index = 0, url_suffix = "{{{{code}}}}" }}]
"#,
        senders.join(", ")
    )
}
