//! A line as characters: two by four dots in each, or stars where there is nothing but ASCII. What is not known stays empty.

/// What a plot of characters is of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Canvas {
    pub(super) columns: usize,
    pub(super) rows: usize,
    pub(super) from: i64,
    pub(super) to: i64,
    pub(super) period_s: i64,
    pub(super) top: f64,
}

/// The dots of a braille character, from the top, left and right (Unicode 15, "Braille Patterns").
const DOTS: [[u32; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];
/// From empty to full.
const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const POOR_LEVELS: [char; 8] = ['_', '.', ':', '-', '=', '+', '*', '#'];

/// Rows from the top.
pub(super) fn braille(points: &[(i64, f64)], canvas: Canvas) -> Vec<String> {
    let (width, height) = (canvas.columns * 2, canvas.rows * 4);
    let mut cells = vec![vec![0_u32; canvas.columns]; canvas.rows];
    for (x, (low, high)) in strokes(points, canvas, width, height) {
        for y in low..=high {
            let row = height - 1 - y;
            cells[row / 4][x / 2] |= DOTS[row % 4][x % 2];
        }
    }
    let drawn = |dots: &u32| {
        char::from_u32(0x2800 + dots)
            .filter(|_| *dots > 0)
            .unwrap_or(' ')
    };
    cells
        .iter()
        .map(|row| row.iter().map(drawn).collect())
        .collect()
}

/// The same with a star in each character that the line goes through.
pub(super) fn stars(points: &[(i64, f64)], canvas: Canvas) -> Vec<String> {
    let mut cells = vec![vec![' '; canvas.columns]; canvas.rows];
    for (x, (low, high)) in strokes(points, canvas, canvas.columns, canvas.rows) {
        for y in low..=high {
            cells[canvas.rows - 1 - y][x] = '*';
        }
    }
    cells.iter().map(|row| row.iter().collect()).collect()
}

/// One row of blocks.
pub(super) fn blocks(points: &[(i64, f64)], canvas: Canvas, unicode: bool) -> String {
    let levels = if unicode { LEVELS } else { POOR_LEVELS };
    let values = (0..canvas.columns).map(|x| mean(points, canvas, x, canvas.columns));
    values
        .map(|value| value.map_or(' ', |value| levels[level(value, canvas.top, 8)]))
        .collect()
}

/// From where to where each column is drawn: from the value before to its own, so that the line does not break.
fn strokes(
    points: &[(i64, f64)],
    canvas: Canvas,
    width: usize,
    height: usize,
) -> Vec<(usize, (usize, usize))> {
    let mut before: Option<usize> = None;
    let mut strokes = Vec::new();
    for x in 0..width {
        let now = mean(points, canvas, x, width).map(|value| level(value, canvas.top, height));
        if let Some(now) = now {
            let (low, high) = match before {
                Some(before) if before + 1 < now => (before + 1, now),
                Some(before) if now + 1 < before => (now, before - 1),
                _ => (now, now),
            };
            strokes.push((x, (low, high)));
        }
        before = now;
    }
    strokes
}

/// The mean of the periods that touch a column.
fn mean(points: &[(i64, f64)], canvas: Canvas, x: usize, width: usize) -> Option<f64> {
    let span = canvas.to - canvas.from;
    let place = |x: usize| {
        let (x, width) = (i64::try_from(x).ok()?, i64::try_from(width).ok()?);
        Some(canvas.from + span * x / width.max(1))
    };
    let (start, end) = (place(x)?, place(x + 1)?);
    let first = points.partition_point(|(at, _)| at + canvas.period_s <= start);
    let touching = points[first..]
        .iter()
        .take_while(|(at, _)| *at < end.max(start + 1));
    let (count, sum) = touching.fold((0_u32, 0.0), |(count, sum), (_, value)| {
        (count + 1, sum + value)
    });
    (count > 0).then(|| sum / f64::from(count))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share between nothing and everything of a few lines"
)]
fn level(value: f64, top: f64, levels: usize) -> usize {
    let most = u32::try_from(levels.saturating_sub(1)).unwrap_or(u32::MAX);
    let share = (value / top).clamp(0.0, 1.0) * f64::from(most);
    share.round() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canvas(columns: usize, rows: usize) -> Canvas {
        Canvas {
            columns,
            rows,
            from: 0,
            to: 600,
            period_s: 60,
            top: 100.0,
        }
    }

    #[test]
    fn a_rising_line() {
        let points: Vec<(i64, f64)> = (0..10_i32)
            .map(|n| (i64::from(n) * 60, f64::from(n) * 11.0))
            .collect();
        assert_eq!(
            stars(&points, canvas(10, 5)),
            [
                "        **",
                "      **  ",
                "    **    ",
                "  **      ",
                "**        "
            ]
        );
        assert_eq!(blocks(&points, canvas(10, 1), true), "▁▂▃▃▄▅▆▆▇█");
        assert_eq!(braille(&points, canvas(5, 1)), ["⣀⠤⠔⠒⠉"]);
    }

    #[test]
    fn what_is_not_known_stays_empty_and_a_jump_is_drawn() {
        let points = [(0, 0.0), (60, 100.0), (540, 50.0)];
        assert_eq!(
            stars(&points, canvas(10, 3)),
            [" *        ", " *       *", "*         "]
        );
        assert_eq!(blocks(&points, canvas(10, 1), false), "_#       =");
        assert_eq!(stars(&[], canvas(4, 1)), ["    "]);
    }
}
