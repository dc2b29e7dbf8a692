//! A sample of every matrix, small enough for every test run. The whole of them is in `.ci/run`.

use super::bench::all_passed;
use super::labs::fleet;
use super::stage::stages;
use super::{calls, full, journals, lockfiles, writes};

#[test]
fn a_sample_of_every_matrix() {
    let stages = stages(&fleet());
    let samples = [
        calls::sample(&stages),
        writes::sample(&stages),
        full::sample(&stages),
        journals::sample(&stages),
        lockfiles::sample(),
        vec![journals::of_another_lab(&stages)],
    ];
    all_passed(samples.into_iter().flatten());
}
