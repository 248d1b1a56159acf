//! `fanfare plan`: the whole audience read, checked and rendered, and what would happen; nothing is sent or stored. What planning has in
//! common with `fanfare run` stands here too.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufWriter, Read as _, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;

use super::{Checked, Wrong, checked, clock, out};
use crate::app::args::{PlanArguments, PlanningArguments, ProblemFormat};
use crate::app::config::Settings;
use crate::app::exit::Exit;
use crate::app::wire;
use crate::audience::{self, Audience, AudienceSpec, Input, Region, RejectsWriter};
use crate::campaign::{AudienceFile, AudiencePart, Prefer};
use crate::decision::window::opened_since;
use crate::outbound::key::{DeliveryId, RunNo};
use crate::outbound::ledger::{Claimed, RouteTaken, SenderNo};
use crate::outbound::plan::{Batch, PlanError, PlannedRow, Read, read};
use crate::outbound::quota::Quota;
use crate::outbound::script::{From, Script};
use crate::outbound::status::Standing;
use crate::store::{self, Store};

/// An audience that can be opened again and again, with the digest of its bytes.
#[derive(Debug)]
pub(super) struct Source {
    path: PathBuf,
    /// As written in the campaign or on the command line.
    pub(super) name: String,
    /// SHA-256 of the bytes, hex.
    pub(super) digest: String,
}

/// [`source`] on a thread of its own: a signal must not wait for a long file, or for somebody who types.
pub(super) async fn find_source(checked: Checked, arguments: &PlanningArguments) -> anyhow::Result<(Checked, Source)> {
    let arguments = arguments.clone();
    tokio::task::spawn_blocking(move || {
        let source = source(&checked, &arguments)?;
        Ok((checked, source))
    })
    .await?
}

/// Finds the audience and takes its digest; standard input is kept in a file first, so that what is checked is what is sent.
pub(super) fn source(checked: &Checked, arguments: &PlanningArguments) -> anyhow::Result<Source> {
    let folder = checked.file.parent().unwrap_or(Path::new("."));
    let (name, path) = match (&arguments.audience, &checked.campaign.audience.file) {
        (Some(given), _) if given == "-" => (given.clone(), keep_stdin(&checked.settings)?),
        (Some(given), _) => (given.clone(), PathBuf::from(given)),
        (None, AudienceFile::Stdin) => ("-".to_owned(), keep_stdin(&checked.settings)?),
        (None, AudienceFile::Path(path)) => {
            let name = path.display().to_string();
            let beside = audience::resolve(folder, &name);
            let found = beside.or_else(|problem| audience::resolve(&checked.settings.root, &name).map_err(|_| problem));
            (name, found.context(Wrong)?)
        }
    };
    let digest = digest(&path).with_context(|| format!("cannot read the audience {name}")).context(Wrong)?;
    Ok(Source { path, name, digest })
}

fn keep_stdin(settings: &Settings) -> anyhow::Result<PathBuf> {
    std::fs::create_dir_all(&settings.data)?;
    let path = settings.data.join("standard-input.audience");
    let mut file = File::create(&path).with_context(|| format!("cannot keep standard input in {}", path.display()))?;
    std::io::copy(&mut std::io::stdin().lock(), &mut file)?;
    file.sync_all()?;
    Ok(path)
}

fn digest(path: &Path) -> std::io::Result<String> {
    if !std::fs::metadata(path)?.is_file() {
        // The reader refuses it with its own words.
        return Ok(String::new());
    }
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut chunk = vec![0; 1 << 20];
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(hex::encode(hash.finalize())),
            n => hash.update(chunk.get(..n).unwrap_or_default()),
        }
    }
}

/// What the campaign says about its list, for the reader.
pub(super) fn spec(part: &AudiencePart, columns: &[String], settings: &Settings) -> AudienceSpec {
    AudienceSpec {
        phone: part.phone.clone(),
        country: part.country.clone(),
        country_column: part.country_column.clone(),
        delimiter: part.delimiter,
        encoding: part.encoding.clone(),
        consent: part.consent.clone(),
        language: part.language.clone(),
        timezone: part.timezone.clone(),
        columns: columns.to_vec(),
        own_numbers: settings.senders.values().filter_map(|sender| sender.phone).collect(),
    }
}

/// What reading an audience found, and how it is written.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) read: Read,
    pub(super) dialect: String,
    pub(super) rejects: Option<PathBuf>,
}

