//! Security groups. Their rules are in `groups_rules`.

use std::collections::BTreeMap;

use super::super::ACCOUNT;
use super::super::context::Ctx;
use super::super::rules::check_deletable;
use super::super::wire::{ApiError, ApiResult, Params, Xml};
use super::super::world::{Edge, RuleSource, SecurityGroup, SgRule, Tags, Vpc};
use super::listing::{Listed, list_where, one};
use super::tags;

impl Listed for SecurityGroup {
    const IDS: &'static str = "GroupId";
    const PAGE: Option<(usize, usize)> = Some((5, 1000));
    const FILTERS: &'static [&'static str] = &[
        "description",
        "group-id",
        "group-name",
        "owner-id",
        "vpc-id",
    ];
    fn filter_values(&self, _ctx: &Ctx<'_>, filter: &str) -> Vec<String> {
        match filter {
            "vpc-id" => one(&self.vpc),
            "group-name" => one(&self.name),
            "description" => one(&self.description),
            "owner-id" => one(ACCOUNT),
            _ => one(&self.id),
        }
    }
}

/// API Reference, CreateSecurityGroup: names and descriptions up to 255 characters, no name twice in a VPC.
pub(super) fn create(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let name = p.need("GroupName")?;
    let description = p.need("GroupDescription")?;
    let vpc = p
        .text("VpcId")
        .ok_or_else(|| ApiError::new("VPCIdNotSpecified", "No default VPC for this user"))?;
    let vpc = ctx.find::<Vpc>(vpc)?.id.clone();
    for (value, parameter) in [(name, "groupName"), (description, "groupDescription")] {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "._-:/()#,@[]+=&;{}!$* ".contains(c);
        if value.len() > 255 || !value.chars().all(allowed) {
            return Err(ApiError::invalid(format!(
                "Value ({value}) for parameter {parameter} is invalid. Character sets beyond ASCII are not supported."
            )));
        }
    }
    if name.starts_with("sg-") || name.eq_ignore_ascii_case("default") {
        return Err(ApiError::invalid(format!(
            "Value ({name}) for parameter groupName is invalid. Cannot use the reserved security group name: {name}"
        )));
    }
    if ctx
        .store
        .named(&SecurityGroup::unique(&vpc, name))
        .is_some()
    {
        return Err(ApiError::new(
            "InvalidGroup.Duplicate",
            format!("The security group '{name}' already exists for VPC '{vpc}'"),
        ));
    }
    let group = SecurityGroup {
        id: ctx.store.fresh("sg"),
        vpc,
        name: name.to_owned(),
        description: description.to_owned(),
        tags: tags::of_new(p, "security-group")?,
    };
    let egress = all_egress(ctx, &group.id);
    x.el("groupId", &group.id)
        .el("securityGroupArn", arn(ctx, &group.id));
    tags::write(x, &group.tags);
    ctx.store.put(egress);
    ctx.store.put(group);
    Ok(())
}

/// The rule that lets everything out, which every new group has (VPC User Guide, security-group-rules).
pub(super) fn all_egress(ctx: &mut Ctx<'_>, group: &str) -> SgRule {
    SgRule {
        id: ctx.store.fresh("sgr"),
        group: group.to_owned(),
        egress: true,
        protocol: "-1".to_owned(),
        from_port: -1,
        to_port: -1,
        source: RuleSource::V4("0.0.0.0/0".to_owned()),
        description: None,
        tags: Tags::new(),
    }
}

fn arn(ctx: &Ctx<'_>, id: &str) -> String {
    format!("arn:aws:ec2:{}:{ACCOUNT}:security-group/{id}", ctx.region)
}

pub(super) fn describe(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let names = p.texts("GroupName");
    let page = list_where::<SecurityGroup>(ctx, p, |group| {
        names.is_empty() || names.contains(&group.name.as_str())
    })?;
    if let Some(missing) = names
        .iter()
        .find(|name| !page.items.iter().any(|group| group.name == **name))
    {
        return Err(ApiError::new(
            "InvalidGroup.NotFound",
            format!("The security group '{missing}' does not exist"),
        ));
    }
    x.items("securityGroupInfo", &page.items, |x, group| {
        x.el("ownerId", ACCOUNT)
            .el("groupId", &group.id)
            .el("groupName", &group.name)
            .el("groupDescription", &group.description)
            .el("vpcId", &group.vpc)
            .el("securityGroupArn", arn(ctx, &group.id));
        write_permissions(ctx, x, "ipPermissions", &group.id, false);
        write_permissions(ctx, x, "ipPermissionsEgress", &group.id, true);
        tags::write(x, &group.tags);
    });
    page.write_next(x);
    Ok(())
}

/// The rules of a group as permissions: rules with the same protocol and ports are one.
fn write_permissions(ctx: &Ctx<'_>, x: &mut Xml, name: &str, group: &str, egress: bool) {
    let mut permissions: BTreeMap<(&str, i32, i32), Vec<&SgRule>> = BTreeMap::new();
    for rule in ctx
        .store
        .hanging::<SgRule>(group, Edge::RuleOfGroup)
        .filter(|rule| rule.egress == egress)
    {
        permissions
            .entry((&rule.protocol, rule.from_port, rule.to_port))
            .or_default()
            .push(rule);
    }
    x.items(name, permissions, |x, ((protocol, from, to), rules)| {
        x.el("ipProtocol", protocol);
        if protocol != "-1" {
            x.el("fromPort", from).el("toPort", to);
        }
        write_sources(x, "groups", &rules, |x, source| {
            if let RuleSource::Group(group) = source {
                x.el("groupId", group).el("userId", ACCOUNT);
                return true;
            }
            false
        });
        for (list, element) in [
            ("ipRanges", "cidrIp"),
            ("ipv6Ranges", "cidrIpv6"),
            ("prefixListIds", "prefixListId"),
        ] {
            write_sources(x, list, &rules, |x, source| {
                let (("cidrIp", RuleSource::V4(value))
                | ("cidrIpv6", RuleSource::V6(value))
                | ("prefixListId", RuleSource::PrefixList(value))) = (element, source)
                else {
                    return false;
                };
                x.el(element, value);
                true
            });
        }
    });
}

fn write_sources(
    x: &mut Xml,
    list: &str,
    rules: &[&SgRule],
    write: impl Fn(&mut Xml, &RuleSource) -> bool,
) {
    x.wrap(list, |x| {
        for rule in rules {
            let mut item = Xml::default();
            if write(&mut item, &rule.source) {
                item.opt("description", rule.description.as_ref());
                x.wrap("item", |x| {
                    x.raw(&item.into_text());
                });
            }
        }
    });
}

/// API Reference, DeleteSecurityGroup: the default group stays.
pub(super) fn delete(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let group: SecurityGroup = ctx.copy(p.need("GroupId")?)?;
    if group.is_default() {
        return Err(ApiError::new(
            "CannotDelete",
            format!(
                "the specified group: \"{}\" name: \"default\" cannot be deleted by a user",
                group.id
            ),
        ));
    }
    check_deletable(ctx.store, &group.id)?;
    remove(ctx, &group.id);
    x.done();
    x.el("groupId", &group.id);
    Ok(())
}

/// Takes a group away together with its rules.
pub(super) fn remove(ctx: &mut Ctx<'_>, group: &str) {
    for rule in ctx.store.referrers(group, Edge::RuleOfGroup) {
        ctx.store.remove(&rule);
    }
    ctx.store.remove(group);
}
