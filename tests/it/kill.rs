//! `kill -9` at random moments, over and over, while the provider misbehaves; then the auditor.
//!
//! The engine is a child process; the provider is another one, which survives. A tenth of the kills hit the first moments after a
//! start, when the engine reads its campaign, opens its ledger and recovers. `FANFARE_KILLS` is the number of kills in each mode,
//! `FANFARE_RECIPIENTS` the length of the list, `FANFARE_SEED` repeats the moments.

use std::process::Stdio;
use std::time::Duration;

use crate::auditor::{Audit, Circumstances};
use crate::rig::{Campaign, Engine, World, people, phone};

/// What goes wrong on the wire, in every mode: 2 % of the calls. Nonsense is rarest: twenty of it in a minute stop a run, as they should.
const FAULTS: &str = r"
drop_before = 0.005
drop_after = 0.005
error_500_before = 0.003
error_500_after = 0.003
html_502 = 0.003
garbage_200 = 0.001
truncated_200 = 0.001
timeout_after = 0.0005
rate_limited_130429 = 0.001
";

struct Mode {
    name: &'static str,
    policy: &'static str,
    webhooks: bool,
    engine: Engine,
}

#[derive(Debug)]
struct Tally {
    kills: usize,
    early: usize,
    pauses: usize,
    starts: usize,
    finishing: Duration,
    whole: Duration,
}

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

fn world(mode: &Mode, recipients: usize, kills: usize, seed: u64) -> World {
    let mut world = World::new(&mode.engine);
    // Every twentieth wrote to us within the day and gets the free-form text. Every fourth of these then turns out to be outside the
    // window, told by webhook only, and has to get the template instead.
    let writers = (0..recipients).step_by(20);
    let mut hello = String::new();
    for n in writers.clone() {
        let number = crate::rig::NUMBERS[(n / 20) % 2];
        hello += &format!("[[people.hello]]\nnumber_id = \"{number}\"\nfrom = \"{}\"\n", &phone(n)[1..]);
    }
    let mut closed = String::new();
    for n in writers.step_by(4).filter(|_| mode.webhooks) {
        let when = format!("when = {{ recipient_suffix = \"{}\", times = 1 }}", &phone(n)[1..]);
        closed += &format!("[[script]]\n{when}\nthen = {{ fail = 131047 }}\n");
    }
    let provider = format!(
        r"
seed = {seed}
latency = {{ min_ms = 2, max_ms = 40 }}
[faults]
{FAULTS}
[webhooks]
enabled = {webhooks}
delay = {{ min_ms = 0, max_ms = 150 }}
duplicate_share = 0.1
reorder_share = 0.1
shuffle_ms = 300
before_response_share = 0.1
retry_first_ms = 50
retry_most_ms = 400
{hello}
{closed}
",
        webhooks = mode.webhooks,
    );
    world.provide(&mode.engine, &provider);
    world.write("people.csv", &people(0, recipients));
    // Slow enough that the kills find something to interrupt.
    let rate = (recipients * 5 / kills.max(1)).clamp(100, 2000);
    let rate = format!("{rate}/s");
    let campaign = Campaign { name: "kill", rate: &rate, policy: mode.policy, ..Campaign::default() };
    world.write("campaign.toml", &campaign.text());
    world
}

/// Kills until it has killed often enough, then lets the same command finish.
fn torment(world: &World, kills: usize, seed: u64, linger: &str) -> Tally {
    let mut rng = fastrand::Rng::with_seed(seed);
    let began = tokio::time::Instant::now();
    let mut tally = Tally { kills: 0, early: 0, pauses: 0, starts: 0, finishing: Duration::ZERO, whole: Duration::ZERO };
    let command = ["run", "--linger", linger, "campaign.toml"];
    while tally.kills < kills {
        // The first kills hit planning; then one process plans to the end and dies over its first call.
        if tally.kills == kills / 20 {
            let mut child = world.command(&command).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            world.wait_for_requests(1);
            child.kill().unwrap();
            child.wait().unwrap();
            tally.starts += 1;
            tally.kills += 1;
        }
        let early = rng.u8(..10) == 0;
        let wait = Duration::from_millis(if early { rng.u64(0..60) } else { rng.u64(60..500) });
        let mut child = world.command(&command).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        tally.starts += 1;
        std::thread::sleep(wait);
        match child.try_wait().unwrap() {
            None => {
                child.kill().unwrap();
                child.wait().unwrap();
                tally.kills += 1;
                tally.early += usize::from(early);
            }
            Some(status) => {
                let mut said = String::new();
                std::io::Read::read_to_string(child.stderr.as_mut().unwrap(), &mut said).unwrap();
                match status.code() {
                    Some(4) => tally.pauses += 1,
                    // Finished before the last kill: there is nothing left to interrupt.
                    Some(0 | 3) => break,
                    code => panic!("the engine ended by itself with {code:?}: {said}"),
                }
            }
        }
    }
    let finishing = tokio::time::Instant::now();
    loop {
        let ended = world.run(&command);
        tally.starts += 1;
        match ended.code {
            Some(0 | 3) => break,
            Some(4) if tally.pauses < 20 => tally.pauses += 1,
            _ => panic!("the engine did not finish: {ended:?}"),
        }
    }
    tally.finishing = finishing.elapsed();
    tally.whole = began.elapsed();
    tally
}

