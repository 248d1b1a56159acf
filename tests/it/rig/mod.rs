//! A world for whole-path tests: a provider and an engine, each a process of its own, over real HTTP.
//!
//! The provider is `fanfare simulate` with a ledger in a file; the engine speaks to it as it speaks to Meta, with a token and a
//! secret from files. Killing the engine leaves the provider and what it remembers alone.

use std::collections::HashSet;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::auditor::{Audit, Circumstances, audit, audit_report};

/// The program under test.
pub(crate) const FANFARE: &str = env!("CARGO_BIN_EXE_fanfare");
/// Must appear in no log.
pub(crate) const TOKEN: &str = "EAAcanary-token-4711";
/// Must appear in no log.
pub(crate) const SECRET: &str = "canary-app-secret-0815";
/// The two numbers one may send from.
pub(crate) const NUMBERS: [&str; 2] = ["106540352242922", "106540352242923"];

/// A folder with settings, campaigns and audiences, and the provider.
#[derive(Debug)]
pub(crate) struct World {
    folder: tempfile::TempDir,
    port: u16,
    provider: Option<Provider>,
}

#[derive(Debug)]
struct Provider {
    child: Child,
}

impl Drop for Provider {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What of the engine's settings differs from test to test.
#[derive(Clone, Debug)]
pub(crate) struct Engine {
    /// How long evidence may take.
    pub(crate) grace: &'static str,
    /// How long a call may take.
    pub(crate) timeout: &'static str,
    /// Whether it listens to webhooks.
    pub(crate) listens: bool,
}

impl Default for Engine {
    fn default() -> Self {
        Self { grace: "2s", timeout: "5s", listens: true }
    }
}

impl World {
    /// An empty world; its provider is started by [`World::provide`].
    pub(crate) fn new(engine: &Engine) -> Self {
        let world = Self { folder: tempfile::tempdir().unwrap(), port: free_port(), provider: None };
        for (name, text) in [("token", TOKEN), ("secret", SECRET)] {
            world.write(name, text);
            fs::set_permissions(world.path(name), fs::Permissions::from_mode(0o600)).unwrap();
        }
        world.settle(engine, "http://127.0.0.1:9");
        world
    }

    /// Writes the engine's settings.
    fn settle(&self, engine: &Engine, base_url: &str) {
        let listen = if engine.listens { format!("[webhooks]\nlisten = \"127.0.0.1:{}\"\n", self.port) } else { String::new() };
        let settings = format!(
            r#"database = "sqlite:data/fanfare.db"
grace = "{grace}"
ballast = "1MiB"
{listen}
[providers.meta]
kind = "meta"
base_url = "{base_url}"
token = {{ file = "token" }}
app_secrets = [{{ file = "secret" }}]
timeout = "{timeout}"

[senders.one]
provider = "meta"
number_id = "{one}"
rate = "1000/s"

[senders.two]
provider = "meta"
number_id = "{two}"
rate = "1000/s"
"#,
            grace = engine.grace,
            timeout = engine.timeout,
            one = NUMBERS[0],
            two = NUMBERS[1],
        );
        self.write("fanfare.toml", &settings);
    }

    /// Starts the provider, or starts it again with the same ledger; `settings` is what differs from a provider that does everything
    /// well, in its own TOML (tables last).
    pub(crate) fn provide(&mut self, engine: &Engine, settings: &str) {
        self.provider = None;
        let numbers = NUMBERS.map(|id| format!("[[numbers]]\nid = \"{id}\"\nlimit_per_second = 0\n")).concat();
        let text = format!("token = \"{TOKEN}\"\napp_secret = \"{SECRET}\"\nshutdown_wait_ms = 0\n{settings}\n{numbers}");
        self.write("provider.toml", &text);
        let mut child = Command::new(FANFARE)
            .args(["simulate", "--settings"])
            .arg(self.path("provider.toml"))
            .arg("--ledger")
            .arg(self.ledger())
            .arg("--webhook-url")
            .arg(format!("http://127.0.0.1:{}/webhooks/meta", self.port))
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let base_url = line.trim().strip_prefix("listening on ").expect("the provider starts").to_owned();
        self.settle(engine, &base_url);
        self.provider = Some(Provider { child });
    }

    /// A path in the world.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file of the world.
    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// What people received.
    pub(crate) fn ledger(&self) -> PathBuf {
        self.path("received.ndjson")
    }

    /// The engine's database.
    pub(crate) fn database(&self) -> PathBuf {
        self.path("data/fanfare.db")
    }

    /// A command of the engine in this world.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(FANFARE);
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        command.env_remove("FANFARE_CONFIG").env_remove("FANFARE_LOG").env("FANFARE_STATE", self.path("state"));
        command
    }

