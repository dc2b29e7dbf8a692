//! `init`: a starter profile.

use clap::Args;

use super::app::App;
use super::error::CliError;
use super::show::same_lab;
use crate::model::LabName;
use crate::profile;

/// Write a starter profile.
#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// The lab's name; the starter's own unless given.
    name: Option<String>,
    /// Which starter: see --list.
    #[arg(long, short, value_name = "STARTER", default_value = "digital-twin")]
    profile: String,
    /// List the starters.
    #[arg(long)]
    list: bool,
    /// Write over an existing file.
    #[arg(long)]
    force: bool,
}

pub(super) fn init(app: &mut App, args: &InitArgs) -> Result<u8, CliError> {
    let starters = profile::starters();
    if args.list {
        for starter in starters {
            if app.global.json {
                app.json(
                    &serde_json::json!({"type": "starter", "name": starter.name, "about": starter.about}),
                );
                continue;
            }
            app.data(&format!("{:<20} {}\n", starter.name, starter.about));
        }
        return Ok(super::exit::DONE);
    }
    let Some(starter) = starters.iter().find(|starter| starter.name == args.profile) else {
        let names: Vec<_> = starters.iter().map(|starter| starter.name).collect();
        return Err(
            CliError::new(format!("there is no starter {:?}", args.profile))
                .hint(format!("choose one of {}", names.join(", "))),
        );
    };
    let text = match &args.name {
        None => starter.text.to_owned(),
        Some(name) => {
            let name = LabName::try_from(name.as_str())
                .map_err(|error| CliError::new(error.to_string()))?;
            renamed(starter.text, starter.name, &name)
        }
    };
    let path = app.global.file.clone();
    let written = if args.force {
        std::fs::write(&path, &text)
    } else {
        std::fs::File::create_new(&path)
            .and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()))
    };
    written.map_err(|error| {
        if error.kind() == std::io::ErrorKind::AlreadyExists {
            CliError::new(format!("{} exists already", path.display()))
                .hint("write over it with --force, or choose another file with --file")
        } else {
            CliError::new(format!("could not write {}: {error}", path.display()))
        }
    })?;
    app.say(&format!(
        "Wrote {} from the starter {}.",
        path.display(),
        starter.name
    ));
    let lab = same_lab(app);
    let sandbox = if app.global.sandbox { "" } else { " --sandbox" };
    app.say(&format!(
        "Next: roboinfra plan{lab}{sandbox}, which needs no account; then roboinfra plan{lab}"
    ));
    Ok(super::exit::DONE)
}

/// The starter's text with another lab name; the first `name = "…"` is the lab's.
fn renamed(text: &str, from: &str, to: &LabName) -> String {
    text.replacen(&format!("\"{from}\""), &format!("\"{to}\""), 1)
}
