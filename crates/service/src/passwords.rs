//! Passwords: hashed with Argon2id, a few at a time.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash as Phc;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use tidegate_catalog::PasswordHash;
use tidegate_model::{PlainToken, Randomness};
use tokio::sync::Semaphore;

use crate::ServiceError;

/// Each hash takes 19 MiB and some ten milliseconds of a core.
const AT_A_TIME: usize = 2;
/// How many wait for their turn; further ones are told to come back.
const MOST_WAITING: usize = 64;

const SHORTEST: usize = 8;
const LONGEST: usize = 1024;
const SALT_BYTES: usize = 16;

/// Hashes and checks passwords.
#[derive(Debug)]
pub(crate) struct Passwords {
    places: Semaphore,
    turns: Semaphore,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { places: Semaphore::new(AT_A_TIME + MOST_WAITING), turns: Semaphore::new(AT_A_TIME) }
    }
}

impl Passwords {
    /// The hash to keep of a new password.
    pub(crate) async fn hash(
        &self,
        password: &PlainToken,
        randomness: &dyn Randomness,
    ) -> Result<PasswordHash, ServiceError> {
        let length = password.expose().chars().count();
        if length < SHORTEST || password.expose().len() > LONGEST {
            return Err(ServiceError::BadPassword { shortest: SHORTEST, longest: LONGEST });
        }
        let mut salt = [0; SALT_BYTES];
        randomness.fill(&mut salt);
        let password = password.clone();
        self.in_turn(move || {
            let hashed: Phc = Argon2::default()
                .hash_password_with_salt(password.expose().as_bytes(), &salt)
                .map_err(ServiceError::internal)?;
            Ok(PasswordHash::new(hashed.to_string()))
        })
        .await
    }

    /// Whether the password is the one that was hashed. Takes as long if there is no hash, so that the time tells nobody
    /// which names exist.
    pub(crate) async fn verify(&self, password: &PlainToken, hash: Option<PasswordHash>) -> Result<bool, ServiceError> {
        if password.expose().len() > LONGEST {
            return Ok(false);
        }
        let password = password.clone();
        self.in_turn(move || {
            let presented = password.expose().as_bytes();
            let Some(hash) = hash else {
                let _unused: Phc = Argon2::default()
                    .hash_password_with_salt(presented, &[0; SALT_BYTES])
                    .map_err(ServiceError::internal)?;
                return Ok(false);
            };
            let parsed = Phc::new(hash.expose()).map_err(ServiceError::internal)?;
            Ok(Argon2::default().verify_password(presented, &parsed).is_ok())
        })
        .await
    }

    /// Runs the work on a thread that may be busy for long, when it is its turn.
    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, ServiceError> + Send + 'static,
    ) -> Result<T, ServiceError> {
        let _place = self.places.try_acquire().map_err(|_| ServiceError::TooManyPasswordChecks)?;
        let _turn = self.turns.acquire().await.map_err(ServiceError::internal)?;
        tokio::task::spawn_blocking(work).await.map_err(ServiceError::internal)?
    }
}

#[cfg(test)]
mod tests {
    use tidegate_model::OsRandomness;

    use super::*;

    #[tokio::test]
    async fn only_the_right_password_verifies() {
        let passwords = Passwords::default();
        let right = PlainToken::from_presented("my-password");
        let hash = passwords.hash(&right, &OsRandomness).await.unwrap();
        assert!(hash.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(!hash.expose().contains("my-password"));
        assert!(passwords.verify(&right, Some(hash.clone())).await.unwrap());
        for wrong in ["", "my-passwor", "my-password ", "My-password"] {
            assert!(
                !passwords.verify(&PlainToken::from_presented(wrong), Some(hash.clone())).await.unwrap(),
                "{wrong}"
            );
        }
        assert!(!passwords.verify(&right, None).await.unwrap());
        assert_ne!(passwords.hash(&right, &OsRandomness).await.unwrap().expose(), hash.expose());
    }

    #[tokio::test]
    async fn short_and_long_passwords_are_refused() {
        let passwords = Passwords::default();
        for text in ["", "1234567", &"x".repeat(1025)] {
            let refused = passwords.hash(&PlainToken::from_presented(text), &OsRandomness).await;
            assert!(matches!(refused, Err(ServiceError::BadPassword { .. })), "{}", text.len());
        }
    }

    #[tokio::test]
    async fn those_that_find_no_place_are_told_to_come_back() {
        let passwords = Passwords::default();
        let all = passwords.places.acquire_many(u32::try_from(AT_A_TIME + MOST_WAITING).unwrap()).await.unwrap();
        let refused = passwords.verify(&PlainToken::from_presented("my-password"), None).await;
        assert!(matches!(refused, Err(ServiceError::TooManyPasswordChecks)), "{refused:?}");
        drop(all);
        assert!(!passwords.verify(&PlainToken::from_presented("my-password"), None).await.unwrap());
    }
}
