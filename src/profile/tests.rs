//! The profile as its users meet it: whole texts in, problems or a profile out.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;

use super::codes;
use super::{
    MarketChoice, Operator, Parsed, Platform, Profile, SecretSource, Severity, Source, Zones,
    not_built, parse,
};
use crate::model::{Protocol, Shutdown, Usd};

/// Every section, every key.
const FULL: &str = super::reference::EXAMPLE;

/// The least that is a profile, with a hole for what a test is about.
fn small(more: &str) -> String {
    format!(
        "version = 1\n[lab]\nname = \"lab-one\"\nregion = \"us-east-1\"\n[node.sim]\ntypes = [\"g5.xlarge\"]\n{more}\n"
    )
}

fn good(text: &str) -> Profile {
    let Parsed {
        profile, problems, ..
    } = parse(text);
    assert_eq!(problems, [], "{text}");
    profile.expect("a text without problems is a profile")
}

/// Each problem as its code and the text it underlines.
fn found(text: &str) -> Vec<(String, String)> {
    parse(text)
        .problems
        .into_iter()
        .map(|problem| (problem.code.to_owned(), text[problem.span].to_owned()))
        .collect()
}

#[test]
fn a_full_profile_is_read_whole() {
    let profile = good(FULL);
    assert_eq!(profile.name.as_str(), "digital-twin");
    assert_eq!(profile.network.zones, Zones::Auto);
    assert_eq!(profile.operators.len(), 2);
    let port = |name: &str| {
        let (_, port) = profile
            .ports
            .iter()
            .find(|(key, _)| key.as_str() == name)
            .expect(name);
        (port.ports.to_string(), port.protocol, port.from.clone())
    };
    assert_eq!(
        port("ssh"),
        ("22".to_owned(), Protocol::Tcp, Source::Operators)
    );
    assert_eq!(port("foxglove").2, Source::Tunnel);
    assert!(
        matches!(port("dds"), (range, Protocol::Udp, Source::Cidrs(_)) if range == "7400-7500")
    );
    let node = profile.nodes.values().next().expect("one node");
    assert_eq!(node.market, MarketChoice::SpotThenOnDemand);
    assert_eq!(node.max_price, Some(Usd::from_dollars(0.6)));
    assert_eq!(
        (node.root.size_gib, node.volumes.len(), node.bootstrap.len()),
        (200, 1, 4)
    );
    assert!(node.elastic_ip && node.prevent_destroy && !node.placement_group);
    let stack = profile.stacks.values().next().expect("one stack");
    assert_eq!(
        stack.secrets["NGC_API_KEY"],
        SecretSource::Ssm("/labs/ngc".to_owned())
    );
    let schedule = profile.schedule.as_ref().expect("a schedule");
    assert_eq!(schedule.ttl, Some(Duration::from_hours(12)));
    assert_eq!(schedule.start.as_ref().map(|at| at.days.len()), Some(5));
    assert_eq!(
        profile.edge.values().next().map(|edge| edge.platform),
        Some(Platform::Jetson)
    );
    assert_eq!(not_built(&profile).len(), 1);
}

#[test]
fn what_is_left_out_has_a_default() {
    let profile = good(&small(""));
    assert_eq!(profile.operators, [Operator::MyIp]);
    assert_eq!(profile.network.cidr.to_string(), "10.0.0.0/16");
    let ports: Vec<_> = profile
        .ports
        .iter()
        .map(|(name, port)| (name.as_str(), &port.from))
        .collect();
    assert_eq!(ports, [("ssh", &Source::Operators)]);
    let node = profile.nodes.values().next().expect("one node");
    assert_eq!(
        (node.count, node.market, node.shutdown),
        (1, MarketChoice::OnDemand, Shutdown::Stop)
    );
    assert_eq!(node.image.0, "ubuntu-22.04");
    assert_eq!(
        (node.root.size_gib, node.root.iops, node.root.throughput_mib),
        (100, 3000, 125)
    );
    assert!(node.bootstrap.iter().any(|step| step == "nvidia-driver"));
    assert!(profile.metrics.is_none());
    let metrics = good(&small("[metrics]")).metrics.expect("it is there");
    assert_eq!(
        (metrics.namespace.as_str(), metrics.interval_s),
        ("roboinfra", 60)
    );
    let gateway = good(&small("[node.gateway]\ntypes = [\"t3.micro\"]"));
    let gateway = gateway.nodes.values().next().expect("sorted before sim");
    assert!(
        !gateway.bootstrap.iter().any(|step| step.contains("nvidia")),
        "no GPU, no driver"
    );
}

