//! How files look: their length, their head, their names, and what a `mod.rs` may hold.

use crate::scan::Named;
use crate::tree::{Complaint, SourceFile, Tree};

/// The most lines a file may have, code under `#[cfg(test)]` not counted.
pub(crate) const LINES: usize = 500;

/// Words that say nothing about what a thing is, and so gather everything.
const EMPTY_NAMES: &[&str] = &[
    "manager", "managers", "helper", "helpers", "util", "utils", "common",
];

pub(crate) fn check(tree: &Tree) -> Vec<Complaint> {
    let mut complaints: Vec<Complaint> = tree.files.iter().flat_map(check_file).collect();
    complaints.extend(orphans(tree));
    complaints.sort();
    complaints
}

fn check_file(file: &SourceFile) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    let lines = file.text.lines().count() - file.scan.test_lines;
    if lines > LINES && !file.test_only {
        let text = format!("{lines} lines without tests; {LINES} at most: take it apart");
        complaints.push(file.complaint(0, text));
    }
    if !file.text.starts_with("//!") {
        let text = "begins without `//!`: say what the file owns and what it does not";
        complaints.push(file.complaint(1, text));
    }
    let own_name = Named {
        line: 0,
        name: file.name.trim_end_matches(".rs").to_owned(),
    };
    for named in file
        .scan
        .types
        .iter()
        .chain(&file.scan.modules)
        .chain([&own_name])
    {
        if let Some(word) = words(&named.name)
            .iter()
            .find(|w| EMPTY_NAMES.contains(&w.as_str()))
        {
            let text = format!("`{}`: `{word}` says nothing; name what it is", named.name);
            complaints.push(file.complaint(named.line, text));
        }
    }
    if file.name.ends_with("/mod.rs") || file.name == "lib.rs" {
        complaints.extend(only_declares(file));
    }
    complaints
}

/// A `mod.rs` declares and re-exports: one place to see what a module offers, none to hide code in.
fn only_declares(file: &SourceFile) -> Vec<Complaint> {
    let items = match syn::parse_file(&file.text) {
        Ok(parsed) => parsed.items,
        Err(error) => return vec![file.complaint(error.span().start().line, error.to_string())],
    };
    let extra = items.iter().filter(|item| match item {
        syn::Item::Use(_) => false,
        syn::Item::Mod(module) => module.content.is_some(),
        _ => true,
    });
    extra
        .map(|item| {
            let line = syn::spanned::Spanned::span(item).start().line;
            file.complaint(
                line,
                "only declarations, re-exports and documentation stand here",
            )
        })
        .collect()
}

/// Files that no `mod` declares are not compiled, and nobody notices.
fn orphans(tree: &Tree) -> Vec<Complaint> {
    let inner = tree.files.iter().filter(|file| !file.is_root());
    inner
        .filter(|file| {
            let (name, parent) = file.module.split_last().expect("only roots have no name");
            let declared = tree.file_of(parent).is_some_and(|parent| {
                let scan = &tree.files[parent].scan;
                let mut names = scan
                    .modules
                    .iter()
                    .map(|m| &m.name)
                    .chain(&scan.test_modules);
                names.any(|declared| declared == name)
            });
            !declared
        })
        .map(|file| file.complaint(0, "no `mod` declares this file: it is not compiled"))
        .collect()
}

/// `HostHelper` and `host_helper` are both `host`, `helper`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for c in name.chars() {
        if !c.is_alphanumeric() {
            words.push(String::new());
            continue;
        }
        if c.is_uppercase() {
            words.push(String::new());
        }
        words
            .last_mut()
            .expect("starts with one word")
            .extend(c.to_lowercase());
    }
    words
}
