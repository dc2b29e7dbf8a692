//! The search for what CloudWatch refuses: a call is taken whole or not at all, so one that is refused is cut in two until
//! what is refused stands alone. It knows numbers only; the queue knows what they stand for.
//!
//! Nothing of it is kept on disk: a daemon that is started again sends the whole, and begins anew.

/// After so many answers to parts of a refused call nothing is cut any more. It is enough to find two among a hundred;
/// where everything is refused, it is what that costs.
pub(crate) const MOST_CALLS: usize = 32;

/// Parts of a call that was refused, the next one last.
#[derive(Debug, Clone, Default)]
pub(crate) struct Search {
    parts: Vec<Part>,
    answers: usize,
}

/// What is sent together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    /// The numbers.
    pub(crate) numbers: Vec<u64>,
    /// The next part was refused together with this one: if this one is taken, the fault is in that.
    paired: bool,
}

impl Search {
    /// Whether there is a part to be sent.
    pub(crate) fn goes_on(&self) -> bool {
        !self.parts.is_empty()
    }

    /// Takes the next part out.
    pub(crate) fn next(&mut self) -> Option<Part> {
        self.parts.pop()
    }

    /// A part was not sent, or not taken for a reason that is not its own.
    pub(crate) fn put_back(&mut self, part: Part) {
        self.parts.push(part);
    }

    /// A call was refused. It is cut in two; what is not cut any more is given back, to be given up. `part` says whether
    /// the call was one of the parts, or begins a search.
    pub(crate) fn refused(&mut self, numbers: &[u64], part: bool) -> Vec<u64> {
        self.answers = if part { self.answers + 1 } else { 0 };
        self.cut(numbers.to_vec())
    }

    /// A part was taken.
    pub(crate) fn taken(&mut self, part: &Part) {
        self.answers += 1;
        if !part.paired {
            return;
        }
        let Some(other) = self.parts.pop() else {
            return;
        };
        // The other need not be sent whole to be known, but nothing is given up that was not refused by itself.
        let whole = self.cut(other.numbers);
        if !whole.is_empty() {
            let paired = false;
            self.parts.push(Part {
                numbers: whole,
                paired,
            });
        }
    }

    fn spent(&self) -> bool {
        self.answers >= MOST_CALLS
    }

    fn cut(&mut self, mut numbers: Vec<u64>) -> Vec<u64> {
        if numbers.len() < 2 || self.spent() {
            return numbers;
        }
        let second = numbers.split_off(numbers.len().div_ceil(2));
        let part = |numbers, paired| Part { numbers, paired };
        self.parts.push(part(second, false));
        self.parts.push(part(numbers, true));
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// Sends a call of so many, of which some are bad: what is given up, and how many calls that took.
    fn search(length: u64, bad: &BTreeSet<u64>) -> (BTreeSet<u64>, usize) {
        let mut search = Search::default();
        let mut given_up = BTreeSet::new();
        let mut taken = BTreeSet::new();
        let mut calls = 0;
        let mut next = Some((0..length).collect::<Vec<u64>>());
        let mut part: Option<Part> = None;
        while let Some(numbers) = next {
            calls += 1;
            if numbers.iter().any(|number| bad.contains(number)) {
                given_up.extend(search.refused(&numbers, part.is_some()));
            } else {
                assert!(numbers.iter().all(|number| taken.insert(*number)), "once");
                if let Some(part) = &part {
                    search.taken(part);
                }
            }
            part = search.next();
            next = part.as_ref().map(|part| part.numbers.clone());
        }
        assert!(!search.goes_on());
        assert_eq!(
            taken.len() + given_up.len(),
            usize::try_from(length).expect("few")
        );
        (given_up, calls)
    }

    #[test]
    fn what_is_refused_is_found_in_few_calls() {
        let cases: [(u64, &[u64], usize); 8] = [
            (1, &[], 1),
            (20, &[], 1),
            (1, &[0], 1),
            (2, &[0], 3),
            (2, &[1], 3),
            (64, &[63], 8),
            (64, &[0], 13),
            (100, &[17, 71], 27),
        ];
        for (length, bad, most) in cases {
            let bad: BTreeSet<u64> = bad.iter().copied().collect();
            let (given_up, calls) = search(length, &bad);
            assert_eq!(given_up, bad, "of {length}");
            assert!(calls <= most, "{length} {bad:?}: {calls} calls");
        }
    }

    #[test]
    fn where_everything_is_refused_it_ends() {
        for length in [3, 20, 80, 1000] {
            let (given_up, calls) = search(length, &(0..length).collect());
            assert_eq!(given_up.len(), usize::try_from(length).expect("few"));
            assert!(calls <= 1 + MOST_CALLS + 10, "{length}: {calls} calls");
        }
    }

    proptest! {
        /// Whatever is bad is given up; up to two among a hundred are given up alone; and the calls are bounded.
        #[test]
        fn nothing_good_goes_with_a_bad_one_or_two(
            length in 1_u64..100,
            bad in prop::collection::btree_set(0_u64..100, 0..30),
        ) {
            let bad: BTreeSet<u64> = bad.into_iter().filter(|number| *number < length).collect();
            let (given_up, calls) = search(length, &bad);
            prop_assert!(given_up.is_superset(&bad));
            prop_assert!(calls <= 1 + MOST_CALLS + 7, "{} calls", calls);
            if bad.len() <= 2 {
                prop_assert_eq!(given_up, bad);
            }
        }
    }
}