/// What is added to the small profile, and the problems that it brings with the text they underline.
#[rustfmt::skip]
const CASES: &[(&str, &[(&str, &str)])] = &[
    // Keys.
    ("cuont = 2", &[("P0101", "cuont")]),
    ("[nodes.x]", &[("P0101", "nodes")]),
    ("count = \"2\"", &[("P0103", "\"2\"")]),
    ("elastic_ip = 1", &[("P0103", "1")]),
    ("bootstrap = \"base\"", &[("P0103", "\"base\"")]),
    ("root_volume = 100", &[("P0103", "100")]),
    ("bootstrap = [\"base\", 3]", &[("P0103", "3")]),
    ("[moved]\nfrom = \"node.x\"", &[("P0103", "[moved]")]),
    ("[stack]\nx = 1", &[("P0103", "1")]),
    ("[state]", &[("P0102", "[state]")]),
    ("volume.data = { mount = \"/data\" }", &[("P0102", "{ mount = \"/data\" }")]),
    ("[schedule]\ntimezone = \"UTC\"", &[("P0102", "[schedule]")]),
    ("[[moved]]", &[("P0102", "[[moved]]"), ("P0102", "[[moved]]")]),
    // Numbers and words.
    ("count = 1001", &[("P0201", "1001")]),
    ("count = -1", &[("P0201", "-1")]),
    ("count = 99999999999999999999999", &[("P0201", "99999999999999999999999")]),
    ("root_volume = { size_gib = 0 }", &[("P0201", "0")]),
    ("root_volume.iops = 2999", &[("P0201", "2999")]),
    ("root_volume.throughput_mib = 2001", &[("P0201", "2001")]),
    ("max_price = nan\nmarket = \"spot\"", &[("P0201", "nan")]),
    ("market = \"sopt\"", &[("P0202", "\"sopt\"")]),
    ("shutdown = \"reboot\"", &[("P0202", "\"reboot\"")]),
    // Volumes.
    ("root_volume = { size_gib = 8, iops = 4001 }", &[("P0305", "4001")]),
    ("volume.aa = { size_gib = 2, iops = 3000, mount = \"/d\" }", &[]),
    ("root_volume = { size_gib = 4 }", &[("P0312", "4")]),
    ("root_volume = { throughput_mib = 751 }", &[("P0305", "751")]),
    ("root_volume = { size_gib = 50 }\nimage = \"dlami-base-22.04\"", &[("P0312", "50")]),
    ("volume.aa = { size_gib = 1, mount = \"/d\" }\nvolume.bb = { size_gib = 1, mount = \"/d\" }", &[("P0306", "\"/d\"")]),
    ("volume.aa = { size_gib = 1, mount = \"/etc\" }", &[("P0215", "\"/etc\"")]),
    ("volume.A = { size_gib = 1, mount = \"/d\" }", &[("P0203", "A")]),
    // Types, images, drivers.
    ("[node.V]\ntypes = []", &[("P0203", "V")]),
    ("[node.vv]\ntypes = []", &[("P0102", "[]")]),
    ("[node.vv]\ntypes = [\"p3.2xlarge\"]", &[("P0301", "\"p3.2xlarge\"")]),
    ("[node.vv]\ntypes = [\"g99.2xlarge\"]", &[("P0901", "\"g99.2xlarge\"")]),
    ("[node.vv]\ntypes = [\"g5\"]", &[("P0216", "\"g5\"")]),
    ("[node.vv]\ntypes = [\"g5.xlarge\", \"g5g.xlarge\"]", &[("P0303", "\"g5g.xlarge\"")]),
    ("[node.vv]\ntypes = [\"g5.xlarge\", \"g5.xlarge\"]", &[("P0304", "\"g5.xlarge\"")]),
    ("[node.vv]\ntypes = [\"g5g.xlarge\"]\nimage = \"dlami-base-24.04\"", &[("P0312", "\"dlami-base-24.04\"")]),
    ("image = \"ubuntu-20.04\"", &[("P0210", "\"ubuntu-20.04\"")]),
    ("image = \"ami-xyz\"", &[("P0210", "\"ami-xyz\"")]),
    ("image = \"ssm:/aws/service/x\"", &[]),
    ("image = \"ami-0123456789abcdef0\"", &[]),
    ("driver = \"535-server\"", &[("P0903", "\"535-server\"")]),
    ("driver = \"999-server\"", &[("P0903", "\"999-server\"")]),
    ("driver = \"latest\"", &[("P0218", "\"latest\"")]),
    ("[node.vv]\ntypes = [\"p3dn.24xlarge\"]\ndriver = \"595-server\"", &[("P0311", "\"595-server\"")]),
    ("image = \"debian-12\"\nbootstrap = [\"base\", \"jetson-performance\"]", &[("P0320", "\"jetson-performance\"")]),
    ("image = \"ubuntu-24.04\"\nbootstrap = [\"base\", \"jetson-performance\"]", &[]),
    ("bootstrap = [\"nvidia-drver\"]", &[("P0217", "\"nvidia-drver\"")]),
    // Market and placement.
    ("max_price = 0.5", &[("P0308", "0.5")]),
    ("max_price = 0.5\nmarket = \"spot\"", &[]),
    ("on_interruption = \"sync\"", &[("P0915", "\"sync\"")]),
    ("on_rebalance = \"sync\"\nmarket = \"on-demand\"", &[("P0915", "\"sync\"")]),
    ("on_interruption = \" \"", &[]),
    ("on_interruption = \"sync\"\non_rebalance = \"sync\"\nmarket = \"spot-then-on-demand\"", &[]),
    ("on_rebalance = \"sync\"\nmarket = \"spot\"\nbootstrap = [\"base\"]", &[("P0915", "\"sync\"")]),
    ("placement_group = true", &[("P0907", "true")]),
    ("placement_group = true\ncount = 2\nmarket = \"spot\"", &[("P0904", "true")]),
    ("instance_profile = \"arn:aws:iam::1:instance-profile/x\"", &[("P0203", "\"arn:aws:iam::1:instance-profile/x\"")]),
    // Network.
    ("[network]\ncidr = \"8.8.0.0/16\"", &[("P0205", "\"8.8.0.0/16\"")]),
    ("[network]\ncidr = \"10.0.0.0/8\"", &[("P0205", "\"10.0.0.0/8\"")]),
    ("[network]\ncidr = \"10.0.0.0/25\"", &[("P0205", "\"10.0.0.0/25\"")]),
    ("[network]\ncidr = \"10.0.1.0/16\"", &[("P0205", "\"10.0.1.0/16\"")]),
    ("[network]\ncidr = \"10.0.0.0\"", &[("P0205", "\"10.0.0.0\"")]),
    ("[network]\ncidr = \"fd00::/16\"", &[("P0205", "\"fd00::/16\"")]),
    ("[network]\ncidr = \"172.17.0.0/20\"", &[("P0909", "\"172.17.0.0/20\"")]),
    ("[network]\nzones = [\"us-east-1a\", \"us-west-2a\"]", &[("P0213", "\"us-west-2a\"")]),
    ("[network]\nzones = []", &[("P0307", "[]")]),
    ("[network]\nzones = \"all\"", &[("P0202", "\"all\"")]),
    ("[network]\nvpc = \"vpc-12345678\"", &[("P0309", "\"vpc-12345678\"")]),
    ("[network]\nsubnets = [\"subnet-12345678\"]", &[("P0309", "[\"subnet-12345678\"]")]),
    ("[network]\nvpc = \"vpc-12345678\"\nsubnets = [\"subnet-12345678\"]", &[]),
    ("[network]\nvpc = \"mine\"\nsubnets = []", &[("P0214", "\"mine\""), ("P0309", "[]")]),
    ("[network]\nvpc = \"vpc-12345678\"\nsubnets = [\"subnet-12345678\"]\ncidr = \"10.0.0.0/16\"", &[("P0309", "\"10.0.0.0/16\"")]),
    ("count = 250\n[network]\ncidr = \"10.0.0.0/24\"", &[("P0310", "\"10.0.0.0/24\"")]),
    // Access.
    ("[access]\noperators = [\"0.0.0.0/0\"]", &[("P0902", "\"0.0.0.0/0\"")]),
    ("[access]\noperators = [\"203.0.113.7\"]", &[("P0205", "\"203.0.113.7\"")]),
    ("[access]\noperators = [\"my-ip\", \"my-ip\"]", &[("P0304", "\"my-ip\"")]),
    ("[access]\nkeys = [\"ssh-ed25519 AAAA me\"]", &[("P0221", "\"ssh-ed25519 AAAA me\"")]),
    ("[access]\nkeys = [\"~/.ssh/id_ed25519\"]", &[("P0910", "\"~/.ssh/id_ed25519\"")]),
    ("[access.port.web]\nport = 80\nfrom = [\"::/0\"]\n[access.port.ssh]\nport = 22\nfrom = \"operators\"", &[("P0902", "\"::/0\"")]),
    ("[access.port.web]\nport = 80\nfrom = \"operators\"", &[("P0911", "web")]),
    ("[access.port.ssh]\nport = 22\nfrom = \"operators\"\n[access.port.two]\nport = \"22\"", &[("P0304", "\"22\"")]),
    ("[access.port.ssh]\nport = 0", &[("P0201", "0")]),
    ("[access.port.ssh]\nport = \"22-\"", &[("P0206", "\"22-\"")]),
    ("[access.port.ssh]\nport = 22\nfrom = \"operator\"", &[("P0202", "\"operator\"")]),
    ("[access.port.ssh]\nport = 22\nfrom = []", &[("P0205", "[]")]),
    ("[access.port.dds]\nport = 7400\nprotocol = \"udp\"\n[access.port.ssh]\nport = 22\nfrom = \"operators\"", &[("P0314", "7400")]),
    // Stacks and secrets.
    ("stack = \"twin\"", &[("P0302", "\"twin\"")]),
    ("[stack.twin]\ntemplate = \"digital-twin\"\ncomponents = [\"redis\"]", &[("P0905", "twin")]),
    ("stack = \"twin\"\n[stack.twin]\ntemplate = \"digital-twin\"\ncomponents = [\"redis\"]\nsecrets = { K = \"hunter2\" }", &[("P0211", "\"hunter2\"")]),
    ("stack = \"twin\"\n[stack.twin]\ntemplate = \"digital-twin\"\ncomponents = [\"redis\"]\nsecrets = { K = \"env:1x\" }", &[("P0211", "\"env:1x\"")]),
    ("stack = \"twin\"\n[stack.twin]\ntemplate = \"digital-twin\"\ncomponents = [\"redis\"]\nenv = { API_TOKEN = \"x\" }", &[("P0912", "API_TOKEN")]),
    ("stack = \"twin\"\n[stack.twin]\ntemplate = \"digital-twin\"\ncomponents = [\"redis\"]\nenv = { \"A B\" = \"x\" }", &[("P0222", "\"A B\"")]),
    ("stack = \"twin\"\n[stack.twin]\ntemplate = \"digital-twin\"\ncomponents = [\"redis\"]\nenv = { A = 1 }", &[("P0103", "1")]),
    ("stack = \"twin\"\n[stack.twin]\ntemplate = \"digital-twin\"\ncomponents = [\"redis\"]\nenv = { A = \"x\\ny\" }", &[("P0222", "\"x\\ny\"")]),
    ("stack = \"twin\"\n[stack.twin]\ntemplate = \"digital-twin\"\ncomponents = [\"redis\"]\nenv = { A = \"x\" }\nsecrets = { A = \"env:A\" }", &[("P0304", "A")]),
    // What a stack runs.
    ("stack = \"twin\"\n[stack.twin]", &[("P0315", "twin")]),
    ("stack = \"twin\"\n[stack.twin]\ntemplate = \"digital-twins\"", &[("P0315", "\"digital-twins\"")]),
    ("stack = \"vscode\"\n[stack.vscode]", &[("P0317", "vscode")]),
    ("stack = \"vscode\"\n[stack.vscode]\nsecrets = { VSCODE_PASSWORD = \"env:P\" }", &[]),
    ("stack = \"isaac-sim\"\n[stack.isaac-sim]", &[("P0316", "isaac-sim")]),
    ("stack = \"isaac-sim\"\n[stack.isaac-sim]\naccept_eula = true", &[]),
    ("stack = \"isaac-sim\"\n[stack.isaac-sim]\naccept_eula = \"Y\"", &[("P0316", "isaac-sim"), ("P0103", "\"Y\"")]),
    ("driver = \"570-server\"\nstack = \"isaac-sim\"\n[stack.isaac-sim]\naccept_eula = true", &[("P0319", "\"isaac-sim\"")]),
    ("bootstrap = [\"base\"]\nstack = \"isaac-sim\"\n[stack.isaac-sim]\naccept_eula = true", &[("P0913", "\"isaac-sim\"")]),
    ("stack = \"twin\"\n[stack.twin]\ntemplate = \"digital-twin\"\ncomponents = [\"reddis\"]", &[("P0225", "\"reddis\"")]),
    ("stack = \"twin\"\n[stack.twin]\ntemplate = \"digital-twin\"\ncomponents = []", &[("P0225", "[]")]),
    ("stack = \"twin\"\n[stack.twin]\ntemplate = \"digital-twin\"\ncomponents = [\"redis\", \"redis\"]", &[("P0304", "\"redis\"")]),
    ("stack = \"twin\"\n[stack.twin]\ntemplate = \"digital-twin\"\ncomponents = [\"nim\"]", &[("P0316", "[\"nim\"]"), ("P0317", "[\"nim\"]")]),
    ("stack = \"twin\"\n[stack.twin]\ntemplate = \"digital-twin\"\ncomponents = [\"cognitive\"]", &[("P0318", "[\"cognitive\"]")]),
    ("stack = \"twin\"\n[stack.twin]\ntemplate = \"digital-twin\"\ncomponents = [\"cognitive\"]\nimages = { cognitive = \"a/b:1\" }", &[]),
    ("stack = \"twin\"\n[stack.twin]\ntemplate = \"digital-twin\"\ncomponents = [\"cognitive\"]\nenv = { COGNITIVE_SOURCE = \"https://x/y.git#v1\" }", &[]),
    ("stack = \"twin\"\n[stack.twin]\ntemplate = \"digital-twin\"\ncomponents = [\"redis\"]\nimages = { redis = \"redis:latest\" }", &[("P0226", "\"redis:latest\"")]),
    ("stack = \"twin\"\n[stack.twin]\ntemplate = \"digital-twin\"\ncomponents = [\"redis\"]\nimages = { reddis = \"redis:7\" }", &[("P0225", "reddis")]),
    ("[edge.arm]\nhost = \"192.0.2.1\"\nuser = \"robot\"\nplatform = \"jetson\"\nstack = \"isaac-sim\"\n[stack.isaac-sim]\naccept_eula = true", &[("P0319", "\"isaac-sim\"")]),
    ("[edge.arm]\nhost = \"192.0.2.1\"\nuser = \"robot\"\nplatform = \"nuc\"\nstack = \"isaac-sim\"\n[stack.isaac-sim]\naccept_eula = true", &[("P0319", "\"isaac-sim\"")]),
    // The rest.
    ("[idle]\nfor = \"45 minutes\"", &[("P0207", "\"45 minutes\"")]),
    ("[idle]\nfor = \"30s\"", &[("P0207", "\"30s\"")]),
    ("[schedule]\nstart = \"8am\"", &[("P0208", "\"8am\"")]),
    ("[schedule]\nttl = \"91d\"", &[("P0207", "\"91d\"")]),
    ("[schedule]\nttl = \"1h\"\ntimezone = \"Berlin\"", &[("P0209", "\"Berlin\"")]),
    ("[metrics]\nnamespace = \"AWS/EC2\"", &[("P0224", "\"AWS/EC2\"")]),
    ("[budget]\nmax_hourly_usd = 0", &[("P0201", "0")]),
    ("[state]\nbucket = \"s3://x\"", &[("P0223", "\"s3://x\"")]),
    ("[[moved]]\nfrom = \"node.sim\"\nto = \"node.gone\"", &[("P0313", "\"node.sim\""), ("P0302", "\"node.gone\"")]),
    ("[[moved]]\nfrom = \"node.aa\"\nto = \"node.bb\"\n[[moved]]\nfrom = \"node.bb\"\nto = \"node.sim\"", &[]),
    ("[[moved]]\nfrom = \"node.aa\"\nto = \"node.bb\"\n[[moved]]\nfrom = \"node.bb\"\nto = \"node.aa\"", &[("P0313", "\"node.aa\"")]),
    ("[[moved]]\nfrom = \"node.aa\"\nto = \"node.aa\"", &[("P0313", "\"node.aa\"")]),
    ("[[moved]]\nfrom = \"node.aa\"\nto = \"node.sim\"\n[[moved]]\nfrom = \"node.bb\"\nto = \"node.sim\"", &[("P0304", "\"node.sim\"")]),
    ("[[moved]]\nfrom = \"node.aa\"\nto = \"node.sim.0\"", &[("P0219", "\"node.sim.0\"")]),
    ("[[moved]]\nfrom = \"node.aa.0\"\nto = \"node.sim.7\"", &[("P0302", "\"node.sim.7\"")]),
    ("[[moved]]\nfrom = \"node.sim.0\"\nto = \"node.aa.0\"", &[("P0313", "\"node.sim.0\""), ("P0302", "\"node.aa.0\"")]),
    ("[[moved]]\nfrom = \"node.aa\"\nto = \"node.smi\"", &[("P0302", "\"node.smi\"")]),
    ("[[moved]]\nfrom = \"sim\"\nto = \"node.sim\"", &[("P0219", "\"sim\"")]),
    ("[[moved]]\nfrom = \"node.aa\"\nto = \"node.sim\"\n[[moved]]\nfrom = \"node.aa\"\nto = \"node.sim\"", &[("P0304", "\"node.aa\""), ("P0304", "\"node.sim\"")]),
    ("[edge.arm]\nhost = \"-oProxyCommand=x\"\nuser = \"-l\"\nplatform = \"nuc\"", &[("P0220", "\"-oProxyCommand=x\""), ("P0220", "\"-l\"")]),
];

