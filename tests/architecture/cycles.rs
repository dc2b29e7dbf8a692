//! Inside one module, neither files nor folders may import each other in a circle.

use std::collections::{BTreeMap, BTreeSet};

use crate::tree::{Complaint, SourceFile, Tree};

/// Who imports whom, and on which line of which file.
type Graph = BTreeMap<String, BTreeMap<String, (usize, usize)>>;

pub(crate) fn check(tree: &Tree) -> Vec<Complaint> {
    let files = graph(tree, |file| file.module.join("::"));
    let folders = graph(tree, |file| {
        file.module[..file.module.len().min(2)].join("::")
    });
    let mut complaints: BTreeSet<Complaint> = globs(tree).collect();
    for graph in [files, folders] {
        for circle in circles(&graph) {
            complaints.insert(describe(tree, &graph, &circle));
        }
    }
    complaints.into_iter().collect()
}

/// Imports of everything that a `mod.rs` offers: they would hide a circle.
fn globs(tree: &Tree) -> impl Iterator<Item = Complaint> {
    let references = tree
        .shipped()
        .filter(|file| !file.is_root() && !file.name.ends_with("/mod.rs"))
        .flat_map(|file| {
            file.scan
                .references
                .iter()
                .map(move |reference| (file, reference))
        });
    references.filter_map(|(file, reference)| {
        let path = tree.absolute(file, reference)?;
        let (last, module) = path.split_last()?;
        let target = &tree.files[tree.file_of(module)?];
        (last == "*" && target.name.ends_with("mod.rs")).then(|| {
            file.complaint(
                reference.line,
                "a glob import of a whole module: name what is used",
            )
        })
    })
}

/// The imports between the parts of each module, where `part` says which part a file belongs to.
fn graph(tree: &Tree, part: impl Fn(&SourceFile) -> String) -> Graph {
    let mut graph = Graph::new();
    for (index, file) in tree.files.iter().enumerate() {
        // A `mod.rs` declares and re-exports; what it names counts to the files behind it.
        if file.test_only || file.is_root() || file.name.ends_with("/mod.rs") {
            continue;
        }
        let from = part(file);
        for reference in &file.scan.references {
            let Some(path) = tree.absolute(file, reference) else {
                continue;
            };
            let Some(target) = tree.resolve(&path).filter(|&target| target != index) else {
                continue;
            };
            let target = &tree.files[target];
            if target.is_root() || target.test_only || target.room() != file.room() {
                continue;
            }
            let to = part(target);
            if to != from {
                let edges = graph.entry(from.clone()).or_default();
                edges.entry(to).or_insert((index, reference.line));
            }
        }
    }
    graph
}

/// The circles that a walk along all imports runs into: the parts along each, the first once more at the end.
fn circles(graph: &Graph) -> Vec<Vec<String>> {
    fn visit(
        graph: &Graph,
        part: &str,
        path: &mut Vec<String>,
        done: &mut BTreeSet<String>,
        found: &mut Vec<Vec<String>>,
    ) {
        if let Some(start) = path.iter().position(|other| other == part) {
            let mut circle = path[start..].to_vec();
            circle.push(part.to_owned());
            found.push(circle);
            return;
        }
        if !done.insert(part.to_owned()) {
            return;
        }
        path.push(part.to_owned());
        for next in graph.get(part).into_iter().flat_map(BTreeMap::keys) {
            visit(graph, next, path, done, found);
        }
        path.pop();
    }
    let (mut done, mut found) = (BTreeSet::new(), Vec::new());
    for part in graph.keys() {
        visit(graph, part, &mut Vec::new(), &mut done, &mut found);
    }
    found
}

fn describe(tree: &Tree, graph: &Graph, circle: &[String]) -> Complaint {
    let mut text = format!("a circle: {}", circle.join(" -> "));
    let mut first = None;
    for pair in circle.windows(2) {
        let (index, line) = graph[&pair[0]][&pair[1]];
        let file = &tree.files[index];
        first.get_or_insert((index, line));
        text.push_str(&format!(
            "\n      src/{}:{line} imports {}",
            file.name, pair[1]
        ));
    }
    let (index, line) = first.expect("a circle has at least one import");
    tree.files[index].complaint(line, text)
}
