//! The rules of security groups.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::super::ACCOUNT;
use super::super::context::Ctx;
use super::super::wire::{ApiError, ApiResult, Params, Xml};
use super::super::world::{RuleSource, SecurityGroup, SgRule, Tags};
use super::listing::{Listed, list, one};
use super::tags;

/// VPC User Guide, amazon-vpc-limits: inbound and outbound rules for each group.
const MAX_RULES: u64 = 60;

impl Listed for SgRule {
    const IDS: &'static str = "SecurityGroupRuleId";
    const PAGE: Option<(usize, usize)> = Some((5, 1000));
    const FILTERS: &'static [&'static str] = &["group-id", "security-group-rule-id"];
    fn filter_values(&self, _ctx: &Ctx<'_>, filter: &str) -> Vec<String> {
        match filter {
            "group-id" => one(&self.group),
            _ => one(&self.id),
        }
    }
}

pub(super) fn authorize_ingress(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    authorize(ctx, p, x, false)
}

pub(super) fn authorize_egress(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    authorize(ctx, p, x, true)
}

pub(super) fn revoke_ingress(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    revoke(ctx, p, x, false)
}

pub(super) fn revoke_egress(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    revoke(ctx, p, x, true)
}

/// API Reference, AuthorizeSecurityGroupIngress: all rules or none; a rule that exists is
/// `InvalidPermission.Duplicate`.
fn authorize(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml, egress: bool) -> ApiResult {
    let group = group_of(ctx, p)?;
    let tags = tags::of_new(p, "security-group-rule")?;
    let mut rules = asked(ctx, p, &group, egress)?;
    let direction = if egress { "egress" } else { "ingress" };
    for rule in &mut rules {
        rule.id = ctx.store.fresh("sgr");
        rule.tags.clone_from(&tags);
        if ctx.store.named(&rule.unique()).is_some() {
            return Err(ApiError::new(
                "InvalidPermission.Duplicate",
                format!(
                    "the specified rule \"peer: {}, {}, from port: {}, to port: {}, ALLOW\" already exists",
                    peer(rule),
                    rule.protocol.to_uppercase(),
                    rule.from_port,
                    rule.to_port
                ),
            ));
        }
        if ctx.store.meter(&format!("rules/{}/{direction}", group.id))
            >= ctx.quota("L-0EA8095F", MAX_RULES)
        {
            return Err(ApiError::new(
                "RulesPerSecurityGroupLimitExceeded",
                "The maximum number of rules per security group has been reached.",
            ));
        }
        ctx.store.put(rule.clone());
    }
    x.done();
    x.items("securityGroupRuleSet", &rules, write);
    Ok(())
}

/// API Reference, RevokeSecurityGroupIngress: by rule id or by what the rules say; in a VPC a rule that is not there
/// is an error.
fn revoke(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml, egress: bool) -> ApiResult {
    let group = group_of(ctx, p)?;
    let mut ids = Vec::new();
    for id in p.texts("SecurityGroupRuleId") {
        let rule: &SgRule = ctx.find(id)?;
        if rule.group != group.id || rule.egress != egress {
            return Err(ApiError::new(
                "InvalidSecurityGroupRuleId.NotFound",
                format!("The security group rule ID '{id}' does not exist"),
            ));
        }
        ids.push(rule.id.clone());
    }
    if ids.is_empty() {
        for rule in asked(ctx, p, &group, egress)? {
            let id = ctx.store.named(&rule.unique()).ok_or_else(|| {
                ApiError::new(
                    "InvalidPermission.NotFound",
                    "The specified rule does not exist in this security group.",
                )
            })?;
            ids.push(id.to_owned());
        }
    }
    for id in ids {
        ctx.store.remove(&id);
    }
    x.done();
    Ok(())
}

fn group_of(ctx: &Ctx<'_>, p: &Params) -> ApiResult<SecurityGroup> {
    ctx.copy(p.need("GroupId")?)
}

/// The rules that a call describes: `IpPermissions`, or one rule in the parameters of the call itself.
fn asked(ctx: &Ctx<'_>, p: &Params, group: &SecurityGroup, egress: bool) -> ApiResult<Vec<SgRule>> {
    let mut rules = Vec::new();
    let permissions = p.list("IpPermissions");
    for permission in &permissions {
        let (protocol, from_port, to_port) = ports(permission)?;
        for (source, description) in sources(ctx, permission, group)? {
            rules.push(SgRule {
                id: String::new(),
                group: group.id.clone(),
                egress,
                protocol: protocol.clone(),
                from_port,
                to_port,
                source,
                description,
                tags: Tags::new(),
            });
        }
    }
    if permissions.is_empty()
        && let Some(cidr) = p.text("CidrIp")
    {
        let (protocol, from_port, to_port) = ports(p)?;
        rules.push(SgRule {
            id: String::new(),
            group: group.id.clone(),
            egress,
            protocol,
            from_port,
            to_port,
            source: RuleSource::V4(cidr_v4(cidr)?),
            description: None,
            tags: Tags::new(),
        });
    }
    if rules.is_empty() {
        return Err(ApiError::missing("ipPermissions"));
    }
    Ok(rules)
}

