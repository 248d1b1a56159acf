//! What whoever types `fanfare run` meets when it does not simply go through: signals, keys, mistakes, a run's end, what webhooks tell.

use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::rig::{Ended, Engine, World, people, phone, signal};

const CAMPAIGN: &str = r#"name = "code"
purpose = "utility"
sender = ["one"]
expires = "6h"

[audience]
file = "people.csv"
phone = "phone"

[pacing]
rate = "100/s"

[template]
name = "code_ready"
language = "en"
body = ["{{name}}", "{{code}}"]
"#;

/// A world whose provider does everything well, but for `provider`.
fn world(count: usize, provider: &str) -> World {
    let engine = Engine::default();
    let mut world = World::new(&engine);
    world.provide(&engine, provider);
    world.write("people.csv", &people(0, count));
    world.write("campaign.toml", CAMPAIGN);
    world
}

fn report(world: &World) -> Value {
    let ended = world.run(&["report", "--format", "json"]);
    serde_json::from_str(&ended.expect(0).out).unwrap()
}

fn count(report: &Value, part: &str, what: &str) -> u64 {
    report[part][what].as_u64().unwrap()
}

fn piped(mut command: Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Starts the run, stops it in the middle.
fn interrupted(world: &World, arguments: &[&str]) {
    let child = world.start(arguments);
    world.wait_for_requests(5);
    signal(&child, "TERM");
    let ended = Ended::of(child);
    ended.expect(5);
    assert!(ended.err.contains("is paused: interrupted. The same command goes on"), "{}", ended.err);
}

#[test]
fn a_signal_while_planning_stops_at_once_and_the_same_command_goes_on() {
    let world = world(300_000, "");
    let child = world.start(&["run", "campaign.toml"]);
    let until = std::time::Duration::from_millis(10);
    while !world.run(&["runs", "--json"]).out.contains("planning") {
        std::thread::sleep(until);
    }
    signal(&child, "TERM");
    let ended = Ended::of(child);
    ended.expect(5);
    assert!(ended.err.contains("stopped while planning: nothing was sent. The same command goes on"), "{}", ended.err);
    assert_eq!(report(&world)["run"]["state"], "planning");
    world.write("people.csv", &people(0, 30));
    world.run(&["run", "--linger", "0s", "campaign.toml"]).expect(0);
    assert_eq!(world.requests(), 30);
}

#[test]
fn a_signal_while_somebody_types_the_audience_stops_at_once() {
    let world = world(1, "");
    let mut command = world.command(&["run", "--audience", "-", "campaign.toml"]);
    command.stdin(Stdio::piped());
    let mut child = piped(command);
    let typed = child.stdin.take().unwrap();
    while !world.database().is_file() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    signal(&child, "INT");
    Ended::of(child).expect(5);
    drop(typed);
}

#[test]
fn a_key_of_an_unfinished_run_is_refused_for_another_text_or_audience() {
    let world = world(200, "");
    interrupted(&world, &["run", "--run-key", "autumn", "campaign.toml"]);
    let sent = world.requests();
    world.write("campaign.toml", &CAMPAIGN.replace(r#"["{{name}}", "{{code}}"]"#, r#"["{{code}}", "{{name}}"]"#));
    let ended = world.run(&["run", "--run-key", "autumn", "campaign.toml"]);
    assert!(ended.expect(2).err.contains("begun with another campaign file"), "{}", ended.err);
    world.write("campaign.toml", CAMPAIGN);
    world.write("people.csv", &people(1000, 5));
    let ended = world.run(&["run", "--run-key", "autumn", "campaign.toml"]);
    assert!(ended.expect(2).err.contains("begun with another audience"), "{}", ended.err);
    assert_eq!(world.requests(), sent);
    world.write("people.csv", &people(0, 200));
    world.run(&["run", "--run-key", "autumn", "--linger", "0s", "campaign.toml"]).expect(0);
    assert_eq!(world.requests(), 200);
}

#[test]
fn the_same_campaign_twice_in_one_command_is_refused() {
    let world = world(20, "");
    let ended = world.run(&["run", "campaign.toml", "campaign.toml"]);
    assert!(ended.expect(2).err.contains("is the same run as another of these files"), "{}", ended.err);
    assert_eq!(world.requests(), 0);
}

#[test]
fn nothing_is_promised_after_the_runs_end_and_the_rest_is_listed_as_expired() {
    let world = world(600, "");
    world.write("campaign.toml", &CAMPAIGN.replace("6h", "4s").replace("100/s", "20/s"));
    world.run(&["run", "--linger", "0s", "campaign.toml"]).expect(0);
    let report = report(&world);
    let (accepted, expired) = (count(&report, "deliveries", "accepted"), count(&report, "deliveries", "expired"));
    assert!(accepted > 0 && expired > 400 && accepted + expired == 600, "{accepted} and {expired}");
    let late = crate::auditor::late_intents(&world.database());
    assert_eq!(late, 0);
}

#[test]
fn a_payment_wall_told_by_webhooks_alone_pauses_the_run() {
    let world = world(2000, "[[script]]\nwhen = {}\nthen = { fail = 131042 }\n");
    let ended = world.run(&["run", "--linger", "0s", "campaign.toml"]);
    assert!(ended.expect(4).err.contains("told by webhook: 131042"), "{}", ended.err);
    assert!(world.requests() < 1000, "{} calls", world.requests());
}

#[test]
fn recipients_who_fail_by_webhook_stop_nothing() {
    let world = world(300, "[[script]]\nwhen = {}\nthen = { fail = 131026 }\n");
    world.run(&["run", "--linger", "5s", "campaign.toml"]).expect(0);
    let report = report(&world);
    assert_eq!((world.requests(), count(&report, "receipts", "failed")), (300, 300));
}

#[test]
fn a_window_that_the_provider_calls_closed_is_forgotten() {
    let hello = format!("[[people.hello]]\nnumber_id = \"{}\"\nfrom = \"{}\"\n", crate::rig::NUMBERS[0], &phone(0)[1..]);
    let rule = format!("[[script]]\nwhen = {{ recipient_suffix = \"{}\", times = 1 }}\n", &phone(0)[1..]);
    for then in ["then = { fail = 131047 }", "then = { refuse = 131047 }"] {
        let world =
            world(40, &format!("[webhooks]\nenabled = true\nretry_first_ms = 50\nretry_most_ms = 200\n{hello}\n{rule}{then}\n"));
        let free_form =
            "[route]\nprefer = \"free_form\"\n\n[free_form]\nkind = \"text\"\nbody = \"Hello {{name}}\"\n\n[template]";
        world.write("campaign.toml", &CAMPAIGN.replace("[template]", free_form).replace("100/s", "20/s"));
        // Whoever said hello is known only once the engine has listened; the first run is for that.
        world.write("people.csv", &people(1, 40));
        world.run(&["run", "--linger", "1s", "campaign.toml"]).expect(0);
        world.write("people.csv", &people(0, 1));
        world.run(&["run", "--linger", "5s", "campaign.toml"]).expect(0);
        let told = report(&world);
        assert_eq!(told["routes"][0]["name"], "template");
        assert_eq!(told["calls"]["intents"], 2, "as free-form, then as the template: {told}");
        world.run(&["run", "--again", "--linger", "1s", "campaign.toml"]).expect(0);
        let told = report(&world);
        assert_eq!(told["calls"]["intents"], 1);
        assert_eq!(told["routes"][0]["name"], "template", "the window is not tried again: {told}");
    }
}
