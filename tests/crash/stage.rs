//! A command on a lab, where it starts from, and what it leads to when nothing interrupts it.

use super::bench::{Bench, Ran};
use super::labs::Subject;
use super::outcome::Outcome;

/// A command that is going to be interrupted.
pub(crate) struct Stage {
    /// The lab and the command, for reports.
    pub(crate) name: String,
    /// The lab before the command.
    pub(crate) before: Bench,
    /// What is typed.
    pub(crate) words: &'static [&'static str],
    /// What it leads to.
    pub(crate) expected: Outcome,
}

pub(crate) const APPLY: &[&str] = &["apply", "--yes", "--quiet"];
pub(crate) const DESTROY: &[&str] = &["destroy", "--yes", "--quiet"];

/// The first apply, each change, and the destroy of a lab.
pub(crate) fn stages(subject: &Subject) -> Vec<Stage> {
    let nothing = Bench::new(&subject.profile);
    let (applied, expected) = finished(&nothing, APPLY);
    let other = finished(&nothing, APPLY).1;
    let mut stages = vec![Stage {
        name: format!("{} apply", subject.name),
        before: nothing,
        words: APPLY,
        expected: expected.stable(&other),
    }];
    for (change, profile) in &subject.changes {
        let before = applied.copy();
        before.write("lab.toml", profile);
        stages.push(Stage::new(
            format!("{} apply {change}", subject.name),
            before,
            APPLY,
        ));
    }
    stages.push(Stage::new(
        format!("{} destroy", subject.name),
        applied,
        DESTROY,
    ));
    stages
}

/// The lab after the command, and what there is then.
pub(crate) fn finished(before: &Bench, words: &[&str]) -> (Bench, Outcome) {
    let bench = before.copy();
    bench
        .run(words)
        .ends(0, "uninterrupted")
        .expect("it passes");
    let outcome = Outcome::of(&bench).expect("it can be read");
    (bench, outcome)
}

impl Stage {
    fn new(name: String, before: Bench, words: &'static [&'static str]) -> Self {
        let expected = finished(&before, words).1;
        let again = finished(&before, words).1;
        again
            .must_be(&expected, "twice the same")
            .expect("two runs lead to the same");
        Self {
            name,
            before,
            words,
            expected,
        }
    }

    /// Runs the command.
    pub(crate) fn run(&self, bench: &Bench) -> Ran {
        bench.run(self.words)
    }

    /// Runs the same command again, and checks that all is as if nothing had happened.
    pub(crate) fn heals(&self, bench: &Bench, what: &str) -> Result<(), String> {
        let what = format!("{}, {what}", self.name);
        self.run(bench).ends(0, &what)?;
        self.is_whole(bench, &what)
    }

    /// Checks that all is as after the uninterrupted run, and that nothing is left to do.
    fn is_whole(&self, bench: &Bench, what: &str) -> Result<(), String> {
        let outcome = Outcome::of(bench).map_err(|error| format!("{what}: {error}"))?;
        outcome.must_be(&self.expected, what)?;
        self.is_settled(bench, what)
    }

    /// The same command again where files were lost: the lab is as after the uninterrupted run, and nothing was ever
    /// made or taken away for it that was not then.
    pub(crate) fn recovers(&self, bench: &Bench, what: &str) -> Result<(), String> {
        let what = &format!("{}, {what}", self.name);
        self.run(bench).ends(0, what)?;
        let outcome =
            Outcome::without_journals(bench).map_err(|error| format!("{what}: {error}"))?;
        outcome
            .without_times()
            .must_be(&self.expected.clone().without_times(), what)?;
        self.is_settled(bench, what)
    }

    fn is_settled(&self, bench: &Bench, what: &str) -> Result<(), String> {
        if self.words == APPLY {
            let plan = bench.run(&["plan", "--detailed-exitcode"]);
            plan.ends(0, &format!("{what}: the plan after it"))?;
        }
        Ok(())
    }
}
