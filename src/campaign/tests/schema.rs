//! The schema and the parser say the same.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value, json};

use super::examples::ALL;
use super::*;
use crate::campaign::shape::{Keys, Shape};

static WHOLE: Shape = Shape::Table(&crate::campaign::keys::CAMPAIGN);

/// Whether `value` keeps `schema`: the keywords our schema uses, and no others.
pub(super) fn valid(schema: &Value, value: &Value) -> bool {
    let Some(schema) = schema.as_object() else { return schema.as_bool().unwrap() };
    schema.iter().all(|(word, rule)| match (word.as_str(), value) {
        ("type", _) => {
            matches!(
                (rule.as_str().unwrap(), value),
                ("object", Value::Object(_))
                    | ("array", Value::Array(_))
                    | ("string", Value::String(_))
                    | ("boolean", Value::Bool(_))
            ) || (rule == "integer" && value.is_i64())
        }
        ("const", _) => rule == value,
        ("oneOf", _) => rule.as_array().unwrap().iter().filter(|schema| valid(schema, value)).count() == 1,
        ("anyOf", _) => rule.as_array().unwrap().iter().any(|schema| valid(schema, value)),
        ("additionalProperties", Value::Object(object)) => {
            let known = schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
            object.iter().all(|(key, value)| valid(known.get(key).unwrap_or(rule), value))
        }
        ("required", Value::Object(object)) => {
            rule.as_array().unwrap().iter().all(|key| object.contains_key(key.as_str().unwrap()))
        }
        ("dependentRequired", Value::Object(object)) => rule
            .as_object()
            .unwrap()
            .iter()
            .filter(|(key, _)| object.contains_key(*key))
            .all(|(_, needed)| needed.as_array().unwrap().iter().all(|key| object.contains_key(key.as_str().unwrap()))),
        ("maxProperties", Value::Object(object)) => object.len() as u64 <= rule.as_u64().unwrap(),
        ("items", Value::Array(items)) => items.iter().all(|item| valid(rule, item)),
        ("minItems", Value::Array(items)) => items.len() as u64 >= rule.as_u64().unwrap(),
        ("maxItems", Value::Array(items)) => items.len() as u64 <= rule.as_u64().unwrap(),
        ("minimum", Value::Number(number)) => number.as_i64() >= rule.as_i64(),
        ("maximum", Value::Number(number)) => number.as_i64() <= rule.as_i64(),
        (
            "$schema"
            | "title"
            | "description"
            | "properties"
            | "additionalProperties"
            | "required"
            | "dependentRequired"
            | "maxProperties"
            | "items"
            | "minItems"
            | "maxItems"
            | "minimum"
            | "maximum",
            _,
        ) => true,
        (word, _) => panic!("the schema uses `{word}`, which this test does not know"),
    })
}

pub(super) fn document(text: &str) -> Value {
    serde_json::to_value(toml::from_str::<toml::Table>(text).unwrap()).unwrap()
}

/// The problems of structure: what a schema can see.
fn structural(text: &str) -> Vec<Problem> {
    let codes = ["unknown_key", "missing_key", "wrong_type", "unknown_word", "out_of_range"];
    let problems = parse(text, &context()).err().unwrap_or_default();
    // Of the conflicts, only those among the keys of one table are structural; local files are refused by their value.
    let among = |problem: &Problem| match problem.code {
        "conflict" => problem.message.contains("exclude") || problem.message.contains("goes with"),
        "not_supported_yet" => !problem.message.starts_with("uploading"),
        code => codes.contains(&code),
    };
    problems.into_iter().filter(among).collect()
}

#[test]
fn every_good_file_keeps_the_schema() {
    for text in ALL.into_iter().chain([SMALL]) {
        assert_eq!(structural(text), []);
        assert!(valid(&schema(), &document(text)), "{text}");
    }
}

