//! How a key is described: one description drives the check, the JSON Schema and the reference.

/// What a text stands for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Format {
    /// What it is, to stand after "must be".
    pub(super) what: &'static str,
    /// A regular expression for editors. The program's own check is stricter and says more.
    pub(super) pattern: Option<&'static str>,
    /// Known values, for editors. Without a pattern there are no others.
    pub(super) words: Option<fn() -> Vec<&'static str>>,
}

/// What a key's value may be.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    /// A text.
    Text(Format),
    /// One of these words.
    Words(&'static [&'static str]),
    /// A whole number in this range, both ends included.
    Whole(i64, i64),
    /// A number in this range, both ends included.
    Number(f64, f64),
    /// `true` or `false`.
    Flag,
    /// A list of such values.
    List(&'static Shape),
    /// A table from free keys to texts.
    Map(Format),
    /// Any of these.
    Either(&'static [Shape]),
    /// A section.
    Table(&'static Section),
    /// A section for each name.
    Named(&'static Section),
    /// A section that may be written several times, `[[…]]`.
    Rows(&'static Section),
}

impl Shape {
    /// What the value must be, to stand after "must be".
    pub(super) fn what(&self) -> String {
        match self {
            Self::Text(format) => format.what.to_owned(),
            Self::Words(words) => super::suggest::one_of(words),
            Self::Whole(..) => "a whole number".to_owned(),
            Self::Number(..) => "a number".to_owned(),
            Self::Flag => "`true` or `false`".to_owned(),
            Self::List(item) => format!("a list, each entry {}", item.what()),
            Self::Map(_) => "a table of texts".to_owned(),
            Self::Either(shapes) => {
                let all: Vec<String> = shapes.iter().map(Self::what).collect();
                all.join(", or ")
            }
            Self::Table(_) | Self::Named(_) => "a section".to_owned(),
            Self::Rows(_) => "a list of sections".to_owned(),
        }
    }
}

/// One key of a section.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    /// The key.
    pub(super) name: &'static str,
    /// What its value may be.
    pub(super) shape: Shape,
    /// Whether it must be there.
    pub(super) required: bool,
    /// What holds when it is not there, as TOML; empty where nothing does.
    pub(super) default: &'static str,
    /// What it means.
    pub(super) doc: &'static str,
    /// A value as an example, as TOML.
    pub(super) example: &'static str,
    /// Names that people try instead.
    pub(super) aka: &'static [&'static str],
}

/// A key that may be left out.
pub(super) const fn key(
    name: &'static str,
    shape: Shape,
    example: &'static str,
    doc: &'static str,
) -> Key {
    Key {
        name,
        shape,
        required: false,
        default: "",
        doc,
        example,
        aka: &[],
    }
}

impl Key {
    /// The key must be there.
    pub(super) const fn required(self) -> Self {
        Self {
            required: true,
            ..self
        }
    }

    /// What holds when it is not there.
    pub(super) const fn default(self, default: &'static str) -> Self {
        Self { default, ..self }
    }

    /// Names that people try instead.
    pub(super) const fn aka(self, aka: &'static [&'static str]) -> Self {
        Self { aka, ..self }
    }
}

/// A section of the profile.
#[derive(Debug)]
pub(super) struct Section {
    /// Where it stands, for example `node.*`; empty for the top of the file.
    pub(super) path: &'static str,
    /// What it is for.
    pub(super) doc: &'static str,
    /// Its keys, in the order of the reference.
    pub(super) keys: &'static [Key],
}

impl Section {
    /// The key of this name.
    pub(super) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// The section below a key.
    pub(super) fn below(&self, name: &str) -> Option<&'static Section> {
        match self.key(name)?.shape {
            Shape::Table(section) | Shape::Named(section) | Shape::Rows(section) => Some(section),
            _ => None,
        }
    }

    /// Every section below this one, in the order of the reference.
    pub(super) fn descend(&'static self) -> Vec<&'static Section> {
        let mut all = vec![self];
        for key in self.keys {
            if let Some(section) = self.below(key.name) {
                all.extend(section.descend());
            }
        }
        all
    }
}
