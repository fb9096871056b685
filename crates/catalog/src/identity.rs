//! Who this server is: written once, at first start.

use sqlx::{Row as _, SqliteConnection, SqlitePool};
use tidegate_model::{AccountId, ClusterId, Identity, OrganizationId, Timestamp};

use crate::CatalogError;
use crate::audit::AuditAction;
use crate::columns::uuid;
use crate::memory::Published;
use crate::writer::{Change, Outcome, Step};

/// Name of the account, the cluster and the organization.
const NAME: &str = "tidegate";

pub(crate) async fn find(connection: &mut SqliteConnection) -> Result<Option<Identity>, CatalogError> {
    let Some(row) =
        sqlx::query("SELECT account_id, id, organization_id FROM clusters").fetch_optional(connection).await?
    else {
        return Ok(None);
    };
    let organization = format!("{:016x}", row.try_get::<i64, _>(2)?);
    Ok(Some(Identity {
        account: AccountId::from_uuid(uuid(row.try_get(0)?)?),
        cluster: ClusterId::from_uuid(uuid(row.try_get(1)?)?),
        organization: organization.parse().map_err(|_| CatalogError::corrupt("the organization has a bad id"))?,
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
    let row = sqlx::query("SELECT name, created_at FROM clusters").fetch_one(readers).await?;
    Ok(ClusterRecord { name: row.try_get(0)?, created_at: Timestamp::from_micros(row.try_get(1)?) })
}

pub(crate) struct CreateCatalog(pub(crate) Identity);

impl Change for CreateCatalog {
    type Output = ();

    fn audit(&self) -> Option<(AuditAction, String)> {
        Some((AuditAction::CreateCatalog, self.0.cluster.to_string()))
    }

    async fn apply(&self, connection: &mut SqliteConnection, step: Step) -> Result<Outcome<()>, CatalogError> {
        let Identity { account, cluster, organization } = self.0;
        sqlx::query("INSERT INTO accounts (id, name, created_at) VALUES (?, ?, ?)")
            .bind(account.as_uuid().as_bytes().to_vec())
            .bind(NAME)
            .bind(step.now.micros())
            .execute(&mut *connection)
            .await?;
        sqlx::query(
            "INSERT INTO clusters (id, account_id, name, organization_id, organization_name, created_at) \
             VALUES (?, ?, ?, ?, ?, ?)",
        )
        .bind(cluster.as_uuid().as_bytes().to_vec())
        .bind(account.as_uuid().as_bytes().to_vec())
        .bind(NAME)
        .bind(organization_column(organization)?)
        .bind(NAME)
        .bind(step.now.micros())
        .execute(connection)
        .await?;
        Ok(Outcome::Changed(()))
    }

    fn published((): &()) -> Published {
        Published::Nothing
    }
}

fn organization_column(id: OrganizationId) -> Result<i64, CatalogError> {
    i64::try_from(id.get()).map_err(|error| CatalogError::Storage(Box::new(error)))
}
