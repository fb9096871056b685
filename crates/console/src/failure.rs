//! What a handler could not do. The shield around all pages makes an answer of it.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tidegate_service::ServiceError;

/// Why there is no page.
#[derive(Debug, Clone)]
pub(crate) enum Failure {
    /// There is no session, or what it stood on has ended.
    SignedOut,
    /// The session is of a kind for which this page is not.
    WrongKind,
    /// There is no such page or thing.
    NotFound,
    /// The form is not one of our own pages, or one from before signing in.
    Forged,
    /// The form is larger than any of ours.
    TooLarge,
    /// The form is not one that our pages send.
    Malformed,
    /// The service has refused.
    Service(Arc<ServiceError>),
}

impl Failure {
    /// The status of the answer.
    pub(crate) fn status(&self) -> StatusCode {
        let Self::Service(error) = self else {
            return match self {
                Self::SignedOut => StatusCode::UNAUTHORIZED,
                Self::WrongKind | Self::Forged => StatusCode::FORBIDDEN,
                Self::NotFound => StatusCode::NOT_FOUND,
                Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
                Self::Malformed | Self::Service(_) => StatusCode::BAD_REQUEST,
            };
        };
        match **error {
            ServiceError::Unauthenticated => StatusCode::UNAUTHORIZED,
            ServiceError::Forbidden
            | ServiceError::PermissionMissing(_)
            | ServiceError::Escalation(_)
            | ServiceError::SetupForbidden => StatusCode::FORBIDDEN,
            ServiceError::TokenNotFound(_)
            | ServiceError::DatabaseNotFound(_)
            | ServiceError::DatabaseIdNotFound(_)
            | ServiceError::NoSuchDatabaseId(_)
            | ServiceError::TableNotFound(..)
            | ServiceError::NoSuchTableId(_)
            | ServiceError::ApiTokenNotFound
            | ServiceError::UserNotFound
            | ServiceError::OrganizationNotFound
            | ServiceError::MemberNotFound => StatusCode::NOT_FOUND,
            ServiceError::StillDraining(_) | ServiceError::Unavailable(_) | ServiceError::TooManyPasswordChecks => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            ServiceError::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// What happened, in a few words.
    pub(crate) fn title(&self) -> &'static str {
        match self {
            Self::SignedOut => "Signed out",
            Self::WrongKind => "Not for this sign-in",
            Self::NotFound => "Not found",
            Self::Forged => "This form is out of date",
            Self::TooLarge | Self::Malformed => "This form cannot be read",
            Self::Service(error) => match **error {
                ServiceError::StillDraining(_) => "Revoked, still draining",
                ServiceError::Internal => "Something went wrong",
                ServiceError::Unavailable(_) | ServiceError::TooManyPasswordChecks => "Not available right now",
                _ if self.status() == StatusCode::NOT_FOUND => "Not found",
                _ if self.status() == StatusCode::FORBIDDEN => "Not allowed",
                _ => "That did not work",
            },
        }
    }

    /// What happened and what to do next.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::SignedOut => "Sign in to go on.".to_owned(),
            Self::WrongKind => "Your sign-in does not reach this page. Sign out, and sign in with a management token \
                for databases, database tokens and management tokens, or with a user name or an API token for API \
                tokens, users and organizations. An operator's token reaches all of them."
                .to_owned(),
            Self::NotFound => "There is no such page, or it is not yours to see.".to_owned(),
            Self::Forged => "Nothing was changed. Go back, reload the page and send the form again.".to_owned(),
            Self::TooLarge => "It is larger than any form of this console. Nothing was changed.".to_owned(),
            Self::Malformed => "Something in it is missing or has the wrong form. Nothing was changed.".to_owned(),
            Self::Service(error) => sentence(&error.to_string()),
        }
    }
}

/// What a form says about an error that its sender can mend.
///
/// # Errors
/// What the sender cannot mend: it gets a page of its own.
pub(crate) fn mendable(error: ServiceError) -> Result<String, Failure> {
    let failure = Failure::from(error);
    if failure.status() == StatusCode::BAD_REQUEST { Ok(failure.message()) } else { Err(failure) }
}

/// An error's text as a sentence. A first word that is a name or a permission stays as it is.
pub(crate) fn sentence(text: &str) -> String {
    let is_word = text
        .split(' ')
        .next()
        .is_some_and(|first| first.trim_end_matches(':').bytes().all(|byte| byte.is_ascii_lowercase()));
    let mut characters = text.chars();
    let Some(first) = characters.next().filter(|_| is_word) else { return format!("{text}.") };
    let mut sentence: String = first.to_uppercase().chain(characters).collect();
    if !sentence.ends_with('.') {
        sentence.push('.');
    }
    sentence
}

impl From<ServiceError> for Failure {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::Unauthenticated => Self::SignedOut,
            other => Self::Service(Arc::new(other)),
        }
    }
}

/// Only the mark: the page is made where it is known who asks.
impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}
