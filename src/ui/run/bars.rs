//! Moving lines on a terminal: one for each resource, or group of like ones, that something is being done to, and a
//! bar for the whole. What is over becomes a line that stays.

use std::collections::BTreeMap;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use jiff::Timestamp;

use super::display::Display;
use super::progress::{Group, Progress};
use super::wording::{doing, done};
use crate::event::Event;
use crate::model::{Address, Failure};
use crate::ui::page::Line;
use crate::ui::style::{Look, Role};
use crate::ui::table::widest;
use crate::ui::text::{counted, cut, lasting};

/// More moving lines than this would push what stays off a small terminal.
const MOST: usize = 10;
/// How often a moving line is drawn anew.
const TICK: Duration = Duration::from_millis(120);
/// Labels are padded to the widest, but no further than this.
const WIDEST_LABEL: usize = 28;

/// Draws bars.
#[derive(Debug)]
pub struct Bars {
    multi: MultiProgress,
    /// An empty line above the bars. A terminal shows Ctrl-C as `^C` below them and so moves the cursor one line too
    /// far: the line that is then left behind is this one.
    margin: ProgressBar,
    overall: ProgressBar,
    look: Look,
    verbose: bool,
    progress: Progress,
    shown: BTreeMap<usize, ProgressBar>,
    label_width: usize,
}

impl Bars {
    /// Bars on stderr, which is a terminal.
    pub fn new(look: Look, verbose: bool) -> Self {
        Self::on(ProgressDrawTarget::stderr(), look, verbose)
    }

    fn on(target: ProgressDrawTarget, look: Look, verbose: bool) -> Self {
        Self {
            multi: MultiProgress::with_draw_target(target),
            margin: ProgressBar::hidden(),
            overall: ProgressBar::hidden(),
            look,
            verbose,
            progress: Progress::default(),
            shown: BTreeMap::new(),
            label_width: 0,
        }
    }

    /// Prints a line that stays, above the moving ones.
    fn stays(&self, line: &Line) {
        // A terminal that is gone is no reason to stop the run.
        let _gone = self.multi.println(line.render(&self.look));
    }

    fn begin(&mut self) {
        let labels = self
            .progress
            .groups
            .iter()
            .map(|group| group.label.as_str());
        self.label_width = widest(labels, WIDEST_LABEL);
        self.margin = self.multi.add(ProgressBar::new_spinner());
        self.margin.set_style(styled("{msg}"));
        // Without a character there would be no line.
        self.margin.set_message(" ");
        self.margin.tick();
        self.overall = self.multi.add(ProgressBar::no_length());
        self.overall.set_style(overall_style(&self.look));
        let (_, of) = self.progress.counts();
        self.overall
            .set_length(u64::try_from(of).unwrap_or(u64::MAX));
        self.overall.enable_steady_tick(TICK);
    }

    fn update(&mut self, place: usize, now: Timestamp) {
        if self.progress.groups[place].is_over() {
            if !self.progress.has_just_ended(place) {
                return;
            }
            let group = &self.progress.groups[place];
            if let Some(bar) = self.shown.remove(&place) {
                bar.finish_and_clear();
                self.multi.remove(&bar);
            }
            // A failure has said so itself.
            if group.done > 0 {
                self.stays(&over(group, self.label_width, now, &self.look));
            }
            self.show_waiting(now);
        } else if self.progress.groups[place].began.is_some() {
            self.show(place, now);
        }
    }

    fn show(&mut self, place: usize, now: Timestamp) {
        let group = &self.progress.groups[place];
        if self.shown.len() >= MOST && !self.shown.contains_key(&place) {
            return;
        }
        let text = moving(group);
        let bar = self.shown.entry(place).or_insert_with(|| {
            let bar = self
                .multi
                .insert_before(&self.overall, ProgressBar::new_spinner());
            bar.set_style(spinner_style(&self.look));
            bar.set_elapsed(group.took(now));
            bar.enable_steady_tick(TICK);
            bar
        });
        let label = cut(&group.label, WIDEST_LABEL, self.look.ellipsis());
        let padded = Line::at(0).plain(label).pad_to(self.label_width);
        bar.set_prefix(line_text(&padded, &self.look));
        bar.set_message(text);
    }

