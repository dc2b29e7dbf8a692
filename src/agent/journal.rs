//! What the daemon says: one line with named fields, to the journal if there is one, otherwise to stderr.
//!
//! Owns: the two forms. Does not own: what is said, or where the journal keeps it.

use std::io::Write as _;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

/// How much it matters, as syslog counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    /// Something has to be done.
    Error = 3,
    /// Something is not as it should be.
    Warning = 4,
    /// People want to know of it later.
    Notice = 5,
    /// For the record.
    Info = 6,
}

/// Where lines go.
#[derive(Debug)]
pub(crate) struct Journal {
    socket: Option<(UnixDatagram, PathBuf)>,
}

impl Journal {
    /// Lines go to stderr.
    pub(crate) fn to_stderr() -> Self {
        Self { socket: None }
    }

    /// Lines go to the journal below `root`, if it is there.
    pub(crate) fn open(root: &Path) -> Self {
        let path = root.join("run/systemd/journal/socket");
        let socket = path.exists().then(UnixDatagram::unbound);
        Self {
            socket: socket.and_then(Result::ok).map(|socket| (socket, path)),
        }
    }

    /// Says something. `event` names it for programs; the fields say more.
    pub(crate) fn say(&self, weight: Weight, event: &str, message: &str, fields: &[(&str, &str)]) {
        if let Some((socket, path)) = &self.socket {
            let datagram = native(weight, event, message, fields);
            if socket.send_to(&datagram, path).is_ok() {
                return;
            }
        }
        let line = plain(weight, event, message, fields);
        // Where stderr is gone there is nobody to tell.
        let _ = std::io::stderr().write_all(line.as_bytes());
    }
}

/// The journal's own protocol: `NAME=value` lines; a value of several lines has its length before it.
fn native(weight: Weight, event: &str, message: &str, fields: &[(&str, &str)]) -> Vec<u8> {
    let mut datagram = Vec::new();
    let mut field = |name: &str, value: &str| {
        datagram.extend_from_slice(name.as_bytes());
        if value.contains('\n') {
            datagram.push(b'\n');
            let length = u64::try_from(value.len()).unwrap_or(u64::MAX);
            datagram.extend_from_slice(&length.to_le_bytes());
        } else {
            datagram.push(b'=');
        }
        datagram.extend_from_slice(value.as_bytes());
        datagram.push(b'\n');
    };
    field("MESSAGE", message);
    field("PRIORITY", &(weight as u8).to_string());
    field("SYSLOG_IDENTIFIER", "roboinfra-agent");
    field("ROBOINFRA_EVENT", event);
    for (name, value) in fields {
        field(&format!("ROBOINFRA_{}", name.to_ascii_uppercase()), value);
    }
    datagram
}

/// A line with syslog's weight before it, which systemd understands on stderr as well.
fn plain(weight: Weight, event: &str, message: &str, fields: &[(&str, &str)]) -> String {
    let mut line = format!("<{}>{message} [event={event}", weight as u8);
    for (name, value) in fields {
        line.push_str(&format!(" {name}={value:?}"));
    }
    line.push_str("]\n");
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_journal_is_told_with_named_fields() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("run/systemd/journal/socket");
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        let journal = UnixDatagram::bind(&path).expect("a socket");
        Journal::open(folder.path()).say(
            Weight::Warning,
            "condition",
            "it is\nhot",
            &[("name", "x")],
        );
        let mut bytes = [0; 1000];
        let length = journal.recv(&mut bytes).expect("a datagram");
        let expected = b"MESSAGE\n\x09\0\0\0\0\0\0\0it is\nhot\nPRIORITY=4\nSYSLOG_IDENTIFIER=roboinfra-agent\n\
                         ROBOINFRA_EVENT=condition\nROBOINFRA_NAME=x\n";
        assert_eq!(&bytes[..length], expected);
    }

    #[test]
    fn a_plain_line_is_one_line() {
        let line = plain(Weight::Error, "e", "m", &[("why", "a\nb")]);
        assert_eq!(line, "<3>m [event=e why=\"a\\nb\"]\n");
    }
}
