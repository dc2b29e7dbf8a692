//! The lines of the user's file that a problem is about: cut to the width of the screen, safe to show, secrets
//! blotted out, with the places to underline moved along.

use std::ops::Range;

use crate::profile::{Lines, visible};
use crate::ui::text::columns;

/// What a blotted-out secret looks like.
const BLOT: &str = "***";

/// How much of a line is kept before the marked text when a line is cut at its beginning.
const LEAD: usize = 8;

/// Places further apart than this many lines are not shown together.
const FARTHEST: usize = 500;

/// A place to underline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    /// The bytes of the text; in an excerpt, of its source.
    pub(super) span: Range<usize>,
    /// A few words to stand beside it.
    pub(super) label: String,
}

/// Some consecutive lines of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Excerpt {
    /// The number of the first line.
    pub(super) first_line: usize,
    /// The lines as they are shown.
    pub(super) source: String,
    /// The marks, moved; the first is what the problem is about.
    pub(super) marks: Vec<Mark>,
}

impl Excerpt {
    /// The column of the first mark in its line as it is shown, in characters from 1.
    pub(super) fn column(&self) -> usize {
        let start = self.marks.first().map_or(0, |mark| mark.span.start);
        let before = &self.source[..start];
        before
            .rsplit('\n')
            .next()
            .unwrap_or_default()
            .chars()
            .count()
            + 1
    }
}

/// A character as it is shown.
struct Cell {
    /// Where it begins in the text.
    at: usize,
    shown: String,
    width: usize,
}

/// Cuts the lines of `marks` out of a text, each line at most `room` columns wide. The first mark decides which
/// part of a long line is seen.
pub(super) fn excerpt(
    lines: &Lines<'_>,
    text: &str,
    marks: &[Mark],
    hidden: &[Range<usize>],
    room: usize,
    ellipsis: &str,
) -> Option<Excerpt> {
    let main = lines.line(marks.first()?.span.start);
    let near: Vec<(usize, &Mark)> = marks
        .iter()
        .map(|mark| (lines.line(mark.span.start), mark))
        .filter(|(line, _)| line.abs_diff(main) <= FARTHEST)
        .collect();
    let first_line = near.iter().map(|(line, _)| *line).min()?;
    let last_line = near.iter().map(|(line, _)| *line).max()?;
    let mut excerpt = Excerpt {
        first_line,
        source: String::new(),
        marks: Vec::new(),
    };
    let mut moved: Vec<Option<Mark>> = vec![None; near.len()];
    for number in first_line..=last_line {
        let start = lines.start(number);
        let line = text[start..lines.start(number + 1)].trim_end_matches(['\n', '\r']);
        let here: Vec<usize> = (0..near.len())
            .filter(|mark| near[*mark].0 == number)
            .collect();
        let on_line: Vec<&Mark> = here.iter().map(|mark| near[*mark].1).collect();
        let base = excerpt.source.len();
        let (shown, spans) = one_line(line, start, &on_line, hidden, room, ellipsis);
        for (mark, span) in here.into_iter().zip(spans) {
            let label = near[mark].1.label.clone();
            moved[mark] = Some(Mark {
                span: base + span.start..base + span.end,
                label,
            });
        }
        excerpt.source.push_str(&shown);
        excerpt.source.push('\n');
    }
    excerpt.marks = moved.into_iter().flatten().collect();
    Some(excerpt)
}

fn one_line(
    line: &str,
    start: usize,
    marks: &[&Mark],
    hidden: &[Range<usize>],
    room: usize,
    ellipsis: &str,
) -> (String, Vec<Range<usize>>) {
    let cells = cells(line, start, hidden);
    let window = window(&cells, marks.first().copied(), room, columns(ellipsis));
    let mut shown = String::new();
    if window.start > 0 {
        shown.push_str(ellipsis);
    }
    // Where each cell of the window begins in what is shown.
    let mut begins = Vec::with_capacity(window.len() + 1);
    for cell in &cells[window.clone()] {
        begins.push((cell.at, shown.len()));
        shown.push_str(&cell.shown);
    }
    let end = shown.len();
    if window.end < cells.len() {
        shown.push_str(ellipsis);
    }
    let place = |offset: usize| {
        let index = begins.partition_point(|(at, _)| *at < offset);
        begins.get(index).map_or(end, |(_, shown)| *shown)
    };
    let line_end = start + line.len();
    let spans = marks
        .iter()
        .map(|mark| {
            let from = place(mark.span.start);
            from..place(mark.span.end.min(line_end)).max(from)
        })
        .collect();
    (shown, spans)
}

/// The characters of a line as they are shown.
fn cells(line: &str, start: usize, hidden: &[Range<usize>]) -> Vec<Cell> {
    let mut cells = Vec::new();
    let mut blotted: Option<&Range<usize>> = None;
    for (offset, c) in line.char_indices() {
        let at = start + offset;
        let hide = hidden.iter().find(|hide| hide.contains(&at));
        if hide.is_some() && hide == blotted {
            continue;
        }
        blotted = hide;
        let shown = match c {
            _ if hide.is_some() => BLOT.to_owned(),
            '\t' => "    ".to_owned(),
            c => visible(c.encode_utf8(&mut [0; 4])).into_owned(),
        };
        cells.push(Cell {
            at,
            width: columns(&shown),
            shown,
        });
    }
    cells
}

