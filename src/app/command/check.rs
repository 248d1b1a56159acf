//! `fanfare check`.

use std::path::Path;

use super::{broken, checked, out};
use crate::app::args::CheckArguments;
use crate::app::exit::Exit;

/// Checks campaign files; all of them, whatever is wrong with the first.
pub(super) fn check(arguments: &CheckArguments, config: Option<&Path>, json: bool) -> Exit {
    let mut exit = Exit::Done;
    for file in &arguments.files {
        match checked(file, config, json, arguments.format) {
            Ok(Some(_)) if json => {}
            Ok(Some(checked)) => {
                if out(&format!("{}: ok, `{}`\n", file.display(), checked.campaign.name)).is_err() {
                    return Exit::Broken;
                }
            }
            Ok(None) => exit = Exit::Invalid,
            Err(error) => {
                let broke = broken(&error);
                exit = if exit == Exit::Done { broke } else { exit };
            }
        }
    }
    exit
}
