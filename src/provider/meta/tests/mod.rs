//! The adapter against payload files named by what they show.

mod properties;
mod replies;
mod requests;
mod webhooks;

use std::path::PathBuf;

fn fixture(path: &str) -> String {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/providers/meta").join(path);
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn fixtures(folder: &str) -> Vec<String> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/providers/meta").join(folder);
    let mut names: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A JSON text written anew: same order of keys, other white space.
fn respaced(json: &str, space: &str) -> String {
    let (mut out, mut quoted, mut escaped) = (String::new(), false, false);
    for char in json.chars() {
        if quoted {
            out.push(char);
            if escaped {
                escaped = false;
            } else if char == '\\' {
                escaped = true;
            } else if char == '"' {
                quoted = false;
            }
        } else if !char.is_ascii_whitespace() {
            quoted = char == '"';
            let token = "{}[]:,".contains(char);
            if token {
                out.push_str(space);
            }
            out.push(char);
            if token {
                out.push_str(space);
            }
        }
    }
    out
}
