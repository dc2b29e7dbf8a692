//! Opens the display of a run, and the sign that something is being read before it.

use std::io;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::hosts::{HostBars, HostDisplay, HostLines, HostSilence};
use super::json::{Events, HostEvents};
use super::run::{Bars, Display, DisplayKind, Lines, Silent};
use super::terminal::Terminal;
use super::text::clean;

/// Opens a display on the process's own streams: bars and lines on stderr, JSON on stdout.
pub fn open_display(kind: DisplayKind, terminal: &Terminal, verbose: bool) -> Box<dyn Display> {
    match kind {
        DisplayKind::Bars => Box::new(Bars::new(terminal.talk_look(), verbose)),
        DisplayKind::Lines => Box::new(Lines::new(io::stderr(), terminal.talk_look(), verbose)),
        DisplayKind::Json => Box::new(Events::new(io::stdout())),
        DisplayKind::Silent => Box::new(Silent),
    }
}

/// Opens a display of hosts on the process's own streams.
pub fn open_host_display(
    kind: DisplayKind,
    terminal: &Terminal,
    verbose: bool,
) -> Box<dyn HostDisplay> {
    match kind {
        DisplayKind::Bars => Box::new(HostBars::new(terminal.talk_look())),
        DisplayKind::Lines => Box::new(HostLines::new(io::stderr(), terminal.talk_look(), verbose)),
        DisplayKind::Json => Box::new(HostEvents::new(io::stdout())),
        DisplayKind::Silent => Box::new(HostSilence),
    }
}

/// A spinner on stderr while something is read; nothing where nothing may move. It goes when it is dropped.
#[derive(Debug)]
pub struct Busy {
    spinner: ProgressBar,
}

impl Busy {
    /// Says what is going on: `reading the lab`.
    pub fn new(terminal: &Terminal, quiet: bool, text: &str) -> Self {
        if !terminal.moving() || quiet {
            return Self {
                spinner: ProgressBar::hidden(),
            };
        }
        let look = terminal.talk_look();
        let template = if look.color {
            "{spinner:.cyan} {msg}"
        } else {
            "{spinner} {msg}"
        };
        let style =
            ProgressStyle::with_template(template).expect("the template is one of two fixed ones");
        let spinner = ProgressBar::new_spinner();
        spinner.set_style(style.tick_chars(look.choose("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ ", "|/-\\ ")));
        spinner.set_message(clean(text).into_owned());
        spinner.enable_steady_tick(Duration::from_millis(120));
        Self { spinner }
    }

    /// Says what is going on now.
    pub fn now(&self, text: &str) {
        self.spinner.set_message(clean(text).into_owned());
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.spinner.finish_and_clear();
    }
}
