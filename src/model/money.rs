//! US dollars as a count of millionths, so that sums are exact and shown the same everywhere.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Mul, Sub};

use serde::{Deserialize, Serialize};

/// Hours in a month as AWS bills it: 365 days of 24 hours over 12.
pub const HOURS_PER_MONTH: f64 = 730.0;

/// An amount of US dollars, in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Usd(i64);

impl Usd {
    /// No money.
    pub const ZERO: Self = Self(0);

    /// From a number of dollars, rounded to a millionth.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "prices are far below 2^53 millionths"
    )]
    pub fn from_dollars(dollars: f64) -> Self {
        Self((dollars * 1e6).round() as i64)
    }

    /// As a number of dollars.
    #[expect(
        clippy::cast_precision_loss,
        reason = "prices are far below 2^53 millionths"
    )]
    pub fn dollars(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// An hourly price as a monthly one.
    pub fn per_month(self) -> Self {
        self * HOURS_PER_MONTH
    }
}

impl Add for Usd {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Usd {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl AddAssign for Usd {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl Mul<f64> for Usd {
    type Output = Self;
    fn mul(self, factor: f64) -> Self {
        Self::from_dollars(self.dollars() * factor)
    }
}

impl Sum for Usd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

/// Shows at least cents, and up to four decimals where cents would hide a price.
impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let dollars = self.dollars().abs();
        let cents_suffice = self.0 % 10_000 == 0 || dollars >= 10.0;
        let text = if cents_suffice {
            format!("{sign}${dollars:.2}")
        } else {
            format!("{sign}${dollars:.4}")
        };
        let text = if cents_suffice {
            text
        } else {
            text.trim_end_matches('0').to_owned()
        };
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_as_a_bill_would() {
        for (dollars, text) in [
            (0.0, "$0.00"),
            (1.006, "$1.006"),
            (0.005, "$0.005"),
            (734.38, "$734.38"),
            (-2.5, "-$2.50"),
            (12.3456, "$12.35"),
        ] {
            assert_eq!(Usd::from_dollars(dollars).to_string(), text);
        }
    }
}
