//! Lines and columns of a text.

/// A place in a text as an editor shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

/// Where the lines of a text begin, so that many offsets are looked up in a text read once.
#[derive(Debug, Clone)]
pub struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    /// Reads a text.
    pub fn new(text: &'a str) -> Self {
        let after_newlines = text
            .bytes()
            .enumerate()
            .filter(|(_, b)| *b == b'\n')
            .map(|(i, _)| i + 1);
        Self {
            text,
            starts: std::iter::once(0).chain(after_newlines).collect(),
        }
    }

    /// The line of a byte, from 1.
    pub fn line(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset)
    }

    /// The place of a byte.
    pub fn position(&self, offset: usize) -> Position {
        let offset = self.text.floor_char_boundary(offset.min(self.text.len()));
        let line = self.line(offset);
        let start = self.starts[line - 1];
        Position {
            line,
            column: self.text[start..offset].chars().count() + 1,
        }
    }

    /// The byte at which a line begins; the end of the text for a line beyond it.
    pub fn start(&self, line: usize) -> usize {
        line.checked_sub(1)
            .and_then(|index| self.starts.get(index))
            .copied()
            .unwrap_or(self.text.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one() {
        let lines = Lines::new("ab\nüc\n\nd");
        for (offset, line, column) in [
            (0, 1, 1),
            (2, 1, 3),
            (3, 2, 1),
            (4, 2, 1),
            (5, 2, 2),
            (7, 3, 1),
            (8, 4, 1),
            (99, 4, 2),
        ] {
            assert_eq!(
                lines.position(offset),
                Position { line, column },
                "{offset}"
            );
        }
        assert_eq!((lines.start(1), lines.start(2), lines.start(5)), (0, 3, 9));
    }
}
