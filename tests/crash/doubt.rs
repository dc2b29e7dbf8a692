//! What a run in doubt leaves behind does not stand in the next one's way; and the exit codes of faults.

use super::bench::Bench;

const PAIR: &str = r#"
version = 1
[lab]
name = "pair"
region = "us-east-1"
[network]
zones = ["us-east-1a"]
[access]
operators = ["203.0.113.7/32"]
[access.port.ssh]
port = 22
from = "operators"
[node.sim]
count = 2
types = ["g5.xlarge", "g6.xlarge"]
elastic_ip = true
volume.data = { size_gib = 50, mount = "/data" }
"#;

/// A lab with a scenario of its own.
fn lab(scenario: &str) -> Bench {
    let bench = Bench::new(PAIR);
    bench.scenario(scenario);
    bench
}

#[test]
fn a_run_that_ends_in_doubt_is_cleared_up_by_the_next() -> Result<(), String> {
    // The answer of CreateVpc is lost, and after the plan's reading VPCs cannot be read.
    let doubt = "[[fault]]\nkind = \"lost-response\"\non = \"CreateVpc\"\n\
                 [[fault]]\nkind = \"denied\"\non = \"DescribeVpcs\"\nskip = 1\ntimes = 1\n";
    let bench = lab(doubt);
    bench
        .run(&["apply", "--yes"])
        .ends(4, "the look-up is denied")?;
    assert!(bench.journal().exists(), "the journal keeps the suspect");
    bench.scenario("");
    let healed = bench.run(&["apply", "--yes"]);
    healed.ends(0, "cleared up")?;
    healed.says(&["cut off"])?;
    bench
        .run(&["plan", "--detailed-exitcode"])
        .ends(0, "settled")?;
    bench.run(&["destroy", "--yes"]).ends(0, "gone")
}

#[test]
fn exit_codes_of_faults() -> Result<(), String> {
    for (fault, code, word) in [
        ("[[fault]]\nkind = \"capacity\"\n", 7, "choices"),
        (
            "[quotas]\nL-DB2E81BA = 0\n",
            7,
            "--quota-code L-DB2E81BA --desired-value 8",
        ),
        (
            "[[fault]]\nkind = \"denied\"\non = \"CreateRole\"\n",
            4,
            "CreateRole",
        ),
        ("[[fault]]\nkind = \"expired\"\n", 4, "aws sso login"),
        ("[[fault]]\nkind = \"launch-failure\"\n", 6, "terminated"),
    ] {
        let bench = lab(fault);
        let ran = bench.run(&["apply", "--yes"]);
        ran.ends(code, fault)?;
        ran.says(&[word])?;
        // With nothing wrong any more it goes on from there.
        bench.scenario("");
        bench.run(&["apply", "--yes"]).ends(0, fault)?;
        bench.run(&["destroy", "--yes"]).ends(0, fault)?;
    }
    Ok(())
}
