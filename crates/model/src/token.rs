//! Token text, digests and records. The plain text and the digest are different types (design §2.5).

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{PermissionSet, Timestamp, TokenId};

/// Where secrets and ids come from.
pub trait Randomness: Send + Sync + fmt::Debug {
    /// Fills `bytes` with random bytes fit for secrets.
    fn fill(&self, bytes: &mut [u8]);
}

/// The random generator of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsRandomness;

impl Randomness for OsRandomness {
    fn fill(&self, bytes: &mut [u8]) {
        use rand::TryRngCore as _;
        #[expect(
            clippy::expect_used,
            reason = "without randomness no secret may be made; there is nothing to fall back to"
        )]
        rand::rngs::OsRng.try_fill_bytes(bytes).expect("the operating system gives random bytes");
    }
}

/// What a credential is for. Neither kind is ever accepted in the other's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TokenKind {
    /// Reads and writes data.
    Database,
    /// Administers databases and tokens; never valid for data.
    Management,
}

impl TokenKind {
    /// The visible first characters of a token of this kind.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Database => "apiv1_",
            Self::Management => "mgmt1_",
        }
    }
}

/// How many bytes of a token with a prefix are random.
const RANDOM_BYTES: usize = 60;
/// Without a prefix: together with the check code these make the 88 characters that v2 clients know, without padding.
const RANDOM_BYTES_WITHOUT_PREFIX: usize = 62;
const CHECK_BYTES: usize = 4;

/// A token in plain text: the secret itself. Its `Debug` shows nothing and its memory is wiped on drop.
///
/// The text is the prefix and 86 URL-safe Base64 characters of 60 random bytes and their CRC-32 (computed over
/// prefix and bytes, big endian). The check code lets scanners tell a real token from noise without asking the server.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct PlainToken(String);

impl PlainToken {
    /// Makes a new token of this kind.
    pub fn generate(kind: TokenKind, randomness: &dyn Randomness) -> Self {
        Self::generate_with(kind.prefix(), RANDOM_BYTES, randomness)
    }

    /// A new secret without a prefix: that of an API token or of a session.
    pub fn generate_without_prefix(randomness: &dyn Randomness) -> Self {
        Self::generate_with("", RANDOM_BYTES_WITHOUT_PREFIX, randomness)
    }

    fn generate_with(prefix: &str, random_bytes: usize, randomness: &dyn Randomness) -> Self {
        let mut bytes = vec![0; random_bytes + CHECK_BYTES];
        let (random, check) = bytes.split_at_mut(random_bytes);
        randomness.fill(random);
        check.copy_from_slice(&check_code(prefix, random));
        let mut text = String::with_capacity(prefix.len() + bytes.len().div_ceil(3) * 4);
        text.push_str(prefix);
        URL_SAFE_NO_PAD.encode_string(&bytes, &mut text);
        bytes.zeroize();
        Self(text)
    }

    /// Takes a text that somebody presented as a token. It need not have the form of one.
    pub fn from_presented(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret. Every use of it should be easy to find.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The digest under which the token is known.
    pub fn digest(&self) -> TokenDigest {
        TokenDigest::of(self.0.as_bytes())
    }

    /// The kind that prefix, length and check code agree on; `None` for anything else.
    pub fn verified_kind(&self) -> Option<TokenKind> {
        let kind =
            [TokenKind::Database, TokenKind::Management].into_iter().find(|kind| self.0.starts_with(kind.prefix()))?;
        self.has_form(kind.prefix(), RANDOM_BYTES).then_some(kind)
    }

    /// Whether this was made by [`PlainToken::generate_without_prefix`]. A text that somebody chose is not, and may be
    /// easy to guess.
    pub fn is_generated_without_prefix(&self) -> bool {
        self.has_form("", RANDOM_BYTES_WITHOUT_PREFIX)
    }

    fn has_form(&self, prefix: &str, random_bytes: usize) -> bool {
        let secret = self.0.strip_prefix(prefix).unwrap_or_default();
        let Ok(bytes) = URL_SAFE_NO_PAD.decode(secret) else { return false };
        let bytes = zeroize::Zeroizing::new(bytes);
        let Some((random, check)) = bytes.split_at_checked(random_bytes) else { return false };
        check == check_code(prefix, random)
    }

    /// The first characters, for recognising the token in lists: the prefix and four more.
    pub fn visible_prefix(&self) -> String {
        self.0.chars().take(TokenKind::Management.prefix().len() + 4).collect()
    }
}

impl fmt::Debug for PlainToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlainToken")
    }
}

fn check_code(prefix: &str, random: &[u8]) -> [u8; CHECK_BYTES] {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(prefix.as_bytes());
    hasher.update(random);
    hasher.finalize().to_be_bytes()
}

/// SHA-256 of the whole token text: all that is kept of a token.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenDigest([u8; 32]);

impl TokenDigest {
    /// The digest of a presented credential.
    pub fn of(text: &[u8]) -> Self {
        Self(Sha256::digest(text).into())
    }

    /// The digest's bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// A digest from the bytes that the catalog keeps; `None` if there are not 32 of them.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenDigest")
    }
}

/// Free text beside a token, at most 4096 bytes, may be empty.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Description(Arc<str>);

/// A description that is too long or cannot be kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DescriptionError {
    /// More than 4096 bytes.
    #[error("description must have at most 4096 bytes, this one has {0}")]
    TooLong(usize),
    /// Contains the NUL character.
    #[error("description must not contain the NUL character")]
    Nul,
}

impl Description {
    /// Longest description, in bytes.
    pub const MAX_LENGTH: usize = 4096;

