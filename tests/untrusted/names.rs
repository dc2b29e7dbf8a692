//! Names, tags and paths that try to break out: into a shell, TOML, JSON, a terminal or the file system.

use roboinfra::profile::{Profile, Severity, parse};

use crate::checks::terminal::harmless;

const ATTACKS: &[&str] = &[
    "$(touch pwned)",
    "`id`",
    "x; rm -rf /",
    "x && id",
    "x | id",
    "-rf",
    "--yes",
    "../../etc/passwd",
    "/etc/passwd",
    "a/b",
    "..",
    "~root",
    "C:\\x",
    "x\"\n[lab]\nname = \"y",
    "x\"},{\"a\":\"b",
    "'",
    "\"",
    "\\",
    "${HOME}",
    "{{ x }}",
    "%s%n",
    "<b>&amp;",
    "\u{1b}[2J\u{1b}[31m",
    "\u{9b}31m",
    "\u{1b}]0;title\u{7}",
    "a\rb",
    "a\nb",
    "a\u{202e}b",
    "a\u{2066}b",
    "a\u{200b}b",
    "",
    " ",
    "x y",
    "ünïcode",
    "名前",
];

/// A text as TOML writes it, for a value or a key.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

const HEAD: &str = "version = 1\n[access]\noperators = [\"203.0.113.7/32\"]\n[access.port.ssh]\nport = 22\nfrom = \"operators\"\n";
const LAB: &str = "[lab]\nname = \"good\"\nregion = \"us-east-1\"\n";
const NODE: &str = "[node.sim]\ntypes = [\"g5.xlarge\"]\n";

/// Where only names may stand: `@` is the attack.
fn refused() -> Vec<String> {
    let with = |text: &str| format!("{HEAD}{LAB}{NODE}{text}");
    vec![
        format!("{HEAD}[lab]\nname = @\nregion = \"us-east-1\"\n{NODE}"),
        format!("{HEAD}[lab]\nname = \"good\"\nregion = @\n{NODE}"),
        format!("{HEAD}{LAB}[node.@]\ntypes = [\"g5.xlarge\"]\n"),
        format!("{HEAD}{LAB}[node.sim]\ntypes = [@]\n"),
        with("image = @\n"),
        with("market = @\n"),
        with("instance_profile = @\n"),
        with("driver = @\n"),
        with("bootstrap = [@]\n"),
        with("stack = @\n"),
        with("volume.@ = { size_gib = 10, mount = \"/data\" }\n"),
        with("volume.data = { size_gib = 10, mount = @ }\n"),
        with("[network]\nzones = [@]\n"),
        with("[network]\nvpc = @\nsubnets = [\"subnet-0123456789abcdef0\"]\n"),
        with("[network]\nvpc = \"vpc-0123456789abcdef0\"\nsubnets = [@]\n"),
        with("[network]\ncidr = @\n"),
        with("[access.port.@]\nport = 80\nfrom = \"operators\"\n"),
        with("[access.port.web]\nport = @\nfrom = \"operators\"\n"),
        with("[access.port.web]\nport = 80\nfrom = @\n"),
        with("[stack.@]\n"),
        with(
            "stack = \"digital-twin\"\n[stack.digital-twin]\ncomponents = [\"redis\"]\nsecrets = { KEY = @ }\n",
        ),
        with(
            "stack = \"digital-twin\"\n[stack.digital-twin]\ncomponents = [\"redis\"]\nsecrets = { @ = \"env:NAME\" }\n",
        ),
        with(
            "stack = \"digital-twin\"\n[stack.digital-twin]\ncomponents = [\"redis\"]\nenv = { @ = \"x\" }\n",
        ),
        with("stack = \"digital-twin\"\n[stack.digital-twin]\ncomponents = [@]\n"),
        with("stack = \"own\"\n[stack.own]\ntemplate = @\n"),
        with(
            "stack = \"vscode\"\n[stack.vscode]\nsecrets = { VSCODE_PASSWORD = \"env:P\" }\nimages = { vscode = @ }\n",
        ),
        with(
            "stack = \"vscode\"\n[stack.vscode]\nsecrets = { VSCODE_PASSWORD = \"env:P\" }\nimages = { @ = \"a:1\" }\n",
        ),
        with("[schedule]\ntimezone = @\nstart = \"daily 08:00\"\n"),
        with("[schedule]\ntimezone = \"UTC\"\nstart = @\n"),
        with("[state]\nbucket = @\n"),
        with("[[moved]]\nfrom = @\nto = \"node.sim\"\n"),
        with("[edge.@]\nhost = \"192.0.2.1\"\nuser = \"robot\"\nplatform = \"jetson\"\n"),
        with("[edge.arm]\nhost = @\nuser = \"robot\"\nplatform = \"jetson\"\n"),
        with("[edge.arm]\nhost = \"192.0.2.1\"\nuser = @\nplatform = \"jetson\"\n"),
        with("[metrics]\nnamespace = @\ninterval_s = 60\n"),
        with("@ = 1\n"),
        with("[@]\n"),
    ]
}

