//! Writing, querying and deleting data (v2 API contract §5.7).

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE};
use serde::Serialize;
use serde_json::json;

use super::dbrps::OrganizationReference;
use super::error::{Codes, Error, Result};
use super::transport::{Client, whole};
use crate::Precision;

/// Where written lines go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteTarget {
    /// Name or id.
    pub bucket: String,
    /// Name or id.
    pub org: String,
    /// The unit of timestamps.
    pub precision: Precision,
}

/// Which data to delete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeletedRange {
    /// Only points that match.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub predicate: Option<String>,
    /// The earliest time, RFC 3339.
    pub start: String,
    /// The latest time, RFC 3339.
    pub stop: String,
}

impl Client {
    /// Writes lines, compressed.
    pub async fn write(&self, target: &WriteTarget, lines: &[u8]) -> Result<()> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        let body = encoder.write_all(lines).and_then(|()| encoder.finish());
        let body = body.map_err(|error| Error::Undecodable(format!("cannot compress the lines: {error}")))?;
        let request = self
            .post("/api/v2/write")
            .query(&[
                ("bucket", target.bucket.as_str()),
                ("org", &target.org),
                ("precision", target.precision.as_str()),
            ])
            .header(CONTENT_TYPE, "text/plain; charset=utf-8")
            .header(CONTENT_ENCODING, "gzip")
            .body(body);
        self.done(request, Codes::AnyIfUnauthorized).await
    }

    /// Runs a Flux query. The answer is annotated CSV.
    pub async fn query(
        &self,
        organization: &OrganizationReference,
        query: &str,
        profilers: &[String],
    ) -> Result<bytes::Bytes> {
        let mut body = json!({
            "dialect": { "annotations": ["group", "datatype", "default"], "delimiter": ",", "header": true },
            "query": query,
            "type": "flux",
        });
        if let (false, Some(members)) = (profilers.is_empty(), body.as_object_mut()) {
            members.insert("extern".to_owned(), profiling(profilers));
        }
        let request =
            self.post("/api/v2/query").query(&[organization.parameter()]).header(ACCEPT, "text/csv").json(&body);
        whole(self.send(request, Codes::AnyIfUnauthorized).await?).await
    }

    /// Deletes data of a bucket.
    pub async fn delete_data(
        &self,
        organization: &OrganizationReference,
        bucket: (&'static str, &str),
        range: &DeletedRange,
    ) -> Result<()> {
        let request = self.post("/api/v2/delete").query(&[organization.parameter(), bucket]).json(range);
        self.done(request, Codes::AnyIfUnauthorized).await
    }
}

/// A piece of Flux that switches profilers on, as the syntax tree that travels beside a query.
fn profiling(profilers: &[String]) -> serde_json::Value {
    let names: Vec<_> = profilers.iter().map(|name| json!({ "type": "StringLiteral", "value": name })).collect();
    json!({
        "type": "File",
        "package": null,
        "imports": [{
            "type": "ImportDeclaration",
            "as": null,
            "path": { "type": "StringLiteral", "value": "profiler" },
        }],
        "body": [{
            "type": "OptionStatement",
            "assignment": {
                "type": "MemberAssignment",
                "member": {
                    "type": "MemberExpression",
                    "object": { "type": "Identifier", "name": "profiler" },
                    "property": { "type": "Identifier", "name": "enabledProfilers" },
                },
                "init": { "type": "ArrayExpression", "elements": names },
            },
        }],
    })
}
