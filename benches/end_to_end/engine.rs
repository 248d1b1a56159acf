//! The engine and the provider as processes, and what one campaign costs.

use std::process::Command;

use crate::Done;
use crate::place::Place;
use crate::process::Watched;

/// The program under measure: what the environment's `FANFARE_BINARY` names, else what was built beside this bench.
fn fanfare() -> Command {
    Command::new(std::env::var("FANFARE_BINARY").as_deref().unwrap_or(env!("CARGO_BIN_EXE_fanfare")))
}

/// The figures of one campaign.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    /// Messages the provider took.
    pub accepted: u32,
    /// CPU seconds until the plan was in the ledger.
    importing: f64,
    /// CPU seconds after it, the report included.
    sending: f64,
    /// Seconds until the plan was in the ledger.
    import_seconds: f64,
    /// Seconds after it, the report included.
    send_seconds: f64,
    /// Bytes resident at most.
    peak: f64,
    /// Bytes of the ledger for each recipient.
    pub ledger_bytes: f64,
}

impl Run {
    /// Messages a second, from the plan's end to the report's.
    pub(crate) fn rate(&self) -> f64 {
        f64::from(self.accepted) / self.send_seconds
    }

    /// CPU microseconds a message after planning.
    pub(crate) fn cpu_sending(&self) -> f64 {
        self.sending * 1e6 / f64::from(self.accepted)
    }

    /// CPU microseconds a message of planning into the ledger.
    pub(crate) fn cpu_importing(&self) -> f64 {
        self.importing * 1e6 / f64::from(self.accepted)
    }

    /// Rows a second into the ledger, the program's start included.
    pub(crate) fn import_rate(&self) -> f64 {
        f64::from(self.accepted) / self.import_seconds
    }

    /// Megabytes resident at most.
    pub(crate) fn peak_mb(&self) -> f64 {
        self.peak / 1e6
    }
}

/// Starts the provider; its address.
pub(crate) fn simulator(place: &Place, webhook_url: Option<&str>) -> Done<(Watched, String)> {
    let settings = place.simulator_settings(webhook_url)?;
    let mut simulator = Watched::start(fanfare().arg("simulate").arg("--settings").arg(settings))?;
    let (url, _) = simulator.line("listening on ")?;
    Ok((simulator, url))
}

/// Sends the campaign of this place and measures the engine's process.
pub(crate) fn run(place: &Place) -> Done<Run> {
    let listen = place.wanted.webhooks.then(free_address).transpose()?;
    let hook = listen.as_ref().map(|listen| format!("http://{listen}/webhooks/wire"));
    let (simulator, url) = simulator(place, hook.as_deref())?;
    place.settings(&url, listen.as_deref())?;
    let mut engine = Watched::start(fanfare().args(["run", "--quiet"]).arg(place.campaign()))?;
    let started = engine.started;
    let (_, planned) = engine.line("Plan")?;
    let (end, peak, report) = engine.end()?;
    simulator.kill()?;
    let accepted = accepted(&report).ok_or_else(|| format!("the report names no accepted messages:\n{report}"))?;
    if accepted != place.wanted.recipients {
        return Err(format!("{accepted} of {} were accepted:\n{report}", place.wanted.recipients).into());
    }
    Ok(Run {
        accepted,
        importing: planned.cpu_since(&started),
        sending: end.cpu_since(&planned),
        import_seconds: planned.seconds_since(&started),
        send_seconds: end.seconds_since(&planned),
        peak,
        #[expect(clippy::cast_precision_loss, reason = "a file is smaller than 2^52")]
        ledger_bytes: place.ledger_bytes() as f64 / f64::from(place.wanted.recipients),
    })
}

/// Rows a second of `fanfare plan`, the program's start included.
pub(crate) fn plan_only(place: &Place) -> Done<f64> {
    place.settings("http://127.0.0.1:9", None)?;
    let plan = Watched::start(fanfare().arg("plan").arg(place.campaign()))?;
    let started = plan.started;
    let (end, _, _) = plan.end()?;
    Ok(f64::from(place.wanted.recipients) / end.seconds_since(&started))
}

/// The report's count of accepted messages.
fn accepted(report: &str) -> Option<u32> {
    let line = report.lines().find_map(|line| line.trim_start().strip_prefix("accepted"))?;
    let count = line.split_whitespace().next()?;
    count.chars().filter(char::is_ascii_digit).collect::<String>().parse().ok()
}

fn free_address() -> Done<String> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}
