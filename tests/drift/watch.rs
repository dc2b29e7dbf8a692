//! Alarms and the dashboard: they have no filter by tag, and what the lab knows of them is in their names and what they say.

use std::collections::{BTreeMap, BTreeSet};

use crate::account::Account;
use crate::bench::{Bench, PROFILE};
use crate::labs::{applied, changes, ids, planned};

/// The usual lab, watched, with these tags.
fn watched(tags: &str) -> String {
    let tagged = format!("region = \"us-east-1\"\ntags = {{ {tags} }}\n");
    let text = PROFILE.replace("region = \"us-east-1\"\n", &tagged);
    assert!(text.contains("tags = "), "{text}");
    format!("{text}\n[metrics]\nnamespace = \"Twin\"\n")
}

fn apply(bench: &Bench) {
    bench.run(&["apply", "--sandbox", "--yes"]).ends(0);
}

/// The lockfile is lost, and made again.
fn rebuilt(bench: &Bench) {
    std::fs::remove_file(bench.path(".roboinfra/sandbox/roboinfra.lock")).expect("a lockfile");
    bench.run(&["state", "rebuild", "--sandbox"]).ends(0);
}

/// The user's tags that all alarms have; they have the same.
async fn tags(bench: &Bench) -> BTreeMap<String, String> {
    let account = Account::open(bench).await;
    let mut found = BTreeSet::new();
    for alarm in account.alarms().await.values() {
        let mut tags = account.tags_of(alarm).await;
        assert!(tags.contains_key("roboinfra:lab"), "{tags:?}");
        tags.retain(|key, _| key != "Name" && !key.starts_with("roboinfra:"));
        found.insert(tags);
    }
    assert_eq!(found.len(), 1, "{found:?}");
    found.pop_first().expect("one")
}

fn told(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let pairs = pairs.iter();
    pairs
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

#[tokio::test]
async fn tags_that_come_and_go_reach_the_alarms() {
    let bench = applied(&watched("team = \"arms\""));
    assert_eq!(tags(&bench).await, told(&[("team", "arms")]));
    bench.write("lab.toml", watched("team = \"legs\", cost = \"42\""));
    let plan = bench.run(&["plan", "--sandbox"]).ends(0).out;
    let alarm = plan.split("alarm.box.0.silent").nth(1).unwrap_or_default();
    for field in ["tag cost: - ", "tag team: arms "] {
        assert!(alarm.contains(field), "{plan}");
    }
    apply(&bench);
    assert_eq!(planned(&bench), Vec::<String>::new());
    let both = told(&[("team", "legs"), ("cost", "42")]);
    assert_eq!(tags(&bench).await, both);
    bench.write("lab.toml", watched("cost = \"42\""));
    apply(&bench);
    assert_eq!(planned(&bench), Vec::<String>::new());
    assert_eq!(tags(&bench).await, told(&[("cost", "42")]));
    // What a lost lockfile cannot tell, the alarms tell: that they have others.
    bench.write("lab.toml", watched("cost = \"43\""));
    rebuilt(&bench);
    let plan = bench.run(&["plan", "--sandbox", "--json"]).ends(0);
    let updates = changes(&plan);
    assert!(
        updates.contains(&"update alarm.box.0.idle".to_owned()),
        "{updates:?}"
    );
    apply(&bench);
    assert_eq!(planned(&bench), Vec::<String>::new());
    assert_eq!(tags(&bench).await, told(&[("cost", "43")]));
    bench.write("lab.toml", watched(""));
    apply(&bench);
    assert_eq!(planned(&bench), Vec::<String>::new());
    assert_eq!(tags(&bench).await, told(&[]));
}

#[tokio::test]
async fn what_was_let_go_of_is_left_alone() {
    let bench = applied(&watched("team = \"arms\""));
    let before = ids(&bench);
    let alarm = "alarm.box.0.idle";
    let was = Account::open(&bench).await.alarms().await[&before[alarm]].clone();
    for address in [alarm, "dashboard"] {
        bench
            .run(&["state", "rm", address, "--sandbox", "--yes"])
            .ends(0)
            .says(&["The profile still asks for", "leaves this one alone"]);
        assert!(!ids(&bench).contains_key(address));
        assert_eq!(planned(&bench), Vec::<String>::new(), "{address}");
    }
    let plan = bench.run(&["plan", "--sandbox"]).ends(0).out;
    assert!(plan.contains("is not the lab's any more"), "{plan}");
    // Whatever the profile says, and however little the lockfile knows.
    bench.write(
        "lab.toml",
        watched("team = \"legs\"") + "gpu_hot_celsius = 70\n",
    );
    apply(&bench);
    rebuilt(&bench);
    apply(&bench);
    assert_eq!(planned(&bench), Vec::<String>::new());
    let account = Account::open(&bench).await;
    let now = account.alarms().await[&before[alarm]].clone();
    assert_eq!(now.metric_name(), was.metric_name());
    assert_eq!(now.dimensions(), was.dimensions());
    assert_eq!(now.period(), was.period());
    let tags = account.tags_of(&now).await;
    assert_eq!(tags.get("team").map(String::as_str), Some("arms"));
    assert!(!tags.contains_key("roboinfra:lab"), "{tags:?}");
    drop(account);
    bench.run(&["destroy", "--sandbox", "--yes"]).ends(0);
    let account = Account::open(&bench).await;
    let left: Vec<String> = account.alarms().await.into_keys().collect();
    assert_eq!(left, [before[alarm].clone()]);
    let dashboards = account.cloudwatch.list_dashboards().send().await;
    assert_eq!(dashboards.expect("told").dashboard_entries().len(), 1);
}

#[tokio::test]
async fn once_what_was_let_go_of_is_deleted_there_is_a_new_one() {
    let bench = applied(&watched("team = \"arms\""));
    let before = ids(&bench);
    let (alarm, dashboard) = ("alarm.box.0.idle", "dashboard");
    for address in [alarm, dashboard] {
        bench
            .run(&["state", "rm", address, "--sandbox", "--yes"])
            .ends(0);
    }
    let account = Account::open(&bench).await;
    let cloudwatch = &account.cloudwatch;
    let gone = cloudwatch.delete_alarms().alarm_names(&before[alarm]);
    gone.send().await.expect("deleted");
    let gone = cloudwatch
        .delete_dashboards()
        .dashboard_names(&before[dashboard]);
    gone.send().await.expect("deleted");
    drop(account);
    assert_eq!(
        planned(&bench),
        ["create alarm.box.0.idle", "create dashboard"]
    );
    apply(&bench);
    assert_eq!(planned(&bench), Vec::<String>::new());
    assert_eq!(ids(&bench), before);
}
