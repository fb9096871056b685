//! `influx bucket` (v2 API contract §6.6).

use std::collections::BTreeSet;

use serde_json::Value;
use tidegate_client::v2::{
    Bucket, BucketChanges, BucketFilter, NewBucket, OrganizationReference, Record, RetentionChange, RetentionRule,
};

use super::Session;
use crate::influx::durations;
use crate::influx::error::{Context as _, Error, Result};
use crate::influx::output::Table;
use crate::influx::session::{Proof, Server};

const COLUMNS: [&str; 6] = ["ID", "Name", "Retention", "Shard group duration", "Organization ID", "Schema Type"];

const PAGE_SIZE: u64 = 20;

pub(super) async fn list(session: &mut Session<'_>) -> Result<()> {
    let server = session.server(Proof::Full).await?;
    let filter = of_organization(session.organization(&server)?);
    let (id, name) = (session.given.text("id"), session.given.text("name"));
    if id.is_none() && name.is_none() {
        let found = pages(session, &server, filter).await?;
        // No rows are `null`, not an empty list.
        return print_all(session, &found, found.is_empty());
    }
    let filter = match (id, name) {
        (Some(id), _) => BucketFilter { id: Some(id.to_owned()), ..filter },
        (None, name) => BucketFilter { name: name.map(str::to_owned), ..filter },
    };
    let context = if id.is_some() { "failed to find bucket by ID" } else { "failed to find bucket by name" };
    let found = server.client.buckets(&filter).await.context(|| context.to_owned())?;
    print_all(session, &found, false)
}

/// Asks for page after page until one is not full, or for as many as are wanted.
async fn pages(session: &Session<'_>, server: &Server, filter: BucketFilter) -> Result<Vec<Record<Bucket>>> {
    let wanted = session.given.number("limit").filter(|&limit| limit != 0);
    let page_size = session.given.number("page-size").unwrap_or(PAGE_SIZE);
    let mut offset = session.given.number("offset").unwrap_or_default();
    let mut found: Vec<Record<Bucket>> = Vec::new();
    let mut seen = BTreeSet::new();
    loop {
        let left = wanted.map(|wanted| wanted.saturating_sub(length(&found)));
        let limit = match (page_size, left) {
            (0, left) => left,
            (size, left) => Some(left.map_or(size, |left| left.min(size))),
        };
        let page = BucketFilter { limit, offset: Some(offset).filter(|&offset| offset != 0), ..filter.clone() };
        let page = server.client.buckets(&page).await.context(|| "failed to list buckets".to_owned())?;
        let count = length(&page);
        let before = found.len();
        found.extend(page.into_iter().filter(|bucket| seen.insert(bucket.known.id.clone())));
        // A server that does not know offsets repeats itself for ever.
        let has_repeated = length(&found) != count.saturating_add(u64::try_from(before).unwrap_or(u64::MAX));
        let is_last = count == 0 || limit.is_some_and(|limit| count < limit) || has_repeated;
        if let Some(wanted) = wanted {
            found.truncate(usize::try_from(wanted).unwrap_or(usize::MAX));
        }
        if is_last || wanted.is_some_and(|wanted| length(&found) >= wanted) {
            return Ok(found);
        }
        offset = offset.saturating_add(count);
    }
}

fn length<T>(items: &[T]) -> u64 {
    u64::try_from(items.len()).unwrap_or(u64::MAX)
}

pub(super) async fn create(session: &mut Session<'_>) -> Result<()> {
    let server = session.server(Proof::Full).await?;
    let (every, shard) = retention(session)?;
    let rule = RetentionRule {
        every_seconds: every.unwrap_or_default(),
        shard_group_duration_seconds: shard.unwrap_or_default(),
    };
    let text = |name: &str| session.given.text(name).map(str::to_owned);
    let schema_type = text("schema-type").unwrap_or_else(|| "implicit".to_owned());
    if !matches!(schema_type.as_str(), "implicit" | "explicit") {
        return Err(Error::Text(format!("schema type {schema_type:?} is neither implicit nor explicit")));
    }
    let new = NewBucket {
        description: text("description"),
        name: text("name").unwrap_or_default(),
        org_id: session.organization_id(&server).await?,
        retention_rules: (every.is_some() || shard.is_some()).then(|| vec![rule]),
        schema_type,
    };
    let created = server.client.create_bucket(&new).await;
    let created = created.context(|| "failed to create bucket".to_owned())?;
    print_one(session, &created, false)
}