#[test]
fn every_mistake_is_found_where_it_is() {
    for (more, expected) in CASES {
        let expected: Vec<_> = expected
            .iter()
            .map(|(code, text)| ((*code).to_owned(), (*text).to_owned()))
            .collect();
        assert_eq!(found(&small(more)), expected, "{more}");
    }
}

#[test]
fn mistakes_of_the_lab_itself() {
    let base = "version = 1\n[lab]\nname = \"lab-one\"\nregion = \"us-east-1\"\n[node.sim]\ntypes = [\"g5.xlarge\"]\n";
    for (from, to, code) in [
        ("version = 1\n", "", "P0102"),
        ("version = 1\n", "version = 2\n", "P0104"),
        ("version = 1\n", "version = \"1\"\n", "P0103"),
        ("name = \"lab-one\"\n", "", "P0102"),
        ("lab-one", "Lab One", "P0203"),
        ("us-east-1", "us-east-9", "P0204"),
        ("us-east-1", "us-east-1a", "P0204"),
        ("us-east-1", "ca-west-1", "P0908"),
        (
            "[lab]\nname = \"lab-one\"\nregion = \"us-east-1\"\n",
            "",
            "P0102",
        ),
        ("[node.sim]\ntypes = [\"g5.xlarge\"]\n", "", "P0906"),
        (
            "[node.sim]",
            "tags = { \"aws:x\" = \"y\" }\n[node.sim]",
            "P0212",
        ),
        (
            "[node.sim]",
            "tags = { RoboInfra:x = \"y\" }\n[node.sim]",
            "P0001",
        ),
        (
            "[node.sim]",
            "tags = { ok = \"no\\u0000\" }\n[node.sim]",
            "P0212",
        ),
        ("types", "count = 1\ncount = 2\ntypes", "P0105"),
    ] {
        let text = base.replace(from, to);
        let codes: Vec<_> = parse(&text)
            .problems
            .iter()
            .map(|problem| problem.code)
            .collect();
        assert_eq!(codes, [code], "{to}");
    }
    let mut many = String::from("tags = {");
    for n in 0..46 {
        many.push_str(&format!("k{n} = \"v\", "));
    }
    let text = base.replace("[node.sim]", &format!("{many} last = \"v\" }}\n[node.sim]"));
    assert_eq!(parse(&text).problems[0].code, "P0307");
}

