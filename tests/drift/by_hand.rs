//! `import`, `state rm` and `state mv`.

use crate::account::Account;
use crate::labs::{LAB, applied, ids, planned};

#[tokio::test]
async fn what_was_let_go_of_can_be_imported_again() {
    let bench = applied(&LAB);
    let before = ids(&bench);
    for address in [
        "node.box.0",
        "volume.box.0.data",
        "elastic-ip.box.0",
        "network.vpc",
        "network.subnet.us-east-1a",
        "access.key-pair",
    ] {
        let ran = bench
            .run(&["state", "rm", address, "--sandbox", "--yes"])
            .ends(0);
        ran.says(&["The profile still asks for"]);
        assert!(!ids(&bench).contains_key(address));
        let plan = planned(&bench);
        assert!(
            plan.iter().any(|line| line.ends_with(address)),
            "{address}: {plan:?}"
        );
        bench
            .run(&["import", address, &before[address], "--sandbox", "--yes"])
            .ends(0)
            .says(&["is the lab's now"]);
        assert_eq!(planned(&bench), Vec::<String>::new(), "{address}");
        assert_eq!(ids(&bench), before, "{address}");
    }
    // Forgotten for good, it costs on and destroy leaves it.
    bench
        .run(&["state", "rm", "volume.box.0.data", "--sandbox", "--yes"])
        .ends(0)
        .says(&["goes on costing"]);
    bench.run(&["destroy", "--sandbox", "--yes"]).ends(0);
    let account = Account::open(&bench).await;
    let found = account
        .ec2
        .describe_volumes()
        .volume_ids(&before["volume.box.0.data"]);
    assert!(found.send().await.is_ok());
}

#[test]
fn what_cannot_be_imported_says_why() {
    let bench = applied(&LAB);
    let known = ids(&bench);
    let machine = known["node.box.0"].as_str();
    for (address, id, says) in [
        ("node.box.7", machine, "the profile asks for no node.box.7"),
        (
            "node.box.0",
            "vpc-0123456789abcdef0",
            "its id begins with i-",
        ),
        ("node.box.0", machine, "is node.box.0 of this lab already"),
        (
            "node.box.0",
            "i-0123456789abcdef0",
            "node.box.0 exists already",
        ),
        ("network.route.default", "rtb-1", "it carries no tags"),
        ("access.role", "mine", "a name of its own"),
    ] {
        let ran = bench.harmless(&["import", address, id, "--sandbox", "--yes"], 1);
        ran.says(&[says]);
    }
    bench
        .run(&["state", "rm", "node.box.0", "--sandbox", "--yes"])
        .ends(0);
    bench
        .harmless(
            &[
                "import",
                "node.box.0",
                "i-0123456789abcdef0",
                "--sandbox",
                "--yes",
            ],
            1,
        )
        .says(&["there is no instance i-0123456789abcdef0"]);
    bench
        .harmless(&["import", "node.box.0", machine, "--sandbox"], 1)
        .says(&["--yes"]);
    // It would be replaced by the next apply.
    let bare = LAB.replace("volume.data = { size_gib = 20, mount = \"/data\" }\n", "");
    bench.write("lab.toml", bare.replace("us-east-1a", "us-east-1b"));
    bench
        .harmless(&["import", "node.box.0", machine, "--sandbox", "--yes"], 1)
        .says(&["the next apply would delete it", "zone is us-east-1a"]);
}

#[test]
fn an_address_is_given_at_once() {
    let bench = applied(&LAB.replace("[node.box]", "[node.box]\ncount = 2"));
    let before = ids(&bench);
    bench
        .run(&["state", "mv", "node.box", "node.sim", "--sandbox"])
        .ends(0)
        .says(&["the next apply deletes it"]);
    let after = ids(&bench);
    assert_eq!(after["node.sim.1"], before["node.box.1"]);
    assert_eq!(after["volume.sim.0.data"], before["volume.box.0.data"]);
    bench.write(
        "lab.toml",
        LAB.replace("[node.box]", "[node.sim]\ncount = 2"),
    );
    assert_eq!(planned(&bench), Vec::<String>::new());
    for (from, to, says) in [
        ("node.box.0", "node.sim.5", "this lab has no node.box.0"),
        ("node.sim", "node.sim", "has that address already"),
        (
            "node.sim.0",
            "node.sim",
            "is a machine and node.sim is a group",
        ),
        ("network.vpc", "network.vpc2", "cannot be moved"),
        ("node.sim.0", "node.sim.1", "blocked"),
    ] {
        let ran = bench.harmless(&["state", "mv", from, to, "--sandbox"], 1);
        ran.says(&[says]);
    }
    for (address, says) in [
        ("node.none", "this lab has no node.none"),
        ("network.route.default", "a part of its route table"),
    ] {
        bench
            .harmless(&["state", "rm", address, "--sandbox", "--yes"], 1)
            .says(&[says]);
    }
}
