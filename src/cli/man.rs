//! `man`: the manual page.

use clap::{Args, Command};

use super::app::App;
use super::error::CliError;
use super::exit;

/// Print the manual page.
#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// Of one command.
    command: Option<String>,
}

pub(super) fn man(app: &mut App, whole: Command, args: &ManArgs) -> Result<u8, CliError> {
    let command = match &args.command {
        None => whole,
        Some(name) => {
            let found = whole.find_subcommand(name).cloned();
            found.ok_or_else(|| {
                CliError::new(format!("there is no command {name:?}")).hint("roboinfra --help")
            })?
        }
    };
    let mut page = Vec::new();
    clap_mangen::Man::new(command)
        .render(&mut page)
        .map_err(|error| CliError::new(error.to_string()))?;
    app.data(&String::from_utf8_lossy(&page));
    Ok(exit::DONE)
}
