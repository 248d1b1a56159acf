//! `fanfare unknown list|accept|resend`: the sends whose outcome could not be learned, and what a person decides about them.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use serde::Serialize;

use super::report::{find, open as open_to_read, settings};
use super::{Wrong, clock, complain, out};
use crate::app::args::{DecisionArguments, RunName, UnknownArguments, UnknownCommand};
use crate::app::exit::Exit;
use crate::app::ledger::{self, Opened, Opening};
use crate::audience::{Phone, canonical};
use crate::outbound::key::{DeliveryId, RunNo};
use crate::outbound::ledger::{Ledger, LedgerError, OpenAttempt};
use crate::outbound::operator::{Decision, decidable, decide};
use crate::outbound::status::{Flags, HELD, State};
use crate::report::json::document;
use crate::report::port::SenderName;
use crate::store::Store;

/// Attempts read at once.
const PAGE: u32 = 5_000;

/// One person whose outcome is not known.
#[derive(Debug, Serialize)]
struct Person {
    /// Masked, unless asked for.
    phone: String,
    /// Its record's number in the audience file.
    record: u64,
    state: &'static str,
    /// Whether it waits for a decision.
    decidable: bool,
    /// Until when evidence may settle it, when it does not.
    evidence_until: Option<String>,
    called_at: String,
    sender: Option<String>,
    calls: u16,
    possible_duplicate: bool,
}

#[derive(Debug, Serialize)]
struct List {
    run: String,
    unknown: Vec<Person>,
}

pub(super) async fn unknown(arguments: &UnknownArguments, config: Option<&Path>, json: bool) -> anyhow::Result<Exit> {
    match &arguments.command {
        UnknownCommand::List { run, reveal } => list(run, *reveal, config, json).await,
        UnknownCommand::Accept(decision) => settle(Decision::Accept, decision, config, json).await,
        UnknownCommand::Resend(decision) => settle(Decision::Resend, decision, config, json).await,
    }
}

async fn list(name: &RunName, reveal: bool, config: Option<&Path>, json: bool) -> anyhow::Result<Exit> {
    let (_, store) = open_to_read(config).await?;
    let id = find(store.as_ref(), name).await?;
    let run = store.run(&id).await?.context("the run is gone from the ledger")?;
    let senders = store.sender_names().await?;
    let people = unresolved(&*store as _, run.no).await?;
    let people: Vec<Person> = people.iter().map(|attempt| person(attempt, &senders, reveal)).collect();
    let found = !people.is_empty();
    if json {
        document(&List { run: id, unknown: people }, &mut std::io::stdout())?;
    } else {
        out(&text(&id, &people))?;
    }
    Ok(if found { Exit::Unknown } else { Exit::Done })
}

fn text(run: &str, people: &[Person]) -> String {
    if people.is_empty() {
        return format!("{run}: every outcome is known\n");
    }
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(["phone", "record", "called", "from", "calls", "what now"]);
    for person in people {
        let now = match &person.evidence_until {
            Some(until) => format!("evidence may come until {until}"),
            None => "waits for you".to_owned(),
        };
        let sender = person.sender.clone().unwrap_or_default();
        let cells =
            [person.phone.clone(), person.record.to_string(), person.called_at.clone(), sender, person.calls.to_string(), now];
        table.add_row(cells);
    }
    let waiting = people.iter().filter(|person| person.decidable).count();
    let what = match waiting {
        0 => String::new(),
        _ => format!(
            "\n{waiting} to decide, after looking at the provider's own records:\n  fanfare unknown accept {run} PHONE… | --all   it was sent\n  \
             fanfare unknown resend {run} PHONE… | --all   send it once more; whoever got it gets it twice\n"
        ),
    };
    format!("{}\n{what}", table.trim_fmt())
}

