//! Parameters of the three write endpoints (data-plane contract §§4.1, 4.2, 4.4, 4.5).

use serde_json::{Value, json};

use crate::fixture::{Answer, Fixture, fixture, percent_encoded};

const LINE: &str = "cpu f=1 1";

/// A write endpoint and the name of its database parameter.
const ENDPOINTS: [(&str, &str); 3] = [("/write", "db"), ("/api/v2/write", "bucket"), ("/api/v3/write_lp", "db")];

/// The message of an error body in the form of this endpoint.
fn message(path: &str, answer: &Answer) -> String {
    assert!(answer.is_json(), "{path}");
    let body = answer.json();
    if path.starts_with("/api/v2") {
        assert!(body["code"].is_string(), "{path}: {body}");
        return body["message"].as_str().unwrap().to_owned();
    }
    body["error"].as_str().unwrap().to_owned()
}

async fn refused(f: &Fixture, token: &str, path: &str, body: &str) -> String {
    let answer = f.post(path, token, body.to_owned()).await;
    assert_eq!(answer.status, 400, "{path}: {}", answer.text());
    if path.starts_with("/api/v2") {
        assert_eq!(answer.json()["code"], "invalid", "{path}");
    }
    message(path, &answer)
}

async fn nanos(f: &Fixture, token: &str, table: &str) -> Vec<i64> {
    let sql = format!("SELECT CAST(time AS BIGINT) AS ns FROM \"{table}\" ORDER BY time");
    let rows = f.rows(token, "a", &sql).await;
    rows.as_array().unwrap().iter().map(|row| row["ns"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn a_destination_is_required() {
    let f = fixture().await;
    let token = f.database_and_token("a").await;
    for (path, expected) in [
        ("/write", "no db destination provided"),
        ("/write?precision=ns", "failed to deserialize db/rp/precision in request: missing field `db`"),
        ("/api/v2/write", "no org/bucket destination provided"),
        ("/api/v2/write?org=x", "missing bucket value"),
        ("/api/v2/write?bucket=", "missing bucket value"),
        ("/api/v2/write?db=a", "missing bucket value"),
        ("/api/v3/write_lp", "missing query parameter 'db'"),
        ("/api/v3/write_lp?precision=ns", "serde error: missing field `db`"),
        ("/api/v3/write_lp?bucket=a", "serde error: missing field `db`"),
    ] {
        assert_eq!(refused(&f, &token, path, LINE).await, expected, "{path}");
    }
    for path in ["/write?db=", "/api/v3/write_lp?db="] {
        refused(&f, &token, path, LINE).await;
    }
    for (path, parameter) in ENDPOINTS {
        let twice = refused(&f, &token, &format!("{path}?{parameter}=a&{parameter}=b"), LINE).await;
        assert!(twice.contains("duplicate field"), "{twice}");
    }
}

#[tokio::test]
async fn unknown_parameters_are_ignored() {
    let f = fixture().await;
    let token = f.database_and_token("a").await;
    for path in [
        "/write?db=a&consistency=all&u=x&accept_partial=maybe&no_sync=maybe&org=y&x",
        "/api/v2/write?bucket=a&org=&orgID=0&accept_partial=maybe&no_sync=maybe&rp=other&db=other&p=x",
        "/api/v3/write_lp?db=a&org=default&rp=other&consistency=all&bucket=other&=",
    ] {
        assert_eq!(f.post(path, &token, LINE).await.status, 204, "{path}");
    }
}

#[tokio::test]
async fn names_of_databases() {
    let f = fixture().await;
    let longest = "x".repeat(64);
    let good = ["a", longest.as_str(), "a/b", "a/b/c", "/", "-x", "0"];
    for name in good {
        f.create_database(name).await;
    }
    let (_, token) = f.create_token("write:*", None).await;
    let bad = [
        "x".repeat(65),
        "x".repeat(511),
        "x".repeat(512),
        "_a".into(),
        "ä".into(),
        "a b".into(),
        "a.b".into(),
        "a*".into(),
    ];
    for (path, parameter) in ENDPOINTS {
        for name in good {
            let path = format!("{path}?{parameter}={}", percent_encoded(name));
            assert_eq!(f.post(&path, &token, LINE).await.status, 204, "{path}");
        }
        // A slash needs no escape in a query string, and an escape of an escape is another name.
        assert_eq!(f.post(&format!("{path}?{parameter}=a/b"), &token, LINE).await.status, 204);
        refused(&f, &token, &format!("{path}?{parameter}=a%252Fb"), LINE).await;
        for name in &bad {
            refused(&f, &token, &format!("{path}?{parameter}={}", percent_encoded(name)), LINE).await;
        }
    }
}

#[tokio::test]
async fn retention_policies_of_v1() {
    let f = fixture().await;
    for name in ["foo", "foo/bar", "foo/a/b", "x/y/z"] {
        f.create_database(name).await;
    }
    let (_, token) = f.create_token("read:* write:*", None).await;
    for (n, (query, database)) in [
        ("db=foo&rp=", "foo"),
        ("db=foo&rp=autogen", "foo"),
        ("db=foo&rp=AUTOGEN", "foo"),
        ("db=foo&rp=Default", "foo"),
        ("db=foo&rp=''", "foo"),
        ("db=foo&rp=bar", "foo/bar"),
        ("db=foo&rp=BAR", "foo/bar"),
        ("db=foo&rp=a/b", "foo/a/b"),
        ("db=x/y&rp=z", "x/y/z"),
        ("db=foo%2Fbar&rp=autogen", "foo/bar"),
    ]
    .into_iter()
    .enumerate()
    {
        let answer = f.post(&format!("/write?{query}"), &token, format!("m{n} f=1 1")).await;
        assert_eq!(answer.status, 204, "{query}");
        assert_eq!(f.rows(&token, database, &format!("SELECT f FROM m{n}")).await, json!([{ "f": 1.0 }]), "{query}");
    }
    for query in ["db=foo&rp=none", "db=Foo&rp=bar"] {
        assert_eq!(f.post(&format!("/write?{query}"), &token, LINE).await.status, 404, "{query}");
    }
    refused(&f, &token, &format!("/write?db={}&rp=y", "x".repeat(63)), LINE).await;
    refused(&f, &token, "/write?db=_foo&rp=bar", LINE).await;
}

#[tokio::test]
async fn a_missing_database_is_named_only_to_who_may_write_them_all() {
    let f = fixture().await;
    let (_, all) = f.create_token("write:*", None).await;
    let (_, named) = f.create_token("write:missing", None).await;
    for (path, parameter) in ENDPOINTS {
        let path = format!("{path}?{parameter}=missing");
        assert_eq!(f.post(&path, &named, LINE).await.status, 403, "{path}");
        let answer = f.post(&path, &all, LINE).await;
        assert_eq!(answer.status, 404, "{path}");
        let body = answer.json();
        if path.starts_with("/api/v3") {
            assert_eq!(body, json!({ "error": "database \"missing\" not found" }));
        } else {
            assert_eq!(body["code"], "not found", "{path}");
            assert_eq!(body["message"], "database \"missing\" not found", "{path}");
        }
        if path.starts_with("/write") {
            // Telegraf keeps a batch only if it reads these words.
            assert!(body["error"].as_str().unwrap().contains("database not found"), "{body}");
        }
    }
    assert_eq!(f.manage("GET", "/databases?status=all", Value::Null).await.json(), json!([]), "nothing was created");
}

#[tokio::test]
async fn precisions() {
    let f = fixture().await;
    let token = f.database_and_token("a").await;
    for (path, parameter) in ENDPOINTS {
        let endpoint = parameter.to_owned() + &path.replace('/', "_");
        for (spellings, unit) in [
            (vec!["ns", "n", "nanosecond"], 1),
            (vec!["us", "u", "microsecond"], 1_000),
            (vec!["ms", "millisecond"], 1_000_000),
            (vec!["s", "second"], 1_000_000_000),
        ] {
            for spelling in spellings {
                let table = format!("{endpoint}_{spelling}");
                let url = format!("{path}?{parameter}=a&precision={spelling}");
                let body = format!("{table} f=1 7\n{table} f=1 -7");
                assert_eq!(f.post(&url, &token, body).await.status, 204, "{url}");
                assert_eq!(nanos(&f, &token, &table).await, [-7 * unit, 7 * unit], "{url}");
            }
        }
        let is_v3 = path.starts_with("/api/v3");
        for spelling in ["m", "h", "d", "NS", "S", "Auto", "", "nanoseconds", "1", "auto"] {
            if is_v3 && spelling == "auto" {
                continue;
            }
            let text = refused(&f, &token, &format!("{path}?{parameter}=a&precision={spelling}"), LINE).await;
            let prefix = match path {
                "/write" => "failed to deserialize db/rp/precision in request",
                "/api/v2/write" => "failed to deserialize org/bucket/precision in request",
                _ => "serde error",
            };
            let auto = if is_v3 { "`auto`, " } else { "" };
            let expected = format!(
                "{prefix}: unknown variant `{spelling}`, expected one of {auto}`s`, `second`, `millisecond`, `ms`, \
                 `microsecond`, `u`, `us`, `n`, `nanosecond`, `ns`"
            );
            assert_eq!(text, expected);
        }
    }
}

#[tokio::test]
async fn v1_and_v2_take_nanoseconds_and_v3_guesses() {
    let f = fixture().await;
    let token = f.database_and_token("a").await;
    assert_eq!(f.post("/write?db=a", &token, "v1 f=1 1000").await.status, 204);
    assert_eq!(f.post("/api/v2/write?bucket=a", &token, "v2 f=1 1000").await.status, 204);
    assert_eq!(nanos(&f, &token, "v1").await, [1000]);
    assert_eq!(nanos(&f, &token, "v2").await, [1000]);
    for (n, (written, stored)) in [
        (0, 0),
        (1, 1_000_000_000),
        (4_999_999_999, 4_999_999_999_000_000_000),
        (5_000_000_000, 5_000_000_000_000_000),
        (4_999_999_999_999, 4_999_999_999_999_000_000),
        (5_000_000_000_000, 5_000_000_000_000_000),
        (4_999_999_999_999_999, 4_999_999_999_999_999_000),
        (5_000_000_000_000_000, 5_000_000_000_000_000),
        (i64::MAX, i64::MAX),
        (-1, -1_000_000_000),
        (-4_999_999_999, -4_999_999_999_000_000_000),
        (-5_000_000_000, -5_000_000_000_000_000),
        (-i64::MAX, -i64::MAX),
    ]
    .into_iter()
    .enumerate()
    {
        let query = if n % 2 == 0 { "" } else { "&precision=auto" };
        let answer = f.post(&format!("/api/v3/write_lp?db=a{query}"), &token, format!("auto{n} f=1 {written}")).await;
        assert_eq!(answer.status, 204, "{written}");
        assert_eq!(nanos(&f, &token, &format!("auto{n}")).await, [stored], "{written}");
    }
    let body = "many f=1 1\nmany f=1 2000000000000\nmany f=1 -9223372036854775808";
    let answer = f.post("/api/v3/write_lp?db=a", &token, body).await;
    assert_eq!(answer.status, 400);
    assert_eq!(
        answer.json()["data"],
        json!([{
            "error_message": "timestamp, -9223372036854775808, out of range for precision: Auto",
            "line_number": 3,
            "original_line": "many f=1 -9223372036",
        }])
    );
    assert_eq!(nanos(&f, &token, "many").await, [1_000_000_000, 2_000_000_000_000_000_000], "each line by itself");
}

#[tokio::test]
async fn timestamps_that_a_precision_cannot_hold() {
    let f = fixture().await;
    let token = f.database_and_token("a").await;
    for (precision, name, written) in [
        ("s", "Second", "9223372037"),
        ("s", "Second", "-9223372037"),
        ("ms", "Millisecond", "9223372036855"),
        ("us", "Microsecond", "9223372036854776"),
        ("us", "Microsecond", "9223372036854775807"),
    ] {
        let expected = format!("timestamp, {written}, out of range for precision: {name}");
        let table = format!("late_{precision}{}", written.replace('-', "m"));
        let body = format!("{table} f=1 1\n{table} f=1 {written}\n{table} f=1 2");
        for (path, parameter) in &ENDPOINTS[..2] {
            let url = format!("{path}?{parameter}=a&precision={precision}");
            assert!(refused(&f, &token, &url, &body).await.contains(&expected), "{url}");
        }
        assert_eq!(f.query(&token, "a", &format!("SELECT * FROM {table}")).await.status, 400, "no such table");
        let answer = f.post(&format!("/api/v3/write_lp?db=a&precision={precision}"), &token, body).await;
        assert_eq!(answer.status, 400);
        assert_eq!(answer.json()["data"][0]["error_message"], expected);
        assert_eq!(answer.json()["data"][0]["line_number"], 2);
        assert_eq!(nanos(&f, &token, &table).await.len(), 2, "the others are written");
    }
}

#[tokio::test]
async fn lines_without_timestamp_share_the_time_of_receipt() {
    let f = fixture().await;
    let token = f.database_and_token("a").await;
    let now = async || {
        let time = tidegate_model::Clock::now(&*f.clock);
        time.nanos()
    };
    for (n, (path, unit)) in [
        ("/write?db=a", 1),
        ("/write?db=a&precision=us", 1_000),
        ("/api/v2/write?bucket=a&precision=ms", 1_000_000),
        ("/api/v2/write?bucket=a&precision=s", 1_000_000_000),
        ("/api/v3/write_lp?db=a&precision=s", 1_000_000_000),
        ("/api/v3/write_lp?db=a", 1),
        ("/api/v3/write_lp?db=a&precision=auto", 1),
    ]
    .into_iter()
    .enumerate()
    {
        let before = now().await;
        let body = format!("now{n},t=a f=1\nnow{n},t=b f=1\nnow{n},t=a f=2,g=3\nnow{n},t=old f=1 1");
        assert_eq!(f.post(path, &token, body).await.status, 204, "{path}");
        let after = now().await;
        let rows = f
            .rows(
                &token,
                "a",
                &format!("SELECT t, f, g, CAST(time AS BIGINT) AS ns FROM now{n} WHERE t <> 'old' ORDER BY t"),
            )
            .await;
        let stored = rows[0]["ns"].as_i64().unwrap();
        assert!(before - before % unit <= stored && stored <= after, "{path}");
        assert_eq!(stored % unit, 0, "{path}: rounded down");
        let expected = json!([{ "t": "a", "f": 2.0, "g": 3.0, "ns": stored }, { "t": "b", "f": 1.0, "ns": stored }]);
        assert_eq!(rows, expected, "{path}: one instant, so that equal series merge");
    }
}

#[tokio::test]
async fn switches_of_v3() {
    let f = fixture().await;
    let token = f.database_and_token("a").await;
    for name in ["accept_partial", "no_sync"] {
        for value in ["true", "false"] {
            let path = format!("/api/v3/write_lp?db=a&{name}={value}");
            assert_eq!(f.post(&path, &token, LINE).await.status, 204, "{path}");
        }
        for value in ["1", "0", "TRUE", "True", "", "yes", "%20true"] {
            let text = refused(&f, &token, &format!("/api/v3/write_lp?db=a&{name}={value}"), LINE).await;
            assert!(text.starts_with("serde error: "), "{text}");
        }
    }
}