    /// A description from text.
    pub fn new(text: &str) -> Result<Self, DescriptionError> {
        if text.len() > Self::MAX_LENGTH {
            return Err(DescriptionError::TooLong(text.len()));
        }
        if text.contains('\0') {
            return Err(DescriptionError::Nul);
        }
        Ok(Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What the catalog needs to know of a token that has just been made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// Its id.
    pub id: TokenId,
    /// What it is for.
    pub kind: TokenKind,
    /// Its digest; no other token, also no revoked one, may have the same.
    pub digest: TokenDigest,
    /// The first characters, see [`PlainToken::visible_prefix`].
    pub prefix: String,
    /// What its maker wrote beside it.
    pub description: Description,
    /// What it may do to databases; empty for management tokens.
    pub permissions: PermissionSet,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it: a management token; `None` at first start.
    pub created_by: Option<TokenId>,
    /// From when on it is dead; `None` = never.
    pub expires_at: Option<Timestamp>,
}

/// A token as the catalog keeps it. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRecord {
    /// Its id.
    pub id: TokenId,
    /// What it is for.
    pub kind: TokenKind,
    /// The digest under which it is known.
    pub digest: TokenDigest,
    /// The first characters, for recognising it in lists.
    pub prefix: String,
    /// What its maker wrote beside it.
    pub description: Description,
    /// What it may do to databases; empty for management tokens.
    pub permissions: PermissionSet,
    /// When it was made.
    pub created_at: Timestamp,
    /// The management token that made it; `None` at first start.
    pub created_by: Option<TokenId>,
    /// From when on it is dead; `None` = never.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked; `None` while it is not.
    pub revoked_at: Option<Timestamp>,
}

/// Where a token is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TokenState {
    /// Usable by its permissions.
    Active,
    /// Past its expiry, not revoked.
    Expired,
    /// Revoked, for good.
    Revoked,
}

impl TokenRecord {
    /// Where the token is in its life at `now`.
    pub fn state(&self, now: Timestamp) -> TokenState {
        match (self.revoked_at, self.expires_at) {
            (Some(_), _) => TokenState::Revoked,
            (None, Some(expiry)) if expiry <= now => TokenState::Expired,
            (None, _) => TokenState::Active,
        }
    }
}

impl From<NewToken> for TokenRecord {
    fn from(new: NewToken) -> Self {
        Self {
            id: new.id,
            kind: new.kind,
            digest: new.digest,
            prefix: new.prefix,
            description: new.description,
            permissions: new.permissions,
            created_at: new.created_at,
            created_by: new.created_by,
            expires_at: new.expires_at,
            revoked_at: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Counting;

    impl Randomness for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            for (byte, value) in bytes.iter_mut().zip(0..) {
                *byte = value;
            }
        }
    }

    #[test]
    fn text_has_the_documented_form() {
        for (kind, prefix) in [(TokenKind::Database, "apiv1_"), (TokenKind::Management, "mgmt1_")] {
            let token = PlainToken::generate(kind, &OsRandomness);
            assert_eq!(token.expose().len(), 92);
            assert!(token.expose().starts_with(prefix));
            assert_eq!(token.verified_kind(), Some(kind));
            assert_eq!(token.visible_prefix().len(), 10);
        }
    }

    #[test]
    fn text_without_prefix_has_the_documented_form() {
        let token = PlainToken::generate_without_prefix(&OsRandomness);
        assert_eq!(token.expose().len(), 88);
        assert!(!token.expose().contains('='));
        assert!(token.is_generated_without_prefix());
        assert_eq!(token.verified_kind(), None);
        for other in ["", "my-token", &"A".repeat(88), &format!("{}=", token.expose()), &token.expose()[1..]] {
            assert!(!PlainToken::from_presented(other).is_generated_without_prefix(), "{other}");
        }
        assert!(!PlainToken::generate(TokenKind::Database, &OsRandomness).is_generated_without_prefix());
    }

    #[test]
    fn known_token_never_changes() {
        let token = PlainToken::generate(TokenKind::Database, &Counting);
        assert_eq!(
            token.expose(),
            "apiv1_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7yX_JAQ"
        );
    }

    #[test]
    fn any_changed_character_breaks_the_check_code() {
        let token = PlainToken::generate(TokenKind::Management, &OsRandomness);
        for position in 0..token.expose().len() {
            let mut bytes = token.expose().as_bytes().to_vec();
            bytes[position] = if bytes[position] == b'A' { b'B' } else { b'A' };
            let changed = PlainToken::from_presented(String::from_utf8(bytes).unwrap());
            assert_eq!(changed.verified_kind(), None, "position {position}");
        }
    }

    #[test]
    fn secrets_do_not_print() {
        let token = PlainToken::generate(TokenKind::Database, &OsRandomness);
        assert_eq!(format!("{token:?} {:?}", token.digest()), "PlainToken TokenDigest");
    }

    #[test]
    fn state_follows_revocation_then_expiry() {
        let token = PlainToken::generate(TokenKind::Database, &OsRandomness);
        let mut record = TokenRecord::from(NewToken {
            id: TokenId::random(&OsRandomness),
            kind: TokenKind::Database,
            digest: token.digest(),
            prefix: token.visible_prefix(),
            description: Description::default(),
            permissions: PermissionSet::none(),
            created_at: Timestamp::from_micros(0),
            created_by: None,
            expires_at: Some(Timestamp::from_micros(10)),
        });
        assert_eq!(record.state(Timestamp::from_micros(9)), TokenState::Active);
        assert_eq!(record.state(Timestamp::from_micros(10)), TokenState::Expired);
        record.revoked_at = Some(Timestamp::from_micros(11));
        assert_eq!(record.state(Timestamp::from_micros(0)), TokenState::Revoked);
    }
}
