//! The durable record of organizations, users, databases, tokens and audit, in SQLite.
//!
//! One file in the data directory, `catalog.sqlite`. Every change is one transaction that also writes its audit row
//! and takes the next [`SequenceNumber`]; it is on disk before the call returns, and only then shown in memory.
//! Changes run one after the other, in tasks of their own: dropping the future of a call does not stop a change that
//! has begun. Reads see committed changes only. No secret is kept here, only digests and hashes.

mod api_token_rows;
mod api_tokens;
mod audit;
mod clock_mark;
mod columns;
mod databases;
mod error;
mod file;
mod identity;
mod mapping_family;
mod mapping_memory;
mod mappings;
mod members;
mod memory;
mod onboarding;
mod organizations;
mod partition;
mod records;
mod table_calls;
mod table_memory;
mod tables;
mod token_cache;
mod tokens;
mod users;
mod writer;

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use sqlx::SqlitePool;
use tidegate_model::{
    AccountId, Clock, ClusterId, Database, DatabaseChange, DatabaseId, DatabaseName, Identity, NewDatabase, NewToken,
    OrganizationId, Randomness, SequenceNumber, Timestamp, TokenId, TokenKind, TokenRecord,
};

pub use api_token_rows::ApiTokenFilter;
pub use audit::{Actor, AuditAction, AuditRow};
pub use databases::RecordStatus;
pub use error::CatalogError;
pub use identity::ClusterRecord;
pub use mappings::MappingChange;
pub use onboarding::{Onboarded, Onboarding};
pub use organizations::{DeletedOrganization, OrganizationChange};
pub use tokens::{Revocation, TokenChange};
pub use users::{NewUser, PasswordHash, UserChange};

use clock_mark::RaiseClockMark;
use databases::{CreateDatabase, DeleteDatabase, RenameDatabase, UndeleteDatabase, UpdateDatabase};
use identity::CreateCatalog;
use memory::Memory;
use table_memory::TableMemory;
use token_cache::Lookup;
use tokens::{CreateToken, RevokeToken, UpdateToken};
use writer::{Change, Writer};

/// The catalog. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Catalog {
    shared: Arc<Shared>,
}

/// What [`Catalog::open`] gives.
#[derive(Debug)]
pub struct Opened {
    /// The catalog.
    pub catalog: Catalog,
    /// Whether it was made just now.
    pub first_start: bool,
}

struct Shared {
    identity: Identity,
    memory: Memory,
    writer: tokio::sync::Mutex<Writer>,
    readers: SqlitePool,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for Catalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Catalog").field("sequence", &self.sequence()).finish_non_exhaustive()
    }
}

impl Catalog {
    /// Opens `directory/catalog.sqlite`, or makes it with a new [`Identity`] if it is not there. The directory must
    /// exist, and no other process may have the catalog open. The file's mode becomes 0600.
    ///
    /// # Errors
    /// [`CatalogError::File`], [`CatalogError::Corrupt`], [`CatalogError::Newer`], [`CatalogError::Storage`].
    pub async fn open(
        directory: &Path,
        randomness: &dyn Randomness,
        clock: Arc<dyn Clock>,
    ) -> Result<Opened, CatalogError> {
        let path = file::prepare(directory)?;
        let mut connection = file::connect(&path).await?;
        file::empty_log(&mut connection).await?;
        file::migrate(&mut connection).await?;
        let known = identity::find(&mut connection).await?;
        let records = records::load(&mut connection).await?;
        let tables = TableMemory::new(tables::all(&mut connection).await?, tables::names(&mut connection).await?)?;
        let memory = Memory::new(writer::read_head(&mut connection).await?, records, tables);
        let readers = file::readers(&path);
        let mut writer = Writer::new(path, connection);
        let identity = match known {
            Some(identity) => identity,
            None => {
                let identity = new_identity(randomness);
                writer.change(&CreateCatalog(identity), Actor::Server, &memory, clock.now()).await?;
                identity
            }
        };
        let shared = Shared { identity, memory, writer: writer.into(), readers, clock };
        Ok(Opened { catalog: Self { shared: Arc::new(shared) }, first_start: known.is_none() })
    }

    /// Who this server is.
    pub fn identity(&self) -> Identity {
        self.shared.identity
    }

    /// Name and age of the cluster.
    ///
    /// # Errors
    /// Only those of storage.
    pub async fn cluster(&self) -> Result<ClusterRecord, CatalogError> {
        identity::cluster(&self.shared.readers).await
    }

