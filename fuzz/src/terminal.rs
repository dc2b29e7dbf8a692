//! What is said about an input may quote it; a terminal must not obey the quotation.

/// Asserts that a text moves no cursor, hides nothing and turns no direction. Newlines are for the caller to judge.
pub fn harmless(text: &str) {
    let bad = text.chars().find(|c| {
        (c.is_control() && *c != '\n')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    });
    assert!(bad.is_none(), "{bad:?} would reach a terminal: {text:?}");
}
