//! Whether the connection of an answer stays open: it does unless a body is still to come.

use axum::body::Body;
use axum::http::Version;

use crate::fixture::{bare_request, fixture};

const LINE: &str = "m x=1 1";

#[tokio::test]
async fn an_answer_without_having_read_the_body_says_that_the_connection_closes() {
    let f = fixture().await;
    let token = f.database_and_token("a").await;
    let (right, wrong) = (format!("Bearer {token}"), "Bearer wrong".to_owned());
    for (path, credential, body, status, closes) in [
        ("/api/v3/write_lp?db=a", &right, LINE, 204, false),
        ("/api/v3/write_lp?db=a", &right, "m x=", 400, false),
        ("/api/v3/write_lp?db=a", &wrong, LINE, 401, true),
        ("/api/v3/write_lp?db=b", &right, LINE, 403, true),
        ("/api/v3/write_lp?db=a", &wrong, "", 401, false),
        ("/api/v2/authorizations", &wrong, "{}", 401, true),
        ("/nothing", &wrong, "{}", 401, true),
    ] {
        let headers = [("authorization", credential.as_bytes())];
        let answer = f.send(bare_request("POST", path, &headers, body)).await;
        assert_eq!(answer.status, status, "{path} {credential} {body}");
        let connection = answer.headers.get("connection").map(|value| value.to_str().unwrap());
        assert_eq!(connection, closes.then_some("close"), "{path} {credential} {body}");
    }
}

#[tokio::test]
async fn http_2_gives_up_the_stream_and_says_nothing() {
    let f = fixture().await;
    let mut request = bare_request("POST", "/api/v3/write_lp?db=a", &[], Body::from(LINE));
    *request.version_mut() = Version::HTTP_2;
    let answer = f.send(request).await;
    assert_eq!((answer.status.as_u16(), answer.headers.get("connection")), (401, None));
}
