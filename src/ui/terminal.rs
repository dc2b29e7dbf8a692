//! The two streams. stdout is data, stderr is conversation; nobody else writes.

use std::io::{self, ErrorKind, IsTerminal, Write};

use super::style::{ColorChoice, ColorHints, Look, use_color};

/// What the terminals are like, as the environment says and the user wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TerminalHints {
    /// What the user says about colour.
    pub color: ColorChoice,
    /// What the environment says about colour.
    pub hints: ColorHints,
    /// Columns, where the environment says.
    pub columns: Option<usize>,
    /// Whether characters beyond ASCII are shown.
    pub unicode: bool,
    /// Whether this runs under CI, where nothing should move.
    pub ci: bool,
}

/// Text is not made wider than this, where its reader is no terminal.
const WIDTH_OF_FILES: usize = 80;
/// Nor narrower than this: tables would be nothing but ellipses.
const NARROWEST: usize = 40;
/// Nor wider than this on a terminal: long lines are hard to read.
const WIDEST: usize = 140;

/// Both streams.
pub struct Terminal {
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    out_look: Look,
    err_look: Look,
    moving: bool,
    unread: bool,
}

impl std::fmt::Debug for Terminal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Terminal")
            .field("out_look", &self.out_look)
            .field("moving", &self.moving)
            .finish_non_exhaustive()
    }
}

impl Terminal {
    /// The process's own streams.
    pub fn stdio(hints: &TerminalHints) -> Self {
        let (out, err) = (io::stdout(), io::stderr());
        let look = |is_terminal: bool, measured: Option<usize>| Look {
            width: if is_terminal {
                measured
                    .or(hints.columns)
                    .unwrap_or(WIDTH_OF_FILES)
                    .clamp(NARROWEST, WIDEST)
            } else {
                hints.columns.unwrap_or(WIDTH_OF_FILES).max(NARROWEST)
            },
            color: use_color(hints.color, hints.hints, is_terminal),
            unicode: hints.unicode,
        };
        let width = |size: Option<(terminal_size::Width, terminal_size::Height)>| {
            size.map(|(width, _)| usize::from(width.0))
        };
        Self {
            out_look: look(
                out.is_terminal(),
                width(terminal_size::terminal_size_of(&out)),
            ),
            err_look: look(
                err.is_terminal(),
                width(terminal_size::terminal_size_of(&err)),
            ),
            moving: err.is_terminal() && !hints.ci && !hints.hints.dumb,
            out: Box::new(out),
            err: Box::new(err),
            unread: false,
        }
    }

    /// Other streams, for tests.
    pub fn on(out: Box<dyn Write + Send>, err: Box<dyn Write + Send>, look: Look) -> Self {
        Self {
            out,
            err,
            out_look: look,
            err_look: look,
            moving: false,
            unread: false,
        }
    }

    /// How text on stdout should look.
    pub fn data_look(&self) -> Look {
        self.out_look
    }

    /// How text on stderr should look.
    pub fn talk_look(&self) -> Look {
        self.err_look
    }

    /// Whether bars may move on stderr.
    pub fn moving(&self) -> bool {
        self.moving
    }

    /// Writes data. A reader that has read enough and left is no error: what is left to write is dropped.
    pub fn data(&mut self, text: &str) -> io::Result<()> {
        if self.unread {
            return Ok(());
        }
        match self
            .out
            .write_all(text.as_bytes())
            .and_then(|()| self.out.flush())
        {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.unread = true;
                Ok(())
            }
            result => result,
        }
    }

    /// Says something. If nobody listens, so be it.
    pub fn say(&mut self, text: &str) {
        let _unheard = self
            .err
            .write_all(text.as_bytes())
            .and_then(|()| self.err.flush());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Failing(ErrorKind);

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_left_is_no_error_but_a_full_disk_is() {
        let terminal = |kind| {
            let mut terminal = Terminal::on(
                Box::new(Failing(kind)),
                Box::new(Failing(kind)),
                Look::plain(80),
            );
            terminal.say("nobody listens");
            (terminal.data("x").is_ok(), terminal.data("y").is_ok())
        };
        assert_eq!(terminal(ErrorKind::BrokenPipe), (true, true));
        assert_eq!(terminal(ErrorKind::StorageFull), (false, false));
    }
}
