//! A writer of XML answers: elements in the order they are written, text escaped, nothing else.

use std::fmt::Display;
use std::fmt::Write as _;

use jiff::Timestamp;

/// An XML text under construction.
#[derive(Debug, Default)]
pub(crate) struct Xml(String);

impl Xml {
    /// One element with text.
    pub(crate) fn el(&mut self, name: &str, value: impl Display) -> &mut Self {
        let before = self.0.len();
        self.open(name);
        let start = self.0.len();
        write!(self.0, "{value}").expect("writing to a string does not fail");
        if self.0[start..].contains(|c: char| c < ' ' || matches!(c, '&' | '<' | '>')) {
            let raw = self.0.split_off(start);
            self.escape(&raw);
        }
        debug_assert!(self.0.len() > before);
        self.close(name)
    }

    /// One element if there is a value.
    pub(crate) fn opt(&mut self, name: &str, value: Option<impl Display>) -> &mut Self {
        if let Some(value) = value {
            self.el(name, value);
        }
        self
    }

    /// A moment, as AWS writes it: to the millisecond, in UTC.
    pub(crate) fn time(&mut self, name: &str, at: Timestamp) -> &mut Self {
        self.el(name, at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ"))
    }

    /// An element with elements inside.
    pub(crate) fn wrap(&mut self, name: &str, inside: impl FnOnce(&mut Self)) -> &mut Self {
        self.open(name);
        inside(self);
        self.close(name)
    }

    /// A list: one `<item>` for each value, inside an element that is there even when empty.
    pub(crate) fn items<T>(
        &mut self,
        name: &str,
        values: impl IntoIterator<Item = T>,
        mut inside: impl FnMut(&mut Self, T),
    ) -> &mut Self {
        self.open(name);
        for value in values {
            self.wrap("item", |x| inside(x, value));
        }
        self.close(name)
    }

    /// EC2's answer to a call that only succeeds.
    pub(crate) fn done(&mut self) {
        self.el("return", true);
    }

    /// The text.
    pub(crate) fn into_text(self) -> String {
        self.0
    }

    /// Adds text that is XML already.
    pub(crate) fn raw(&mut self, text: &str) -> &mut Self {
        self.0.push_str(text);
        self
    }

    fn open(&mut self, name: &str) {
        self.0.push('<');
        self.0.push_str(name);
        self.0.push('>');
    }

    fn close(&mut self, name: &str) -> &mut Self {
        // `Name attribute="x"` opens with its attributes and closes with its name.
        let name = name.split(' ').next().unwrap_or(name);
        self.0.push_str("</");
        self.0.push_str(name);
        self.0.push('>');
        self
    }

    fn escape(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '\t' | '\n' => self.0.push(c),
                // XML 1.0 has no other control characters; a client reads the reference as the character.
                c if c < ' ' => {
                    write!(self.0, "&#{};", u32::from(c))
                        .expect("writing to a string does not fail");
                }
                other => self.0.push(other),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_nest_and_text_is_escaped() {
        let mut xml = Xml::default();
        xml.wrap("A xmlns=\"u\"", |x| {
            x.el("b", "1 < 2 & 3").opt("c", None::<u8>);
            x.el("d", "\u{1b}[2J\r\n\0");
            x.items("set", [1, 2], |x, n| {
                x.el("n", n);
            });
        });
        assert_eq!(
            xml.into_text(),
            "<A xmlns=\"u\"><b>1 &lt; 2 &amp; 3</b><d>&#27;[2J&#13;\n&#0;</d><set><item><n>1</n></item><item><n>2</n></item></set></A>"
        );
    }
}