#[test]
fn all_problems_at_once() {
    let text = "version = 1\n[lab]\nname = \"X\"\nregion = \"us-esat-1\"\n[node.sim]\ntypes = [\"p3.2xlarge\"]\n\
                cuont = 2\nmarket = \"spto\"\nroot_volume = { size_gib = 0 }\n";
    let codes: Vec<_> = parse(text)
        .problems
        .iter()
        .map(|problem| problem.code)
        .collect();
    assert_eq!(
        codes,
        ["P0203", "P0204", "P0301", "P0101", "P0202", "P0201"]
    );
    assert_eq!(parse(text).profile, None);
}

#[test]
fn several_syntax_errors_and_what_is_wrong_besides() {
    let text = "version = 1\n[lab]\nname = unquoted\nregion = \"us-east-1\"\n[node.sim]\ntypes = [\"p3.2xlarge\"]\ncount =\n";
    let codes: Vec<_> = parse(text)
        .problems
        .iter()
        .map(|problem| problem.code)
        .collect();
    assert_eq!(codes, ["P0001", "P0301", "P0001"]);
}

#[test]
fn help_says_what_was_meant() {
    for (more, help) in [
        ("cuont = 2", "did you mean `count`?"),
        ("instance_type = \"g5.xlarge\"", "did you mean `types`?"),
        ("region = \"us-east-1\"", "`region` belongs in [lab]"),
        (
            "version = 1",
            "`version` belongs at the top of the file, before the first section",
        ),
        ("market = \"spto\"", "did you mean `spot`?"),
        (
            "[node.vv]\ntypes = [\"g5.xlarg\"]",
            "did you mean `g5.xlarge`?",
        ),
        (
            "[node.vv]\ntypes = [\"g5.3xlarge\"]",
            "did you mean `g5.2xlarge`?",
        ),
        (
            "[network]\ncidr = \"10.0.1.0/16\"",
            "the block is `10.0.0.0/16`; one address is `10.0.1.0/32`",
        ),
        (
            "[access]\noperators = [\"203.0.113.7\"]",
            "one address is written `203.0.113.7/32`",
        ),
        (
            "[schedule]\nstop = \"daily 20:00\"\ntimezone = \"Europa/Berlin\"",
            "did you mean `Europe/Berlin`?",
        ),
        ("[node.Sim_2]\ntypes = [\"g5.xlarge\"]", "try `sim-2`"),
        (
            "root_volume = { size_gib = 8, iops = 4001 }",
            "gp3 gives 500 IOPS for each GiB: 9 GiB or more",
        ),
    ] {
        let text = small(more);
        let problems = parse(&text).problems;
        assert_eq!(problems[0].help.as_deref(), Some(help), "{more}");
    }
}

