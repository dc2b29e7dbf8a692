//! A moving line for each host: its step, the last line of that step's log, the time it has taken.

use std::collections::BTreeMap;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use jiff::Timestamp;

use super::display::HostDisplay;
use super::lines::told;
use crate::event::{HostEvent, HostNews};
use crate::ui::page::Line;
use crate::ui::style::{Look, Role};
use crate::ui::text::{clean, cut, lasting};

/// How often a moving line is drawn anew.
const TICK: Duration = Duration::from_millis(120);
/// More moving lines than this would push what stays off a small terminal.
const MOST: usize = 16;

/// Draws bars.
pub(in crate::ui) struct HostBars {
    multi: MultiProgress,
    look: Look,
    bars: BTreeMap<String, Bar>,
}

struct Bar {
    bar: ProgressBar,
    step: String,
}

impl HostBars {
    /// Bars on stderr, which is a terminal.
    pub(in crate::ui) fn new(look: Look) -> Self {
        Self::on(ProgressDrawTarget::stderr(), look)
    }

    fn on(target: ProgressDrawTarget, look: Look) -> Self {
        Self {
            multi: MultiProgress::with_draw_target(target),
            look,
            bars: BTreeMap::new(),
        }
    }

    fn stays(&self, address: &str, mark: &str, role: Role, text: &str) {
        let line = Line::at(0)
            .hang(4)
            .add(role, format!("{mark:>2} "))
            .plain(address)
            .add(Role::Faint, format!("  {text}"));
        // A terminal that is gone is no reason to stop.
        let _gone = self.multi.println(line.render(&self.look));
    }

    fn moves(&mut self, address: &str, text: &str) {
        let hidden = self.bars.len() >= MOST;
        let Self {
            multi, look, bars, ..
        } = self;
        let entry = bars.entry(address.to_owned()).or_insert_with(|| {
            let bar = if hidden {
                ProgressBar::hidden()
            } else {
                multi.add(ProgressBar::new_spinner())
            };
            bar.set_style(style(look));
            bar.set_prefix(address.to_owned());
            bar.enable_steady_tick(TICK);
            Bar {
                bar,
                step: String::new(),
            }
        });
        let room = look.width.saturating_sub(address.len() + 14);
        entry
            .bar
            .set_message(cut(&clean(text), room, look.ellipsis()));
    }

    fn step(&self, address: &str) -> String {
        self.bars
            .get(address)
            .map_or_else(String::new, |bar| bar.step.clone())
    }

    fn over(&mut self, address: &str) {
        if let Some(bar) = self.bars.remove(address) {
            bar.bar.finish_and_clear();
            self.multi.remove(&bar.bar);
        }
    }
}

impl HostDisplay for HostBars {
    fn host(&mut self, event: &HostEvent, _: Timestamp) {
        let address = event.address.to_string();
        match &event.news {
            HostNews::Reaching { host } => self.moves(&address, &format!("reaching {host}")),
            HostNews::Waiting { why, elapsed } => {
                self.moves(&address, &format!("waiting {}: {why}", lasting(*elapsed)));
            }
            HostNews::Sending { step, sent, of } => {
                let percent = sent * 100 / (*of).max(1);
                self.moves(
                    &address,
                    &format!("sending the program of {step}: {percent} %"),
                );
            }
            HostNews::StepBegun {
                step, position, of, ..
            } => {
                let shown = format!("{step} {position}/{of}");
                self.moves(&address, &shown);
                if let Some(bar) = self.bars.get_mut(&address) {
                    bar.step = shown;
                }
            }
            HostNews::Log { bytes, .. } => {
                let text = String::from_utf8_lossy(bytes);
                if let Some(last) = text.lines().rev().find(|line| !line.trim().is_empty()) {
                    let step = self.step(&address);
                    self.moves(&address, &format!("{step}  {}", last.trim()));
                }
            }
            HostNews::Over { ready, how, took } => {
                self.over(&address);
                let (mark, role) = if *ready {
                    (self.look.tick(), Role::Good)
                } else {
                    (self.look.cross(), Role::Bad)
                };
                self.stays(&address, mark, role, &format!("{how} ({})", lasting(*took)));
            }
            HostNews::StepDone { .. } => {
                for (role, text) in told(&event.news) {
                    self.stays(&address, self.look.tick(), role, &text);
                }
            }
            news => {
                for (role, text) in told(news) {
                    let mark = if role == Role::Notice { "!" } else { "" };
                    self.stays(&address, mark, role, &text);
                }
            }
        }
    }
}

impl Drop for HostBars {
    fn drop(&mut self) {
        for bar in std::mem::take(&mut self.bars).into_values() {
            bar.bar.finish_and_clear();
        }
    }
}

fn style(look: &Look) -> ProgressStyle {
    let template = if look.color {
        " {spinner:.cyan} {prefix} {lasting:.dim}  {msg}"
    } else {
        " {spinner} {prefix} {lasting}  {msg}"
    };
    ProgressStyle::with_template(template)
        .expect("the template is one of two fixed ones")
        .with_key(
            "lasting",
            |state: &ProgressState, out: &mut dyn std::fmt::Write| {
                let _full = write!(out, "{:>7}", lasting(state.elapsed()));
            },
        )
        .tick_chars(look.choose("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ ", "|/-\\ "))
}
