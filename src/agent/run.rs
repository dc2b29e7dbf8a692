//! The command line of the daemon.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::PathBuf;

use super::daemon;
use super::journal::{Journal, Weight};
use super::settings;
use crate::model::{AGENT_CONFIG, AgentConfig};

const HELP: &str = "\
Usage: roboinfra-agent [--config FILE] [--once | --check | --version | --help]

Without an option it measures, publishes and watches until it is told to end.

  --config FILE  its file (default: /etc/roboinfra/agent.toml)
  --once         prints one measurement as JSON and changes nothing
  --check        reads the file and says what is wrong with it
";

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Task {
    Daemon,
    Once,
    Check,
    Version,
    Help,
}

/// Runs the daemon; the result is its exit code: 0 done, 1 failed, 2 the command line or the file is wrong.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let (task, path) = match read(arguments) {
        Ok(asked) => asked,
        Err(why) => return refuse(&format!("roboinfra-agent: {why}\n{HELP}")),
    };
    match task {
        Task::Version => return print(&format!("roboinfra-agent {}\n", env!("CARGO_PKG_VERSION"))),
        Task::Help => return print(HELP),
        Task::Daemon | Task::Once | Task::Check => {}
    }
    let config = match settings::read(&path) {
        Ok(config) => config,
        Err(why) => return refuse(&format!("roboinfra-agent: {why}\n")),
    };
    if task == Task::Check {
        return print("the file is well\n");
    }
    let built = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match built {
        Ok(runtime) => runtime,
        Err(error) => return refuse(&format!("roboinfra-agent: {error}\n")),
    };
    let code = if task == Task::Once {
        let look = runtime.block_on(daemon::once(&config));
        print(&format!("{look:#}\n"))
    } else {
        runtime.block_on(live(config))
    };
    // A thread that waits for a driver that hangs is not waited for.
    runtime.shutdown_background();
    code
}

async fn live(config: AgentConfig) -> u8 {
    let root = config.paths.root.clone();
    match daemon::run(config, Journal::open(&root)).await {
        Ok(()) => 0,
        Err(why) => {
            let message = format!("it cannot begin: {why}");
            Journal::to_stderr().say(Weight::Error, "end", &message, &[]);
            1
        }
    }
}

fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<(Task, PathBuf), String> {
    let mut task = Task::Daemon;
    let mut path = PathBuf::from(AGENT_CONFIG);
    let mut arguments = arguments.into_iter().skip(1);
    while let Some(argument) = arguments.next() {
        let asked = match argument.to_str() {
            Some("--config") => {
                path = arguments.next().ok_or("--config takes a file")?.into();
                continue;
            }
            Some("--once") => Task::Once,
            Some("--check") => Task::Check,
            Some("--version") => Task::Version,
            Some("--help") => Task::Help,
            _ => return Err(format!("{} is not known", argument.display())),
        };
        if task != Task::Daemon {
            return Err("one thing at a time".to_owned());
        }
        task = asked;
    }
    Ok((task, path))
}

fn print(text: &str) -> u8 {
    let written = std::io::stdout().write_all(text.as_bytes());
    u8::from(written.is_err())
}

fn refuse(why: &str) -> u8 {
    // Where stderr is gone there is nobody to tell.
    let _ = std::io::stderr().write_all(why.as_bytes());
    2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(words: &[&str]) -> Result<(Task, PathBuf), String> {
        let words = std::iter::once("roboinfra-agent").chain(words.iter().copied());
        read(words.map(OsString::from))
    }

    #[test]
    fn the_command_line() {
        assert_eq!(asked(&[]), Ok((Task::Daemon, PathBuf::from(AGENT_CONFIG))));
        assert_eq!(
            asked(&["--config", "x", "--once"]),
            Ok((Task::Once, PathBuf::from("x")))
        );
        for wrong in [
            &["--config"][..],
            &["--once", "--check"],
            &["go"],
            &["--sample=1"],
        ] {
            assert!(asked(wrong).is_err(), "{wrong:?}");
        }
    }
}