    /// The position of the newest committed change.
    pub fn sequence(&self) -> SequenceNumber {
        self.shared.memory.head().sequence
    }

    /// Records a new token.
    ///
    /// # Errors
    /// [`CatalogError::TokenExists`] when its digest or id was ever used, also by a revoked token.
    pub async fn create_token(&self, new: NewToken, actor: Actor) -> Result<Arc<TokenRecord>, CatalogError> {
        self.change(CreateToken(new), actor).await
    }

    /// Changes the description or the permissions of a database token. A change to what is there already is none:
    /// no audit row, no sequence number.
    ///
    /// # Errors
    /// [`CatalogError::TokenNotFound`], also for a management token; [`CatalogError::TokenRevoked`].
    pub async fn update_token(
        &self,
        id: TokenId,
        change: TokenChange,
        actor: Actor,
    ) -> Result<Arc<TokenRecord>, CatalogError> {
        self.change(UpdateToken { id, change }, actor).await
    }

    /// Revokes a token for good. To revoke it again changes nothing and succeeds.
    ///
    /// # Errors
    /// [`CatalogError::TokenNotFound`], also for a token of the other kind.
    pub async fn revoke_token(&self, id: TokenId, kind: TokenKind, actor: Actor) -> Result<Revocation, CatalogError> {
        self.change(RevokeToken { id, kind }, actor).await
    }

    /// One token, revoked or not.
    ///
    /// # Errors
    /// [`CatalogError::TokenNotFound`], also for a token of the other kind.
    pub async fn token(&self, id: TokenId, kind: TokenKind) -> Result<Arc<TokenRecord>, CatalogError> {
        let cache = &self.shared.memory.tokens;
        let record = match cache.look_up(id) {
            Lookup::Hit(record) => record,
            Lookup::Miss(ticket) => {
                let record = Arc::new(tokens::find(&self.shared.readers, id).await?);
                cache.offer(ticket, record.clone());
                record
            }
        };
        tokens::of_kind(record, kind)
    }

    /// All tokens of a kind at one moment, by id.
    ///
    /// # Errors
    /// Only those of storage.
    pub async fn tokens(&self, kind: TokenKind, include_revoked: bool) -> Result<Vec<TokenRecord>, CatalogError> {
        tokens::list(&self.shared.readers, kind, include_revoked).await
    }

    /// All tokens of any kind that are not revoked (expired ones included), in no order.
    ///
    /// # Errors
    /// Only those of storage.
    pub async fn live_tokens(&self) -> Result<Vec<TokenRecord>, CatalogError> {
        let mut records = Vec::new();
        self.for_each_live_token(|record| records.push(record)).await?;
        Ok(records)
    }

    /// As [`Catalog::live_tokens`], one at a time, for when a list of all of them would take too much memory.
    ///
    /// # Errors
    /// Only those of storage; some tokens may have been visited by then.
    pub async fn for_each_live_token(&self, visit: impl FnMut(TokenRecord) + Send) -> Result<(), CatalogError> {
        tokens::for_each_live(&self.shared.readers, visit).await
    }

    /// Whether there is a management token, or was one: then none is made at start.
    ///
    /// # Errors
    /// Only those of storage.
    pub async fn management_token_ever_existed(&self) -> Result<bool, CatalogError> {
        tokens::any_management_token(&self.shared.readers).await
    }

    /// The active database of this name in an organization. Does no I/O.
    pub fn database(&self, organization: OrganizationId, name: &DatabaseName) -> Option<Arc<Database>> {
        self.shared.memory.records().database(organization, name)
    }

    /// The active database of this id, in whichever organization. Does no I/O.
    pub fn database_by_id(&self, id: DatabaseId) -> Option<Arc<Database>> {
        self.shared.memory.records().database_by_id(id)
    }

    /// The active databases of an organization, by name. Does no I/O.
    pub fn active_databases(&self, organization: OrganizationId) -> Vec<Arc<Database>> {
        self.shared.memory.records().active_databases(organization)
    }

    /// The databases of an organization that have this status, by name, then id.
    ///
    /// # Errors
    /// Only those of storage.
    pub async fn databases(
        &self,
        organization: OrganizationId,
        status: RecordStatus,
    ) -> Result<Vec<Database>, CatalogError> {
        databases::list(&self.shared.readers, organization, status).await
    }

