//! `fanfare run`: plan into the ledger, then send; the same command goes on after a pause or a crash.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::plan::{self, Forecast, Outcome, Source, grouped};
use super::{Checked, Wrong, checked, clock, complain, out};
use crate::app::args::{ProblemFormat, RunArguments};
use crate::app::exit::Exit;
use crate::app::ledger::{self, Opened, Opening};
use crate::app::progress::{Shown, follow};
use crate::app::shutdown;
use crate::app::wire::Engine;
use crate::outbound::breaker::Breaker;
use crate::outbound::emergency::Emergency;
use crate::outbound::key::{DeliveryId, run_id};
use crate::outbound::ledger::{Ledger, NewDelivery, NewRun, RejectedRow, RunRecord};
use crate::outbound::plan::Batch;
use crate::outbound::progress::{Count, Progress, Snapshot};
use crate::outbound::script::Script;
use crate::outbound::session::{RunEnd, Session};
use crate::outbound::status::{RunState, State};
use crate::receipt::fold::{Heard, RunTraits};
use crate::receipt::worker::Listeners;
use crate::store::Store;

/// A run that is planned and may send.
struct Planned {
    checked: Checked,
    script: Arc<Script>,
    run: RunRecord,
}

/// Plans and sends.
pub(super) async fn run(arguments: &RunArguments, config: Option<&Path>, json: bool) -> anyhow::Result<Exit> {
    let stop = shutdown::on_signal()?;
    let mut campaigns = Vec::new();
    for file in &arguments.files {
        let Some(checked) = checked(file, config, json, ProblemFormat::Full)? else { return Ok(Exit::Invalid) };
        campaigns.push(checked);
    }
    let Some(settings) = campaigns.first().map(|checked| checked.settings.clone()) else { return Ok(Exit::Invalid) };
    if campaigns.iter().any(|checked| checked.settings.database != settings.database) {
        return Err(anyhow::anyhow!("these campaigns have different settings: run them with separate commands").context(Wrong));
    }
    let Opened { store, emergency, witness } = match ledger::open(&settings, arguments.accept_restored, &*clock()).await? {
        Opening::Ready(opened) => *opened,
        Opening::Refused(reason) => {
            complain(&format!("{}\n", ledger::advice(&reason)));
            return Ok(Exit::Paused);
        }
    };
    let ledger: Arc<dyn Ledger> = Arc::clone(&store) as _;
    let mut planned: Vec<Planned> = Vec::new();
    let mut finished = Vec::new();
    for checked in campaigns {
        let file = checked.file.clone();
        let prepared = tokio::select! {
            prepared = prepare(checked, arguments, json, &store, &stop) => prepared?,
            // What was planned so far stays; the same command plans the rest.
            () = stop.cancelled() => Prepared::Refused(Exit::Interrupted),
        };
        match prepared {
            Prepared::Planned(run) if planned.iter().any(|other| other.run.no == run.run.no) => {
                complain(&format!("error: {} is the same run as another of these files; nothing was sent\n", file.display()));
                store.close().await;
                return Ok(Exit::Invalid);
            }
            Prepared::Planned(run) => planned.push(*run),
            Prepared::Finished(run) => finished.push(*run),
            Prepared::Refused(exit) => {
                if exit == Exit::Interrupted {
                    complain("stopped while planning: nothing was sent. The same command goes on\n");
                }
                store.close().await;
                return Ok(exit);
            }
        }
    }
    let mut exit = Exit::Done;
    if !planned.is_empty() {
        let sending = send(planned, &settings, arguments, json, &ledger, emergency, &stop);
        let (ended, sent) = tokio::select! {
            ended = sending => ended?,
            never = witness.watch(&*store) => match never {},
        };
        exit = ended;
        finished.extend(sent);
        // What was sent until now is seen to be missing from any copy made before.
        witness.raise(&*store).await;
    }
    for run in &finished {
        let ended = super::report::after_run(store.as_ref(), run, json).await?;
        exit = exit.max(ended);
    }
    store.close().await;
    Ok(exit)
}

enum Prepared {
    Planned(Box<Planned>),
    Finished(Box<RunRecord>),
    Refused(Exit),
}