fn prove(mode: &Mode) -> (Audit, String) {
    let kills = usize::try_from(number("FANFARE_KILLS", 200)).unwrap();
    let recipients = usize::try_from(number("FANFARE_RECIPIENTS", 10_000)).unwrap();
    let seed = number("FANFARE_SEED", u64::from(std::process::id()) * 7919);
    let replay = format!(
        "replay: FANFARE_SEED={seed} FANFARE_KILLS={kills} FANFARE_RECIPIENTS={recipients} cargo test --test it kill::{}",
        mode.name
    );
    println!("{replay}");
    let world = world(mode, recipients, kills, seed);
    let linger = if mode.webhooks { "3s" } else { "0s" };
    let tally = torment(&world, kills, seed, linger);
    let circumstances = Circumstances { completed: true, killed: true, webhooks: mode.webhooks, false_windows: false };
    let audit = world.audit(circumstances);
    let requests = audit.facts.requests();
    println!(
        "{}: {recipients} recipients, {} kills ({} early), {} starts ({} opened the ledger), {} pauses, {requests} requests, {} intents recovered or \
         unanswered, settled by evidence {}, by absence {}, unknown for good {}, possible duplicates {}, duplicated {}, silently lost \
         {}, {:.1} s + {:.1} s to finish",
        mode.name,
        tally.kills,
        tally.early,
        tally.starts,
        audit.books.incarnation,
        tally.pauses,
        audit.books.attempts.iter().filter(|attempt| attempt.settled_by != 0).count(),
        audit.attempts_by(1, 1),
        audit.attempts_by(3, 3),
        audit.unknown_for_good(),
        audit.flagged(),
        audit.duplicated().len(),
        audit.silently_lost().len(),
        tally.whole.saturating_sub(tally.finishing).as_secs_f64(),
        tally.finishing.as_secs_f64(),
    );
    assert!(
        audit.attempts_by(4, 2) + audit.attempts_by(1, 1) + audit.attempts_by(3, 3) > kills / 2,
        "the kills hit calls; {replay}"
    );
    assert!(tally.kills * 10 >= kills * 9, "the list ended before the kills did: {tally:?}; {replay}");
    assert_eq!(audit.books.deliveries.len(), recipients, "{replay}");
    audit.assert_clean(&replay);
    assert!(audit.silently_lost().is_empty(), "{:?}; {replay}", audit.silently_lost());
    (audit, replay)
}

#[test]
fn evidence_loses_nobody_and_doubles_nobody() {
    let mode = Mode {
        name: "evidence",
        policy: "on_unknown = \"auto\"",
        webhooks: true,
        engine: Engine { timeout: "2s", ..Engine::default() },
    };
    let (audit, replay) = prove(&mode);
    assert!(audit.duplicated().is_empty(), "{replay}");
    assert_eq!(
        audit.unknown_for_good(),
        0,
        "every unknown is settled by evidence: {:#?}; {replay}",
        audit.stories(|_, state| state == 9)
    );
    let missed = audit.stories(|id, _| !audit.received.contains_key(id) && !audit.template_failed(*id));
    assert!(missed.is_empty(), "everybody got it, or the template failed: {missed:#?}; {replay}");
}

#[test]
fn at_most_once_without_evidence_doubles_nobody_and_lists_everybody() {
    let engine = Engine { grace: "300ms", timeout: "1s", listens: false };
    let mode = Mode { name: "at_most_once", policy: "on_unknown = \"at_most_once\"", webhooks: false, engine };
    let (audit, replay) = prove(&mode);
    assert!(audit.duplicated().is_empty(), "{replay}");
    assert_eq!(audit.flagged(), 0, "{replay}");
    let unlisted = audit.books.deliveries.iter().filter(|(id, delivery)| !audit.received.contains_key(id) && delivery.state == 3);
    assert_eq!(unlisted.count(), 0, "whoever got nothing is listed; {replay}");
}

#[test]
fn at_least_once_without_evidence_loses_nobody_and_lists_every_double() {
    let engine = Engine { grace: "300ms", timeout: "1s", listens: false };
    let policy = "on_unknown = \"at_least_once\"\nconfirm = \"i_accept_duplicates\"";
    let mode = Mode { name: "at_least_once", policy, webhooks: false, engine };
    let (audit, replay) = prove(&mode);
    for (id, delivery) in &audit.books.deliveries {
        // Two sends are the most; when neither can be known the person is listed.
        let listed = delivery.state == 9 && delivery.generation == 1;
        assert!(audit.received.contains_key(id) || listed, "{delivery:?}; {replay}");
    }
    assert!(audit.flagged() > 0, "the kills left doubts; {replay}");
}
