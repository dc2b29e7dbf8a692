//! Reading a section whose shape has been checked. What has the wrong shape reads as absent: it is reported already.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::shape::{Section, Shape};

/// Reads a file that the profile names, as it is written there; or says why it cannot be read.
pub type ReadFile<'a> = &'a dyn Fn(&str) -> Result<String, String>;

/// A value and its place in the text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) span: Range<usize>,
}

/// A section of the file, read by the keys that its description has.
#[derive(Clone)]
pub(super) struct Fields<'a> {
    section: &'static Section,
    table: &'a DeTable<'a>,
    /// The place of its header, or of the whole table where it is written inline.
    pub(super) span: Range<usize>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(
        section: &'static Section,
        table: &'a DeTable<'a>,
        span: Range<usize>,
    ) -> Self {
        Self {
            section,
            table,
            span,
        }
    }

    fn get(&self, name: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        debug_assert!(
            self.section.key(name).is_some(),
            "{name} is not in the table of keys"
        );
        self.table.get(name)
    }

    /// Whether the key is there at all.
    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// A text; for a key with words, one of them.
    pub(super) fn text(&self, name: &str) -> Option<At<&'a str>> {
        let found = self.get(name)?;
        let text = found.get_ref().as_str()?;
        if let Some(Shape::Words(words)) = self.section.key(name).map(|key| key.shape)
            && !words.contains(&text)
        {
            return None;
        }
        Some(At {
            value: text,
            span: found.span(),
        })
    }

    /// A whole number in the range of its key.
    pub(super) fn whole(&self, name: &str) -> Option<At<u32>> {
        let found = self.get(name)?;
        let n = whole(found.get_ref())?;
        if let Some(Shape::Whole(least, most)) = self.section.key(name).map(|key| key.shape)
            && !(least..=most).contains(&n)
        {
            return None;
        }
        Some(At {
            value: u32::try_from(n).ok()?,
            span: found.span(),
        })
    }

    /// A number in the range of its key.
    pub(super) fn number(&self, name: &str) -> Option<At<f64>> {
        let found = self.get(name)?;
        let n = number(found.get_ref())?;
        if let Some(Shape::Number(least, most)) = self.section.key(name).map(|key| key.shape)
            && !(least..=most).contains(&n)
        {
            return None;
        }
        Some(At {
            value: n,
            span: found.span(),
        })
    }

    /// `true` or `false`; `false` where it is not there.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.flag_or(name, false)
    }

    /// The same, and what it is where nothing is said.
    pub(super) fn flag_or(&self, name: &str, default: bool) -> bool {
        self.get(name)
            .and_then(|found| found.get_ref().as_bool())
            .unwrap_or(default)
    }

    /// The place of a key's value.
    pub(super) fn span_of(&self, name: &str) -> Option<Range<usize>> {
        self.get(name).map(Spanned::span)
    }

    /// The texts of a list.
    pub(super) fn texts(&self, name: &str) -> Option<At<Vec<At<&'a str>>>> {
        let found = self.get(name)?;
        let DeValue::Array(items) = found.get_ref() else {
            return None;
        };
        let texts = items
            .iter()
            .filter_map(|item| {
                Some(At {
                    value: item.get_ref().as_str()?,
                    span: item.span(),
                })
            })
            .collect();
        Some(At {
            value: texts,
            span: found.span(),
        })
    }

    /// The entries of a table from free keys to texts, in the order of the text.
    pub(super) fn entries(&self, name: &str) -> Vec<(At<&'a str>, At<&'a str>)> {
        let Some(DeValue::Table(table)) = self.get(name).map(Spanned::get_ref) else {
            return Vec::new();
        };
        let mut entries: Vec<_> = table
            .iter()
            .filter_map(|(key, value)| {
                let text = value.get_ref().as_str()?;
                Some((
                    at_key(key),
                    At {
                        value: text,
                        span: value.span(),
                    },
                ))
            })
            .collect();
        entries.sort_by_key(|(key, _)| key.span.start);
        entries
    }

    /// The section below a key.
    pub(super) fn section(&self, name: &str) -> Option<Fields<'a>> {
        let found = self.get(name)?;
        let DeValue::Table(table) = found.get_ref() else {
            return None;
        };
        Some(Fields::new(self.section.below(name)?, table, found.span()))
    }

    /// The sections below a key, by name, in the order of the text.
    pub(super) fn named(&self, name: &str) -> Vec<(At<&'a str>, Fields<'a>)> {
        let (Some(found), Some(below)) = (self.get(name), self.section.below(name)) else {
            return Vec::new();
        };
        let DeValue::Table(names) = found.get_ref() else {
            return Vec::new();
        };
        let mut sections: Vec<_> = names
            .iter()
            .filter_map(|(key, value)| {
                let DeValue::Table(table) = value.get_ref() else {
                    return None;
                };
                Some((at_key(key), Fields::new(below, table, value.span())))
            })
            .collect();
        sections.sort_by_key(|(key, _)| key.span.start);
        sections
    }

    /// The sections of a key that may be written several times.
    pub(super) fn rows(&self, name: &str) -> Vec<Fields<'a>> {
        let (Some(found), Some(below)) = (self.get(name), self.section.below(name)) else {
            return Vec::new();
        };
        let DeValue::Array(rows) = found.get_ref() else {
            return Vec::new();
        };
        rows.iter()
            .filter_map(|row| {
                let DeValue::Table(table) = row.get_ref() else {
                    return None;
                };
                Some(Fields::new(below, table, row.span()))
            })
            .collect()
    }
}

fn at_key<'a>(key: &'a Spanned<std::borrow::Cow<'a, str>>) -> At<&'a str> {
    At {
        value: key.get_ref().as_ref(),
        span: key.span(),
    }
}

/// A value as a whole number.
pub(super) fn whole(found: &DeValue<'_>) -> Option<i64> {
    let DeValue::Integer(n) = found else {
        return None;
    };
    i64::from_str_radix(n.as_str(), n.radix()).ok()
}

/// A value as a finite number.
pub(super) fn number(found: &DeValue<'_>) -> Option<f64> {
    match found {
        DeValue::Float(n) => n.as_str().parse().ok().filter(|n: &f64| n.is_finite()),
        #[expect(
            clippy::cast_precision_loss,
            reason = "ranges of numbers end far below 2^53"
        )]
        DeValue::Integer(_) => whole(found).map(|n| n as f64),
        _ => None,
    }
}
