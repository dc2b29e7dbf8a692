//! Instance types that still have a price but can no longer be launched.

use crate::model::InstanceType;

/// Why a type cannot be launched any more and what to use instead; `None` for a type that can.
///
/// The types are absent from every region's offerings, while the price list still quotes them: a price is not an
/// offer.
pub fn retired(name: &InstanceType) -> Option<&'static str> {
    match name.as_str() {
        "p3.2xlarge" => Some(
            "no region offers p3.2xlarge any more; use g5.2xlarge or g6e.xlarge, \
             or p3dn.24xlarge where it must be a V100",
        ),
        "p3.8xlarge" | "p3.16xlarge" => Some(
            "no region offers the p3 family any more; use g6e.12xlarge, \
             or p3dn.24xlarge where it must be a V100",
        ),
        other if other.starts_with("p2.") => {
            Some("no region offers the p2 family any more; use g4dn.xlarge or g5.xlarge")
        }
        other if other.starts_with("g3.") || other.starts_with("g3s.") => {
            Some("no region offers the g3 family any more; use g4dn.xlarge or g5.xlarge")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::all_types;

    #[test]
    fn the_old_families_and_nothing_else() {
        for gone in [
            "p3.2xlarge",
            "p3.8xlarge",
            "p3.16xlarge",
            "p2.xlarge",
            "g3.4xlarge",
            "g3s.xlarge",
        ] {
            assert!(retired(&InstanceType::new(gone)).is_some(), "{gone}");
        }
        for facts in all_types() {
            assert_eq!(retired(&facts.name), None, "{}", facts.name);
        }
    }
}
