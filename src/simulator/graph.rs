//! The few other calls of the Graph API an engine makes: templates, numbers, media.
//!
//! In: method, path without version, query, body. Out: an answer in Meta's shape. Read-only but for media ids, which are made up.

use hyper::Method;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::answer::{Answer, Refusal};
use super::numbers::Number;
use super::world::World;

/// Templates on a page when nothing else is asked for (Meta's default), and at most.
const PAGE: usize = 25;
const PAGE_MOST: usize = 1_000;
/// Fields of a template when none are named.
const TEMPLATE_FIELDS: &str = "name,parameter_format,components,language,status,category,id";

/// The URL of a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    /// Up to the query.
    pub(super) here: &'a str,
    /// The query.
    pub(super) query: &'a str,
}

/// Answers everything but sends.
pub(super) fn answer(world: &World, method: &Method, segments: &[&str], asked: &Asked<'_>, body: &[u8]) -> Answer {
    let query = asked.query;
    let answered = match (method, segments) {
        (&Method::GET, [_, "message_templates"]) => templates(world, asked),
        (&Method::GET, [waba_id, "phone_numbers"]) => Ok(phone_numbers(world, waba_id, query)),
        (&Method::GET, [id]) => number(world, id, query),
        (&Method::POST, [id, "media"]) if world.numbers.get(id).is_some() => Ok(json!({ "id": media_id(body) })),
        (&Method::POST, [_, "subscribed_apps"]) => Ok(json!({ "success": true })),
        _ => Err(Refusal::new(100, "Unsupported request: the simulator does not know this path")),
    };
    match answered {
        Ok(value) => Answer::json(200, value.to_string()),
        Err(refusal) => Answer::refused(&refusal, 0),
    }
}

/// The value of one key of a query.
fn value_of(query: &str, key: &str) -> Option<String> {
    let raw = query.split('&').filter_map(|pair| pair.split_once('=')).find(|(name, _)| *name == key)?.1;
    Some(percent_decode_str(&raw.replace('+', " ")).decode_utf8_lossy().into_owned())
}

fn templates(world: &World, asked: &Asked<'_>) -> Result<Value, Refusal> {
    let query = asked.query;
    let fields = value_of(query, "fields").unwrap_or_else(|| TEMPLATE_FIELDS.to_owned());
    let status = value_of(query, "status");
    let name = value_of(query, "name");
    let limit = value_of(query, "limit").and_then(|limit| limit.parse().ok()).unwrap_or(PAGE).clamp(1, PAGE_MOST);
    let begin = match value_of(query, "after") {
        None => 0,
        Some(cursor) => read_cursor(&cursor).ok_or_else(|| Refusal::plain(131_059))?,
    };
    let matching: Vec<_> = world
        .catalogue
        .all()
        .iter()
        .filter(|template| status.as_deref().is_none_or(|status| template.status.eq_ignore_ascii_case(status)))
        .filter(|template| name.as_deref().is_none_or(|name| template.name.contains(name)))
        .collect();
    let page: Vec<Value> =
        matching.iter().skip(begin).take(limit).map(|template| with_fields(&template.raw, &fields, &["id"])).collect();
    let end = begin + page.len();
    let mut paging = json!({ "cursors": { "before": cursor(begin), "after": cursor(end) } });
    if end < matching.len()
        && let Some(paging) = paging.as_object_mut()
    {
        let kept = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("after="));
        let kept: String = kept.flat_map(|pair| [pair, "&"]).collect();
        paging.insert("next".into(), Value::String(format!("{}?{kept}after={}", asked.here, cursor(end))));
    }
    let mut answer = json!({ "data": page });
    if let Some(answer) = answer.as_object_mut() {
        if !matching.is_empty() {
            answer.insert("paging".into(), paging);
        }
        if value_of(query, "summary").is_some() || fields.contains("summary") {
            let summary = json!({ "message_template_count": world.catalogue.len(), "message_template_limit": 6000 });
            answer.insert("summary".into(), summary);
        }
    }
    Ok(answer)
}

fn cursor(at: usize) -> String {
    data_encoding::BASE64URL_NOPAD.encode(format!("at:{at}").as_bytes())
}

fn read_cursor(cursor: &str) -> Option<usize> {
    let bytes = data_encoding::BASE64URL_NOPAD.decode(cursor.as_bytes()).ok()?;
    String::from_utf8(bytes).ok()?.strip_prefix("at:")?.parse().ok()
}

fn phone_numbers(world: &World, waba_id: &str, query: &str) -> Value {
    let fields = value_of(query, "fields").unwrap_or_else(|| "verified_name,display_phone_number,quality_rating,id".to_owned());
    let all = world.numbers.of_account(waba_id);
    json!({ "data": all.iter().map(|number| with_fields(&describe(number), &fields, &["id"])).collect::<Vec<_>>() })
}

fn number(world: &World, id: &str, query: &str) -> Result<Value, Refusal> {
    let number = world.numbers.get(id).ok_or_else(|| Refusal::plain(33))?;
    let fields = value_of(query, "fields").unwrap_or_else(|| "verified_name,display_phone_number,quality_rating,id".to_owned());
    Ok(with_fields(&describe(&number), &fields, &["id"]))
}

fn describe(number: &Number) -> Value {
    let limit = number.config.limit_per_second;
    json!({
        "id": number.config.id,
        "display_phone_number": number.config.display_phone_number,
        "verified_name": "Simulated business",
        "quality_rating": "GREEN",
        "platform_type": "CLOUD_API",
        "code_verification_status": "VERIFIED",
        // Standard is 80 a second and high 1,000.
        "throughput": { "level": if limit == 0 || limit > 80 { "HIGH" } else { "STANDARD" } },
        "whatsapp_business_manager_messaging_limit": "TIER_UNLIMITED",
        "health_status": { "can_send_message": "AVAILABLE" },
    })
}

/// The named fields of an object, and those that always come.
fn with_fields(object: &Value, fields: &str, always: &[&str]) -> Value {
    let wanted = |key: &str| always.contains(&key) || fields.split(',').any(|field| field.trim() == key);
    let picked: Map<String, Value> = object
        .as_object()
        .map(|object| object.iter().filter(|(key, _)| wanted(key)).map(|(key, value)| (key.clone(), value.clone())).collect())
        .unwrap_or_default();
    Value::Object(picked)
}

/// The same file always gets the same id.
fn media_id(body: &[u8]) -> String {
    let digest = Sha256::digest(body);
    let number = digest.iter().take(6).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    format!("5{number:015}")
}