/// The cells that are shown of a line: all of them, or those around the mark, so that its label still fits.
fn window(cells: &[Cell], mark: Option<&Mark>, room: usize, ellipsis: usize) -> Range<usize> {
    let total: usize = cells.iter().map(|cell| cell.width).sum();
    let index = |offset: usize| cells.partition_point(|cell| cell.at < offset);
    let width = |range: Range<usize>| -> usize { cells[range].iter().map(|cell| cell.width).sum() };
    let (from, to, label) = match mark {
        Some(mark) => (
            index(mark.span.start),
            index(mark.span.end),
            columns(&mark.label),
        ),
        None => (0, 0, 0),
    };
    let needed = width(0..to.max(from)) + 1 + label;
    if total <= room && needed <= room {
        return 0..cells.len();
    }
    // What is left of the screen for text before the mark.
    let after = (width(from..to.max(from)) + 1 + label).min(room.saturating_sub(LEAD));
    let before = room.saturating_sub(after + 2 * ellipsis);
    let first = if width(0..from) + after + ellipsis <= room {
        0
    } else {
        let mut first = from;
        while first > 0 && width(first - 1..from) <= before.min(LEAD.max(before)) {
            first -= 1;
        }
        first
    };
    let mut left = room.saturating_sub(if first > 0 { 2 * ellipsis } else { ellipsis });
    let mut last = first;
    while let Some(cell) = cells.get(last).filter(|cell| cell.width <= left) {
        left -= cell.width;
        last += 1;
    }
    // The ellipsis is not needed where nothing is left out.
    if cells.len() == last + 1 && cells[last].width <= left + ellipsis {
        last += 1;
    }
    first..last
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(
        text: &str,
        marked: &str,
        label: &str,
        hidden: Option<Range<usize>>,
        room: usize,
    ) -> (String, String) {
        let start = text.find(marked).expect("the text holds what is marked");
        let hidden: Vec<_> = hidden.into_iter().collect();
        let mark = Mark {
            span: start..start + marked.len(),
            label: label.to_owned(),
        };
        let excerpt =
            excerpt(&Lines::new(text), text, &[mark], &hidden, room, "…").expect("one mark");
        let underlined = excerpt.source[excerpt.marks[0].span.clone()].to_owned();
        (excerpt.source.trim_end_matches('\n').to_owned(), underlined)
    }

    #[test]
    fn short_lines_stay_whole() {
        let (line, underlined) = cut("a = 1\nbb = \"cc\"\n", "\"cc\"", "no", None, 40);
        assert_eq!(
            (line.as_str(), underlined.as_str()),
            ("bb = \"cc\"", "\"cc\"")
        );
    }

    #[test]
    fn long_lines_are_cut_around_the_mark() {
        let text = format!(
            "x = [{} \"bad\", {}]",
            "\"aaaa\", ".repeat(30),
            "\"zzzz\", ".repeat(30)
        );
        for room in [30, 40, 72] {
            let (line, underlined) = cut(&text, "\"bad\"", "not good", None, room);
            assert_eq!(underlined, "\"bad\"", "{room}: {line}");
            assert!(columns(&line) <= room, "{room}: {line}");
            let end = columns(line.split("\"bad\"").next().unwrap_or_default()) + 5;
            assert!(
                end + 1 + 8 <= room,
                "{room}: the label does not fit: {line}"
            );
            assert!(line.starts_with('…') && line.ends_with('…'), "{line}");
        }
        let (line, underlined) = cut(&"y".repeat(500), "yyyyyyyyyy", "long", None, 40);
        assert!(
            line.starts_with("yyy") && line.ends_with('…') && underlined.len() == 10,
            "{line}"
        );
    }

    #[test]
    fn a_long_mark_is_cut_too() {
        let (line, underlined) = cut(&"y".repeat(500), &"y".repeat(500), "long", None, 40);
        assert!(columns(&line) <= 40 && !underlined.is_empty(), "{line}");
    }

    #[test]
    fn nothing_in_a_line_acts_on_the_terminal() {
        let (line, underlined) = cut(
            "\tk = \"\u{1b}[2J\u{9b}x\u{202e}\"",
            "\u{9b}x",
            "odd",
            None,
            72,
        );
        assert_eq!(line, "    k = \"\\u{1b}[2J\\u{9b}x\\u{202e}\"");
        assert_eq!(underlined, "\\u{9b}x");
    }

    #[test]
    fn secrets_are_blotted_out_whatever_is_marked() {
        let text = "key = \"hunter2\"  # mine";
        let (line, underlined) = cut(text, "\"hunter2\"", "here", Some(6..15), 72);
        assert_eq!(
            (line.as_str(), underlined.as_str()),
            ("key = ***  # mine", "***")
        );
        let (line, underlined) = cut(text, "key", "here", Some(6..15), 72);
        assert_eq!(
            (line.as_str(), underlined.as_str()),
            ("key = ***  # mine", "key")
        );
    }
}