async fn prepare(
    checked: Checked,
    arguments: &RunArguments,
    json: bool,
    ledger: &Arc<dyn Store>,
    stop: &CancellationToken,
) -> anyhow::Result<Prepared> {
    let script = plan::script(&checked)?;
    let (checked, source) = plan::find_source(checked, &arguments.planning).await?;
    let key = run_key(&checked, &source, arguments, ledger).await?;
    let now = clock().now();
    let wanted = new_run(&checked, &source, key, now);
    let run = ledger.create_run(&wanted).await?;
    if let Some(what) = differs(&run, &wanted) {
        complain(&format!(
            "error: the run key `{}` names {}, which was begun with another {what}; nothing was sent. Give this one another --run-key\n",
            run.run.run_key, run.run.id
        ));
        return Ok(Prepared::Refused(Exit::Invalid));
    }
    match run.state {
        RunState::Planning => {}
        RunState::Completed | RunState::Cancelled | RunState::Failed => {
            let when = run.finished_at.map(|at| format!(" on {at}")).unwrap_or_default();
            complain(&format!(
                "{} already ran{when}: nothing is sent again. To send the same campaign to the same audience once more, add --again\n",
                run.run.id
            ));
            return Ok(Prepared::Finished(Box::new(run)));
        }
        RunState::Ready | RunState::Running | RunState::Paused => {
            let why = run.reason.as_deref().map(|why| format!(" ({why})")).unwrap_or_default();
            complain(&format!("{} goes on where it stopped{why}\n", run.run.id));
            return Ok(Prepared::Planned(Box::new(Planned { checked, script, run })));
        }
    }
    let (outcome, forecast) = plan_into(&checked, &source, &script, arguments, &run, ledger).await?;
    let Outcome { read, .. } = &outcome;
    if !json {
        out(&format!("{}\n", plan::text(&checked, &source, &outcome, &forecast)))?;
    }
    if read.bad_percent() > arguments.planning.max_bad_rows {
        complain(&plan::too_many_bad(&outcome, arguments.planning.max_bad_rows));
        return Ok(Prepared::Refused(Exit::Invalid));
    }
    if read.counts.planned == 0 {
        complain("error: the audience has nobody to send to; nothing was sent\n");
        return Ok(Prepared::Refused(Exit::Invalid));
    }
    if stop.is_cancelled() {
        return Ok(Prepared::Refused(Exit::Interrupted));
    }
    anyhow::ensure!(
        ledger.finish_planning(run.no, read.counts).await?,
        "the planned rows in the ledger are not as many as were read"
    );
    let run = ledger.run(&run.run.id).await?.context("the run is gone from the ledger")?;
    Ok(Prepared::Planned(Box::new(Planned { checked, script, run })))
}

/// What makes this run another than the campaign's last: what was sent to whom, unless the caller says.
async fn run_key(
    checked: &Checked,
    source: &Source,
    arguments: &RunArguments,
    ledger: &Arc<dyn Store>,
) -> anyhow::Result<String> {
    if let Some(key) = &arguments.run_key {
        return Ok(key.clone());
    }
    let digest = Sha256::new().chain_update(checked.campaign.digest).chain_update(&source.digest).finalize();
    let key = hex::encode(digest.get(..16).unwrap_or_default());
    if !arguments.again {
        return Ok(key);
    }
    // The n-th repetition has a key of its own; one that was begun and not finished goes on.
    for n in 1_u32.. {
        let again = format!("{key}/{n}");
        match ledger.run(&run_id(&checked.campaign.name, &again)).await? {
            Some(run) if run.state.is_terminal() => {}
            _ => return Ok(again),
        }
    }
    Ok(key)
}

/// What is not as it was when the run began: rows planned for one text must never meet another.
fn differs(run: &RunRecord, wanted: &NewRun) -> Option<&'static str> {
    let NewRun { campaign_digest, audience_digest, columns, .. } = &run.run;
    if *campaign_digest != wanted.campaign_digest || *columns != wanted.columns {
        return Some("campaign file");
    }
    (*audience_digest != wanted.audience_digest).then_some("audience")
}

fn new_run(checked: &Checked, source: &Source, key: String, now: crate::time::Timestamp) -> NewRun {
    let campaign = &checked.campaign;
    NewRun {
        id: run_id(&campaign.name, &key),
        campaign: campaign.name.clone(),
        run_key: key,
        campaign_text: checked.text.clone(),
        campaign_digest: hex::encode(campaign.digest),
        audience_digest: source.digest.clone(),
        audience_name: source.name.clone(),
        columns: checked.columns.clone(),
        on_unknown: campaign.route.on_unknown,
        created_at: now,
        expires_at: campaign.expires_at(now),
    }
}

async fn plan_into(
    checked: &Checked,
    source: &Source,
    script: &Arc<Script>,
    arguments: &RunArguments,
    run: &RunRecord,
    ledger: &Arc<dyn Store>,
) -> anyhow::Result<(Outcome, Forecast)> {
    let mut forecast = Forecast::default();
    let senders = if script.has_free_form() { plan::known_senders(checked, ledger.as_ref()).await? } else { Vec::new() };
    let (batches, mut received) = mpsc::channel::<Batch>(4);
    let rejects = plan::rejects_path(checked, &arguments.planning);
    let reading = plan::read_all(checked, source, script, rejects, batches);
    let storing = async {
        while let Some(batch) = received.recv().await {
            forecast.add(&batch.rows, &senders, Some(ledger.as_ref())).await?;
            let deliveries: Vec<NewDelivery> = batch
                .rows
                .into_iter()
                .map(|row| {
                    let id = DeliveryId::new(run.no, row.record).context("an audience has at most 4 billion rows")?;
                    let (state, reason) = match row.skip {
                        Some(reason) => (State::Skipped, reason.code()),
                        None => (State::Pending, 0),
                    };
                    Ok(NewDelivery { id, person: row.person, line: row.line, state, reason, vars: row.vars })
                })
                .collect::<anyhow::Result<_>>()?;
            let bad: Vec<RejectedRow> =
                batch.bad.into_iter().map(|bad| RejectedRow { line: bad.line, reason: bad.reason, field: bad.field }).collect();
            ledger.plan(run.no, &deliveries, &bad).await?;
        }
        anyhow::Ok(())
    };
    let (outcome, stored) = tokio::join!(reading, storing);
    stored?;
    Ok((outcome?, forecast))
}

