//! Whole campaigns over real HTTP: two processes, one test each way a run can go. The auditor has the last word in every one.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::auditor::{self, Audit, Circumstances, audit_log};
use crate::rig::{Campaign, Ended, Engine, FANFARE, NUMBERS, SECRET, TOKEN, World, numbers, people, phone, signal};

/// A provider that answers at once and tells everything at once.
const QUICK: &str = "latency = { min_ms = 1, max_ms = 10 }\n[webhooks]\nretry_first_ms = 50\nretry_most_ms = 200\n";

fn world(provider: &str) -> World {
    let engine = Engine::default();
    let mut world = World::new(&engine);
    world.provide(&engine, provider);
    world
}

/// Those who wrote, as the provider's settings say it.
fn hello(people: impl Iterator<Item = usize>) -> String {
    let one = |n| format!("[[people.hello]]\nnumber_id = \"{}\"\nfrom = \"{}\"\n", NUMBERS[0], &phone(n)[1..]);
    people.map(one).collect()
}

/// Lets the engine hear who wrote, before the campaign that is tested.
fn hear(world: &World) {
    world.write("other.csv", &people(90_000, 1));
    world.write("hear.toml", &Campaign { name: "hear", audience: "other.csv", ..Campaign::default() }.text());
    world.run(&["run", "--linger", "1s", "hear.toml"]).expect(0);
}

fn everybody_once(audit: &Audit, count: usize) {
    assert_eq!(audit.received.len(), count);
    assert!(audit.received.values().all(|times| *times == 1), "{:?}", audit.duplicated());
}

