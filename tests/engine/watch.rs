//! Alarms and the dashboard come, change, drift and go like everything else of a lab.

use std::collections::BTreeMap;

use roboinfra::event::RunEnd;
use roboinfra::inventory::{Seen, SeenAlarm};
use roboinfra::model::{
    Action, Address, AlarmActions, ClientToken, CloudId, Kind, Op, Reason, Ref, Stamp, Tags,
};
use roboinfra::plan::Mode;
use roboinfra::profile;

use super::labs::{complete, goes, nonzero, pair, rig, twin, twins};
use super::memory::Cut;
use super::rig::Rig;

/// A lab with everything that watches.
fn watched(lab: &str) -> String {
    format!("{lab}\n[metrics]\nnamespace = \"Twin\"\n")
}

async fn applied(profile: &str) -> Rig {
    let mut rig = rig(profile, "").await;
    again(&mut rig).await;
    complete(&mut rig, "applied").await;
    rig
}

async fn again(rig: &mut Rig) {
    let ran = rig.go(Mode::Apply).await;
    assert_eq!(ran.report.end, RunEnd::Done, "{:?}", ran.report);
}

fn set(rig: &mut Rig, text: &str) {
    let parsed = profile::parse(text);
    rig.profile = parsed.profile.expect("a good profile");
}

/// What changes, in words.
async fn told(rig: &mut Rig) -> Vec<String> {
    let look = rig.look(Mode::Apply).await;
    let changes = look.plan.changes.iter();
    changes
        .filter(|change| change.action != Action::NoOp)
        .map(|change| {
            let fields: Vec<_> = change.fields.iter().map(|f| f.field.as_str()).collect();
            format!("{} {} {}", change.action, change.address, fields.join(" "))
        })
        .collect()
}

/// The alarms as the cloud tells them.
async fn alarms(rig: &mut Rig) -> BTreeMap<String, SeenAlarm> {
    let look = rig.look(Mode::RefreshOnly).await;
    let world = rig.cloud.collect(&look.scope).await;
    let seen = world.sightings.into_iter();
    seen.filter_map(|sighting| match sighting.seen {
        Seen::Alarm(alarm) => Some((sighting.id.to_string(), alarm)),
        _ => None,
    })
    .collect()
}

/// Somebody does this by hand.
async fn by_hand(rig: &Rig, op: Op) {
    let stamp = Stamp {
        token: ClientToken::new("hand"),
        tags: Tags::new(),
    };
    rig.cloud.perform(&op, &stamp).await.expect("it is done");
}

fn live(rig: &Rig, kind: &str) -> usize {
    rig.sandbox.live().get(kind).copied().unwrap_or_default()
}

#[tokio::test]
async fn each_machine_has_its_alarms_and_the_lab_its_dashboard() {
    let mut rig = applied(&watched(&pair())).await;
    assert_eq!((live(&rig, "alarm"), live(&rig, "dashboard")), (10, 1));
    let told: Vec<String> = alarms(&mut rig).await.into_keys().collect();
    let of_first: Vec<&str> = told
        .iter()
        .filter_map(|name| name.split_once(".sim.0."))
        .map(|(_, kind)| kind)
        .collect();
    assert_eq!(
        of_first,
        ["gpu-hot", "gpu-memory", "gpu-missing", "idle", "silent"]
    );
    goes(&mut rig, "with its alarms").await;
}

#[tokio::test]
async fn a_lab_without_metrics_asks_cloudwatch_nothing() {
    let mut rig = applied(&pair()).await;
    rig.look(Mode::Apply).await;
    let calls = rig.sandbox.calls();
    assert!(calls.iter().all(|call| call.service != "monitoring"));
}

#[tokio::test]
async fn a_changed_threshold_changes_the_alarms_in_place() {
    let mut rig = applied(&watched(&pair())).await;
    let hot = watched(&pair()) + "gpu_hot_celsius = 70\n";
    set(&mut rig, &hot);
    let changes = told(&mut rig).await;
    assert_eq!(
        changes,
        [
            "update alarm.sim.0.gpu-hot threshold",
            "update alarm.sim.1.gpu-hot threshold",
            "update dashboard body",
        ]
    );
    again(&mut rig).await;
    complete(&mut rig, "with another threshold").await;
    let found = alarms(&mut rig).await;
    let hot = found.iter().filter(|(name, _)| name.ends_with("gpu-hot"));
    assert!(
        hot.into_iter()
            .all(|(_, alarm)| alarm.settings["threshold"] == "at least 70"),
        "{found:?}"
    );
}

