//! `template = "stacks/fleet"`: a stack of the user's own, in a folder with the same two files that a shipped one has.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::assets::{HostGpu, StackTemplate, StackWish, images, is_pinned};
use crate::model::NodeName;
use crate::profile::codes::BAD_STACK_FILE;
use crate::profile::problem::Problems;
use crate::profile::quote::quote;
use crate::profile::read::{At, ReadFile};

/// Reads the folder's files; `None` where anything is wrong with them.
pub(super) fn read(
    name: &At<&str>,
    folder: &At<&str>,
    files: ReadFile<'_>,
    problems: &mut Problems,
) -> Option<Arc<StackTemplate>> {
    match stack(name.value, folder.value.trim_end_matches('/'), files) {
        Ok(stack) => Some(Arc::new(stack)),
        Err(what) => {
            problems
                .add(BAD_STACK_FILE, &folder.span, what)
                .says("not a stack")
                .advise("docs/stacks.md shows how a stack of your own is written");
            None
        }
    }
}

fn stack(name: &str, folder: &str, files: ReadFile<'_>) -> Result<StackTemplate, String> {
    let read = |file: &str| {
        let path = format!("{folder}/{file}");
        files(&path).map_err(|why| format!("{} cannot be read: {why}", quote(&path)))
    };
    let (described, compose) = (read("stack.toml")?, read("compose.yaml")?);
    let of = |file: &str, why: String| format!("{}: {why}", quote(&format!("{folder}/{file}")));
    let stack = StackTemplate::read(name, &described, &compose, &read)
        .map_err(|why| of("stack.toml", why))?;
    components(&stack).map_err(|why| of("stack.toml", why))?;
    renders(&stack).map_err(|why| of("compose.yaml", why))?;
    Ok(stack)
}

/// What only shipped stacks may have is not there, and every component has a fixed image.
fn components(stack: &StackTemplate) -> Result<(), String> {
    if stack.components.is_empty() {
        return Err("it has no [component.NAME]".to_owned());
    }
    for (name, component) in &stack.components {
        if NodeName::try_from(name.as_str()).is_err() {
            return Err(format!("{} cannot be the name of a component", quote(name)));
        }
        if component.build.is_some() || component.base.is_some() {
            return Err(format!(
                "[component.{name}] cannot be built on the host: give an `image`"
            ));
        }
        let image = component.image.as_deref().unwrap_or_default();
        if !images().contains_key(image) && !is_pinned(image) {
            return Err(format!(
                "[component.{name}] has no `image` with a tag other than `latest`, or a digest"
            ));
        }
        if let Some(after) = component
            .after
            .iter()
            .find(|after| !stack.components.contains_key(*after))
        {
            return Err(format!(
                "[component.{name}] waits for {}, which is not there",
                quote(after)
            ));
        }
    }
    Ok(())
}

/// Every variable of the template is defined. What is left out is read all the same, so that one look is enough.
fn renders(stack: &StackTemplate) -> Result<(), String> {
    let wish = StackWish {
        components: stack.components.keys().cloned().collect(),
        template: Arc::new(stack.clone()),
        env: BTreeMap::new(),
        images: BTreeMap::new(),
        secrets: BTreeSet::new(),
        gpu: HostGpu::None,
    };
    let rendered = wish.render().map_err(|error| error.to_string())?;
    let compose = rendered
        .files
        .get("compose.yaml")
        .map_or("", String::as_str);
    let has = |name: &str| {
        let mut lines = compose
            .lines()
            .filter_map(|line| line.trim_start().strip_prefix(name));
        lines.any(|rest| rest.starts_with(':'))
    };
    match stack.components.keys().find(|name| !has(name)) {
        None => Ok(()),
        Some(name) => Err(format!("it has no service {name}, which is a component")),
    }
}

#[cfg(test)]
mod tests {
    use crate::profile::{Parsed, parse_with};

    const DESCRIBED: &str = "about = \"A fleet\"\nfiles = [\"fleet.conf\"]\n[component.broker]\nabout = \"Broker\"\n\
        image = \"ghcr.io/acme/broker:1.2\"\nsecrets = [\"FLEET_TOKEN\"]\nfolders = [{ path = \"broker\", owner = 1000 }]\n\
        [component.worker]\nabout = \"Worker\"\nimage = \"ghcr.io/acme/worker:1.2\"\nafter = [\"broker\"]\n";
    const COMPOSE: &str = "services:\n{{#if on.broker}}\n  broker:\n    image: {{ image.broker }}\n    secrets: {{ secrets.broker }}\n{{/if}}\n\
        {{#if on.worker}}\n  worker:\n    image: {{ image.worker }}\n    depends_on: {{ after.worker }}\n{{/if}}\nsecrets: {{ secret_files }}\n";

    fn parsed(described: (&str, &str), compose: (&str, &str), section: &str) -> Parsed {
        let text = format!(
            "version = 1\n[lab]\nname = \"lab\"\nregion = \"us-east-1\"\n[node.sim]\ntypes = [\"g5.xlarge\"]\nstack = \"fleet\"\n\
             [stack.fleet]\n{section}\n"
        );
        let change = |text: &str, (from, to): (&str, &str)| {
            assert!(text.contains(from), "{from}");
            Ok(text.replacen(from, to, 1))
        };
        parse_with(&text, &|path| match path {
            "stacks/fleet/stack.toml" => change(DESCRIBED, described),
            "stacks/fleet/compose.yaml" => change(COMPOSE, compose),
            "stacks/fleet/fleet.conf" => Ok("rate = 5\n".to_owned()),
            other => Err(format!("there is no file {other}")),
        })
    }

