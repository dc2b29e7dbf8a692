//! What every command has at hand: its options, its surroundings, and where it writes.

use std::path::Path;

use super::error::CliError;
use super::global::{Color, Global};
use super::settings::Settings;
use crate::profile::ProfileProblem;
use crate::ui::json::{ErrorMirror, error_json, problems_json};
use crate::ui::{
    ColorChoice, ColorHints, ErrorReport, Look, Terminal, TerminalHints, diagnostic, error_view,
};

/// A command's surroundings.
pub(super) struct App {
    /// The options that every command takes.
    pub(super) global: Global,
    /// The environment and the terminal.
    pub(super) settings: Settings,
    /// Where everything is written.
    pub(super) terminal: Terminal,
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
        }
    }

    /// Writes data to stdout. Where it cannot be written there is nobody to tell.
    pub(super) fn data(&mut self, text: &str) {
        let _unwritten = self.terminal.data(text);
    }

    /// Writes one JSON object as a line of stdout.
    pub(super) fn json(&mut self, value: &impl serde::Serialize) {
        let mut line =
            serde_json::to_string(value).expect("plain values with text keys always serialise");
        line.push('\n');
        self.data(&line);
    }

    /// Writes a line of conversation to stderr, unless the user wants quiet.
    pub(super) fn say(&mut self, line: &str) {
        self.conclude(&format!("{line}\n"));
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
            help: error.hints.clone(),
        };
        if self.global.json {
            let ErrorReport {
                message,
                causes,
                help,
            } = report.clone();
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
}
