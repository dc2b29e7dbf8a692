//! What arrived at CloudWatch, as a value.

use std::collections::BTreeMap;

/// Numbers that arrived, as one statistic set.
#[derive(Debug, Clone, PartialEq)]
pub struct Published {
    /// The region.
    pub region: String,
    /// The namespace.
    pub namespace: String,
    /// The metric's name.
    pub metric: String,
    /// Its dimensions.
    pub dimensions: BTreeMap<String, String>,
    /// Its time, in seconds since 1970.
    pub at: f64,
    /// Its unit.
    pub unit: String,
    /// How many numbers.
    pub count: f64,
    /// All together.
    pub sum: f64,
    /// The smallest.
    pub minimum: f64,
    /// The greatest.
    pub maximum: f64,
}
