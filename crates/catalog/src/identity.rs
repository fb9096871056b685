//! Who this server is: written once, at first start.

use std::sync::Arc;

use sqlx::{Row as _, SqliteConnection, SqlitePool};
use tidegate_model::{AccountId, ClusterId, Description, Identity, Organization, OrganizationId, Timestamp};

use crate::audit::AuditAction;
use crate::columns::{id, name, uuid};
use crate::memory::Published;
use crate::records::RecordChange;
use crate::writer::{Change, Outcome, Step};
use crate::{CatalogError, organizations};

/// Name of the account, the cluster and the organization.
const NAME: &str = "tidegate";

pub(crate) async fn find(connection: &mut SqliteConnection) -> Result<Option<Identity>, CatalogError> {
    let query = "SELECT account_id, id, organization_id FROM clusters WHERE is_first = 1";
    let Some(row) = sqlx::query(query).fetch_optional(connection).await? else {
        return Ok(None);
    };
    Ok(Some(Identity {
        account: AccountId::from_uuid(uuid(row.try_get(0)?)?),
        cluster: ClusterId::from_uuid(uuid(row.try_get(1)?)?),
        organization: id(row.try_get(2)?, OrganizationId::new)?,
    }))
}

/// What is known of the cluster beside its ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterRecord {
    /// Its name.
    pub name: String,
    /// When this server was first started.
    pub created_at: Timestamp,
}

pub(crate) async fn cluster(readers: &SqlitePool) -> Result<ClusterRecord, CatalogError> {
    let row = sqlx::query("SELECT name, created_at FROM clusters WHERE is_first = 1").fetch_one(readers).await?;
    Ok(ClusterRecord { name: row.try_get(0)?, created_at: Timestamp::from_micros(row.try_get(1)?) })
}

pub(crate) struct CreateCatalog(pub(crate) Identity);

impl Change for CreateCatalog {
    type Output = Arc<Organization>;

    fn audit(&self) -> Option<(AuditAction, String)> {
        Some((AuditAction::CreateCatalog, self.0.cluster.to_string()))
    }

    async fn apply(
        &self,
        connection: &mut SqliteConnection,
        step: Step,
    ) -> Result<Outcome<Arc<Organization>>, CatalogError> {
        let Identity { account, cluster, organization } = self.0;
        sqlx::query("INSERT INTO accounts (id, name, created_at) VALUES (?, ?, ?)")
            .bind(account.as_uuid().as_bytes().to_vec())
            .bind(NAME)
            .bind(step.now.micros())
            .execute(&mut *connection)
            .await?;
        let organization = Organization {
            id: organization,
            cluster,
            name: name(NAME)?,
            description: Description::default(),
            created_at: step.now,
            updated_at: step.now,
        };
        organizations::insert(connection, step, &organization, true).await?;
        Ok(Outcome::Changed(Arc::new(organization)))
    }

    fn published(output: &Self::Output) -> Published {
        RecordChange::Organization(output.clone()).into()
    }
}
