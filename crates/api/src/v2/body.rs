//! Request bodies (contract §1): JSON objects of at most 1 MiB, of any content type. Unknown members are ignored, `null`
//! counts as absent.

use std::time::Duration;

use axum::body::Body;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error as _};
use serde_json::Value;
use tidegate_service::{Entry, ServiceError};

use super::error::ApiError;
use crate::bounded::{self, NO_ROOM, Room, Unread};
use crate::json::{Unambiguous, whole_number};

const MAX_BODY: usize = 1024 * 1024;
/// How long the whole of a body may take.
const DEADLINE: Duration = Duration::from_secs(30);

/// Reads a JSON object. Ends at once when the caller's rights end.
pub(super) async fn object<T: DeserializeOwned>(caller: &Entry, body: Body) -> Result<T, ApiError> {
    let mut room = Room::default();
    let read = caller.run(collect(body, DEADLINE, &mut room)).await;
    parse(&read.map_err(|reason| ApiError::from(ServiceError::ended(reason, None)))??)
}

/// The same for whoever needs no credential.
pub(super) async fn object_of_anybody<T: DeserializeOwned>(body: Body) -> Result<T, ApiError> {
    parse(&collect(body, DEADLINE, &mut Room::default()).await?)
}

async fn collect(body: Body, deadline: Duration, room: &mut Room) -> Result<Vec<u8>, ApiError> {
    let read = tokio::time::timeout(deadline, bounded::collect(body, MAX_BODY, room)).await;
    let too_slow =
        || ApiError::invalid(format!("the body has not come within {} s: send it again", deadline.as_secs()));
    read.map_err(|_| too_slow())?.map_err(|unread| match unread {
        Unread::TooLarge => ApiError::too_large("the body is larger than 1 MiB"),
        Unread::NoRoom => ApiError::unavailable(NO_ROOM),
        Unread::Broken => ApiError::invalid("the body could not be read"),
    })
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let invalid = |reason: &dyn std::fmt::Display| ApiError::invalid(format!("invalid json structure: {reason}"));
    // Members that nobody reads are checked as well.
    let text = str::from_utf8(bytes).map_err(|error| invalid(&error))?;
    let Unambiguous(value) = serde_json::from_str(text).map_err(|error| invalid(&error))?;
    // A list would be read as the members of the object in their order.
    if !value.is_object() {
        return Err(invalid(&"the body must be an object"));
    }
    serde_json::from_value(value).map_err(|error| invalid(&error))
}

/// A whole number, however it is written; see [`whole_number`].
pub(super) fn integer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    match Option::<Value>::deserialize(deserializer)? {
        None => Ok(None),
        Some(value) => whole_number(&value).map(Some).ok_or_else(|| D::Error::custom("not a whole number of 64 bits")),
    }
}

#[cfg(test)]
mod tests {
    use futures::StreamExt as _;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Eq, Deserialize)]
    struct Given {
        name: Option<String>,
        #[serde(default, deserialize_with = "integer")]
        count: Option<i64>,
        list: Option<Vec<u8>>,
    }

    fn read(bytes: &[u8]) -> Result<Given, ApiError> {
        parse(bytes)
    }

    #[test]
    fn unknown_members_are_ignored_and_null_is_absent() {
        let given = read(br#"{"name":null,"list":null,"count":null,"other":{"a":[1]}}"#);
        assert_eq!(given, Ok(Given { name: None, count: None, list: None }));
        assert_eq!(read(b"{}"), Ok(Given { name: None, count: None, list: None }));
        assert_eq!(read(br#" {"count":5.0} "#).map(|given| given.count), Ok(Some(5)));
    }

    #[test]
    fn what_is_no_such_object_is_refused() {
        for bytes in [
            &b""[..],
            b"[]",
            b"null",
            br#"["x"]"#,
            br#"{"name":5}"#,
            br#"{"count":1.5}"#,
            br#"{"count":"1"}"#,
            br#"{"name":"a","name":"b"}"#,
            b"\xef\xbb\xbf{}",
            b"{\"other\":\"\xff\"}",
            b"{} {}",
        ] {
            let refused = read(bytes).unwrap_err();
            assert!(refused.message().starts_with("invalid json structure: "), "{bytes:?}: {}", refused.message());
        }
    }

    #[tokio::test]
    async fn the_limit_holds_while_reading() {
        let endless = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b' '; 64 * 1024]));
        let refused = object_of_anybody::<Given>(Body::from_stream(endless)).await.unwrap_err();
        assert_eq!(refused, ApiError::too_large("the body is larger than 1 MiB"));
    }

    #[tokio::test]
    async fn a_body_that_does_not_come_is_given_up() {
        let begun = futures::stream::iter([Ok::<_, std::io::Error>(b"{".to_vec())]);
        let stalled = Body::from_stream(begun.chain(futures::stream::pending()));
        let refused = collect(stalled, Duration::ZERO, &mut Room::default()).await.unwrap_err();
        assert!(refused.message().contains("has not come within 0 s"), "{}", refused.message());
        let whole = collect(Body::from("{}"), Duration::ZERO, &mut Room::default()).await;
        assert_eq!(whole, Ok(b"{}".to_vec()), "what is there is read");
    }
}
