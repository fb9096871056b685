//! What the catalog keeps in memory of databases, users, organizations, members and mappings: those that exist.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use sqlx::SqliteConnection;
use tidegate_model::{
    Database, DatabaseId, DatabaseName, Mapping, MappingId, Name, Organization, OrganizationId, Role, User, UserId,
};

use crate::mapping_memory::MappingMemory;
use crate::{CatalogError, databases, mappings, members, organizations, users};

/// A committed change to one record.
pub(crate) enum RecordChange {
    /// Made, changed or deleted.
    Database(Arc<Database>),
    /// Made or changed.
    User(Arc<User>),
    /// Leaves all organizations.
    UserDeleted(UserId),
    /// Made or changed.
    Organization(Arc<Organization>),
    /// Takes its members and mappings with it. Its databases are deleted one by one.
    OrganizationDeleted(OrganizationId),
    MemberAdded(Membership),
    MemberRemoved(Membership),
    /// Made or changed.
    Mapping(Arc<Mapping>),
    MappingDeleted(MappingId),
}

/// That a user has a role in an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Membership {
    pub(crate) organization: OrganizationId,
    pub(crate) user: UserId,
    pub(crate) role: Role,
}

#[derive(Default)]
pub(crate) struct Records {
    databases: HashMap<DatabaseId, Arc<Database>>,
    database_names: HashMap<OrganizationId, BTreeMap<DatabaseName, Arc<Database>>>,
    users: Named<UserId, User>,
    any_user_ever: bool,
    organizations: Named<OrganizationId, Organization>,
    members: HashMap<OrganizationId, BTreeSet<(UserId, Role)>>,
    roles: HashMap<UserId, BTreeSet<(OrganizationId, Role)>>,
    mappings: MappingMemory,
}

pub(crate) async fn load(connection: &mut SqliteConnection) -> Result<Records, CatalogError> {
    let mut records = Records { any_user_ever: users::any_ever(&mut *connection).await?, ..Records::default() };
    for database in databases::all_active(&mut *connection).await? {
        records.apply(RecordChange::Database(Arc::new(database)));
    }
    for user in users::all(&mut *connection).await? {
        records.apply(RecordChange::User(Arc::new(user)));
    }
    for organization in organizations::all(&mut *connection).await? {
        records.apply(RecordChange::Organization(Arc::new(organization)));
    }
    for membership in members::all(&mut *connection).await? {
        records.apply(RecordChange::MemberAdded(membership));
    }
    for mapping in mappings::all(&mut *connection).await? {
        records.apply(RecordChange::Mapping(Arc::new(mapping)));
    }
    Ok(records)
}

impl Records {
    pub(crate) fn database(&self, organization: OrganizationId, name: &DatabaseName) -> Option<Arc<Database>> {
        self.database_names.get(&organization)?.get(name).cloned()
    }

    pub(crate) fn database_by_id(&self, id: DatabaseId) -> Option<Arc<Database>> {
        self.databases.get(&id).cloned()
    }

    /// By name.
    pub(crate) fn active_databases(&self, organization: OrganizationId) -> Vec<Arc<Database>> {
        self.database_names.get(&organization).map(|names| names.values().cloned().collect()).unwrap_or_default()
    }

    pub(crate) const fn users(&self) -> &Named<UserId, User> {
        &self.users
    }

    pub(crate) const fn any_user_ever(&self) -> bool {
        self.any_user_ever
    }

    pub(crate) const fn organizations(&self) -> &Named<OrganizationId, Organization> {
        &self.organizations
    }

    /// By id.
    pub(crate) fn members(&self, organization: OrganizationId, role: Role) -> Vec<Arc<User>> {
        let Some(members) = self.members.get(&organization) else { return Vec::new() };
        members.iter().filter(|member| member.1 == role).filter_map(|(user, _)| self.users.get(*user)).collect()
    }

    /// By organization.
    pub(crate) fn roles(&self, user: UserId) -> Vec<(OrganizationId, Role)> {
        self.roles.get(&user).map(|roles| roles.iter().copied().collect()).unwrap_or_default()
    }

