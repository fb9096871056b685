//! Why a command failed.

use std::path::PathBuf;

use tidegate_client::BaseUrlError;

pub(crate) type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The command line contradicts itself or lacks something.
    #[error("{0}")]
    Usage(String),
    /// The configuration cannot be used. The text names file and key, never a value that may be secret.
    #[error("{0}")]
    Configuration(String),
    #[error("cannot use the address in the profile: {0}")]
    Address(#[from] BaseUrlError),
    #[error("cannot read {}: {reason}", path.display())]
    Unreadable { path: PathBuf, reason: std::io::Error },
    #[error("cannot read standard input: {0}")]
    Input(std::io::Error),
    #[error("cannot write to standard output: {0}")]
    Output(std::io::Error),
    /// The secret of a token that now exists could not be printed and is lost.
    #[error("token {id} was created but could not be printed ({reason}): revoke it and create another")]
    SecretLost { id: String, reason: std::io::Error },
    #[error("command not supported by InfluxDB Clustered")]
    NotOnClustered,
    #[error("the server refuses the credential ({0}): it is unknown, expired or revoked")]
    Unauthorized(String),
    #[error(transparent)]
    Server(tidegate_client::Error),
    #[error("{0}")]
    Failed(String),
    /// The user did not confirm.
    #[error("cancelled")]
    Cancelled,
    /// Every failure has been reported already.
    #[error("some of the requests failed")]
    Reported,
}

impl From<tidegate_client::Error> for Error {
    fn from(error: tidegate_client::Error) -> Self {
        if error.is_unauthorized() { Self::Unauthorized(error.to_string()) } else { Self::Server(error) }
    }
}
