//! When an idle machine is shut down: one transition function over looks. It knows no wall clock.

use std::time::Duration;

/// Between two looks no more than this may pass; what happened in a longer gap is not known, so the count begins anew.
pub(crate) const LONGEST_GAP: Duration = Duration::from_secs(120);

/// How long a shutdown may take before it is asked for again.
pub(crate) const ASK_AGAIN: Duration = Duration::from_secs(180);

/// What the profile says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rules {
    /// Idle for so long, and it ends.
    pub(crate) after: Duration,
    /// People are warned so long before; never longer than `after`.
    pub(crate) warning: Duration,
    /// It is only said.
    pub(crate) only_notify: bool,
}

impl Rules {
    fn warning(&self) -> Duration {
        self.warning.min(self.after)
    }
}

/// Where the machine stands. All times are of a clock that only goes forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// In use, or nothing is known yet.
    Busy,
    /// Not in use since then.
    Idle { since: Duration },
    /// People were warned.
    Warned { since: Duration, warned: Duration },
    /// It was said, and that is all: until the machine is used again.
    Notified { since: Duration },
    /// It was told to shut down.
    Ending { since: Duration, asked: Duration },
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Say when it ends.
    Warn { left: Duration },
    /// Take it back.
    TakeBack,
    /// Say that it is idle.
    Notify { idle: Duration },
    /// Shut down.
    End { idle: Duration, again: bool },
}

/// The state machine.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    rules: Rules,
    phase: Phase,
    last: Option<Duration>,
}

impl Machine {
    /// A machine counts as busy until it has been seen idle.
    pub(crate) fn new(rules: Rules) -> Self {
        Self {
            rules,
            phase: Phase::Busy,
            last: None,
        }
    }

    /// Takes one look: the machine is in use or not, now.
    pub(crate) fn look(&mut self, now: Duration, busy: bool) -> Option<Effect> {
        let gap = self
            .last
            .is_some_and(|last| now < last || now.saturating_sub(last) > LONGEST_GAP);
        self.last = Some(now);
        let (phase, effect) = self.next(now, busy, gap);
        self.phase = phase;
        effect
    }

    fn next(&self, now: Duration, busy: bool, gap: bool) -> (Phase, Option<Effect>) {
        match self.phase {
            Phase::Ending { since, asked } => self.ending(now, busy, since, asked),
            phase if busy => (Phase::Busy, take_back(phase)),
            phase if gap => (Phase::Idle { since: now }, take_back(phase)),
            Phase::Busy => self.idle(now, now),
            Phase::Idle { since } => self.idle(now, since),
            Phase::Notified { since } => (Phase::Notified { since }, None),
            Phase::Warned { since, warned } => {
                let idle = now.saturating_sub(since);
                if idle >= self.rules.after && now.saturating_sub(warned) >= self.rules.warning() {
                    (
                        Phase::Ending { since, asked: now },
                        Some(Effect::End { idle, again: false }),
                    )
                } else {
                    (self.phase, None)
                }
            }
        }
    }

    fn idle(&self, now: Duration, since: Duration) -> (Phase, Option<Effect>) {
        let idle = now.saturating_sub(since);
        if idle + self.rules.warning() < self.rules.after {
            return (Phase::Idle { since }, None);
        }
        if self.rules.only_notify {
            if idle < self.rules.after {
                return (Phase::Idle { since }, None);
            }
            return (Phase::Notified { since }, Some(Effect::Notify { idle }));
        }
        let left = self
            .rules
            .after
            .saturating_sub(idle)
            .max(self.rules.warning());
        (
            Phase::Warned { since, warned: now },
            Some(Effect::Warn { left }),
        )
    }

    fn ending(
        &self,
        now: Duration,
        busy: bool,
        since: Duration,
        asked: Duration,
    ) -> (Phase, Option<Effect>) {
        let waited = now.saturating_sub(asked);
        if now >= asked && waited < ASK_AGAIN {
            return (self.phase, None);
        }
        if busy {
            return (Phase::Busy, None);
        }
        let idle = now.saturating_sub(since);
        (
            Phase::Ending { since, asked: now },
            Some(Effect::End { idle, again: true }),
        )
    }

