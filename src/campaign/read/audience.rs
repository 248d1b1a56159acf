//! The `[audience]` table.

use std::path::{Component, Path};

use super::Reader;
use crate::campaign::tree::{Table, Text};
use crate::campaign::{AudienceFile, AudiencePart, Problem, Purpose};

/// The longest path, as Linux has it (`PATH_MAX`).
const LONGEST_PATH: usize = 4096;

/// Endings of spreadsheets, which are not read yet.
const SHEETS: [&str; 4] = ["xlsx", "xls", "ods", "numbers"];

impl Reader<'_> {
    pub(super) fn audience(&mut self, table: &Table, purpose: Option<Purpose>) -> Option<AudiencePart> {
        let columns = ["phone", "country_column", "language", "timezone", "consent"];
        let mut seen: Vec<(&str, &Text)> = Vec::new();
        for key in columns {
            let Some(text) = table.text(key) else { continue };
            self.column(text);
            if let Some((first, _)) = seen.iter().find(|(_, other)| other.text == text.text) {
                let message = format!("column `{}` cannot be both `{first}` and `{key}`", text.text);
                self.report(Problem::error("bad_column", text.span.clone(), message).help("give each its own column"));
            }
            seen.push((key, text));
        }
        if purpose == Some(Purpose::Marketing) && !table.has("consent") {
            self.report(
                Problem::warning("no_consent_column", table.place(), "no column says who agreed to get marketing")
                    .help("name it with `consent = \"…\"`, or be sure that everyone in the list agreed"),
            );
        }
        let column = |key: &str| table.text(key).map(|text| text.text.clone());
        Some(AudiencePart {
            country: table.text("country").map(|text| self.country(text)),
            delimiter: table.text("delimiter").and_then(|text| self.delimiter(text)),
            encoding: table.text("encoding").map(|text| self.encoding(text)),
            file: table.text("file").and_then(|text| self.file(text))?,
            phone: column("phone"),
            country_column: column("country_column"),
            language: column("language"),
            timezone: column("timezone"),
            consent: column("consent"),
        })
    }

    fn file(&mut self, text: &Text) -> Option<AudienceFile> {
        let path = &text.text;
        if path == "-" {
            return Some(AudienceFile::Stdin);
        }
        let refuse = |code, message: &str, help: &str| Some(Problem::error(code, text.span.clone(), message).help(help));
        let drive = path.get(1..2) == Some(":");
        let outside = Path::new(path).components().any(|part| !matches!(part, Component::Normal(_) | Component::CurDir));
        let ending = path.rsplit_once('.').map(|(_, ending)| ending.to_lowercase()).unwrap_or_default();
        let relative = "write a path inside the campaign's folder, such as `audiences/spring.csv`";
        let problem = if path.trim().is_empty() || path.ends_with('/') {
            refuse("bad_file", "no file", relative)
        } else if path.chars().any(char::is_control) {
            refuse("bad_file", "a path with a control character", relative)
        } else if path.len() > LONGEST_PATH {
            refuse("bad_file", "a path longer than any system takes", relative)
        } else if drive || outside {
            refuse("outside_root", "the audience must lie inside the campaign's folder", relative)
        } else if path.contains('\\') {
            refuse("bad_file", "a path with `\\`", "separate folders with `/` on every system")
        } else if path.contains("{{") {
            refuse("bad_file", "the path cannot depend on the row", relative)
        } else if SHEETS.contains(&ending.as_str()) {
            refuse("not_supported_yet", "spreadsheets are not supported yet", "save the sheet as CSV (UTF-8)")
        } else {
            None
        };
        match problem {
            None => Some(AudienceFile::Path(path.into())),
            Some(problem) => {
                self.report(problem);
                None
            }
        }
    }

    fn column(&mut self, text: &Text) {
        if text.text.trim().is_empty() || text.text.chars().any(char::is_control) || !text.is_literal() {
            self.report(
                Problem::error("bad_column", text.span.clone(), "no name of a column")
                    .help("write the name as it stands in the audience's first row, without `{{` and `}}`"),
            );
        }
    }

    fn country(&mut self, text: &Text) -> String {
        let upper = text.text.to_ascii_uppercase();
        let known = |code: &str| {
            rlibphonenumber::PHONE_NUMBER_UTIL.get_supported_regions().any(|region| region.as_region_str().as_str() == code)
        };
        if !known(&text.text) {
            let help = match upper.as_str() {
                "UK" => "write `GB` for the United Kingdom".to_owned(),
                upper if known(upper) => format!("write it in capitals: `{upper}`"),
                _ => "write the two letters of ISO 3166, such as `MX`".to_owned(),
            };
            self.report(Problem::error("bad_country", text.span.clone(), "no country with phone numbers").help(help));
        }
        text.text.clone()
    }

    fn delimiter(&mut self, text: &Text) -> Option<u8> {
        match text.text.as_bytes() {
            [byte] if *byte == b'\t' || (byte.is_ascii_punctuation() && !matches!(byte, b'"' | b'\'')) => Some(*byte),
            _ => {
                self.report(
                    Problem::error("bad_delimiter", text.span.clone(), "no field separator")
                        .help("write one character: `,`, `;`, `|` or `\\t`; leave it out to have it guessed"),
                );
                None
            }
        }
    }

    fn encoding(&mut self, text: &Text) -> String {
        if encoding_rs::Encoding::for_label(text.text.as_bytes()).is_none() {
            self.report(
                Problem::error("unknown_encoding", text.span.clone(), "no encoding that is known")
                    .help("write `utf-8`, `windows-1252`, `iso-8859-1` or `utf-16le`; leave it out to have it guessed"),
            );
        }
        text.text.clone()
    }
}
