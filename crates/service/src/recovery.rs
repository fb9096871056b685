//! What whoever runs a server can do while it is stopped: see who has rights, and make a new credential when the others
//! are lost.

use std::path::Path;
use std::sync::Arc;

use tidegate_catalog::{Actor, ApiTokenFilter, Catalog, CatalogError, NewUser, UserChange};
use tidegate_model::{
    ApiToken, ApiTokenForm, ApiTokenId, Clock, Description, Name, NewToken, Organization, OrganizationId, OsRandomness,
    PermissionSet, PlainToken, Randomness, Role, Status, SystemClock, Timestamp, TokenId, TokenKind, TokenRecord,
    TypedPermissions, User, UserId,
};

use crate::{Created, ServiceError};

/// The catalog of a stopped server. Whoever opens it holds the data directory, so that no server runs meanwhile.
#[derive(Debug)]
pub struct Recovery {
    catalog: Catalog,
    clock: Arc<dyn Clock>,
    randomness: Arc<dyn Randomness>,
}

/// Who may administer a server, and with what.
#[derive(Debug)]
pub struct Administration {
    /// By id.
    pub users: Vec<Arc<User>>,
    /// By id.
    pub organizations: Vec<Arc<Organization>>,
    /// API tokens that may do everything, by id, with their owners; `None` if the owner is deleted.
    pub operator_tokens: Vec<(ApiToken, Option<Arc<User>>)>,
    /// By id, revoked ones included.
    pub management_tokens: Vec<TokenRecord>,
    /// The time to compare expiries with.
    pub now: Timestamp,
}

/// For whom a new operator's token shall be.
#[derive(Debug, Clone, Default)]
pub struct NewOperator {
    /// The owner; `None` = the only active user.
    pub username: Option<Name>,
    /// The organization in which it finds databases; `None` = the server's own.
    pub organization: Option<Name>,
    /// Make the owner, if there is none of this name.
    pub create_user: bool,
    /// Activate the owner, if it is inactive.
    pub activate_user: bool,
}

/// An operator's token that has just been made. The secret exists nowhere else.
#[derive(Debug)]
pub struct CreatedOperator {
    /// The secret, shown once.
    pub token: PlainToken,
    /// What the catalog keeps.
    pub record: ApiToken,
    /// Its owner.
    pub user: Arc<User>,
    /// Where it finds databases.
    pub organization: Arc<Organization>,
}

