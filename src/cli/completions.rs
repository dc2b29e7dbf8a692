//! `completions`: for the user's shell.

use clap::{Args, Command};
use clap_complete::Shell;

use super::app::App;
use super::exit;

/// Print completions for a shell.
#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// The shell.
    shell: Shell,
}

pub(super) fn completions(app: &mut App, mut command: Command, args: &CompletionsArgs) -> u8 {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "roboinfra", &mut script);
    app.data(&String::from_utf8_lossy(&script));
    exit::DONE
}
