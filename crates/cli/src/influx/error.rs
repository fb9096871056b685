//! Why a command failed, as it is told (v2 API contract §6.3).

use tidegate_client::v2;

pub(crate) type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{0}")]
    Text(String),
    /// A request failed.
    #[error("{context}: {reason}")]
    Request { context: String, reason: v2::Error },
    /// A request failed, and nothing is to be said about what it was for.
    #[error(transparent)]
    Bare(#[from] v2::Error),
    #[error(transparent)]
    Local(#[from] crate::error::Error),
}

impl Error {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// Whether the server that refused calls itself by this build.
    pub(crate) fn is_from_build(&self, build: &str) -> bool {
        match self {
            Self::Request { reason, .. } | Self::Bare(reason) => reason.build() == Some(build),
            _ => false,
        }
    }
}

/// Says what a request was for.
pub(crate) trait Context<T> {
    fn context(self, context: impl FnOnce() -> String) -> Result<T>;
}

impl<T> Context<T> for v2::Result<T> {
    fn context(self, context: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|reason| Error::Request { context: context(), reason })
    }
}