/// Reads the whole audience on a thread of its own; batches come through `batches`.
pub(super) async fn read_all(
    checked: &Checked,
    source: &Source,
    script: &Arc<Script>,
    rejects: PathBuf,
    batches: mpsc::Sender<Batch>,
) -> anyhow::Result<Outcome> {
    let spec = spec(&checked.campaign.audience, &checked.columns, &checked.settings);
    let (path, name, script) = (source.path.clone(), source.name.clone(), Arc::clone(script));
    let now = clock().now();
    let reading = tokio::task::spawn_blocking(move || -> Result<Outcome, PlanError> {
        let mut audience = Audience::open(Input::Path(path), &spec)?;
        let dialect = audience.dialect().to_string();
        let mut lazy = LazyFile { path: rejects.clone(), file: None };
        let mut writer = RejectsWriter::new(&mut lazy, audience.header()).map_err(PlanError::Rejects)?;
        let read = read(&mut audience, &script, now, Some(&mut writer), |batch| batches.blocking_send(batch).is_ok())?;
        writer.finish().map_err(PlanError::Rejects)?;
        let bad = read.counts.bad + read.counts.duplicate > 0;
        lazy.close(bad).map_err(PlanError::Rejects)?;
        Ok(Outcome { read, dialect, rejects: bad.then_some(rejects) })
    });
    let outcome = reading.await?.with_context(|| format!("the audience {name}")).context(Wrong)?;
    let digest = outcome.read.digest.map(|digest| digest.to_string()).unwrap_or_default();
    anyhow::ensure!(
        digest == source.digest,
        "the audience {name} changed while it was read; run the same command again when it is complete"
    );
    Ok(outcome)
}

/// The rejects file, opened with its first byte and removed when nothing was rejected.
struct LazyFile {
    path: PathBuf,
    file: Option<BufWriter<File>>,
}

impl Write for LazyFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.file.is_none() {
            if let Some(folder) = self.path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            self.file = Some(BufWriter::new(File::create(&self.path)?));
        }
        self.file.as_mut().map_or(Ok(bytes.len()), |file| file.write(bytes))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl LazyFile {
    fn close(mut self, keep: bool) -> std::io::Result<()> {
        self.flush()?;
        if keep || self.file.is_none() { Ok(()) } else { std::fs::remove_file(&self.path) }
    }
}

/// Where rows to fix go.
pub(super) fn rejects_path(checked: &Checked, arguments: &PlanningArguments) -> PathBuf {
    let name = format!("{}.rejects.csv", checked.campaign.name);
    arguments.rejects.clone().unwrap_or_else(|| checked.settings.data.join(name))
}

/// Compiles the campaign's texts; they passed the check before.
pub(super) fn script(checked: &Checked) -> anyhow::Result<Arc<Script>> {
    match Script::new(&checked.campaign, checked.columns.clone()) {
        Ok(script) => Ok(Arc::new(script)),
        Err(_) => anyhow::bail!("the campaign's texts do not compile any more"),
    }
}

/// What a plan counts besides what the reader does.
#[derive(Debug, Default)]
pub(super) struct Forecast {
    skipped: BTreeMap<&'static str, u64>,
    open_windows: u64,
    regions: BTreeMap<Region, u64>,
    samples: Vec<(u64, String)>,
}

/// Plans without sending.
pub(super) async fn plan(arguments: &PlanArguments, config: Option<&Path>, json: bool) -> anyhow::Result<Exit> {
    let Some(checked) = checked(&arguments.file, config, json, ProblemFormat::Full)? else { return Ok(Exit::Invalid) };
    let script = script(&checked)?;
    let source = source(&checked, &arguments.planning)?;
    let rejects = rejects_path(&checked, &arguments.planning);
    // A ledger that is not there yet knows of no windows.
    let ledger = store::open(&checked.settings.database, store::Mode::ReadOnly).await.ok();
    let (batches, received) = mpsc::channel(4);
    let reading = read_all(&checked, &source, &script, rejects, batches);
    let counting = forecast(&checked, &script, arguments.sample, ledger.as_deref(), received);
    let (outcome, forecast) = tokio::join!(reading, counting);
    let (outcome, forecast) = (outcome?, forecast?);
    if json {
        out(&format!("{}\n", document(&checked, &source, &outcome, &forecast)))?;
    } else {
        out(&text(&checked, &source, &outcome, &forecast))?;
    }
    let too_bad = outcome.read.bad_percent() > arguments.planning.max_bad_rows;
    if too_bad {
        super::complain(&too_many_bad(&outcome, arguments.planning.max_bad_rows));
    }
    Ok(if too_bad { Exit::Invalid } else { Exit::Done })
}