#[test]
fn the_demo_runs_as_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    let copied = Command::new("cp").args(["-r", "campaigns"]).arg(folder.path()).status().unwrap();
    assert!(copied.success());
    // What an earlier try of the demo left here is not part of it.
    drop(std::fs::remove_dir_all(folder.path().join("campaigns/data")));
    let ended = Ended::of(
        Command::new(FANFARE)
            .args(["--log", "debug", "run", "--linger", "3s", "campaigns/demo.toml"])
            .current_dir(folder.path())
            .env("FANFARE_STATE", folder.path().join("state"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    ended.expect(0);
    let data = folder.path().join("campaigns/data");
    let audit = auditor::audit(&data.join("fanfare.db"), &data.join("rehearsal-received.ndjson"), Circumstances::CALM);
    audit.assert_clean(&ended.err);
    assert!(audit.in_state(3) > 1000 && audit.duplicated().is_empty(), "{:?}", audit.states());
    let missed = audit.stories(|id, state| state == 3 && !audit.received.contains_key(id) && !audit.template_failed(*id));
    assert!(missed.is_empty(), "{missed:#?}");
    let list = std::fs::read_to_string("campaigns/audiences/demo.csv").unwrap();
    let leaks = audit_log(&ended.err, &numbers(&list), &["simulator-token", "simulator-secret"]);
    assert!(leaks.is_empty() && !ended.err.is_empty(), "{leaks:#?}");
}

#[test]
fn who_wrote_gets_free_form_and_the_others_the_template() {
    let world = world(&format!("{QUICK}{}", hello(0..15)));
    hear(&world);
    world.write("people.csv", &people(0, 60));
    world.write("campaign.toml", &Campaign::default().text());
    world.run(&["run", "campaign.toml"]).expect(0);
    let audit = world.audit(Circumstances::CALM);
    audit.assert_clean("");
    everybody_once(&audit, 61);
    for message in audit.facts.messages.iter().filter(|message| message.to != phone(90_000)[1..]) {
        let wrote = (0..15).any(|n| message.to == phone(n)[1..]);
        assert_eq!(message.template.is_none(), wrote, "{message:?}");
        if wrote {
            assert_eq!(message.number_id, NUMBERS[0], "from the number they wrote to");
        }
    }
}

#[test]
fn a_window_that_turns_out_closed_earns_the_template_once() {
    let mut rules = String::new();
    for n in 0..10 {
        let then = if n % 2 == 0 { "refuse" } else { "fail" };
        let when = format!("when = {{ recipient_suffix = \"{}\", times = 1 }}", &phone(n)[1..]);
        rules += &format!("[[script]]\n{when}\nthen = {{ {then} = 131047 }}\n");
    }
    let world = world(&format!("{QUICK}{}{rules}", hello(0..20)));
    hear(&world);
    world.write("people.csv", &people(0, 40));
    world.write("campaign.toml", &Campaign::default().text());
    world.run(&["run", "campaign.toml"]).expect(0);
    let audit = world.audit(Circumstances { false_windows: true, ..Circumstances::CALM });
    audit.assert_clean("");
    everybody_once(&audit, 41);
    for n in 0..20 {
        let got = audit.facts.received().find(|message| message.to == phone(n)[1..]).unwrap();
        assert_eq!(got.template.is_some(), n < 10, "person {n}");
    }
    let calls = |n: usize| {
        let to = &phone(n)[1..];
        let refused = audit.facts.refused.iter().filter(|request| request.to.as_deref() == Some(to)).count();
        audit.facts.messages.iter().filter(|message| message.to == to).count() + refused
    };
    assert!((0..10).all(|n| calls(n) == 2), "one free-form, one template");
}

#[test]
fn webhooks_before_the_answer_twice_and_out_of_order() {
    let provider = "latency = { min_ms = 1, max_ms = 30 }\n[webhooks]\nbefore_response_share = 1.0\nduplicate_share = 0.5\n\
                    reorder_share = 0.5\nread_only_share = 0.3\nshuffle_ms = 400\n[people]\nblock_share = 0.02\n\
                    not_on_whatsapp_share = 0.02\n";
    let world = world(provider);
    world.write("people.csv", &people(0, 400));
    world.write("campaign.toml", &Campaign::default().text());
    world.run(&["run", "--linger", "4s", "campaign.toml"]).expect(0);
    let audit = world.audit(Circumstances::CALM);
    audit.assert_clean("");
    assert_eq!(audit.in_state(3), 400);
    assert_eq!(audit.books.receipts.len(), 400, "every status found its message");
}

#[test]
fn a_revoked_token_pauses_and_a_good_one_goes_on() {
    let engine = Engine::default();
    let mut world = World::new(&engine);
    world.provide(&engine, &format!("{QUICK}[faults]\ntoken_revoked_after = 60\n"));
    world.write("people.csv", &people(0, 300));
    world.write("campaign.toml", &Campaign { senders: "\"one\"", ..Campaign::default() }.text());
    let paused = world.run(&["--log", "debug", "run", "campaign.toml"]);
    paused.expect(4);
    assert!(paused.err.contains("190"), "it says why: {}", paused.err);
    let audit = world.audit(Circumstances { completed: false, ..Circumstances::CALM });
    audit.assert_clean("");
    let refused = audit.facts.refused.iter().filter(|request| request.code == Some(190)).count();
    assert!((1..=64).contains(&refused), "{refused} calls with a dead token");
    let list = std::fs::read_to_string(world.path("people.csv")).unwrap();
    let leaks = audit_log(&paused.err, &numbers(&list), &[TOKEN, SECRET]);
    assert!(leaks.is_empty(), "{leaks:#?}");
    world.provide(&engine, QUICK);
    // Those who met the dead token come again a minute later.
    world.run(&["run", "campaign.toml"]).expect(0);
    let audit = world.audit(Circumstances::CALM);
    audit.assert_clean("");
    everybody_once(&audit, 300);
}

#[test]
fn a_template_that_does_not_exist_costs_few_calls() {
    let world = world(&format!("{QUICK}[[script]]\nthen = {{ refuse = 132001 }}\n"));
    world.write("people.csv", &people(0, 500));
    world.write("campaign.toml", &Campaign::default().text());
    let paused = world.run(&["run", "campaign.toml"]);
    paused.expect(4);
    assert!(paused.err.contains("132001"), "{}", paused.err);
    let audit = world.audit(Circumstances { completed: false, ..Circumstances::CALM });
    audit.assert_clean("");
    assert!((1..=25).contains(&audit.facts.requests()), "{} calls", audit.facts.requests());
    assert!(audit.received.is_empty());
}

#[test]
fn a_row_that_cannot_be_rendered_is_set_aside_alone() {
    let world = world(QUICK);
    let list = people(0, 50).replace("Person 7,C000007", ",C000007").replace("Person 9,", "  ,");
    world.write("people.csv", &list);
    world.write("campaign.toml", &Campaign::default().text());
    let refused = world.run(&["run", "campaign.toml"]);
    refused.expect(2);
    assert_eq!(world.requests(), 0, "more than 1 % is bad: nothing is sent");
    world.run(&["run", "--max-bad-rows", "5", "campaign.toml"]).expect(0);
    let audit = world.audit(Circumstances::CALM);
    audit.assert_clean("");
    everybody_once(&audit, 48);
    assert_eq!(audit.books.runs[0].bad, 2);
}

#[test]
fn an_interrupted_run_drains_and_the_same_command_finishes_it() {
    for name in ["INT", "TERM"] {
        let world = world("latency = { min_ms = 30, max_ms = 120 }\n");
        world.write("people.csv", &people(0, 400));
        world.write("campaign.toml", &Campaign { rate: "200/s", ..Campaign::default() }.text());
        let child = world.start(&["run", "campaign.toml"]);
        world.wait_for_requests(60);
        signal(&child, name);
        Ended::of(child).expect(5);
        let audit = world.audit(Circumstances { completed: false, ..Circumstances::CALM });
        audit.assert_clean("interrupted");
        assert_eq!((audit.in_state(1), audit.in_state(2)), (0, 0), "calls in flight were waited for");
        assert!(audit.in_state(0) > 0, "some were left");
        world.run(&["run", "campaign.toml"]).expect(0);
        let audit = world.audit(Circumstances::CALM);
        audit.assert_clean("finished");
        everybody_once(&audit, 400);
        assert_eq!(audit.books.attempts.len(), 400);
    }
}

#[test]
fn a_second_process_is_refused() {
    let world = world(QUICK);
    world.write("people.csv", &people(0, 2000));
    world.write("campaign.toml", &Campaign { rate: "100/s", ..Campaign::default() }.text());
    let child = world.start(&["run", "campaign.toml"]);
    world.wait_for_requests(10);
    let second = world.run(&["run", "campaign.toml"]);
    // Reading goes on beside it.
    let shown = world.run(&["runs"]);
    signal(&child, "INT");
    Ended::of(child).expect(5);
    second.expect(6);
    shown.expect(0);
    let audit = world.audit(Circumstances { completed: false, ..Circumstances::CALM });
    audit.assert_clean("");
    assert!(audit.duplicated().is_empty());
}

#[test]
fn a_command_given_again_sends_nothing_unless_told() {
    let world = world(QUICK);
    world.write("people.csv", &people(0, 30));
    world.write("campaign.toml", &Campaign::default().text());
    world.run(&["run", "campaign.toml"]).expect(0);
    let again = world.run(&["run", "campaign.toml"]);
    again.expect(0);
    assert!(again.err.contains("--again"), "it says how: {}", again.err);
    assert_eq!(world.requests(), 30);
    world.run(&["run", "--again", "campaign.toml"]).expect(0);
    let audit = world.audit(Circumstances::CALM);
    audit.assert_clean("");
    assert_eq!((world.requests(), audit.books.runs.len()), (60, 2));
    everybody_once(&audit, 60);
    // A key of one's own is the same run however often it is given.
    for _ in 0..2 {
        world.run(&["run", "--run-key", "monday", "campaign.toml"]).expect(0);
    }
    assert_eq!(world.requests(), 90);
}

#[test]
fn a_list_from_standard_input() {
    let world = world(QUICK);
    world.write("campaign.toml", &Campaign::default().text());
    let mut child = world
        .command(&["run", "--audience", "-", "campaign.toml"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(people(0, 25).as_bytes()).unwrap();
    Ended::of(child).expect(0);
    let audit = world.audit(Circumstances::CALM);
    audit.assert_clean("");
    everybody_once(&audit, 25);
}

#[test]
fn campaigns_on_one_sender_go_by_priority() {
    let world = world("latency = { min_ms = 10, max_ms = 20 }\n");
    for (name, first, priority) in [("low", 0, 1), ("high", 1000, 9)] {
        world.write(&format!("{name}.csv"), &people(first, 200));
        let (campaign, audience) = (format!("{name}.toml"), format!("{name}.csv"));
        let text = Campaign { name, audience: &audience, senders: "\"one\"", rate: "400/s", priority, ..Campaign::default() };
        world.write(&campaign, &text.text());
    }
    world.run(&["run", "low.toml", "high.toml"]).expect(0);
    let audit = world.audit(Circumstances::CALM);
    audit.assert_clean("");
    everybody_once(&audit, 400);
    let place = |first: usize| {
        let mine = |to: &str| (first..first + 200).any(|n| to == &phone(n)[1..]);
        let places = audit.facts.messages.iter().enumerate().filter(|(_, message)| mine(&message.to)).map(|(at, _)| at);
        places.sum::<usize>() / 200
    };
    assert!(place(1000) + 20 < place(0), "the urgent one goes first: {} and {}", place(1000), place(0));
}

#[test]
fn two_senders_share_the_work() {
    let world = world("latency = { min_ms = 10, max_ms = 20 }\n");
    world.write("people.csv", &people(0, 400));
    world.write("campaign.toml", &Campaign { rate: "400/s", ..Campaign::default() }.text());
    world.run(&["run", "campaign.toml"]).expect(0);
    let audit = world.audit(Circumstances::CALM);
    audit.assert_clean("");
    everybody_once(&audit, 400);
    let one = audit.facts.messages.iter().filter(|message| message.number_id == NUMBERS[0]).count();
    assert!((100..=300).contains(&one), "the first sent {one} of 400");
}

/// The engine dies and comes back after a while. What was told meanwhile comes again after waits that have grown: later than the
/// grace. Silence proves nothing then.
#[test]
fn statuses_that_come_late_after_an_outage_double_nobody() {
    let engine = Engine { grace: "2s", ..Engine::default() };
    let mut world = World::new(&engine);
    let webhooks = "[webhooks]\nretry_first_ms = 300\nretry_most_ms = 60000\n";
    world.provide(&engine, &format!("latency = {{ min_ms = 50, max_ms = 100 }}\n{webhooks}"));
    world.write("people.csv", &people(0, 3000));
    world.write("campaign.toml", &Campaign { rate: "300/s", ..Campaign::default() }.text());
    let mut child = world.start(&["run", "campaign.toml"]);
    world.wait_for_requests(1500);
    child.kill().unwrap();
    child.wait().unwrap();
    std::thread::sleep(Duration::from_millis(5000));
    world.run(&["run", "campaign.toml"]).expect(0);
    let audit = world.audit(Circumstances { killed: true, ..Circumstances::CALM });
    audit.assert_clean("");
    everybody_once(&audit, 3000);
    assert!(audit.attempts_by(1, 1) > 0, "late evidence settled what the kill left open");
}

/// Calls that are lost on the way there or back, with webhooks: nobody lost, nobody doubled, and not one request too many.
#[test]
fn lost_answers_are_found_by_webhooks() {
    let world = world(
        "latency = { min_ms = 1, max_ms = 20 }\n[faults]\ndrop_before = 0.02\ndrop_after = 0.03\nerror_500_before = 0.02\n\
         error_500_after = 0.02\nhtml_502 = 0.02\ngarbage_200 = 0.01\ntruncated_200 = 0.02\nrate_limited_130429 = 0.01\n",
    );
    world.write("people.csv", &people(0, 600));
    world.write("campaign.toml", &Campaign { rate: "300/s", ..Campaign::default() }.text());
    let mut ended = world.run(&["run", "campaign.toml"]);
    for _ in 0..5 {
        if ended.code != Some(4) {
            break;
        }
        ended = world.run(&["run", "campaign.toml"]);
    }
    ended.expect(0);
    let audit = world.audit(Circumstances::CALM);
    audit.assert_clean("");
    everybody_once(&audit, 600);
}
