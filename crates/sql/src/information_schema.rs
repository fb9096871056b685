//! `information_schema` with `tables`, `columns` and `schemata`. DataFusion's own also shows settings and functions.

use crate::catalog::{CATALOG, INFORMATION_SCHEMA, SCHEMA};
use async_trait::async_trait;
use datafusion::arrow::array::{ArrayRef, StringBuilder, UInt64Builder};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::catalog::{MemTable, SchemaProvider, TableProvider};
use datafusion::error::Result;
use datafusion::logical_expr::TableType;
use std::sync::Arc;

const TABLES: &str = "tables";
const COLUMNS: &str = "columns";
const SCHEMATA: &str = "schemata";
const ALL: [&str; 3] = [COLUMNS, SCHEMATA, TABLES];

#[derive(Debug)]
pub(crate) struct InformationSchema {
    tables: Arc<dyn SchemaProvider>,
}

impl InformationSchema {
    pub(crate) fn new(tables: Arc<dyn SchemaProvider>) -> Self {
        Self { tables }
    }

    fn sorted_names(&self) -> Vec<String> {
        let mut names = self.tables.table_names();
        names.sort_unstable();
        names
    }

    fn list_tables(&self) -> Result<Arc<dyn TableProvider>> {
        let mut rows = Rows::new(&["table_catalog", "table_schema", "table_name", "table_type"]);
        for name in self.sorted_names() {
            rows.push([CATALOG, SCHEMA, &name, "BASE TABLE"]);
        }
        for name in ALL {
            rows.push([CATALOG, INFORMATION_SCHEMA, name, "VIEW"]);
        }
        rows.finish(None)
    }

    async fn list_columns(&self) -> Result<Arc<dyn TableProvider>> {
        let mut rows =
            Rows::new(&["table_catalog", "table_schema", "table_name", "column_name", "data_type", "is_nullable"]);
        let mut positions = UInt64Builder::new();
        for name in self.sorted_names() {
            let Some(table) = self.tables.table(&name).await? else { continue };
            for (position, field) in (1..).zip(table.schema().fields()) {
                let nullable = if field.is_nullable() { "YES" } else { "NO" };
                rows.push([CATALOG, SCHEMA, &name, field.name(), &field.data_type().to_string(), nullable]);
                positions.append_value(position);
            }
        }
        rows.finish(Some(("ordinal_position", Arc::new(positions.finish()))))
    }

    fn list_schemas() -> Result<Arc<dyn TableProvider>> {
        let mut rows = Rows::new(&["catalog_name", "schema_name"]);
        rows.push([CATALOG, SCHEMA]);
        rows.push([CATALOG, INFORMATION_SCHEMA]);
        rows.finish(None)
    }
}

#[async_trait]
impl SchemaProvider for InformationSchema {
    fn table_names(&self) -> Vec<String> {
        ALL.map(str::to_owned).to_vec()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        Ok(match name {
            TABLES => Some(self.list_tables()?),
            COLUMNS => Some(self.list_columns().await?),
            SCHEMATA => Some(Self::list_schemas()?),
            _ => None,
        })
    }

    async fn table_type(&self, name: &str) -> Result<Option<TableType>> {
        Ok(self.table_exist(name).then_some(TableType::View))
    }

    fn table_exist(&self, name: &str) -> bool {
        ALL.contains(&name)
    }
}

/// A table of text under construction.
struct Rows {
    columns: Vec<(&'static str, StringBuilder)>,
}

impl Rows {
    fn new(names: &[&'static str]) -> Self {
        Self { columns: names.iter().map(|name| (*name, StringBuilder::new())).collect() }
    }

    fn push<const N: usize>(&mut self, values: [&str; N]) {
        for ((_, column), value) in self.columns.iter_mut().zip(values) {
            column.append_value(value);
        }
    }

    fn finish(self, last: Option<(&str, ArrayRef)>) -> Result<Arc<dyn TableProvider>> {
        let mut fields = Vec::new();
        let mut arrays: Vec<ArrayRef> = Vec::new();
        for (name, mut column) in self.columns {
            fields.push(Field::new(name, DataType::Utf8, false));
            arrays.push(Arc::new(column.finish()));
        }
        if let Some((name, array)) = last {
            fields.push(Field::new(name, array.data_type().clone(), false));
            arrays.push(array);
        }
        let schema = Arc::new(Schema::new(fields));
        let batch = RecordBatch::try_new(Arc::clone(&schema), arrays)?;
        Ok(Arc::new(MemTable::try_new(schema, vec![vec![batch]])?))
    }
}
