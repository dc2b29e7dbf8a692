//! How text looks: meanings, not colours, and what the place it is shown in can do.
//!
//! The colours are readable on dark and on light backgrounds: no yellow, no white, no black.

use anstyle::{AnsiColor, Effects, Style};

/// What a piece of text means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Role {
    /// Nothing in particular.
    #[default]
    Plain,
    /// The name of what is spoken of.
    Strong,
    /// Good to have, but not what the eye should land on.
    Faint,
    /// Made, done, fine.
    Good,
    /// Changed in place, or going on.
    Change,
    /// Replaced, or a warning.
    Notice,
    /// Lost, failed, forbidden.
    Bad,
}

impl Role {
    fn style(self) -> Style {
        let of = |color: AnsiColor| Style::new().fg_color(Some(color.into()));
        match self {
            Self::Plain => Style::new(),
            Self::Strong => Style::new().effects(Effects::BOLD),
            Self::Faint => Style::new().effects(Effects::DIMMED),
            Self::Good => of(AnsiColor::Green),
            Self::Change => of(AnsiColor::Cyan),
            Self::Notice => of(AnsiColor::Magenta),
            Self::Bad => of(AnsiColor::Red),
        }
    }
}

/// What the place that text is shown in can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Columns.
    pub width: usize,
    /// Whether it shows colours.
    pub color: bool,
    /// Whether it shows characters beyond ASCII.
    pub unicode: bool,
}

impl Look {
    /// No colours, all characters.
    pub fn plain(width: usize) -> Self {
        Self {
            width,
            color: false,
            unicode: true,
        }
    }

    /// Appends `text`, which must be clean, in the style of `role`.
    pub(super) fn paint(&self, role: Role, text: &str, out: &mut String) {
        let style = role.style();
        if self.color && style != Style::new() && !text.is_empty() {
            out.push_str(&format!("{style}{text}{style:#}"));
        } else {
            out.push_str(text);
        }
    }

    /// From one value to the next.
    pub(super) fn arrow(&self) -> &'static str {
        self.choose("→", "->")
    }

    /// Something is left out.
    pub(super) fn ellipsis(&self) -> &'static str {
        self.choose("…", "...")
    }

    /// Between things of equal rank on one line.
    pub(super) fn dot(&self) -> &'static str {
        self.choose("·", "-")
    }

    /// It went well.
    pub(super) fn tick(&self) -> &'static str {
        self.choose("✓", "ok")
    }

    /// It did not.
    pub(super) fn cross(&self) -> &'static str {
        self.choose("✗", "x")
    }

    /// `rich` where characters beyond ASCII are shown.
    pub(super) fn choose(&self, rich: &'static str, poor: &'static str) -> &'static str {
        if self.unicode { rich } else { poor }
    }
}

/// What the user said about colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ColorChoice {
    /// Where it suits.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What the environment says about colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ColorHints {
    /// `NO_COLOR` is set and not empty.
    pub no_color: bool,
    /// `CLICOLOR` is `0`.
    pub clicolor_off: bool,
    /// `CLICOLOR_FORCE` is set and not `0`.
    pub clicolor_force: bool,
    /// `TERM` is `dumb`.
    pub dumb: bool,
}

/// Whether to use colour on a stream: what the user says goes before what the environment says, and no before yes.
pub fn use_color(choice: ColorChoice, hints: ColorHints, is_terminal: bool) -> bool {
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto if hints.no_color => false,
        ColorChoice::Auto if hints.clicolor_force => true,
        ColorChoice::Auto => is_terminal && !hints.dumb && !hints.clicolor_off,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_user_says_goes_first() {
        let none = ColorHints::default();
        let no = ColorHints {
            no_color: true,
            clicolor_force: true,
            ..none
        };
        let force = ColorHints {
            clicolor_force: true,
            ..none
        };
        let off = ColorHints {
            clicolor_off: true,
            ..none
        };
        let dumb = ColorHints { dumb: true, ..none };
        for (choice, hints, terminal, expected) in [
            (ColorChoice::Auto, none, true, true),
            (ColorChoice::Auto, none, false, false),
            (ColorChoice::Auto, no, true, false),
            (ColorChoice::Auto, force, false, true),
            (ColorChoice::Auto, off, true, false),
            (ColorChoice::Auto, dumb, true, false),
            (ColorChoice::Always, no, false, true),
            (ColorChoice::Never, force, true, false),
        ] {
            assert_eq!(
                use_color(choice, hints, terminal),
                expected,
                "{choice:?} {hints:?} {terminal}"
            );
        }
    }

    #[test]
    fn no_style_is_unreadable_on_a_light_or_a_dark_background() {
        let unreadable = [
            AnsiColor::Yellow,
            AnsiColor::White,
            AnsiColor::Black,
            AnsiColor::BrightWhite,
        ]
        .map(|color| Some(anstyle::Color::from(color)));
        for role in [
            Role::Strong,
            Role::Faint,
            Role::Good,
            Role::Change,
            Role::Notice,
            Role::Bad,
        ] {
            assert!(
                !unreadable.contains(&role.style().get_fg_color()),
                "{role:?}"
            );
        }
    }
}
