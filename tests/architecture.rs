//! Holds the shape of the crate: who may import whom, what pure modules may not do, and how files look.
//!
//! The table in [`table`] is the law; `docs/architecture.md` shows the same table and is compared with it here.
//! Sources are read as tokens, so imports inside macros and `#[serde(with = "…")]` count as well.
//! Code under `#[cfg(test)]` may import what it likes and does not count towards a file's length.

#[path = "architecture/cycles.rs"]
mod cycles;
#[path = "architecture/imports.rs"]
mod imports;
#[path = "architecture/layout.rs"]
mod layout;
#[path = "architecture/purity.rs"]
mod purity;
#[path = "architecture/scan.rs"]
mod scan;
#[path = "architecture/selftest.rs"]
mod selftest;
#[path = "architecture/table.rs"]
mod table;
#[path = "architecture/tree.rs"]
mod tree;

use std::path::Path;

use table::TABLE;
use tree::{Complaint, Tree};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The crate's own sources.
fn sources() -> Tree {
    Tree::load(&root().join("src"))
}

fn expect_none(rule: &str, complaints: &[Complaint]) {
    let lines: Vec<String> = complaints.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "{rule}:\n\n{}\n", lines.join("\n"));
}

#[test]
fn every_file_parses() {
    expect_none("files that are not Rust", &sources().broken());
}

#[test]
fn every_import_is_in_the_table() {
    expect_none(
        "imports that the table forbids",
        &imports::check(&sources()),
    );
}

#[test]
fn the_table_itself_has_no_cycle() {
    assert_eq!(table::cycle(), None, "modules that may import each other");
}

#[test]
fn no_cycle_inside_a_module() {
    expect_none(
        "files or folders that import each other",
        &cycles::check(&sources()),
    );
}

#[test]
fn pure_modules_are_pure() {
    expect_none("effects in a pure module", &purity::check(&sources()));
}

#[test]
fn files_look_as_agreed() {
    expect_none("files out of shape", &layout::check(&sources()));
}

#[test]
fn the_document_shows_the_same_table() {
    let text = std::fs::read_to_string(root().join("docs/architecture.md"))
        .expect("docs/architecture.md is part of the project");
    let shown = table::shown_in(&text);
    let held: Vec<table::Shown> = TABLE.iter().map(table::Row::shown).collect();
    for (shown, held) in shown.iter().zip(&held) {
        assert_eq!(
            shown, held,
            "a row of docs/architecture.md differs from tests/architecture/table.rs"
        );
    }
    assert_eq!(
        shown.len(),
        held.len(),
        "docs/architecture.md has other modules than the table"
    );
}
