//! `[node.*]`.

use std::collections::BTreeMap;

use super::names::{name, named};
use super::own_step::Steps;
use super::steps::{bootstrap, steps_fit_image};
use super::types::{Types, types};
use super::volume;
use crate::catalog::{self, DriverIssue};
use crate::model::{ImageRef, NodeName, Region, Shutdown, Usd};
use crate::profile::codes::{
    BAD_DRIVER, BAD_IMAGE, BAD_NAME, DRIVER_MISFIT, IDLE_HOOK, IMAGE_MISFIT, LONE_GROUP,
    OLD_DRIVER, PRICE_WITHOUT_SPOT, SPOT_GROUP,
};
use crate::profile::keys::{DEFAULT_STEPS, GPU_LESS_STEPS};
use crate::profile::problem::Problems;
use crate::profile::quote::quote;
use crate::profile::read::{At, Fields};
use crate::profile::suggest::{did_you_mean, one_of};
use crate::profile::types::{MarketChoice, Node};

const DEFAULT_IMAGE: &str = "ubuntu-22.04";

pub(super) fn nodes(
    root: &Fields<'_>,
    region: Option<&Region>,
    steps: &Steps,
    problems: &mut Problems,
) -> BTreeMap<NodeName, Node> {
    let mut nodes = BTreeMap::new();
    for (name, _, fields) in named(root, "node", problems) {
        if let Some(node) = node(&fields, region, steps, problems) {
            nodes.insert(name, node);
        }
    }
    nodes
}

/// One node; `None` where its types are missing. Everything is read before that is known.
fn node(
    fields: &Fields<'_>,
    region: Option<&Region>,
    own_steps: &Steps,
    problems: &mut Problems,
) -> Option<Node> {
    let types = types(fields, region, problems);
    let image = image(fields, types.as_ref(), problems);
    let root = volume::root(fields, &image, problems);
    let market = market(fields);
    let count = fields.whole("count").map_or(1, |at| at.value);
    placement(fields, count, market, problems);
    steps_fit_image(fields, &image, own_steps, problems);
    let gpu_less = types.as_ref().is_some_and(Types::have_no_gpu);
    let steps = if gpu_less {
        GPU_LESS_STEPS
    } else {
        DEFAULT_STEPS
    };
    let bootstrap = bootstrap(fields, steps, own_steps, problems);
    idle_hooks(fields, market, &bootstrap, problems);
    let mut node = Node {
        count,
        types: Vec::new(),
        market,
        max_price: max_price(fields, market, problems),
        on_interruption: hook(fields, "on_interruption"),
        on_rebalance: hook(fields, "on_rebalance"),
        image,
        elastic_ip: fields.flag("elastic_ip"),
        root,
        volumes: volume::volumes(fields, problems),
        bootstrap,
        driver: driver(fields, types.as_ref(), problems),
        stack: stack(fields),
        placement_group: fields.flag("placement_group"),
        instance_profile: instance_profile(fields, problems),
        shutdown: match fields.text("shutdown") {
            Some(at) if at.value == "terminate" => Shutdown::Terminate,
            _ => Shutdown::Stop,
        },
        prevent_destroy: fields.flag("prevent_destroy"),
        // The place in the text; whoever has the text makes a line of it.
        prevent_destroy_line: fields.span_of("prevent_destroy").map(|span| span.start),
    };
    node.types = types?.names;
    Some(node)
}

fn market(fields: &Fields<'_>) -> MarketChoice {
    match fields.text("market").map(|at| at.value) {
        Some("spot") => MarketChoice::Spot,
        Some("spot-then-on-demand") => MarketChoice::SpotThenOnDemand,
        _ => MarketChoice::OnDemand,
    }
}

