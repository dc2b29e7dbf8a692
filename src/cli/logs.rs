//! `logs`: what a bootstrap step wrote on its host.

use clap::Args;

use super::app::App;
use super::error::CliError;
use super::exit;
use super::hosts::host;
use super::session::{OpenError, Session};
use super::tend::SILENCE;
use crate::apply::{HostJob, StepLog};
use crate::host::StepState;

/// Show what a bootstrap step wrote on its host.
///
/// Without a step it lists the steps of the host and how each stands. With -F it follows a step that runs.
#[derive(Debug, Args)]
pub(super) struct LogsArgs {
    /// The host, as `node.sim.0` or `edge.arm1`.
    host: String,
    /// The step, for example `docker`.
    step: Option<String>,
    /// Follow it until it ends.
    #[arg(long, short = 'F', requires = "step")]
    follow: bool,
}

pub(super) async fn logs(app: &mut App, args: &LogsArgs) -> Result<u8, OpenError> {
    let session = Session::open(&app.global.target(), &app.settings).await?;
    let job: HostJob = host(app, &session, &args.host).await?;
    let log = StepLog::open(session.hosts.as_ref(), &job)
        .await
        .map_err(|why| CliError::new(why).code(exit::FAILED))?;
    let Some(step) = &args.step else {
        for known in log.steps() {
            app.data(&format!("{:<28} {}\n", known.name, word(known.state)));
        }
        return Ok(exit::DONE);
    };
    if !log.steps().iter().any(|known| known.name == *step) {
        let names: Vec<&str> = log
            .steps()
            .iter()
            .map(|known| known.name.as_str())
            .collect();
        let told = CliError::new(format!("{} knows no step {step}", args.host));
        return Err(told.hint(format!("it knows {}", names.join(", "))).into());
    }
    let mut write = |text: &[u8]| app.data(&clean(text));
    log.read(step, args.follow, SILENCE, &mut write)
        .await
        .map_err(CliError::new)?;
    Ok(exit::DONE)
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
