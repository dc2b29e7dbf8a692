//! `[step.*]`: bootstrap steps of the user's own, and settings of the shipped ones.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::names::named;
use super::stack::{plain_value, source};
use crate::assets::{self, Step, in_order, parse_header};
use crate::model::{NodeName, SecretSource};
use crate::profile::codes::{BAD_INPUT, BAD_STEP_FILE, MISSING_KEY, UNUSED_STEP};
use crate::profile::keys::{is_of_a_shipped_step, is_setting};
use crate::profile::problem::Problems;
use crate::profile::quote::quote;
use crate::profile::read::{At, Fields, ReadFile};
use crate::profile::suggest::did_you_mean;
use crate::profile::types::{EdgeHost, Node, StepSettings, find_step};

/// The sections of the profile that are about steps.
pub(super) type Steps = BTreeMap<NodeName, StepSettings>;

/// Where a step that is the user's own is written about, for help.
const MANUAL: &str = "docs/bootstrap.md shows how a step is written";

/// Reads every section and the files that they name.
pub(super) fn steps(root: &Fields<'_>, files: ReadFile<'_>, problems: &mut Problems) -> Steps {
    let sections = named(root, "step", problems);
    let mut steps = Steps::new();
    for (name, at, fields) in &sections {
        let own = own(at, fields, files, problems);
        let settings = StepSettings {
            inputs: inputs(fields, problems),
            secrets: secrets(fields, problems),
            own: own.map(Arc::new),
        };
        let step = settings.own.as_ref().or_else(|| assets::step(at.value));
        if let Some(step) = step {
            takes(step, settings.own.is_some(), fields, problems);
        }
        steps.insert(name.clone(), settings);
    }
    for (_, at, fields) in &sections {
        ordered(at, fields, &steps, problems);
    }
    steps
}

/// The step that a section's file holds.
fn own(
    name: &At<&str>,
    fields: &Fields<'_>,
    files: ReadFile<'_>,
    problems: &mut Problems,
) -> Option<Step> {
    let Some(path) = fields.text("script") else {
        if assets::step(name.value).is_none() {
            problems
                .add(
                    MISSING_KEY,
                    &name.span,
                    format!("[step.{}] has no `script`", name.value),
                )
                .says("which file is it?")
                .advise_if(
                    did_you_mean(
                        name.value,
                        assets::steps().iter().map(|s| s.header.name.as_str()),
                    )
                    .or_else(|| Some(format!("add script = \"steps/{}.sh\"", name.value))),
                );
        }
        return None;
    };
    if assets::step(name.value).is_some() {
        problems
            .add(
                BAD_STEP_FILE,
                &name.span,
                format!("{} is a shipped step", quote(name.value)),
            )
            .says("this name is taken")
            .advise("give yours another name, here and in its header");
        return None;
    }
    let mut bad = |what: String, help: &str| {
        problems
            .add(BAD_STEP_FILE, &path.span, what)
            .says("not a step")
            .advise(help);
        None
    };
    if path.value.trim().is_empty() {
        return bad(
            "`script` names no file".to_owned(),
            "for example: script = \"steps/calibrate.sh\"",
        );
    }
    let shown = quote(path.value);
    let text = match files(path.value) {
        Ok(text) => text,
        Err(why) => {
            return bad(
                format!("the step {shown} cannot be read: {why}"),
                "the path is taken from the profile's folder",
            );
        }
    };
    if text.starts_with('\u{feff}') {
        return bad(
            format!("the step {shown} begins with a byte order mark"),
            "save it as UTF-8 without one: a script begins with #!",
        );
    }
    if text.contains("\r\n") {
        return bad(
            format!("the step {shown} has the line ends of Windows"),
            "save it with \\n alone: bash takes the other half for a part of each line",
        );
    }
    let header = match parse_header(&text) {
        Ok(header) => header,
        Err(error) => {
            return bad(
                format!("the step {shown} has no good header: {error}"),
                MANUAL,
            );
        }
    };
    if header.name != name.value {
        return bad(
            format!("the step {shown} calls itself {}", quote(&header.name)),
            "the section and the line `# roboinfra:step` have the same name",
        );
    }
    let mut variables = header.inputs.keys().chain(&header.secrets);
    if let Some(taken) = variables.find(|name| is_of_a_shipped_step(name)) {
        return bad(
            format!("the step {shown} has the variable {taken}, which is a shipped step's"),
            "give it another name",
        );
    }
    if let Some(lacks) = ["check", "apply"].into_iter().find(|f| !defines(&text, f)) {
        return bad(
            format!("the step {shown} defines no function {lacks}"),
            MANUAL,
        );
    }
    Some(Step {
        header,
        text: Cow::Owned(text),
    })
}

