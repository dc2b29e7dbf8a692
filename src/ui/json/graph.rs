//! The graph.

use serde::Serialize;

use super::line::{Format, line};
use crate::model::Address;

#[derive(Serialize)]
#[serde(tag = "type", rename = "resource")]
struct Mirror<'a> {
    address: &'a Address,
    after: &'a [Address],
}

/// Each resource with what must be there before it, as lines of JSON.
pub fn graph_json(edges: &[(Address, Vec<Address>)]) -> String {
    let lines = edges
        .iter()
        .map(|(address, after)| line(&Mirror { address, after }));
    std::iter::once(Format::Graph.opening())
        .chain(lines)
        .collect()
}
