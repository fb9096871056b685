//! The overview: what the server does, and which tokens need attention.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use serde_json::{Map, Value};
use tidegate_model::Timestamp;
use tidegate_service::{ApiTokenQuery, Entry, RecordStatus};

use crate::Console;
use crate::chart::Chart;
use crate::failure::Failure;
use crate::frame::{Frame, Section};
use crate::history::Totals;
use crate::number::grouped;
use crate::visit::{Anybody, Reach, Visit};
use crate::when::When;

/// Tokens that expire so soon need attention.
const SOON: i64 = 14 * 24 * 60 * 60 * 1_000_000;
/// How many of them are named.
const MOST_NAMED: usize = 8;

pub(super) fn routes() -> Router<Arc<Console>> {
    Router::new().route("/console", get(show)).route("/console/", get(show)).route("/console/live", get(live))
}

/// A number with a name.
struct Tile {
    label: &'static str,
    value: String,
    path: &'static str,
}

/// A token that expires soon.
struct Expiring {
    kind: &'static str,
    title: String,
    path: String,
    expires: When,
}

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage {
    frame: Frame,
    cluster: String,
    tiles: Vec<Tile>,
    charts: Vec<Chart>,
    running_queries: String,
    credentials: String,
    expiring: Vec<Expiring>,
    more_expiring: usize,
    /// Whether an API token can be made here.
    has_account: bool,
}

async fn show(State(console): State<Arc<Console>>, visit: Visit<Anybody>) -> Result<Response, Failure> {
    let service = &*console.service;
    let reach = visit.viewer.reach;
    let mut seen = Seen::default();
    if reach.administers() {
        seen.look_at_administration(&console, &visit.entry).await?;
    }
    if reach.has_account() {
        seen.look_at_api_tokens(&console, &visit.entry).await?;
    }
    seen.expiring.sort_by_key(|(expiry, _)| *expiry);
    let more_expiring = seen.expiring.len().saturating_sub(MOST_NAMED);
    let page = OverviewPage {
        frame: visit.frame("Overview", Section::Overview),
        cluster: cluster(&console, &visit.entry, reach).await?,
        tiles: seen.tiles,
        charts: charts(&console),
        running_queries: shown(service.running_queries()),
        credentials: shown(service.credential_count()),
        expiring: seen.expiring.into_iter().take(MOST_NAMED).map(|(_, expiring)| expiring).collect(),
        more_expiring,
        has_account: reach.has_account(),
    };
    Ok(visit.show(&page))
}

/// What the visitor calls this place.
async fn cluster(console: &Console, caller: &Entry, reach: Reach) -> Result<String, Failure> {
    if reach.administers() {
        return Ok(console.service.cluster(caller).await?.name.to_string());
    }
    let organization = console.service.organization_of(caller);
    Ok(console.service.organization_name(organization).map(|name| name.to_string()).unwrap_or_default())
}

/// What the visitor may see of tokens and databases.
#[derive(Default)]
struct Seen {
    tiles: Vec<Tile>,
    expiring: Vec<(Timestamp, Expiring)>,
}

impl Seen {
    async fn look_at_administration(&mut self, console: &Console, caller: &Entry) -> Result<(), Failure> {
        let service = &*console.service;
        let now = service.now();
        let databases = service.databases(caller, RecordStatus::Active).await?;
        self.tiles.push(Tile { label: "Databases", value: shown(databases.len()), path: "/console/databases" });
        let kinds = [
            (
                "Database token",
                "Active database tokens",
                "/console/database-tokens",
                service.tokens(caller, false).await?,
            ),
            (
                "Management token",
                "Active management tokens",
                "/console/management-tokens",
                service.management_tokens(caller).await?,
            ),
        ];
        for (kind, label, path, mut tokens) in kinds {
            tokens.retain(|token| token.state(now) == tidegate_model::TokenState::Active);
            self.tiles.push(Tile { label, value: shown(tokens.len()), path });
            for token in &tokens {
                let address = format!("{path}?search={}", token.id);
                self.note(kind, token.description.as_str(), address, token.expires_at, now);
            }
        }
        Ok(())
    }

    async fn look_at_api_tokens(&mut self, console: &Console, caller: &Entry) -> Result<(), Failure> {
        let service = &*console.service;
        let mut tokens = service.api_tokens(caller, ApiTokenQuery::default()).await?;
        tokens.retain(|token| service.is_active(token));
        let buckets = service.visible_databases(caller, None).len();
        self.tiles.push(Tile { label: "Buckets", value: shown(buckets), path: "/console/buckets" });
        let path = "/console/api-tokens";
        self.tiles.push(Tile { label: "Active API tokens", value: shown(tokens.len()), path });
        for token in &tokens {
            let address = format!("{path}/{}", token.id);
            self.note("API token", token.description.as_str(), address, token.expires_at, service.now());
        }
        Ok(())
    }

    fn note(&mut self, kind: &'static str, title: &str, path: String, expiry: Option<Timestamp>, now: Timestamp) {
        let Some(expiry) = expiry.filter(|expiry| expiry.micros().saturating_sub(now.micros()) <= SOON) else { return };
        let title = if title.trim().is_empty() { "(no description)" } else { title }.to_owned();
        self.expiring.push((expiry, Expiring { kind, title, path, expires: When::new(expiry, now) }));
    }
}

fn shown(number: usize) -> String {
    grouped(u64::try_from(number).unwrap_or(u64::MAX))
}

fn charts(console: &Console) -> Vec<Chart> {
    let steps = console.history.steps(Totals::of(&console.service));
    let chart =
        |title, name, value: fn(&Totals) -> u64| Chart::new(title, name, &steps.iter().map(value).collect::<Vec<_>>());
    vec![
        chart("Writes", "writes", |step| step.writes),
        chart("Lines written", "lines", |step| step.lines),
        chart("Queries", "queries", |step| step.queries),
        chart("Refused credentials", "refused", |step| step.refused),
    ]
}

/// The numbers and curves of the overview, for the script.
async fn live(State(console): State<Arc<Console>>, visit: Visit<Anybody>) -> Response {
    let mut values = Map::new();
    for chart in charts(&console) {
        values.insert(chart.name.to_owned(), chart.total().into());
        values.insert(format!("{}-peak", chart.name), chart.peak().into());
        values.insert(format!("{}-curve", chart.name), chart.curve.into());
        values.insert(format!("{}-area", chart.name), chart.area.into());
    }
    values.insert("running".to_owned(), shown(console.service.running_queries()).into());
    values.insert("credentials".to_owned(), shown(console.service.credential_count()).into());
    visit.data(&Value::Object(values))
}
