//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Bulk WhatsApp campaigns: planned, paced, sent exactly once, accounted for.
#[derive(Clone, Debug, Parser)]
#[command(name = "fanfare", version, about, arg_required_else_help = true)]
pub struct Arguments {
    /// The settings; found as fanfare.toml in the campaign's folder or one above when left out.
    #[arg(long, global = true, value_name = "FILE", env = "FANFARE_CONFIG")]
    pub config: Option<PathBuf>,
    /// Print one JSON document instead of text.
    #[arg(long, global = true)]
    pub json: bool,
    /// What to log to standard error: error, warn, info, debug, or a filter such as fanfare=debug.
    #[arg(long, global = true, value_name = "FILTER", env = "FANFARE_LOG", default_value = "warn")]
    pub log: String,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Find every problem of campaign files; exit 2 when there is one.
    Check(CheckArguments),
    /// Say who would get what and who is left out, without sending.
    Plan(PlanArguments),
    /// Plan, then send; the same command goes on after a pause or a crash.
    Run(RunArguments),
    /// List the runs.
    Runs,
    /// Show where a run stands.
    Show(RunName),
    /// List the sends whose outcome could not be learned, and decide about them.
    Unknown(UnknownArguments),
    /// Report what was sent, delivered, read, and what failed and why.
    Report(ReportArguments),
    /// Tell everything about one person.
    Explain(ExplainArguments),
    /// Be the provider: Meta's protocol on loopback, with virtual people.
    Simulate(SimulateArguments),
    /// Print the JSON Schema of campaign files, for editors.
    #[command(hide = true)]
    Schema,
    /// Print a completion script.
    #[command(hide = true)]
    Completions {
        /// For which shell.
        shell: clap_complete::Shell,
    },
}

/// `fanfare check`.
#[derive(Clone, Debug, Args)]
pub struct CheckArguments {
    /// Campaign files.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// How problems are printed.
    #[arg(long, value_enum, default_value_t)]
    pub format: ProblemFormat,
}

/// How problems are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ProblemFormat {
    /// With the line underlined.
    #[default]
    Full,
    /// One line a problem.
    Short,
}

/// What `plan` and `run` share.
#[derive(Clone, Debug, Args)]
pub struct PlanningArguments {
    /// The audience, instead of the campaign's own; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    pub audience: Option<String>,
    /// Where the rows to fix are written; beside the database when left out.
    #[arg(long, value_name = "FILE")]
    pub rejects: Option<PathBuf>,
    /// The share of unusable rows, in percent, above which nothing is sent.
    #[arg(long, value_name = "PERCENT", default_value = "1", value_parser = percent)]
    pub max_bad_rows: f64,
}

/// `fanfare plan`.
#[derive(Clone, Debug, Args)]
pub struct PlanArguments {
    /// The campaign.
    pub file: PathBuf,
    /// What planning is told.
    #[command(flatten)]
    pub planning: PlanningArguments,
    /// Print this many rendered messages.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub sample: u32,
}

/// `fanfare run`.
#[derive(Clone, Debug, Args)]
pub struct RunArguments {
    /// The campaigns; several run side by side and share their senders by priority.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// What planning is told.
    #[command(flatten)]
    pub planning: PlanningArguments,
    /// Names this run; the same key is the same run. Derived from the campaign and its audience when left out.
    #[arg(long, value_name = "KEY", conflicts_with = "again")]
    pub run_key: Option<String>,
    /// Send the same campaign to the same audience once more.
    #[arg(long)]
    pub again: bool,
    /// Send from a ledger that is an older copy, such as a restored backup, after comparing it with the provider.
    #[arg(long)]
    pub accept_restored: bool,
    /// Show no progress.
    #[arg(long, short)]
    pub quiet: bool,
    /// How long to wait at the end for late webhooks, such as 60s.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    pub linger: Duration,
}

/// A run by its name.
#[derive(Clone, Debug, Args)]
pub struct RunName {
    /// The run's id, the beginning of one, or `last`.
    #[arg(default_value = "last")]
    pub run: String,
}

/// `fanfare unknown`.
#[derive(Clone, Debug, Args)]
pub struct UnknownArguments {
    /// What to do.
    #[command(subcommand)]
    pub command: UnknownCommand,
}

/// What to do about unknown outcomes.
#[derive(Clone, Debug, Subcommand)]
pub enum UnknownCommand {
    /// List them; exit 3 when there is one.
    List {
        /// Of which run.
        #[command(flatten)]
        run: RunName,
        /// Show whole numbers.
        #[arg(long)]
        reveal: bool,
    },
    /// Count them as sent: the provider's records show them.
    Accept(DecisionArguments),
    /// Send them once more: whoever got the message gets it twice, and is listed as a possible duplicate.
    Resend(DecisionArguments),
}

/// About whom to decide.
#[derive(Clone, Debug, Args)]
pub struct DecisionArguments {
    /// The run's id, the beginning of one, or `last`.
    pub run: String,
    /// The people's numbers, with their plus signs.
    #[arg(value_name = "PHONE", required_unless_present = "all", conflicts_with = "all")]
    pub phones: Vec<String>,
    /// Everyone who waits for a decision.
    #[arg(long)]
    pub all: bool,
    /// Do it for more than one person.
    #[arg(long)]
    pub yes: bool,
}

/// `fanfare report`.
#[derive(Clone, Debug, Args)]
pub struct ReportArguments {
    /// Which run.
    #[command(flatten)]
    pub run: RunName,
    /// How it is printed.
    #[arg(long, value_enum, default_value_t)]
    pub format: ReportFormat,
    /// Where it is written; standard output when left out.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// In CSV files, print cells as they are, for programs: not safe to open in a spreadsheet.
    #[arg(long)]
    pub raw: bool,
}

/// How a report is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// For people.
    #[default]
    Text,
    /// The whole report as one document.
    Json,
    /// One row a recipient.
    Csv,
    /// The recipients whose outcome could not be learned, as CSV.
    Unknown,
    /// The recipients who may have got the message twice, as CSV.
    Duplicates,
}

/// `fanfare explain`.
#[derive(Clone, Debug, Args)]
pub struct ExplainArguments {
    /// The person's number, with its plus sign.
    pub phone: String,
}

/// `fanfare simulate`.
#[derive(Clone, Debug, Args)]
pub struct SimulateArguments {
    /// The simulator's settings; the README lists them.
    #[arg(long, value_name = "FILE")]
    pub settings: Option<PathBuf>,
    /// Where to listen; loopback only.
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<std::net::SocketAddr>,
    /// Where webhooks go; loopback only.
    #[arg(long, value_name = "URL")]
    pub webhook_url: Option<String>,
    /// The file of what people received.
    #[arg(long, value_name = "FILE")]
    pub ledger: Option<PathBuf>,
}

/// A time such as `90s`, `15m`, `12h`, or anything else `jiff` reads as a span of exact units.
///
/// # Errors
/// When it is none.
pub fn duration(text: &str) -> Result<Duration, String> {
    let span: jiff::SignedDuration =
        text.parse().map_err(|_| format!("`{text}` is no time: write a number and a unit, such as 60s or 15m"))?;
    Duration::try_from(span).map_err(|_| format!("`{text}` is negative"))
}

fn percent(text: &str) -> Result<f64, String> {
    let number: f64 = text.trim_end_matches('%').parse().map_err(|_| format!("`{text}` is no percentage: write 0 to 100"))?;
    if (0.0..=100.0).contains(&number) { Ok(number) } else { Err(format!("`{text}` is not between 0 and 100")) }
}
