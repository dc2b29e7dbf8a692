//! Text of the user, made safe to show.

use std::borrow::Cow;

/// More of a user's text than this says nothing new in a message.
const LONGEST: usize = 60;

/// Whether a character moves the cursor, hides text or turns its direction instead of being shown.
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// `text` with every character that could move the cursor, hide text or turn its direction spelt out.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_unsafe(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// `text` in backticks, safe to show and not too long.
pub(super) fn quote(text: &str) -> String {
    let mut short: String = text.chars().take(LONGEST).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("`{}`", visible(&short))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_unseen() {
        for (text, shown) in [
            ("plain", "`plain`"),
            ("\u{1b}[31m", "`\\u{1b}[31m`"),
            ("a\u{9b}b", "`a\\u{9b}b`"),
            ("a\u{202e}b\r", "`a\\u{202e}b\\u{d}`"),
            ("größe", "`größe`"),
        ] {
            assert_eq!(quote(text), shown);
        }
        assert_eq!(quote(&"ä".repeat(100)).chars().count(), LONGEST + 3);
    }
}
