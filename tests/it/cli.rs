//! The command line as a script sees it: words, places, exit codes.

use std::process::{Command, Stdio};

use crate::rig::{Campaign, Ended, Engine, FANFARE, World, people};

fn fanfare(arguments: &[&str]) -> Ended {
    let mut command = Command::new(FANFARE);
    command.args(arguments).env_remove("FANFARE_CONFIG").env_remove("FANFARE_LOG").env_remove("NO_COLOR");
    Ended::of(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
}

fn world() -> World {
    let world = World::new(&Engine::default());
    world.write("people.csv", &people(0, 20));
    world.write("campaign.toml", &Campaign::default().text());
    world
}

#[test]
fn every_command_explains_itself() {
    let all = fanfare(&["--help"]);
    all.expect(0);
    for command in ["check", "plan", "run", "runs", "show", "report", "explain", "unknown", "simulate"] {
        assert!(all.out.lines().any(|line| line.trim_start().starts_with(command)), "{command} is not in --help");
        let own = fanfare(&[command, "--help"]);
        own.expect(0);
        assert!(own.out.contains(&format!("Usage: fanfare {command}")), "{}", own.out);
    }
    assert!(fanfare(&["--version"]).expect(0).out.starts_with("fanfare "));
}

#[test]
fn a_wrong_command_line_is_two() {
    for arguments in [&["run"][..], &["rum"], &["run", "x.toml", "--max-bad-rows", "101"], &["run", "x.toml", "--linger", "ten"]]
    {
        let ended = fanfare(arguments);
        ended.expect(2);
        assert!(!ended.err.is_empty());
    }
    // One run cannot both be the same one and another.
    fanfare(&["run", "--again", "--run-key", "a", "x.toml"]).expect(2);
}

#[test]
fn a_good_campaign_is_checked_without_a_word_of_error() {
    let world = world();
    let ended = world.run(&["check", "campaign.toml"]);
    ended.expect(0);
    assert_eq!((ended.out.trim(), ended.err.as_str()), ("campaign.toml: ok, `news`", ""));
}

#[test]
fn a_mistake_is_shown_with_its_place_and_a_way_out() {
    let world = world();
    world.write("campaign.toml", &Campaign::default().text().replace("purpose = \"utility\"", "purpose = \"utilty\""));
    for command in ["check", "plan", "run"] {
        let ended = world.run(&[command, "campaign.toml"]);
        ended.expect(2);
        let said = ended.out + &ended.err;
        assert!(said.contains("campaign.toml:2:11") && said.contains("did you mean `utility`?"), "{command}: {said}");
    }
    let short = world.run(&["check", "--format", "short", "campaign.toml"]);
    let said = short.out + &short.err;
    assert!(said.contains("campaign.toml:2:11: error[unknown_word]"), "{said}");
    let json = world.run(&["--json", "check", "campaign.toml"]);
    json.expect(2);
    let said: serde_json::Value = serde_json::from_str(&(json.out + &json.err)).expect("one document");
    assert!(said.to_string().contains("unknown_word"), "{said}");
    assert!(!world.database().exists(), "nothing was even opened");
}

#[test]
fn two_mistakes_are_both_shown() {
    let world = world();
    let text = Campaign::default()
        .text()
        .replace("phone = \"phone\"", "fone = \"phone\"")
        .replace("prefer = \"free_form\"", "prefer = 7");
    world.write("campaign.toml", &text);
    let ended = world.run(&["check", "campaign.toml"]);
    ended.expect(2);
    let said = ended.out + &ended.err;
    assert!(said.contains("fone") && said.contains("prefer") && said.contains("2 errors"), "{said}");
}

#[test]
fn what_is_missing_is_named() {
    let world = world();
    for (arguments, named) in [
        (&["run", "nowhere.toml"][..], "nowhere.toml"),
        (&["run", "--audience", "nobody.csv", "campaign.toml"], "nobody.csv"),
        (&["--config", "other.toml", "check", "campaign.toml"], "other.toml"),
    ] {
        let ended = world.run(arguments);
        ended.expect(2);
        assert!(ended.err.contains(named), "{}", ended.err);
    }
    let report = ["report", "--format", "json"];
    let none = self::world().run(&report);
    assert!(none.code != Some(0) && none.err.contains("no ledger"), "{}", none.err);
}

#[test]
fn a_secret_that_others_may_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let world = world();
    std::fs::set_permissions(world.path("token"), std::fs::Permissions::from_mode(0o644)).unwrap();
    let ended = world.run(&["run", "campaign.toml"]);
    assert!(ended.code != Some(0) && ended.err.contains("chmod 600"), "{}", ended.err);
    assert!(!ended.err.contains(crate::rig::TOKEN), "not even then");
}

#[test]
fn plan_says_who_would_get_what_and_sends_nothing() {
    let world = world();
    let list =
        people(0, 20).replace("+525510000003", "12") + &people(0, 1).lines().nth(1).unwrap().replace("Person", "Twin") + "\n";
    world.write("people.csv", &list);
    // More than 1 % is bad: `run` would refuse, and says how to mend it.
    let refused = world.run(&["plan", "campaign.toml"]);
    refused.expect(2);
    assert!(refused.err.contains("--max-bad-rows") && refused.out.contains("people.csv:5"), "{refused:?}");
    let ended = world.run(&["plan", "--max-bad-rows", "10", "--sample", "1", "campaign.toml"]);
    ended.expect(0);
    let flat = ended.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains("21 read, 19 people"), "{}", ended.out);
    assert!(ended.out.contains("Person 0"), "the sample: {}", ended.out);
    assert!(!world.database().exists(), "a plan leaves no ledger");
}

#[test]
fn the_schema_is_json() {
    let schema: serde_json::Value = serde_json::from_str(&fanfare(&["schema"]).expect(0).out).unwrap();
    assert!(schema["properties"]["audience"].is_object());
}
