//! Lines of text with meaning, wrapped and painted when they are rendered.
//!
//! Every view builds a `Page`; rendering is the one place where text is cleaned, so that no view can forget it.

use super::style::{Look, Role};
use super::text::{clean, columns};

/// A piece of text with one meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Span {
    role: Role,
    text: String,
}

/// One line. Where it is too long it goes on in further lines, indented by `hang`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Line {
    indent: usize,
    hang: usize,
    is_command: bool,
    spans: Vec<Span>,
}

impl Line {
    /// An empty line that starts at column `indent`.
    pub fn at(indent: usize) -> Self {
        Self {
            indent,
            hang: indent + 2,
            ..Self::default()
        }
    }

    /// A command to be typed. It is broken only before an option, with a backslash, so that it can be copied.
    pub fn command(indent: usize, text: impl Into<String>) -> Self {
        let line = Self {
            is_command: true,
            ..Self::at(indent)
        };
        line.add(Role::Strong, text)
    }

    /// Sets the column at which the line goes on where it is too long.
    pub fn hang(mut self, column: usize) -> Self {
        self.hang = column;
        self
    }

    /// Adds a piece of text.
    pub fn add(mut self, role: Role, text: impl Into<String>) -> Self {
        self.push(role, text);
        self
    }

    /// Adds a piece of text that means nothing in particular.
    pub fn plain(self, text: impl Into<String>) -> Self {
        self.add(Role::Plain, text)
    }

    /// Adds a piece of text, with a space before it unless it is the first.
    pub fn word(mut self, role: Role, text: impl Into<String>) -> Self {
        if !self.spans.is_empty() {
            self.push(Role::Plain, " ");
        }
        self.push(role, text);
        self
    }

    /// Adds a piece of text.
    pub fn push(&mut self, role: Role, text: impl Into<String>) {
        let text = clean(&text.into()).into_owned();
        if !text.is_empty() {
            self.spans.push(Span { role, text });
        }
    }

    /// Fills up with spaces to `column`.
    pub fn pad_to(mut self, column: usize) -> Self {
        let missing = column.saturating_sub(self.indent + self.columns());
        self.push(Role::Plain, " ".repeat(missing));
        self
    }

    /// How many columns its text takes, without the indentation.
    pub fn columns(&self) -> usize {
        self.spans.iter().map(|span| columns(&span.text)).sum()
    }

    pub(super) fn spans(&self) -> impl Iterator<Item = (Role, &str)> {
        self.spans
            .iter()
            .map(|span| (span.role, span.text.as_str()))
    }

    /// The line as text, without a line break at its end.
    pub fn render(&self, look: &Look) -> String {
        let mut out = String::new();
        if self.indent + self.columns() <= look.width {
            self.whole(look, &mut out);
        } else if self.is_command {
            self.broken(look, &mut out);
        } else {
            self.wrapped(look, &mut out);
        }
        out.truncate(out.trim_end_matches(' ').len());
        out
    }

    fn whole(&self, look: &Look, out: &mut String) {
        if !self.spans.is_empty() {
            out.push_str(&" ".repeat(self.indent));
        }
        for span in &self.spans {
            look.paint(span.role, &span.text, out);
        }
    }

    /// A command over several lines that the shell reads as one.
    fn broken(&self, look: &Look, out: &mut String) {
        let text: String = self.spans.iter().map(|span| span.text.as_str()).collect();
        let mut line = " ".repeat(self.indent);
        for (position, part) in text.split(" --").enumerate() {
            let part = if position == 0 {
                part.to_owned()
            } else {
                format!("--{part}")
            };
            if position > 0 && columns(&line) + 1 + columns(&part) + 2 > look.width {
                look.paint(Role::Strong, &line, out);
                out.push_str(" \\\n");
                line = " ".repeat(self.indent + 4);
            } else if position > 0 {
                line.push(' ');
            }
            line.push_str(&part);
        }
        look.paint(Role::Strong, &line, out);
    }

    /// Breaks at spaces; a word that is longer than the line stays whole.
    fn wrapped(&self, look: &Look, out: &mut String) {
        let mut column = self.indent;
        let mut gap = String::new();
        let mut begun = false;
        out.push_str(&" ".repeat(self.indent));
        for (role, word) in self.words() {
            if word.starts_with(' ') {
                gap.push_str(word);
                continue;
            }
            if begun && column + gap.len() + columns(word) > look.width {
                out.push('\n');
                out.push_str(&" ".repeat(self.hang));
                column = self.hang;
            } else {
                out.push_str(&gap);
                column += gap.len();
            }
            gap.clear();
            look.paint(role, word, out);
            column += columns(word);
            begun = true;
        }
    }

    /// The runs of spaces and of anything else.
    fn words(&self) -> Vec<(Role, &str)> {
        let mut words = Vec::new();
        for span in &self.spans {
            let mut rest = span.text.as_str();
            while !rest.is_empty() {
                let spaces = rest.starts_with(' ');
                let end = rest.find(|c| (c == ' ') != spaces).unwrap_or(rest.len());
                let (word, after) = rest.split_at(end);
                words.push((span.role, word));
                rest = after;
            }
        }
        words
    }
}

/// Several lines.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    lines: Vec<Line>,
}

impl Page {
    /// Adds a line.
    pub fn line(&mut self, line: Line) {
        self.lines.push(line);
    }

    /// Adds lines.
    pub fn lines(&mut self, lines: impl IntoIterator<Item = Line>) {
        self.lines.extend(lines);
    }

    /// Adds an empty line, unless the page is empty or ends with one.
    pub fn gap(&mut self) {
        if self.lines.last().is_some_and(|line| !line.spans.is_empty()) {
            self.lines.push(Line::default());
        }
    }

    /// Adds a heading with a gap before it.
    pub fn heading(&mut self, text: impl Into<String>) {
        self.gap();
        self.line(Line::at(0).add(Role::Strong, text));
    }

    /// Whether there is nothing on it.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The page as text; every line ends with a line break.
    pub fn render(&self, look: &Look) -> String {
        self.lines
            .iter()
            .map(|line| line.render(look) + "\n")
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_go_on_below_with_their_hanging_indent() {
        let line = Line::at(2)
            .hang(6)
            .add(Role::Bad, "one two")
            .plain("  three four");
        assert_eq!(line.render(&Look::plain(80)), "  one two  three four");
        assert_eq!(
            line.render(&Look::plain(16)),
            "  one two  three\n      four"
        );
        assert_eq!(
            line.render(&Look::plain(3)),
            "  one\n      two\n      three\n      four"
        );
    }

    #[test]
    fn a_broken_command_can_still_be_copied() {
        let line = Line::command(2, "aws do-it --region us-east-1 --desired-value 8");
        assert_eq!(
            line.render(&Look::plain(34)),
            "  aws do-it --region us-east-1 \\\n      --desired-value 8"
        );
    }

    #[test]
    fn what_the_cloud_says_cannot_paint() {
        let look = Look {
            color: true,
            ..Look::plain(80)
        };
        let text = Line::at(0).add(Role::Bad, "\u{1b}[8mhidden").render(&look);
        assert_eq!(text, "\u{1b}[31m\\u{1b}[8mhidden\u{1b}[0m");
    }
}
