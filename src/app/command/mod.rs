//! One file a subcommand, and what they share: reading a campaign, saying what is wrong with it.

mod check;
mod plan;
mod report;
mod run;
mod simulate;
mod unknown;

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use clap::CommandFactory as _;
use tracing_subscriber::EnvFilter;

use super::args::{Arguments, Command, ProblemFormat};
use super::config::Settings;
use super::exit::Exit;
use crate::campaign::{self, Campaign, Context, Problem, Severity};
use crate::message::faults;
use crate::outbound::ledger::LedgerError;
use crate::outbound::script::Script;
use crate::time::{Clock, SystemClock};

/// A campaign that passed every check, with its texts' columns.
#[derive(Debug)]
struct Checked {
    file: PathBuf,
    text: String,
    campaign: Campaign,
    columns: Vec<String>,
    settings: Settings,
}

/// Runs the command and says how it ended.
pub fn main(arguments: Arguments) -> Exit {
    let filter = EnvFilter::try_new(&arguments.log).unwrap_or_else(|_| EnvFilter::new("warn"));
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    if arguments.json {
        subscriber.json().init();
    } else {
        subscriber.compact().init();
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return broken(&anyhow::Error::new(error).context("cannot start")),
    };
    let ended = runtime.block_on(dispatch(arguments));
    // A thread that still reads a file or a terminal for a command that was stopped is not waited for.
    runtime.shutdown_background();
    match ended {
        Ok(exit) => exit,
        Err(error) => broken(&error),
    }
}

async fn dispatch(arguments: Arguments) -> anyhow::Result<Exit> {
    let Arguments { config, json, command, .. } = arguments;
    let config = config.as_deref();
    match command {
        Command::Check(check) => Ok(check::check(&check, config, json)),
        Command::Plan(plan) => plan::plan(&plan, config, json).await,
        Command::Run(run) => run::run(&run, config, json).await,
        Command::Simulate(simulate) => simulate::simulate(&simulate).await,
        Command::Schema => {
            let schema = serde_json::to_string_pretty(&campaign::schema())?;
            out(&format!("{schema}\n"))?;
            Ok(Exit::Done)
        }
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Arguments::command(), "fanfare", &mut std::io::stdout());
            Ok(Exit::Done)
        }
        Command::Runs => report::runs(config, json).await,
        Command::Show(run) => report::show(&run, config, json).await,
        Command::Unknown(arguments) => unknown::unknown(&arguments, config, json).await,
        Command::Report(arguments) => report::report(&arguments, config, json).await,
        Command::Explain(arguments) => report::explain(&arguments, config, json).await,
    }
}

/// Writes to standard output; a reader that left early (`| head`) is no error.
fn out(text: &str) -> std::io::Result<()> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Writes to standard error; when even that is closed there is nobody left to tell.
fn complain(text: &str) {
    drop(std::io::stderr().lock().write_all(text.as_bytes()));
}

fn broken(error: &anyhow::Error) -> Exit {
    complain(&format!("error: {error:#}\n"));
    match error.downcast_ref::<LedgerError>() {
        Some(LedgerError::Locked(_)) => Exit::Busy,
        Some(LedgerError::Full) => Exit::Paused,
        _ if error.is::<Wrong>() => Exit::Invalid,
        _ => Exit::Broken,
    }
}

/// Marks an error as the user's to mend: settings, campaign, audience.
#[derive(Debug, thiserror::Error)]
#[error("nothing was sent")]
struct Wrong;

fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}

/// Reads and checks a campaign file: exactly the checks of `check`, `plan` and `run`. `None` when it was wrong, which was said.
fn checked(file: &Path, config: Option<&Path>, json: bool, format: ProblemFormat) -> anyhow::Result<Option<Checked>> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("cannot read the campaign {}", file.display())).context(Wrong)?;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let settings = Settings::find(config, folder).context(Wrong)?;
    let context = Context { senders: Some(settings.known_senders()), now: clock().now() };
    let campaign::Examined { campaign, texts, mut problems } = campaign::examine(&text, &context);
    let is_wrong = |problems: &[Problem]| problems.iter().any(|problem| problem.severity == Severity::Error);
    let mut columns = None;
    if is_wrong(&problems) {
        // The messages may not be whole: what can be said of their texts one by one is said in the same breath.
        problems.extend(texts.iter().flat_map(faults));
    } else if let Some(campaign) = &campaign {
        let compiled = Script::columns_of(campaign);
        // Texts are compiled against their own columns here; the audience's header is compared when it is opened.
        let compiled = compiled.and_then(|columns| Script::new(campaign, columns.clone()).map(|_| columns));
        columns = compiled.map_err(|errors| problems.extend(errors)).ok();
    }
    problems.sort_by_key(|problem| problem.span.start);
    tell(&problems, file, &text, json, format)?;
    Ok(campaign.zip(columns).map(|(campaign, columns)| Checked { file: file.to_owned(), text, campaign, columns, settings }))
}

fn tell(problems: &[Problem], file: &Path, text: &str, json: bool, format: ProblemFormat) -> std::io::Result<()> {
    let name = file.display().to_string();
    if json {
        return if problems.is_empty() {
            Ok(())
        } else {
            out(&format!("{}\n", campaign::diagnostic::json(problems, &name, text)))
        };
    }
    let said = match format {
        ProblemFormat::Full => campaign::diagnostic::terminal(problems, &name, text, std::io::stderr().is_terminal()),
        ProblemFormat::Short => campaign::diagnostic::lines(problems, &name, text),
    };
    complain(&said);
    let errors = problems.iter().filter(|problem| problem.severity == Severity::Error).count();
    if errors > 0 {
        let s = if errors == 1 { "" } else { "s" };
        complain(&format!("{name}: {errors} error{s}; nothing was sent\n"));
    }
    Ok(())
}