fn person(attempt: &OpenAttempt, senders: &[SenderName], reveal: bool) -> Person {
    let OpenAttempt { person, standing, .. } = attempt;
    let waits = decidable(attempt);
    Person {
        phone: if reveal { person.to_string() } else { person.masked() },
        record: attempt.id.record(),
        state: standing.state.as_str(),
        decidable: waits,
        evidence_until: (standing.state == State::Unknown && standing.due_at < HELD).then(|| standing.due_at.to_string()),
        called_at: attempt.intent_at.to_string(),
        sender: senders.iter().find(|sender| sender.no == attempt.sender).map(|sender| sender.name.clone()),
        calls: standing.tries,
        possible_duplicate: standing.flags.has(Flags::POSSIBLE_DUPLICATE),
    }
}

async fn unresolved(ledger: &dyn Store, run: RunNo) -> Result<Vec<OpenAttempt>, LedgerError> {
    let mut all = Vec::new();
    loop {
        let after = all.last().map_or(DeliveryId::from_raw(0), |last: &OpenAttempt| last.id);
        let page = ledger.unresolved(run, after, PAGE).await?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

async fn settle(decision: Decision, arguments: &DecisionArguments, config: Option<&Path>, json: bool) -> anyhow::Result<Exit> {
    let wanted = arguments.phones.iter().map(|text| {
        let phone = Phone::parse(text).map_err(|_| anyhow::anyhow!("one of the numbers is none: write it as +5215512345678"));
        phone.map(canonical)
    });
    let wanted: Vec<Phone> = wanted.collect::<anyhow::Result<_>>().context(Wrong)?;
    let settings = settings(config)?;
    let Opened { store, .. } = match ledger::open(&settings, false, &*clock()).await? {
        Opening::Ready(opened) => *opened,
        Opening::Refused(reason) => {
            complain(&format!("{}\n", ledger::advice(&reason)));
            return Ok(Exit::Paused);
        }
    };
    let settled = settle_in(decision, arguments, &wanted, &store, json).await;
    store.close().await;
    settled
}

async fn settle_in(
    decision: Decision,
    arguments: &DecisionArguments,
    wanted: &[Phone],
    store: &Arc<dyn Store>,
    json: bool,
) -> anyhow::Result<Exit> {
    let id = find(store.as_ref(), &RunName { run: arguments.run.clone() }).await?;
    let run = store.run(&id).await?.context("the run is gone from the ledger")?;
    let all = unresolved(&**store, run.no).await?;
    for phone in wanted {
        let Some(found) = all.iter().find(|attempt| attempt.person == *phone) else {
            let about = format!("{} is not among the unknown ones of {id}: see fanfare unknown list {id}", phone.masked());
            return Err(anyhow::anyhow!(about).context(Wrong));
        };
        if !decidable(found) {
            let until = found.standing.due_at;
            let about =
                format!("evidence about {} may come until {until}: wait, or run the campaign on until then", phone.masked());
            return Err(anyhow::anyhow!(about).context(Wrong));
        }
    }
    let chosen: Vec<OpenAttempt> =
        all.into_iter().filter(|attempt| decidable(attempt) && (arguments.all || wanted.contains(&attempt.person))).collect();
    if chosen.len() > 1 && !arguments.yes {
        let what = match decision {
            Decision::Accept => "would count as sent",
            Decision::Resend => "would be sent the message once more, and some may get it twice",
        };
        complain(&format!("{} people of {id} {what}: add --yes to say that this is meant\n", chosen.len()));
        return Ok(Exit::Invalid);
    }
    let ledger: Arc<dyn Ledger> = Arc::clone(store) as _;
    let changed = decide(decision, &run, &chosen, &*ledger, clock().now()).await.context(Wrong)?;
    if json {
        document(&serde_json::json!({ "run": id, "decided": changed }), &mut std::io::stdout())?;
        return Ok(Exit::Done);
    }
    let people = if changed == 1 { "1 person".to_owned() } else { format!("{changed} people") };
    out(&match decision {
        _ if changed == 0 => format!("{id}: nobody waits for a decision\n"),
        Decision::Accept if run.state.is_terminal() => format!("{id}: {people} counted as sent\n"),
        Decision::Accept => format!("{id}: {people} counted as sent; run the campaign again to end the run\n"),
        Decision::Resend => format!("{id}: {people} waiting to be sent once more; run the campaign again to send\n"),
    })?;
    Ok(Exit::Done)
}
