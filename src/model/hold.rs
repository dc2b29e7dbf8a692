//! A hold: until when a machine is to be left alone, however idle it is. A file on the host, written by `roboinfra hold`
//! or by hand.
//!
//! Owns: the file's text. Does not own: where it lies, or who looks at it.

use jiff::Timestamp;

/// A machine is left alone until then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// The end; without one it stands until it is taken away.
    pub until: Option<Timestamp>,
    /// Who asked for it, in a few words.
    pub by: String,
}

/// The file is not understood: the machine is left alone, and that is said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HoldError {
    /// A line is no `key=value`, or its key is not known.
    #[error("line {0} is neither until=... nor by=...")]
    Line(usize),
    /// The end is no point in time.
    #[error("until={0} is no point in time such as 2026-11-21T18:00:00Z")]
    Until(String),
}

impl Hold {
    /// Reads the file. An empty one, such as `touch` makes, stands until it is taken away.
    pub fn parse(text: &str) -> Result<Self, HoldError> {
        let mut hold = Self {
            until: None,
            by: String::new(),
        };
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match line.split_once('=') {
                Some(("until", "forever")) => hold.until = None,
                Some(("until", end)) => {
                    let end = end.trim();
                    let parsed = end.parse().map_err(|_| HoldError::Until(end.to_owned()))?;
                    hold.until = Some(parsed);
                }
                Some(("by", who)) => hold.by = who.trim().chars().take(100).collect(),
                _ => return Err(HoldError::Line(number + 1)),
            }
        }
        Ok(hold)
    }

    /// The file's text.
    pub fn render(&self) -> String {
        let until = self
            .until
            .map_or_else(|| "forever".to_owned(), |until| until.to_string());
        let by: String = self.by.chars().filter(|one| !one.is_control()).collect();
        format!("until={until}\nby={by}\n")
    }

    /// Whether it stands.
    pub fn stands(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a point in time")
    }

    #[test]
    fn what_is_written_is_read_again() {
        let hold = Hold {
            until: Some(at("2026-11-21T18:00:00Z")),
            by: "ada at lovelace\nuntil=forever".to_owned(),
        };
        let again = Hold::parse(&hold.render()).expect("a hold");
        assert_eq!(again.until, hold.until, "nothing is smuggled in");
        assert!(again.stands(at("2026-11-21T17:59:59Z")));
        assert!(!again.stands(at("2026-11-21T18:00:00Z")));
    }

    #[test]
    fn a_file_without_an_end_stands() {
        for text in ["", "# me\n", "until=forever\nby=ada\n"] {
            let hold = Hold::parse(text).expect("a hold");
            assert!(hold.stands(at("2099-01-01T00:00:00Z")), "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        assert_eq!(
            Hold::parse("until=noon"),
            Err(HoldError::Until("noon".to_owned()))
        );
        assert_eq!(Hold::parse("by=x\n2h\n"), Err(HoldError::Line(2)));
    }
}
