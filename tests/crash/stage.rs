//! A command on a lab, where it starts from, and what it leads to when nothing interrupts it.

use super::bench::{Bench, Ran};
use super::labs::Subject;
use super::outcome::Outcome;
use super::world::World;

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
    /// How many calls it takes.
    pub(crate) calls: usize,
}

pub(crate) const APPLY: &[&str] = &["apply", "--yes", "--quiet"];
const STOP: &[&str] = &["stop", "--quiet"];
const START: &[&str] = &["start", "--quiet"];
const REBUILD: &[&str] = &["state", "rebuild", "--quiet"];
const DESTROY: &[&str] = &["destroy", "--yes", "--quiet"];

/// The first apply, each change, and the destroy of a lab.
pub(crate) fn stages(subject: &Subject) -> Vec<Stage> {
    let nothing = Bench::new(&subject.profile);
    let (applied, _) = finished(&nothing, APPLY);
    let mut stages = vec![Stage::new(
        format!("{} apply", subject.name),
        nothing,
        APPLY,
    )];
    for (change, profile) in &subject.changes {
        let before = applied.copy();
        before.write("lab.toml", profile);
        let name = format!("{} apply {change}", subject.name);
        stages.push(Stage::new(name, before, APPLY));
    }
    let name = format!("{} destroy", subject.name);
    stages.push(Stage::new(name, applied, DESTROY));
    stages
}

/// What else acts: a stop, a start, and making a lost lockfile again.
pub(crate) fn others(subject: &Subject) -> Vec<Stage> {
    let name = |word: &str| format!("{} {word}", subject.name);
    let (applied, _) = finished(&Bench::new(&subject.profile), APPLY);
    let (stopped, _) = finished(&applied, STOP);
    let lost = applied.copy();
    std::fs::remove_file(lost.lockfile()).expect("it was applied");
    vec![
        Stage::new(name("stop"), applied, STOP),
        Stage::new(name("start"), stopped, START),
        Stage::new(name("rebuild"), lost, REBUILD),
    ]
}

/// The lab after the command, and what there is then.
pub(crate) fn finished(before: &Bench, words: &[&str]) -> (Bench, Outcome) {
    let bench = before.copy();
    // A rule that never fires counts the calls.
    bench.scenario("[[fault]]\nkind = \"kill\"\nnth = 1000000\n");
    bench
        .run(words)
        .ends(0, "uninterrupted")
        .expect("it passes");
    bench.scenario("");
    settled(&bench, words, "uninterrupted").expect("nothing is left to do");
    let outcome = Outcome::of(&bench).expect("it can be read");
    (bench, outcome)
}

impl Stage {
    fn new(name: String, before: Bench, words: &'static [&'static str]) -> Self {
        let (after, expected) = finished(&before, words);
        // The count goes on from that of the run before.
        let [began, ended] = [&before, &after].map(|bench| World::read(bench).calls);
        let calls = usize::try_from(ended - began).expect("few");
        // Two runs must lead to the same, but for the digests of what each first apply draws for itself.
        let again = finished(&before, words).1;
        let expected = expected.stable(&again);
        again
            .must_be(&expected, "twice the same")
            .expect("two runs lead to the same");
        Self {
            name,
            before,
            words,
            expected,
            calls,
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

    /// Checks that all is as after the uninterrupted run. A plan is made of nothing else than the profile, the lockfile
    /// and the world, so that nothing is left to do.
    fn is_whole(&self, bench: &Bench, what: &str) -> Result<(), String> {
        let outcome = Outcome::of(bench).map_err(|error| format!("{what}: {error}"))?;
        outcome.must_be(&self.expected, what)
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
        settled(bench, self.words, what)
    }
}

/// Checks that a plan finds nothing to do after an apply.
fn settled(bench: &Bench, words: &[&str], what: &str) -> Result<(), String> {
    if words != APPLY {
        return Ok(());
    }
    let plan = bench.run(&["plan", "--detailed-exitcode"]);
    plan.ends(0, &format!("{what}: the plan after it"))
}
