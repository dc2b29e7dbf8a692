//! Who is at work on a lab, as a waiting run reads it.

use std::fmt;
use std::fs;
use std::process::Command;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Who is at work on a lab.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The process.
    pub pid: u32,
    /// The machine it runs on.
    pub host: String,
    /// Whose process it is.
    pub user: String,
    /// The command, for example `roboinfra apply`.
    pub command: String,
    /// Since when.
    pub since: Timestamp,
}

impl Holder {
    /// This process.
    pub fn here(user: &str, command: &str, since: Timestamp) -> Self {
        Self {
            pid: std::process::id(),
            host: host(),
            user: user.to_owned(),
            command: command.to_owned(),
            since,
        }
    }

    /// The holder as text in the guard's file.
    pub(super) fn to_text(&self) -> String {
        let mut text = serde_json::to_string(self).expect("texts and numbers are always JSON");
        text.push('\n');
        text
    }

    /// Reads a holder; `None` if the text is none, for example because it is being written.
    pub(super) fn from_text(text: &[u8]) -> Option<Self> {
        let holder: Self = serde_json::from_slice(text).ok()?;
        // It is shown on a terminal and was written by somebody else's process.
        Some(holder.plain())
    }

    /// The same without anything that a terminal would obey.
    pub(super) fn plain(self) -> Self {
        let plain = |text: String| text.chars().filter(|c| !c.is_control()).collect();
        Self {
            pid: self.pid,
            host: plain(self.host),
            user: plain(self.user),
            command: plain(self.command),
            since: self.since,
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            pid,
            host,
            user,
            command,
            since,
        } = self;
        write!(
            f,
            "`{command}`, process {pid} of {user} on {host}, since {since:.0}"
        )
    }
}

/// The machine's name: a file on Linux, a command elsewhere.
fn host() -> String {
    let from_file = fs::read_to_string("/proc/sys/kernel/hostname").ok();
    from_file
        .or_else(|| {
            let output = Command::new("uname").arg("-n").output().ok()?;
            String::from_utf8(output.stdout).ok()
        })
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "an unnamed machine".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_is_read_back_and_cannot_reach_the_terminal() {
        let since = "2026-01-02T03:04:05.678Z".parse().expect("a time");
        let holder = Holder::here("anna", "roboinfra apply", since);
        assert_eq!(
            Holder::from_text(holder.to_text().as_bytes()),
            Some(holder.clone())
        );
        let text = holder.to_string();
        let expected = format!(
            "`roboinfra apply`, process {} of anna on ",
            std::process::id()
        );
        assert!(text.starts_with(&expected), "{text}");
        assert!(text.ends_with(", since 2026-01-02T03:04:05Z"), "{text}");

        let rude = Holder {
            command: "\u{1b}[2Jgone\n".to_owned(),
            ..holder
        };
        let read = Holder::from_text(rude.to_text().as_bytes()).expect("it is a holder");
        assert_eq!(read.command, "[2Jgone");
        assert_eq!(Holder::from_text(b"{\"pid\": 1"), None);
    }
}
