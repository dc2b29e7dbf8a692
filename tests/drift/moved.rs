//! Renamed nodes keep their machines.

use std::collections::BTreeMap;

use crate::account::Account;
use crate::labs::{LAB, applied, changes, hosts, ids, planned};

const MOVED: &str = "\n[[moved]]\nfrom = \"node.box\"\nto = \"node.sim\"\n";

fn two() -> String {
    LAB.replace("[node.box]", "[node.box]\ncount = 2")
}

fn renamed() -> String {
    two().replace("[node.box]", "[node.sim]")
}

/// The ids at addresses, with the old name in the place of the new.
fn as_before(ids: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let old = |address: &String| address.replace(".sim", ".box");
    ids.iter()
        .map(|(address, id)| (old(address), id.clone()))
        .collect()
}

#[tokio::test]
async fn a_renamed_group_keeps_everything() {
    let bench = applied(&two());
    let before = ids(&bench);
    bench.write("lab.toml", renamed() + MOVED);
    let plan = bench.run(&["plan", "--sandbox"]).ends(0);
    for line in [
        "moved: node.box.0 → node.sim.0",
        "0 to create",
        "0 to replace, 0 to delete",
    ] {
        assert!(plan.out.contains(line), "{line}: {}", plan.out);
    }
    // Another run had begun it: one machine has its new tags already.
    let account = Account::open(&bench).await;
    account
        .tag(&before["node.box.1"], "roboinfra:address", "node.sim")
        .await;
    account
        .tag(&before["node.box.1"], "Name", "bench/node.sim")
        .await;
    drop(account);
    bench.run(&["apply", "--sandbox", "--yes"]).ends(0);
    let after = ids(&bench);
    assert_eq!(as_before(&after), before);
    assert_eq!(after.len(), before.len(), "{after:?}");
    assert!(after.contains_key("access.security-group.sim"), "{after:?}");
    // Then it may stay, and it may go.
    assert_eq!(planned(&bench), Vec::<String>::new());
    bench.write("lab.toml", renamed());
    assert_eq!(planned(&bench), Vec::<String>::new());
    // The old name is free for others.
    let both = renamed() + "\n[node.box]\ntypes = [\"g5.xlarge\"]\n";
    bench.write("lab.toml", both);
    bench.run(&["apply", "--sandbox", "--yes"]).ends(0);
    assert_eq!(planned(&bench), Vec::<String>::new());
    bench.run(&["destroy", "--sandbox", "--yes"]).ends(0);
}

#[test]
fn a_chain_is_followed_to_its_end() {
    let bench = applied(&LAB);
    let before = ids(&bench);
    let text = LAB.replace("[node.box]", "[node.lab]")
        + MOVED
        + "\n[[moved]]\nfrom = \"node.sim\"\nto = \"node.lab\"\n";
    bench.write("lab.toml", text);
    bench.run(&["apply", "--sandbox", "--yes"]).ends(0);
    assert_eq!(ids(&bench)["node.lab.0"], before["node.box.0"]);
    assert_eq!(planned(&bench), Vec::<String>::new());
    // Whoever moves by hand what the profile has moved is told where it is.
    let words = ["state", "mv", "node.box", "node.other", "--sandbox"];
    let ran = bench.harmless(&words, 1);
    ran.says(&[
        "no node.box",
        "`[[moved]]` of the profile makes it node.lab",
    ]);
}

#[test]
fn one_machine_moves_to_a_lower_index_of_another_group() {
    let bench = applied(&two());
    let before = ids(&bench);
    let text = LAB.to_owned()
        + &LAB[LAB.find("[node.box]").expect("there")..].replace("node.box", "node.arm")
        + "\n[[moved]]\nfrom = \"node.box.1\"\nto = \"node.arm.0\"\n";
    bench.write("lab.toml", text);
    bench.run(&["apply", "--sandbox", "--yes"]).ends(0);
    let after = ids(&bench);
    for kind in ["node.{}", "elastic-ip.{}", "volume.{}.data"] {
        let (old, new) = (kind.replace("{}", "box.1"), kind.replace("{}", "arm.0"));
        assert_eq!(after[&new], before[&old], "{new}");
    }
    assert_eq!(after["node.box.0"], before["node.box.0"]);
    assert_eq!(planned(&bench), Vec::<String>::new());
    bench.run(&["destroy", "--sandbox", "--yes"]).ends(0);
}

/// The lab with a step on its machines.
fn with_a_step(text: &str) -> String {
    text.replace("bootstrap   = []", "bootstrap   = [\"base\"]")
}

#[test]
fn what_is_known_of_hosts_moves_along() {
    let bench = applied(&with_a_step(&two()));
    let before = hosts(&bench);
    assert_eq!(before.len(), 2, "{before:?}");
    assert!(before.values().all(|(_, steps)| *steps == 1), "{before:?}");
    bench.write("lab.toml", with_a_step(&renamed()) + MOVED);
    let plan = bench.run(&["plan", "--sandbox", "--json"]).ends(0);
    assert!(!plan.out.contains("\"new\""), "{}", plan.out);
    // Another order of things: the hosts were looked at between the change of the profile and `apply`.
    bench.run(&["doctor", "--sandbox", "node.sim.0"]);
    bench.run(&["apply", "--sandbox", "--yes"]).ends(0);
    let renamed = |address: &str| address.replace(".box", ".sim");
    let expected: BTreeMap<_, _> = before
        .iter()
        .map(|(address, host)| (renamed(address), host.clone()))
        .collect();
    assert_eq!(hosts(&bench), expected);
    // By hand, too.
    bench
        .run(&["state", "mv", "node.sim.1", "node.arm.0", "--sandbox"])
        .ends(0);
    let after = hosts(&bench);
    assert_eq!(after.get("node.arm.0"), before.get("node.box.1"));
    assert_eq!(after.len(), 2, "{after:?}");
}

#[test]
fn nothing_moves_to_where_something_is() {
    let bench = applied(&(LAB.to_owned() + "\n[node.sim]\ntypes = [\"g5.xlarge\"]\n"));
    bench.write("lab.toml", LAB.replace("[node.box]", "[node.sim]") + MOVED);
    let plan = bench.run(&["plan", "--sandbox", "--json"]).ends(0);
    assert!(
        changes(&plan).contains(&"blocked node.sim.0".to_owned()),
        "{}",
        plan.out
    );
    let ran = bench.harmless(&["apply", "--sandbox", "--yes"], 1);
    ran.says(&["blocked", "state mv"]);
}
