//! A process being measured: what the operating system accounts to it alone.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use tokio::time::Instant;

use crate::Done;

/// Between two looks at a process.
const LOOK: Duration = Duration::from_millis(5);
/// Clock ticks a second in `/proc` (proc(5); fixed in the kernel's interface).
const TICKS: f64 = 100.0;

/// CPU and time so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    /// Seconds of CPU, user and system, of all its threads.
    pub cpu: f64,
    /// When.
    pub at: Instant,
}

impl Mark {
    /// Seconds of CPU since another mark.
    pub(crate) fn cpu_since(&self, before: &Self) -> f64 {
        self.cpu - before.cpu
    }

    /// Seconds since another mark.
    pub(crate) fn seconds_since(&self, before: &Self) -> f64 {
        self.at.duration_since(before.at).as_secs_f64()
    }
}

/// What a process had used.
pub(crate) fn mark(pid: &str) -> Done<Mark> {
    Ok(Mark { cpu: stat(pid)?.1, at: Instant::now() })
}

/// State letter and CPU seconds.
fn stat(pid: &str) -> Done<(String, f64)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    Ok((fields.first().copied().unwrap_or_default().to_owned(), (ticks(11) + ticks(12)) / TICKS))
}

/// The most memory it had resident, in bytes.
fn peak(pid: &str) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse::<f64>().ok().map(|kilobytes| kilobytes * 1024.0)
}

/// A running process whose lines are read as they come.
#[derive(Debug)]
pub(crate) struct Watched {
    child: Child,
    lines: BufReader<ChildStdout>,
    pid: String,
    /// When it was started.
    pub started: Mark,
}

impl Watched {
    /// Starts a program with its output piped to here.
    pub(crate) fn start(command: &mut Command) -> Done<Self> {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let lines = BufReader::new(child.stdout.take().ok_or("no output")?);
        let pid = child.id().to_string();
        Ok(Self { child, lines, pid, started: Mark { cpu: 0.0, at: Instant::now() } })
    }

    /// What follows `prefix` on the first line that begins with it, and what the process had used when it came.
    pub(crate) fn line(&mut self, prefix: &str) -> Done<(String, Mark)> {
        let mut line = String::new();
        loop {
            line.clear();
            if self.lines.read_line(&mut line)? == 0 {
                return Err(format!("the process ended without saying `{prefix}`").into());
            }
            if let Some(rest) = line.strip_prefix(prefix) {
                return Ok((rest.trim().to_owned(), mark(&self.pid)?));
            }
        }
    }

    /// Waits for its end: what it used in all, its peak memory, and what else it said.
    pub(crate) fn end(mut self) -> Done<(Mark, f64, String)> {
        let mut most = 0.0;
        let end = loop {
            most = peak(&self.pid).unwrap_or(most);
            let (state, cpu) = stat(&self.pid)?;
            // A zombie's times are complete; they are gone once it is waited for.
            if state == "Z" {
                break Mark { cpu, at: Instant::now() };
            }
            std::thread::sleep(LOOK);
        };
        let mut rest = String::new();
        self.lines.read_to_string(&mut rest)?;
        let status = self.child.wait()?;
        if !status.success() {
            return Err(format!("the process ended with {status}: {rest}").into());
        }
        Ok((end, most, rest))
    }

    /// Ends it at once; what it had used.
    pub(crate) fn kill(mut self) -> Done<Mark> {
        let used = mark(&self.pid)?;
        self.child.kill()?;
        self.child.wait()?;
        Ok(used)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        // Gone already when it was waited for.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