pub(super) async fn update(session: &mut Session<'_>) -> Result<()> {
    let server = session.server(Proof::Full).await?;
    let id = session.given.text("id").unwrap_or_default();
    let text = |name: &str| session.given.text(name).map(str::to_owned);
    let (every_seconds, shard_group_duration_seconds) = retention(session)?;
    let rule = RetentionChange { every_seconds, shard_group_duration_seconds };
    let changes = BucketChanges {
        description: text("description"),
        name: text("name"),
        retention_rules: (rule != RetentionChange::default()).then(|| vec![rule]),
    };
    let updated = server.client.update_bucket(id, &changes).await;
    let updated = updated.context(|| format!("failed to update bucket {id:?}"))?;
    print_one(session, &updated, false)
}

/// The seconds of `--retention` and of `--shard-group-duration`, as far as they are given.
fn retention(session: &Session<'_>) -> Result<(Option<i64>, Option<i64>)> {
    let seconds = |name: &str| session.given.text(name).map(durations::seconds).transpose();
    Ok((seconds("retention")?, seconds("shard-group-duration")?))
}

pub(super) async fn delete(session: &mut Session<'_>) -> Result<()> {
    let (id, name) = (session.given.text("id"), session.given.text("name"));
    let shown = id.or(name).ok_or_else(|| Error::text("must specify bucket ID or bucket name"))?.to_owned();
    let id = id.map(str::to_owned);
    let server = session.server(Proof::Full).await?;
    let filter = match id {
        Some(id) => BucketFilter { id: Some(id), ..BucketFilter::default() },
        None => BucketFilter { name: Some(shown.clone()), ..of_organization(session.organization(&server)?) },
    };
    let found = server.client.buckets(&filter).await.context(|| format!("failed to find bucket {shown:?}"))?;
    let found = found.into_iter().next().ok_or_else(|| Error::Text(format!("bucket {shown:?} not found")))?;
    let deleted = server.client.delete_bucket(&found.known.id).await;
    deleted.context(|| format!("failed to delete bucket {shown:?}"))?;
    print_one(session, &found, true)
}

fn of_organization(organization: OrganizationReference) -> BucketFilter {
    match organization {
        OrganizationReference::Name(name) => BucketFilter { org: Some(name), ..BucketFilter::default() },
        OrganizationReference::Id(id) => BucketFilter { org_id: Some(id), ..BucketFilter::default() },
    }
}

fn print_all(session: &mut Session<'_>, buckets: &[Record<Bucket>], as_null: bool) -> Result<()> {
    let mut table = Table::new(&COLUMNS);
    for bucket in buckets {
        table.row(cells(&bucket.known));
    }
    let documents: Vec<&Value> = buckets.iter().map(|bucket| &bucket.document).collect();
    session.print(&table, &(!as_null).then_some(documents))
}

fn print_one(session: &mut Session<'_>, bucket: &Record<Bucket>, is_deleted: bool) -> Result<()> {
    let columns: Vec<&str> = COLUMNS.into_iter().chain(is_deleted.then_some("Deleted")).collect();
    let mut table = Table::new(&columns);
    table.row(cells(&bucket.known).into_iter().chain(is_deleted.then(|| "true".to_owned())).collect());
    session.print(&table, &bucket.document)
}

fn cells(bucket: &Bucket) -> Vec<String> {
    let rule = bucket.retention_rules.first().copied().unwrap_or_default();
    let or = |seconds: i64, none: &str| {
        if seconds == 0 { none.to_owned() } else { durations::cell(seconds) }
    };
    let schema_type = if bucket.schema_type.is_empty() { "implicit" } else { &bucket.schema_type };
    vec![
        bucket.id.clone(),
        bucket.name.clone(),
        or(rule.every_seconds, "infinite"),
        or(rule.shard_group_duration_seconds, "n/a"),
        bucket.org_id.clone(),
        schema_type.to_owned(),
    ]
}