/// A script without anything in it is none. What a shell could not read is left out of it.
fn hook(fields: &Fields<'_>, name: &str) -> Option<String> {
    let text: String = fields
        .text(name)?
        .value
        .chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Hooks are run by the agent, on a machine that AWS may take away.
fn idle_hooks(
    fields: &Fields<'_>,
    market: MarketChoice,
    steps: &[String],
    problems: &mut Problems,
) {
    for name in ["on_interruption", "on_rebalance"] {
        let Some(span) = fields
            .span_of(name)
            .filter(|_| hook(fields, name).is_some())
        else {
            continue;
        };
        let (why, help) = if market == MarketChoice::OnDemand {
            (
                "is for spot machines, and this node asks for none",
                "add market = \"spot\" or \"spot-then-on-demand\"",
            )
        } else if !steps.iter().any(|step| step == "gpu-metrics") {
            (
                "is run by the agent, and no step installs it",
                "add \"gpu-metrics\" to `bootstrap`",
            )
        } else {
            continue;
        };
        let problem = problems
            .add(IDLE_HOOK, &span, format!("`{name}` {why}"))
            .says("never runs");
        let cause = if market == MarketChoice::OnDemand {
            fields.span_of("market").map(|span| (span, "on demand"))
        } else {
            let steps = fields.span_of("bootstrap");
            steps.map(|span| (span, "has no `gpu-metrics`"))
        };
        if let Some((span, what)) = cause {
            problem.see(&span, what);
        }
        problem.advise(format!("{help}, or remove `{name}`"));
    }
}

fn max_price(fields: &Fields<'_>, market: MarketChoice, problems: &mut Problems) -> Option<Usd> {
    let at = fields.number("max_price")?;
    if market == MarketChoice::OnDemand {
        let problem = problems
            .add(
                PRICE_WITHOUT_SPOT,
                &at.span,
                "`max_price` is for spot capacity, and this node asks for none",
            )
            .says("has no effect");
        if let Some(market) = fields.span_of("market") {
            problem.see(&market, "on demand");
        }
        problem.advise("add market = \"spot\" or \"spot-then-on-demand\", or remove `max_price`");
    }
    Some(Usd::from_dollars(at.value))
}

fn placement(fields: &Fields<'_>, count: u32, market: MarketChoice, problems: &mut Problems) {
    let Some(span) = fields
        .span_of("placement_group")
        .filter(|_| fields.flag("placement_group"))
    else {
        return;
    };
    if market != MarketChoice::OnDemand {
        problems
            .add(
                SPOT_GROUP,
                &span,
                "spot capacity in a placement group is hard to get",
            )
            .says("all in one zone, and lost together")
            .advise("leave the placement group out, or ask for capacity on demand");
    }
    if count <= 1 {
        problems
            .add(
                LONE_GROUP,
                &span,
                "a placement group for one machine does nothing",
            )
            .says("at most one machine")
            .advise("leave it out, or raise `count`");
    }
}

fn image(fields: &Fields<'_>, types: Option<&Types>, problems: &mut Problems) -> ImageRef {
    let Some(at) = fields.text("image") else {
        return ImageRef(DEFAULT_IMAGE.to_owned());
    };
    let names: Vec<&str> = catalog::images().iter().map(|image| image.name).collect();
    if let Some(image) = catalog::image(at.value) {
        let architecture = types.and_then(Types::architecture);
        if let Some(architecture) = architecture.filter(|a| image.parameter(a).is_none()) {
            problems
                .add(
                    IMAGE_MISFIT,
                    &at.span,
                    format!("{} does not exist for {architecture}", image.name),
                )
                .says(format!("the types are {architecture}"))
                .advise("take another image, or types of another architecture");
        }
    } else if let Some(id) = at.value.strip_prefix("ami-") {
        let hex = id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if !hex || !(8..=17).contains(&id.len()) {
            bad_image(
                &at,
                "an id is written like `ami-0123456789abcdef0`".to_owned(),
                problems,
            );
        }
    } else if let Some(path) = at.value.strip_prefix("ssm:") {
        if !super::stack::is_parameter(path) || !path.starts_with('/') {
            bad_image(
                &at,
                "a parameter is written like `ssm:/labs/image`".to_owned(),
                problems,
            );
        }
    } else {
        let help = did_you_mean(at.value, names.iter().copied())
            .unwrap_or_else(|| format!("{}, `ami-…` or `ssm:/path`", one_of(&names)));
        bad_image(&at, help, problems);
    }
    ImageRef(at.value.to_owned())
}

fn bad_image(at: &At<&str>, help: String, problems: &mut Problems) {
    problems
        .add(
            BAD_IMAGE,
            &at.span,
            format!("there is no image {}", quote(at.value)),
        )
        .says("unknown image")
        .advise(help);
}

fn driver(fields: &Fields<'_>, types: Option<&Types>, problems: &mut Problems) -> Option<String> {
    let at = fields.text("driver")?;
    let names = || catalog::drivers().iter().map(|driver| driver.name);
    match catalog::driver(at.value) {
        Some(driver) => {
            if let Some((year, month)) = driver.end_of_life.filter(|_| driver.is_over()) {
                problems
                    .add(
                        OLD_DRIVER,
                        &at.span,
                        format!("driver {} is no longer supported", driver.name),
                    )
                    .says(format!("ended {year}-{month:02}"))
                    .advise("580-server is the long-term branch, supported until 2028-06");
            }
            for facts in types
                .map(|types| types.known.as_slice())
                .unwrap_or_default()
            {
                let issue = facts
                    .gpu
                    .as_ref()
                    .and_then(|gpu| catalog::driver_issue(driver, gpu));
                if let (Some(issue), Some(gpu)) = (issue, &facts.gpu) {
                    let message = format!(
                        "driver {} does not drive the {} of {}",
                        driver.name, gpu.model, facts.name
                    );
                    problems
                        .add(DRIVER_MISFIT, &at.span, message)
                        .says("does not fit")
                        .advise(mend(issue));
                }
            }
        }
        None if is_branch(at.value) => {
            problems
                .add(
                    OLD_DRIVER,
                    &at.span,
                    format!("driver branch {} is not known", quote(at.value)),
                )
                .says("not in the catalogue")
                .advise_if(did_you_mean(at.value, names()));
        }
        None => {
            let help = did_you_mean(at.value, names())
                .unwrap_or_else(|| "a branch is written like `580-server`".to_owned());
            problems
                .add(
                    BAD_DRIVER,
                    &at.span,
                    format!("{} is not a driver branch", quote(at.value)),
                )
                .says("not a branch")
                .advise(help);
        }
    }
    Some(at.value.to_owned())
}

fn is_branch(text: &str) -> bool {
    let text = text.strip_suffix("-open").unwrap_or(text);
    let text = text.strip_suffix("-server").unwrap_or(text);
    text.len() == 3 && text.bytes().all(|b| b.is_ascii_digit())
}

fn mend(issue: DriverIssue) -> String {
    match issue {
        DriverIssue::TooOld(oldest) => {
            format!("it needs branch {oldest} or later, for example 580-server")
        }
        DriverIssue::TooNew(newest) => format!("branch {newest} was the last that drives it"),
        DriverIssue::NeedsProprietary => {
            "it needs the proprietary modules: leave `-open` out".to_owned()
        }
    }
}

/// The name of the stack; whether it is defined is checked when all stacks are read.
pub(super) fn stack(fields: &Fields<'_>) -> Option<NodeName> {
    NodeName::try_from(fields.text("stack")?.value).ok()
}

/// Reports a stack whose name cannot be one.
pub(super) fn stack_name(at: &At<&str>, problems: &mut Problems) -> Option<NodeName> {
    name(at, problems)
}

fn instance_profile(fields: &Fields<'_>, problems: &mut Problems) -> Option<String> {
    let at = fields.text("instance_profile")?;
    let good = !at.value.is_empty()
        && at.value.len() <= 128
        && at
            .value
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+=,.@_-".contains(&b));
    if !good {
        problems
            .add(
                BAD_NAME,
                &at.span,
                format!("{} is not the name of an instance profile", quote(at.value)),
            )
            .says("not a name")
            .advise("write its name, not its ARN: letters, digits and + = , . @ _ -");
    }
    Some(at.value.to_owned())
}
