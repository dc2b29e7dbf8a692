//! Holds the documents to what is there: every relative link leads to a file, every anchor to a heading.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The README, the changelog and everything in `docs/`.
fn documents() -> Vec<PathBuf> {
    let mut found = vec![root().join("README.md"), root().join("CHANGELOG.md")];
    let mut folders = vec![root().join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("docs/ can be listed") {
            let path = entry.expect("docs/ can be listed").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The lines of prose with their numbers; code blocks and `code` are left out.
fn prose(markdown: &str) -> Vec<(usize, String)> {
    let mut in_block = false;
    let mut lines = Vec::new();
    for (index, line) in markdown.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        } else if !in_block {
            let outside = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
            lines.push((index + 1, outside));
        }
    }
    lines
}

/// Link targets of the forms `](target)` and `[name]: target`.
fn links(markdown: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line) in prose(markdown) {
        for part in line.split("](").skip(1) {
            let target = part.split([')', ' ']).next().unwrap_or_default();
            found.push((number, target.to_owned()));
        }
        if let Some((name, target)) = line.split_once("]: ")
            && name.starts_with('[')
        {
            found.push((number, target.trim().to_owned()));
        }
    }
    found
}

/// The anchors of a document's headings, made as GitHub makes them.
fn anchors(markdown: &str) -> BTreeSet<String> {
    let mut in_block = false;
    let mut found = BTreeSet::new();
    for line in markdown.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        }
        let text = line.trim_start_matches('#');
        if in_block || text.len() == line.len() || !text.starts_with(' ') {
            continue;
        }
        let kept = text.trim().to_lowercase();
        let kept = kept
            .chars()
            .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        found.insert(kept.collect::<String>().replace(' ', "-"));
    }
    found
}

/// What is wrong with a link that stands in `document`; nothing if it leads somewhere.
fn broken(document: &Path, text: &str, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = target
        .split_once('#')
        .map_or((target, None), |(p, a)| (p, Some(a)));
    let file = match path {
        "" => document.to_owned(),
        path => document
            .parent()
            .expect("a document lies in a folder")
            .join(path),
    };
    if !file.exists() {
        return Some(format!("{path} does not exist"));
    }
    let anchor = anchor?;
    let headings = if path.is_empty() {
        anchors(text)
    } else {
        anchors(&fs::read_to_string(&file).expect("a linked document is text"))
    };
    (!headings.contains(anchor)).then(|| format!("{target} names no heading"))
}

#[test]
fn every_link_leads_somewhere() {
    let mut complaints = Vec::new();
    let mut count = 0;
    for document in documents() {
        let text = fs::read_to_string(&document).expect("documents are text");
        let name = document
            .strip_prefix(root())
            .expect("found below the root")
            .display();
        for (line, target) in links(&text) {
            count += 1;
            if let Some(why) = broken(&document, &text, &target) {
                complaints.push(format!("  {name}:{line}: {why}"));
            }
        }
    }
    assert!(
        complaints.is_empty(),
        "links that lead nowhere:\n{}",
        complaints.join("\n")
    );
    assert!(
        count > 0,
        "no link was found at all: the reader of links is broken"
    );
}

#[test]
fn links_are_found_in_prose_only() {
    let text =
        "See [a](b.md#c), [d]( and `[e](f)`.\n```\n[g](h)\n```\n![i](j.png \"k\")\n[l]: m/n.md\n";
    let found: Vec<(usize, &str)> = vec![(1, "b.md#c"), (1, ""), (5, "j.png"), (6, "m/n.md")];
    let links = links(text);
    let links: Vec<(usize, &str)> = links
        .iter()
        .map(|(n, target)| (*n, target.as_str()))
        .collect();
    assert_eq!(links, found);
}

#[test]
fn broken_links_are_told_from_good_ones() {
    let document = root().join("docs/architecture.md");
    let text = "# Code map\n## Bird's-eye view\n";
    let cases = [
        ("https://example.org/x", None),
        ("../README.md", None),
        ("#code-map", None),
        ("#birds-eye-view", None),
        ("#nowhere", Some("#nowhere names no heading")),
        ("gone.md", Some("gone.md does not exist")),
        (
            "../README.md#nowhere",
            Some("../README.md#nowhere names no heading"),
        ),
    ];
    for (target, expected) in cases {
        assert_eq!(
            broken(&document, text, target).as_deref(),
            expected,
            "{target}"
        );
    }
}
