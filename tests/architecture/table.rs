//! The import table as data.

use std::collections::BTreeSet;

/// What a module may import of the crate.
#[derive(Clone, Copy)]
pub(crate) enum May {
    /// These modules and no others.
    Import(&'static [&'static str]),
    /// Everything but these.
    AllBut(&'static [&'static str]),
}

/// One module of the crate.
pub(crate) struct Row {
    pub(crate) module: &'static str,
    pub(crate) may: May,
    /// No async, no I/O, no clock, no chance: see `purity.rs`.
    pub(crate) pure: bool,
}

/// One row as `docs/architecture.md` shows it: module, "pure" or nothing, imports.
pub(crate) type Shown = (String, String, String);

const fn pure(module: &'static str, imports: &'static [&'static str]) -> Row {
    Row {
        module,
        may: May::Import(imports),
        pure: true,
    }
}

const fn effects(module: &'static str, imports: &'static [&'static str]) -> Row {
    Row {
        module,
        may: May::Import(imports),
        pure: false,
    }
}

/// The law. A module may always import itself.
pub(crate) const TABLE: &[Row] = &[
    pure("model", &[]),
    pure("dag", &[]),
    pure("catalog", &["model"]),
    pure("profile", &["model", "catalog", "assets"]),
    pure("assets", &["model"]),
    pure("host", &["model", "assets"]),
    pure(
        "lab",
        &["model", "dag", "catalog", "profile", "assets", "host"],
    ),
    pure("inventory", &["model"]),
    pure("state", &["model"]),
    pure(
        "plan",
        &["model", "dag", "catalog", "lab", "inventory", "state"],
    ),
    pure("policy", &["model", "catalog", "profile", "lab"]),
    pure("event", &["model"]),
    effects("port", &["model", "inventory", "state"]),
    effects(
        "apply",
        &[
            "model",
            "dag",
            "assets",
            "host",
            "lab",
            "plan",
            "inventory",
            "state",
            "event",
            "port",
        ],
    ),
    effects("aws", &["model", "inventory", "port"]),
    effects("ssh", &["model", "port"]),
    effects("store", &["model", "state", "port"]),
    effects("sandbox", &["model", "catalog", "port"]),
    effects(
        "ui",
        &[
            "model",
            "catalog",
            "profile",
            "host",
            "lab",
            "inventory",
            "state",
            "plan",
            "policy",
            "event",
        ],
    ),
    Row {
        module: "cli",
        may: May::AllBut(&["agent"]),
        pure: false,
    },
    effects("agent", &["model"]),
];

/// What the crate's roots may import: the binaries are thin.
const ROOTS: &[(&str, &[&str])] = &[
    ("main.rs", &["cli"]),
    ("bin/roboinfra-agent.rs", &["agent"]),
];

/// Whether `from` may import `to`; what is not known may import nothing.
pub(crate) fn allows(from: &str, to: &str) -> bool {
    let root = ROOTS.iter().find(|(root, _)| *root == from);
    from == to
        || root.is_some_and(|(_, imports)| imports.contains(&to))
        || row(from).is_some_and(|row| row.allows(to))
}

/// Whether the table or the list of roots has `from`.
pub(crate) fn known(from: &str) -> bool {
    row(from).is_some() || ROOTS.iter().any(|(root, _)| *root == from)
}

/// The row of a module.
pub(crate) fn row(module: &str) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.module == module)
}

impl Row {
    fn allows(&self, to: &str) -> bool {
        match self.may {
            May::Import(these) => these.contains(&to),
            May::AllBut(these) => !these.contains(&to),
        }
    }

    /// The imports in words, as messages and the document write them.
    pub(crate) fn may_import(&self) -> String {
        match self.may {
            May::Import([]) => "nothing".to_owned(),
            May::Import(these) => these.join(", "),
            May::AllBut(these) => format!("all but {}", these.join(", ")),
        }
    }

    pub(crate) fn shown(&self) -> Shown {
        let pure = if self.pure { "pure" } else { "" };
        (self.module.to_owned(), pure.to_owned(), self.may_import())
    }
}

/// The rows that a markdown text shows: lines `| `module` | what | pure | imports |`.
pub(crate) fn shown_in(markdown: &str) -> Vec<Shown> {
    markdown
        .lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line
                .strip_prefix("| `")?
                .trim_end_matches('|')
                .split('|')
                .map(str::trim)
                .collect();
            let [module, _what, pure, imports] = cells[..] else {
                return None;
            };
            let module = module.trim_end_matches('`').to_owned();
            Some((module, pure.to_owned(), imports.to_owned()))
        })
        .collect()
}

/// The modules that cannot be put in an order, if there are any.
pub(crate) fn cycle() -> Option<Vec<&'static str>> {
    let mut left: Vec<&Row> = TABLE.iter().collect();
    let mut placed = BTreeSet::new();
    while !left.is_empty() {
        let free = |row: &&Row| {
            TABLE.iter().all(|other| {
                other.module == row.module
                    || !row.allows(other.module)
                    || placed.contains(other.module)
            })
        };
        let (ready, rest): (Vec<&Row>, Vec<&Row>) = left.iter().copied().partition(free);
        if ready.is_empty() {
            return Some(rest.iter().map(|row| row.module).collect());
        }
        placed.extend(ready.iter().map(|row| row.module));
        left = rest;
    }
    None
}
