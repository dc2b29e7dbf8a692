//! A generic graph over ordered ids: topological order, ready sets, reversal, and the path of a cycle.
//!
//! Owns: graph questions. Does not own: what the ids mean.

use std::collections::{BTreeMap, BTreeSet};

/// A directed graph; an edge from `a` to `b` means that `a` comes after `b`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dag<T: Ord + Clone> {
    after: BTreeMap<T, BTreeSet<T>>,
}

/// Ids that wait for each other, each for the next, the last for the first.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a cycle")]
pub struct Cycle<T>(pub Vec<T>);

impl<T: Ord + Clone> Default for Dag<T> {
    fn default() -> Self {
        Self {
            after: BTreeMap::new(),
        }
    }
}

impl<T: Ord + Clone> Dag<T> {
    /// Adds a node.
    pub fn node(&mut self, id: T) {
        self.after.entry(id).or_default();
    }

    /// Says that `id` comes after `other`; adds both.
    pub fn edge(&mut self, id: T, other: T) {
        self.node(other.clone());
        self.after.entry(id).or_default().insert(other);
    }

    /// What `id` comes directly after.
    pub fn after(&self, id: &T) -> impl Iterator<Item = &T> {
        self.after.get(id).into_iter().flatten()
    }

    /// Every id, each after all it comes after; among equals the smallest first.
    pub fn order(&self) -> Result<Vec<T>, Cycle<T>> {
        let mut missing: BTreeMap<&T, usize> = self
            .after
            .iter()
            .map(|(id, after)| (id, after.len()))
            .collect();
        let before = self.before();
        let mut ready: BTreeSet<&T> = missing
            .iter()
            .filter(|(_, count)| **count == 0)
            .map(|(id, _)| *id)
            .collect();
        let mut order = Vec::with_capacity(self.after.len());
        while let Some(id) = ready.pop_first() {
            order.push(id.clone());
            for next in before.get(id).into_iter().flatten() {
                let count = missing.get_mut(next).expect("every edge's ends are nodes");
                *count -= 1;
                if *count == 0 {
                    ready.insert(next);
                }
            }
        }
        if order.len() == self.after.len() {
            Ok(order)
        } else {
            Err(self.cycle(&order))
        }
    }

    /// The same nodes with every edge turned round.
    pub fn reversed(&self) -> Self {
        let mut turned = Self::default();
        for (id, after) in &self.after {
            turned.node(id.clone());
            for other in after {
                turned.edge(other.clone(), id.clone());
            }
        }
        turned
    }

    /// Everything that comes, directly or not, after one of `roots`, the roots included.
    pub fn dependents(&self, roots: &BTreeSet<T>) -> BTreeSet<T> {
        let before = self.before();
        reach(roots, |id| before.get(id).into_iter().flatten().copied())
    }

    /// Everything that one of `roots`, directly or not, comes after, the roots included.
    pub fn dependencies(&self, roots: &BTreeSet<T>) -> BTreeSet<T> {
        reach(roots, |id| self.after.get(id).into_iter().flatten())
    }

    fn before(&self) -> BTreeMap<&T, Vec<&T>> {
        let mut before: BTreeMap<&T, Vec<&T>> = BTreeMap::new();
        for (id, after) in &self.after {
            for other in after {
                before.entry(other).or_default().push(id);
            }
        }
        before
    }

    /// Walks backwards from a node that never became ready until it meets itself.
    fn cycle(&self, ordered: &[T]) -> Cycle<T> {
        let done: BTreeSet<&T> = ordered.iter().collect();
        let stuck = |id: &&T| !done.contains(*id);
        let mut path: Vec<&T> = Vec::new();
        let mut at = self
            .after
            .keys()
            .find(stuck)
            .expect("a cycle was found, so a node is stuck");
        loop {
            if let Some(start) = path.iter().position(|id| *id == at) {
                return Cycle(path[start..].iter().map(|id| (*id).clone()).collect());
            }
            path.push(at);
            at = self.after[at]
                .iter()
                .find(stuck)
                .expect("a stuck node waits for a stuck node");
        }
    }
}

fn reach<'a, T: Ord + Clone + 'a, I: Iterator<Item = &'a T>>(
    roots: &BTreeSet<T>,
    next: impl Fn(&T) -> I,
) -> BTreeSet<T> {
    let mut found = roots.clone();
    let mut queue: Vec<T> = roots.iter().cloned().collect();
    while let Some(id) = queue.pop() {
        for other in next(&id) {
            if found.insert(other.clone()) {
                queue.push(other.clone());
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn graph(edges: &[(u8, u8)]) -> Dag<u8> {
        let mut dag = Dag::default();
        for (a, b) in edges {
            dag.edge(*a, *b);
        }
        dag
    }

    #[test]
    fn a_cycle_is_named_by_its_path() {
        let Err(Cycle(path)) = graph(&[(1, 2), (2, 3), (3, 2), (4, 1)]).order() else {
            unreachable!("2 and 3 wait")
        };
        assert_eq!(path, [2, 3]);
    }

    #[test]
    fn dependents_and_dependencies_mirror_each_other() {
        let dag = graph(&[(3, 2), (2, 1), (5, 4)]);
        assert_eq!(
            dag.dependents(&BTreeSet::from([1])),
            BTreeSet::from([1, 2, 3])
        );
        assert_eq!(
            dag.dependencies(&BTreeSet::from([3])),
            BTreeSet::from([1, 2, 3])
        );
        assert_eq!(
            dag.reversed().dependents(&BTreeSet::from([3])),
            BTreeSet::from([1, 2, 3])
        );
    }

    proptest! {
        #[test]
        fn order_respects_every_edge(edges in prop::collection::vec((0u8..40, 0u8..40), 0..120)) {
            let edges: Vec<_> = edges.into_iter().filter(|(a, b)| a > b).collect();
            let order = graph(&edges).order().expect("edges point downwards, so there is no cycle");
            let place = |id: u8| order.iter().position(|other| *other == id).expect("every node is in the order");
            for (a, b) in edges {
                prop_assert!(place(a) > place(b));
            }
        }
    }
}
