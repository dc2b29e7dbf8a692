//! What goes wrong at the cloud during one command: random scenarios for the sandbox.

use std::fmt::Write as _;

use roboinfra::sandbox::Scenario;

use super::rng::Rng;

/// Calls that are worth a storm of their own.
const CALLS: [&str; 34] = [
    "*",
    "Describe*",
    "Create*",
    "Delete*",
    "RunInstances",
    "RunInstances",
    "CreateVpc",
    "CreateSubnet",
    "CreateInternetGateway",
    "AttachInternetGateway",
    "CreateRouteTable",
    "CreateRoute",
    "AssociateRouteTable",
    "CreateSecurityGroup",
    "AuthorizeSecurityGroupIngress",
    "ImportKeyPair",
    "CreateRole",
    "AttachRolePolicy",
    "CreateInstanceProfile",
    "AddRoleToInstanceProfile",
    "CreatePlacementGroup",
    "CreateVolume",
    "AttachVolume",
    "AllocateAddress",
    "AssociateAddress",
    "TerminateInstances",
    "CancelSpotInstanceRequests",
    "DescribeInstances",
    "DescribeVolumes",
    "ReleaseAddress",
    "DeleteVolume",
    "DetachVolume",
    "ModifyVolume",
    "StopInstances",
];

/// An account in which no quota is in the way.
const ROOM: &str = "[quotas]\nL-0263D0A3 = 100\nL-F678F1CE = 100\n";

/// Nothing goes wrong.
pub(crate) fn clear() -> Scenario {
    Scenario::parse(ROOM).expect("a scenario")
}

/// The weather of a scenario, in an account with room unless it speaks of quotas.
pub(crate) fn of(scenario: &str) -> Scenario {
    let room = if scenario.contains("[quotas]") {
        ""
    } else {
        ROOM
    };
    // What stands before the first table belongs to the top.
    let (top, rest) = scenario.split_at(scenario.find('[').unwrap_or(scenario.len()));
    Scenario::parse(&format!("{top}{room}{rest}"))
        .unwrap_or_else(|error| panic!("{error}: {scenario}"))
}

/// The weather of one command.
pub(crate) fn draw(rng: &mut Rng) -> (String, Scenario) {
    let mut text = String::from(ROOM);
    if rng.chance(25) {
        times(rng, &mut text);
    }
    if rng.chance(65) {
        for _ in 0..rng.between(1, 3) {
            fault(rng, &mut text);
        }
    }
    let scenario = Scenario::parse(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    (text, scenario)
}

fn times(rng: &mut Rng, text: &mut String) {
    text.push_str("[times]\n");
    for (key, most) in [
        ("running", 90),
        ("stopped", 60),
        ("terminated", 120),
        ("volume", 20),
        ("instance_profile", 60),
    ] {
        if rng.chance(60) {
            writeln!(text, "{key} = \"{}s\"", rng.between(1, most)).expect("a text");
        }
    }
}

fn fault(rng: &mut Rng, text: &mut String) {
    let kinds = [
        "throttle",
        "throttle",
        "server-error",
        "lost-response",
        "lost-response",
        "refused",
        "invisible",
        "capacity",
        "launch-failure",
        "interrupt",
        "expired",
        "denied",
        "empty-page",
        "error",
    ];
    let kind = rng.pick(&kinds);
    writeln!(text, "[[fault]]\nkind = \"{kind}\"").expect("a text");
    match kind {
        "invisible" => {
            // Longer than a creating call's answer may be lost and looked for, nothing could be promised.
            writeln!(text, "for = \"{}s\"", rng.between(1, 15)).expect("a text");
            return;
        }
        "capacity" => {
            let zone = rng.pick(&["us-east-1a", "us-east-1b", "us-east-1*"]);
            let family = rng.pick(&["g5.*", "g6.*", "*"]);
            writeln!(text, "zone = \"{zone}\"\ntype = \"{family}\"").expect("a text");
            if rng.chance(40) {
                writeln!(text, "available = {}", rng.below(3)).expect("a text");
                return;
            }
        }
        "interrupt" => writeln!(text, "after = \"{}s\"", rng.between(1, 90)).expect("a text"),
        "launch-failure" => {
            text.push_str("code = \"Client.InternalError\"\nmessage = \"error on launch\"\n");
        }
        "error" => {
            let code = rng.pick(&[
                "InvalidParameterValue",
                "DependencyViolation",
                "IncorrectState",
                "RequestTimeTooSkewed",
                "VcpuLimitExceeded",
                "UnfulfillableCapacity",
                "InternalFailure",
            ]);
            writeln!(text, "code = \"{code}\"\non = \"{}\"", rng.pick(&CALLS)).expect("a text");
        }
        _ => writeln!(text, "on = \"{}\"", rng.pick(&CALLS)).expect("a text"),
    }
    often(rng, text);
}

/// How often it strikes: never always, or nothing would ever be done.
fn often(rng: &mut Rng, text: &mut String) {
    match rng.below(4) {
        0 => writeln!(text, "times = {}", rng.between(1, 4)),
        1 => writeln!(text, "every = {}", rng.between(2, 6)),
        2 => writeln!(text, "nth = {}", rng.between(1, 12)),
        _ => writeln!(
            text,
            "skip = {}\ntimes = {}",
            rng.below(20),
            rng.between(1, 30)
        ),
    }
    .expect("a text");
}
