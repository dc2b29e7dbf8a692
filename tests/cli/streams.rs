//! stdout is data, stderr is conversation; colours and JSON where they are asked for.

use std::fs::File;
use std::io::Read;
use std::process::Stdio;

use crate::bench::{Bench, finish};

/// Every line is JSON and the first names the format.
#[track_caller]
fn is_stream(bench: &Bench, words: &[&str], code: i32, format: &str) -> String {
    let ran = bench.run(words).ends(code);
    let lines = ran.json();
    assert_eq!(lines[0]["type"], "version", "{words:?}");
    assert_eq!(lines[0]["format"], format, "{words:?}");
    for line in &lines {
        assert!(line["type"].is_string(), "{words:?}: {line}");
    }
    ran.err
}

#[test]
fn with_json_every_line_of_stdout_is_json() {
    let bench = Bench::new();
    let plan = "roboinfra.plan/1";
    is_stream(&bench, &["validate", "--json"], 0, "roboinfra.problems/1");
    is_stream(
        &bench,
        &["status", "--sandbox", "--json"],
        0,
        "roboinfra.status/1",
    );
    is_stream(&bench, &["plan", "--sandbox", "--json"], 0, plan);
    is_stream(&bench, &["apply", "--sandbox", "--json"], 1, plan);
    let talk = is_stream(&bench, &["apply", "--sandbox", "--yes", "--json"], 0, plan);
    assert!(
        talk.contains("Done:"),
        "stderr is still conversation: {talk}"
    );
    is_stream(
        &bench,
        &["status", "--sandbox", "--json"],
        0,
        "roboinfra.status/1",
    );
    is_stream(
        &bench,
        &["graph", "--sandbox", "--json"],
        0,
        "roboinfra.graph/1",
    );
    is_stream(
        &bench,
        &["state", "list", "--sandbox", "--json"],
        0,
        "roboinfra.state/1",
    );
    is_stream(
        &bench,
        &["state", "show", "node.none", "--sandbox", "--json"],
        1,
        "roboinfra.error/1",
    );
    is_stream(
        &bench,
        &["start", "--sandbox", "--json"],
        0,
        "roboinfra.events/1",
    );
    is_stream(
        &bench,
        &["stop", "--sandbox", "--json"],
        0,
        "roboinfra.events/1",
    );
    is_stream(
        &bench,
        &["destroy", "--sandbox", "--yes", "--json"],
        0,
        plan,
    );
    is_stream(
        &bench,
        &["plan", "-f", "none.toml", "--json"],
        3,
        "roboinfra.error/1",
    );
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let bench = Bench::new();
    for words in [
        &["plan", "--sandbox"][..],
        &["plan", "--sandbox", "--json"],
        &["schema"],
        &["completions", "bash"],
        &["man"],
        &["apply", "--sandbox", "--yes", "--json"],
    ] {
        let mut child = bench.command(words).spawn().expect("the binary is built");
        let mut first = [0];
        let mut out = child.stdout.take().expect("it is piped");
        let _read = out.read(&mut first).expect("it can be read");
        drop(out);
        finish(child).ends(0);
    }
}

#[test]
fn data_that_cannot_be_written_is_a_failure() {
    let Ok(full) = File::options().write(true).open("/dev/full") else {
        return;
    };
    let bench = Bench::new();
    for words in [
        &["schema"][..],
        &["plan", "--sandbox"],
        &["validate", "--json"],
    ] {
        let mut command = bench.command(words);
        command.stdout(Stdio::from(full.try_clone().expect("it is open")));
        let child = command.spawn().expect("the binary is built");
        finish(child).ends(1).says(&["could not write to stdout"]);
    }
}

#[test]
fn quiet_says_what_was_asked_for_and_nothing_else() {
    let bench = Bench::new();
    let plan = bench.run(&["plan", "--sandbox", "-q"]).ends(0);
    assert!(
        plan.out.contains("node.box.0") && plan.err.is_empty(),
        "{}",
        plan.err
    );
    let apply = bench.run(&["apply", "--sandbox", "-q", "--yes"]).ends(0);
    assert_eq!((&*apply.out, &*apply.err), ("", ""));
    let destroy = bench.run(&["destroy", "--sandbox", "-q", "--yes"]).ends(0);
    assert_eq!((&*destroy.out, &*destroy.err), ("", ""));
    bench
        .run(&["plan", "-q", "-f", "none.toml"])
        .ends(3)
        .says(&["error: "]);
}

#[test]
fn colours_are_where_the_user_wants_them() {
    let bench = Bench::new();
    let escapes = |words: &[&str], environment: &[(&str, &str)]| {
        let ran = bench.run_with(words, environment).ends(0);
        (ran.out + &ran.err).contains('\u{1b}')
    };
    let plan = ["plan", "--sandbox"];
    let always = ["plan", "--sandbox", "--color", "always"];
    let never = ["plan", "--sandbox", "--color", "never"];
    assert!(!escapes(&plan, &[]), "a pipe");
    assert!(escapes(&always, &[]));
    assert!(
        escapes(&always, &[("NO_COLOR", "1")]),
        "what is typed goes first"
    );
    assert!(escapes(&plan, &[("CLICOLOR_FORCE", "1")]));
    assert!(!escapes(
        &plan,
        &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]
    ));
    assert!(!escapes(&never, &[("CLICOLOR_FORCE", "1")]));
    assert!(
        !escapes(&["apply", "--sandbox", "--yes"], &[]),
        "no bars in a pipe"
    );
}

#[test]
fn without_utf8_there_is_only_ascii() {
    let bench = Bench::new();
    for words in [
        &["plan", "--sandbox"][..],
        &["apply", "--sandbox", "--yes"],
        &["status", "--sandbox"],
        &["graph", "--sandbox"],
    ] {
        let ran = bench.run_with(words, &[("LANG", "C")]).ends(0);
        let odd: String = (ran.out + &ran.err)
            .chars()
            .filter(|c| !c.is_ascii())
            .collect();
        assert_eq!(odd, "", "{words:?}");
    }
}
