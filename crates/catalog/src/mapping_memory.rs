//! What the catalog keeps in memory of mappings: all of them, also those of deleted databases.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tidegate_model::{Mapping, MappingId, OrganizationId};

#[derive(Default)]
pub(crate) struct MappingMemory {
    by_id: BTreeMap<MappingId, Arc<Mapping>>,
    /// Those of each v1 database, in no order.
    names: HashMap<OrganizationId, HashMap<String, Vec<Arc<Mapping>>>>,
}

impl MappingMemory {
    pub(crate) fn get(&self, id: MappingId) -> Option<Arc<Mapping>> {
        self.by_id.get(&id).cloned()
    }

    /// By id.
    pub(crate) fn of(&self, organization: OrganizationId) -> impl Iterator<Item = Arc<Mapping>> {
        self.by_id.values().filter(move |mapping| mapping.organization == organization).cloned()
    }

    /// The mapping of this retention policy, or the default one.
    pub(crate) fn find(
        &self,
        organization: OrganizationId,
        v1_database: &str,
        retention_policy: Option<&str>,
    ) -> Option<&Mapping> {
        let mappings = self.names.get(&organization)?.get(v1_database)?;
        let wanted = |mapping: &&Arc<Mapping>| match retention_policy {
            Some(policy) => mapping.retention_policy == policy,
            None => mapping.is_default,
        };
        mappings.iter().find(wanted).map(|mapping| &**mapping)
    }

    pub(crate) fn put(&mut self, mapping: Arc<Mapping>) {
        self.remove(mapping.id);
        let names = self.names.entry(mapping.organization).or_default();
        names.entry(mapping.v1_database.clone()).or_default().push(mapping.clone());
        self.by_id.insert(mapping.id, mapping);
    }

    pub(crate) fn remove(&mut self, id: MappingId) {
        let Some(before) = self.by_id.remove(&id) else { return };
        let names = self.names.entry(before.organization).or_default();
        if let Some(mappings) = names.get_mut(&before.v1_database) {
            mappings.retain(|mapping| mapping.id != id);
            if mappings.is_empty() {
                names.remove(&before.v1_database);
            }
        }
    }

    pub(crate) fn remove_all(&mut self, organization: OrganizationId) {
        self.by_id.retain(|_, mapping| mapping.organization != organization);
        self.names.remove(&organization);
    }
}
