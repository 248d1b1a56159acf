//! The audience's header, as texts see it.

use std::collections::HashMap;
use std::sync::Arc;

use super::lower::{Resolve, Unresolved, mention};

/// The columns of an audience, in the order of its rows' values.
///
/// A name is looked up exactly as written. One that differs in case, accents or spaces is an error with the right name as advice,
/// never a silent match: two such columns can stand in one file.
#[derive(Clone, Debug)]
pub struct Columns {
    names: Arc<[String]>,
    /// `None` for a name that stands in the header more than once.
    by_name: HashMap<String, Option<u32>>,
}

impl Columns {
    /// The columns of a header. A name that stands in it twice cannot be used in texts.
    pub fn new(header: &[String]) -> Self {
        let mut by_name = HashMap::with_capacity(header.len());
        for (index, name) in header.iter().enumerate() {
            let index = u32::try_from(index).ok();
            by_name.entry(name.clone()).and_modify(|known| *known = None).or_insert(index);
        }
        Self { names: header.into(), by_name }
    }

    pub(super) fn names(&self) -> Arc<[String]> {
        Arc::clone(&self.names)
    }

    fn unknown(&self, name: &str) -> Unresolved {
        let message = format!("there is no column '{name}'");
        let placeholder = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
        let help = if let Some(close) = self.closest(name) {
            format!("did you mean {}?", mention(close))
        } else if placeholder {
            "numbers like {{1}} stand in the provider's template; here name the column that fills it".to_owned()
        } else if self.names.len() <= 12 {
            format!("the columns are {}", self.names.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", "))
        } else {
            format!("the list has {} columns, none like it", self.names.len())
        };
        Unresolved { code: "unknown_column", message, help: Some(help) }
    }

    fn closest(&self, name: &str) -> Option<&str> {
        let wanted = fold(name);
        if let Some(same) = self.names.iter().find(|known| fold(known) == wanted) {
            return Some(same);
        }
        let best = self
            .names
            .iter()
            .map(|known| (strsim::jaro_winkler(&fold(known), &wanted), known))
            .max_by(|a, b| a.0.total_cmp(&b.0))?;
        // Below this, suggestions are noise: `city` for `country` scores 0.80.
        (best.0 >= 0.86).then_some(best.1.as_str())
    }
}

impl Resolve for Columns {
    fn column(&mut self, name: &str) -> Result<u32, Unresolved> {
        match self.by_name.get(name) {
            Some(Some(index)) => Ok(*index),
            Some(None) => Err(Unresolved {
                code: "ambiguous_column",
                message: format!("the column '{name}' stands in the header more than once"),
                help: Some("give the columns different names".into()),
            }),
            None => Err(self.unknown(name)),
        }
    }

    fn knows(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }
}

/// A name without what people leave out when they type it again: case, accents, spaces and signs.
fn fold(name: &str) -> String {
    name.chars()
        .flat_map(char::to_lowercase)
        .filter_map(|c| {
            Some(match c {
                'á' | 'à' | 'â' | 'ä' | 'ã' | 'å' => 'a',
                'é' | 'è' | 'ê' | 'ë' => 'e',
                'í' | 'ì' | 'î' | 'ï' => 'i',
                'ó' | 'ò' | 'ô' | 'ö' | 'õ' => 'o',
                'ú' | 'ù' | 'û' | 'ü' => 'u',
                'ñ' => 'n',
                'ç' => 'c',
                c if c.is_alphanumeric() => c,
                _ => return None,
            })
        })
        .collect()
}

/// Takes every name for a column and keeps them, for the time before there is a header.
#[derive(Debug, Default)]
pub(super) struct Collected {
    pub(super) names: Vec<String>,
}

impl Resolve for Collected {
    fn column(&mut self, name: &str) -> Result<u32, Unresolved> {
        let index = self.names.iter().position(|known| known == name).unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        });
        Ok(u32::try_from(index).unwrap_or(u32::MAX))
    }

    fn knows(&self, _: &str) -> bool {
        false
    }
}