    /// Gives the room of a line that is over to one that had none.
    fn show_waiting(&mut self, now: Timestamp) {
        let groups = self.progress.groups.iter().enumerate();
        let waiting = groups.filter(|(place, group)| {
            group.began.is_some() && !group.is_over() && !self.shown.contains_key(place)
        });
        if let Some(place) = waiting.map(|(place, _)| place).next() {
            self.show(place, now);
        }
    }

    fn count(&self) {
        let (over, _) = self.progress.counts();
        self.overall
            .set_position(u64::try_from(over).unwrap_or(u64::MAX));
        let groups = self.progress.groups.iter();
        let going_on = groups
            .filter(|group| group.began.is_some() && !group.is_over())
            .count();
        let hidden = going_on.saturating_sub(self.shown.len());
        let message = match (self.progress.draining, hidden) {
            (Some(_), _) => "stopping: finishing what has begun".to_owned(),
            (None, 0) => String::new(),
            (None, hidden) => format!("and {hidden} more"),
        };
        self.overall.set_message(message);
    }

    /// Says something that stays about whoever is at `address`; of many like ones only the first says it.
    fn remark(&mut self, mark: &str, role: Role, address: &Address, text: &str) {
        let label = self.progress.label(address);
        if self.progress.is_news(&label, text) {
            let line = Line::at(0)
                .hang(4)
                .add(role, format!("{mark:>2} "))
                .plain(label);
            self.stays(&line.add(Role::Faint, format!(": {text}")));
        }
    }

    fn failed(&mut self, address: &Address, failure: &Failure) {
        let what = failure.code.as_deref().unwrap_or(&failure.message);
        let text = format!("{}: {what}", failure.operation);
        self.remark(self.look.cross(), Role::Bad, address, &text);
    }

    fn clear(&mut self) {
        for bar in std::mem::take(&mut self.shown).into_values() {
            bar.finish_and_clear();
        }
        self.margin.finish_and_clear();
        self.overall.finish_and_clear();
    }
}

impl Display for Bars {
    fn event(&mut self, event: &Event, now: Timestamp) {
        let touched = self.progress.fold(event, now, &self.look);
        match event {
            Event::Begun { .. } => self.begin(),
            Event::StepFailed {
                address,
                covers: _,
                failure,
            } => self.failed(address, failure),
            Event::FellBack {
                address,
                from,
                to,
                code,
            } => {
                let text = format!("no capacity for {from} ({code}), trying {to}");
                self.remark("!", Role::Notice, address, &text);
            }
            Event::Retrying {
                address,
                failure,
                tries,
                wait,
            } if self.verbose => {
                let text = format!("{failure}; try {} in {}", tries + 1, lasting(*wait));
                self.remark("!", Role::Notice, address, &text);
            }
            Event::Ended { .. } => return self.clear(),
            _ => {}
        }
        for place in touched {
            self.update(place, now);
        }
        self.count();
    }

    fn note(&mut self, text: &str) {
        self.stays(&Line::at(0).add(Role::Faint, text));
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.clear();
    }
}

/// What a moving line says: `creating: 12 of 50 done, 38 of 50 running`.
fn moving(group: &Group) -> String {
    let so_far = match (group.done, group.members) {
        (0, _) | (_, 1) => String::new(),
        (done, of) => format!("{done} of {of} done, "),
    };
    let text = format!("{}: {so_far}{}", doing(group.action), group.doing);
    crate::ui::text::clean(&text).into_owned()
}

/// A group that is over: `✓ node.sim.0  43s  created i-0abc`.
fn over(group: &Group, width: usize, now: Timestamp, look: &Look) -> Line {
    let mut text = done(group.action).to_owned();
    if let Some(id) = &group.id {
        text.push_str(&format!(" {id}"));
    }
    let missing = group.members - group.done;
    if missing > 0 {
        text.push_str(&format!(" but {}", counted(missing, "failure")));
    }
    let (mark, role) = if missing > 0 {
        ("!", Role::Notice)
    } else {
        (look.tick(), Role::Good)
    };
    marked(
        mark,
        role,
        &group.label,
        width,
        &lasting(group.took(now)),
        &text,
    )
}

