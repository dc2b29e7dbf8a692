//! Words and numbers as people read them, and the guard against text that would take over the terminal.

use std::borrow::Cow;
use std::time::Duration;

use jiff::Timestamp;
use unicode_width::UnicodeWidthStr;

use crate::profile::is_unsafe;

/// Escapes everything that would act on a terminal instead of being shown: control characters, and marks that turn
/// the direction of text round. Line breaks and tabs become spaces.
pub fn clean(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\r' | '\t' => clean.push(' '),
            character if is_unsafe(character) => clean.extend(character.escape_unicode()),
            character => clean.push(character),
        }
    }
    Cow::Owned(clean)
}

/// How many columns a text takes.
pub(super) fn columns(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// The text, cut to `width` columns; `ellipsis` stands for what is left out.
pub(super) fn cut(text: &str, width: usize, ellipsis: &str) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let room = width.saturating_sub(columns(ellipsis));
    let mut kept = String::new();
    for character in text.chars() {
        kept.push(character);
        if columns(&kept) > room {
            kept.pop();
            break;
        }
    }
    kept + ellipsis
}

/// `1 node`, `2 nodes`.
pub(super) fn counted(count: usize, one: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {one}{ending}")
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn listed<T: AsRef<str>>(items: &[T]) -> String {
    match items {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [most @ .., last] => {
            let most: Vec<&str> = most.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", most.join(", "), last.as_ref())
        }
    }
}

/// A length of time in its two largest units: `0.4s`, `12s`, `3m 12s`, `2d 4h`.
pub(super) fn lasting(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..10 => format!("{:.1}s", duration.as_secs_f64()),
        10..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h {:02}m", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{}d {}h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

/// How long ago `then` was; nothing if it lies ahead.
pub(super) fn since(then: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(then)).unwrap_or_default()
}

/// A moment to the minute, UTC: `2026-07-20 08:15 UTC`.
pub(super) fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_shown_can_act_on_the_terminal() {
        for (text, shown) in [
            ("plain text, é → …", "plain text, é → …"),
            ("two\nlines\tand a tab", "two lines and a tab"),
            ("\u{1b}[2Jgone", "\\u{1b}[2Jgone"),
            ("bell\u{7}", "bell\\u{7}"),
            ("c1 \u{9b}31m", "c1 \\u{9b}31m"),
            ("\u{202e}txt.exe", "\\u{202e}txt.exe"),
        ] {
            assert_eq!(clean(text), shown);
        }
    }

    #[test]
    fn lengths_of_time_have_two_units_at_most() {
        for (millis, shown) in [
            (0, "0.0s"),
            (420, "0.4s"),
            (12_300, "12s"),
            (192_000, "3m 12s"),
            (3_600_000, "1h 00m"),
            (187_200_000, "2d 4h"),
        ] {
            assert_eq!(lasting(Duration::from_millis(millis)), shown);
        }
    }

    #[test]
    fn cut_text_is_never_wider_than_asked() {
        assert_eq!(cut("abcdef", 6, "…"), "abcdef");
        assert_eq!(cut("abcdefg", 6, "…"), "abcde…");
        assert_eq!(cut("日本語です", 6, "…"), "日本…");
        assert_eq!(listed(&["a", "b", "c"]), "a, b and c");
        assert_eq!(
            counted(1, "node") + ", " + &counted(0, "node"),
            "1 node, 0 nodes"
        );
    }
}
