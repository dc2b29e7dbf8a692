//! `validate`: every problem in the profile.

use clap::Args;

use super::app::App;
use super::error::CliError;
use super::exit;
use super::profile_file::read_lab;
use crate::ui::json::problems_json;

/// Check the profile and show every problem in it.
#[derive(Debug, Args)]
pub(super) struct ValidateArgs {}

pub(super) fn validate(app: &mut App, _args: &ValidateArgs) -> Result<u8, CliError> {
    let path = app.global.file.clone();
    let (text, parsed) = read_lab(&path, &app.settings)?;
    if parsed.problems.is_empty() && app.global.json {
        app.data(&problems_json(&path.display().to_string(), &text, &[]));
    }
    app.problems(&path, &text, &parsed.problems);
    match parsed.profile {
        Some(profile) => {
            let nodes: u32 = profile.nodes.values().map(|node| node.count).sum();
            let plural = if nodes == 1 { "" } else { "s" };
            app.say(&format!(
                "{} is valid: lab {} with {nodes} machine{plural}.",
                path.display(),
                profile.name
            ));
            Ok(exit::DONE)
        }
        None => Ok(exit::PROFILE),
    }
}