fn marked(mark: &str, role: Role, label: &str, width: usize, took: &str, text: &str) -> Line {
    let line = Line::at(0)
        .hang(4)
        .add(role, format!("{mark:>2} "))
        .plain(label)
        .pad_to(3 + width);
    line.add(Role::Faint, format!(" {took:>7}"))
        .add(Role::Faint, format!("  {text}"))
}

fn line_text(line: &Line, look: &Look) -> String {
    // `render` trims the padding that the columns need.
    let mut text = line.render(look);
    text.push_str(
        &" ".repeat(
            line.columns()
                .saturating_sub(crate::ui::text::columns(&text)),
        ),
    );
    text
}

fn write_elapsed(state: &ProgressState, out: &mut dyn std::fmt::Write) {
    let _full = write!(out, "{:>7}", lasting(state.elapsed()));
}

fn spinner_style(look: &Look) -> ProgressStyle {
    let template = if look.color {
        " {spinner:.cyan} {prefix} {lasting:.dim}  {msg}"
    } else {
        " {spinner} {prefix} {lasting}  {msg}"
    };
    let ticks = look.choose("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ ", "|/-\\ ");
    styled(template)
        .with_key("lasting", write_elapsed)
        .tick_chars(ticks)
}

fn overall_style(look: &Look) -> ProgressStyle {
    let template = if look.color {
        "   {bar:28.green/dim} {pos}/{len} {lasting:.dim}  {msg}"
    } else {
        "   {bar:28} {pos}/{len} {lasting}  {msg}"
    };
    styled(template)
        .with_key("lasting", write_elapsed)
        .progress_chars(look.choose("━╸─", "=> "))
}

fn styled(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("a test draws with each of the templates")
}

#[cfg(test)]
mod tests {
    use super::super::samples::{at, outline, story, story_of_many};
    use super::*;

    fn bars(look: Look) -> Bars {
        Bars::on(ProgressDrawTarget::hidden(), look, true)
    }

    #[test]
    fn a_story_leaves_no_bar_behind() {
        for look in [
            Look::plain(80),
            Look {
                color: true,
                unicode: false,
                ..Look::plain(40)
            },
        ] {
            for story in [story(), story_of_many(100)] {
                let mut bars = bars(look);
                for (millis, event) in &story {
                    bars.event(event, at(*millis));
                }
                assert!(bars.shown.is_empty());
                assert!(bars.overall.is_finished());
            }
        }
    }

    #[test]
    fn no_more_lines_move_than_fit_and_all_get_their_turn() {
        let names: Vec<String> = (0..15)
            .map(|n| format!("access.thing-{}", char::from(b'a' + n)))
            .collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut bars = bars(Look::plain(80));
        bars.event(
            &Event::Begun {
                run: crate::model::RunId::new("r"),
                outline: outline(&names),
            },
            at(0),
        );
        for name in &names {
            let address = Address::new(*name);
            let step = Event::StepBegun {
                address: address.clone(),
                covers: vec![address],
                what: "CreateVpc".to_owned(),
            };
            bars.event(&step, at(1));
        }
        assert_eq!(bars.shown.len(), MOST);
        assert_eq!(bars.overall.message(), "and 5 more");
        let first = Event::Skipped {
            address: Address::new(names[0]),
            because: Address::new("x"),
        };
        bars.event(&first, at(2));
        assert_eq!(bars.shown.len(), MOST);
        assert_eq!(bars.overall.message(), "and 4 more");
    }

    #[test]
    fn what_is_over_says_what_became_of_it() {
        let mut progress = Progress::default();
        for (millis, event) in story() {
            progress.fold(&event, at(millis), &Look::plain(80));
        }
        let look = Look::plain(80);
        let lines: Vec<String> = progress
            .groups
            .iter()
            .map(|group| over(group, 26, at(44_400), &look).render(&look))
            .collect();
        insta::assert_snapshot!(lines.join("\n"));
    }
}
