//! API tokens that are presented as user name and password, as v1 clients do (v2 API contract §5.8).

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use tidegate_access::{Door, Entry};
use tidegate_catalog::CatalogError;
use tidegate_model::{
    Action, ApiToken, ApiTokenChange, ApiTokenForm, ApiTokenId, Name, PlainToken, Randomness, TokenDigest,
};

use crate::api_tokens::{ApiTokenQuery, ApiTokenRequest, List, about_api_token};
use crate::service::actor;
use crate::{Service, ServiceError};

/// How often a request is looked at again because some password has just changed.
const MOST_LOOKS: usize = 3;

/// How many name and password pairs are remembered as right.
const MOST_REMEMBERED: usize = 1024;

/// Pairs of name and password that were right before, so that not every request waits for a slow hash. A pair is kept as
/// a digest under a key that this process alone has.
pub(crate) struct VerifiedPasswords {
    key: [u8; 32],
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Which credential a pair is good for.
    pairs: HashMap<[u8; 32], TokenDigest>,
    /// Counts changes of passwords: what was checked before a change is not remembered after it.
    changes: u64,
}

impl std::fmt::Debug for VerifiedPasswords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VerifiedPasswords").finish_non_exhaustive()
    }
}

impl VerifiedPasswords {
    pub(crate) fn new(randomness: &dyn Randomness) -> Self {
        let mut key = [0; 32];
        randomness.fill(&mut key);
        Self { key, state: Mutex::default() }
    }

    fn pair(&self, username: &str, password: &PlainToken) -> [u8; 32] {
        Sha256::new()
            .chain_update(self.key)
            .chain_update(Sha256::digest(username))
            .chain_update(Sha256::digest(password.expose()))
            .finalize()
            .into()
    }

    fn find(&self, pair: &[u8; 32]) -> Option<TokenDigest> {
        self.state.lock().pairs.get(pair).copied()
    }

    fn changes(&self) -> u64 {
        self.state.lock().changes
    }

    /// Remembers a pair, unless a password has changed since `changes` were counted.
    fn remember(&self, pair: [u8; 32], digest: TokenDigest, changes: u64) {
        let mut state = self.state.lock();
        if state.changes != changes {
            return;
        }
        if state.pairs.len() >= MOST_REMEMBERED {
            state.pairs.clear();
        }
        state.pairs.insert(pair, digest);
    }

    pub(crate) fn forget(&self, digest: TokenDigest) {
        let mut state = self.state.lock();
        state.changes += 1;
        state.pairs.retain(|_, kept| *kept != digest);
    }
}

impl Service {
    /// Lets in a request that shows a user name and a password: the password is a token, or the two are those of a
    /// legacy credential.
    ///
    /// # Errors
    /// [`ServiceError::Unauthenticated`], [`ServiceError::TooManyPasswordChecks`].
    pub async fn enter_with_password(
        &self,
        username: &str,
        password: &PlainToken,
        peer: IpAddr,
    ) -> Result<Entry, ServiceError> {
        // A look at the index costs nothing, unlike a password.
        let as_token = self.access.enter(password.digest(), Door::Data);
        let is_token_text = password.verified_kind().is_some() || password.is_generated_without_prefix();
        let is_password = !is_token_text && as_token.err().is_some_and(|refused| refused.expired_at.is_none());
        if is_password && let Some(entry) = self.enter_legacy(username, password, peer).await? {
            return Ok(entry);
        }
        Ok(self.enter(password, Door::Data, peer).await?)
    }

    /// Lets in a request with name and password of a legacy credential.
    async fn enter_legacy(
        &self,
        username: &str,
        password: &PlainToken,
        peer: IpAddr,
    ) -> Result<Option<Entry>, ServiceError> {
        for _ in 0..MOST_LOOKS {
            let changes = self.verified_passwords.changes();
            let entry = self.look_for_legacy(username, password, peer, changes).await?;
            // A credential keeps its digest when its password changes: a look may have let in the old one.
            if entry.is_none() || self.verified_passwords.changes() == changes {
                return Ok(entry);
            }
        }
        Err(ServiceError::TooManyPasswordChecks)
    }