    #[test]
    fn the_stack_of_the_manual_is_one() {
        let manual = include_str!("../../../docs/stacks.md");
        let block = |first: &str| {
            let begin = manual.find(first).expect("the block");
            let text = &manual[begin..];
            text[..text.find("```").expect("its end")].to_owned()
        };
        let text = "version = 1\n[lab]\nname = \"lab\"\nregion = \"us-east-1\"\n[node.sim]\ntypes = [\"g5.xlarge\"]\nstack = \"fleet\"\n\
            [stack.fleet]\ntemplate = \"stacks/fleet\"\nsecrets = { FLEET_TOKEN = \"env:FLEET_TOKEN\" }\n";
        let parsed = parse_with(text, &|path| match path {
            "stacks/fleet/broker.conf" => Ok(String::new()),
            path => Ok(block(&format!("# {path}\n"))),
        });
        assert_eq!(parsed.problems, []);
    }

    const SECTION: &str =
        "template = \"stacks/fleet\"\nsecrets = { FLEET_TOKEN = \"env:FLEET_TOKEN\" }";

    #[test]
    fn a_stack_of_ones_own_is_like_a_shipped_one() {
        let Parsed {
            profile, problems, ..
        } = parsed(("", ""), ("", ""), SECTION);
        assert_eq!(problems, []);
        let profile = profile.expect("a profile");
        let (_, stack) = profile.stacks.first_key_value().expect("a stack");
        let names: Vec<&String> = stack.components.iter().collect();
        assert_eq!(names, ["broker", "worker"]);
        let less = format!("{SECTION}\ncomponents = [\"broker\"]");
        assert_eq!(parsed(("", ""), ("", ""), &less).problems, []);
    }

    /// What a file has instead of what.
    type Change = (&'static str, &'static str);
    const PLAIN: Change = ("", "");

    /// Changes of both files, the section, and the code and words of the problem.
    const WRONG: &[(Change, Change, &str, &str, &str)] = &[
        (
            PLAIN,
            ("{{ image.worker }}", "{{ image.wroker }}"),
            SECTION,
            "P0229",
            "`stacks/fleet/compose.yaml`: line 9: \"image.wroker\" is not defined",
        ),
        (
            ("[component.worker]", "[component.\"wor ker\"]"),
            PLAIN,
            SECTION,
            "P0229",
            "`wor ker` cannot be the name",
        ),
        (
            PLAIN,
            ("  worker:", "  woker:"),
            SECTION,
            "P0229",
            "it has no service worker",
        ),
        (
            PLAIN,
            ("{{/if}}\nsecrets", "secrets"),
            SECTION,
            "P0229",
            "has no {{/if}}",
        ),
        (
            ("about = \"A fleet\"", "abuot = \"A fleet\""),
            PLAIN,
            SECTION,
            "P0229",
            "`stacks/fleet/stack.toml`: line 1: unknown field `abuot`",
        ),
        (
            ("broker:1.2", "broker:latest"),
            PLAIN,
            SECTION,
            "P0229",
            "[component.broker] has no `image` with a tag",
        ),
        (
            ("image = \"ghcr.io/acme/broker:1.2\"", "build = \"ros2\""),
            PLAIN,
            SECTION,
            "P0229",
            "cannot be built on the host",
        ),
        (
            ("after = [\"broker\"]", "after = [\"brokr\"]"),
            PLAIN,
            SECTION,
            "P0229",
            "waits for `brokr`",
        ),
        (
            ("path = \"broker\"", "path = \"../etc\""),
            PLAIN,
            SECTION,
            "P0229",
            "\"../etc\" cannot be one of its `folders`",
        ),
        (
            ("[\"fleet.conf\"]", "[\"/etc/passwd\"]"),
            PLAIN,
            SECTION,
            "P0229",
            "\"/etc/passwd\" cannot be one of its `files`",
        ),
        (
            ("[\"fleet.conf\"]", "[\"none.conf\"]"),
            PLAIN,
            SECTION,
            "P0229",
            "there is no file stacks/fleet/none.conf",
        ),
        (
            PLAIN,
            PLAIN,
            "template = \"stacks/none\"",
            "P0229",
            "there is no file stacks/none/stack.toml",
        ),
        (
            PLAIN,
            PLAIN,
            "template = \"stacks/fleet\"",
            "P0317",
            "needs the secret FLEET_TOKEN",
        ),
        (
            PLAIN,
            PLAIN,
            "template = \"fleet\"",
            "P0315",
            "there is no shipped stack",
        ),
    ];

    #[test]
    fn what_is_wrong_with_a_stack_is_told_by_plan() {
        for (described, compose, section, code, says) in WRONG {
            let problems = parsed(*described, *compose, section).problems;
            let found = problems.iter().find(|found| found.message.contains(says));
            assert_eq!(
                found.map(|found| found.code),
                Some(*code),
                "{says}: {problems:#?}"
            );
        }
    }
}
