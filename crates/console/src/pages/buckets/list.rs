//! The list of buckets.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use tidegate_model::ResourceId;

use super::LIST;
use crate::Console;
use crate::form::Fields;
use crate::frame::{Frame, Notice, Section};
use crate::listing::{ListQuery, Listed};
use crate::retention::in_words;
use crate::visit::{Accounts, Visit};
use crate::when::When;

/// A row of the list.
struct BucketRow {
    id: String,
    name: String,
    description: String,
    retention: String,
    organization: String,
    created: When,
}

#[derive(Template)]
#[template(path = "buckets/list.html")]
struct ListPage {
    frame: Frame,
    listed: Listed<BucketRow>,
    is_empty: bool,
}

pub(super) async fn show(State(console): State<Arc<Console>>, visit: Visit<Accounts>, uri: Uri) -> Response {
    let service = &*console.service;
    let mut buckets = service.visible_databases(&visit.entry, None);
    let is_empty = buckets.is_empty();
    let query = ListQuery::of(&uri);
    buckets.retain(|bucket| {
        let id = ResourceId::from(bucket.id).to_string();
        query.finds(&[bucket.name.as_str(), &id, bucket.description.as_str()])
    });
    match query.sort.as_str() {
        "created" => buckets.sort_by_key(|bucket| bucket.created_at),
        "retention" => buckets.sort_by_key(|bucket| (bucket.retention.nanos() == 0, bucket.retention)),
        _ => buckets.sort_by_cached_key(|bucket| bucket.name.as_str().to_lowercase()),
    }
    if query.descending {
        buckets.reverse();
    }
    let listed = Listed::new(buckets, query, LIST).map(|bucket| BucketRow {
        id: ResourceId::from(bucket.id).to_string(),
        name: bucket.name.to_string(),
        description: bucket.description.as_str().to_owned(),
        retention: in_words(bucket.retention),
        organization: service.organization_name(bucket.organization).map(|name| name.to_string()).unwrap_or_default(),
        created: When::new(bucket.created_at, service.now()),
    });
    let frame = visit.frame("Buckets", Section::Buckets).saying(notice(&uri));
    visit.show(&ListPage { frame, listed, is_empty })
}

fn notice(uri: &Uri) -> Option<Notice> {
    let fields = uri.query().and_then(Fields::parse).unwrap_or_default();
    Some(Notice::Good(
        match fields.text("done") {
            "created" => "The bucket is created.",
            "changed" => "The bucket is changed.",
            "deleted" => "The bucket is deleted. Nothing goes on on it any more.",
            _ => return None,
        }
        .to_owned(),
    ))
}