impl Forecast {
    /// Looks at rows as they come: who is left out, whose window is open now, where the numbers belong.
    pub(super) async fn add(
        &mut self,
        rows: &[PlannedRow],
        senders: &[SenderNo],
        ledger: Option<&dyn Store>,
    ) -> anyhow::Result<()> {
        let windows = match ledger {
            Some(ledger) if !senders.is_empty() => {
                let people: Vec<_> = rows.iter().map(|row| row.person).collect();
                ledger.windows(senders, &people).await?
            }
            _ => HashMap::new(),
        };
        let since = opened_since(clock().now());
        for row in rows {
            if let Some(reason) = row.skip {
                *self.skipped.entry(reason.as_str()).or_default() += 1;
                continue;
            }
            *self.regions.entry(row.region).or_default() += 1;
            let open = senders.iter().any(|sender| windows.get(&(*sender, row.person)).is_some_and(|at| *at >= since));
            self.open_windows += u64::from(open);
        }
        Ok(())
    }
}

async fn forecast(
    checked: &Checked,
    script: &Script,
    sample: u32,
    ledger: Option<&dyn Store>,
    mut batches: mpsc::Receiver<Batch>,
) -> anyhow::Result<Forecast> {
    let mut forecast = Forecast::default();
    let senders = match ledger {
        Some(ledger) if script.has_free_form() => known_senders(checked, ledger).await?,
        _ => Vec::new(),
    };
    while let Some(batch) = batches.recv().await {
        forecast.add(&batch.rows, &senders, ledger).await?;
        let wanted = usize::try_from(sample).unwrap_or(usize::MAX).saturating_sub(forecast.samples.len());
        for row in batch.rows.iter().filter(|row| row.skip.is_none()).take(wanted) {
            forecast.samples.push((row.line, rendered(checked, script, row)?));
        }
    }
    Ok(forecast)
}

/// The numbers of the campaign's senders that the ledger has met.
pub(super) async fn known_senders(checked: &Checked, ledger: &dyn Store) -> anyhow::Result<Vec<SenderNo>> {
    let mut known = Vec::new();
    for name in &checked.campaign.senders {
        if let Some(sender) = checked.settings.senders.get(name) {
            known.extend(ledger.sender_of(&sender.provider, &sender.number_id).await?);
        }
    }
    Ok(known)
}

/// The exact request a row would make, as it would leave: the template when there is one.
fn rendered(checked: &Checked, script: &Script, row: &PlannedRow) -> anyhow::Result<String> {
    let sender = checked.campaign.senders.first().and_then(|name| checked.settings.senders.get(name));
    let sender = sender.context("the campaign has no sender")?;
    let provider = checked.settings.providers.get(&sender.provider).context("the sender has no provider")?;
    let adapter = wire::adapter(provider)?;
    let claimed = Claimed {
        id: DeliveryId::new(RunNo(0), row.record).context("too many rows")?,
        person: row.person,
        line: row.line,
        standing: Standing::PLANNED,
        vars: serde_json::from_str(&row.vars)?,
    };
    let route = if script.has_template() { RouteTaken::Template } else { RouteTaken::FreeForm };
    let from = From { run_id: "sample", number_id: &sender.number_id, provider: &*adapter };
    let (request, _) = script.request(&claimed, route, &from, clock().now())?;
    let document: serde_json::Value = serde_json::from_slice(&request.body)?;
    Ok(serde_json::to_string_pretty(&document)?)
}

/// Permits a second of all the campaign's senders together, as the settings and the campaign allow.
fn rate(checked: &Checked) -> f64 {
    let of_sender = |name: &String| {
        let sender = checked.settings.senders.get(name)?;
        let provider = checked.settings.providers.get(&sender.provider)?;
        let usual = wire::adapter(provider).ok()?.descriptor().default_rate;
        Some(sender.rate.map_or(f64::from(usual), Quota::rate))
    };
    let senders: f64 = checked.campaign.senders.iter().filter_map(of_sender).sum();
    checked.campaign.pacing.rate.map_or(senders, |rate| rate.rate().min(senders))
}

pub(super) fn too_many_bad(outcome: &Outcome, most: f64) -> String {
    let read = &outcome.read;
    let rejects = outcome.rejects.as_ref().map(|path| format!(" ({})", path.display())).unwrap_or_default();
    format!(
        "error: {} of {} rows ({:.1} %) cannot be used, more than the {most} % allowed; nothing was sent\n  \
         fix them in the rejects file{rejects}, or allow more with --max-bad-rows\n",
        read.counts.bad,
        read.counts.read,
        read.bad_percent()
    )
}

