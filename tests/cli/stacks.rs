//! Stacks from the profile to the hosts: secrets that are there or not, and what is known of services.

use std::io::{BufRead, BufReader};

use crate::bench::{Bench, PROFILE, Ran, finish, signal};

const SECRET: &str = "nvapi-hunter2-5b9e17c0aa34d2f6";

/// [`PROFILE`] whose machine runs a stack with a secret from `source`.
fn profile(source: &str) -> String {
    assert!(PROFILE.contains("bootstrap   = []"));
    PROFILE.replace(
        "bootstrap   = []",
        "bootstrap = [\"base\", \"docker\", \"stack\"]\nstack = \"twin\"",
    ) + &format!(
        "\n[stack.twin]\ntemplate = \"digital-twin\"\ncomponents = [\"redis\"]\nsecrets = {{ KEY = \"{source}\" }}\n"
    )
}

fn bench(source: &str) -> Bench {
    let bench = Bench::new();
    bench.write("lab.toml", profile(source));
    bench.write("none.toml", "");
    bench.write(
        "some.toml",
        format!("[parameters]\n\"/labs/key\" = \"{SECRET}\"\n"),
    );
    bench
}

fn run(bench: &Bench, words: &[&str], scenario: &str) -> Ran {
    let more = ["--sandbox", "--scenario", scenario];
    bench.run(&[words, &more[..]].concat())
}

/// The secret is in nothing that was said and in no file but the one that it was put into.
fn is_nowhere(bench: &Bench, ran: &Ran) {
    assert!(!ran.out.contains(SECRET) && !ran.err.contains(SECRET));
    for (path, bytes) in bench.files() {
        let own = path.ends_with("some.toml") || path.ends_with("key.txt");
        let text = String::from_utf8_lossy(&bytes);
        assert!(own || !text.contains(SECRET), "{}", path.display());
    }
}

#[test]
fn a_secret_that_is_not_there_is_told_by_the_plan_and_stops_the_apply() {
    for (source, said) in [
        (
            "ssm:/labs/key",
            "stack.twin: KEY: there is no SSM parameter /labs/key",
        ),
        (
            "env:ROBOINFRA_TEST_NO_KEY",
            "there is no environment variable ROBOINFRA_TEST_NO_KEY",
        ),
        ("file:key.txt", "there is no file"),
    ] {
        let bench = bench(source);
        let plan = run(&bench, &["plan"], "none.toml");
        let shown = plan.out.replace('\n', " ");
        let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(shown.contains(said), "{source}: {}", plan.out);
        let apply = run(&bench, &["apply", "--yes"], "none.toml").ends(1);
        assert!(apply.err.contains("this plan would fail"), "{}", apply.err);
        // Nothing was made.
        let status = run(&bench, &["status"], "none.toml");
        assert!(!status.out.contains("running"), "{}", status.out);
    }
}

#[test]
fn a_stack_comes_up_with_its_secret_which_is_nowhere_else() {
    for (source, scenario) in [
        ("ssm:/labs/key", "some.toml"),
        ("file:key.txt", "none.toml"),
    ] {
        let bench = bench(source);
        bench.write("key.txt", format!("{SECRET}\n"));
        let plan = run(&bench, &["plan"], scenario);
        assert!(!plan.out.contains("there is no"), "{}", plan.out);
        let apply = run(&bench, &["apply", "--yes"], scenario).ends(0);
        is_nowhere(&bench, &apply);
        let logs = run(&bench, &["logs", "node.box.0"], scenario).ends(0);
        assert!(
            logs.out.contains("stack") && logs.out.contains("redis"),
            "{}",
            logs.out
        );
        let line = logs.out.lines().find(|line| line.starts_with("redis"));
        assert!(
            line.is_some_and(|line| line.ends_with("healthy")),
            "{}",
            logs.out
        );
        let said = run(
            &bench,
            &["logs", "node.box.0", "redis", "--tail", "5"],
            scenario,
        )
        .ends(0);
        assert!(said.out.contains("simulated"), "{}", said.out);
        let unknown = run(&bench, &["logs", "node.box.0", "riva"], scenario).ends(1);
        assert!(
            unknown.err.contains("no service riva") && unknown.err.contains("redis"),
            "{}",
            unknown.err
        );
        // Nothing is to be done again, and the secret is still nowhere.
        let again = run(&bench, &["apply", "--yes"], scenario).ends(0);
        is_nowhere(&bench, &again);
    }
}

