//! Many like addresses as one label: `node.sim.0 … 49 (50)`, `network.subnet.us-east-1a, b, c`.

use super::style::Look;
use crate::model::Address;

/// From how many like things on one line stands for all of them.
pub(super) const FOLD_FROM: usize = 3;

/// What distinguishes one address from others like it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Slot {
    /// Nothing: there is only one.
    None,
    /// A node's index.
    Index(u32),
    /// A zone of the region that the pattern names.
    Zone(char),
}

/// An address, taken apart at what distinguishes it from others like it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Shape {
    before: String,
    after: String,
    slot: Slot,
}

impl Shape {
    pub(super) fn of(address: &Address) -> Self {
        let parts: Vec<&str> = address.as_str().split('.').collect();
        let index = parts
            .iter()
            .enumerate()
            .skip(1)
            .find_map(|(position, part)| part.parse::<u32>().ok().map(|index| (position, index)));
        if let Some((position, index)) = index {
            let before = parts[..position].join(".") + ".";
            let after = parts[position + 1..]
                .iter()
                .fold(String::new(), |text, part| text + "." + part);
            return Self {
                before,
                after,
                slot: Slot::Index(index),
            };
        }
        if let Some((stem, letter)) = zone_letter(address.as_str()) {
            return Self {
                before: stem.to_owned(),
                after: String::new(),
                slot: Slot::Zone(letter),
            };
        }
        Self {
            before: address.to_string(),
            after: String::new(),
            slot: Slot::None,
        }
    }

    /// Whether the two differ only in what distinguishes like things.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.before == other.before && self.after == other.after && self.slot != Slot::None
    }

    /// Sorts by the place in the lab, indices by their value.
    pub(super) fn pattern(&self) -> (&str, &str) {
        (&self.before, &self.after)
    }
}

/// Splits off the letter of an address that ends with a zone: a region, which ends with a digit, and one letter.
fn zone_letter(address: &str) -> Option<(&str, char)> {
    let letter = address.chars().last().filter(char::is_ascii_lowercase)?;
    let stem = &address[..address.len() - 1];
    let region = stem.rsplit('.').next()?;
    let is_region = region.contains('-') && region.ends_with(|c: char| c.is_ascii_digit());
    is_region.then_some((stem, letter))
}

/// One label for addresses of one shape, in order.
pub(super) fn label(shapes: &[Shape], look: &Look) -> String {
    let Some(first) = shapes.first() else {
        return String::new();
    };
    let indices: Vec<u32> = shapes.iter().filter_map(Shape::index).collect();
    let Shape {
        before,
        after,
        slot,
    } = first;
    match slot {
        Slot::None => before.clone(),
        Slot::Index(index) if indices.len() == 1 => format!("{before}{index}{after}"),
        Slot::Index(_) => {
            let runs = runs(&indices, look);
            let runs = if after.is_empty() {
                runs
            } else {
                format!("[{runs}]")
            };
            format!("{before}{runs}{after} ({})", indices.len())
        }
        Slot::Zone(_) => {
            let letters: Vec<String> = shapes
                .iter()
                .filter_map(Shape::letter)
                .map(String::from)
                .collect();
            format!("{before}{}", letters.join(", "))
        }
    }
}

impl Shape {
    fn index(&self) -> Option<u32> {
        match self.slot {
            Slot::Index(index) => Some(index),
            Slot::None | Slot::Zone(_) => None,
        }
    }

    fn letter(&self) -> Option<char> {
        match self.slot {
            Slot::Zone(letter) => Some(letter),
            Slot::None | Slot::Index(_) => None,
        }
    }
}

/// A shorter label, for where the zones are of no interest: `network.subnet (5)`.
pub(super) fn short_label(shapes: &[Shape], look: &Look) -> String {
    match shapes {
        [
            Shape {
                before,
                slot: Slot::Zone(_),
                ..
            },
            _,
            ..,
        ] => {
            let (stem, _region) = before.rsplit_once('.').unwrap_or((before, ""));
            format!("{stem} ({})", shapes.len())
        }
        _ => label(shapes, look),
    }
}

/// `0 … 3, 7`; of many runs only the first few.
fn runs(indices: &[u32], look: &Look) -> String {
    const MOST: usize = 4;
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for index in indices {
        match runs.last_mut() {
            Some((_, end)) if *end + 1 == *index => *end = *index,
            _ => runs.push((*index, *index)),
        }
    }
    let mut texts: Vec<String> = runs
        .iter()
        .take(MOST)
        .map(|(start, end)| match end - start {
            0 => start.to_string(),
            1 => format!("{start}, {end}"),
            _ => format!("{start} {} {end}", look.ellipsis()),
        })
        .collect();
    if runs.len() > MOST {
        texts.push(look.ellipsis().to_owned());
    }
    texts.join(", ")
}

/// Zones of one region as one text: `us-east-1a, b, c`.
pub(super) fn zones<'a>(zones: impl IntoIterator<Item = &'a str>) -> String {
    let mut stem = "";
    let mut texts: Vec<&str> = Vec::new();
    for zone in zones {
        let split = zone.len() - zone.chars().last().map_or(0, char::len_utf8);
        let is_letter = zone[split..].starts_with(|c: char| c.is_ascii_lowercase());
        if is_letter && !stem.is_empty() && zone[..split] == *stem {
            texts.push(&zone[split..]);
        } else {
            stem = &zone[..split];
            texts.push(zone);
        }
    }
    texts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labelled(addresses: &[&str]) -> String {
        let shapes: Vec<Shape> = addresses
            .iter()
            .map(|a| Shape::of(&Address::new(*a)))
            .collect();
        assert!(
            shapes.windows(2).all(|pair| pair[0].is_like(&pair[1])),
            "{addresses:?} are alike"
        );
        label(&shapes, &Look::plain(80))
    }

    #[test]
    fn like_addresses_share_a_label() {
        for (addresses, shown) in [
            (&["network.vpc"][..], "network.vpc"),
            (&["node.sim.0"], "node.sim.0"),
            (
                &["node.sim.0", "node.sim.1", "node.sim.2"],
                "node.sim.0 … 2 (3)",
            ),
            (
                &["node.sim.0", "node.sim.2", "node.sim.3"],
                "node.sim.0, 2, 3 (3)",
            ),
            (
                &["volume.sim.0.data", "volume.sim.1.data"],
                "volume.sim.[0, 1].data (2)",
            ),
            (
                &["network.subnet.us-east-1a", "network.subnet.us-east-1c"],
                "network.subnet.us-east-1a, c",
            ),
        ] {
            assert_eq!(labelled(addresses), shown);
        }
    }

    #[test]
    fn unlike_addresses_do_not() {
        for (a, b) in [
            ("network.vpc", "network.vpc"),
            ("node.sim.0", "node.arm.0"),
            ("volume.sim.0.data", "volume.sim.0.maps"),
            ("network.subnet.us-east-1a", "network.subnet.us-east-2a"),
        ] {
            assert!(
                !Shape::of(&Address::new(a)).is_like(&Shape::of(&Address::new(b))),
                "{a} {b}"
            );
        }
    }

    #[test]
    fn zones_of_one_region_share_its_name() {
        assert_eq!(
            zones(["us-east-1a", "us-east-1b", "us-west-2c"]),
            "us-east-1a, b, us-west-2c"
        );
        assert_eq!(zones(["us-east-1-bos-1a"]), "us-east-1-bos-1a");
        assert_eq!(zones([]), "");
    }
}
