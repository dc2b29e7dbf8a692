//! Pure modules take values and return values: same input, same output, byte for byte.

use std::collections::BTreeSet;

use crate::table::row;
use crate::tree::{Complaint, SourceFile, Tree};

/// Words that have no place in a pure module.
const WORDS: &[(&str, &str)] = &[
    ("async", "pure code does not wait"),
    ("await", "pure code does not wait"),
    ("async_trait", "pure code does not wait"),
    ("HashMap", "its order differs from run to run; use BTreeMap"),
    ("HashSet", "its order differs from run to run; use BTreeSet"),
];

/// Crates that have no place in a pure module; a final `*` stands for any ending.
const CRATES: &[(&str, &str)] = &[
    ("tokio", "pure code does not wait"),
    ("clap", "arguments belong to `cli`"),
    ("indicatif", "bars belong to `ui`"),
    ("aws_*", "the SDK belongs to `aws`"),
    ("getrandom", "chance is an input"),
];

/// Paths that have no place in a pure module. `std::net` is not here as a whole: its address types are values.
const PATHS: &[(&[&str], &str)] = &[
    (&["std", "fs"], "files belong to `store`"),
    (&["std", "env"], "the environment is read in `cli`"),
    (&["std", "process"], "processes belong to adapters"),
    (&["std", "thread"], "pure code does not wait"),
    (&["std", "net", "TcpStream"], "sockets belong to adapters"),
    (&["std", "net", "TcpListener"], "sockets belong to adapters"),
    (&["std", "net", "UdpSocket"], "sockets belong to adapters"),
    (
        &["std", "net", "ToSocketAddrs"],
        "names are looked up by adapters",
    ),
];

/// Clocks, by the last two words of the path.
const CLOCKS: &[[&str; 2]] = &[
    ["SystemTime", "now"],
    ["Instant", "now"],
    ["Timestamp", "now"],
    ["Zoned", "now"],
];

pub(crate) fn check(tree: &Tree) -> Vec<Complaint> {
    tree.shipped()
        .filter(|file| !file.is_root() && row(file.room()).is_some_and(|row| row.pure))
        .flat_map(check_file)
        .collect()
}

fn check_file(file: &SourceFile) -> BTreeSet<Complaint> {
    let room = file.room();
    let mut complaints = BTreeSet::new();
    let mut add = |line, what: &str, why: &str| {
        complaints.insert(file.complaint(line, format!("`{what}` in pure `{room}`: {why}")));
    };
    for word in &file.scan.words {
        if let Some((what, why)) = WORDS.iter().find(|(what, _)| word.name == *what) {
            add(word.line, what, why);
        }
    }
    for reference in &file.scan.references {
        let mut segments: Vec<&str> = reference.segments.iter().map(String::as_str).collect();
        if let Some(alias) = file.scan.aliases.get(segments[0]) {
            segments.splice(0..1, alias.iter().map(String::as_str));
        }
        for (name, why) in CRATES {
            let hit = match name.strip_suffix('*') {
                Some(start) => segments[0].starts_with(start),
                None => segments[0] == *name,
            };
            if hit {
                add(reference.line, segments[0], why);
            }
        }
        for (path, why) in PATHS.iter().filter(|(path, _)| segments.starts_with(path)) {
            add(reference.line, &path.join("::"), why);
        }
        for clock in CLOCKS.iter().filter(|clock| segments.ends_with(&clock[..])) {
            add(reference.line, &clock.join("::"), "time is an input");
        }
    }
    complaints
}
