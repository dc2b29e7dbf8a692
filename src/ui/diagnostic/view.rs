//! Problems for people: the line, the offending text underlined, the code, and how to mend it.

use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{Annotation, AnnotationKind, Level, Origin, Renderer, Snippet};
use anstyle::{AnsiColor, Effects, Style};

use super::excerpt::{Excerpt, Mark, excerpt};
use crate::profile::{Lines, ProfileProblem, Severity};
use crate::ui::style::Look;
use crate::ui::text::{clean, columns, counted, listed};

/// More problems than this are not read at once.
const MOST: usize = 30;

/// A narrower screen than this cannot show a line and a label.
const NARROWEST: usize = 40;

/// Shows each problem, then counts them. `path` is the file as the user named it.
///
/// The text ends with a line break; it is empty where there are no problems.
pub fn render(path: &str, text: &str, problems: &[ProfileProblem], look: &Look) -> String {
    let lines = Lines::new(text);
    let hidden: Vec<Range<usize>> = problems
        .iter()
        .filter_map(|problem| problem.hide.clone())
        .collect();
    let path = clean(path);
    let renderer = renderer(look);
    let mut shown = String::new();
    for problem in problems.iter().take(MOST) {
        shown.push_str(&one(&path, text, &lines, problem, &hidden, &renderer, look));
        shown.push_str("\n\n");
    }
    if problems.len() > MOST {
        shown.push_str(&format!("and {} more\n\n", problems.len() - MOST));
    }
    if !problems.is_empty() {
        shown.push_str(&format!("{path}: {}\n", count(problems)));
    }
    shown
}

/// `2 errors and 1 warning`.
fn count(problems: &[ProfileProblem]) -> String {
    let of = |severity| {
        problems
            .iter()
            .filter(|problem| problem.severity == severity)
            .count()
    };
    let counts = [
        (of(Severity::Error), "error"),
        (of(Severity::Warning), "warning"),
    ];
    let parts: Vec<String> = counts
        .into_iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, word)| counted(n, word))
        .collect();
    listed(&parts)
}

/// The house colours: no yellow, which cannot be read on a light screen.
fn renderer(look: &Look) -> Renderer {
    if !look.color {
        return Renderer::plain().term_width(look.width.max(NARROWEST) + 8);
    }
    let bold = |color: AnsiColor| {
        Style::new()
            .fg_color(Some(color.into()))
            .effects(Effects::BOLD)
    };
    let faint = Style::new().effects(Effects::DIMMED);
    Renderer::styled()
        .term_width(look.width.max(NARROWEST) + 8)
        .decor_style(DecorStyle::Ascii)
        .hyperlink(false)
        .error(bold(AnsiColor::Red))
        .warning(bold(AnsiColor::Magenta))
        .help(bold(AnsiColor::Cyan))
        .emphasis(Style::new().effects(Effects::BOLD))
        .line_num(faint)
        .context(faint)
}

fn one(
    path: &str,
    text: &str,
    lines: &Lines<'_>,
    problem: &ProfileProblem,
    hidden: &[Range<usize>],
    renderer: &Renderer,
    look: &Look,
) -> String {
    let width = look.width.max(NARROWEST);
    let (level, word) = match problem.severity {
        Severity::Error => (Level::ERROR, "error"),
        Severity::Warning => (Level::WARNING, "warning"),
    };
    let position = lines.position(problem.span.start);
    let digits = deepest_line(lines, problem).to_string().len();
    let room = width - digits - 3;
    let marks = marks(problem);
    let excerpt = excerpt(lines, text, &marks, hidden, room, look.ellipsis());
    let title = wrap(
        &clean(&problem.message),
        width - word.len() - problem.code.len() - 4,
    );
    let title = level.primary_title(title).id(problem.code);
    // A problem of the whole file has no place to underline.
    let excerpt = excerpt.as_ref().filter(|_| problem.span != (0..0));
    let mut group = match excerpt {
        Some(excerpt) => title.element(snippet(excerpt).path(path)),
        None => title.element(Origin::path(path)),
    };
    if let Some(help) = &problem.help {
        let help = wrap(&clean(help), width - digits - 3 - "= help: ".len());
        group = group.element(Level::HELP.message(help));
    }
    let shown = renderer.render(&[group]);
    // The renderer counts the column in the line as it is shown, which may be cut.
    match excerpt {
        Some(excerpt) => {
            let line = position.line;
            let counted = format!("{path}:{line}:{}", excerpt.column());
            shown.replacen(&counted, &format!("{path}:{line}:{}", position.column), 1)
        }
        None => shown,
    }
}

