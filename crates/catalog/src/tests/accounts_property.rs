//! Random operations on users, organizations, members and API tokens, checked against a model in memory; now and then the
//! catalog is closed and opened again.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use tidegate_model::{
    ApiToken, ApiTokenChange, ApiTokenForm, ApiTokenId, Organization, OrganizationId, Role, Status, Timestamp, User,
    UserId,
};

use super::{
    assert_records_are_on_disk, fresh, new_api_token, new_database, new_organization, new_user, open, organization_id,
    user_id,
};
use crate::{Actor, ApiTokenFilter, Catalog, CatalogError, NewUser, Onboarding, OrganizationChange, UserChange};

const SERVER: Actor = Actor::Server;
const NAMES: [&str; 3] = ["a", "b", "c"];
const ROLES: [Role; 2] = [Role::Member, Role::Owner];
const USERS: std::ops::Range<u64> = 1..5;
const TOKENS: std::ops::Range<u64> = 1..8;
/// The first is the server's own.
const ORGANIZATIONS: usize = 3;

#[derive(Debug, Clone)]
enum Operation {
    Onboard { user: u64, name: &'static str, token: u64 },
    CreateUser { user: u64, name: &'static str, active: bool },
    UpdateUser { user: u64, name: Option<&'static str>, active: Option<bool> },
    DeleteUser(u64),
    CreateOrganization { at: usize, name: &'static str, owner: Option<u64> },
    RenameOrganization { at: usize, name: &'static str },
    DeleteOrganization(usize),
    AddMember(usize, u64, Role),
    RemoveMember(usize, u64, Role),
    CreateToken(NewToken),
    UpdateToken { token: u64, active: Option<bool> },
    DeleteToken(u64),
    Reopen,
}

#[derive(Debug, Clone)]
struct NewToken {
    token: u64,
    digest_of: u64,
    user: u64,
    organization: usize,
    legacy: Option<&'static str>,
}

fn any_operation() -> impl Strategy<Value = Operation> {
    let name = || prop::sample::select(NAMES.to_vec());
    let role = || prop::sample::select(ROLES.to_vec());
    let organization = || 0..ORGANIZATIONS;
    let new_token = (TOKENS, TOKENS, USERS, organization(), prop::option::weighted(0.3, name())).prop_map(
        |(token, digest_of, user, organization, legacy)| NewToken { token, digest_of, user, organization, legacy },
    );
    prop_oneof![
        1 => (USERS, name(), TOKENS).prop_map(|(user, name, token)| Operation::Onboard { user, name, token }),
        5 => (USERS, name(), any::<bool>()).prop_map(|(user, name, active)| Operation::CreateUser { user, name, active }),
        2 => (USERS, prop::option::of(name()), prop::option::of(any::<bool>()))
            .prop_map(|(user, name, active)| Operation::UpdateUser { user, name, active }),
        1 => USERS.prop_map(Operation::DeleteUser),
        3 => (organization(), name(), prop::option::of(USERS))
            .prop_map(|(at, name, owner)| Operation::CreateOrganization { at, name, owner }),
        1 => (organization(), name()).prop_map(|(at, name)| Operation::RenameOrganization { at, name }),
        1 => organization().prop_map(Operation::DeleteOrganization),
        3 => (organization(), USERS, role()).prop_map(|(at, user, role)| Operation::AddMember(at, user, role)),
        2 => (organization(), USERS, role()).prop_map(|(at, user, role)| Operation::RemoveMember(at, user, role)),
        8 => new_token.prop_map(Operation::CreateToken),
        3 => (TOKENS, prop::option::of(any::<bool>()))
            .prop_map(|(token, active)| Operation::UpdateToken { token, active }),
        2 => TOKENS.prop_map(Operation::DeleteToken),
        1 => Just(Operation::Reopen),
    ]
}

/// How a call ended, without the contents.
#[derive(Debug, PartialEq, Clone, Copy)]
enum End {
    Done,
    AlreadyOnboarded,
    UserExists,
    UserNotFound,
    OrganizationExists,
    OrganizationNotFound,
    OwnOrganization,
    NotAMember,
    TokenExists,
    TokenNotFound,
    LegacyNameTaken,
}

impl From<CatalogError> for End {
    fn from(error: CatalogError) -> Self {
        match error {
            CatalogError::AlreadyOnboarded => Self::AlreadyOnboarded,
            CatalogError::UserExists { .. } => Self::UserExists,
            CatalogError::UserNotFound => Self::UserNotFound,
            CatalogError::OrganizationExists { .. } => Self::OrganizationExists,
            CatalogError::OrganizationNotFound => Self::OrganizationNotFound,
            CatalogError::OwnOrganization => Self::OwnOrganization,
            CatalogError::NotAMember => Self::NotAMember,
            CatalogError::TokenExists => Self::TokenExists,
            CatalogError::TokenNotFound => Self::TokenNotFound,
            CatalogError::LegacyNameTaken { .. } => Self::LegacyNameTaken,
            other => panic!("{other:?}"),
        }
    }
}

fn status(active: bool) -> Status {
    if active { Status::Active } else { Status::Inactive }
}

fn user_change(name: Option<&str>, active: Option<bool>) -> UserChange {
    UserChange { name: name.map(|name| name.parse().unwrap()), status: active.map(status) }
}

/// What the catalog should hold. What is deleted stays, so that nothing of it is used again.
struct Model {
    now: Timestamp,
    own: OrganizationId,
    users: BTreeMap<UserId, (User, bool)>,
    organizations: BTreeMap<OrganizationId, (Organization, bool)>,
    members: BTreeSet<(OrganizationId, UserId, Role)>,
    tokens: BTreeMap<ApiTokenId, ApiToken>,
}

impl Model {
    fn new(own: Organization) -> Self {
        Self {
            now: own.created_at,
            own: own.id,
            users: BTreeMap::new(),
            organizations: [(own.id, (own, true))].into(),
            members: BTreeSet::new(),
            tokens: BTreeMap::new(),
        }
    }

    fn organization_id(&self, at: usize) -> OrganizationId {
        if at == 0 { self.own } else { organization_id(at as u64) }
    }

    fn users(&self) -> impl Iterator<Item = &User> {
        self.users.values().filter(|(_, exists)| *exists).map(|(user, _)| user)
    }

    fn organizations(&self) -> impl Iterator<Item = &Organization> {
        self.organizations.values().filter(|(_, exists)| *exists).map(|(organization, _)| organization)
    }

    fn tokens(&self) -> impl Iterator<Item = &ApiToken> {
        self.tokens.values().filter(|token| token.deleted_at.is_none())
    }

    fn user(&mut self, number: u64) -> Result<&mut User, End> {
        let found = self.users.get_mut(&user_id(number)).filter(|(_, exists)| *exists);
        found.map(|(user, _)| user).ok_or(End::UserNotFound)
    }

    fn organization(&mut self, at: usize) -> Result<&mut Organization, End> {
        let id = self.organization_id(at);
        let found = self.organizations.get_mut(&id).filter(|(_, exists)| *exists);
        found.map(|(organization, _)| organization).ok_or(End::OrganizationNotFound)
    }

    fn add_user(&mut self, new: NewUser) -> Result<(), End> {
        if self.users.contains_key(&new.id) || self.users().any(|user| user.name == new.name) {
            return Err(End::UserExists);
        }
        let NewUser { id, name, status, .. } = new;
        self.users.insert(id, (User { id, name, status, created_at: self.now, updated_at: self.now }, true));
        Ok(())
    }

    fn add_token(&mut self, new: ApiToken) -> Result<(), End> {
        if let ApiTokenForm::Legacy { .. } = &new.form
            && self.tokens().any(|token| token.form == new.form)
        {
            return Err(End::LegacyNameTaken);
        }
        if self.tokens.values().any(|token| token.id == new.id || token.digest == new.digest) {
            return Err(End::TokenExists);
        }
        self.tokens.insert(new.id, new);
        Ok(())
    }

    fn token(&mut self, number: u64) -> Result<&mut ApiToken, End> {
        let found = self.tokens.get_mut(&ApiTokenId::new(number).unwrap());
        found.filter(|token| token.deleted_at.is_none()).ok_or(End::TokenNotFound)
    }

    /// What a user who has left an organization has there can no longer be used.
    fn deactivate_of(&mut self, organization: OrganizationId, user: UserId) {
        let mine = |token: &&mut ApiToken| (token.organization, token.user) == (organization, user);
        for token in self.tokens.values_mut().filter(mine) {
            if token.deleted_at.is_none() && token.status == Status::Active {
                token.status = Status::Inactive;
                token.updated_at = self.now;
            }
        }
    }

    fn run(&mut self, operation: &Operation) -> Result<(), End> {
        let now = self.now;
        match *operation {
            Operation::Onboard { user, name, token } => {
                if !self.users.is_empty() {
                    return Err(End::AlreadyOnboarded);
                }
                let own = self.own;
                let is_other = |other: &Organization| other.id != own && other.name.as_str() == name;
                if self.organizations().any(is_other) {
                    return Err(End::OrganizationExists);
                }
                self.add_token(new_api_token(token, user_id(user), own))?;
                self.add_user(new_user(user, name))?;
                self.members.insert((own, user_id(user), Role::Owner));
                let organization = self.organization(0)?;
                if organization.name.as_str() != name {
                    organization.name = name.parse().unwrap();
                    organization.updated_at = now;
                }
            }
            Operation::CreateUser { user, name, active } => {
                self.add_user(NewUser { status: status(active), ..new_user(user, name) })?;
            }
            Operation::UpdateUser { user, name, active } => {
                let mut after = self.user(user)?.clone();
                let change = user_change(name, active);
                after.name = change.name.unwrap_or(after.name);
                after.status = change.status.unwrap_or(after.status);
                if self.users().any(|other| other.name == after.name && other.id != after.id) {
                    return Err(End::UserExists);
                }
                let user = self.user(user)?;
                if after != *user {
                    *user = User { updated_at: now, ..after };
                }
            }
            Operation::DeleteUser(user) => {
                let id = self.user(user)?.id;
                self.users.get_mut(&id).unwrap().1 = false;
                self.members.retain(|(_, member, _)| *member != id);
            }
            Operation::CreateOrganization { at, name, owner } => {
                let id = self.organization_id(at);
                let is_taken = self.organizations().any(|other| other.name.as_str() == name);
                if self.organizations.contains_key(&id) || is_taken {
                    return Err(End::OrganizationExists);
                }
                if let Some(owner) = owner {
                    let owner = self.user(owner)?.id;
                    self.members.insert((id, owner, Role::Owner));
                }
                self.organizations.insert(id, (new_organization(id.get(), name), true));
            }
            Operation::RenameOrganization { at, name } => {
                let id = self.organization(at)?.id;
                if self.organizations().any(|other| other.name.as_str() == name && other.id != id) {
                    return Err(End::OrganizationExists);
                }
                let organization = self.organization(at)?;
                if organization.name.as_str() != name {
                    organization.name = name.parse().unwrap();
                    organization.updated_at = now;
                }
            }
            Operation::DeleteOrganization(at) => {
                if at == 0 {
                    return Err(End::OwnOrganization);
                }
                let id = self.organization(at)?.id;
                self.organizations.get_mut(&id).unwrap().1 = false;
                self.members.retain(|(organization, _, _)| *organization != id);
                for token in self.tokens.values_mut().filter(|token| token.organization == id) {
                    token.deleted_at = token.deleted_at.or(Some(now));
                }
            }
            Operation::AddMember(at, user, role) => {
                let (organization, user) = (self.organization(at)?.id, self.user(user)?.id);
                self.members.insert((organization, user, role));
            }
            Operation::RemoveMember(at, user, role) => {
                let (organization, user) = (self.organization(at)?.id, self.user(user)?.id);
                if !self.members.remove(&(organization, user, role)) {
                    return Err(End::NotAMember);
                }
                if ROLES.iter().all(|role| !self.members.contains(&(organization, user, *role))) {
                    self.deactivate_of(organization, user);
                }
            }
            Operation::CreateToken(ref new) => {
                self.user(new.user)?;
                self.organization(new.organization)?;
                self.add_token(token(new, self.organization_id(new.organization)))?;
            }
            Operation::UpdateToken { token, active } => {
                let token = self.token(token)?;
                token.status = active.map_or(token.status, status);
                token.updated_at = now;
            }
            Operation::DeleteToken(token) => self.token(token)?.deleted_at = Some(now),
            Operation::Reopen => {}
        }
        Ok(())
    }

    async fn check(&self, catalog: &Catalog) {
        assert!(catalog.users().iter().map(|user| &**user).eq(self.users()));
        assert_eq!(catalog.any_user_ever(), !self.users.is_empty());
        assert!(catalog.organizations().iter().map(|organization| &**organization).eq(self.organizations()));
        for name in NAMES {
            let user = self.users().find(|user| user.name.as_str() == name);
            assert_eq!(catalog.user_by_name(name).as_deref(), user);
            let organization = self.organizations().find(|organization| organization.name.as_str() == name);
            assert_eq!(catalog.organization_by_name(name).as_deref(), organization);
        }
        for organization in self.organizations.keys() {
            for role in ROLES {
                let ids: Vec<_> = catalog.members(*organization, role).iter().map(|user| user.id).collect();
                let expected = |member: &&(OrganizationId, UserId, Role)| (member.0, member.2) == (*organization, role);
                assert!(ids.iter().eq(self.members.iter().filter(expected).map(|(_, user, _)| user)));
            }
        }
        for user in self.users.keys() {
            let mine = self.members.iter().filter(|member| member.1 == *user);
            assert_eq!(catalog.roles(*user), mine.map(|member| (member.0, member.2)).collect::<Vec<_>>());
        }
        self.check_tokens(catalog).await;
        assert_records_are_on_disk(catalog).await;
    }

    async fn check_tokens(&self, catalog: &Catalog) {
        let is_legacy = |token: &ApiToken| matches!(token.form, ApiTokenForm::Legacy { .. });
        for legacy in [false, true] {
            for user in [None].into_iter().chain(USERS.map(|user| Some(user_id(user)))) {
                let listed = catalog.api_tokens(ApiTokenFilter { user, legacy, ..ApiTokenFilter::default() }).await;
                let wanted =
                    |token: &&ApiToken| is_legacy(token) == legacy && user.is_none_or(|user| user == token.user);
                assert_eq!(listed.unwrap(), self.tokens().filter(wanted).cloned().collect::<Vec<_>>());
            }
        }
        let mut live = Vec::new();
        catalog.for_each_live_api_token(|token| live.push(token)).await.unwrap();
        live.sort_by_key(|token| token.id);
        let usable = |token: &&ApiToken| {
            let is_owner = |user: &User| user.id == token.user && user.status == Status::Active;
            let is_home = |organization: &Organization| organization.id == token.organization;
            token.status == Status::Active && self.users().any(is_owner) && self.organizations().any(is_home)
        };
        assert_eq!(live, self.tokens().filter(usable).cloned().collect::<Vec<_>>());
    }
}

fn token(new: &NewToken, organization: OrganizationId) -> ApiToken {
    let mut token = new_api_token(new.token, user_id(new.user), organization);
    token.digest = new_api_token(new.digest_of, token.user, organization).digest;
    if let Some(username) = new.legacy {
        token.form = ApiTokenForm::Legacy { username: username.parse().unwrap() };
    }
    token
}

async fn perform(catalog: &Catalog, operation: &Operation) -> Result<(), CatalogError> {
    let organization = |at: usize| if at == 0 { catalog.own() } else { organization_id(at as u64) };
    match *operation {
        Operation::Onboard { user, name, token } => {
            let onboarding = Onboarding {
                user: new_user(user, name),
                organization_name: name.parse().unwrap(),
                database: new_database("raw"),
                token: new_api_token(token, user_id(user), catalog.own()),
            };
            catalog.onboard(onboarding, SERVER).await.map(drop)
        }
        Operation::CreateUser { user, name, active } => {
            let new = NewUser { status: status(active), ..new_user(user, name) };
            catalog.create_user(new, SERVER).await.map(drop)
        }
        Operation::UpdateUser { user, name, active } => {
            catalog.update_user(user_id(user), user_change(name, active), SERVER).await.map(drop)
        }
        Operation::DeleteUser(user) => catalog.delete_user(user_id(user), SERVER).await.map(drop),
        Operation::CreateOrganization { at, name, owner } => {
            let new = new_organization(organization(at).get(), name);
            catalog.create_organization(new, owner.map(user_id), SERVER).await.map(drop)
        }
        Operation::RenameOrganization { at, name } => {
            let change = OrganizationChange { name: Some(name.parse().unwrap()), description: None };
            catalog.update_organization(organization(at), change, SERVER).await.map(drop)
        }
        Operation::DeleteOrganization(at) => catalog.delete_organization(organization(at), SERVER).await.map(drop),
        Operation::AddMember(at, user, role) => catalog.add_member(organization(at), user_id(user), role, SERVER).await,
        Operation::RemoveMember(at, user, role) => {
            catalog.remove_member(organization(at), user_id(user), role, SERVER).await
        }
        Operation::CreateToken(ref new) => {
            catalog.create_api_token(token(new, organization(new.organization)), None, SERVER).await.map(drop)
        }
        Operation::UpdateToken { token, active } => {
            let change = ApiTokenChange { description: None, status: active.map(status) };
            catalog.update_api_token(ApiTokenId::new(token).unwrap(), change, SERVER).await.map(drop)
        }
        Operation::DeleteToken(token) => {
            catalog.delete_api_token(ApiTokenId::new(token).unwrap(), SERVER).await.map(drop)
        }
        Operation::Reopen => Ok(()),
    }
}

async fn check(operations: Vec<Operation>) {
    let (mut catalog, clock, directory) = fresh().await;
    let mut model = Model::new((*catalog.organization(catalog.own()).unwrap()).clone());
    for (now, operation) in (1..).zip(operations) {
        model.now = Timestamp::from_micros(now);
        clock.set(now);
        if let Operation::Reopen = operation {
            catalog.close().await;
            catalog = open(directory.path(), &clock).await.catalog;
        }
        let (sequence, rows) = (catalog.sequence(), catalog.audit(1000).await.unwrap().len() as i64);
        let expected = model.run(&operation).err().unwrap_or(End::Done);
        let end = perform(&catalog, &operation).await.map_or_else(End::from, |()| End::Done);
        assert_eq!(end, expected, "{operation:?}");
        model.check(&catalog).await;
        let moved = catalog.sequence().0 - sequence.0;
        assert!(moved == 0 || (moved == 1 && expected == End::Done), "{operation:?}");
        assert_eq!(catalog.audit(1000).await.unwrap().len() as i64 - rows, moved);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn accounts_and_api_tokens_follow_the_model(operations in prop::collection::vec(any_operation(), 1..60)) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(check(operations));
    }
}
