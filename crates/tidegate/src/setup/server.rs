//! The server to set up: a running one through its API, a stopped one through its data directory.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tidegate_client::v2::{self, Client, Credential, NewInstance};
use tidegate_client::{BaseUrl, TlsOptions};
use tidegate_model::{Clock as _, PlainToken, SystemClock};
use tidegate_service::{Service, Settings, SetupAuthority, SetupRequest};

use super::{Done, Error, NANOS_PER_SECOND};
use crate::credentials::{self, Reach};
use crate::data_dir::{DataDir, DataDirError};

/// Hashing a password and a few writes to disk, on a machine that may be busy.
const TIMEOUT: Duration = Duration::from_secs(60);
const UNAUTHORIZED: u16 = 401;
const NOT_FOUND: u16 = 404;

pub(super) enum Server {
    Stopped {
        service: Arc<Service>,
        /// So that no server starts meanwhile.
        _held: DataDir,
    },
    Running(Reach),
}

impl Server {
    /// The one that has its data here.
    pub(super) async fn find(data_dir: &Path) -> Result<Self, Error> {
        match DataDir::open_used(data_dir, SystemClock.now()) {
            Ok(held) => {
                let service = Service::open(held.path(), Settings::default()).await.map_err(Error::Open)?;
                Ok(Self::Stopped { service, _held: held })
            }
            Err(DataDirError::InUse { .. }) => Ok(Self::Running(credentials::read(data_dir)?)),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether it has never had a user.
    pub(super) async fn may_be_set_up(&self) -> Result<bool, Error> {
        match self {
            Self::Stopped { service, .. } => Ok(service.setup_allowed()),
            Self::Running(reach) => {
                let answer = client(reach, Credential::None)?.may_set_up().await;
                answer.map_err(|error| refusal(reach, error))
            }
        }
    }

    pub(super) async fn set_up(&self, request: SetupRequest) -> Result<Done, Error> {
        match self {
            Self::Stopped { service, .. } => set_up_stopped(service, request).await,
            Self::Running(reach) => set_up_running(reach, request).await,
        }
    }

    pub(super) async fn close(self) {
        if let Self::Stopped { service, .. } = self {
            service.close().await;
        }
    }
}

async fn set_up_stopped(service: &Arc<Service>, request: SetupRequest) -> Result<Done, Error> {
    let made = service.set_up(request, SetupAuthority::Local).await?;
    Ok(Done {
        user: made.user.name.to_string(),
        organization: made.organization.name.to_string(),
        bucket: made.database.name.to_string(),
        token_id: made.record.id.to_string(),
        token: made.token,
    })
}

async fn set_up_running(reach: &Reach, request: SetupRequest) -> Result<Done, Error> {
    let new = NewInstance {
        bucket: request.database.to_string(),
        org: request.organization.to_string(),
        password: request.password,
        retention_seconds: request.retention.nanos() / NANOS_PER_SECOND,
        token: request.token,
        username: request.username.to_string(),
    };
    let client = client(reach, credential(reach, new.token.as_ref()))?;
    let made = client.set_up(&new).await.map_err(|error| refusal(reach, error))?;
    Ok(Done {
        user: made.user.name,
        organization: made.org.name,
        bucket: made.bucket.name,
        token_id: made.auth.id,
        token: made.auth.token,
    })
}

/// A token that somebody chose is accepted from this machine itself only, not from whoever has a management token.
fn credential(reach: &Reach, chosen: Option<&PlainToken>) -> Credential {
    let is_weak = chosen.is_some_and(|token| !token.is_generated_without_prefix());
    match &reach.management_token {
        Some(token) if !is_weak => Credential::Token(token.clone()),
        _ => Credential::None,
    }
}

fn client(reach: &Reach, credential: Credential) -> Result<Client, Error> {
    let address = |reason| Error::Address { path: reach.file.clone(), reason };
    let options = v2::Options {
        base: BaseUrl::parse(&reach.url).map_err(address)?,
        tls: TlsOptions { insecure: reach.insecure, ca: reach.ca.clone(), ..TlsOptions::default() },
        timeout: TIMEOUT,
        user_agent: concat!("tidegate/", env!("CARGO_PKG_VERSION")).to_owned(),
        credential,
        headers: Vec::new(),
        observer: None,
    };
    Client::new(options).map_err(|error| Error::Running(error.into()))
}

fn refusal(reach: &Reach, error: v2::Error) -> Error {
    match error.status() {
        Some(UNAUTHORIZED) => Error::TokenRefused { path: reach.file.clone() },
        Some(NOT_FOUND) => Error::NoSetup,
        _ => Error::Running(error),
    }
}

#[cfg(test)]
mod tests {
    use tidegate_model::OsRandomness;

    use super::*;

    #[test]
    fn the_management_token_goes_along_unless_the_new_token_is_weak() {
        let reach = |management_token| Reach {
            file: "credentials.toml".into(),
            url: "http://localhost:1".to_owned(),
            ca: None,
            insecure: false,
            management_token,
        };
        let known = reach(Some(PlainToken::from_presented("mgmt1_x")));
        let random = PlainToken::generate_without_prefix(&OsRandomness);
        let weak = PlainToken::from_presented("my-token");
        assert!(matches!(credential(&known, None), Credential::Token(_)));
        assert!(matches!(credential(&known, Some(&random)), Credential::Token(_)));
        assert!(matches!(credential(&known, Some(&weak)), Credential::None));
        assert!(matches!(credential(&reach(None), None), Credential::None));
    }
}