async fn send(
    planned: Vec<Planned>,
    settings: &crate::app::config::Settings,
    arguments: &RunArguments,
    json: bool,
    ledger: &Arc<dyn Ledger>,
    emergency: Emergency,
    stop: &CancellationToken,
) -> anyhow::Result<(Exit, Vec<RunRecord>)> {
    let mut finished = Vec::new();
    let mut senders: Vec<String> = planned.iter().flat_map(|run| run.checked.campaign.senders.iter().cloned()).collect();
    senders.sort();
    senders.dedup();
    let clock = clock();
    // Before the first body is folded: a failure that earns a new send is acted upon when it is first heard of, and only then.
    let listeners = Arc::<Listeners>::default();
    let traits = |run: &Planned| RunTraits { has_template: run.script.has_template() };
    let heard: Vec<_> = planned.iter().map(|run| listeners.listen(run.run.no, traits(run))).collect();
    let engine = Engine::start(settings, &senders, ledger, &clock, &listeners, emergency).await?;
    if !json && let Some(at) = engine.listening_at {
        complain(&format!("webhooks are listened to on http://{at}/webhooks/\n"));
    }
    let sessions = planned.iter().zip(heard).map(|(run, heard)| one(run, heard, &engine, arguments, ledger, stop));
    let ends = futures_util::future::join_all(sessions).await;
    engine.stop().await?;
    let mut exit = Exit::Done;
    for (run, end) in planned.into_iter().zip(ends) {
        match end? {
            RunEnd::Completed => {}
            RunEnd::Paused(reason) => {
                let interrupted = stop.is_cancelled();
                complain(&format!("{} is paused: {reason}. The same command goes on\n", run.run.run.id));
                exit = exit.max(if interrupted { Exit::Interrupted } else { Exit::Paused });
            }
        }
        finished.push(run.run);
    }
    Ok((exit, finished))
}

async fn one(
    planned: &Planned,
    mut heard: mpsc::UnboundedReceiver<Heard>,
    engine: &Engine,
    arguments: &RunArguments,
    ledger: &Arc<dyn Ledger>,
    stop: &CancellationToken,
) -> anyhow::Result<RunEnd> {
    let campaign = &planned.checked.campaign;
    let progress = Arc::new(Progress::default());
    progress.restart(Snapshot { planned: planned.run.rows.planned, ..Snapshot::default() });
    let (alarm, raised) = watch::channel(None);
    let session = Session {
        script: Arc::clone(&planned.script),
        lanes: campaign.senders.iter().filter_map(|name| engine.lanes.get(name)).cloned().collect(),
        writer: engine.writer.clone(),
        clock: clock(),
        grace: engine.grace,
        listening_since: engine.listening_since,
        linger: if engine.listening_since.is_some() { arguments.linger } else { std::time::Duration::ZERO },
        rate: campaign.pacing.rate,
        priority: campaign.pacing.priority,
        in_flight: campaign.pacing.in_flight.and_then(|count| usize::try_from(count.get()).ok()),
        progress: Arc::clone(&progress),
        alarm: raised,
        stop: stop.clone(),
    };
    let listening = async {
        let mut breaker = Breaker::default();
        while let Some(heard) = heard.recv().await {
            if let Some(reason) = heard.failures.iter().find_map(|failure| breaker.told(failure, clock().now())) {
                // A session that is over has nothing to stop.
                drop(alarm.send(Some(reason)));
            }
            progress.count(Count::Delivered, heard.settled);
            progress.count(Count::Renewed, heard.renewed);
            progress.count(Count::Resolved, heard.proven);
        }
    };
    let over = CancellationToken::new();
    let shown = if arguments.quiet { None } else { Some(Shown::on_stderr()) };
    let showing = async {
        match shown {
            Some(shown) => follow(&progress, shown, over.clone()).await,
            None => over.cancelled().await,
        }
    };
    let running = async {
        let end = tokio::select! {
            end = session.run(planned.run.clone(), ledger) => end.map_err(anyhow::Error::from),
            () = listening => Err(anyhow::anyhow!("the folding of webhooks ended before the run")),
        };
        over.cancel();
        end
    };
    let (end, ()) = tokio::join!(running, showing);
    let end = end?;
    tracing::info!(run = %planned.run.run.id, sent = %grouped(progress.snapshot().accepted), "run ended");
    Ok(end)
}
