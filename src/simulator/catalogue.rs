//! The account's templates.
//!
//! In: definitions in the shape Meta's `GET /{waba}/message_templates` answers with (a `data` array, or the array alone), from a
//! file or as text. Out: for the wire the definitions as they are, for the checks of a send what each part expects. An empty
//! catalogue means that any well-formed template is accepted.

use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::SimulatorError;

/// All templates of the simulated account.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    templates: Vec<Template>,
    by_name: HashMap<String, Vec<usize>>,
}

impl Catalogue {
    /// Reads definitions.
    ///
    /// # Errors
    /// [`SimulatorError::Catalogue`] when the text is no JSON of that shape, or a name and language stand twice.
    pub fn from_json(text: &str) -> Result<Self, SimulatorError> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum File {
            Page { data: Vec<Value> },
            Bare(Vec<Value>),
        }
        let wrong = |what: String| SimulatorError::Catalogue(what);
        let file: File = serde_json::from_str(text)
            .map_err(|_| wrong("expected an array of templates, or an object with such an array as `data`".into()))?;
        let (File::Page { data } | File::Bare(data)) = file;
        let mut catalogue = Self::default();
        for (at, raw) in data.into_iter().enumerate() {
            let template = Template::read(raw, at).map_err(|error| wrong(format!("template {}: {error}", at + 1)))?;
            if catalogue.find(&template.name, &template.language).is_some() {
                return Err(wrong(format!("{} in {} stands twice", template.name, template.language)));
            }
            catalogue.by_name.entry(template.name.clone()).or_default().push(catalogue.templates.len());
            catalogue.templates.push(template);
        }
        Ok(catalogue)
    }

    /// Reads a file of definitions.
    ///
    /// # Errors
    /// As [`Catalogue::from_json`], and when the file cannot be read.
    pub fn from_file(path: &Path) -> Result<Self, SimulatorError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| SimulatorError::Catalogue(format!("{} cannot be read: {error}", path.display())))?;
        Self::from_json(&text)
    }

    /// Whether there are none, and so any is accepted.
    pub fn is_empty(&self) -> bool {
        self.templates.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.templates.len()
    }

    /// The template of that name and language.
    pub(super) fn find(&self, name: &str, language: &str) -> Option<&Template> {
        let of_name = self.by_name.get(name)?;
        of_name.iter().filter_map(|at| self.templates.get(*at)).find(|template| template.language == language)
    }

    /// All, in the order of the file.
    pub(super) fn all(&self) -> &[Template] {
        &self.templates
    }
}

/// One template.
#[derive(Clone, Debug)]
pub(super) struct Template {
    pub(super) name: String,
    pub(super) language: String,
    /// In lower case, as webhooks write it.
    pub(super) category: String,
    /// In upper case.
    pub(super) status: String,
    pub(super) shape: Shape,
    /// The definition as it was read, with an id.
    pub(super) raw: Value,
}

impl Template {
    fn read(mut raw: Value, at: usize) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct Head {
            name: String,
            language: String,
            #[serde(default = "marketing")]
            category: String,
            #[serde(default = "approved")]
            status: String,
            #[serde(default)]
            components: Vec<Part>,
        }
        let head: Head = serde_json::from_value(raw.clone())?;
        let (category, status) = (head.category.to_ascii_lowercase(), head.status.to_ascii_uppercase());
        if let Some(fields) = raw.as_object_mut() {
            fields.entry("id").or_insert_with(|| Value::String(format!("{}", 900_000_000_000_001_u64 + at as u64)));
            fields.insert("category".into(), Value::String(category.to_ascii_uppercase()));
            fields.insert("status".into(), Value::String(status.clone()));
        }
        Ok(Self { name: head.name, language: head.language, category, status, shape: Shape::of(head.components), raw })
    }
}

fn marketing() -> String {
    "MARKETING".into()
}

fn approved() -> String {
    "APPROVED".into()
}

/// A component of a definition; what is not needed here is left aside.
#[derive(Deserialize)]
struct Part {
    r#type: String,
    #[serde(default)]
    format: Option<String>,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    buttons: Vec<ButtonPart>,
    #[serde(default)]
    cards: Vec<CardPart>,
}

#[derive(Deserialize)]
struct ButtonPart {
    r#type: String,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    text: Option<String>,
}

#[derive(Deserialize)]
struct CardPart {
    components: Vec<Part>,
}

/// What a template, or a card of one, expects of a send.
#[derive(Clone, Debug, Default)]
pub(super) struct Shape {
    pub(super) header: Option<Header>,
    pub(super) body: Option<Text>,
    pub(super) buttons: Vec<Button>,
    pub(super) cards: Vec<Shape>,
    pub(super) has_offer: bool,
}