#[test]
fn the_policy_has_the_parameter() {
    let bench = bench("ssm:/labs/key");
    let policy = bench.run(&["policy"]).ends(0);
    assert!(policy.out.contains(":parameter/labs/key"), "{}", policy.out);
    bench.write("lab.toml", profile("env:KEY"));
    let policy = bench.run(&["policy"]).ends(0);
    assert!(
        !policy.out.contains(":parameter/labs/key"),
        "{}",
        policy.out
    );
}

#[test]
fn another_value_of_a_secret_is_a_change_and_the_lockfile_does_not_have_it() {
    let bench = bench("file:key.txt");
    bench.write("key.txt", SECRET);
    run(&bench, &["apply", "--yes"], "none.toml").ends(0);
    let unchanged = ["plan", "--detailed-exitcode"];
    run(&bench, &unchanged, "none.toml").ends(0);
    bench.write("key.txt", "nvapi-another-0c77");
    let plan = run(&bench, &unchanged, "none.toml").ends(2);
    assert!(
        plan.out.contains("stack") && plan.out.contains("changed"),
        "{}",
        plan.out
    );
    let apply = run(&bench, &["apply", "--yes"], "none.toml").ends(0);
    run(&bench, &unchanged, "none.toml").ends(0);
    bench.write("key.txt", SECRET);
    is_nowhere(&bench, &apply);
    for (path, bytes) in bench.files() {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("0c77"), "{}", path.display());
    }
    // Who does not have it can measure all the same, and is not told that the stack has changed.
    std::fs::remove_file(bench.path("key.txt")).expect("it is there");
    let doctor = run(&bench, &["doctor"], "none.toml").ends(0);
    assert!(!doctor.out.contains("has changed"), "{}", doctor.out);
}

#[test]
fn another_version_of_a_parameter_is_a_change() {
    let bench = bench("ssm:/labs/key");
    run(&bench, &["apply", "--yes"], "some.toml").ends(0);
    let unchanged = ["plan", "--detailed-exitcode"];
    run(&bench, &unchanged, "some.toml").ends(0);
    bench.write("some.toml", "[parameters]\n\"/labs/key\" = \"another\"\n");
    run(&bench, &unchanged, "some.toml").ends(2);
}

#[test]
fn the_status_has_the_health_of_every_service() {
    let bench = bench("file:key.txt");
    bench.write("key.txt", SECRET);
    run(&bench, &["apply", "--yes", "--no-bootstrap"], "none.toml").ends(0);
    let before = run(&bench, &["status"], "none.toml").ends(0);
    assert!(
        before.out.contains("not made ready yet") && before.out.contains("Next: roboinfra "),
        "{}",
        before.out
    );
    run(&bench, &["apply", "--yes"], "none.toml").ends(0);
    let status = run(&bench, &["status"], "none.toml").ends(0);
    let words = status.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("node.box.0 ready for"), "{}", status.out);
    assert!(words.contains("redis healthy"), "{}", status.out);
    let json = run(&bench, &["status", "--json"], "none.toml").ends(0);
    assert!(
        json.out.contains(r#""services":{"redis":"healthy"}"#),
        "{}",
        json.out
    );
    // One that falls ill is seen by the next look at the host.
    bench.write(
        "ill.toml",
        "[hosts.facts]\nservices = \"redis:unhealthy\"\nproof-stack = \"fails: redis is unhealthy\"\n",
    );
    let doctor = run(&bench, &["doctor"], "ill.toml").ends(6);
    assert!(doctor.out.contains("redis is unhealthy"), "{}", doctor.out);
    let status = run(&bench, &["status"], "none.toml").ends(0);
    assert!(
        status.out.contains("redis unhealthy") && status.out.contains("not ready: stack"),
        "{}",
        status.out
    );
    assert!(
        status.out.contains("Next: roboinfra doctor"),
        "{}",
        status.out
    );
}

#[test]
fn a_service_is_listened_to_until_the_user_has_heard_enough() {
    let bench = bench("file:key.txt");
    bench.write("key.txt", SECRET);
    run(&bench, &["apply", "--yes"], "none.toml").ends(0);
    let mut child = bench
        .command(&["logs", "node.box.0", "redis", "-f", "--sandbox"])
        .spawn()
        .expect("the binary is built");
    let out = child.stdout.take().expect("it is piped");
    let mut first = String::new();
    BufReader::new(out)
        .read_line(&mut first)
        .expect("it says something");
    assert!(first.starts_with("simulated: redis"), "{first}");
    assert!(child.try_wait().expect("it can be asked").is_none());
    signal(child.id(), "INT");
    let ran = finish(child).ends(130);
    assert!(!ran.err.contains("error"), "{}", ran.err);
}
