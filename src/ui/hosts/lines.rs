//! One plain line for each thing that matters: for CI, pipes and log files.

use std::io::Write;

use jiff::Timestamp;

use super::display::HostDisplay;
use crate::event::{HostEvent, HostNews};
use crate::ui::page::Line;
use crate::ui::style::{Look, Role};
use crate::ui::text::{counted, lasting, since};

/// Writes lines.
pub(in crate::ui) struct HostLines<W> {
    out: W,
    look: Look,
    /// Whether the steps' logs are shown as well.
    verbose: bool,
    began: Option<Timestamp>,
    /// The last reason why a host is waited for: the same is said once.
    waiting: std::collections::BTreeMap<String, String>,
}

impl<W: Write + Send> HostLines<W> {
    pub(in crate::ui) fn new(out: W, look: Look, verbose: bool) -> Self {
        let look = Look {
            width: usize::MAX,
            ..look
        };
        Self {
            out,
            look,
            verbose,
            began: None,
            waiting: std::collections::BTreeMap::new(),
        }
    }

    fn say(&mut self, now: Timestamp, address: &str, role: Role, text: &str) {
        let began = *self.began.get_or_insert(now);
        let at = lasting(since(began, now));
        let line = Line::at(0)
            .add(Role::Faint, format!("{at:>7}"))
            .plain(format!(" {address} "))
            .add(role, text);
        // Nobody reads any more: the work goes on all the same.
        let _unread = writeln!(self.out, "{}", line.render(&self.look));
    }
}

impl<W: Write + Send> HostDisplay for HostLines<W> {
    fn host(&mut self, event: &HostEvent, now: Timestamp) {
        let address = event.address.to_string();
        if let HostNews::Waiting { why, .. } = &event.news {
            let said = self.waiting.insert(address.clone(), why.clone());
            if said.as_ref() != Some(why) {
                self.say(now, &address, Role::Plain, &format!("waiting: {why}"));
            }
            return;
        }
        if let HostNews::Log { bytes, .. } = &event.news {
            if self.verbose {
                for line in String::from_utf8_lossy(bytes).lines() {
                    self.say(now, &address, Role::Faint, &format!("| {line}"));
                }
            }
            return;
        }
        self.waiting.remove(&address);
        for (role, text) in told(&event.news) {
            self.say(now, &address, role, &text);
        }
    }
}

/// What is said of a piece of news.
pub(super) fn told(news: &HostNews) -> Vec<(Role, String)> {
    match news {
        HostNews::Reaching { host } => vec![(Role::Plain, format!("reaching {host}"))],
        HostNews::Reached {
            system,
            first_use,
            introduced,
            steps,
            done,
        } => {
            let mut lines = vec![(
                Role::Plain,
                format!(
                    "{system}: {} to do, {done} done already",
                    counted(steps - done, "step")
                ),
            )];
            if let Some(key) = first_use {
                lines.push((
                    Role::Notice,
                    format!("its host key {key} is trusted because it was seen for the first time; it is pinned now"),
                ));
            }
            if *introduced {
                let text = "its host key is the one that its console shows; it is pinned now";
                lines.push((Role::Plain, text.to_owned()));
            }
            lines
        }
        HostNews::Sending { step, sent: 0, of } => {
            let text = format!("sending the program of {step}, {} KiB", of.div_ceil(1024));
            vec![(Role::Plain, text)]
        }
        HostNews::StepBegun {
            step,
            position,
            of,
            resumed,
        } => {
            let goes = if *resumed { ", which runs already" } else { "" };
            vec![(Role::Plain, format!("{step} ({position} of {of}){goes}"))]
        }
        HostNews::StepDone { step, took } => {
            vec![(Role::Good, format!("{step} done ({})", lasting(*took)))]
        }
        HostNews::Again { step, why, wait } => vec![(
            Role::Notice,
            format!("{step} will be started again in {}: {why}", lasting(*wait)),
        )],
        HostNews::Rebooting { step } => vec![(Role::Notice, format!("rebooting for {step}"))],
        HostNews::Back { took } => vec![(Role::Plain, format!("back after {}", lasting(*took)))],
        HostNews::Over { ready, how, took } => {
            let role = if *ready { Role::Good } else { Role::Bad };
            vec![(role, format!("{how} ({})", lasting(*took)))]
        }
        HostNews::Sending { .. } | HostNews::Waiting { .. } | HostNews::Log { .. } => Vec::new(),
    }
}
