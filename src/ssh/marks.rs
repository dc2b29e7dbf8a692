//! What belongs to a command: a host's shell may print a greeting before it, and a connection may be cut before its end.
//!
//! Owns: the marks around a command, and what lies between them. Does not own: how bytes come.

use crate::port::{HostError, HostErrorKind};

/// The marks of one command; no other has the same.
#[derive(Debug)]
pub(super) struct Marks {
    begin: String,
    end: String,
}

impl Marks {
    pub(super) fn new() -> Result<Self, HostError> {
        let mut random = [0; 8];
        getrandom::fill(&mut random)
            .map_err(|error| HostError::new(HostErrorKind::Strange, error.to_string()))?;
        Ok(Self::of(&crate::model::hex(random)))
    }

    fn of(random: &str) -> Self {
        Self {
            begin: format!("\nroboinfra-begin-{random}\n"),
            end: format!("\nroboinfra-end-{random}\n"),
        }
    }

    /// The command line that marks both streams before the command, and the output after it.
    pub(super) fn around(&self, command: &str) -> String {
        let (begin, end) = (self.begin.trim(), self.end.trim());
        let whole = format!(
            "printf '\\n%s\\n' {begin}; printf '\\n%s\\n' {begin} >&2; {command}; printf '\\n%s\\n' {end}"
        );
        format!("sh -c '{}'", whole.replace('\'', r"'\''"))
    }

    /// The same without the mark at the end, for output whose end shows itself.
    pub(super) fn before(&self, command: &str) -> String {
        let begin = self.begin.trim();
        let whole = format!("printf '\\n%s\\n' {begin}; {command}");
        format!("sh -c '{}'", whole.replace('\'', r"'\''"))
    }

    /// The command's own output; nothing if it did not come to its end, whatever its status says.
    pub(super) fn between<'a>(&self, output: &'a [u8]) -> Option<&'a [u8]> {
        let begin = find(output, self.begin.as_bytes())? + self.begin.len();
        output[begin..].strip_suffix(self.end.as_bytes())
    }

    /// The command's own complaints; all of them if it never began.
    pub(super) fn said<'a>(&self, errors: &'a str) -> &'a str {
        errors
            .split_once(&self.begin)
            .map_or(errors, |(_, said)| said)
    }

    /// For output that is taken as it comes.
    pub(super) fn skip(self) -> Skip {
        Skip {
            begin: self.begin.into_bytes(),
            held: Vec::new(),
            begun: false,
        }
    }
}

/// Leaves out what comes before the command's own output.
#[derive(Debug)]
pub(super) struct Skip {
    begin: Vec<u8>,
    held: Vec<u8>,
    begun: bool,
}

impl Skip {
    /// What of this portion, or of what was held back before, is the command's own.
    pub(super) fn past<'a>(&'a mut self, portion: &'a [u8]) -> &'a [u8] {
        if self.begun {
            return portion;
        }
        self.held.extend_from_slice(portion);
        let Some(place) = find(&self.held, &self.begin) else {
            let kept = self.held.len().saturating_sub(self.begin.len());
            self.held.drain(..kept);
            return &[];
        };
        self.begun = true;
        &self.held[place + self.begin.len()..]
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|place| place == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_between_the_marks_is_the_commands() {
        let marks = Marks::of("x");
        let cases = [
            ("\nroboinfra-begin-x\nok\n\nroboinfra-end-x\n", Some("ok\n")),
            ("hello\n\nroboinfra-begin-x\n\nroboinfra-end-x\n", Some("")),
            ("\nroboinfra-begin-x\nok\n\nroboinfra-end", None),
            ("ok\n\nroboinfra-end-x\n", None),
            ("\nroboinfra-begin-y\nok\n\nroboinfra-end-x\n", None),
        ];
        for (output, own) in cases {
            assert_eq!(
                marks.between(output.as_bytes()),
                own.map(str::as_bytes),
                "{output}"
            );
        }
        assert_eq!(marks.said("motd\n\nroboinfra-begin-x\nno\n"), "no\n");
        assert_eq!(marks.said("no shell\n"), "no shell\n");
    }

    #[test]
    fn a_greeting_is_skipped_however_it_is_cut() {
        let all = b"Welcome!\n\nroboinfra-begin-x\n. 1\n= 0 2\nhi";
        for cut in 0..all.len() {
            let mut skip = Marks::of("x").skip();
            let mut own = skip.past(&all[..cut]).to_vec();
            own.extend_from_slice(skip.past(&all[cut..]));
            assert_eq!(own, b". 1\n= 0 2\nhi", "{cut}");
        }
    }
}
