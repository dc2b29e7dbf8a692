//! Launch templates.

use super::super::ACCOUNT;
use super::super::context::Ctx;
use super::super::wire::{ApiError, ApiResult, Params, Xml};
use super::super::world::LaunchTemplate;
use super::listing::{Listed, list_where, one};
use super::{tags, tokens};

impl Listed for LaunchTemplate {
    const IDS: &'static str = "LaunchTemplateId";
    const PAGE: Option<(usize, usize)> = Some((1, 200));
    const FILTERS: &'static [&'static str] = &["launch-template-name"];
    fn filter_values(&self, _ctx: &Ctx<'_>, _filter: &str) -> Vec<String> {
        one(&self.name)
    }
}

/// API Reference, CreateLaunchTemplate: names are unique in the region; the content is checked at launch.
pub(super) fn create(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let name = p.need("LaunchTemplateName")?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-().[]_/".contains(c);
    if !(3..=128).contains(&name.len()) || !name.chars().all(allowed) {
        return Err(ApiError::new(
            "InvalidLaunchTemplateName.MalformedException",
            "Launch template names must be between 3 and 128 characters long, and may contain letters, numbers, and the following characters: - ( ) . / _",
        ));
    }
    let data = p
        .child("LaunchTemplateData")
        .filter(|data| !data.is_empty())
        .cloned()
        .ok_or_else(|| ApiError::missing("LaunchTemplateData"))?;
    let token = tokens::look_up(ctx, p, "")?;
    let template = if let Some(id) = token.made.first() {
        ctx.copy(id)?
    } else {
        if ctx.store.named(&format!("template/{name}")).is_some() {
            return Err(ApiError::new(
                "InvalidLaunchTemplateName.AlreadyExistsException",
                format!("Launch template name already in use: {name}"),
            ));
        }
        LaunchTemplate {
            id: ctx.store.fresh("lt"),
            name: name.to_owned(),
            created: ctx.now,
            versions: vec![data],
            default_version: 1,
            tags: tags::of_new(p, "launch-template")?,
        }
    };
    x.wrap("launchTemplate", |x| write(x, &template));
    tokens::keep(ctx, token, vec![template.id.clone()]);
    ctx.store.put(template);
    Ok(())
}

fn write(x: &mut Xml, template: &LaunchTemplate) {
    x.el("launchTemplateId", &template.id)
        .el("launchTemplateName", &template.name)
        .time("createTime", template.created)
        .el("createdBy", format!("arn:aws:iam::{ACCOUNT}:user/sandbox"))
        .el("defaultVersionNumber", template.default_version)
        .el("latestVersionNumber", template.versions.len());
    tags::write(x, &template.tags);
}

pub(super) fn describe(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let names = p.texts("LaunchTemplateName");
    for name in &names {
        by_name(ctx, name)?;
    }
    let page = list_where::<LaunchTemplate>(ctx, p, |template| {
        names.is_empty() || names.contains(&template.name.as_str())
    })?;
    x.items("launchTemplates", &page.items, |x, it| write(x, it));
    page.write_next(x);
    Ok(())
}

fn by_name(ctx: &Ctx<'_>, name: &str) -> ApiResult<LaunchTemplate> {
    ctx.store
        .named(&format!("template/{name}"))
        .and_then(|id| ctx.store.get::<LaunchTemplate>(id))
        .cloned()
        .ok_or_else(|| {
            ApiError::new(
                "InvalidLaunchTemplateName.NotFoundException",
                format!(
                    "The specified launch template, with template name {name}, does not exist."
                ),
            )
        })
}

/// The template that a node of parameters names by id or name.
pub(super) fn named_in(ctx: &Ctx<'_>, p: &Params) -> ApiResult<LaunchTemplate> {
    match (p.text("LaunchTemplateId"), p.text("LaunchTemplateName")) {
        (Some(id), _) => ctx.copy(id),
        (None, Some(name)) => by_name(ctx, name),
        (None, None) => Err(ApiError::missing("LaunchTemplateId")),
    }
}

/// The content that a node of parameters (`LaunchTemplateId` or `LaunchTemplateName`, `Version`) names.
pub(super) fn content(ctx: &Ctx<'_>, p: &Params) -> ApiResult<Params> {
    let template = named_in(ctx, p)?;
    let version = match p.text("Version") {
        None | Some("$Default") => template.default_version,
        Some("$Latest") => template.versions.len(),
        Some(number) => number.parse().unwrap_or_default(),
    };
    version
        .checked_sub(1)
        .and_then(|at| template.versions.get(at))
        .cloned()
        .ok_or_else(|| {
            ApiError::new(
                "InvalidLaunchTemplateId.VersionNotFound",
                format!("Could not find launch template version {version}"),
            )
        })
}

pub(super) fn delete(ctx: &mut Ctx<'_>, p: &Params, x: &mut Xml) -> ApiResult {
    let template = named_in(ctx, p)?;
    x.wrap("launchTemplate", |x| write(x, &template));
    ctx.store.remove(&template.id);
    Ok(())
}
