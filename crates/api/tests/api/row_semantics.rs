//! Columns and rows that writes make (data-plane contract §5), through the three write endpoints.

use serde_json::{Value, json};

use crate::fixture::{Fixture, fixture};

const ENDPOINTS: [&str; 3] = ["/write?db=", "/api/v2/write?bucket=", "/api/v3/write_lp?precision=ns&db="];

/// A database for each endpoint, and a token for all of them.
async fn databases(f: &Fixture) -> (Vec<(String, &'static str)>, String) {
    let mut targets = Vec::new();
    for (n, path) in ENDPOINTS.into_iter().enumerate() {
        let database = format!("d{n}");
        f.create_database(&database).await;
        targets.push((format!("{path}{database}"), ["d0", "d1", "d2"][n]));
    }
    (targets, f.create_token("read:* write:*", None).await.1)
}

async fn write(f: &Fixture, token: &str, path: &str, lines: &str) -> u16 {
    f.post(path, token, lines.to_owned()).await.status.as_u16()
}

async fn rows(f: &Fixture, token: &str, database: &str, sql: &str) -> Value {
    f.rows(token, database, sql).await
}

#[tokio::test]
async fn points_of_one_series_and_time_merge() {
    let f = fixture().await;
    let (targets, token) = databases(&f).await;
    for (path, database) in targets {
        assert_eq!(write(&f, &token, &path, "m,t=a,u=b f=1 1\nm,u=b,t=a g=2i 1\nm,t=a,u=b f=3 1").await, 204);
        let sql = "SELECT f, g, t, u FROM m";
        assert_eq!(rows(&f, &token, database, sql).await, json!([{ "f": 3.0, "g": 2, "t": "a", "u": "b" }]));
        assert_eq!(write(&f, &token, &path, "m,t=a,u=b f=4 1").await, 204);
        assert_eq!(
            rows(&f, &token, database, sql).await,
            json!([{ "f": 4.0, "g": 2, "t": "a", "u": "b" }]),
            "later wins"
        );
        assert_eq!(write(&f, &token, &path, "m,t=a f=5 1\nm f=6 1\nm,t=a,u=b f=7 2").await, 204);
        assert_eq!(
            rows(&f, &token, database, "SELECT f FROM m ORDER BY f").await,
            json!([{ "f": 4.0 }, { "f": 5.0 }, { "f": 6.0 }, { "f": 7.0 }]),
            "an absent tag is another series"
        );
    }
}

#[tokio::test]
async fn names_given_twice_in_one_line_are_refused_and_leave_the_table_readable() {
    let f = fixture().await;
    let (targets, token) = databases(&f).await;
    for (path, database) in targets {
        assert_eq!(write(&f, &token, &path, "m,t=a f=1 1").await, 204);
        for (line, part) in [
            ("m,t=a,t=b f=2 2", "the tag 't' is specified more than once"),
            ("m,t=a,t=a f=2 2", "the tag 't' is specified more than once"),
            ("m,t=a f=2,f=3 2", "'f' field"),
            ("m,t=a f=2,f=2 2", "'f' field"),
            ("m,t=a f=2,f=2i 2", "the field 'f' is specified more than once with conflicting types"),
            (r"m,t=a f\,g=2,f,g=2 2", "'f,g' field"),
            ("m,t=a t=2 2", "expected iox::column_type::tag, got iox::column_type::field::float"),
            ("m,new=a new=2 2", "expected iox::column_type::tag, got iox::column_type::field::float"),
            ("m,time=a f=2 2", "input tag \"time\" on measurement \"m\" is invalid"),
            ("m,t=a time=2 2", "input field \"time\" on measurement \"m\" is invalid"),
            ("m,t=a f=2,time=2 2", "input field \"time\" on measurement \"m\" is invalid"),
            ("fresh,time=a f=2 2", "input tag \"time\" on measurement \"fresh\" is invalid"),
            ("fresh time=2i 2", "input field \"time\" on measurement \"fresh\" is invalid"),
        ] {
            let answer = f.post(&path, &token, line).await;
            assert_eq!(answer.status, 400, "{path} {line}");
            let body = answer.json().to_string().replace(r#"\""#, "\"");
            assert!(body.contains(part), "{path} {line}: {body}");
        }
        assert_eq!(rows(&f, &token, database, "SELECT f, t FROM m").await, json!([{ "f": 1.0, "t": "a" }]));
        let columns = "SELECT table_name AS m, column_name AS c FROM information_schema.columns WHERE table_schema = \
                       'iox' ORDER BY m, c";
        let expected = json!([{ "m": "m", "c": "f" }, { "m": "m", "c": "t" }, { "m": "m", "c": "time" }]);
        assert_eq!(rows(&f, &token, database, columns).await, expected, "{path}");
        assert_eq!(write(&f, &token, &path, "time,TIME=a Time=1 1").await, 204, "other names are ordinary");
        assert_eq!(
            rows(&f, &token, database, r#"SELECT "TIME", "Time" FROM "time""#).await,
            json!([{ "TIME": "a", "Time": 1.0 }])
        );
    }
}

#[tokio::test]
async fn a_column_keeps_its_type_in_every_database_apart() {
    let f = fixture().await;
    let (targets, token) = databases(&f).await;
    for (n, (path, database)) in targets.iter().enumerate() {
        // Another first type for each database.
        let first = ["f=1", "f=1i", "f=\"x\""][n];
        assert_eq!(write(&f, &token, path, &format!("m,t=a {first} 1")).await, 204);
        for other in ["f=1", "f=1i", "f=1u", "f=\"x\"", "f=true"] {
            let expected = if other == first { 204 } else { 400 };
            assert_eq!(write(&f, &token, path, &format!("m {other} 2")).await, expected, "{path} {other}");
        }
        assert_eq!(write(&f, &token, path, "m,f=a g=1 2").await, 400, "a field is no tag");
        assert_eq!(write(&f, &token, path, "m t=1 2").await, 400, "a tag is no field");
        // The same conflict inside one batch: never both.
        let answer = f.post(path, &token, "n f=1 1\nn f=1i 2").await;
        assert_eq!(answer.status, 400, "{path}");
        let kept = f.query(&token, database, "SELECT f FROM n").await;
        let is_partial = path.contains("v3");
        assert_eq!(kept.status, if is_partial { 200 } else { 400 }, "{path}");
        if is_partial {
            assert_eq!(kept.json(), json!([{ "f": 1.0 }]));
        }
    }
}

#[tokio::test]
async fn numbers_are_stored_exactly() {
    let f = fixture().await;
    let (targets, token) = databases(&f).await;
    let many_digits = "9".repeat(308);
    for (path, database) in targets {
        for (n, (written, shown)) in [
            ("1e22", "1e22"),
            ("9.3e18", "9300000000000000000.0"),
            ("-0.0", "-0.0"),
            ("4.9e-324", "5e-324"),
            ("2.2250738585072011e-308", "2.225073858507201e-308"),
            ("1.7976931348623157e308", "1.7976931348623157e308"),
            (many_digits.as_str(), "1e308"),
            ("0.1", "0.1"),
            ("9007199254740993i", "9007199254740993"),
            ("-9223372036854775808i", "-9223372036854775808"),
            ("18446744073709551615u", "18446744073709551615"),
        ]
        .into_iter()
        .enumerate()
        {
            assert_eq!(write(&f, &token, &path, &format!("n{n} f={written} 1")).await, 204, "{written}");
            let answer = f.query(&token, database, &format!("SELECT f FROM n{n}")).await;
            let shown_now = answer.text();
            let value = shown_now.strip_prefix("[{\"f\":").unwrap().strip_suffix("}]").unwrap();
            if written.ends_with(['i', 'u']) {
                assert_eq!(value, shown);
            } else {
                let (value, expected): (f64, f64) = (value.parse().unwrap(), shown.parse().unwrap());
                assert_eq!(value.to_bits(), expected.to_bits(), "{written}: {value}");
            }
        }
        for written in ["1e400", "-1e400", "1e309", &"9".repeat(400), "1e99999999999"] {
            assert_eq!(write(&f, &token, &path, &format!("never f={written} 1")).await, 400, "{written}");
        }
    }
}

#[tokio::test]
async fn lengths_of_names_and_strings() {
    let f = fixture().await;
    let (targets, token) = databases(&f).await;
    let (longest, too_long) = ("x".repeat(65_536), "x".repeat(65_537));
    let escaped = format!("{}x", r"\ ".repeat(65_535));
    let across = format!("{}ü", "x".repeat(65_535));
    let (text, long_text) = ("y".repeat(1 << 20), "y".repeat((1 << 20) + 1));
    for (path, database) in targets {
        let lines = format!("m,t={longest} f=1 1\nm,t={escaped} f=1 2\nm,t=a s=\"{text}\" 3");
        assert_eq!(write(&f, &token, &path, &lines).await, 204, "{path}");
        let sql = "SELECT octet_length(CAST(t AS VARCHAR)) AS t, octet_length(s) AS s FROM m ORDER BY time";
        let expected = json!([{ "t": 65_536 }, { "t": 65_536 }, { "t": 1, "s": 1 << 20 }]);
        assert_eq!(rows(&f, &token, database, sql).await, expected);
        for line in [
            format!("{too_long} f=1"),
            format!("m,{too_long}=a f=1"),
            format!("m,t={too_long} f=1"),
            format!("m {too_long}=1"),
            format!("m,t={across} f=1"),
        ] {
            let answer = f.post(&path, &token, line).await;
            assert_eq!(answer.status, 400, "{path}");
            assert!(answer.text().contains("String is greater than 64KB"), "{path}");
        }
        let answer = f.post(&path, &token, format!("m s=\"{long_text}\"")).await;
        assert_eq!(answer.status, 400, "{path}");
        assert!(answer.text().contains("String is greater than 1MB"), "{path}");
    }
}

#[tokio::test]
async fn very_wide_and_very_many() {
    let f = fixture().await;
    let (targets, token) = databases(&f).await;
    let wide = (0..10_000).map(|n| format!("f{n}=1")).collect::<Vec<_>>().join(",");
    let many: String = (0..10_000).map(|n| format!("m{n} f=1 1\n")).collect();
    for (path, database) in targets {
        let answer = f.post(&path, &token, format!("wide {wide} 1")).await;
        assert_eq!(answer.status, 400, "{path}");
        assert!(answer.text().contains("limit of 200 columns"), "{path}");
        let answer = f.post(&path, &token, many.clone()).await;
        assert!(answer.text().contains("limit: 500"), "{path}");
        let tables = "SELECT count(*) AS n FROM information_schema.tables WHERE table_schema = 'iox'";
        let is_partial = path.contains("v3");
        assert_eq!(answer.status, if is_partial { 422 } else { 400 }, "{path}");
        assert_eq!(rows(&f, &token, database, tables).await, json!([{ "n": if is_partial { 500 } else { 0 } }]));
    }
}