fn snippet(excerpt: &Excerpt) -> Snippet<'_, Annotation<'_>> {
    let annotations = excerpt.marks.iter().enumerate().map(|(index, mark)| {
        let kind = if index == 0 {
            AnnotationKind::Primary
        } else {
            AnnotationKind::Context
        };
        kind.span(mark.span.clone()).label(mark.label.as_str())
    });
    Snippet::source(excerpt.source.as_str())
        .line_start(excerpt.first_line)
        .annotations(annotations)
}

/// The number of the last line that is shown: it decides how wide the margin is.
fn deepest_line(lines: &Lines<'_>, problem: &ProfileProblem) -> usize {
    let also = problem.also.iter().map(|(span, _)| lines.line(span.start));
    also.chain([lines.line(problem.span.start)])
        .max()
        .unwrap_or(1)
}

fn marks(problem: &ProfileProblem) -> Vec<Mark> {
    let mark = |span: &Range<usize>, label: &str| Mark {
        span: span.clone(),
        label: clean(label).into_owned(),
    };
    let main = mark(&problem.span, &problem.label);
    let also = problem.also.iter().map(|(span, label)| mark(span, label));
    std::iter::once(main).chain(also).collect()
}

/// Breaks a text into lines of at most `width` columns, at spaces where there are any.
fn wrap(text: &str, width: usize) -> String {
    let mut wrapped = String::new();
    let mut used = 0;
    for word in text.split(' ') {
        let needed = columns(word);
        if used > 0 && used + 1 + needed > width {
            wrapped.push('\n');
            used = 0;
        } else if used > 0 {
            wrapped.push(' ');
            used += 1;
        }
        wrapped.push_str(word);
        used += needed;
    }
    wrapped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::parse;

    const WRONG: &str = r#"version = 1

[lab]
name = "Digital Twin"
region = "us-esat-1"
tags = { "aws:team" = "robots" }

[access]
operators = ["0.0.0.0/0"]

[node.sim]
types = ["p3.2xlarge", "g5.xlarge", "g5.xlarge"]
cuont = 2
market = "spto"
root_volume = { size_gib = 100, iops = 60000, throughput_mib = 125 }
volume.maps = { size_gib = 50, mount = "/data" }
volume.bags = { size_gib = 500, mount = "/data", keep = true }
stack = "digital-twim"

[stack.digital-twin]
secrets = { NGC_API_KEY = "nvapi-hunter2-hunter2", OTHER = "env:OTHER" }

[idle]
for = "45 minutes"
"#;

    fn shown(text: &str, look: &Look) -> String {
        render("lab.toml", text, &parse(text).problems, look)
    }

    #[test]
    fn every_problem_of_a_file() {
        insta::assert_snapshot!(shown(WRONG, &Look::plain(80)));
    }

    #[test]
    fn the_same_in_colour() {
        let look = Look {
            width: 80,
            color: true,
            unicode: true,
        };
        let short = &WRONG[..WRONG.find("tags").expect("a line of the text")];
        let plain = shown(short, &Look::plain(80));
        let colored = shown(short, &look);
        insta::assert_snapshot!(colored.replace('\u{1b}', "ESC"));
        assert_eq!(anstream::adapter::strip_str(&colored).to_string(), plain);
    }

    #[test]
    fn syntax_errors_and_whole_files() {
        let broken = "version = 1\n[lab]\nname = digital-twin\nNGC_API_KEY = nvapi-hunter2\nregion = \"us-east-1\n\
            [node.sim]\ncount = \ntypes = [\"g5.xlarge\"]\ntypes = []\n[lab]\n";
        insta::assert_snapshot!(shown(broken, &Look::plain(80)));
        insta::assert_snapshot!(shown("", &Look::plain(80)), @"
        error[P0002]: the file is empty
        --> lab.toml
         = help: `roboinfra init` writes a profile to start from

        lab.toml: 1 error
        ");
    }

    #[test]
    fn long_lines_and_control_characters() {
        let many = "\"g5.xlarge\", ".repeat(30);
        let text = format!(
            "version = 1\n[lab]\nname = \"a\u{fc}\u{65e5}\u{672c}\"\nregion = \"us-east-1\"\n[node.sim]\n\
             types = [\"g6.xlarge\", {many}\"g5\"]\nimage = \"x\\u001b[2J\"  # \u{9b}31m \u{202e}\n"
        );
        let problems: Vec<_> = parse(&text)
            .problems
            .into_iter()
            .filter(|problem| problem.code != "P0304")
            .collect();
        insta::assert_snapshot!(render("lab\u{1b}.toml", &text, &problems, &Look::plain(80)));
    }

    #[test]
    fn nothing_is_wider_than_the_screen_and_no_secret_is_shown() {
        for width in [60, 80, 120] {
            let text = shown(WRONG, &Look::plain(width));
            assert!(!text.contains("hunter2"));
            for line in text.lines() {
                assert!(columns(line) <= width, "{width}: {line}");
            }
        }
    }

    #[test]
    fn any_text_can_be_shown() {
        for text in [
            "",
            "\n",
            "x",
            "x = ",
            "\u{feff}",
            "a\r\nb = \"",
            "ü = ü\n",
            "[[moved]]\r\n",
            "x = '''\n\n",
            "\t\t[\t",
            "x = \"\u{1F469}\u{200D}\u{1F680}\" y",
            "version = 1\n[lab]\nname = \"\"\"\na\nb\n\"\"\"\n",
        ] {
            let problems = parse(text).problems;
            assert!(!problems.is_empty());
            for width in [0, 40, 80] {
                let look = Look {
                    width,
                    color: false,
                    unicode: false,
                };
                assert!(
                    render("f", text, &problems, &look).ends_with('\n'),
                    "{text:?}"
                );
            }
        }
    }

    #[test]
    fn a_flood_is_dammed() {
        let keys: Vec<String> = (0..200).map(|n| format!("x{n} = 1")).collect();
        let text = keys.join("\n");
        let shown = shown(&text, &Look::plain(80));
        assert!(
            shown.contains("\nand 173 more\n"),
            "{}",
            &shown[shown.len() - 200..]
        );
        assert_eq!(shown.matches("[P0").count(), MOST);
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig { cases: 150, failure_persistence: None, ..Default::default() })]

        #[test]
        fn any_mistake_can_be_shown(
            at in 0..WRONG.len(),
            length in 0_usize..80,
            insert in "[\\PC\n\t\"'=\\[\\]{}#\u{9b}\u{202e}日]{0,12}",
            width in 0_usize..100,
        ) {
            let end = (at + length).min(WRONG.len());
            let text = format!("{}{insert}{}", &WRONG[..at], &WRONG[end..]);
            let look = Look { width, color: at % 2 == 0, unicode: true };
            let shown = shown(&text, &look);
            let plain = anstream::adapter::strip_str(&shown).to_string();
            let acts = plain.chars().find(|c| c.is_control() && *c != '\n');
            assert_eq!(acts, None, "{plain}");
        }
    }
}