#[tokio::test]
async fn what_the_profile_asks_for_no_more_goes() {
    let mut rig = applied(&watched(&pair())).await;
    set(&mut rig, &(watched(&pair()) + "alarms = false\n"));
    again(&mut rig).await;
    assert_eq!((live(&rig, "alarm"), live(&rig, "dashboard")), (0, 1));
    let deleting = rig.sandbox.call_counts()["DeleteAlarms"];
    assert_eq!(deleting, 1, "ten alarms go in one call");
    set(&mut rig, &pair());
    again(&mut rig).await;
    assert_eq!((live(&rig, "alarm"), live(&rig, "dashboard")), (0, 0));
    complete(&mut rig, "unwatched").await;
}

#[tokio::test]
async fn a_new_machine_of_an_address_is_watched_by_the_alarms_of_the_old() {
    let mut rig = applied(&watched(&pair())).await;
    let before = alarms(&mut rig).await;
    let machine = rig.look(Mode::Apply).await.plan.bindings[&Address::new("node.sim.0")].clone();
    by_hand(
        &rig,
        Op::TerminateInstances {
            instances: vec![Ref::Existing(machine.id.clone())],
        },
    )
    .await;
    again(&mut rig).await;
    complete(&mut rig, "with a new machine").await;
    let after = alarms(&mut rig).await;
    assert_eq!(
        after.keys().collect::<Vec<_>>(),
        before.keys().collect::<Vec<_>>()
    );
    let now = rig.look(Mode::Apply).await.plan.bindings[&Address::new("node.sim.0")].clone();
    assert_ne!(now.id, machine.id);
    for (name, alarm) in &after {
        let watched = alarm.instance.as_ref() == Some(&now.id);
        assert_eq!(watched, name.contains(".sim.0."), "{name}: {alarm:?}");
    }
}

#[tokio::test]
async fn drift_is_put_right_and_what_somebody_hung_on_an_alarm_stays() {
    let mut rig = applied(&watched(&pair())).await;
    let look = rig.look(Mode::Apply).await;
    let address = Address::new("alarm.sim.0.gpu-hot");
    let roboinfra::model::Spec::Alarm(spec) = look.lab.resources[&address].spec.clone() else {
        unreachable!("it is an alarm")
    };
    let node = look.plan.bindings[&Address::new("node.sim.0")].id.clone();
    let topic = "arn:aws:sns:us-east-1:123456789012:alarms".to_owned();
    let actions = AlarmActions {
        alarm: vec![topic.clone()],
        ..AlarmActions::default()
    };
    let mut changed = spec.clone();
    changed.node = Ref::Existing(node);
    changed.periods = 9;
    by_hand(
        &rig,
        Op::UpdateAlarm {
            alarm: Box::new(changed),
            actions,
        },
    )
    .await;
    by_hand(
        &rig,
        Op::UpdateDashboard {
            dashboard: Ref::Existing(look.plan.bindings[&Address::new("dashboard")].id.clone()),
            body: "{\"widgets\":[]}".to_owned(),
        },
    )
    .await;
    by_hand(
        &rig,
        Op::DeleteAlarms {
            alarms: vec![Ref::Existing(CloudId::new(
                spec.name.replace("sim.0", "sim.1"),
            ))],
        },
    )
    .await;
    let look = rig.look(Mode::Apply).await;
    let drift: Vec<_> = look
        .plan
        .changes
        .iter()
        .filter(|change| change.action != Action::NoOp)
        .map(|change| {
            (
                change.address.as_str(),
                change.action,
                change.fields.iter().any(|f| f.drift),
            )
        })
        .collect();
    assert_eq!(
        drift,
        [
            ("alarm.sim.0.gpu-hot", Action::Update, true),
            ("alarm.sim.1.gpu-hot", Action::Create, false),
            ("dashboard", Action::Update, true),
        ]
    );
    again(&mut rig).await;
    complete(&mut rig, "put right").await;
    assert_eq!(alarms(&mut rig).await[&spec.name].actions.alarm, [topic]);
}

#[tokio::test]
async fn a_lost_lockfile_orphans_no_alarm() {
    let mut rig = applied(&watched(&pair())).await;
    let known = rig.lockfile.clone().expect("applied");
    // Only the lab's id is known again, as `state rebuild` reads it off the tags.
    let mut bare = known.clone();
    bare.resources.clear();
    rig.lockfile = Some(bare);
    rig.journal.records.clear();
    let look = rig.look(Mode::Apply).await;
    let adopted = look.plan.changes.iter().filter(|change| {
        matches!(change.kind, Kind::Alarm | Kind::Dashboard)
            && (change.action, &change.reason) == (Action::Adopt, &Reason::NotRecorded)
    });
    assert_eq!(adopted.count(), 11);
    again(&mut rig).await;
    complete(&mut rig, "adopted").await;
    goes(&mut rig, "adopted").await;
}

