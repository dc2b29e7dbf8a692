//! `prevent_destroy` holds on every path that would end a machine.

use crate::labs::{LAB, applied, ids, planned};

fn guarded() -> String {
    LAB.replace(
        "[node.box]",
        "[node.box]\nprevent_destroy = true\ncount = 2",
    )
}

#[test]
fn every_way_to_lose_a_protected_machine_is_refused() {
    let bench = applied(&guarded());
    let line = guarded()
        .lines()
        .position(|line| line.starts_with("prevent"))
        .expect("there")
        + 1;
    let place = format!("line {line} of the profile");
    let another = "\n[node.arm]\ntypes = [\"g5.xlarge\"]\n";
    let rest = LAB[..LAB.find("[node.box]").expect("there")].to_owned();
    for (what, text, words, says) in [
        (
            "count",
            guarded().replace("count = 2", "count = 1"),
            &["apply", "--sandbox", "--yes"][..],
            place.as_str(),
        ),
        (
            "zone",
            guarded().replace("us-east-1a", "us-east-1b"),
            &["apply", "--sandbox", "--yes"],
            &place,
        ),
        (
            "destroy",
            guarded(),
            &["destroy", "--sandbox", "--yes"],
            &place,
        ),
        (
            "group",
            rest.clone() + another,
            &["apply", "--sandbox", "--yes"],
            "state rm node.box.0",
        ),
        (
            "group, destroy",
            rest + another,
            &["destroy", "--sandbox", "--yes"],
            "state rm node.box.0",
        ),
        (
            "moved beyond the count",
            guarded()
                .replace("node.box", "node.sim")
                .replace("count = 2", "count = 1")
                + "\n[[moved]]\nfrom = \"node.box\"\nto = \"node.sim\"\n",
            &["apply", "--sandbox", "--yes"],
            &place,
        ),
    ] {
        bench.write("lab.toml", text);
        let ran = bench
            .harmless(words, 1)
            .says(&["nothing was changed", says]);
        assert!(
            ran.out.contains("prevent_destroy = true"),
            "{what}: {}",
            ran.out
        );
    }
    // The profile's word counts: it takes the protection off, and the same apply lowers the count.
    let freed = guarded().replace("= true", "= false");
    bench.write("lab.toml", freed.replace("count = 2", "count = 1"));
    bench.run(&["apply", "--sandbox", "--yes"]).ends(0);
    assert!(!ids(&bench).contains_key("node.box.1"));
    assert_eq!(planned(&bench), Vec::<String>::new());
    bench.run(&["destroy", "--sandbox", "--yes"]).ends(0);
}
