//! The document: statements merged from the table's rows.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Serialize, Serializer};

use super::needs::needs;
use super::place::{Condition, Site};
use super::table::TABLE;
use super::types::{Grant, Need, Part};
use crate::profile::Profile;

/// The most characters of a managed policy, white space not counted (IAM User Guide, "IAM and AWS STS quotas").
pub const MANAGED_POLICY_LIMIT: usize = 6144;

/// One permission statement, as IAM spells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Statement {
    /// Its name.
    pub sid: String,
    /// Always `Allow`.
    pub effect: &'static str,
    /// The actions, in order.
    #[serde(serialize_with = "spelt")]
    pub action: Vec<String>,
    /// The ARNs, in order.
    #[serde(serialize_with = "spelt")]
    pub resource: Vec<String>,
    /// What must hold besides: operator, key, values.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "spelt_condition"
    )]
    pub condition: Option<Condition>,
}

/// A list as IAM spells it. One of one is spelt without its brackets: a managed policy has little room.
#[derive(Serialize)]
#[serde(untagged)]
enum Spelt<'a> {
    One(&'a str),
    Many(&'a [String]),
}

impl<'a> Spelt<'a> {
    fn of(list: &'a [String]) -> Self {
        match list {
            [one] => Self::One(one),
            many => Self::Many(many),
        }
    }
}

fn spelt<S: Serializer>(list: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    Spelt::of(list).serialize(serializer)
}

#[expect(clippy::ref_option, reason = "serde hands over the field as it is")]
fn spelt_condition<S: Serializer>(
    condition: &Option<Condition>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let operators = condition.iter().flatten().map(|(operator, keys)| {
        let keys = keys.iter().map(|(key, values)| (key, Spelt::of(values)));
        (operator, keys.collect::<BTreeMap<_, _>>())
    });
    serializer.collect_map(operators)
}

/// A whole policy document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Policy {
    /// The version of the policy language.
    pub version: &'static str,
    /// The statements.
    pub statement: Vec<Statement>,
}

impl Policy {
    /// How much of [`MANAGED_POLICY_LIMIT`] it takes.
    pub fn weight(&self) -> usize {
        let text = serde_json::to_string(self).expect("texts and lists of texts are always JSON");
        text.chars().filter(|c| !c.is_whitespace()).count()
    }
}

/// The smallest policy for a part of what can be done with the lab of a profile.
pub fn policy(profile: &Profile, part: Part) -> Policy {
    let needs = needs(profile);
    let site = Site::new(profile, &needs);
    let mut statements: BTreeMap<_, Merged<'_>> = BTreeMap::new();
    for grant in granted(part, &needs) {
        let title = Site::title(grant.place);
        let merged = statements.entry((grant.phase, title)).or_default();
        merged.actions.insert(grant.action);
        merged.resources.extend(site.resources(grant.place));
        merged.condition = site.condition(grant.place);
    }
    Policy {
        version: "2012-10-17",
        statement: statements
            .into_iter()
            .map(|((phase, title), merged)| Statement {
                sid: format!("{}{title}", phase.title()),
                effect: "Allow",
                action: merged.actions.into_iter().map(str::to_owned).collect(),
                resource: widest(merged.resources),
                condition: merged.condition,
            })
            .collect(),
    }
}

/// Without the ARNs that another one covers: where an action is allowed on anything with our tag, types add nothing.
fn widest(resources: BTreeSet<String>) -> Vec<String> {
    match resources.iter().find(|arn| arn.ends_with(":*/*")) {
        Some(all) => vec![all.clone()],
        None => resources.into_iter().collect(),
    }
}

#[derive(Default)]
struct Merged<'a> {
    actions: BTreeSet<&'a str>,
    resources: BTreeSet<String>,
    condition: Option<Condition>,
}

/// The rows that matter, each permission in the first phase that has it: phases are granted together.
fn granted(part: Part, needs: &BTreeSet<Need>) -> Vec<&'static Grant> {
    let phases = part.phases();
    let mut seen = BTreeSet::new();
    let mut granted = Vec::new();
    for phase in phases {
        let rows = TABLE.iter().flat_map(|call| call.grants);
        for grant in rows.filter(|grant| grant.phase == *phase && needs.contains(&grant.need)) {
            if seen.insert((grant.action, grant.place)) {
                granted.push(grant);
            }
        }
    }
    granted
}