/// A header.
#[derive(Clone, Debug)]
pub(super) enum Header {
    /// Text, with at most one variable.
    Text(Text),
    /// Anything else, by the type its parameter must have: `image`, `video`, `document`, `location`, `product`, `gif`.
    Media(String),
}

/// Text with variables.
#[derive(Clone, Debug, Default)]
pub(super) struct Text {
    /// Without its variables, in characters.
    pub(super) fixed_chars: usize,
    /// The variables' names; digits when they are positional.
    pub(super) variables: Vec<String>,
}

/// A button.
#[derive(Clone, Debug)]
pub(super) struct Button {
    /// The `sub_type` of a send's component, in lower case.
    pub(super) sub_type: String,
    /// Whether a send must give it a value.
    pub(super) needs_value: bool,
    /// The label.
    pub(super) label: String,
}

impl Shape {
    fn of(parts: Vec<Part>) -> Self {
        let mut shape = Self::default();
        for part in parts {
            match part.r#type.to_ascii_uppercase().as_str() {
                "HEADER" => {
                    let format = part.format.unwrap_or_else(|| "TEXT".into()).to_ascii_lowercase();
                    let text = || Text::of(part.text.as_deref().unwrap_or_default());
                    shape.header = Some(if format == "text" { Header::Text(text()) } else { Header::Media(format) });
                }
                "BODY" => shape.body = Some(Text::of(part.text.as_deref().unwrap_or_default())),
                "BUTTONS" => shape.buttons = part.buttons.into_iter().map(Button::of).collect(),
                "CAROUSEL" => shape.cards = part.cards.into_iter().map(|card| Self::of(card.components)).collect(),
                "LIMITED_TIME_OFFER" => shape.has_offer = true,
                _ => {}
            }
        }
        shape
    }
}

impl Text {
    fn of(text: &str) -> Self {
        let mut variables: Vec<String> = Vec::new();
        let mut fixed_chars = 0;
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            fixed_chars += before.chars().count();
            let Some((name, behind)) = after.split_once("}}") else { break };
            if !variables.iter().any(|known| known == name.trim()) {
                variables.push(name.trim().to_owned());
            }
            rest = behind;
        }
        fixed_chars += rest.chars().count();
        Self { fixed_chars, variables }
    }

    /// Whether values come by name.
    pub(super) fn is_named(&self) -> bool {
        self.variables.iter().any(|name| name.parse::<u32>().is_err())
    }
}

impl Button {
    fn of(part: ButtonPart) -> Self {
        let has_variable = part.url.as_deref().is_some_and(|url| url.contains("{{"));
        let (sub_type, needs_value) = match part.r#type.to_ascii_lowercase().as_str() {
            "url" => ("url".to_owned(), has_variable),
            // A one-time password is sent like a URL button and reads back as one.
            "otp" => ("url".to_owned(), true),
            "copy_code" => ("copy_code".to_owned(), true),
            "mpm" => ("mpm".to_owned(), true),
            other => (other.to_owned(), false),
        };
        Self { sub_type, needs_value, label: part.text.unwrap_or_default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALE: &str = r#"{"data":[{"name":"sale","language":"en_US","status":"approved","components":[
        {"type":"HEADER","format":"IMAGE"},
        {"type":"BODY","text":"Hi {{first_name}}, {{ discount }} off, {{first_name}}!"},
        {"type":"FOOTER","text":"Reply STOP"},
        {"type":"BUTTONS","buttons":[{"type":"QUICK_REPLY","text":"Stop"},{"type":"URL","text":"Shop","url":"https://x.example/{{1}}"}]}]}]}"#;

    #[test]
    fn definitions_tell_what_a_send_must_give() {
        let catalogue = Catalogue::from_json(SALE).unwrap();
        let sale = catalogue.find("sale", "en_US").unwrap();
        assert_eq!((sale.category.as_str(), sale.status.as_str()), ("marketing", "APPROVED"));
        let body = sale.shape.body.as_ref().unwrap();
        assert_eq!(body.variables, ["first_name", "discount"]);
        assert!(body.is_named());
        assert_eq!(body.fixed_chars, "Hi ,  off, !".len());
        assert!(matches!(&sale.shape.header, Some(Header::Media(kind)) if kind == "image"));
        let needs: Vec<_> = sale.shape.buttons.iter().map(|button| (button.sub_type.as_str(), button.needs_value)).collect();
        assert_eq!(needs, [("quick_reply", false), ("url", true)]);
        assert!(sale.raw["id"].is_string());
        assert!(catalogue.find("sale", "es_MX").is_none());
    }

    #[test]
    fn doubles_and_other_shapes_are_refused() {
        let twice = r#"[{"name":"a","language":"en"},{"name":"a","language":"en"}]"#;
        for text in [twice, "{}", "[{\"name\":\"a\"}]", "nonsense"] {
            assert!(matches!(Catalogue::from_json(text), Err(SimulatorError::Catalogue(_))), "{text}");
        }
    }
}
