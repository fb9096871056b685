//! Tables as DataFusion reads them.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::compute::filter;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use async_trait::async_trait;
use datafusion::catalog::{SchemaProvider, Session, TableProvider};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use futures::stream;
use tidegate_model::DatabaseId;

use crate::buffer::Buffer;
use crate::chunk::Chunk;
use crate::density::MAX_ROWS;
use crate::directory::TableDirectory;
use crate::schema::{Column, TableSchema};
use crate::table::Snapshot;

/// The active tables of one database.
#[derive(Debug)]
pub(crate) struct DatabaseSchema {
    pub(crate) directory: Arc<dyn TableDirectory>,
    pub(crate) buffer: Arc<Buffer>,
    pub(crate) database: DatabaseId,
    /// Time of the oldest rows that show, in nanoseconds; `None` shows all.
    pub(crate) oldest_visible: Option<i64>,
}

#[async_trait]
impl SchemaProvider for DatabaseSchema {
    fn table_names(&self) -> Vec<String> {
        self.directory.active(self.database).iter().map(|table| table.name.to_string()).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let Some(table) = self.directory.find(self.database, name) else { return Ok(None) };
        let snapshot = match self.buffer.table(table.id) {
            Some(rows) => rows.snapshot()?,
            None => Snapshot::empty(TableSchema::base(table.partition_template.as_ref())),
        };
        Ok(Some(Arc::new(TableSnapshot { snapshot, oldest_visible: self.oldest_visible })))
    }

    async fn table_type(&self, name: &str) -> Result<Option<TableType>> {
        Ok(self.table_exist(name).then_some(TableType::Base))
    }

    fn table_exist(&self, name: &str) -> bool {
        self.directory.find(self.database, name).is_some()
    }
}

/// A table at one moment.
#[derive(Debug)]
struct TableSnapshot {
    snapshot: Snapshot,
    oldest_visible: Option<i64>,
}

impl TableSnapshot {
    /// The chunks that have a visible row, in at most `count` runs of about the same number of rows.
    fn runs(&self, count: usize) -> Vec<Arc<[Arc<Chunk>]>> {
        let visible = |chunk: &&Arc<Chunk>| self.oldest_visible.is_none_or(|oldest| chunk.time_range().1 >= oldest);
        let chunks: Vec<Arc<Chunk>> = self.snapshot.chunks.iter().filter(visible).map(Arc::clone).collect();
        let total: usize = chunks.iter().map(|chunk| chunk.rows()).sum();
        let per_run = total.div_ceil(count.max(1)).max(MAX_ROWS);
        let mut runs = Vec::new();
        let mut run = Vec::new();
        let mut rows = 0;
        for chunk in chunks {
            rows += chunk.rows();
            run.push(chunk);
            if rows >= per_run {
                runs.push(std::mem::take(&mut run).into());
                rows = 0;
            }
        }
        if !run.is_empty() || runs.is_empty() {
            runs.push(run.into());
        }
        runs
    }
}

#[async_trait]
impl TableProvider for TableSnapshot {
    fn schema(&self) -> SchemaRef {
        Arc::clone(self.snapshot.schema.arrow())
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let all = self.snapshot.schema.columns();
        let (schema, columns): (SchemaRef, Arc<[Column]>) = match projection {
            None => (self.schema(), all.into()),
            Some(projection) => {
                let columns = projection.iter().filter_map(|&at| all.get(at).cloned()).collect();
                (Arc::new(self.schema().project(projection)?), columns)
            }
        };
        let partitions = self
            .runs(state.config().target_partitions())
            .into_iter()
            .map(|chunks| -> Arc<dyn PartitionStream> {
                let scan = Scan { schema: Arc::clone(&schema), columns: Arc::clone(&columns), chunks };
                Arc::new(Partition { scan, oldest_visible: self.oldest_visible })
            })
            .collect();
        Ok(Arc::new(StreamingTableExec::try_new(schema, partitions, None, [], false, limit)?))
    }
}

/// A run of chunks and the columns to read of them.
#[derive(Debug, Clone)]
struct Scan {
    schema: SchemaRef,
    columns: Arc<[Column]>,
    chunks: Arc<[Arc<Chunk>]>,
}

/// One partition of a scan.
#[derive(Debug)]
struct Partition {
    scan: Scan,
    oldest_visible: Option<i64>,
}

impl PartitionStream for Partition {
    fn schema(&self) -> &SchemaRef {
        &self.scan.schema
    }

    /// Makes batches as they are asked for, so that columns that most chunks lack cost no memory.
    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let Scan { schema, columns, chunks } = self.scan.clone();
        let oldest_visible = self.oldest_visible;
        let batch_schema = Arc::clone(&schema);
        let batches = (0..chunks.len()).filter_map(move |at| {
            let batch = batch(chunks.get(at)?, &batch_schema, &columns, oldest_visible);
            Some(batch.map_err(DataFusionError::from))
        });
        Box::pin(RecordBatchStreamAdapter::new(schema, stream::iter(batches)))
    }
}

/// The visible rows of a chunk with these columns.
fn batch(
    chunk: &Chunk,
    schema: &SchemaRef,
    columns: &[Column],
    oldest_visible: Option<i64>,
) -> Result<RecordBatch, ArrowError> {
    let keep = oldest_visible
        .filter(|&oldest| chunk.time_range().0 < oldest)
        .map(|oldest| chunk.times().iter().map(|&time| Some(time >= oldest)).collect::<BooleanArray>());
    let rows = keep.as_ref().map_or(chunk.rows(), BooleanArray::true_count);
    let arrays = columns
        .iter()
        .map(|column| match (chunk.column(&column.name), &keep) {
            (Some(array), None) => Ok(Arc::clone(array)),
            (Some(array), Some(keep)) => filter(array, keep),
            (None, _) => Ok(new_null_array(&column.kind.data_type(), rows)),
        })
        .collect::<Result<Vec<ArrayRef>, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::clone(schema), arrays, &options)
}
