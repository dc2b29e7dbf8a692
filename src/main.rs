//! The `roboinfra` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(roboinfra::cli::run(std::env::args_os()))
}
