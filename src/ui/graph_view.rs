//! The resources and what each is built on: as a tree for people, as Graphviz for drawing.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::Address;
use crate::ui::fold::{FOLD_FROM, Shape, label};
use crate::ui::page::{Line, Page};
use crate::ui::style::{Look, Role};
use crate::ui::text::{clean, columns};

/// Like resources, each with its shape and what it comes after.
type Group<'a> = [(Shape, &'a Address, &'a Vec<Address>)];

/// The graph as a tree: each resource once, below the last of those it needs; the other ones are named below it.
/// Like resources are one line. `edges` has each resource with what must be there before it.
pub fn graph_view(edges: &[(Address, Vec<Address>)], look: &Look) -> String {
    let nodes = folded(edges, look);
    let parents = parents(&nodes);
    let mut children: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (place, parent) in parents.iter().enumerate() {
        if let Some(parent) = parent {
            children.entry(*parent).or_default().push(place);
        }
    }
    let mut tree = Tree {
        nodes: &nodes,
        parents: &parents,
        children: &children,
        look,
        page: Page::default(),
    };
    for (root, _) in parents
        .iter()
        .enumerate()
        .filter(|(_, parent)| parent.is_none())
    {
        tree.branch(root, "", None);
    }
    tree.page.render(look)
}

/// One or several like resources.
struct Node {
    label: String,
    after: BTreeSet<usize>,
}

/// A tree being drawn.
struct Tree<'a> {
    nodes: &'a [Node],
    parents: &'a [Option<usize>],
    children: &'a BTreeMap<usize, Vec<usize>>,
    look: &'a Look,
    page: Page,
}

impl Tree<'_> {
    /// Draws a node and all below it; `last` says whether it is the last of its siblings, where it has a parent.
    fn branch(&mut self, at: usize, prefix: &str, last: Option<bool>) {
        let node = &self.nodes[at];
        let (turn, further) = match last {
            None => ("", ""),
            Some(true) => (self.look.choose("└─ ", "`- "), "   "),
            Some(false) => (
                self.look.choose("├─ ", "|- "),
                self.look.choose("│  ", "|  "),
            ),
        };
        self.page.line(
            Line::at(0)
                .add(Role::Faint, format!("{prefix}{turn}"))
                .plain(&node.label),
        );
        let prefix = format!("{prefix}{further}");
        let below = self.children.get(&at).map_or(&[][..], Vec::as_slice);
        let guide = if below.is_empty() {
            "   "
        } else {
            self.look.choose("│  ", "|  ")
        };
        self.others(at, &format!("{prefix}{guide}"));
        for (position, child) in below.iter().enumerate() {
            self.branch(*child, &prefix, Some(position + 1 == below.len()));
        }
    }

    /// What a node needs besides its parent, without what those need anyway.
    fn others(&mut self, at: usize, prefix: &str) {
        let after = &self.nodes[at].after;
        let implied = |other: &usize| {
            after
                .iter()
                .any(|via| via != other && self.nodes[*via].after.contains(other))
        };
        let others = after
            .iter()
            .filter(|other| Some(**other) != self.parents[at] && !implied(other));
        let labels: Vec<&str> = others
            .map(|other| self.nodes[*other].label.as_str())
            .collect();
        let mut text = String::new();
        for (position, label) in labels.iter().enumerate() {
            let lead = if position == 0 { "after " } else { ", " };
            let room = self.look.width.saturating_sub(columns(prefix) + 1);
            if position > 0 && columns(&text) + 2 + columns(label) > room {
                self.page
                    .line(Line::at(0).add(Role::Faint, format!("{prefix}{text},")));
                (*label).clone_into(&mut text);
            } else {
                text.push_str(&format!("{lead}{label}"));
            }
        }
        if !text.is_empty() {
            self.page
                .line(Line::at(0).add(Role::Faint, format!("{prefix}{text}")));
        }
    }
}

/// The deepest of those each node needs.
fn parents(nodes: &[Node]) -> Vec<Option<usize>> {
    let depth = depths(nodes);
    let deepest = |node: &Node| {
        node.after
            .iter()
            .copied()
            .max_by_key(|place| (depth[*place], std::cmp::Reverse(*place)))
    };
    nodes.iter().map(deepest).collect()
}

