//! Which rules fire on a call. Every match is counted, and the counts outlive the process with the world.

use std::time::Duration;

use jiff::Timestamp;

use super::super::world::{FaultState, Store};
use super::file::{FaultKind, Rule, Scenario, When};
use super::pattern::matches;

/// What a rule looks at.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Situation<'a> {
    pub(crate) action: &'a str,
    pub(crate) zone: Option<&'a str>,
    pub(crate) instance_type: Option<&'a str>,
    pub(crate) market: Option<&'a str>,
}

/// The scenario together with its counts.
pub(crate) struct Faults<'a> {
    pub(crate) scenario: &'a Scenario,
    pub(crate) counts: &'a mut Store,
    pub(crate) now: Timestamp,
    pub(crate) opened: Timestamp,
}

impl<'a> Faults<'a> {
    /// The first rule of a kind that fires now. Rules that match are counted whether they fire or not.
    pub(crate) fn fire(&mut self, kind: FaultKind, situation: &Situation<'_>) -> Option<&'a Rule> {
        self.first(situation, |rule| {
            rule.kind == kind && rule.available.is_none()
        })
    }

    /// Whether the process is to end on this side of the call's effect.
    pub(crate) fn kills(&mut self, when: When, situation: &Situation<'_>) -> bool {
        let found = self.first(situation, |rule| {
            rule.kind == FaultKind::Kill && rule.when.unwrap_or_default() == when
        });
        found.is_some()
    }

    fn first(
        &mut self,
        situation: &Situation<'_>,
        is_meant: impl Fn(&Rule) -> bool,
    ) -> Option<&'a Rule> {
        let scenario = self.scenario;
        scenario
            .faults
            .iter()
            .filter(|rule| is_meant(rule))
            .find(|rule| self.concerns(rule, situation) && self.count(rule))
    }

    /// How many instances of a type a zone has room for in all, if a rule says so.
    pub(crate) fn room(&self, situation: &Situation<'_>) -> Option<u64> {
        self.scenario
            .faults
            .iter()
            .filter(|rule| rule.kind == FaultKind::Capacity && self.concerns(rule, situation))
            .filter_map(|rule| rule.available)
            .min()
    }

    /// For how long after its birth the action cannot see a thing.
    pub(crate) fn hidden_for(&self, action: &str) -> Option<Duration> {
        let situation = Situation {
            action,
            ..Situation::default()
        };
        self.scenario
            .faults
            .iter()
            .filter(|rule| rule.kind == FaultKind::Invisible && self.concerns(rule, &situation))
            .filter_map(|rule| rule.lasting)
            .max()
    }

    fn concerns(&self, rule: &Rule, situation: &Situation<'_>) -> bool {
        let fits = |pattern: &Option<String>, value: Option<&str>| {
            pattern
                .as_deref()
                .is_none_or(|pattern| value.is_some_and(|value| matches(pattern, value)))
        };
        let since_open = self.now.duration_since(self.opened).unsigned_abs();
        matches(&rule.on, situation.action)
            && fits(&rule.zone, situation.zone)
            && fits(&rule.instance_type, situation.instance_type)
            && fits(&rule.market, situation.market)
            && rule.from.is_none_or(|from| since_open >= from)
            && rule.until.is_none_or(|until| since_open <= until)
    }

    fn count(&mut self, rule: &Rule) -> bool {
        let id = format!("fault/{}", rule.digest);
        let mut state = self
            .counts
            .get::<FaultState>(&id)
            .cloned()
            .unwrap_or(FaultState {
                id,
                matched: 0,
                fired: 0,
            });
        state.matched += 1;
        let fires = state.matched > rule.skip
            && rule.nth.is_none_or(|nth| state.matched == nth)
            && rule
                .every
                .is_none_or(|every| state.matched.is_multiple_of(every))
            && rule.times.is_none_or(|times| state.fired < times);
        if fires {
            state.fired += 1;
        }
        self.counts.put(state);
        fires
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::world::IdSource;
    use super::*;

    fn firings(rule: &str, calls: usize) -> Vec<usize> {
        let scenario =
            Scenario::parse(&format!("[[fault]]\nkind = \"throttle\"\n{rule}")).expect("valid");
        let mut counts = Store::new(IdSource::new(0, 0));
        let mut faults = Faults {
            scenario: &scenario,
            counts: &mut counts,
            now: Timestamp::UNIX_EPOCH,
            opened: Timestamp::UNIX_EPOCH,
        };
        let situation = Situation {
            action: "DescribeVpcs",
            ..Situation::default()
        };
        (1..=calls)
            .filter(|_| faults.fire(FaultKind::Throttle, &situation).is_some())
            .collect()
    }

    #[test]
    fn how_often_rules_fire() {
        for (rule, expected) in [
            ("", vec![1, 2, 3, 4, 5, 6]),
            ("nth = 2", vec![2]),
            ("every = 3", vec![3, 6]),
            ("times = 2", vec![1, 2]),
            ("skip = 4", vec![5, 6]),
            ("on = \"Describe*\"\ntimes = 1", vec![1]),
            ("on = \"Run*\"", vec![]),
            ("zone = \"a\"", vec![]),
        ] {
            assert_eq!(firings(rule, 6), expected, "{rule}");
        }
    }
}
