//! The labs that the tests are about, and what to expect of them.

use roboinfra::event::{Event, RunEnd};
use roboinfra::plan::Mode;
use roboinfra::sandbox::{Options, Scenario};

use super::rig::{Rig, still};

/// The digital-twin starter in one zone.
pub(crate) fn twin() -> String {
    let starter = roboinfra::profile::starters()
        .iter()
        .find(|starter| starter.name == "digital-twin")
        .expect("shipped");
    format!("{}\n[network]\nzones = [\"us-east-1a\"]\n", starter.text)
}

/// The same with so many nodes, and without Elastic IPs.
pub(crate) fn twins(count: usize) -> String {
    twin()
        .replace("elastic_ip  = true", "elastic_ip  = false")
        .replace("[node.sim]", &format!("[node.sim]\ncount = {count}"))
}

/// Three nodes with data volumes, of two types, in two zones.
pub(crate) const FLEET: &str = r#"
version = 1
[lab]
name = "fleet"
region = "us-east-1"
[network]
zones = ["us-east-1a", "us-east-1b"]
[access]
operators = ["203.0.113.7/32"]
[access.port.ssh]
port = 22
from = "operators"
[node.sim]
count = 3
types = ["g5.xlarge", "g6.xlarge"]
elastic_ip = true
volume.data = { size_gib = 50, mount = "/data" }
"#;

/// Two nodes in one zone, for tests that apply it very often.
pub(crate) fn pair() -> String {
    FLEET
        .replace("count = 3", "count = 2")
        .replace("\"us-east-1a\", \"us-east-1b\"", "\"us-east-1a\"")
}

/// A lab in a sandbox with a scenario.
pub(crate) async fn rig(profile: &str, scenario: &str) -> Rig {
    let options = Options {
        clock: still(),
        scenario: Scenario::parse(scenario).expect("a scenario"),
        ..Options::default()
    };
    Rig::new(profile, options).await
}

/// Asserts that the lab is complete: an apply finds nothing to do, and each address has one living thing.
pub(crate) async fn complete(rig: &mut Rig, what: &str) {
    let look = rig.look(Mode::Apply).await;
    assert!(!look.plan.has_changes(), "{what}: {:#?}", look.plan.changes);
    let living = rig.living().await;
    let wanted: Vec<_> = look.lab.resources.keys().collect();
    assert_eq!(living.keys().collect::<Vec<_>>(), wanted, "{what}");
    assert!(
        living.values().all(|count| *count == 1),
        "{what}: {living:?}"
    );
    let known = rig.journal.folded(&rig.lockfile);
    assert!(known.open.is_empty(), "{what}: {:?}", known.open);
    let known = known.lockfile.expect("a lab was applied").resources;
    assert_eq!(known.keys().collect::<Vec<_>>(), wanted, "{what}");
    for instance in look.plan.bindings.values() {
        assert!(!instance.id.as_str().is_empty());
    }
}

/// Applies once more, which must bring the lab to its end, and takes it away, which must leave nothing.
pub(crate) async fn heals_and_goes(rig: &mut Rig, what: &str) {
    let ran = rig.go(Mode::Apply).await;
    assert_eq!(ran.report.end, RunEnd::Done, "{what}: {:?}", ran.report);
    complete(rig, what).await;
    goes(rig, what).await;
}

/// Takes the lab away.
pub(crate) async fn goes(rig: &mut Rig, what: &str) {
    let ran = rig.go(Mode::Destroy).await;
    assert_eq!(ran.report.end, RunEnd::Done, "{what}: {:?}", ran.report);
    assert_eq!(nonzero(rig), Vec::<String>::new(), "{what}");
    let known = rig.lockfile.as_ref().expect("a lab was applied");
    assert!(known.resources.is_empty(), "{what}: {:?}", known.resources);
}

/// What lives in the sandbox, whoever's it is.
pub(crate) fn nonzero(rig: &Rig) -> Vec<String> {
    let live = rig.sandbox.live().into_iter();
    live.filter(|(_, count)| *count > 0)
        .map(|(kind, count)| format!("{count} {kind}"))
        .collect()
}

/// The falls-back among the events, as they are told.
pub(crate) fn fallbacks(events: &[Event]) -> Vec<(String, String)> {
    events
        .iter()
        .filter_map(|event| match event {
            Event::FellBack { from, to, .. } => Some((from.clone(), to.clone())),
            _ => None,
        })
        .collect()
}
