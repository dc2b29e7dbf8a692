//! The `roboinfra-agent` daemon.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(roboinfra::agent::run(std::env::args_os()))
}
