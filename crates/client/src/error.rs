//! What can go wrong between a request and its answer.

use std::path::PathBuf;
use std::time::Duration;

/// The result of a request.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a request has no usable answer. No variant holds a credential or a query string.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A certificate or key file cannot be read.
    #[error("cannot read {}: {reason}", path.display())]
    TlsFile {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        reason: std::io::Error,
    },
    /// The TLS settings cannot be used.
    #[error("cannot use the TLS settings: {0}")]
    Tls(String),
    /// The credential cannot be sent in a header.
    #[error("the token contains characters that no token has; check where it was copied from")]
    Credential,
    /// The server was not reached.
    #[error("cannot reach {authority}: {reason}")]
    Unreachable {
        /// Host and port.
        authority: String,
        /// The innermost cause.
        reason: String,
    },
    /// No complete answer in time.
    #[error("no complete answer from {authority} within {timeout:?}; a longer --timeout may help")]
    TimedOut {
        /// Host and port.
        authority: String,
        /// The limit.
        timeout: Duration,
    },
    /// The answer broke off: what arrived of it must not be used.
    #[error("the answer of {authority} broke off: {reason}")]
    BrokenOff {
        /// Host and port.
        authority: String,
        /// The innermost cause.
        reason: String,
    },
    /// The server said no.
    #[error("{message} (HTTP {status})")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The server's reason.
        message: String,
        /// The written lines that the server names, in its order.
        lines: Vec<RefusedLine>,
    },
    /// The server lacks something that the management API does not document (management API contract §14).
    #[error("{feature} is not supported by this server")]
    Unsupported {
        /// What it lacks.
        feature: &'static str,
    },
    /// The identity provider does not give a token.
    #[error("cannot log in: {0}")]
    Login(String),
    /// A name that no path can hold.
    #[error("the name {0:?} cannot be sent: no address can contain it")]
    Name(String),
    /// The answer is not what the contract documents.
    #[error("unexpected answer from {authority}: {reason}; is this the right address?")]
    Unexpected {
        /// Host and port.
        authority: String,
        /// What is wrong with it, without its content.
        reason: String,
    },
}

/// A written line that the server does not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedLine {
    /// Where it starts in the body of the request, counted from 1.
    pub number: u64,
    /// What is wrong with it.
    pub reason: String,
}

impl Error {
    /// The HTTP status with which the server said no.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// The written lines because of which the server said no; empty if it names none.
    pub fn refused_lines(&self) -> &[RefusedLine] {
        match self {
            Self::Refused { lines, .. } => lines,
            _ => &[],
        }
    }

    /// The credential is missing, unknown, expired or revoked.
    pub fn is_unauthorized(&self) -> bool {
        self.status() == Some(401)
    }

    /// The thing asked for does not exist.
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(404)
    }

    /// The name is taken. Older servers say so with 400 (management API contract §4).
    pub fn is_conflict(&self) -> bool {
        match self {
            Self::Refused { status, message, .. } => {
                *status == 409 || (*status == 400 && message.contains("AlreadyExists"))
            }
            _ => false,
        }
    }
}
