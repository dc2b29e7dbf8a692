//! A problem in the user's file, and the list in which all of them are collected.

use std::ops::Range;

use super::codes::{Code, Severity};

/// One problem, with the place in the text that it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileProblem {
    /// A stable code, for example `P0101`.
    pub code: &'static str,
    /// Whether it stops.
    pub severity: Severity,
    /// What is wrong, in one line.
    pub message: String,
    /// The offending bytes of the text; they begin and end on character boundaries.
    pub span: Range<usize>,
    /// A few words to stand under the offending text.
    pub label: String,
    /// How to mend it.
    pub help: Option<String>,
    /// Other places that matter, each with a few words.
    pub also: Vec<(Range<usize>, String)>,
    /// Bytes of the text that must not be shown: a secret written where none belongs.
    pub hide: Option<Range<usize>>,
}

impl ProfileProblem {
    /// Says a few words under the offending text.
    pub(super) fn says(&mut self, label: impl Into<String>) -> &mut Self {
        self.label = label.into();
        self
    }

    /// Says how to mend it.
    pub(super) fn advise(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = Some(help.into());
        self
    }

    /// Says how to mend it, where that is known.
    pub(super) fn advise_if(&mut self, help: Option<String>) -> &mut Self {
        if help.is_some() {
            self.help = help;
        }
        self
    }

    /// Points at another place.
    pub(super) fn see(&mut self, span: &Range<usize>, label: impl Into<String>) -> &mut Self {
        self.also.push((span.clone(), label.into()));
        self
    }

    /// Keeps a part of the text from being shown.
    pub(super) fn conceal(&mut self, span: &Range<usize>) -> &mut Self {
        self.hide = Some(span.clone());
        self
    }
}

/// More problems than this help nobody.
const MOST: usize = 1000;

/// Every problem found so far.
#[derive(Debug, Default)]
pub(super) struct Problems {
    list: Vec<ProfileProblem>,
}

impl Problems {
    /// Adds a problem and returns it to be completed.
    pub(super) fn add(
        &mut self,
        code: Code,
        span: &Range<usize>,
        message: impl Into<String>,
    ) -> &mut ProfileProblem {
        self.list.push(ProfileProblem {
            code: code.id,
            severity: code.severity,
            message: message.into(),
            span: span.clone(),
            label: String::new(),
            help: None,
            also: Vec::new(),
            hide: None,
        });
        self.list.last_mut().expect("one was just added")
    }

    /// Whether any problem stops the profile from being used.
    pub(super) fn any_error(&self) -> bool {
        self.list
            .iter()
            .any(|problem| problem.severity == Severity::Error)
    }

    /// Whether any problem but those stops the profile from being used.
    pub(super) fn any_error_but(&self, codes: &[Code]) -> bool {
        self.list.iter().any(|problem| {
            problem.severity == Severity::Error && !codes.iter().any(|code| code.id == problem.code)
        })
    }

    /// Keeps the problems that pass.
    pub(super) fn retain(&mut self, keep: impl FnMut(&ProfileProblem) -> bool) {
        self.list.retain(keep);
    }

    /// The problems in the order of the text, every span within it and on character boundaries.
    pub(super) fn into_sorted(self, text: &str) -> Vec<ProfileProblem> {
        let mut list = self.list;
        for problem in &mut list {
            problem.span = within(text, &problem.span);
            for (span, _) in &mut problem.also {
                *span = within(text, span);
            }
            problem.hide = problem.hide.as_ref().map(|span| within(text, span));
        }
        list.sort_by_key(|problem| (problem.span.start, problem.span.end, problem.code));
        list.dedup();
        if list.len() > MOST {
            // A profile with this many problems is none; that it has errors must not be lost.
            list.sort_by_key(|problem| problem.severity);
            list.truncate(MOST);
            list.sort_by_key(|problem| (problem.span.start, problem.span.end, problem.code));
        }
        list
    }
}

/// `span` moved outwards to character boundaries and into `text`.
fn within(text: &str, span: &Range<usize>) -> Range<usize> {
    let start = text.floor_char_boundary(span.start.min(text.len()));
    let end = text.ceil_char_boundary(span.end.clamp(start, text.len()));
    start..end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_moved_onto_characters() {
        let text = "aüb";
        for (span, expected) in [(0..1, 0..1), (2..2, 1..3), (1..2, 1..3), (9..12, 4..4)] {
            assert_eq!(within(text, &span), expected, "{span:?}");
        }
    }
}