/// Whether a script defines a function, as the shipped ones do: at the beginning of a line.
fn defines(text: &str, function: &str) -> bool {
    text.lines().any(|line| {
        let (is_said, line) = match line.strip_prefix("function ") {
            Some(line) => (true, line.trim_start()),
            None => (false, line.trim_start()),
        };
        let rest = line.strip_prefix(function).unwrap_or("-").trim();
        rest.starts_with(['(', '{']) || (is_said && rest.is_empty())
    })
}

fn inputs(fields: &Fields<'_>, problems: &mut Problems) -> BTreeMap<String, String> {
    let mut inputs = BTreeMap::new();
    for (key, value) in fields.entries("inputs") {
        plain_value(&key, &value, problems);
        inputs.insert(key.value.to_owned(), value.value.to_owned());
    }
    inputs
}

fn secrets(fields: &Fields<'_>, problems: &mut Problems) -> BTreeMap<String, SecretSource> {
    let mut secrets = BTreeMap::new();
    for (key, value) in fields.entries("secrets") {
        if let Some(source) = source(&key, &value, problems) {
            secrets.insert(key.value.to_owned(), source);
        }
    }
    secrets
}

/// What is given is what the step takes, and it lacks no secret.
fn takes(step: &Step, own: bool, fields: &Fields<'_>, problems: &mut Problems) {
    let header = &step.header;
    let open = |input: &&str| own || is_setting(input);
    let inputs: Vec<&str> = header
        .inputs
        .keys()
        .map(String::as_str)
        .filter(open)
        .collect();
    let secrets: Vec<&str> = header
        .secrets
        .iter()
        .map(String::as_str)
        .filter(open)
        .collect();
    for (kind, offered) in [("inputs", &inputs), ("secrets", &secrets)] {
        for (key, value) in fields.entries(kind) {
            if offered.contains(&key.value) {
                continue;
            }
            let kind = kind.trim_end_matches('s');
            let problem = problems.add(
                BAD_INPUT,
                &key.span,
                format!(
                    "the step {} takes no {kind} {}",
                    header.name,
                    quote(key.value)
                ),
            );
            problem.says(format!("unknown {kind}"));
            if kind == "secret" {
                problem.conceal(&value.span);
            }
            problem.advise(
                did_you_mean(key.value, offered.iter().copied()).unwrap_or_else(|| {
                    match offered.as_slice() {
                        [] => format!("it takes no {kind} at all"),
                        offered => format!("it takes {}", offered.join(", ")),
                    }
                }),
            );
        }
    }
    let given: BTreeSet<&str> = fields
        .entries("secrets")
        .iter()
        .map(|(key, _)| key.value)
        .collect();
    for missing in secrets.iter().filter(|name| !given.contains(*name)) {
        problems
            .add(
                BAD_INPUT,
                &fields
                    .span_of("script")
                    .unwrap_or_else(|| fields.span.clone()),
                format!("the step {} needs the secret {missing}", header.name),
            )
            .says("nothing says where it is read from")
            .advise(format!(
                "secrets = {{ {missing} = \"ssm:/labs/name\" }}, or \"env:NAME\", or \"file:PATH\""
            ));
    }
}

/// What a step needs is there and does not need the step.
fn ordered(name: &At<&str>, fields: &Fields<'_>, steps: &Steps, problems: &mut Problems) {
    let Some(path) = fields.text("script") else {
        return;
    };
    if find_step(steps, name.value).is_none() {
        return;
    }
    if let Err(error) = in_order(&[name.value], &|name| find_step(steps, name)) {
        problems
            .add(
                BAD_STEP_FILE,
                &path.span,
                format!("the step {} can never run: {error}", quote(name.value)),
            )
            .says("see `# roboinfra:needs`")
            .advise("a step may need shipped steps and those of [step.*], and none that needs it");
    }
}