#[tokio::test]
async fn cuts_leave_no_alarm_behind() {
    let mut place = 30;
    loop {
        let mut rig = rig(&watched(&pair()), "").await;
        let look = rig.look(Mode::Apply).await;
        rig.journal.cut = Some(Cut::After(place));
        let was_cut = rig.act(&look, |_, _| ()).await.is_err();
        rig.journal.cut = None;
        again(&mut rig).await;
        complete(&mut rig, &format!("cut after {place}")).await;
        goes(&mut rig, &format!("cut after {place}")).await;
        assert_eq!(nonzero(&rig), Vec::<String>::new());
        if !was_cut {
            break;
        }
        place += 7;
    }
    assert!(place > 60, "the cuts reached the alarms: {place}");
}

#[tokio::test]
async fn a_lost_answer_makes_no_second_alarm() {
    let scenario = "[[fault]]\nkind = \"lost-response\"\non = \"PutMetricAlarm\"\nevery = 2\n\
                    [[fault]]\nkind = \"lost-response\"\non = \"PutDashboard\"\nnth = 1\n\
                    [[fault]]\nkind = \"lost-response\"\non = \"DeleteAlarms\"\nnth = 1\n\
                    [[fault]]\nkind = \"throttle\"\non = \"PutMetricAlarm\"\nevery = 3\n";
    let mut rig = rig(&watched(&pair()), scenario).await;
    again(&mut rig).await;
    complete(&mut rig, "with lost answers").await;
    assert_eq!((live(&rig, "alarm"), live(&rig, "dashboard")), (10, 1));
    goes(&mut rig, "with lost answers").await;
}

#[tokio::test]
async fn tags_that_did_not_arrive_are_planned_again() {
    let tagged = |tags: &str| {
        let region = "region = \"us-east-1\"\n";
        let text = watched(&pair());
        assert!(text.contains(region), "{text}");
        text.replace(region, &format!("{region}tags = {{ {tags} }}\n"))
    };
    for call in ["TagResource", "UntagResource", "PutMetricAlarm"] {
        let mut rig = applied(&tagged("old = \"1\"")).await;
        let lock = rig.lockfile.as_mut().expect("applied");
        lock.pins.tags = Tags::from([("old".to_owned(), "1".to_owned())]);
        set(&mut rig, &tagged("new = \"2\""));
        let plain = told(&mut rig).await;
        let scenario = |text: &str| roboinfra::sandbox::Scenario::parse(text).expect("a scenario");
        let denied = format!("[[fault]]\nkind = \"denied\"\non = \"{call}\"");
        rig.sandbox.set_scenario(scenario(&denied));
        let ran = rig.go(Mode::Apply).await;
        assert_ne!(ran.report.end, RunEnd::Done, "{call}");
        rig.sandbox.set_scenario(scenario(""));
        let of_alarms = |told: &[String]| {
            let alarms = told.iter().filter(|line| line.contains(" alarm."));
            alarms.count()
        };
        let after = told(&mut rig).await;
        assert_eq!(of_alarms(&after), of_alarms(&plain), "{call}: {after:?}");
        assert_eq!(of_alarms(&after), 10, "{call}");
        again(&mut rig).await;
        complete(&mut rig, call).await;
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_left_alone() {
    let mut rig = applied(&watched(&pair())).await;
    let denied = "[[fault]]\nkind = \"denied\"\non = \"DescribeAlarms\"";
    rig.sandbox
        .set_scenario(roboinfra::sandbox::Scenario::parse(denied).expect("a scenario"));
    let look = rig.look(Mode::Apply).await;
    let alarms = look
        .plan
        .changes
        .iter()
        .filter(|change| change.kind == Kind::Alarm);
    assert!(
        alarms
            .into_iter()
            .all(|change| change.action == Action::Blocked)
    );
    assert!(look.plan.steps.is_empty());
}

#[tokio::test]
async fn calls_of_a_watched_lab() {
    let mut rig = rig(&watched(&twin()), "").await;
    again(&mut rig).await;
    let made: usize = rig.sandbox.call_counts().values().sum();
    // What the lab itself takes, and one call for each alarm; the dashboard and the two readings fit in.
    assert!(made <= 42 + 5, "{made}: {:?}", rig.sandbox.call_counts());
    complete(&mut rig, "applied").await;
    let plan = |rig: &Rig| -> usize { rig.sandbox.call_counts().values().sum() };
    rig.sandbox.forget_calls();
    rig.look(Mode::Apply).await;
    let one = plan(&rig);
    // Alarms and the dashboard are one call each more.
    assert!(one <= 16 + 2, "{one}: {:?}", rig.sandbox.call_counts());
    // A page holds a hundred alarms, those of twenty machines.
    let mut fifty = applied(&watched(&twins(50))).await;
    fifty.sandbox.forget_calls();
    fifty.look(Mode::Apply).await;
    assert_eq!(plan(&fifty), one + 2, "{:?}", fifty.sandbox.call_counts());
}
