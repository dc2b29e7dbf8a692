//! What every `Describe` does: ids, filters, pages.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::context::Ctx;
use super::super::scenario::matches;
use super::super::wire::{ApiError, ApiResult, Params, Xml};
use super::super::world::{Record, Tags};

/// A kind of entity that can be described.
pub(super) trait Listed: Record {
    /// The list parameter with ids.
    const IDS: &'static str;
    /// The smallest and largest page; none if the action has no pages (the actions' `MaxResults`).
    const PAGE: Option<(usize, usize)>;
    /// The filters that the action documents, as far as the sandbox has them; tags come on top.
    const FILTERS: &'static [&'static str];
    /// The values that a filter looks at.
    fn filter_values(&self, ctx: &Ctx<'_>, filter: &str) -> Vec<String>;
}

/// The filters of one call (API Reference, Filter: AND between filters, OR within values, `*` and `?` wild).
pub(super) struct Filters<'p>(Vec<(&'p str, Vec<&'p str>)>);

impl<'p> Filters<'p> {
    /// Reads them; a name that the action does not know is refused.
    pub(super) fn read(p: &'p Params, known: &[&str]) -> ApiResult<Self> {
        let mut filters = Vec::new();
        for filter in p.list("Filter") {
            let name = filter.need("Name")?;
            if !known.contains(&name) && name != "tag-key" && !name.starts_with("tag:") {
                return Err(ApiError::invalid(format!("The filter '{name}' is invalid")));
            }
            let values = filter.texts("Value");
            if values.is_empty() {
                return Err(ApiError::new(
                    "MissingParameter",
                    format!("The filter '{name}' has no value"),
                ));
            }
            filters.push((name, values));
        }
        // User Guide, "List and filter using the CLI and API": at most 50 filters and 200 values in a request.
        let values: usize = filters.iter().map(|(_, values)| values.len()).sum();
        if filters.len() > 50 || values > 200 {
            return Err(ApiError::new(
                "FilterLimitExceeded",
                "The maximum length for a filter has been exceeded",
            ));
        }
        Ok(Self(filters))
    }

    /// Whether all of them hold for something with these tags and values.
    pub(super) fn all(&self, tags: Option<&Tags>, values: impl Fn(&str) -> Vec<String>) -> bool {
        self.0.iter().all(|(name, patterns)| {
            let holds = |value: &str| patterns.iter().any(|pattern| matches(pattern, value));
            if let Some(key) = name.strip_prefix("tag:") {
                tags.and_then(|tags| tags.get(key))
                    .is_some_and(|value| holds(value))
            } else if *name == "tag-key" {
                tags.is_some_and(|tags| tags.keys().any(|key| holds(key)))
            } else {
                values(name).iter().any(|value| holds(value))
            }
        })
    }

    /// The ids that everything must be among, in order, if a filter names them without wildcards. `ids` is the list
    /// parameter: what `InstanceId` lists, the filter `instance-id` names.
    fn exact_ids(&self, ids: &str) -> Option<BTreeSet<&'p str>> {
        let name: String = ids
            .char_indices()
            .flat_map(|(at, c)| {
                let dash = (at > 0 && c.is_ascii_uppercase()).then_some('-');
                dash.into_iter().chain([c.to_ascii_lowercase()])
            })
            .collect();
        let (_, values) = self.0.iter().find(|(filter, _)| *filter == name)?;
        let exact = values.iter().all(|value| !value.contains(['*', '?', '\\']));
        exact.then(|| values.iter().copied().collect())
    }

    /// A tag that everything must carry with exactly this value: the way to few candidates.
    fn exact_tag(&self) -> Option<(&str, &str)> {
        self.0.iter().find_map(|(name, values)| {
            let key = name.strip_prefix("tag:")?;
            match values.as_slice() {
                [value] if !value.contains(['*', '?', '\\']) => Some((key, *value)),
                _ => None,
            }
        })
    }
}