#[test]
fn the_schema_knows_the_keys_the_parser_knows() {
    fn names(schema: &Value, found: &mut Vec<String>) {
        match schema {
            Value::Object(words) => {
                for (word, rule) in words {
                    if let ("properties", Value::Object(keys)) = (word.as_str(), rule) {
                        found.extend(keys.keys().cloned());
                        keys.values().for_each(|rule| names(rule, found));
                    } else {
                        names(rule, found);
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| names(item, found)),
            _ => {}
        }
    }
    let mut in_schema = Vec::new();
    names(&schema(), &mut in_schema);
    let mut in_parser = Vec::new();
    super::properties::known(&WHOLE, &mut in_parser);
    let later = [
        "schedule",
        "budget",
        "variants",
        "include",
        "where",
        "exclude",
        "user_id",
        "spread",
        "canary",
        "frequency",
        "holdout",
        "flow_token",
        "catalog",
    ];
    let mut in_parser: Vec<String> = in_parser.into_iter().filter(|name| !later.contains(name)).map(str::to_owned).collect();
    in_schema.sort();
    in_schema.dedup();
    in_parser.sort();
    in_parser.dedup();
    assert_eq!(in_schema, in_parser);
}

#[test]
fn every_key_is_described() {
    fn check(schema: &Value) {
        if let Some(Value::Object(keys)) = schema.get("properties") {
            for (key, rule) in keys {
                assert!(rule["description"].as_str().is_some_and(|text| text.len() > 5), "{key}");
            }
        }
        match schema {
            Value::Object(words) => words.values().for_each(check),
            Value::Array(items) => items.iter().for_each(check),
            _ => {}
        }
    }
    check(&schema());
}

/// Every example in the description has the shape of its own key.
#[test]
fn examples_of_keys_are_good() {
    fn check(shape: &'static Shape) {
        let keys: Vec<&'static Keys> = match shape {
            Shape::Table(keys) => vec![keys],
            Shape::Kinds(kinds) => kinds.words.iter().map(|(.., keys)| keys).collect(),
            Shape::List { of, .. } | Shape::Named { of, .. } => return check(of),
            Shape::Either(shapes) => return shapes.iter().for_each(check),
            _ => return,
        };
        for key in keys.iter().flat_map(|keys| keys.known) {
            let example = document(&format!("x = {}", key.example));
            let schema = Value::Object(crate::campaign::schema::shape(&key.shape));
            assert!(valid(&schema, &example["x"]), "{} = {}", key.name, key.example);
            check(&key.shape);
        }
    }
    check(&WHOLE);
}

#[test]
fn the_committed_schema_is_this_one() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("campaigns/campaign.schema.json");
    let fresh = format!("{}\n", serde_json::to_string_pretty(&schema()).unwrap());
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, &fresh).unwrap();
    }
    assert!(std::fs::read_to_string(&path).unwrap() == fresh, "run the tests with UPDATE_SCHEMA=1 and look at the difference");
}

/// Every place of a document: the path of keys and numbers to it.
fn places(value: &Value, path: &[String], found: &mut Vec<Vec<String>>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(keys) => keys.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(number, value)| (number.to_string(), value)).collect(),
        _ => Vec::new(),
    };
    for (step, child) in children {
        let path: Vec<String> = path.iter().cloned().chain([step]).collect();
        places(child, &path, found);
        found.push(path);
    }
}

fn parent<'v>(value: &'v mut Value, path: &[String]) -> &'v mut Value {
    path.iter().take(path.len() - 1).fold(value, |value, step| match value {
        Value::Object(keys) => keys.get_mut(step).unwrap(),
        Value::Array(items) => items.get_mut(step.parse::<usize>().unwrap()).unwrap(),
        _ => unreachable!(),
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// A file changed at any place is wrong for the schema exactly when the parser says something about its structure.
    #[test]
    fn schema_and_parser_agree(
        text in select(ALL.to_vec()), which in any::<Index>(),
        put in select(vec![
            None, Some(json!("text")), Some(json!("image")), Some(json!(3)), Some(json!(-1)), Some(json!(true)), Some(json!([])), Some(json!({})),
            Some(json!(["a", "b"])), Some(json!({ "id": "1" })), Some(json!({ "date": "x" })), Some(json!(70_000)),
        ]),
        extra in select(vec![None, Some("stray"), Some("id"), Some("text"), Some("filename"), Some("date"), Some("index")]),
    ) {
        let mut changed = document(text);
        let mut found = Vec::new();
        places(&changed, &[], &mut found);
        let path = which.get(&found).clone();
        let step = path.last().unwrap().clone();
        match (parent(&mut changed, &path), put) {
            (Value::Object(keys), Some(put)) => drop(keys.insert(step, put)),
            (Value::Object(keys), None) => drop(keys.remove(&step)),
            (Value::Array(items), Some(put)) => items[step.parse::<usize>().unwrap()] = put,
            (Value::Array(items), None) => drop(items.remove(step.parse().unwrap())),
            _ => unreachable!(),
        }
        if let (Value::Object(keys), Some(extra)) = (parent(&mut changed, &path), extra) {
            keys.entry(extra).or_insert(json!("x"));
        }
        let text = toml::to_string(&changed.as_object().cloned().unwrap_or_else(Map::new)).unwrap();
        let problems = structural(&text);
        prop_assert_eq!(valid(&schema(), &changed), problems.is_empty(), "{}\n{}", text, diagnostic::lines(&problems, "c.toml", &text));
    }
}