#[test]
fn a_secret_in_the_file_is_never_repeated() {
    for more in [
        "stack = \"twin\"\n[stack.twin]\ntemplate = \"digital-twin\"\ncomponents = [\"redis\"]\nsecrets = { NGC = \"nvapi-hunter2\" }",
        "stack = \"twin\"\n[stack.twin]\ntemplate = \"digital-twin\"\ncomponents = [\"redis\"]\nsecrets = { NGC = \"ssm:/a b nvapi-hunter2\" }",
        "stack = \"twin\"\n[stack.twin]\ntemplate = \"digital-twin\"\ncomponents = [\"redis\"]\nenv = { NGC_API_KEY = \"nvapi-hunter2\" }",
        "stack = \"twin\"\n[stack.twin]\ntemplate = \"digital-twin\"\ncomponents = [\"redis\"]\nsecrets.NGC_API_KEY = nvapi-hunter2",
        "[access]\nkeys = [\"-----BEGIN OPENSSH PRIVATE KEY----- hunter2\"]",
    ] {
        let text = small(more);
        let parsed = parse(&text);
        assert!(!parsed.problems.is_empty(), "{more}");
        for problem in &parsed.problems {
            let said = format!(
                "{} {} {:?} {:?}",
                problem.message, problem.label, problem.help, problem.also
            );
            assert!(!said.contains("hunter2"), "{said}");
            let hidden = problem
                .hide
                .clone()
                .map(|hide| text[hide].to_owned())
                .unwrap_or_default();
            assert!(hidden.contains("hunter2"), "{more}: {hidden}");
        }
    }
}