fn folded(edges: &[(Address, Vec<Address>)], look: &Look) -> Vec<Node> {
    let mut sorted: Vec<(Shape, &Address, &Vec<Address>)> = edges
        .iter()
        .map(|(address, after)| (Shape::of(address), address, after))
        .collect();
    sorted.sort_by(|(a, ..), (b, ..)| (a.pattern(), a).cmp(&(b.pattern(), b)));
    let mut groups: Vec<&[(Shape, &Address, &Vec<Address>)]> = Vec::new();
    for run in sorted.chunk_by(|(a, ..), (b, ..)| a.is_like(b)) {
        groups.extend(run.chunks(if run.len() >= FOLD_FROM { run.len() } else { 1 }));
    }
    let mut place = BTreeMap::new();
    for (at, group) in groups.iter().enumerate() {
        place.extend(group.iter().map(|(_, address, _)| (*address, at)));
    }
    let node = |(at, group): (usize, &&Group<'_>)| {
        let shapes: Vec<Shape> = group.iter().map(|(shape, ..)| shape.clone()).collect();
        let needed = group.iter().flat_map(|(_, _, after)| after.iter());
        let mut after: BTreeSet<usize> = needed
            .filter_map(|address| place.get(address).copied())
            .collect();
        after.remove(&at);
        Node {
            label: label(&shapes, look),
            after,
        }
    };
    groups.iter().enumerate().map(node).collect()
}

/// How many resources stand, at most, one after the other below each.
fn depths(nodes: &[Node]) -> Vec<usize> {
    let mut depths: Vec<Option<usize>> = vec![None; nodes.len()];
    for start in 0..nodes.len() {
        let mut stack = vec![start];
        while let Some(&at) = stack.last() {
            let open: Vec<usize> = nodes[at]
                .after
                .iter()
                .copied()
                .filter(|below| depths[*below].is_none())
                .collect();
            // A cycle, which a lab never has, would go round for ever: what is on the stack already counts as done.
            let open: Vec<usize> = open
                .into_iter()
                .filter(|below| !stack.contains(below))
                .collect();
            if open.is_empty() {
                let below = nodes[at]
                    .after
                    .iter()
                    .filter_map(|below| depths[*below])
                    .max();
                depths[at] = Some(below.map_or(0, |depth| depth + 1));
                stack.pop();
            } else {
                stack.extend(open);
            }
        }
    }
    depths.into_iter().map(Option::unwrap_or_default).collect()
}

/// The graph in Graphviz's language, every resource for itself; an arrow leads to what must be there before.
pub fn graph_dot(edges: &[(Address, Vec<Address>)]) -> String {
    let mut out =
        "digraph lab {\n  rankdir = \"LR\";\n  node [shape = box, fontname = \"monospace\"];\n"
            .to_owned();
    for (address, after) in edges {
        out.push_str(&format!("  {};\n", quoted(address)));
        for other in after {
            out.push_str(&format!("  {} -> {};\n", quoted(address), quoted(other)));
        }
    }
    out + "}\n"
}

fn quoted(address: &Address) -> String {
    let text = clean(address.as_str())
        .replace('\\', "\\\\")
        .replace('"', "\\\"");
    format!("\"{text}\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::plan::edges;

    #[test]
    fn a_lab_as_a_tree() {
        insta::assert_snapshot!(graph_view(&edges(50), &Look::plain(80)));
    }

    #[test]
    fn a_lab_as_graphviz_has_every_resource_and_no_way_out_of_a_name() {
        let mut edges = edges(2);
        edges.push((Address::new("node.\"];evil\\"), Vec::new()));
        let dot = graph_dot(&edges);
        assert!(
            dot.contains("  \"elastic-ip.sim.1\" -> \"node.sim.1\";\n"),
            "{dot}"
        );
        assert!(dot.contains("  \"node.\\\"];evil\\\\\";\n"), "{dot}");
    }

    #[test]
    fn a_cycle_does_not_hang_it() {
        let (a, b) = (Address::new("a"), Address::new("b"));
        let edges = [(a.clone(), vec![b.clone()]), (b, vec![a])];
        assert!(
            graph_view(&edges, &Look::plain(80)).is_empty(),
            "a cycle has no beginning"
        );
    }
}