/// What these places take that others would not: each is a value of its own kind there, and goes nowhere as it is.
fn is_fine(template: &str, attack: &str) -> bool {
    let iam = |c: char| c.is_ascii_alphanumeric() || "+=,.@_-".contains(c);
    let plain = attack.chars().all(|c| c.is_ascii_graphic() || c == ' ');
    // A mount point is an absolute path without `..`.
    (template.contains("mount = @") && attack == "/etc/passwd")
        // The names of instance profiles, as IAM has them; they are a parameter of a request.
        || (template.contains("instance_profile = @") && attack.chars().all(iam))
        // CloudWatch's namespaces may have most characters; they are JSON in a request.
        || (template.contains("namespace = @") && plain)
}

#[test]
fn a_name_that_is_none_is_refused_and_shown_without_harm() {
    let mut taken = Vec::new();
    for template in refused() {
        for attack in ATTACKS {
            let text = template.replace('@', &quoted(attack));
            let parsed = parse(&text);
            for problem in &parsed.problems {
                harmless(&problem.message);
                harmless(&problem.label);
                problem.help.iter().for_each(|help| harmless(help));
            }
            let errors = parsed
                .problems
                .iter()
                .any(|p| p.severity == Severity::Error);
            assert_eq!(errors, parsed.profile.is_none());
            if parsed.profile.is_some() && !is_fine(&template, attack) {
                taken.push((
                    template
                        .lines()
                        .find(|line| line.contains('@'))
                        .unwrap_or_default()
                        .to_owned(),
                    *attack,
                ));
            }
        }
    }
    assert!(taken.is_empty(), "{taken:#?}");
}

/// Where free text may stand it comes through as it was written, and nothing beside it changes.
#[test]
fn free_text_stays_text() {
    let base = |profile: &Profile| {
        (
            profile.name.clone(),
            profile.nodes.len(),
            profile.ports.len(),
        )
    };
    for attack in ATTACKS {
        let text = format!(
            "{HEAD}{LAB}tags = {{ note = {} }}\n{NODE}stack = \"digital-twin\"\n[stack.digital-twin]\ncomponents = [\"redis\"]\nenv = {{ NOTE = {0} }}\n",
            quoted(attack)
        );
        let parsed = parse(&text);
        let Some(profile) = parsed.profile else {
            // Tags and variables have rules of their own; what is refused is refused.
            continue;
        };
        assert_eq!(base(&profile).0.as_str(), "good");
        assert_eq!((base(&profile).1, base(&profile).2), (1, 1));
        assert_eq!(profile.tags["note"], *attack);
        let stack = profile.stacks.values().next().expect("one stack");
        assert_eq!(stack.env["NOTE"], *attack);
        let controls = attack.contains(char::is_control);
        assert!(!controls, "a tag with a control character: {attack:?}");
    }
}
