//! `fanfare runs`, `show`, `report`, `explain`: read only, also beside a process that sends.

use std::fs::File;
use std::io::{BufWriter, IsTerminal as _, Write};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;

use super::{Wrong, clock, out};
use crate::app::args::{ExplainArguments, ReportArguments, ReportFormat, RunName};
use crate::app::config::Settings;
use crate::app::exit::Exit;
use crate::audience::{self, Phone};
use crate::decision::SkipReason;
use crate::outbound::ledger::RunRecord;
use crate::outbound::status::State;
use crate::provider::meta::codes;
use crate::report::csv::Csv;
use crate::report::explain::Explanation;
use crate::report::format::{Format, ReportError};
use crate::report::json::{Json, document};
use crate::report::port::Listing;
use crate::report::runs::{RunLine, list, show as shown};
use crate::report::text::Text;
use crate::report::words::Words;
use crate::store::{self, Store};

/// Runs listed at most.
const RUNS: u32 = 50;

const WORDS: Words<'static> = Words { code: &codes::meaning, reason: &reason };

fn reason(code: i16) -> Option<&'static str> {
    SkipReason::from_code(code).map(SkipReason::as_str)
}

/// The settings of a command that names no campaign.
pub(super) fn settings(config: Option<&Path>) -> anyhow::Result<Settings> {
    let settings = Settings::find(config, Path::new(".")).or_else(|error| {
        // The examples' settings stand beside them.
        Settings::find(config, Path::new("campaigns")).map_err(|_| error)
    });
    settings.context(Wrong)
}

pub(super) async fn open(config: Option<&Path>) -> anyhow::Result<(Settings, Arc<dyn Store>)> {
    let settings = settings(config)?;
    let store = store::open(&settings.database, store::Mode::ReadOnly).await?;
    Ok((settings, store))
}

/// The run a person means: an id, the beginning of one, or `last`.
pub(super) async fn find(store: &dyn Store, name: &RunName) -> anyhow::Result<String> {
    let runs = store.run_list(10_000, false).await?;
    let mut ids = runs.iter().map(|(head, _)| head.id.as_str());
    let found: Vec<&str> = match name.run.as_str() {
        "last" => ids.take(1).collect(),
        text => match ids.clone().find(|id| *id == text) {
            Some(id) => vec![id],
            None => ids.by_ref().filter(|id| id.starts_with(text)).collect(),
        },
    };
    match found.as_slice() {
        [id] => Ok((*id).to_owned()),
        [] => Err(anyhow::Error::new(ReportError::NoSuchRun(name.run.clone())).context(Wrong)),
        several => Err(anyhow::anyhow!("`{}` is the beginning of several runs: {}", name.run, several.join(", ")).context(Wrong)),
    }
}

/// Columns of the terminal, when there is one.
fn width() -> Option<u16> {
    std::io::stdout().is_terminal().then(|| console::Term::stdout().size().1).filter(|width| *width > 0)
}

pub(super) async fn runs(config: Option<&Path>, json: bool) -> anyhow::Result<Exit> {
    let (_, store) = open(config).await?;
    let runs = store.run_list(RUNS, true).await?;
    let lines: Vec<RunLine> = runs.into_iter().map(|(head, counts)| RunLine::new(&head, counts)).collect();
    if json {
        document(&lines, &mut std::io::stdout())?;
    } else {
        out(&list(&lines, width()))?;
    }
    Ok(Exit::Done)
}

pub(super) async fn show(name: &RunName, config: Option<&Path>, json: bool) -> anyhow::Result<Exit> {
    let (_, store) = open(config).await?;
    let id = find(store.as_ref(), name).await?;
    let runs = store.run_list(10_000, false).await?;
    let Some((head, _)) = runs.into_iter().find(|(head, _)| head.id == id) else {
        return Err(ReportError::NoSuchRun(id).into());
    };
    let counts = store.run_list(RUNS, true).await?.into_iter().find(|(other, _)| other.id == id).and_then(|(_, counts)| counts);
    let line = RunLine::new(&head, counts);
    if json {
        document(&line, &mut std::io::stdout())?;
    } else {
        out(&shown(&line, width()))?;
    }
    Ok(Exit::Done)
}

pub(super) async fn report(arguments: &ReportArguments, config: Option<&Path>, json: bool) -> anyhow::Result<Exit> {
    let (_, store) = open(config).await?;
    let id = find(store.as_ref(), &arguments.run).await?;
    let csv = |listing| Csv { raw: arguments.raw, mark: !arguments.raw && arguments.out.is_some(), ..Csv::of(listing) };
    let format: Box<dyn Format> = match arguments.format {
        ReportFormat::Text if json => Box::new(Json),
        ReportFormat::Text => Box::new(Text { width: width().filter(|_| arguments.out.is_none()) }),
        ReportFormat::Json => Box::new(Json),
        ReportFormat::Csv => Box::new(csv(Listing::All)),
        ReportFormat::Unknown => Box::new(csv(Listing::Unknown)),
        ReportFormat::Duplicates => Box::new(csv(Listing::PossibleDuplicates)),
    };
    match &arguments.out {
        Some(file) => {
            let about = || format!("cannot write {}", file.display());
            let mut written = BufWriter::new(File::create(file).with_context(about)?);
            format.write(store.as_ref(), &id, WORDS, &mut written).await?;
            written
                .into_inner()
                .map_err(std::io::IntoInnerError::into_error)
                .and_then(|file| file.sync_all())
                .with_context(about)?;
        }
        None => to_stdout(format.as_ref(), store.as_ref(), &id).await?,
    }
    Ok(Exit::Done)
}

async fn to_stdout(format: &dyn Format, store: &dyn Store, id: &str) -> anyhow::Result<()> {
    let mut written = BufWriter::new(std::io::stdout());
    let result = match format.write(store, id, WORDS, &mut written).await {
        Ok(()) => written.flush().map_err(ReportError::Output),
        Err(error) => Err(error),
    };
    match result {
        // A reader that left early (`| head`) has what it wanted.
        Err(ReportError::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => Ok(result?),
    }
}

pub(super) async fn explain(arguments: &ExplainArguments, config: Option<&Path>, json: bool) -> anyhow::Result<Exit> {
    let phone = Phone::parse(&arguments.phone)
        .map_err(|_| {
            anyhow::anyhow!("`{}` is no phone number: write it with its plus sign, such as +5215512345678", arguments.phone)
        })
        .context(Wrong)?;
    let (_, store) = open(config).await?;
    let facts = store.person(audience::canonical(phone)).await?;
    let explanation = Explanation::new(&facts, WORDS, clock().now());
    if json {
        document(&explanation, &mut std::io::stdout())?;
    } else {
        out(&explanation.text(width()))?;
    }
    Ok(Exit::Done)
}

/// The report after a run, from the store that ran it; says whether some outcomes stayed unknown.
pub(super) async fn after_run(store: &dyn Store, run: &RunRecord, json: bool) -> anyhow::Result<Exit> {
    let format: Box<dyn Format> = if json { Box::new(Json) } else { Box::new(Text { width: width() }) };
    to_stdout(format.as_ref(), store, &run.run.id).await?;
    let counts = store.counts(run.no).await?;
    let unknown = [State::Unknown, State::UnknownFinal].iter().any(|state| counts.get(state).is_some_and(|count| *count > 0));
    Ok(if unknown { Exit::Unknown } else { Exit::Done })
}
