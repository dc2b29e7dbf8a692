//! One plain line for each thing that matters: for CI, pipes and log files. No control characters but line breaks.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use jiff::Timestamp;

use super::display::Display;
use super::progress::{Group, Progress, Touched};
use super::wording::{doing, done};
use crate::event::Event;
use crate::model::{Address, Kind};
use crate::ui::page::Line;
use crate::ui::style::{Look, Role};
use crate::ui::text::{counted, lasting, since};

/// A wait that goes on the same is told again only after this long.
const PATIENCE: Duration = Duration::from_secs(30);

/// Writes lines.
#[derive(Debug)]
pub struct Lines<W> {
    out: W,
    look: Look,
    verbose: bool,
    progress: Progress,
    /// What was last said of each wait, and when.
    waits: BTreeMap<Address, (String, Timestamp)>,
}

impl<W: Write + Send> Lines<W> {
    /// Lines on `out`. Lines are never wrapped: their reader may be a program.
    pub fn new(out: W, look: Look, verbose: bool) -> Self {
        let look = Look {
            width: usize::MAX,
            ..look
        };
        Self {
            out,
            look,
            verbose,
            progress: Progress::default(),
            waits: BTreeMap::new(),
        }
    }

    fn say(&mut self, now: Timestamp, line: impl FnOnce(Line) -> Line) {
        let at = lasting(self.progress.elapsed(now));
        let text =
            line(Line::at(0).add(Role::Faint, format!("{at:>7}")).plain(" ")).render(&self.look);
        // Nobody reads any more: the run goes on all the same.
        let _unread = writeln!(self.out, "{text}");
    }

    fn about(&mut self, now: Timestamp, address: &Address, role: Role, text: &str) {
        let label = self.progress.label(address);
        self.say(now, |line| line.plain(label).plain(" ").add(role, text));
    }

    /// As `about`, but of many like things only the first says it.
    fn once(&mut self, now: Timestamp, address: &Address, role: Role, text: &str) {
        let label = self.progress.label(address);
        if self.progress.is_news(&label, text) {
            self.about(now, address, role, text);
        }
    }

    /// Says how the groups ended that just did.
    fn endings(&mut self, touched: &Touched, now: Timestamp) {
        for place in touched {
            let is_news = self.progress.has_just_ended(*place);
            let group = self.progress.groups[*place].clone();
            if is_news && group.done > 0 {
                let took = lasting(group.took(now));
                self.say(now, |line| {
                    ending(line, &group).add(Role::Faint, format!(" ({took})"))
                });
            }
        }
    }

    fn step(
        &mut self,
        address: &Address,
        covers: &[Address],
        what: &str,
        touched: &Touched,
        now: Timestamp,
    ) {
        for place in touched {
            let group = &self.progress.groups[*place];
            // A wait says so itself.
            let is_wait = what.starts_with("waiting");
            let matters = self.verbose || (group.kind == Kind::Instance && !is_wait);
            if matters {
                let about = covers.len().max(1);
                let label = if about < group.members {
                    format!("{} {about} of", group.label)
                } else {
                    group.label.clone()
                };
                let doing = doing(group.action);
                self.say(now, |line| {
                    line.plain(label).plain(format!(" {doing}: {what}"))
                });
            }
        }
        self.waits.remove(address);
    }

    fn wait(&mut self, address: &Address, what: &str, now: Timestamp) {
        let told = self.waits.get(address);
        let again = told.is_none_or(|(text, at)| text != what || since(*at, now) >= PATIENCE);
        if again {
            self.waits.insert(address.clone(), (what.to_owned(), now));
            self.about(now, address, Role::Plain, &format!("waiting: {what}"));
        }
    }

    /// What did not go as it should.
    fn trouble(&mut self, event: &Event, touched: &Touched, now: Timestamp) {
        match event {
            Event::Retrying {
                address,
                failure,
                tries,
                wait,
            } => {
                let text = format!("{failure}; try {} in {}", tries + 1, lasting(*wait));
                self.about(now, address, Role::Notice, &text);
            }
            Event::FellBack {
                address,
                from,
                to,
                code,
            } => {
                let text = format!("no capacity for {from} ({code}), trying {to}");
                self.once(now, address, Role::Notice, &text);
            }
            Event::StepFailed {
                address,
                covers: _,
                failure,
            } => {
                self.once(now, address, Role::Bad, &format!("failed: {failure}"));
            }
            // Of many like ones that were not reached for one reason, the first says it.
            Event::Skipped { address, because }
                if touched
                    .iter()
                    .all(|place| self.progress.groups[*place].skipped == 1) =>
            {
                let (role, why) = if self.progress.draining.is_some() {
                    (Role::Notice, "the run was stopped".to_owned())
                } else {
                    (Role::Bad, format!("{because} failed"))
                };
                self.about(now, address, role, &format!("not reached: {why}"));
            }
            _ => {}
        }
    }
}

/// `node.sim.0 created: i-0abc`, `node.sim.0 … 49 (50) created but 2`.
fn ending(line: Line, group: &Group) -> Line {
    let line = line
        .plain(&group.label)
        .plain(" ")
        .add(Role::Good, done(group.action));
    match &group.id {
        Some(id) => line.plain(format!(": {id}")),
        None if group.done < group.members => {
            line.add(Role::Bad, format!(" but {}", group.members - group.done))
        }
        None => line,
    }
}

impl<W: Write + Send> Display for Lines<W> {
    fn event(&mut self, event: &Event, now: Timestamp) {
        let touched = self.progress.fold(event, now, &self.look);
        match event {
            Event::Begun { run, outline } => {
                let text = format!("run {run}: {}", counted(outline.len(), "resource"));
                self.say(now, |line| line.plain(text));
            }
            Event::StepBegun {
                address,
                covers,
                what,
            } => self.step(address, covers, what, &touched, now),
            Event::Waiting {
                address,
                what,
                elapsed: _,
            } => self.wait(address, what, now),
            Event::Made {
                address,
                kind: _,
                id,
            } if self.verbose => {
                self.about(now, address, Role::Plain, &format!("is {id}"));
            }
            Event::Draining { running } => {
                let text = format!("stopping: {} still running", counted(*running, "step"));
                self.say(now, |line| line.add(Role::Notice, text));
            }
            // The account that follows says how it ended.
            Event::Ended { .. } | Event::Made { .. } | Event::StepDone { .. } => {}
            Event::Retrying { .. }
            | Event::FellBack { .. }
            | Event::StepFailed { .. }
            | Event::Skipped { .. }
            | Event::ResourceDone { .. } => self.trouble(event, &touched, now),
        }
        self.endings(&touched, now);
    }

    fn note(&mut self, text: &str) {
        let text = Line::at(0).plain(text).render(&self.look);
        let _unread = writeln!(self.out, "{text}");
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{story, story_of_many};
    use super::*;

    fn told(events: &[(i64, Event)], verbose: bool) -> String {
        let mut out = Vec::new();
        let mut lines = Lines::new(&mut out, Look::plain(80), verbose);
        for (millis, event) in events {
            lines.event(event, super::super::samples::at(*millis));
        }
        String::from_utf8(out).expect("lines are text")
    }

    #[test]
    fn a_run_in_lines() {
        insta::assert_snapshot!(told(&story(), false));
    }

    #[test]
    fn many_nodes_take_few_lines_and_no_control_characters() {
        let text = told(&story_of_many(1_000), true);
        assert!(text.lines().count() < 12, "{text}");
        assert!(
            !text.chars().any(|c| c.is_control() && c != '\n'),
            "{text:?}"
        );
    }
}
