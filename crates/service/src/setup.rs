//! The first user, organization, database and API token (v2 API contract §5.8).

use std::sync::Arc;

use tidegate_access::Entry;
use tidegate_catalog::{Actor, NewUser, Onboarding};
use tidegate_model::{
    ApiToken, ApiTokenForm, ApiTokenId, Database, DatabaseLimits, DatabaseName, Description, Name, NewDatabase,
    Organization, PlainToken, Retention, Status, TypedPermissions, User, UserId,
};

use crate::service::actor;
use crate::{Service, ServiceError};

/// Longest token text that a caller may choose, in bytes.
const LONGEST_TOKEN: usize = 512;

/// What the first user wants.
#[derive(Debug, Clone)]
pub struct SetupRequest {
    /// The user's name.
    pub username: Name,
    /// The user's password; `None` = the user cannot sign in yet.
    pub password: Option<PlainToken>,
    /// The name that this server's organization gets.
    pub organization: Name,
    /// The database to adopt, if there is one of this name, or to create.
    pub database: DatabaseName,
    /// How long a database that is created keeps its rows.
    pub retention: Retention,
    /// The text of the operator's token; `None` = a random one.
    pub token: Option<PlainToken>,
}

/// On what ground somebody may set up this server.
#[derive(Debug)]
pub enum SetupAuthority {
    /// The request comes from this machine itself.
    Local,
    /// It comes with a management token.
    Management(Entry),
    /// Neither.
    Remote,
}

/// What a set-up has made.
#[derive(Debug)]
pub struct SetUp {
    /// The operator's token, shown once.
    pub token: PlainToken,
    /// Its record.
    pub record: ApiToken,
    /// The first user.
    pub user: Arc<User>,
    /// This server's organization under its new name.
    pub organization: Arc<Organization>,
    /// The database.
    pub database: Arc<Database>,
}

impl Service {
    /// Whether nobody has set up this server yet.
    pub fn setup_allowed(&self) -> bool {
        !self.catalog.any_user_ever()
    }

    /// Whether anybody who reaches this server may set it up.
    pub fn allows_remote_setup(&self) -> bool {
        self.settings.allow_remote_setup
    }

    /// Whether somebody may set up this server now.
    ///
    /// # Errors
    /// [`ServiceError::SetupForbidden`], [`ServiceError::AlreadySetUp`].
    pub fn check_setup(&self, authority: &SetupAuthority) -> Result<(), ServiceError> {
        if matches!(authority, SetupAuthority::Remote) && !self.settings.allow_remote_setup {
            return Err(ServiceError::SetupForbidden);
        }
        if self.setup_allowed() { Ok(()) } else { Err(ServiceError::AlreadySetUp) }
    }

    /// Makes the first user, names the organization, adopts or creates the database and makes an operator's token, all
    /// of it or nothing. Data stays as it is.
    ///
    /// # Errors
    /// As [`Service::check_setup`], and [`ServiceError::WeakToken`], [`ServiceError::BadToken`], [`ServiceError::BadPassword`].
    pub async fn set_up(
        self: &Arc<Self>,
        request: SetupRequest,
        authority: SetupAuthority,
    ) -> Result<SetUp, ServiceError> {
        self.check_setup(&authority)?;
        let token = match request.token {
            Some(token) => chosen(token)?,
            None => PlainToken::generate_without_prefix(&*self.randomness),
        };
        let weak = !token.is_generated_without_prefix();
        if weak && !matches!(authority, SetupAuthority::Local) {
            return Err(ServiceError::WeakToken);
        }
        let password = match &request.password {
            Some(password) => Some(self.passwords.hash(password, &*self.randomness).await?),
            None => None,
        };
        let user =
            NewUser { id: UserId::random(&*self.randomness), name: request.username, status: Status::Active, password };
        let now = self.access.now();
        let operator = ApiToken {
            id: ApiTokenId::random(&*self.randomness),
            form: ApiTokenForm::Token { weak },
            digest: token.digest(),
            organization: self.identity().organization,
            user: user.id,
            status: Status::Active,
            description: description_of(&user.name)?,
            permissions: TypedPermissions::operator(),
            created_at: now,
            updated_at: now,
            expires_at: None,
            deleted_at: None,
        };
        let onboarding = Onboarding {
            user,
            organization_name: request.organization,
            database: NewDatabase {
                name: request.database,
                description: Description::default(),
                retention: request.retention,
                limits: DatabaseLimits::default(),
                partition_template: None,
            },
            token: operator,
        };
        if weak {
            tracing::warn!("the operator's token was chosen by the caller and may be easy to guess: replace it");
        }
        self.run_change(move |service| async move {
            let (_turn, actor) = match &authority {
                SetupAuthority::Management(caller) => (service.begin_change(caller).await?, actor(caller)),
                SetupAuthority::Local | SetupAuthority::Remote => (service.changes.lock().await, Actor::Server),
            };
            let done = service.catalog.onboard(onboarding, actor).await?;
            service.put_api_token_in_force(&done.token).await;
            Ok(SetUp {
                token,
                record: done.token,
                user: done.user,
                organization: done.organization,
                database: done.database,
            })
        })
        .await
    }
}

/// A text that can be presented in a header, and that no other kind of credential has.
fn chosen(token: PlainToken) -> Result<PlainToken, ServiceError> {
    let text = token.expose();
    let is_presentable =
        !text.is_empty() && text.len() <= LONGEST_TOKEN && text.bytes().all(|byte| byte.is_ascii_graphic());
    let is_of_other_kind = ["apiv1_", "mgmt1_"].iter().any(|prefix| text.starts_with(prefix));
    if is_presentable && !is_of_other_kind { Ok(token) } else { Err(ServiceError::BadToken) }
}

fn description_of(user: &Name) -> Result<Description, ServiceError> {
    Description::new(&format!("{user}'s Token")).map_err(ServiceError::internal)
}