#[test]
fn files_that_are_no_profile() {
    for (text, code) in [
        (String::new(), "P0002"),
        ("\n\n# a comment\n".to_owned(), "P0002"),
        ("\u{7f}ELF\0\0\0".to_owned(), "P0003"),
        ("# ".repeat(600 * 1024), "P0004"),
        (
            "\u{feff}version = 1\n[lab]\nname = \"x1\"\nregion = \"us-east-1\"\n".to_owned(),
            "P0906",
        ),
    ] {
        let codes: Vec<_> = parse(&text)
            .problems
            .iter()
            .map(|problem| problem.code)
            .collect();
        assert_eq!(
            codes,
            [code],
            "{:?}",
            text.chars().take(20).collect::<String>()
        );
    }
}

#[test]
fn every_code_is_documented_and_used() {
    let known: BTreeSet<_> = codes::ALL.iter().map(|code| code.id).collect();
    let tested: BTreeSet<_> = CASES
        .iter()
        .flat_map(|(_, expected)| expected.iter().map(|(code, _)| *code))
        .collect();
    assert!(tested.is_subset(&known));
    // The others are in the tests of whole files, and of steps.
    let elsewhere: BTreeSet<_> = [
        "P0001", "P0002", "P0003", "P0004", "P0104", "P0105", "P0204", "P0212", "P0227", "P0228",
        "P0229", "P0906", "P0908", "P0914",
    ]
    .into();
    let untested: Vec<_> = known
        .difference(&tested)
        .filter(|code| !elsewhere.contains(*code))
        .collect();
    assert!(untested.is_empty(), "{untested:?}");
}

