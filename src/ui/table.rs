//! Aligned columns.

use super::page::Line;
use super::style::{Look, Role};
use super::text::{columns, cut};

/// What a column does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// Its cells begin at the same place.
    Left,
    /// Its cells end at the same place.
    Right,
    /// As `Left`, and cut where the table is too wide.
    Flexible,
}

/// Rows of cells.
#[derive(Debug, Clone)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Line>>,
    indent: usize,
}

/// Spaces between columns, and where the table would be too wide.
const GAP: usize = 2;
const SMALL_GAP: usize = 1;

/// A flexible column is never narrower than this.
const NARROWEST: usize = 8;

impl Table {
    /// An empty table that starts at column `indent`.
    pub fn at(indent: usize, columns: &[Column]) -> Self {
        Self {
            columns: columns.to_vec(),
            rows: Vec::new(),
            indent,
        }
    }

    /// Adds a row of cells with one meaning each; missing cells are empty.
    pub fn row(&mut self, cells: impl IntoIterator<Item = (Role, String)>) {
        let cells = cells
            .into_iter()
            .map(|(role, text)| Line::at(0).add(role, text));
        self.rows.push(cells.collect());
    }

    /// Adds a row of cells.
    pub fn row_of(&mut self, cells: Vec<Line>) {
        self.rows.push(cells);
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Lays the table out.
    pub fn lines(&self, look: &Look) -> Vec<Line> {
        self.blocks(look).into_iter().flatten().collect()
    }

    /// The same, with the lines of each row by themselves. A column with nothing in it takes no room. Where there is no
    /// room beside a row's first cell, that stands on a line of its own.
    pub fn blocks(&self, look: &Look) -> Vec<Vec<Line>> {
        let (widths, gap) = self.widths(look);
        let block = |row: &Vec<Line>| match row.split_first() {
            Some((first, rest)) if first.columns() > widths[0] => {
                let alone = Line::at(self.indent).hang(self.indent + GAP);
                let alone = first
                    .spans()
                    .fold(alone, |line, (role, text)| line.add(role, text));
                let rest = [&[Line::default()], rest].concat();
                vec![alone, self.laid_out(&rest, &widths, gap, look)]
            }
            _ => vec![self.laid_out(row, &widths, gap, look)],
        };
        self.rows.iter().map(block).collect()
    }

    fn laid_out(&self, row: &[Line], widths: &[usize], gap: usize, look: &Look) -> Line {
        let mut line = Line::at(self.indent).hang(self.indent + GAP);
        let mut column = self.indent;
        for ((cell, width), kind) in row.iter().zip(widths).zip(&self.columns) {
            if *width == 0 {
                continue;
            }
            let before = match kind {
                Column::Right => width.saturating_sub(cell.columns()),
                Column::Left | Column::Flexible => 0,
            };
            line = line.pad_to(column + before);
            for (role, text) in cell.spans() {
                line.push(role, cut(text, *width, look.ellipsis()));
            }
            column += width + gap;
        }
        line
    }

    /// How wide each column is, and the gap between them. A table that is too wide first has smaller gaps, then a
    /// narrower flexible column, then a first column without its widest cells.
    fn widths(&self, look: &Look) -> (Vec<usize>, usize) {
        let widest = |position: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(position));
            cells.map(Line::columns).max().unwrap_or(0)
        };
        let mut widths: Vec<usize> = (0..self.columns.len()).map(widest).collect();
        let gaps = widths
            .iter()
            .filter(|width| **width > 0)
            .count()
            .saturating_sub(1);
        let content = self.indent + widths.iter().sum::<usize>();
        if content + gaps * GAP <= look.width {
            return (widths, GAP);
        }
        let over = (content + gaps * SMALL_GAP).saturating_sub(look.width);
        let flexible = self
            .columns
            .iter()
            .position(|column| *column == Column::Flexible);
        if let Some(flexible) = flexible {
            let least = NARROWEST.min(widths[flexible]);
            let narrow = widths[flexible].saturating_sub(over);
            if narrow < least {
                let others = content - widths[0] + gaps * SMALL_GAP;
                let room = look.width.saturating_sub(others).max(NARROWEST);
                let cells = self.rows.iter().filter_map(|row| row.first());
                let fitting = cells.map(Line::columns).filter(|width| *width <= room);
                widths[0] = fitting.max().unwrap_or(0).max(1);
                let over = (self.indent + widths.iter().sum::<usize>() + gaps * SMALL_GAP)
                    .saturating_sub(look.width);
                widths[flexible] = widths[flexible].saturating_sub(over).max(least);
            } else {
                widths[flexible] = narrow;
            }
        }
        (widths, SMALL_GAP)
    }
}

/// The widest of `texts`, in columns, but at most `most`.
pub(super) fn widest<'a>(texts: impl IntoIterator<Item = &'a str>, most: usize) -> usize {
    texts
        .into_iter()
        .map(columns)
        .filter(|width| *width <= most)
        .max()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(table: &Table, width: usize) -> String {
        let look = Look::plain(width);
        table
            .lines(&look)
            .iter()
            .map(|line| line.render(&look) + "\n")
            .collect()
    }

    #[test]
    fn a_first_cell_that_leaves_no_room_stands_alone() {
        let mut table = Table::at(0, &[Column::Left, Column::Flexible, Column::Right]);
        for (a, b, c) in [
            ("Cost", "", "month"),
            ("volume.of-a-long-name.0.data", "20 GiB of gp3", "1.60"),
            ("total", "", "1.60"),
        ] {
            table.row([a, b, c].map(|text| (Role::Plain, text.to_owned())));
        }
        assert_eq!(
            shown(&table, 30),
            "Cost                month\n\
             volume.of-a-long-name.0.data\n\
             \u{20}     20 GiB of gp3  1.60\n\
             total                1.60\n"
        );
        // With more room nothing is different from before.
        assert!(
            shown(&table, 60).starts_with("Cost                                         month\n")
        );
    }

    #[test]
    fn columns_line_up_and_the_flexible_one_gives_way() {
        let mut table = Table::at(
            2,
            &[Column::Left, Column::Flexible, Column::Left, Column::Right],
        );
        for (a, b, d) in [
            ("a", "a long description", "1.00"),
            ("äöü", "short", "10.00"),
        ] {
            table.row([a, b, "", d].map(|text| (Role::Plain, text.to_owned())));
        }
        assert_eq!(
            shown(&table, 80),
            "  a    a long description   1.00\n  äöü  short               10.00\n"
        );
        assert_eq!(
            shown(&table, 26),
            "  a   a long descri…  1.00\n  äöü short          10.00\n"
        );
    }
}
