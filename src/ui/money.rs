//! Money as a bill shows it.

use crate::model::Usd;

/// An hourly amount, to a tenth of a cent: `$1.239`.
pub(super) fn hourly(amount: Usd) -> String {
    shown(amount, 3)
}

/// A monthly or total amount, to the cent, in groups of thousands: `$36,774.00`.
pub(super) fn total(amount: Usd) -> String {
    shown(amount, 2)
}

fn shown(amount: Usd, decimals: usize) -> String {
    let text = format!("{:.decimals$}", amount.dollars().abs());
    let is_zero = text.bytes().all(|byte| matches!(byte, b'0' | b'.'));
    let sign = if amount < Usd::ZERO && !is_zero {
        "-"
    } else {
        ""
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let mut grouped = String::new();
    for (position, digit) in whole.chars().enumerate() {
        if position > 0 && (whole.len() - position).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{sign}${grouped}.{fraction}")
}

/// A difference, with its sign: `+$0.764`.
pub(super) fn difference(amount: Usd, show: fn(Usd) -> String) -> String {
    let text = show(amount);
    if text.starts_with('-') {
        text
    } else {
        format!("+{text}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_has_the_same_number_of_decimals_in_a_column() {
        for (dollars, per_hour, per_month) in [
            (0.0, "$0.000", "$0.00"),
            (1.2392, "$1.239", "$1.24"),
            (-0.5, "-$0.500", "-$0.50"),
            (-0.000_1, "$0.000", "$0.00"),
            (36_774.004, "$36,774.004", "$36,774.00"),
            (1_234_567.0, "$1,234,567.000", "$1,234,567.00"),
        ] {
            assert_eq!(hourly(Usd::from_dollars(dollars)), per_hour);
            assert_eq!(total(Usd::from_dollars(dollars)), per_month);
        }
        assert_eq!(difference(Usd::from_dollars(0.764), hourly), "+$0.764");
    }
}
