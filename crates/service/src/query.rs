//! Querying with SQL.

use std::sync::Arc;
use std::time::Instant;

use arrow::datatypes::SchemaRef;
use tidegate_access::{Entry, Permit};
use tidegate_sql::{BatchStream, Parameter, Query};

use crate::{Measurements, Service, ServiceError};

/// One SQL statement and its parameters.
#[derive(Debug)]
pub struct QueryRequest {
    /// The statement.
    pub sql: String,
    /// Values for its placeholders, by name without `$`.
    pub parameters: Vec<(String, Parameter)>,
}

/// Results on their way. Whoever sends them on must put them into a [`tidegate_access::GuardedStream`] together with
/// the entry, so that they end with the rights that they were asked for with.
#[derive(Debug)]
pub struct QueryResults {
    /// The columns.
    pub schema: SchemaRef,
    /// The rows. Polling never computes.
    pub batches: BatchStream,
    /// The request that asked.
    pub entry: Entry,
    /// To be kept as long as rows are handed out.
    pub timer: QueryTimer,
}

/// Measures a query until it is dropped.
#[derive(Debug)]
pub struct QueryTimer {
    measurements: Arc<Measurements>,
    start: Instant,
}

impl Drop for QueryTimer {
    fn drop(&mut self) {
        self.measurements.queries.observe_since(self.start);
    }
}

impl Service {
    /// Runs a query on the database that the permit names. Returns when its first rows exist, so that an early
    /// failure has a status.
    pub async fn query(
        &self,
        entry: Entry,
        permit: Permit,
        request: QueryRequest,
    ) -> Result<QueryResults, ServiceError> {
        debug_assert_eq!(permit.action(), tidegate_model::Action::Read);
        let Some(database) = self.join_database(&entry, &permit) else {
            return Err(ServiceError::DatabaseNotFound(permit.database().clone()));
        };
        let timer = QueryTimer { measurements: self.measurements.clone(), start: Instant::now() };
        let oldest_visible = database.retention.oldest_visible(self.clock.now());
        let schema = self.engine.schema(database.id, oldest_visible);
        let query = Query { sql: request.sql, parameters: request.parameters, schema };
        let result = entry
            .run(self.queries.execute(query))
            .await
            .map_err(|reason| ServiceError::ended(reason, Some(permit.database())))?
            .map_err(ServiceError::Query)?;
        Ok(QueryResults { schema: result.schema, batches: result.batches, entry, timer })
    }
}