/// One page of entities.
pub(super) struct Page<'a, T> {
    pub(super) items: Vec<&'a T>,
    next: Option<String>,
}

impl<T> Page<'_, T> {
    /// Writes the token for the next page, if there is one.
    pub(super) fn write_next(&self, x: &mut Xml) {
        x.opt("nextToken", self.next.as_ref());
    }
}

/// The entities that a `Describe` asks for.
pub(super) fn list<'a, T: Listed>(ctx: &'a Ctx<'_>, p: &Params) -> ApiResult<Page<'a, T>> {
    list_where(ctx, p, |_| true)
}

/// The same with a condition of the action's own.
pub(super) fn list_where<'a, T: Listed>(
    ctx: &'a Ctx<'_>,
    p: &Params,
    condition: impl Fn(&T) -> bool,
) -> ApiResult<Page<'a, T>> {
    let filters = Filters::read(p, T::FILTERS)?;
    let (size, after) = match T::PAGE {
        Some(range) => page(p, range)?,
        None => (usize::MAX, String::new()),
    };
    if ctx.empty_page {
        // Nothing that follows may be lost: the next page begins just behind where this one did.
        let from = if after.is_empty() { T::PREFIX } else { &after };
        let next = Some(STANDARD.encode(format!("{from}\0")));
        return Ok(Page {
            items: Vec::new(),
            next,
        });
    }
    let ids = p.texts(T::IDS);
    let holds = |item: &&T| {
        ctx.sees(item.id())
            && condition(item)
            && filters.all(item.tags(), |name| item.filter_values(ctx, name))
    };
    let mut items: Vec<&T> = if !ids.is_empty() {
        if p.text("MaxResults").is_some() {
            // API Reference, DescribeInstances, MaxResults: not together with ids.
            return Err(ApiError::combination(
                "The parameter MaxResults cannot be used with ids in the same request",
            ));
        }
        let found: ApiResult<Vec<&T>> = ids.iter().map(|id| ctx.find(id)).collect();
        found?.into_iter().filter(holds).collect()
    } else if let Some(ids) = filters.exact_ids(T::IDS) {
        ids.into_iter()
            .filter(|id| *id > after.as_str())
            .filter_map(|id| ctx.store.get(id))
            .filter(holds)
            .take(size.saturating_add(1))
            .collect()
    } else if let Some((key, value)) = filters.exact_tag() {
        ctx.store
            .tagged::<T>(key, value, &after)
            .filter_map(|id| ctx.store.get(id))
            .filter(holds)
            .take(size.saturating_add(1))
            .collect()
    } else {
        ctx.store
            .all_after::<T>(&after)
            .filter(holds)
            .take(size.saturating_add(1))
            .collect()
    };
    let mut next = None;
    if items.len() > size {
        items.truncate(size);
        next = items.last().map(|item| STANDARD.encode(item.id()));
    }
    Ok(Page { items, next })
}

/// The size of the page and the id that it comes after.
pub(super) fn page(p: &Params, (least, most): (usize, usize)) -> ApiResult<(usize, String)> {
    let size = p.parsed::<usize>("MaxResults")?.unwrap_or(usize::MAX);
    if size < least || (size > most && size != usize::MAX) {
        return Err(ApiError::invalid(format!(
            "Value ( {size} ) for parameter maxResults is invalid. Expecting a value between {least} and {most}."
        )));
    }
    let after = match p.text("NextToken") {
        None => String::new(),
        Some(token) => STANDARD
            .decode(token)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .ok_or_else(|| {
                ApiError::new("InvalidNextToken", "The specified NextToken is not valid")
            })?,
    };
    Ok((size, after))
}

/// One value, for filters.
#[expect(
    clippy::needless_pass_by_value,
    reason = "callers hand in references and small values alike"
)]
pub(super) fn one(value: impl ToString) -> Vec<String> {
    vec![value.to_string()]
}

/// No value or one, for filters.
pub(super) fn maybe(value: Option<&String>) -> Vec<String> {
    value.cloned().into_iter().collect()
}
