//! What a profile may ask for that this version reads and checks but does not do yet.

use super::types::Profile;

/// One sentence for each part of the profile that is left out.
pub fn not_built(profile: &Profile) -> Vec<String> {
    let Profile {
        name: _,
        region: _,
        tags: _,
        network: _,
        operators: _,
        keys: _,
        ports: _,
        nodes,
        stacks,
        metrics,
        idle,
        schedule,
        budget,
        state,
        moved,
        edge: _,
    } = profile;
    let any_stack = !stacks.is_empty() || nodes.values().any(|node| node.stack.is_some());
    [
        (any_stack, "stacks are not started yet"),
        (
            metrics.is_some(),
            "[metrics] is not acted on yet: no GPU metrics are published",
        ),
        (
            idle.is_some(),
            "[idle] is not acted on yet: an idle machine keeps running",
        ),
        (
            schedule.is_some(),
            "[schedule] is not acted on yet: nothing starts or stops by itself",
        ),
        (
            budget.is_some(),
            "[budget] is not acted on yet: nothing is refused for its cost",
        ),
        (
            state.is_some(),
            "[state] is not acted on yet: the state is the lockfile beside the profile",
        ),
        (
            !moved.is_empty(),
            "[[moved]] is not acted on yet: a renamed node is deleted and created",
        ),
    ]
    .into_iter()
    .filter(|(asked, _)| *asked)
    .map(|(_, sentence)| sentence.to_owned())
    .collect()
}
