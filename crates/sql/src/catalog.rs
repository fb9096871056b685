//! The one catalog a query sees: `public`, with the tables of its database as `iox`.

use crate::information_schema::InformationSchema;
use datafusion::catalog::{CatalogProvider, CatalogProviderList, SchemaProvider};
use std::sync::Arc;

/// The name of the only catalog.
pub(crate) const CATALOG: &str = "public";
/// The name of the schema that holds the tables.
pub(crate) const SCHEMA: &str = "iox";
/// The name of the schema that describes them.
pub(crate) const INFORMATION_SCHEMA: &str = "information_schema";

/// Holds the tables of one database; nothing can be added to it.
#[derive(Debug)]
pub(crate) struct OneDatabase {
    catalog: Arc<dyn CatalogProvider>,
}

impl OneDatabase {
    pub(crate) fn new(tables: Arc<dyn SchemaProvider>) -> Self {
        let information = Arc::new(InformationSchema::new(Arc::clone(&tables)));
        Self { catalog: Arc::new(OneCatalog { tables, information }) }
    }
}

impl CatalogProviderList for OneDatabase {
    fn register_catalog(&self, _name: String, _: Arc<dyn CatalogProvider>) -> Option<Arc<dyn CatalogProvider>> {
        None
    }

    fn catalog_names(&self) -> Vec<String> {
        vec![CATALOG.to_owned()]
    }

    fn catalog(&self, name: &str) -> Option<Arc<dyn CatalogProvider>> {
        (name == CATALOG).then(|| Arc::clone(&self.catalog))
    }
}

#[derive(Debug)]
struct OneCatalog {
    tables: Arc<dyn SchemaProvider>,
    information: Arc<dyn SchemaProvider>,
}

impl CatalogProvider for OneCatalog {
    fn schema_names(&self) -> Vec<String> {
        vec![SCHEMA.to_owned(), INFORMATION_SCHEMA.to_owned()]
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        match name {
            SCHEMA => Some(Arc::clone(&self.tables)),
            INFORMATION_SCHEMA => Some(Arc::clone(&self.information)),
            _ => None,
        }
    }
}
