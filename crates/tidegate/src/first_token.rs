//! The management token of a server's first start, and the credentials file of every start.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tidegate_model::{Description, DescriptionError, OsRandomness, PlainToken, TokenKind};
use tidegate_service::{Service, ServiceError};

use crate::credentials::{self, CredentialsError, Endpoint, TokenLine};
use crate::secret::{SecretError, SecretSource};
use crate::welcome::Start;

/// Why a server is left without its management token.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FirstTokenError {
    #[error("cannot read the management token from {}: {reason}", path.display())]
    Unreadable { path: PathBuf, reason: io::Error },
    #[error("{} holds no management token: make one with `tidegate management generate`", path.display())]
    NoManagementToken { path: PathBuf },
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    #[error("cannot set up the first management token: {0}")]
    Service(#[from] ServiceError),
    #[error(transparent)]
    Description(#[from] DescriptionError),
}

/// Makes or takes the first management token if there never was one, and brings the credentials file up to date.
pub(crate) async fn prepare<'a>(
    service: &Arc<Service>,
    data_dir: &Path,
    endpoint: &Endpoint,
    bootstrap: Option<&'a Path>,
) -> Result<Start<'a>, FirstTokenError> {
    let identity = service.identity();
    let update = |token: &TokenLine<'_>| credentials::update(data_dir, &identity, endpoint, token);
    if !service.needs_first_management_token().await? {
        if bootstrap.is_some() {
            tracing::info!("the bootstrap token is ignored: this server has had a management token before");
        }
        if let Err(error) = update(&TokenLine::Keep) {
            tracing::warn!(%error, "the credentials file is not up to date");
        }
        return Ok(Start::Later);
    }
    let Some(path) = bootstrap else {
        // On disk before it is in force: a server whose secret nobody has could not be administered, while a secret
        // that opens nothing is replaced at the next start.
        let token = PlainToken::generate(TokenKind::Management, &OsRandomness);
        update(&TokenLine::Write(&token))?;
        service.install_first_management_token(&token, Description::new("made at first start")?).await?;
        return Ok(Start::First);
    };
    let token = read(path)?;
    update(&TokenLine::Remove)?;
    service.install_first_management_token(&token, Description::new("given at first start")?).await?;
    Ok(Start::FirstWithTokenFrom(path))
}

fn read(path: &Path) -> Result<PlainToken, FirstTokenError> {
    let none = || FirstTokenError::NoManagementToken { path: path.to_owned() };
    let line = SecretSource::File(path.to_owned()).read().map_err(|error| match error {
        SecretError::Unreadable { reason, .. } => FirstTokenError::Unreadable { path: path.to_owned(), reason },
        SecretError::NotOneLine { .. } => none(),
    })?;
    let token = PlainToken::from_presented(line.expose().trim_end());
    if token.verified_kind() == Some(TokenKind::Management) { Ok(token) } else { Err(none()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Result<PlainToken, FirstTokenError> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        std::fs::write(&path, text).unwrap();
        read(&path)
    }

    #[test]
    fn a_token_may_end_in_a_line_break() {
        let token = PlainToken::generate(TokenKind::Management, &OsRandomness);
        for end in ["", "\n", "\r\n"] {
            assert_eq!(read_text(&format!("{}{end}", token.expose())).unwrap().expose(), token.expose());
        }
    }

    #[test]
    fn anything_but_a_management_token_is_refused_and_not_repeated() {
        let management = PlainToken::generate(TokenKind::Management, &OsRandomness);
        let database = PlainToken::generate(TokenKind::Database, &OsRandomness);
        let two = format!("{0}\n{0}\n", management.expose());
        for text in ["", "mgmt1_secret", database.expose(), &two] {
            let error = read_text(text).unwrap_err();
            assert!(matches!(error, FirstTokenError::NoManagementToken { .. }), "{error}");
            assert!(!error.to_string().contains("secret") && !error.to_string().contains("apiv1_"), "{error}");
        }
        assert!(matches!(read(Path::new("/nowhere/token")), Err(FirstTokenError::Unreadable { .. })));
    }
}
