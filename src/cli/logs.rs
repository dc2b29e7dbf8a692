//! `logs`: what a bootstrap step wrote on its host, or what a service of its stack says.

use std::path::PathBuf;

use clap::Args;

use super::app::App;
use super::error::CliError;
use super::exit;
use super::hosts::host;
use super::session::OpenError;
use super::stepless;
use super::tend::SILENCE;
use crate::apply::{HostJob, StepLog};
use crate::host::StepState;

/// Show what a bootstrap step wrote on its host, or what a service of its stack says.
///
/// Without a name it lists the steps and services of the host and how each stands. With -f it follows a step until it ends,
/// and a service for as long as it runs.
#[derive(Debug, Args)]
pub(super) struct LogsArgs {
    /// The host, as `sim.0` or `arm1`; `sim` where that is one machine.
    host: String,
    /// The step or service, for example `docker` or `redis`.
    name: Option<String>,
    /// Follow it until it ends.
    #[arg(long, short = 'f', short_alias = 'F', requires = "name")]
    pub(super) follow: bool,
    /// The lab profile.
    // The global option without its `-f`, which is `--follow` here, as in `kubectl logs -f`.
    #[arg(
        long,
        value_name = "FILE",
        default_value = "lab.toml",
        help_heading = "Global options"
    )]
    file: PathBuf,
    /// How many lines of a service to begin with.
    #[arg(long, value_name = "LINES", default_value_t = 200, requires = "name", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    tail: u32,
}

pub(super) async fn logs(app: &mut App, args: &LogsArgs) -> Result<u8, OpenError> {
    let session = stepless::open(app).await?;
    let job: HostJob = host(app, &session, &args.host).await?;
    let mut log = StepLog::open(session.hosts.as_ref(), &job)
        .await
        .map_err(|why| CliError::new(why).code(exit::FAILED))?;
    let Some(name) = &args.name else {
        let steps = log.steps().iter();
        let mut lines: Vec<(String, String)> = steps
            .map(|known| (known.name.clone(), word(known.state).to_owned()))
            .collect();
        lines.extend(log.services().await);
        for (name, state) in lines {
            app.data(&format!("{name:<28} {}\n", crate::ui::clean(&state)));
        }
        return Ok(exit::DONE);
    };
    let is_step = log.steps().iter().any(|known| known.name == *name);
    if !is_step {
        let services = log.services().await;
        if !services.iter().any(|(service, _)| service == name) {
            return Err(unknown(args, name, &log, &services).into());
        }
    }
    let mut write = |text: &[u8]| app.data(&clean(text));
    let read = if is_step {
        log.read(name, args.follow, SILENCE, &mut write).await
    } else {
        let how = (args.tail, args.follow);
        log.said(name, how, SILENCE, &mut write).await
    };
    read.map_err(CliError::new)?;
    Ok(exit::DONE)
}

fn unknown(args: &LogsArgs, name: &str, log: &StepLog, services: &[(String, String)]) -> CliError {
    let steps = log.steps().iter().map(|known| known.name.as_str());
    let services = services.iter().map(|(service, _)| service.as_str());
    let known: Vec<&str> = steps.chain(services).collect();
    CliError::new(format!("{} knows no step and no service {name}", args.host))
        .hint(format!("it knows {}", known.join(", ")))
}

/// A log as text whose lines cannot act on the terminal.
fn clean(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes)
        .split_inclusive('\n')
        .map(|line| {
            let (text, end) = line
                .strip_suffix('\n')
                .map_or((line, ""), |text| (text, "\n"));
            format!("{}{end}", crate::ui::clean(text.trim_end_matches('\r')))
        })
        .collect()
}

fn word(state: StepState) -> &'static str {
    match state {
        StepState::Stored => "not run yet",
        StepState::Running => "running",
        StepState::Done => "done",
        StepState::Reboot => "waits for a reboot",
        StepState::Failed => "failed",
        StepState::Later => "will be tried again",
        StepState::TimedOut => "took too long",
        StepState::Interrupted => "interrupted",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_cannot_act_on_the_terminal() {
        assert_eq!(clean(b"a\r\n\x1b[31mb\nc"), "a\n\\u{1b}[31mb\nc");
    }
}
