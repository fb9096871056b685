//! `cluster` (influxctl contract §11).

use clap::ArgMatches;
use serde::Serialize;
use tidegate_client::ClusterItem;
use tidegate_model::{AccountId, ClusterId};

use super::{or_nil, print_details, print_list, required};
use crate::error::Result;
use crate::output::{JsonTime, ListTable};
use crate::session::Session;

pub(super) async fn get(session: &mut Session<'_>, matches: &ArgMatches) -> Result<()> {
    let id = *required::<ClusterId>(matches, "cluster-id")?;
    let mut cluster = session.management(matches).await?.cluster_details(id).await?;
    // Clustered servers leave the id out of their answers.
    cluster.cluster_id.get_or_insert(id);
    let rows = ["id", "name", "state", "url"].into_iter().zip(cells(&cluster)).collect::<Vec<_>>();
    print_details(session, matches, &JsonCluster::new(&cluster), &rows)
}

pub(super) async fn list(session: &mut Session<'_>, matches: &ArgMatches) -> Result<()> {
    session.refuse_clustered()?;
    let mut clusters = session.management(matches).await?.clusters().await?;
    clusters.items.sort_by(|a, b| (&a.name, a.cluster_id).cmp(&(&b.name, b.cluster_id)));
    print_list(session, matches, &clusters, JsonCluster::new, |clusters| {
        let mut table = ListTable::of_texts(&["ID", "NAME", "STATE", "URL"]);
        for cluster in clusters {
            table.row(cells(cluster).into());
        }
        table
    })
}

fn cells(cluster: &ClusterItem) -> [String; 4] {
    let id = cluster.cluster_id.map(|id| id.to_string()).unwrap_or_default();
    [id, cluster.name.clone(), cluster.state.clone(), cluster.url.clone()]
}

#[derive(Serialize)]
struct JsonCluster<'a> {
    #[serde(serialize_with = "or_nil")]
    account_id: Option<AccountId>,
    #[serde(serialize_with = "or_nil")]
    cluster_id: Option<ClusterId>,
    name: &'a str,
    url: &'a str,
    state: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<JsonTime<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<i64>,
}

impl<'a> JsonCluster<'a> {
    fn new(cluster: &'a ClusterItem) -> Self {
        Self {
            account_id: cluster.account_id,
            cluster_id: cluster.cluster_id,
            name: &cluster.name,
            url: &cluster.url,
            state: &cluster.state,
            created_at: cluster.created_at.as_ref().map(JsonTime),
            category: cluster.category,
        }
    }
}
