//! Every path from one module of the crate into another must be in the table.

use std::collections::BTreeSet;

use crate::table::{allows, known, row};
use crate::tree::{Complaint, SourceFile, Tree};

pub(crate) fn check(tree: &Tree) -> Vec<Complaint> {
    let mut complaints = BTreeSet::new();
    let rooms: BTreeSet<&str> = tree
        .shipped()
        .filter(|file| !file.is_root())
        .map(SourceFile::room)
        .collect();
    for file in tree.shipped() {
        if file.name == "lib.rs" {
            continue;
        }
        let from = file.room();
        if !known(from) {
            complaints.insert(file.complaint(0, format!("`{from}` is not in the table")));
            continue;
        }
        for reference in &file.scan.references {
            let Some(path) = tree.absolute(file, reference) else {
                continue;
            };
            let Some(to) = path.first().filter(|to| rooms.contains(to.as_str())) else {
                continue;
            };
            if !allows(from, to) {
                complaints.insert(file.complaint(reference.line, forbidden(from, to)));
            }
        }
    }
    complaints.into_iter().collect()
}

fn forbidden(from: &str, to: &str) -> String {
    match row(from) {
        Some(row) => {
            format!(
                "`{from}` may not import `{to}`; it may import: {}",
                row.may_import()
            )
        }
        None => format!("`{from}` may not import `{to}`"),
    }
}