#[test]
fn the_largest_file_is_read_in_time() {
    let line = "[node.aa]\nx = 1\n[access.port.p1]\nport = 22\nfrom = [\"10.0.0.0/8\", \"10.0.0.0/8\"]\nkey = nope\n";
    for text in [
        line.repeat(super::MAX_BYTES / line.len()),
        "=".repeat(super::MAX_BYTES),
        "[a]\n".repeat(200_000),
        "[[moved]]\n".repeat(100_000),
    ] {
        let started = std::time::Instant::now();
        let parsed = parse(&text);
        assert!(parsed.profile.is_none());
        assert!(
            started.elapsed() < Duration::from_secs(20),
            "{:?}",
            started.elapsed()
        );
    }
}

fn check_spans(text: &str) {
    let Parsed {
        profile, problems, ..
    } = parse(text);
    let errors = problems
        .iter()
        .filter(|problem| problem.severity == Severity::Error)
        .count();
    assert_eq!(
        profile.is_some(),
        errors == 0,
        "a profile exactly without errors: {problems:?}"
    );
    for problem in &problems {
        assert!(text.get(problem.span.clone()).is_some(), "{problem:?}");
        for (span, _) in &problem.also {
            assert!(text.get(span.clone()).is_some(), "{problem:?}");
        }
        assert!(
            problem
                .hide
                .as_ref()
                .is_none_or(|hide| text.get(hide.clone()).is_some())
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_survived(text in "\\PC{0,200}") {
        check_spans(&text);
    }

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        check_spans(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn toml_like_text_is_survived(text in "([a-z.]{1,6} = |\\[{1,2}[a-z.]{0,8}\\]{1,2}\n|\"[a-z]{0,4}\"|[{}\\[\\],=\n]|ü|[0-9]{1,4}){0,40}") {
        check_spans(&text);
    }

    #[test]
    fn a_mutated_profile_is_survived(at in 0..FULL.len(), length in 0_usize..60, insert in "[\\PC\n\"'=\\[\\]{}#]{0,8}") {
        let end = (at + length).min(FULL.len());
        check_spans(&format!("{}{insert}{}", &FULL[..at], &FULL[end..]));
    }
}
