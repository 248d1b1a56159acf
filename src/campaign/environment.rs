//! Finds `${NAME}`, the shell's way to name an environment variable.
//!
//! Campaign files do not read the environment: the text would be sent as it stands. Every text that holds one is reported and turned into
//! [`Value::Bad`].

use super::Problem;
use super::tree::{Node, Table, Value};

/// Takes every text with `${NAME}` out of the tree.
pub(super) fn take(root: &mut Table) -> Vec<Problem> {
    let mut problems = Vec::new();
    table(root, &mut problems);
    problems
}

fn table(table: &mut Table, problems: &mut Vec<Problem>) {
    for entry in &mut table.entries {
        node(&mut entry.node, problems);
    }
}

fn node(node: &mut Node, problems: &mut Vec<Problem>) {
    match &mut node.value {
        Value::Table(inner) => table(inner, problems),
        Value::List(nodes) => nodes.iter_mut().for_each(|inner| self::node(inner, problems)),
        Value::Text(text) => {
            if let Some(name) = variable(&text.text) {
                problems.push(
                    Problem::error(
                        "environment_variable",
                        text.span.clone(),
                        format!("`${{{name}}}` would be sent as it stands"),
                    )
                    .help("campaign files do not read the environment: write the value, or a column as `{{column}}`"),
                );
                node.value = Value::Bad;
            }
        }
        _ => {}
    }
}

/// The first variable's name: capitals, digits and `_`. `${{column}}` is a dollar sign before a column.
fn variable(text: &str) -> Option<&str> {
    text.split("${").skip(1).find_map(|rest| {
        let (name, _) = rest.split_once('}')?;
        let shape = name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
        (shape && !name.is_empty()).then_some(name)
    })
}