    pub(crate) fn mapping(&self, id: MappingId) -> Option<Arc<Mapping>> {
        self.mappings.get(id).filter(|mapping| self.leads_somewhere(mapping))
    }

    /// By id.
    pub(crate) fn mappings(&self, organization: OrganizationId) -> Vec<Arc<Mapping>> {
        self.mappings.of(organization).filter(|mapping| self.leads_somewhere(mapping)).collect()
    }

    pub(crate) fn mapped_database(
        &self,
        organization: OrganizationId,
        v1_database: &str,
        retention_policy: Option<&str>,
    ) -> Option<DatabaseId> {
        let mapping = self.mappings.find(organization, v1_database, retention_policy)?;
        self.leads_somewhere(mapping).then_some(mapping.database)
    }

    fn leads_somewhere(&self, mapping: &Mapping) -> bool {
        self.databases.contains_key(&mapping.database)
    }

    /// Shows one change.
    pub(crate) fn apply(&mut self, change: RecordChange) {
        match change {
            RecordChange::Database(database) => self.put_database(database),
            RecordChange::User(user) => {
                self.any_user_ever = true;
                self.users.put(user.id, user);
            }
            RecordChange::UserDeleted(id) => {
                self.users.remove(id);
                for (organization, role) in self.roles.remove(&id).unwrap_or_default() {
                    self.members.entry(organization).or_default().remove(&(id, role));
                }
            }
            RecordChange::Organization(organization) => self.organizations.put(organization.id, organization),
            RecordChange::OrganizationDeleted(id) => {
                self.organizations.remove(id);
                for (user, role) in self.members.remove(&id).unwrap_or_default() {
                    self.roles.entry(user).or_default().remove(&(id, role));
                }
                self.mappings.remove_all(id);
            }
            RecordChange::MemberAdded(Membership { organization, user, role }) => {
                self.members.entry(organization).or_default().insert((user, role));
                self.roles.entry(user).or_default().insert((organization, role));
            }
            RecordChange::MemberRemoved(Membership { organization, user, role }) => {
                self.members.entry(organization).or_default().remove(&(user, role));
                self.roles.entry(user).or_default().remove(&(organization, role));
            }
            RecordChange::Mapping(mapping) => self.mappings.put(mapping),
            RecordChange::MappingDeleted(id) => self.mappings.remove(id),
        }
    }

    fn put_database(&mut self, database: Arc<Database>) {
        let names = self.database_names.entry(database.organization).or_default();
        if let Some(before) = self.databases.remove(&database.id) {
            names.remove(&before.name);
        }
        if database.deleted_at.is_none() {
            names.insert(database.name.clone(), database.clone());
            self.databases.insert(database.id, database);
        }
    }
}

/// Something that has a name, which no other of its kind has.
pub(crate) trait HasName {
    fn name(&self) -> &Name;
}

impl HasName for User {
    fn name(&self) -> &Name {
        &self.name
    }
}

impl HasName for Organization {
    fn name(&self) -> &Name {
        &self.name
    }
}

/// Records by id, found by name as well.
pub(crate) struct Named<I, T> {
    by_id: BTreeMap<I, Arc<T>>,
    ids: HashMap<Box<str>, I>,
}

impl<I, T> Default for Named<I, T> {
    fn default() -> Self {
        Self { by_id: BTreeMap::new(), ids: HashMap::new() }
    }
}

impl<I: Ord + Copy, T: HasName> Named<I, T> {
    pub(crate) fn get(&self, id: I) -> Option<Arc<T>> {
        self.by_id.get(&id).cloned()
    }

    pub(crate) fn by_name(&self, name: &str) -> Option<Arc<T>> {
        self.ids.get(name).and_then(|id| self.get(*id))
    }

    /// By id.
    pub(crate) fn all(&self) -> Vec<Arc<T>> {
        self.by_id.values().cloned().collect()
    }

    fn put(&mut self, id: I, record: Arc<T>) {
        self.remove(id);
        self.ids.insert(record.name().as_str().into(), id);
        self.by_id.insert(id, record);
    }

    fn remove(&mut self, id: I) {
        if let Some(before) = self.by_id.remove(&id) {
            self.ids.remove(before.name().as_str());
        }
    }
}