/// The plan's head: what the audience is, who is left out and why.
fn audience_text(checked: &Checked, source: &Source, outcome: &Outcome) -> String {
    let read = &outcome.read;
    let mut text = String::new();
    let mut line = |label: &str, value: String| text.push_str(&format!("  {label:<12} {value}\n"));
    line("campaign", format!("{} ({})", checked.campaign.name, checked.file.display()));
    line("senders", checked.campaign.senders.join(", "));
    line("audience", format!("{}: {}", source.name, outcome.dialect));
    line("rows", format!("{} read, {} people", grouped(read.counts.read), grouped(read.counts.planned)));
    if read.counts.duplicate > 0 {
        line("duplicates", format!("{} rows name a person again; the first row counts", grouped(read.counts.duplicate)));
    }
    if read.counts.bad > 0 {
        line("unusable", format!("{} rows ({:.1} %)", grouped(read.counts.bad), read.bad_percent()));
        for (at, column, what) in &read.examples {
            let column = column.as_ref().map(|column| format!(" `{column}`")).unwrap_or_default();
            line("", format!("{}:{at}{column}: {what}", source.name));
        }
    }
    if let Some(rejects) = &outcome.rejects {
        line("rejects", format!("{} holds these rows, to fix and use again", rejects.display()));
    }
    text
}

/// The plan for people.
pub(super) fn text(checked: &Checked, source: &Source, outcome: &Outcome, forecast: &Forecast) -> String {
    let mut text = format!("Plan\n{}", audience_text(checked, source, outcome));
    let skipped: u64 = forecast.skipped.values().sum();
    let mut sent = outcome.read.counts.planned - skipped;
    let mut line = |label: &str, value: String| text.push_str(&format!("  {label:<12} {value}\n"));
    for (reason, count) in &forecast.skipped {
        line("skipped", format!("{} {reason}", grouped(*count)));
    }
    let campaign = &checked.campaign;
    let free_form = campaign.free_form.is_some() && (campaign.template.is_none() || campaign.route.prefer == Prefer::FreeForm);
    if free_form {
        line("free-form", format!("{} people have an open window now", grouped(forecast.open_windows)));
    }
    let others = if free_form { sent - forecast.open_windows } else { sent };
    if campaign.template.is_some() {
        line("template", format!("{} people", grouped(others)));
    } else if others > 0 {
        // Whose window opens in time gets the message after all.
        sent -= others;
        line("left out", format!("{} people have no open window now, and there is no template", grouped(others)));
    }
    let mut regions: Vec<_> = forecast.regions.iter().collect();
    regions.sort_by_key(|(region, count)| (std::cmp::Reverse(**count), region.as_str().to_owned()));
    let named: Vec<_> =
        regions.iter().take(8).map(|(region, count)| format!("{} {}", region.as_str(), grouped(**count))).collect();
    let more = if regions.len() > 8 { format!(", {} more", regions.len() - 8) } else { String::new() };
    if !named.is_empty() {
        line("countries", format!("{}{more}", named.join(", ")));
    }
    let rate = rate(checked);
    #[expect(clippy::cast_precision_loss, reason = "people are far fewer than 2^52")]
    let seconds = sent as f64 / rate.max(1e-9);
    let pace = if rate < 10.0 { format!("{:.0} a minute", rate * 60.0) } else { format!("{rate:.0} a second") };
    line("takes", format!("about {} at {pace}", span(seconds)));
    for (at, sample) in &forecast.samples {
        text.push_str(&format!("\n{}:{at}\n{sample}\n", source.name));
    }
    text
}

fn document(checked: &Checked, source: &Source, outcome: &Outcome, forecast: &Forecast) -> serde_json::Value {
    let counts = &outcome.read.counts;
    let regions: BTreeMap<_, _> = forecast.regions.iter().map(|(region, count)| (region.as_str(), count)).collect();
    let samples: Vec<_> =
        forecast.samples.iter().map(|(line, text)| serde_json::json!({ "line": line, "request": text })).collect();
    serde_json::json!({
        "campaign": checked.campaign.name,
        "senders": checked.campaign.senders,
        "audience": { "name": source.name, "sha256": source.digest, "dialect": outcome.dialect },
        "rows": { "read": counts.read, "people": counts.planned, "unusable": counts.bad, "duplicate": counts.duplicate },
        "reasons": outcome.read.reasons,
        "rejects": outcome.rejects,
        "skipped": forecast.skipped,
        "open_windows": forecast.open_windows,
        "countries": regions,
        "rate_per_second": rate(checked),
        "samples": samples,
    })
}

/// A count with its thousands apart.
pub(super) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn span(seconds: f64) -> String {
    match seconds {
        s if s < 1.0 => "a second".to_owned(),
        s if s < 120.0 => format!("{s:.0} seconds"),
        s if s < 7_200.0 => format!("{:.0} minutes", s / 60.0),
        s => format!("{:.1} hours", s / 3_600.0),
    }
}
