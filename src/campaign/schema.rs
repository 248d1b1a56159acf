//! The JSON Schema of the campaign file, from the same description the file is checked with.
//!
//! Draft 2020-12, for editors that complete and check TOML by a schema. It says what the structure must be; meaning (senders that
//! exist, offers in the future) is `check`'s. Keys of parts that do not exist yet are left out, so that no editor offers them.

use serde_json::{Map, Value, json};

use super::keys;
use super::shape::{Key, Keys, Kinds, Shape};

/// The schema of a campaign file.
pub fn schema() -> Value {
    let mut schema = table(&keys::CAMPAIGN, None);
    let head = [
        ("$schema", json!("https://json-schema.org/draft/2020-12/schema")),
        ("title", json!("Fanfare campaign")),
        ("description", json!("What is sent, to whom, how fast, and what happens in doubt.")),
    ];
    schema.extend(head.map(|(name, value)| (name.to_owned(), value)));
    schema.insert("anyOf".to_owned(), json!([{ "required": ["template"] }, { "required": ["free_form"] }]));
    Value::Object(schema)
}

/// `tag` is the key that says the table's kind, with this kind's word.
fn table(keys: &Keys, tag: Option<(&Kinds, &str)>) -> Map<String, Value> {
    let mut properties = Map::new();
    let mut required: Vec<&str> = Vec::new();
    if let Some((kinds, word)) = tag {
        properties.insert(kinds.tag.to_owned(), json!({ "description": kinds.doc, "const": word }));
        required.push(kinds.tag);
    }
    for key in keys.known {
        properties.insert(key.name.to_owned(), described(key));
        if key.required {
            required.push(key.name);
        }
    }
    let mut schema = Map::new();
    schema.insert("type".to_owned(), json!("object"));
    schema.insert("properties".to_owned(), Value::Object(properties));
    schema.insert("additionalProperties".to_owned(), json!(false));
    if !required.is_empty() {
        schema.insert("required".to_owned(), json!(required));
    }
    if let [group] = keys.one_of {
        let one_of: Vec<Value> = group.iter().map(|name| json!({ "required": [name] })).collect();
        schema.insert("oneOf".to_owned(), Value::Array(one_of));
    }
    let mut needs: Map<String, Value> = Map::new();
    for (key, needed) in keys.needs {
        if let Value::Array(names) = needs.entry((*key).to_owned()).or_insert_with(|| json!([])) {
            names.push(json!(needed));
        }
    }
    if !needs.is_empty() {
        schema.insert("dependentRequired".to_owned(), Value::Object(needs));
    }
    schema
}

fn described(key: &Key) -> Value {
    let mut schema = shape(&key.shape);
    schema.insert("description".to_owned(), json!(key.doc));
    Value::Object(schema)
}

/// The schema of one place.
pub(super) fn shape(of: &Shape) -> Map<String, Value> {
    let schema = match of {
        Shape::Text => json!({ "type": "string" }),
        Shape::Flag => json!({ "type": "boolean" }),
        Shape::Number { least, most } => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Shape::Word { words, .. } => {
            let words: Vec<Value> = words.iter().map(|(word, doc)| json!({ "const": word, "description": doc })).collect();
            json!({ "type": "string", "oneOf": words })
        }
        Shape::List { of, least, most } => json!({ "type": "array", "items": shape(of), "minItems": least, "maxItems": most }),
        Shape::Table(keys) => Value::Object(table(keys, None)),
        Shape::Kinds(kinds) => {
            let kind = |(word, doc, keys): &(&str, &str, Keys)| {
                let mut schema = table(keys, Some((kinds, word)));
                schema.insert("description".to_owned(), json!(doc));
                Value::Object(schema)
            };
            json!({ "oneOf": kinds.words.iter().map(kind).collect::<Vec<_>>() })
        }
        Shape::Named { of, most } => json!({ "type": "object", "additionalProperties": shape(of), "maxProperties": most }),
        Shape::Either(shapes) => json!({ "anyOf": shapes.iter().map(|of| Value::Object(shape(of))).collect::<Vec<_>>() }),
    };
    match schema {
        Value::Object(schema) => schema,
        _ => Map::new(),
    }
}