    /// Runs a command to its end, at most two minutes.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    /// Starts a command.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Waits until the provider has had so many requests.
    pub(crate) fn wait_for_requests(&self, count: usize) {
        let until = tokio::time::Instant::now() + Duration::from_secs(60);
        while self.requests() < count {
            assert!(
                tokio::time::Instant::now() < until,
                "the provider had {} requests, not {count}, in a minute",
                self.requests()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Requests the provider has had.
    pub(crate) fn requests(&self) -> usize {
        let text = fs::read_to_string(self.ledger()).unwrap_or_default();
        text.lines().filter(|line| line.starts_with("{\"fact\":\"message\"") || line.starts_with("{\"fact\":\"request\"")).count()
    }

    /// Compares the ledger, the database and the report of every run; fails when they differ.
    pub(crate) fn audit(&self, circumstances: Circumstances) -> Audit {
        let mut audit = audit(&self.database(), &self.ledger(), circumstances);
        for run in audit.books.runs.clone() {
            let ended = self.run(&["report", "--format", "json", &run.id]);
            ended.expect(0);
            let report = serde_json::from_str(&ended.out).expect("a report in JSON");
            let findings = audit_report(&report, &audit, run.no);
            audit.findings.extend(findings);
        }
        audit
    }
}

/// A command that ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Its exit code; `None` after a signal.
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    /// Waits for a child with both streams piped.
    pub(crate) fn of(mut child: Child) -> Self {
        let (mut stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let out = std::thread::spawn(move || {
            let mut text = String::new();
            stdout.read_to_string(&mut text).unwrap();
            text
        });
        let err = std::thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).unwrap();
            text
        });
        let until = tokio::time::Instant::now() + Duration::from_secs(120);
        let status = loop {
            match child.try_wait().unwrap() {
                Some(status) => break Some(status),
                None if tokio::time::Instant::now() > until => {
                    child.kill().unwrap();
                    child.wait().unwrap();
                    break None;
                }
                None => std::thread::sleep(Duration::from_millis(10)),
            }
        };
        let ended = Self { code: status.and_then(|status| status.code()), out: out.join().unwrap(), err: err.join().unwrap() };
        assert!(status.is_some(), "still running after two minutes\n{ended:?}");
        ended
    }

    /// Fails unless it ended with this code.
    pub(crate) fn expect(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "\n--- out\n{}\n--- err\n{}", self.out, self.err);
        self
    }
}

/// Sends a signal by name (`INT`, `TERM`), as a person or a service manager would.
pub(crate) fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").arg(format!("-{name}")).arg(child.id().to_string()).status().unwrap();
    assert!(sent.success());
}

/// A port below those the system hands out by itself, so that nobody takes it while the engine is down.
fn free_port() -> u16 {
    use std::hash::{BuildHasher, Hasher};
    let start = std::collections::hash_map::RandomState::new().build_hasher().finish() % 20_000;
    (0..20_000)
        .map(|step| u16::try_from(11_000 + (start + step) % 20_000).unwrap())
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .expect("a free port")
}

/// An audience of `count` people in Mexico, from `first` on: `phone,name,code`.
pub(crate) fn people(first: usize, count: usize) -> String {
    let mut text = String::from("phone,name,code\n");
    for n in first..first + count {
        text.push_str(&format!("{},Person {n},C{n:06}\n", phone(n)));
    }
    text
}

/// The number of the nth person, with its plus.
pub(crate) fn phone(n: usize) -> String {
    format!("+5255{:08}", 10_000_000 + n)
}

/// The numbers of a list, as digits, to be looked for in logs.
pub(crate) fn numbers(list: &str) -> HashSet<String> {
    let digits = |cell: &str| cell.chars().filter(char::is_ascii_digit).collect::<String>();
    let cells = list.lines().flat_map(|line| line.split(',')).map(digits).filter(|digits| digits.len() >= 10);
    cells.flat_map(|digits| [digits[digits.len() - 10..].to_owned(), digits]).collect()
}

/// A campaign: free-form where it may, else a template; utility, so that nobody is left out.
#[derive(Clone, Debug)]
pub(crate) struct Campaign<'t> {
    pub(crate) name: &'t str,
    pub(crate) senders: &'t str,
    pub(crate) audience: &'t str,
    pub(crate) rate: &'t str,
    pub(crate) priority: i16,
    /// More of `[route]`.
    pub(crate) policy: &'t str,
}

impl Default for Campaign<'_> {
    fn default() -> Self {
        let senders = r#"["one", "two"]"#;
        Self { name: "news", senders, audience: "people.csv", rate: "1000/s", priority: 5, policy: "" }
    }
}

impl Campaign<'_> {
    /// The file.
    pub(crate) fn text(&self) -> String {
        let Self { name, senders, audience, rate, priority, policy } = self;
        format!(
            r#"name = "{name}"
purpose = "utility"
sender = {senders}

[audience]
file = "{audience}"
phone = "phone"

[pacing]
rate = "{rate}"
priority = {priority}

[route]
prefer = "free_form"
{policy}

[free_form]
kind = "text"
body = "Hello {{{{name}}}}, your code is {{{{code}}}}"

[template]
name = "code_ready"
language = "en"
body = ["{{{{name}}}}", "{{{{code}}}}"]
"#
        )
    }
}