/// Every section is about a step that some host runs.
pub(super) fn used(
    root: &Fields<'_>,
    (nodes, edge): (&BTreeMap<NodeName, Node>, &BTreeMap<NodeName, EdgeHost>),
    steps: &Steps,
    problems: &mut Problems,
) {
    let order = |name: &str| in_order(&[name], &|name| find_step(steps, name));
    let listed = nodes.values().map(|node| &node.bootstrap);
    let listed = listed.chain(edge.values().map(|host| &host.bootstrap));
    let run: BTreeSet<String> = listed
        .flatten()
        .filter_map(|name| order(name).ok())
        .flatten()
        .map(|step| step.header.name.clone())
        .collect();
    for (at, _) in root.named("step") {
        // A step that cannot run is told of by its own section.
        if !run.contains(at.value) && order(at.value).is_ok() {
            problems
                .add(
                    UNUSED_STEP,
                    &at.span,
                    format!("nothing runs the step {}", quote(at.value)),
                )
                .says("not used")
                .advise(
                    "name it in the `bootstrap` of a node or an edge host, or remove the section",
                );
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::profile::{Parsed, parse_with};

    const GOOD: &str = "#!/usr/bin/env bash\n# roboinfra:step own\n# roboinfra:about It\n# roboinfra:needs base\n\
        # roboinfra:reboot never\n# roboinfra:timeout 5m\n# roboinfra:proof It\n# roboinfra:systems ubuntu-*\n\
        # roboinfra:inputs RATE=1\n# roboinfra:secrets TOKEN\n\
        check() {\n    :\n}\nfunction apply { :; }\n";

    fn parsed(steps: &str, bootstrap: &str) -> Parsed {
        let text = format!(
            "version = 1\n[lab]\nname = \"lab\"\nregion = \"us-east-1\"\n\
             [node.sim]\ntypes = [\"g5.xlarge\"]\nbootstrap = [{bootstrap}]\n{steps}\n"
        );
        parse_with(&text, &|path| {
            let step = |from: &str, to: &str| {
                assert!(GOOD.contains(from), "{from}");
                Ok(GOOD.replacen(from, to, 1))
            };
            match path {
                "own.sh" => Ok(GOOD.to_owned()),
                "plain.sh" => step("# roboinfra:secrets TOKEN\n", ""),
                "second.sh" => Ok(GOOD
                    .replace("step own", "step second")
                    .replace("needs base", "needs own gpu-metrics")
                    .replace("# roboinfra:secrets TOKEN\n", "")),
                "bare.sh" => Ok("#!/bin/sh\necho hello\n".to_owned()),
                "no-check.sh" => step("check() {", "checks() {"),
                "windows.sh" => step("\n", "\r\n"),
                "taken.sh" => step("secrets TOKEN", "secrets TOKEN STACK_SECRETS"),
                "marked.sh" => step("#!", "\u{feff}#!"),
                "apart.sh" => step("function apply { :; }", "function apply\n{ :; }"),
                "debian.sh" => step("ubuntu-*", "debian-12"),
                "circle.sh" => step("needs base", "needs own"),
                "needs.sh" => step("needs base", "needs nothing"),
                "path.sh" => step("inputs RATE=1", "inputs PATH=/tmp"),
                other => Err(format!("there is no file {other}")),
            }
        })
    }

    const TOKEN: &str = "secrets = { TOKEN = \"env:TOKEN\" }";

    #[test]
    fn a_step_of_ones_own_runs_after_what_it_needs() {
        let steps =
            format!("[step.own]\nscript = \"own.sh\"\ninputs = {{ RATE = \"50\" }}\n{TOKEN}");
        let Parsed {
            profile, problems, ..
        } = parsed(&steps, "\"own\"");
        assert_eq!(problems, []);
        let profile = profile.expect("a profile");
        assert_eq!(profile.step("own").expect("it is there").text, GOOD);
        assert!(profile.step("base").is_some() && profile.step("other").is_none());
        let settings = profile.step_settings("own").expect("they are there");
        assert_eq!(
            (settings.inputs["RATE"].as_str(), settings.secrets.len()),
            ("50", 1)
        );
    }

    #[test]
    fn a_file_that_is_no_step_is_told_by_plan() {
        for (file, says) in [
            ("none.sh", "cannot be read: there is no file none.sh"),
            ("", "`script` names no file"),
            ("bare.sh", "no good header: line 2: there is no header"),
            ("no-check.sh", "defines no function check"),
            ("windows.sh", "line ends of Windows"),
            ("marked.sh", "byte order mark"),
            (
                "taken.sh",
                "has the variable STACK_SECRETS, which is a shipped step's",
            ),
            ("circle.sh", "can never run: the step \"own\" needs itself"),
            ("needs.sh", "there is no bootstrap step \"nothing\""),
            ("path.sh", "\"PATH\" belongs to the shell"),
        ] {
            let steps = format!("[step.own]\nscript = \"{file}\"\n{TOKEN}");
            let problems = parsed(&steps, "\"own\"").problems;
            let found = problems.iter().find(|found| found.message.contains(says));
            let found = found.map(|found| found.code);
            assert_eq!(found, Some("P0227"), "{file}: {problems:#?}");
        }
    }

    #[test]
    fn what_is_wrong_with_steps_is_told_by_plan() {
        let own = |file: &str, more: &str| format!("[step.own]\nscript = \"{file}\"\n{more}");
        for (steps, bootstrap, code, says) in [
            (
                own("debian.sh", TOKEN),
                "own",
                "P0320",
                "does not run on ubuntu 22.04",
            ),
            (own("own.sh", ""), "own", "P0228", "needs the secret TOKEN"),
            (own("plain.sh", TOKEN), "own", "P0228", "takes no secret"),
            (
                own("plain.sh", "inputs = { RAET = \"2\" }"),
                "own",
                "P0228",
                "takes no input",
            ),
            (
                own("own.sh", TOKEN),
                "base",
                "P0914",
                "nothing runs the step",
            ),
            (
                "[step.other]\nscript = \"own.sh\"".to_owned(),
                "other",
                "P0227",
                "calls itself",
            ),
            (
                "[step.docker]\nscript = \"own.sh\"".to_owned(),
                "docker",
                "P0227",
                "is a shipped step",
            ),
            (
                "[step.dokcer]\ninputs = {}".to_owned(),
                "docker",
                "P0102",
                "has no `script`",
            ),
            (
                "[step.docker]\ninputs = { PLATFORM = \"x\" }".to_owned(),
                "docker",
                "P0228",
                "takes no input",
            ),
            (String::new(), "own", "P0217", "there is no bootstrap step"),
        ] {
            let problems = parsed(&steps, &format!("\"{bootstrap}\"")).problems;
            let found = problems.iter().find(|found| found.message.contains(says));
            let found = found.map(|found| found.code);
            assert_eq!(found, Some(code), "{steps}: {problems:#?}");
        }
    }

    #[test]
    fn what_a_step_needs_is_there_and_fits_the_image_too() {
        let first = |file: &str| {
            format!(
                "[step.own]\nscript = \"{file}\"\n{TOKEN}\n[step.second]\nscript = \"second.sh\""
            )
        };
        let parsed_here = parsed(&first("apart.sh"), "\"second\"");
        assert_eq!(parsed_here.problems, []);
        let profile = parsed_here.profile.expect("a profile");
        let node = profile.nodes.values().next().expect("a node");
        assert_eq!(node.bootstrap, ["base", "own", "gpu-metrics", "second"]);
        let problems = parsed(&first("debian.sh"), "\"second\"").problems;
        let told: Vec<&str> = problems.iter().map(|p| p.message.as_str()).collect();
        let expected = "the step own, which second needs, does not run on ubuntu 22.04";
        assert_eq!(told, [expected]);
    }

    #[test]
    fn where_only_steps_are_wrong_the_rest_of_the_profile_can_be_used() {
        let broken = "[step.own]\nscript = \"none.sh\"\n[step.second]\nscript = \"second.sh\"";
        let parsed_here = parsed(broken, "\"second\"");
        assert!(parsed_here.profile.is_none());
        let profile = parsed_here.without_steps.expect("a profile");
        assert!(profile.step("second").is_none() && profile.step("base").is_some());
        let parsed_here = parsed(&format!("{broken}\n[acess]\n"), "\"second\"");
        assert!(parsed_here.profile.is_none() && parsed_here.without_steps.is_none());
        let stack = "stack = \"fleet\"\n[stack.fleet]\ntemplate = \"stacks/none\"";
        let parsed_here = parsed(stack, "\"stack\"");
        assert!(parsed_here.profile.is_none() && parsed_here.without_steps.is_some());
        let good = parsed("", "\"base\"");
        assert!(good.profile.is_some() && good.without_steps.is_none());
    }

    #[test]
    fn the_step_of_the_manual_is_one() {
        let manual = include_str!("../../../docs/bootstrap.md");
        let block = |language: &str, after: &str| {
            let rest = &manual[manual.find(after).expect("its heading")..];
            let begin = format!("```{language}\n");
            let rest = &rest[rest.find(&begin).expect("a block") + begin.len()..];
            rest[..rest.find("```").expect("its end")].to_owned()
        };
        let profile = block("toml", "## Steps of your own")
            .replace("bootstrap =", "types = [\"g5.xlarge\"]\nbootstrap =");
        let step = block("bash", "## Steps of your own");
        let text = format!("version = 1\n[lab]\nname = \"lab\"\nregion = \"us-east-1\"\n{profile}");
        let parsed = parse_with(&text, &|_| Ok(step.clone()));
        assert_eq!(parsed.problems, []);
        let settings = block("toml", "Some have settings");
        let text = format!(
            "version = 1\n[lab]\nname = \"lab\"\nregion = \"us-east-1\"\n[node.sim]\ntypes = [\"g5.xlarge\"]\n\
             bootstrap = [\"gpu-tuning\", \"realtime\"]\n{settings}"
        );
        assert_eq!(parse_with(&text, &|_| Ok(String::new())).problems, []);
    }

    #[test]
    fn settings_of_a_shipped_step() {
        let parsed = parsed(
            "[step.gpu-tuning]\ninputs = { POWER_LIMIT_W = \"250\" }",
            "\"gpu-tuning\"",
        );
        assert_eq!(parsed.problems, []);
        let profile = parsed.profile.expect("a profile");
        let settings = profile.step_settings("gpu-tuning").expect("they are there");
        assert_eq!(settings.inputs["POWER_LIMIT_W"], "250");
    }
}
