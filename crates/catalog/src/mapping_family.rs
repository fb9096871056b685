//! What a change does to the mappings of one v1 database, of which exactly one is the default one.

use tidegate_model::{Mapping, MappingId};

use crate::{CatalogError, MappingChange};

/// All mappings of one v1 database in an organization, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Family(pub(crate) Vec<Sibling>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sibling {
    pub(crate) mapping: Mapping,
    /// Whether its database is active. If not, it makes room for another with its names.
    pub(crate) is_shown: bool,
}

impl Family {
    pub(crate) fn get(&self, id: MappingId) -> Option<&Mapping> {
        self.0.iter().map(|sibling| &sibling.mapping).find(|mapping| mapping.id == id)
    }

    fn get_shown(&self, id: MappingId) -> Result<&Mapping, CatalogError> {
        let mapping = self.shown().find(|mapping| mapping.id == id);
        mapping.ok_or(CatalogError::MappingNotFound)
    }

    fn get_mut(&mut self, id: MappingId) -> Option<&mut Mapping> {
        self.0.iter_mut().map(|sibling| &mut sibling.mapping).find(|mapping| mapping.id == id)
    }

    fn shown(&self) -> impl Iterator<Item = &Mapping> {
        self.0.iter().filter(|sibling| sibling.is_shown).map(|sibling| &sibling.mapping)
    }

    /// The mapping that is shown and has this retention policy.
    fn holder(&self, retention_policy: &str) -> Option<MappingId> {
        self.shown().find(|mapping| mapping.retention_policy == retention_policy).map(|mapping| mapping.id)
    }

    /// Removes the mapping that is not shown and has this retention policy.
    fn make_room(&mut self, retention_policy: &str) {
        self.0.retain(|sibling| sibling.is_shown || sibling.mapping.retention_policy != retention_policy);
    }

    fn set_default(&mut self, id: MappingId) {
        for Sibling { mapping, .. } in &mut self.0 {
            mapping.is_default = mapping.id == id;
        }
    }

    /// Adds a mapping, or overwrites the one of the same names. Gives the id of the mapping that has the names then.
    pub(crate) fn create(&mut self, new: &Mapping, overwrite: bool) -> Result<MappingId, CatalogError> {
        let holder = self.holder(&new.retention_policy);
        if holder.is_some() && !overwrite {
            return Err(exists(new, &new.retention_policy));
        }
        self.make_room(&new.retention_policy);
        let id = holder.unwrap_or(new.id);
        match self.get_mut(id) {
            Some(mapping) => mapping.database = new.database,
            None => self.0.push(Sibling { mapping: Mapping { is_default: false, ..new.clone() }, is_shown: true }),
        }
        if new.is_default || !self.shown().any(|mapping| mapping.is_default) {
            self.set_default(id);
        }
        Ok(id)
    }

    pub(crate) fn update(&mut self, id: MappingId, change: &MappingChange) -> Result<(), CatalogError> {
        let before = self.get_shown(id)?.clone();
        if let Some(policy) = &change.retention_policy {
            if self.holder(policy).is_some_and(|holder| holder != id) {
                return Err(exists(&before, policy));
            }
            self.make_room(policy);
            if let Some(mapping) = self.get_mut(id) {
                mapping.retention_policy.clone_from(policy);
            }
        }
        let heir = self.shown().map(|mapping| mapping.id).find(|other| *other != id);
        let has_default = self.0.iter().any(|sibling| sibling.mapping.is_default);
        match (change.default, heir) {
            (Some(true), _) => self.set_default(id),
            (Some(false), Some(heir)) if before.is_default => self.set_default(heir),
            // The default one has just made room.
            _ if !has_default => self.set_default(id),
            _ => {}
        }
        Ok(())
    }

    pub(crate) fn delete(&mut self, id: MappingId) -> Result<(), CatalogError> {
        let was_default = self.get_shown(id)?.is_default;
        self.0.retain(|sibling| sibling.mapping.id != id);
        let heir = self.shown().next().or_else(|| self.0.first().map(|sibling| &sibling.mapping));
        if let Some(heir) = heir.filter(|_| was_default).map(|heir| heir.id) {
            self.set_default(heir);
        }
        Ok(())
    }
}

pub(crate) fn exists(mapping: &Mapping, retention_policy: &str) -> CatalogError {
    CatalogError::MappingExists {
        v1_database: mapping.v1_database.clone(),
        retention_policy: retention_policy.to_owned(),
    }
}