/// Protocol and ports (API Reference, IpPermission): TCP and UDP need a range, `-1` has none.
fn ports(p: &Params) -> ApiResult<(String, i32, i32)> {
    let protocol = match p.need("IpProtocol")?.to_lowercase().as_str() {
        "6" => "tcp".to_owned(),
        "17" => "udp".to_owned(),
        "1" => "icmp".to_owned(),
        "all" => "-1".to_owned(),
        other => other.to_owned(),
    };
    let from: Option<i32> = p.parsed("FromPort")?;
    let to: Option<i32> = p.parsed("ToPort")?;
    match protocol.as_str() {
        "-1" => Ok((protocol, -1, -1)),
        "tcp" | "udp" => match (from, to) {
            (Some(from), Some(to)) if (0..=to).contains(&from) && to <= 65535 => {
                Ok((protocol, from, to))
            }
            (Some(from), Some(to)) => Err(ApiError::invalid(format!(
                "Invalid port range. The specified port range from {from} to {to} is not valid."
            ))),
            _ => Err(ApiError::invalid(
                "Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.",
            )),
        },
        "icmp" | "icmpv6" => Ok((protocol, from.unwrap_or(-1), to.unwrap_or(-1))),
        other if other.parse::<u8>().is_ok() => Ok((protocol, -1, -1)),
        other => Err(ApiError::new(
            "InvalidParameterValue",
            format!("Invalid value '{other}' for IP protocol. Unknown protocol."),
        )),
    }
}

type Source = (RuleSource, Option<String>);

fn sources(ctx: &Ctx<'_>, p: &Params, group: &SecurityGroup) -> ApiResult<Vec<Source>> {
    let described = |item: &Params| item.text("Description").map(str::to_owned);
    let mut sources = Vec::new();
    for range in p.list("IpRanges") {
        let cidr = cidr_v4(range.need("CidrIp")?)?;
        sources.push((RuleSource::V4(cidr), described(range)));
    }
    for range in p.list("Ipv6Ranges") {
        let cidr = cidr_v6(range.need("CidrIpv6")?)?;
        sources.push((RuleSource::V6(cidr), described(range)));
    }
    for pair in p.list("Groups") {
        let other: &SecurityGroup = ctx.find(pair.need("GroupId")?)?;
        if other.vpc != group.vpc {
            return Err(ApiError::new(
                "InvalidGroup.NotFound",
                format!(
                    "You have specified two resources that belong to different networks: {}, {}",
                    other.id, group.id
                ),
            ));
        }
        sources.push((RuleSource::Group(other.id.clone()), described(pair)));
    }
    for list in p.list("PrefixListIds") {
        let id = list.need("PrefixListId")?.to_owned();
        sources.push((RuleSource::PrefixList(id), described(list)));
    }
    // API Reference, IpRange: descriptions up to 255 characters of a small set.
    let odd = |text: &String| {
        text.len() > 255
            || !text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || " ._-:/()#,@[]+=&;{}!$*".contains(c))
    };
    if sources.iter().any(|(_, it)| it.as_ref().is_some_and(odd)) {
        return Err(ApiError::invalid(
            "Invalid rule description. Valid descriptions are strings less than 256 characters from the following set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*",
        ));
    }
    Ok(sources)
}

fn bad_cidr(text: &str) -> ApiError {
    ApiError::invalid(format!("CIDR block {text} is malformed"))
}

/// A range in its canonical form: host bits are cleared.
fn cidr_v4(text: &str) -> ApiResult<String> {
    if let Ok(net) = text.parse::<ipnet::Ipv4Net>() {
        return Ok(net.trunc().to_string());
    }
    text.parse::<Ipv4Addr>()
        .map(|ip| format!("{ip}/32"))
        .map_err(|_| bad_cidr(text))
}

fn cidr_v6(text: &str) -> ApiResult<String> {
    if let Ok(net) = text.parse::<ipnet::Ipv6Net>() {
        return Ok(net.trunc().to_string());
    }
    text.parse::<Ipv6Addr>()
        .map(|ip| format!("{ip}/128"))
        .map_err(|_| bad_cidr(text))
}

fn peer(rule: &SgRule) -> &str {
    match &rule.source {
        RuleSource::V4(it)
        | RuleSource::V6(it)
        | RuleSource::Group(it)
        | RuleSource::PrefixList(it) => it,
    }
}

fn write(x: &mut Xml, rule: &SgRule) {
    x.el("securityGroupRuleId", &rule.id)
        .el("groupId", &rule.group)
        .el("groupOwnerId", ACCOUNT)
        .el("isEgress", rule.egress)
        .el("ipProtocol", &rule.protocol)
        .el("fromPort", rule.from_port)
        .el("toPort", rule.to_port);
    match &rule.source {
        RuleSource::V4(cidr) => {
            x.el("cidrIpv4", cidr);
        }
        RuleSource::V6(cidr) => {
            x.el("cidrIpv6", cidr);
        }
        RuleSource::PrefixList(id) => {
            x.el("prefixListId", id);
        }
        RuleSource::Group(id) => {
            x.wrap("referencedGroupInfo", |x| {
                x.el("groupId", id).el("userId", ACCOUNT);
            });
        }
    }
    x.opt("description", rule.description.as_ref());
    tags::write(x, &rule.tags);
}

pub(super) fn describe(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let page = list::<SgRule>(ctx, p)?;
    x.items("securityGroupRuleSet", &page.items, |x, it| write(x, it));
    page.write_next(x);
    Ok(())
}
