//! Sessions: a user signs in with a password and holds a key until signing out (v2 API contract §5.8).
//!
//! Sessions live in memory only: they end with the server.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tidegate_access::{Door, Drain, Entry, Owner, Session};
use tidegate_model::{
    Action, CredentialId, OrganizationId, PlainToken, ResourceType, Role, SessionId, Status, Timestamp, TypeScope,
    TypedPermission, TypedPermissions, User, UserId,
};

use crate::{Service, ServiceError, Unauthenticated};

/// A user who signs in more often loses the oldest session.
const MOST_PER_USER: usize = 100;

/// How long a session lives.
#[derive(Debug, Clone, Copy)]
pub struct SessionTimes {
    /// After signing in.
    pub lifetime: Duration,
    /// At least, after each use.
    pub prolonged_by: Duration,
    /// At most, however much it is used.
    pub longest: Duration,
}

impl Default for SessionTimes {
    fn default() -> Self {
        Self {
            lifetime: Duration::from_secs(60 * 60),
            prolonged_by: Duration::from_secs(5 * 60),
            longest: Duration::from_secs(12 * 60 * 60),
        }
    }
}

/// A session that has just begun.
#[derive(Debug)]
pub struct SignedIn {
    /// The key, shown once.
    pub key: PlainToken,
    /// When it dies unless it is used.
    pub expires_at: Timestamp,
}

/// The sessions that may be alive, by user.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<HashMap<UserId, Vec<Begun>>>);

#[derive(Debug, Clone)]
struct Begun {
    session: Session,
    dead_at: Timestamp,
}

impl Service {
    /// Begins a session, if the name is that of an active user and the password is right.
    ///
    /// # Errors
    /// [`ServiceError::Unauthenticated`], one answer for all reasons; [`ServiceError::TooManyPasswordChecks`].
    pub async fn sign_in(
        self: &Arc<Self>,
        name: &str,
        password: &PlainToken,
        peer: IpAddr,
    ) -> Result<SignedIn, ServiceError> {
        let user = self.catalog.user_by_name(name);
        let hash = match &user {
            Some(user) => self.catalog.password(user.id).await?,
            None => None,
        };
        let is_right = self.passwords.check(password, hash.clone(), peer, &self.limiter).await?;
        if let Some(user) = user.filter(|_| is_right) {
            // The user may have been deactivated, or the password changed, while this one was checked.
            let _turn = self.changes.lock().await;
            let current = self.catalog.user(user.id).filter(|user| user.status == Status::Active);
            if let Some(user) = current
                && self.catalog.password(user.id).await? == hash
            {
                return Ok(self.begin_session(&user));
            }
        }
        self.measurements.refused_credentials.add_one();
        self.limiter.failed(peer).await;
        Err(ServiceError::Unauthenticated)
    }

    fn begin_session(&self, user: &User) -> SignedIn {
        let key = PlainToken::generate_without_prefix(&*self.randomness);
        let now = self.access.now();
        let times = self.settings.sessions;
        let roles = self.catalog.roles(user.id);
        let session = Session {
            id: SessionId::random(&*self.randomness),
            digest: key.digest(),
            owner: Owner { user: user.id, organization: home(&roles, self.identity().organization) },
            permissions: permissions(user.id, &roles),
            expires_at: after(now, times.lifetime),
        };
        self.access.install_session(&session);
        let expires_at = session.expires_at;
        self.sessions.note(user.id, Begun { session, dead_at: after(now, times.longest) }, now, self);
        SignedIn { key, expires_at }
    }

    /// Lets in a request that shows the key of a session, and lets the session live longer.
    pub async fn enter_session(&self, key: &PlainToken, peer: IpAddr) -> Result<Entry, Unauthenticated> {
        let entry = self.enter(key, Door::Session, peer).await?;
        if let (Some(owner), CredentialId::Session(id)) = (entry.owner(), entry.credential_id())
            && let Some(dead_at) = self.sessions.dead_at(owner.user, id)
        {
            let until = after(self.access.now(), self.settings.sessions.prolonged_by);
            self.access.prolong_session(&entry, until.min(dead_at));
        }
        Ok(entry)
    }

    /// Ends the session of this request. When it returns, the key can do nothing more.
    ///
    /// # Errors
    /// [`ServiceError::Unauthenticated`] if the request does not come from a session.
    pub async fn sign_out(&self, caller: Entry) -> Result<(), ServiceError> {
        let (Some(owner), CredentialId::Session(id)) = (caller.owner(), caller.credential_id()) else {
            return Err(ServiceError::Unauthenticated);
        };
        let Some(session) = self.sessions.take(owner.user, id) else { return Err(ServiceError::Unauthenticated) };
        let drain = self.access.end_session(&session);
        drop(caller);
        self.drained(&drain, "signed out").await
    }

