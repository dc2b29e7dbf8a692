//! What every command has at hand: its options, its surroundings, and where it writes.

use std::path::Path;

use tokio::task::JoinHandle;

use super::error::CliError;
use super::global::{Color, Global};
use super::interrupts::Interrupts;
use super::settings::Settings;
use crate::model::Failure;
use crate::profile::ProfileProblem;
use crate::store::Paths;
use crate::ui::json::{ErrorMirror, error_json, error_opening, line, problems_json};
use crate::ui::{
    Busy, ColorChoice, ColorHints, ErrorReport, Line, Look, Terminal, TerminalHints, diagnostic,
    error_view,
};

/// What a command is busy with while it looks at the cloud.
pub(super) const READING: &str = "reading the lab";
/// What it is busy with before a launch.
pub(super) const CHECKING: &str = "checking quotas, offers and prices";

/// A command's surroundings.
pub(super) struct App {
    /// The options that every command takes.
    pub(super) global: Global,
    /// The environment and the terminal.
    pub(super) settings: Settings,
    /// Where everything is written.
    pub(super) terminal: Terminal,
    /// Who answers to Ctrl-C.
    pub(super) interrupts: Interrupts,
    /// The tasks that keep leases, and give them back.
    pub(super) keepers: Vec<JoinHandle<Option<Failure>>>,
    /// Whether this is a play, whose files the user never sees.
    pub(super) is_play: bool,
    /// Whether anything has been written to stdout.
    has_data: bool,
    /// Why data could not be written, the first time that happened.
    unwritten: Option<String>,
}

impl App {
    /// Surroundings that write to stdout and stderr.
    pub(super) fn new(global: Global, settings: Settings) -> Self {
        let hints = TerminalHints {
            color: match global.color {
                Color::Auto => ColorChoice::Auto,
                Color::Always => ColorChoice::Always,
                Color::Never => ColorChoice::Never,
            },
            hints: ColorHints {
                no_color: settings.no_color,
                clicolor_off: settings.clicolor_off,
                clicolor_force: settings.clicolor_force,
                dumb: settings.dumb,
            },
            columns: settings.columns,
            unicode: settings.unicode && !settings.dumb,
            ci: settings.ci,
        };
        Self {
            terminal: Terminal::stdio(&hints),
            global,
            settings,
            interrupts: Interrupts::default(),
            keepers: Vec::new(),
            is_play: false,
            has_data: false,
            unwritten: None,
        }
    }

    /// Waits until every lease that this command had is given back.
    pub(super) async fn leases_given_back(&mut self) {
        for keeper in std::mem::take(&mut self.keepers) {
            if let Ok(Some(failure)) = keeper.await {
                self.say(&format!(
                    "The lease on the shared state could not be given back, and runs out by itself: {failure}"
                ));
            }
        }
    }

    /// Writes data to stdout. A reader that has left is no error; a full disk is one, told at the end.
    pub(super) fn data(&mut self, text: &str) {
        self.has_data = true;
        if let Err(error) = self.terminal.data(text) {
            self.unwritten.get_or_insert_with(|| error.to_string());
        }
    }

    /// The error to end with if not all data could be written.
    pub(super) fn unwritten(&self) -> Option<CliError> {
        let why = self.unwritten.as_ref()?;
        Some(CliError::new(format!("could not write to stdout: {why}")))
    }

    /// Writes one JSON object as a line of stdout.
    pub(super) fn json(&mut self, value: &impl serde::Serialize) {
        self.data(&line(value));
    }

    /// Writes conversation to stderr, unless the user wants quiet. A command stays whole, so that it can be copied.
    pub(super) fn say(&mut self, text: &str) {
        let look = self.look_aside();
        for line in text.split('\n') {
            let command = line.trim_start_matches("Next:").trim_start();
            if command.starts_with("roboinfra ") {
                self.conclude(&format!("{line}\n"));
            } else {
                let line = Line::at(0).plain(line).render(&look);
                self.conclude(&format!("{line}\n"));
            }
        }
    }

    /// Writes to stderr whatever the user wants.
    pub(super) fn tell(&mut self, text: &str) {
        self.terminal.say(text);
    }

    /// Writes conversation to stderr, unless the user wants quiet.
    pub(super) fn conclude(&mut self, text: &str) {
        if !self.global.quiet {
            self.tell(text);
        }
    }

    /// Shows that something is going on, until it is dropped.
    pub(super) fn busy(&self, text: &str) -> Busy {
        Busy::new(&self.terminal, self.global.quiet, text)
    }

    /// How stdout looks.
    pub(super) fn look(&self) -> Look {
        self.terminal.data_look()
    }

    /// How stderr looks.
    pub(super) fn look_aside(&self) -> Look {
        self.terminal.talk_look()
    }

    /// Shows everything that is wrong or odd about a profile.
    pub(super) fn problems(&mut self, path: &Path, text: &str, problems: &[ProfileProblem]) {
        if problems.is_empty() {
            return;
        }
        let path = path.display().to_string();
        if self.global.json {
            self.data(&problems_json(&path, text, problems));
        }
        let shown = diagnostic::render(&path, text, problems, &self.look_aside());
        self.tell(&shown);
    }

    /// Shows why a command failed and what to do next.
    pub(super) fn failed(&mut self, error: &CliError) {
        let report = ErrorReport {
            message: error.message.clone(),
            causes: error.causes.clone(),
            help: error
                .hints
                .iter()
                .map(|hint| self.addressed(hint))
                .collect(),
        };
        if self.global.json {
            let ErrorReport {
                message,
                causes,
                help,
            } = report.clone();
            if !self.has_data {
                self.data(&error_opening());
            }
            self.data(&error_json(&ErrorMirror {
                exit: error.code,
                message,
                causes,
                help,
            }));
        }
        let shown = error_view(&report, &self.look_aside());
        self.tell(&shown);
    }

    /// The options that make another command speak of the same lab, as it would be typed.
    pub(super) fn same_lab(&self) -> String {
        if self.is_play {
            " --sandbox".to_owned()
        } else {
            self.global.same_lab()
        }
    }

    /// A hint about this very lab.
    fn addressed(&self, hint: &str) -> String {
        let target = self.global.target();
        let paths = Paths::new(&target.profile, target.lockfile.as_deref(), target.sandbox);
        hint.replace("{lab}", &self.same_lab())
            .replace("{previous}", &paths.previous.display().to_string())
    }
}
