//! The command line of the daemon.

use std::ffi::OsString;
use std::io::Write as _;

/// Runs the daemon; the result is its exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let asked = arguments.into_iter().nth(1);
    let text = match asked.as_ref().and_then(|word| word.to_str()) {
        Some("--version") => format!("roboinfra-agent {}\n", env!("CARGO_PKG_VERSION")),
        _ => return refuse("roboinfra-agent: use --version\n"),
    };
    let written = std::io::stdout().write_all(text.as_bytes());
    u8::from(written.is_err())
}

fn refuse(why: &str) -> u8 {
    // Where stderr is gone there is nobody to tell.
    let _ = std::io::stderr().write_all(why.as_bytes());
    1
}
