//! What the environment says. Read here, once, and passed on as a value.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;

/// How long a lease lasts unless it is renewed, which happens three times as often.
const LEASE: Duration = Duration::from_mins(1);

/// The environment and the terminal.
#[derive(Debug, Clone, Default)]
pub(super) struct Settings {
    /// The user's home.
    pub(super) home: Option<PathBuf>,
    /// The user's name, to say who holds a guard.
    pub(super) user: String,
    /// Whether this is a pipeline.
    pub(super) ci: bool,
    /// `NO_COLOR` is set.
    pub(super) no_color: bool,
    /// `CLICOLOR=0`.
    pub(super) clicolor_off: bool,
    /// `CLICOLOR_FORCE` is set and not 0.
    pub(super) clicolor_force: bool,
    /// `TERM=dumb`.
    pub(super) dumb: bool,
    /// The locale speaks UTF-8.
    pub(super) unicode: bool,
    /// stdin is a terminal.
    pub(super) stdin_is_terminal: bool,
    /// stderr is a terminal.
    pub(super) stderr_is_terminal: bool,
    /// How long a lease on shared state lasts; `ROBOINFRA_LEASE` says otherwise, in seconds, for rehearsals.
    pub(super) lease: Duration,
    /// Columns, where `COLUMNS` says.
    pub(super) columns: Option<usize>,
}

impl Settings {
    /// Reads the environment.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the environment"
    )]
    pub(super) fn read() -> Self {
        let var = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
            .iter()
            .find_map(|name| var(name))
            .unwrap_or_default();
        Self {
            home: var("HOME").map(PathBuf::from),
            user: var("USER")
                .or_else(|| var("LOGNAME"))
                .unwrap_or_else(|| "unknown".to_owned()),
            ci: var("CI").is_some_and(|value| value != "false" && value != "0"),
            no_color: var("NO_COLOR").is_some(),
            clicolor_off: var("CLICOLOR").as_deref() == Some("0"),
            clicolor_force: var("CLICOLOR_FORCE").is_some_and(|value| value != "0"),
            dumb: var("TERM").as_deref() == Some("dumb"),
            unicode: locale
                .to_ascii_lowercase()
                .replace('-', "")
                .contains("utf8"),
            stdin_is_terminal: std::io::stdin().is_terminal(),
            stderr_is_terminal: std::io::stderr().is_terminal(),
            lease: var("ROBOINFRA_LEASE")
                .and_then(|seconds| seconds.parse().ok())
                .map_or(LEASE, |seconds: u64| {
                    Duration::from_secs(seconds.clamp(3, 600))
                }),
            columns: var("COLUMNS").and_then(|columns| columns.parse().ok()),
        }
    }

    /// Whether questions can be asked and bars drawn.
    pub(super) fn is_interactive(&self) -> bool {
        self.stdin_is_terminal && self.stderr_is_terminal && !self.ci && !self.dumb
    }
}