    /// Ends every session of a user.
    pub(crate) fn end_sessions(&self, user: UserId) -> Drain {
        Drain::all(self.sessions.take_all(user).iter().map(|session| self.access.end_session(session)))
    }
}

impl Sessions {
    fn note(&self, user: UserId, begun: Begun, now: Timestamp, service: &Service) {
        let mut sessions = self.0.lock();
        let of_user = sessions.entry(user).or_default();
        of_user.retain(|begun| begun.dead_at > now);
        if of_user.len() >= MOST_PER_USER {
            // Nobody asked for the end of this one, so nobody waits for it.
            drop(service.access.end_session(&of_user.remove(0).session));
        }
        of_user.push(begun);
    }

    pub(crate) fn dead_at(&self, user: UserId, id: SessionId) -> Option<Timestamp> {
        let sessions = self.0.lock();
        sessions.get(&user)?.iter().find(|begun| begun.session.id == id).map(|begun| begun.dead_at)
    }

    fn take(&self, user: UserId, id: SessionId) -> Option<Session> {
        let mut sessions = self.0.lock();
        let of_user = sessions.get_mut(&user)?;
        let at = of_user.iter().position(|begun| begun.session.id == id)?;
        Some(of_user.remove(at).session)
    }

    /// For a user whose sessions are ended otherwise.
    pub(crate) fn forget(&self, user: UserId) {
        self.0.lock().remove(&user);
    }

    fn take_all(&self, user: UserId) -> Vec<Session> {
        self.0.lock().remove(&user).unwrap_or_default().into_iter().map(|begun| begun.session).collect()
    }
}

pub(crate) fn after(now: Timestamp, duration: Duration) -> Timestamp {
    Timestamp::from_micros(now.micros().saturating_add(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
}

/// The organization in which a session finds databases: the server's own if the user has a role there or none at all, else
/// one that he owns, else one that he is a member of.
fn home(roles: &[(OrganizationId, Role)], first: OrganizationId) -> OrganizationId {
    let rank = |(organization, role): &&(OrganizationId, Role)| (*organization != first, *role != Role::Owner);
    roles.iter().min_by_key(rank).map_or(first, |(organization, _)| *organization)
}

/// What a user may do by the roles that he has (contract §3, Session).
pub(crate) fn permissions(user: UserId, roles: &[(OrganizationId, Role)]) -> TypedPermissions {
    let mut permissions = vec![
        TypedPermission::on_one(Action::Read, ResourceType::Users, user),
        TypedPermission::on_one(Action::Write, ResourceType::Users, user),
    ];
    for (organization, role) in roles {
        permissions.extend(permissions_of(*role, *organization).iter());
    }
    permissions.into_iter().collect()
}

/// What a role in an organization is good for.
pub(crate) fn permissions_of(role: Role, organization: OrganizationId) -> TypedPermissions {
    TypedPermissions::of_every_type(|action, kind| {
        // Those of the cloud service lead to nothing here, and an operator's token need not have them.
        let allowed = kind.scope() != TypeScope::Cloud && (action == Action::Read || role == Role::Owner);
        allowed.then(|| match kind {
            ResourceType::Orgs => TypedPermission::on_one(action, kind, organization),
            _ => TypedPermission::in_organization(action, kind, organization),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_at_home_where_its_user_is() {
        let [first, second, third] = [1, 2, 3].map(|number| OrganizationId::new(number).unwrap());
        for (roles, expected) in [
            (vec![], first),
            (vec![(second, Role::Member)], second),
            (vec![(second, Role::Member), (third, Role::Owner)], third),
            (vec![(second, Role::Owner), (first, Role::Member)], first),
        ] {
            assert_eq!(home(&roles, first), expected, "{roles:?}");
        }
    }

    #[test]
    fn a_member_writes_nothing_but_his_own_user() {
        let user = UserId::new(7).unwrap();
        let organization = OrganizationId::new(1).unwrap();
        let writes = |role| {
            let held = permissions(user, &[(organization, role)]);
            held.iter().filter(|held| held.action == Action::Write).copied().collect::<Vec<_>>()
        };
        assert_eq!(writes(Role::Member), [TypedPermission::on_one(Action::Write, ResourceType::Users, user)]);
        assert!(writes(Role::Owner).len() > 20);
        let held = permissions(user, &[(organization, Role::Owner)]);
        assert!(held.iter().all(|held| held.organization.is_some() || held.id.is_some()), "nothing is everywhere");
    }
}
