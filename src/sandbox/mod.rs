//! An emulated AWS with EC2's documented rules.