    /// Where it stands.
    pub(crate) fn phase(&self) -> Phase {
        self.phase
    }

    /// How long it has been idle.
    pub(crate) fn idle_for(&self, now: Duration) -> Duration {
        match self.phase {
            Phase::Busy => Duration::ZERO,
            Phase::Idle { since }
            | Phase::Warned { since, .. }
            | Phase::Notified { since }
            | Phase::Ending { since, .. } => now.saturating_sub(since),
        }
    }

    /// How long until it ends if nothing happens.
    pub(crate) fn left(&self, now: Duration) -> Option<Duration> {
        let Rules { after, .. } = self.rules;
        match self.phase {
            Phase::Busy | Phase::Notified { .. } => None,
            Phase::Idle { since } => Some((since + after).saturating_sub(now)),
            Phase::Warned { since, warned } => {
                let end = (since + after).max(warned + self.rules.warning());
                Some(end.saturating_sub(now))
            }
            Phase::Ending { .. } => Some(Duration::ZERO),
        }
    }
}

fn take_back(phase: Phase) -> Option<Effect> {
    matches!(phase, Phase::Warned { .. }).then_some(Effect::TakeBack)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RULES: Rules = Rules {
        after: Duration::from_mins(10),
        warning: Duration::from_mins(3),
        only_notify: false,
    };

    fn minutes(count: u64) -> Duration {
        Duration::from_mins(count)
    }

    /// Looks each minute: `b` busy, `.` idle; the effects with the minute at which they came.
    fn run(rules: Rules, looks: &str) -> Vec<(usize, Effect)> {
        let mut machine = Machine::new(rules);
        looks
            .chars()
            .enumerate()
            .filter_map(|(minute, look)| {
                let now = minutes(u64::try_from(minute).expect("few"));
                machine
                    .look(now, look == 'b')
                    .map(|effect| (minute, effect))
            })
            .collect()
    }

    #[test]
    fn stories() {
        let warn = |minute| (minute, Effect::Warn { left: minutes(3) });
        let end = |minute| {
            (
                minute,
                Effect::End {
                    idle: minutes(10),
                    again: false,
                },
            )
        };
        let cases: Vec<(&str, Vec<(usize, Effect)>)> = vec![
            ("bbbbbbbbbbbbbbbbbbbbbbbbb", vec![]),
            ("...........", vec![warn(7), end(10)]),
            ("b..........", vec![warn(8)]),
            ("b...........", vec![warn(8), end(11)]),
            (".......b", vec![]),
            ("........b", vec![warn(7), (8, Effect::TakeBack)]),
            (
                ".........b..........",
                vec![warn(7), (9, Effect::TakeBack), warn(17)],
            ),
            (".....b.....b.....b.....b.....b.....b", vec![]),
        ];
        for (looks, expected) in cases {
            assert_eq!(run(RULES, looks), expected, "{looks}");
        }
    }

    #[test]
    fn a_shutdown_that_does_not_come_is_asked_for_again() {
        let effects = run(RULES, "...............");
        let again = Effect::End {
            idle: minutes(13),
            again: true,
        };
        assert_eq!(effects[2], (13, again));
        // In use meanwhile: it is left alone, once it is clear that the shutdown did not come.
        let effects = run(RULES, "...........bbbbbbb");
        assert_eq!(effects.len(), 2, "{effects:?}");
    }

    #[test]
    fn notify_says_it_once_until_it_is_used_again() {
        let rules = Rules {
            only_notify: true,
            ..RULES
        };
        let notify = |minute| (minute, Effect::Notify { idle: minutes(10) });
        assert_eq!(run(rules, &".".repeat(40)), [notify(10)]);
        let again = format!("{}b{}", ".".repeat(12), ".".repeat(12));
        assert_eq!(run(rules, &again), [notify(10), notify(23)]);
    }

    #[test]
    fn a_warning_comes_even_if_the_time_is_shorter_than_it() {
        let rules = Rules {
            after: minutes(2),
            warning: minutes(5),
            only_notify: false,
        };
        assert_eq!(
            run(rules, "...."),
            [
                (0, Effect::Warn { left: minutes(2) }),
                (
                    2,
                    Effect::End {
                        idle: minutes(2),
                        again: false
                    }
                )
            ]
        );
    }

    #[test]
    fn a_gap_or_a_clock_that_goes_back_begins_anew() {
        for jump in [minutes(60), Duration::ZERO] {
            let mut machine = Machine::new(RULES);
            for minute in 10..=18 {
                machine.look(minutes(minute), false);
            }
            assert!(matches!(machine.phase(), Phase::Warned { .. }));
            assert_eq!(machine.look(jump, false), Some(Effect::TakeBack));
            assert_eq!(machine.phase(), Phase::Idle { since: jump });
            assert_eq!(machine.left(jump), Some(RULES.after));
        }
    }

    #[test]
    fn what_is_left_is_told() {
        let mut machine = Machine::new(RULES);
        assert_eq!(machine.left(Duration::ZERO), None);
        for minute in 0..=8 {
            machine.look(minutes(minute), false);
        }
        assert_eq!(machine.left(minutes(8)), Some(minutes(2)));
        assert_eq!(machine.idle_for(minutes(8)), minutes(8));
        machine.look(minutes(9), true);
        assert_eq!(
            (machine.left(minutes(9)), machine.idle_for(minutes(9))),
            (None, Duration::ZERO)
        );
    }

    proptest! {
        /// Whatever is seen and however the clock jumps: it ends only after a whole unbroken time of idle looks, and
        /// after a warning that stood for its time.
        #[test]
        fn it_never_ends_without_a_whole_idle_time(
            after in 1_u64..3000,
            warning in 0_u64..600,
            looks in prop::collection::vec((-50_i64..300, prop::bool::weighted(0.05)), 1..400),
        ) {
            let rules = Rules {
                after: Duration::from_secs(after),
                warning: Duration::from_secs(warning),
                only_notify: false,
            };
            let mut machine = Machine::new(rules);
            let mut now = 10_000_i64;
            let mut idle_since: Option<i64> = None;
            let mut last: Option<i64> = None;
            let mut warned: Option<i64> = None;
            let longest = i64::try_from(LONGEST_GAP.as_secs()).expect("small");
            for (step, busy) in looks {
                now = (now + step).max(0);
                let broken = last.is_some_and(|last| now < last || now - last > longest);
                last = Some(now);
                if busy {
                    idle_since = None;
                } else if broken || idle_since.is_none() {
                    idle_since = Some(now);
                }
                if busy || broken {
                    warned = None;
                }
                match machine.look(Duration::from_secs(now.unsigned_abs()), busy) {
                    Some(Effect::Warn { .. }) => warned = Some(now),
                    Some(Effect::End { again: false, .. }) => {
                        let since = idle_since.expect("it is idle");
                        let told = warned.expect("it was warned of");
                        prop_assert!(now - since >= i64::try_from(after).expect("small"));
                        prop_assert!(now - told >= i64::try_from(warning.min(after)).expect("small"));
                        break;
                    }
                    Some(Effect::End { again: true, .. }) => prop_assert!(false, "not asked before"),
                    Some(Effect::TakeBack) => prop_assert!(busy || broken),
                    Some(Effect::Notify { .. }) => prop_assert!(false, "it was to end"),
                    None => {}
                }
            }
        }

        /// Steady idleness always ends, at the latest one look after its time.
        #[test]
        fn steady_idleness_ends(after in 1_u64..3000, warning in 0_u64..600, every in 1_u64..60) {
            let rules = Rules {
                after: Duration::from_secs(after),
                warning: Duration::from_secs(warning),
                only_notify: false,
            };
            let mut machine = Machine::new(rules);
            let mut now = 0;
            let ended = loop {
                if let Some(Effect::End { .. }) = machine.look(Duration::from_secs(now), false) {
                    break now;
                }
                now += every;
                prop_assert!(now < 10_000, "it does not end");
            };
            prop_assert!(ended >= after);
            prop_assert!(ended <= after + 2 * every, "{ended} is late");
        }
    }
}
