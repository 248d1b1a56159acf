//! Holds the tree to what its map says: who may use whom, where SQL, the network, printing and the clock are, and how long a file is.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// One source file: its path below `src`, its stage, and its lines without comments and without its tests.
struct Source {
    path: String,
    stage: String,
    lines: Vec<String>,
    /// Lines with comments, without its tests.
    length: usize,
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.extension().is_some_and(|extension| extension == ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn is_test(path: &str) -> bool {
    path.contains("/tests/") || path.ends_with("tests.rs") || path.ends_with("/fixture.rs")
}

fn sources() -> Vec<Source> {
    let src = root().join("src");
    let mut sources = Vec::new();
    for file in files(&src, "rs") {
        let path = file.strip_prefix(&src).unwrap().to_str().unwrap().to_owned();
        if is_test(&path) {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        let text = text.split("#[cfg(test)]\nmod ").next().unwrap();
        let stage = path.split(['/', '.']).next().unwrap().to_owned();
        let lines = text.lines().filter(|line| !line.trim_start().starts_with("//")).map(str::to_owned).collect();
        sources.push(Source { path, stage, lines, length: text.lines().count() });
    }
    assert!(sources.len() > 100, "the tree was not found");
    sources
}

/// Fails with every line that holds one of `words` in a file that `may` not hold it.
fn only(words: &[&str], may: impl Fn(&Source) -> bool) {
    let sources = sources();
    let wrong: Vec<_> = sources
        .iter()
        .filter(|source| !may(source))
        .flat_map(|source| {
            source.lines.iter().filter(|line| words.iter().any(|word| line.contains(word))).map(|line| (&source.path, line))
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What each stage may use; a part of a stage where only that part is meant. `app` uses everything.
const MAY_USE: &[(&str, &[&str])] = &[
    ("time", &[]),
    ("audience", &["time"]),
    ("message", &["campaign", "time"]),
    ("campaign", &["message", "outbound::quota", "time"]),
    ("decision", &["audience", "campaign", "time"]),
    ("provider", &["audience", "message", "time"]),
    ("outbound", &["audience", "campaign", "decision", "message", "provider::contract", "time"]),
    ("receipt", &["audience", "outbound", "provider::contract", "time"]),
    ("server", &["receipt", "time"]),
    ("report", &["audience", "campaign", "outbound", "time"]),
    ("store", &["audience", "campaign", "outbound", "provider::contract", "report", "time"]),
    ("simulator", &["provider::meta::wire", "time"]),
];

#[test]
fn every_stage_uses_only_what_stands_before_it() {
    let may: BTreeMap<_, _> = MAY_USE.iter().copied().collect();
    let mut wrong = BTreeSet::new();
    for source in sources() {
        if matches!(source.stage.as_str(), "app" | "lib" | "main") {
            continue;
        }
        let Some(may) = may.get(source.stage.as_str()) else {
            wrong.insert(format!("{}: no rule for this stage", source.path));
            continue;
        };
        for used in source.lines.iter().flat_map(|line| line.split("crate::").skip(1)) {
            let path = used.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':')).next().unwrap();
            let own = path.split("::").next() == Some(source.stage.as_str());
            if !own && !may.iter().any(|may| path == *may || path.starts_with(&format!("{may}::"))) {
                wrong.insert(format!("{} uses {path}", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn sql_stands_only_in_the_store() {
    only(&["sqlx", "SELECT ", "INSERT INTO", "DELETE FROM"], |source| source.stage == "store");
}

#[test]
fn only_providers_call_out() {
    only(&["reqwest", "hyper_util::client"], |source| source.stage == "provider");
}

#[test]
fn only_the_app_prints() {
    only(&["println!", "print!(", "stdout()", "stderr()", "dbg!("], |source| matches!(source.stage.as_str(), "app" | "report"));
}

#[test]
fn only_one_file_asks_the_systems_clock() {
    only(&["SystemTime::now", "Timestamp::now()", "Zoned::now", "std::time::Instant", "Utc::now"], |source| {
        source.path == "time.rs"
    });
}

#[test]
fn what_is_pure_knows_no_runtime() {
    const PURE: &[&str] = &["campaign/", "message/", "decision/", "outbound/status.rs", "outbound/quota.rs", "outbound/react.rs"];
    const ALSO: &[&str] =
        &["outbound/resolve.rs", "outbound/breaker.rs", "outbound/key.rs", "receipt/fold.rs", "receipt/join.rs"];
    only(&["tokio"], |source| !PURE.iter().chain(ALSO).any(|pure| source.path.starts_with(pure)));
    only(&["tokio"], |source| source.stage != "audience");
}

#[test]
fn no_file_is_longer_than_five_hundred_lines_without_its_tests() {
    let long: Vec<_> =
        sources().into_iter().filter(|source| source.length > 500).map(|source| (source.path, source.length)).collect();
    assert!(long.is_empty(), "split by step: {long:?}");
}

#[test]
fn nothing_is_silenced_or_left_to_do() {
    // Put together here, so that this file does not hold them.
    let words = [
        format!("{}(", "allow"),
        format!("// {}DO", "TO"),
        format!("//{}DO", "TO"),
        format!("{}ME", "FIX"),
        format!("{}!()", "todo"),
        format!("unimple{}", "mented!"),
    ];
    let mut wrong = Vec::new();
    for file in ["src", "tests", "benches"].iter().flat_map(|folder| files(&root().join(folder), "rs")) {
        let text = std::fs::read_to_string(&file).unwrap();
        wrong.extend(
            text.lines()
                .filter(|line| words.iter().any(|word| line.contains(word)))
                .map(|line| format!("{}: {line}", file.display())),
        );
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn both_databases_have_the_same_migrations() {
    let names = |database: &str| -> Vec<_> {
        files(&root().join("migrations").join(database), "sql").iter().map(|file| file.file_name().unwrap().to_owned()).collect()
    };
    let sqlite = names("sqlite");
    assert!(!sqlite.is_empty());
    assert_eq!(sqlite, names("postgres"));
}

/// The commands that `--help` lists, and those it hides.
fn commands() -> (BTreeSet<String>, BTreeSet<String>) {
    let help = Command::new(crate::rig::FANFARE).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let listed = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    // A command's line is indented by two; a longer text goes on further in.
    let name = |line: &str| {
        line.strip_prefix("  ").filter(|line| !line.starts_with(' ')).and_then(|line| line.split(' ').next()).map(str::to_owned)
    };
    let listed = listed.lines().filter_map(name).filter(|name| name != "help").collect();
    (listed, ["schema", "completions", "help"].map(str::to_owned).into())
}

#[test]
fn the_readme_names_the_commands_there_are() {
    let Ok(readme) = std::fs::read_to_string(root().join("README.md")) else { return };
    let (listed, hidden) = commands();
    let named: BTreeSet<String> = readme
        .split("fanfare ")
        .skip(1)
        .zip(readme.split("fanfare "))
        .filter(|(_, before)| before.ends_with('`') || before.ends_with("$ ") || before.ends_with('\n'))
        .filter_map(|(after, _)| after.split(|c: char| !(c.is_ascii_lowercase() || c == '-')).next())
        .filter(|word| !word.is_empty() && !word.starts_with('-'))
        .map(str::to_owned)
        .collect();
    let written = |name: &&String| named.contains(*name) || readme.contains(&format!("`{name}"));
    let missing: Vec<_> = listed.iter().filter(|name| !written(name)).collect();
    assert!(missing.is_empty(), "not in the README: {missing:?}");
    let unknown: Vec<_> = named.iter().filter(|name| !listed.contains(*name) && !hidden.contains(*name)).collect();
    assert!(unknown.is_empty(), "in the README, but no command: {unknown:?}");
}