    async fn look_for_legacy(
        &self,
        username: &str,
        password: &PlainToken,
        peer: IpAddr,
        changes: u64,
    ) -> Result<Option<Entry>, ServiceError> {
        let pair = self.verified_passwords.pair(username, password);
        if let Some(entry) = self.verified_passwords.find(&pair).and_then(|digest| self.enter_by(digest)) {
            return Ok(Some(entry));
        }
        let known = self.catalog.legacy_token(username).await?;
        let (digest, hash) = known.map_or((None, None), |(token, hash)| (Some(token.digest), hash));
        let is_right = self.passwords.check(password, hash, peer, &self.limiter).await?;
        let Some(digest) = digest.filter(|_| is_right) else { return Ok(None) };
        self.verified_passwords.remember(pair, digest, changes);
        Ok(self.enter_by(digest))
    }

    fn enter_by(&self, digest: TokenDigest) -> Option<Entry> {
        self.access.enter(digest, Door::Legacy).ok()
    }

    /// Creates a legacy credential. It is of no use until it has a password.
    ///
    /// # Errors
    /// As [`Service::create_api_token`], and [`ServiceError::LegacyNameTaken`].
    pub async fn create_legacy_token(
        self: &Arc<Self>,
        caller: Entry,
        request: ApiTokenRequest,
        username: Name,
    ) -> Result<Arc<ApiToken>, ServiceError> {
        // No text has this digest: nobody can present it as a token.
        let mut bytes = [0; 32];
        self.randomness.fill(&mut bytes);
        let digest = TokenDigest::from_bytes(&bytes).ok_or_else(|| ServiceError::internal("a digest has 32 bytes"))?;
        let new = self.new_api_token(&caller, request, ApiTokenForm::Legacy { username }, digest)?;
        self.record_api_token(caller, new).await
    }

    /// The legacy credentials that the caller may see, by id.
    pub async fn legacy_tokens(&self, caller: &Entry, query: ApiTokenQuery) -> Result<Vec<ApiToken>, ServiceError> {
        self.visible_tokens(caller, query, List::Legacy).await
    }

    /// One legacy credential, see [`Service::api_token`].
    pub async fn legacy_token(&self, caller: &Entry, id: ApiTokenId) -> Result<ApiToken, ServiceError> {
        self.visible_token(caller, id, List::Legacy).await
    }

    /// Changes description or status, see [`Service::update_api_token`].
    pub async fn update_legacy_token(
        self: &Arc<Self>,
        caller: Entry,
        id: ApiTokenId,
        change: ApiTokenChange,
    ) -> Result<ApiToken, ServiceError> {
        self.change_token(caller, id, change, List::Legacy).await
    }

    /// Deletes a legacy credential, see [`Service::delete_api_token`].
    pub async fn delete_legacy_token(self: &Arc<Self>, caller: Entry, id: ApiTokenId) -> Result<(), ServiceError> {
        self.delete_token(caller, id, List::Legacy).await
    }

    /// Gives a legacy credential another password. When this returns, the old one can do nothing more. The caller must
    /// hold all that the credential may do.
    ///
    /// # Errors
    /// [`ServiceError::ApiTokenNotFound`], [`ServiceError::PermissionMissing`], [`ServiceError::Escalation`],
    /// [`ServiceError::BadPassword`],
    /// [`ServiceError::TooManyPasswordChecks`], [`ServiceError::StillDraining`].
    pub async fn set_legacy_password(
        self: &Arc<Self>,
        caller: Entry,
        id: ApiTokenId,
        password: &PlainToken,
    ) -> Result<(), ServiceError> {
        let token = self.visible_token(&caller, id, List::Legacy).await?;
        self.need_token(&caller, Action::Write, &token)?;
        // With the password the caller can do what the credential may.
        Self::may_give_away(&caller, &token.permissions)?;
        let hash = self.passwords.hash(password, &*self.randomness).await?;
        self.run_change(move |service| async move {
            let turn = service.begin_change(&caller).await?;
            let changed = service.catalog.set_legacy_password(id, hash, actor(&caller)).await;
            // Also if it is unknown whether the new password is on disk: the next use looks there.
            service.verified_passwords.forget(token.digest);
            if let Err(error @ CatalogError::Unusable) = changed {
                drop(service.access.end_api_token(&token));
                return Err(error.into());
            }
            changed.map_err(about_api_token)?;
            let drain = service.access.end_api_token(&token);
            if let Some(current) = service.catalog.api_token(id).await? {
                service.put_api_token_in_force(&current).await;
            }
            drop((turn, caller));
            service.drained(&drain, "given another password").await
        })
        .await
    }
}