/// Why a credential is not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecoveryError {
    /// There is no user yet.
    #[error("this server has never been set up: use `tidegate setup`, which makes the first user and its token")]
    NeverSetUp,
    /// No user has this name.
    #[error("there is no user \"{0}\": look at `tidegate recovery list`, or give --create-user to make it")]
    UserNotFound(Name),
    /// The user could not use the token.
    #[error("user \"{0}\" is inactive: give --activate-user to activate it, or choose another --username")]
    UserInactive(Name),
    /// No user is active.
    #[error("no user is active: give --username with --activate-user, or with --create-user")]
    NoActiveUser,
    /// It is not clear whose token this shall be.
    #[error("{0} users are active: choose one of them with --username")]
    SeveralUsers(usize),
    /// No organization has this name.
    #[error("there is no organization \"{0}\": look at `tidegate recovery list`")]
    OrganizationNotFound(Name),
    /// The catalog cannot be read or changed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl Recovery {
    /// Opens the catalog of a data directory.
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`] if it cannot be read.
    pub async fn open(directory: &Path) -> Result<Self, ServiceError> {
        Self::open_with(directory, Arc::new(SystemClock), Arc::new(OsRandomness)).await
    }

    /// Like [`Recovery::open`], with the sources of time and randomness chosen by the caller.
    pub(crate) async fn open_with(
        directory: &Path,
        clock: Arc<dyn Clock>,
        randomness: Arc<dyn Randomness>,
    ) -> Result<Self, ServiceError> {
        let opened = Catalog::open(directory, &*randomness, clock.clone())
            .await
            .map_err(|error| ServiceError::Unavailable(error.to_string()))?;
        Ok(Self { catalog: opened.catalog, clock, randomness })
    }

    /// Closes the catalog.
    pub async fn close(self) {
        self.catalog.close().await;
    }

    /// Who may administer the server. Changes nothing.
    ///
    /// # Errors
    /// Only those of storage.
    pub async fn administration(&self) -> Result<Administration, ServiceError> {
        let mut operator_tokens = Vec::new();
        let visit = |token: ApiToken| {
            if token.permissions.are_operator() {
                let owner = self.catalog.user(token.user);
                operator_tokens.push((token, owner));
            }
        };
        self.catalog.for_each_api_token(ApiTokenFilter::default(), visit).await?;
        Ok(Administration {
            users: self.catalog.users(),
            organizations: self.catalog.organizations(),
            operator_tokens,
            management_tokens: self.catalog.tokens(TokenKind::Management, true).await?,
            now: self.now(),
        })
    }

    /// Makes an API token that may do everything. No other credential changes.
    ///
    /// Each step is a change of its own. If a later one fails, the earlier ones stay, and the call can be repeated.
    ///
    /// # Errors
    /// All of [`RecoveryError`].
    pub async fn create_operator(&self, new: NewOperator) -> Result<CreatedOperator, RecoveryError> {
        if !self.catalog.any_user_ever() {
            return Err(RecoveryError::NeverSetUp);
        }
        let organization = self.organization(new.organization.as_ref())?;
        let user = self.owner(&new, organization.id).await?;
        let token = PlainToken::generate_without_prefix(&*self.randomness);
        let now = self.now();
        let record = ApiToken {
            id: ApiTokenId::random(&*self.randomness),
            form: ApiTokenForm::Token { weak: false },
            digest: token.digest(),
            organization: organization.id,
            user: user.id,
            status: Status::Active,
            description: Description::new(&format!("{}'s Recovery Token", user.name))
                .map_err(ServiceError::internal)?,
            permissions: TypedPermissions::operator(),
            created_at: now,
            updated_at: now,
            expires_at: None,
            deleted_at: None,
        };
        let record = self.catalog.create_api_token(record, None, Actor::Server).await?;
        Ok(CreatedOperator { token, record, user, organization })
    }

    /// Makes a management token. No other credential changes.
    ///
    /// # Errors
    /// Only those of storage.
    pub async fn create_management(&self, description: Description) -> Result<Created, RecoveryError> {
        let token = PlainToken::generate(TokenKind::Management, &*self.randomness);
        let new = NewToken {
            id: TokenId::random(&*self.randomness),
            kind: TokenKind::Management,
            digest: token.digest(),
            prefix: token.visible_prefix(),
            description,
            permissions: PermissionSet::none(),
            created_at: self.now(),
            created_by: None,
            expires_at: None,
        };
        let record = self.catalog.create_token(new, Actor::Server).await?;
        Ok(Created { token, record })
    }

    fn organization(&self, name: Option<&Name>) -> Result<Arc<Organization>, RecoveryError> {
        let Some(name) = name else {
            let own = self.catalog.organization(self.catalog.identity().organization);
            return Ok(own.ok_or_else(|| ServiceError::internal("the server's organization is missing"))?);
        };
        let found = self.catalog.organization_by_name(name.as_str());
        found.ok_or_else(|| RecoveryError::OrganizationNotFound(name.clone()))
    }

    /// The owner of a new token, active and existing.
    async fn owner(&self, new: &NewOperator, home: OrganizationId) -> Result<Arc<User>, RecoveryError> {
        let Some(name) = &new.username else { return self.only_active_user() };
        match self.catalog.user_by_name(name.as_str()) {
            Some(user) if user.status == Status::Active => Ok(user),
            Some(user) if new.activate_user => {
                let change = UserChange { status: Some(Status::Active), ..UserChange::default() };
                Ok(self.catalog.update_user(user.id, change, Actor::Server).await?)
            }
            Some(_) => Err(RecoveryError::UserInactive(name.clone())),
            None if new.create_user => {
                let id = UserId::random(&*self.randomness);
                let user = NewUser { id, name: name.clone(), status: Status::Active, password: None };
                let user = self.catalog.create_user(user, Actor::Server).await?;
                self.catalog.add_member(home, user.id, Role::Owner, Actor::Server).await?;
                Ok(user)
            }
            None => Err(RecoveryError::UserNotFound(name.clone())),
        }
    }

    fn only_active_user(&self) -> Result<Arc<User>, RecoveryError> {
        let mut active = self.catalog.users();
        active.retain(|user| user.status == Status::Active);
        match active.as_slice() {
            [] => Err(RecoveryError::NoActiveUser),
            [user] => Ok(user.clone()),
            several => Err(RecoveryError::SeveralUsers(several.len())),
        }
    }

    /// Never before a time at which something has expired, as while the server runs.
    fn now(&self) -> Timestamp {
        self.catalog.clock_mark().map_or(self.clock.now(), |mark| mark.max(self.clock.now()))
    }
}

impl From<CatalogError> for RecoveryError {
    fn from(error: CatalogError) -> Self {
        Self::Service(error.into())
    }
}

#[cfg(test)]
mod tests;
