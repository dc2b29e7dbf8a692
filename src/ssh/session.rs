//! One command at a time on a session, never blocking for longer than a moment.

use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use ssh2::Channel;

use super::login::Line;
use crate::port::{Flow, HostError, HostErrorKind};

/// The longest wait between two looks; a sign of life is sent then if one is due.
const MOMENT: Duration = Duration::from_millis(250);
/// What is kept of stderr, for the error message.
const STDERR_KEPT: usize = 4096;
const PORTION: usize = 32 * 1024;

/// When a command is given up.
#[derive(Debug, Clone, Copy)]
pub(super) enum Patience {
    /// After this long in all.
    InAll(Duration),
    /// When nothing has come for this long.
    Silence(Duration),
}

/// Runs a command; `taken` gets its stdout. Returns what came on stderr.
pub(super) fn run(
    line: &Line,
    command: &str,
    input: &[u8],
    patience: Patience,
    taken: &mut dyn FnMut(&[u8]) -> Flow,
) -> Result<String, HostError> {
    line.session.set_blocking(true);
    let channel = line.session.channel_session().and_then(|mut channel| {
        channel.exec(command)?;
        Ok(channel)
    });
    line.session.set_blocking(false);
    let channel = channel.map_err(|error| broken(&error))?;
    let mut talk = Talk {
        line,
        channel,
        input,
        errors: Vec::new(),
        heard: Instant::now(),
    };
    let end = talk.through(patience, taken);
    let errors = String::from_utf8_lossy(&talk.errors).into_owned();
    match end {
        Ok(ended) => {
            if ended {
                talk.close();
            }
            Ok(errors)
        }
        Err(error) => Err(error),
    }
}

struct Talk<'a> {
    line: &'a Line,
    channel: Channel,
    input: &'a [u8],
    errors: Vec<u8>,
    heard: Instant,
}

impl Talk<'_> {
    /// Until the command ends (`true`) or enough was taken (`false`).
    fn through(
        &mut self,
        patience: Patience,
        taken: &mut dyn FnMut(&[u8]) -> Flow,
    ) -> Result<bool, HostError> {
        let began = Instant::now();
        let mut buffer = vec![0; PORTION];
        let mut input_ended = false;
        loop {
            let mut moved = self.write()?;
            if self.input.is_empty() && !input_ended {
                input_ended = self.end_input()?;
            }
            match self.channel.read(&mut buffer) {
                Ok(0) => {}
                Ok(count) => {
                    moved = true;
                    self.heard = Instant::now();
                    if taken(&buffer[..count]) == Flow::Enough {
                        return Ok(false);
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(cut(&error)),
            }
            moved |= self.read_errors(&mut buffer)?;
            // Asking for one stream may have taken the other's bytes off the socket, which then has nothing to wait for.
            if moved || self.channel.read_window().available > 0 {
                continue;
            }
            if self.channel.eof() {
                return Ok(true);
            }
            let (waited, most) = match patience {
                Patience::InAll(most) => (began.elapsed(), most),
                Patience::Silence(most) => (self.heard.elapsed(), most),
            };
            if waited >= most {
                return Err(HostError::new(
                    HostErrorKind::Silent,
                    format!("no answer within {} s", most.as_secs()),
                ));
            }
            self.line
                .session
                .keepalive_send()
                .map_err(|error| broken(&error))?;
            wait(
                self.line,
                MOMENT.min(most.saturating_sub(waited)),
                !input_ended,
            )?;
        }
    }

    fn write(&mut self) -> Result<bool, HostError> {
        if self.input.is_empty() {
            return Ok(false);
        }
        match self.channel.write(self.input) {
            Ok(count) => {
                self.input = &self.input[count..];
                Ok(count > 0)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(cut(&error)),
        }
    }

    fn end_input(&mut self) -> Result<bool, HostError> {
        match self.channel.send_eof() {
            Ok(()) => Ok(true),
            Err(error) if is_busy(&error) => Ok(false),
            Err(error) => Err(broken(&error)),
        }
    }

    fn read_errors(&mut self, buffer: &mut [u8]) -> Result<bool, HostError> {
        match self.channel.stderr().read(buffer) {
            Ok(0) => Ok(false),
            Ok(count) => {
                let room = STDERR_KEPT.saturating_sub(self.errors.len());
                self.errors.extend(&buffer[..count.min(room)]);
                Ok(true)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(cut(&error)),
        }
    }

    /// Frees the channel for the next command; what goes wrong here the next command will meet.
    fn close(&mut self) {
        self.line.session.set_blocking(true);
        let _ = self.channel.close();
        self.line.session.set_blocking(false);
    }
}

/// Waits until the socket has something, or room.
fn wait(line: &Line, longest: Duration, to_write: bool) -> Result<(), HostError> {
    let mut flags = PollFlags::IN;
    if to_write {
        flags |= PollFlags::OUT;
    }
    let mut sockets = [PollFd::new(&line.socket, flags)];
    let longest = Timespec {
        tv_sec: i64::try_from(longest.as_secs()).unwrap_or(0),
        tv_nsec: i64::from(longest.subsec_nanos()),
    };
    match poll(&mut sockets, Some(&longest)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(cut(&error.into())),
    }
}

/// `LIBSSH2_ERROR_EAGAIN`.
fn is_busy(error: &ssh2::Error) -> bool {
    error.code() == ssh2::ErrorCode::Session(-37)
}

fn broken(error: &ssh2::Error) -> HostError {
    HostError::new(
        HostErrorKind::Unreachable,
        format!("the SSH connection broke: {}", error.message()),
    )
}

fn cut(error: &std::io::Error) -> HostError {
    HostError::new(
        HostErrorKind::Unreachable,
        format!("the SSH connection broke: {error}"),
    )
}