    /// Records a new database of an organization under an id that no other has had.
    ///
    /// # Errors
    /// [`CatalogError::OrganizationNotFound`], [`CatalogError::DatabaseExists`], [`CatalogError::TemplateTooWide`].
    pub async fn create_database(
        &self,
        organization: OrganizationId,
        new: NewDatabase,
        actor: Actor,
    ) -> Result<Arc<Database>, CatalogError> {
        self.change(CreateDatabase { organization, new }, actor).await
    }

    /// Deletes the active database of this name, softly: its record stays, its name is free again.
    ///
    /// # Errors
    /// [`CatalogError::DatabaseNotFound`].
    pub async fn delete_database(
        &self,
        organization: OrganizationId,
        name: &DatabaseName,
        actor: Actor,
    ) -> Result<Arc<Database>, CatalogError> {
        self.change(DeleteDatabase { organization, name: name.clone() }, actor).await
    }

    /// Changes description, limits or retention of the active database of this name. New limits on columns hold for tables created
    /// from then on. A change to what is there already is none.
    ///
    /// # Errors
    /// [`CatalogError::DatabaseNotFound`].
    pub async fn update_database(
        &self,
        organization: OrganizationId,
        name: DatabaseName,
        change: DatabaseChange,
        actor: Actor,
    ) -> Result<Arc<Database>, CatalogError> {
        self.change(UpdateDatabase { organization, name, change }, actor).await
    }

    /// Gives the active database of this name another one.
    ///
    /// # Errors
    /// [`CatalogError::DatabaseNotFound`]; [`CatalogError::DatabaseExists`], also for its own present name.
    pub async fn rename_database(
        &self,
        organization: OrganizationId,
        name: DatabaseName,
        new_name: DatabaseName,
        actor: Actor,
    ) -> Result<Arc<Database>, CatalogError> {
        self.change(RenameDatabase { organization, name, new_name }, actor).await
    }

    /// Brings back a database of an organization that was deleted after `deleted_after`, as it was.
    ///
    /// # Errors
    /// [`CatalogError::OrganizationNotFound`]; [`CatalogError::DatabaseNotFound`], also if it was deleted too long ago or
    /// belongs to another organization; [`CatalogError::NotDeleted`]; [`CatalogError::NameTaken`].
    pub async fn undelete_database(
        &self,
        organization: OrganizationId,
        id: DatabaseId,
        deleted_after: Timestamp,
        actor: Actor,
    ) -> Result<Arc<Database>, CatalogError> {
        self.change(UndeleteDatabase { organization, id, deleted_after }, actor).await
    }

    /// The highest time at which an expiry has been acted upon.
    pub fn clock_mark(&self) -> Option<Timestamp> {
        self.shared.memory.head().clock_mark
    }

    /// Raises the clock mark to `to`; does nothing, and no I/O, if it is there already. It takes no sequence number
    /// and leaves no audit row.
    ///
    /// # Errors
    /// Only those of storage.
    pub async fn raise_clock_mark(&self, to: Timestamp) -> Result<(), CatalogError> {
        if self.clock_mark() >= Some(to) {
            return Ok(());
        }
        self.change(RaiseClockMark { to }, Actor::Server).await
    }

    /// The newest `limit` rows of the audit log, newest first.
    ///
    /// # Errors
    /// Only those of storage.
    pub async fn audit(&self, limit: u32) -> Result<Vec<AuditRow>, CatalogError> {
        audit::newest(&self.shared.readers, limit).await
    }

    /// Waits for the change and the reads under way, then closes the file. Every clone refuses work from then on.
    pub async fn close(self) {
        let mut writer = self.shared.writer.lock().await;
        self.shared.readers.close().await;
        writer.close().await;
    }

    /// Runs the change in a task of its own, so that memory follows the disk even if the caller goes away.
    async fn change<C: Change>(&self, change: C, actor: Actor) -> Result<C::Output, CatalogError> {
        let shared = self.shared.clone();
        let task = tokio::spawn(async move {
            let mut writer = shared.writer.lock().await;
            writer.change(&change, actor, &shared.memory, shared.clock.now()).await
        });
        task.await.unwrap_or_else(|error| {
            tracing::error!(%error, "a change to the catalog was cut off");
            Err(CatalogError::Unusable)
        })
    }
}

fn new_identity(randomness: &dyn Randomness) -> Identity {
    Identity {
        account: AccountId::random(randomness),
        cluster: ClusterId::random(randomness),
        organization: OrganizationId::random(randomness),
    }
}
