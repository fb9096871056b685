//! Writes and queries over HTTP: what is stored, what is answered, what is refused (data-plane contract §§4–6, 8).

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::Method;
use serde_json::{Value, json};

use super::support::api::{Api, Fresh, http_client, send};

const LIMIT: usize = 10 * 1024 * 1024;

struct Plant {
    fresh: Fresh,
    token: String,
}

impl Plant {
    /// A server with the database `plant7` and a token that may do everything with it.
    async fn start() -> Self {
        let fresh = Fresh::start().await;
        fresh.api.create_database("plant7").await;
        let token = fresh.api.create_token(&[("read", "plant7"), ("write", "plant7")]).await.text;
        Self { fresh, token }
    }

    fn api(&self) -> &Api {
        &self.fresh.api
    }

    /// A write to any endpoint.
    fn write(&self, target: &str, body: impl Into<reqwest::Body>) -> reqwest::RequestBuilder {
        self.api().http.post(format!("{}{target}", self.api().url)).bearer_auth(&self.token).body(body)
    }

    async fn rows(&self, sql: &str) -> Vec<Value> {
        self.api().rows(&self.token, "plant7", sql).await
    }

    /// Whether nothing has been written to a table.
    async fn is_absent(&self, table: &str) -> bool {
        let answer = self.api().query(&self.token, "plant7", &format!("SELECT * FROM {table}")).await;
        answer.status == 400 || answer.body == "[]"
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn what_is_written_is_read_back_in_every_format() {
    let plant = Plant::start().await;
    let lines = "press,line=L1 speed=1.5,count=7i,total=8u,on=true,note=\"a \\\"b\\\", c\" 1000000000\n\
                 # a comment\n\n\
                 press,line=L2 speed=2 2500000000";
    plant.api().write(&plant.token, "plant7", lines).await.expect_status(204);
    let sql = "SELECT line, speed, count, total, \"on\", note, time FROM press ORDER BY time";
    let query =
        async |format: &str| send(plant.api().query_in(format, &plant.token, "plant7", sql)).await.expect_status(200);
    let expected = [
        json!({ "line": "L1", "speed": 1.5, "count": 7, "total": 8, "on": true, "note": "a \"b\", c",
                "time": "1970-01-01T00:00:01" }),
        json!({ "line": "L2", "speed": 2.0, "time": "1970-01-01T00:00:02.500" }),
    ];
    assert_eq!(query("json").await.json(), json!(expected));
    let jsonl = query("jsonl").await;
    assert_eq!(jsonl.headers["content-type"], "application/jsonl");
    let rows: Vec<Value> = jsonl.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows, expected);
    let csv = query("csv").await;
    let mut lines = csv.body.lines();
    assert_eq!(lines.next(), Some("line,speed,count,total,on,note,time"));
    assert_eq!(lines.next(), Some("L1,1.5,7,8,true,\"a \"\"b\"\", c\",1970-01-01T00:00:01"));
    assert_eq!(lines.next(), Some("L2,2.0,,,,,1970-01-01T00:00:02.500"));
    assert_eq!(lines.next(), None);
    let pretty = query("pretty").await;
    assert!(pretty.body.starts_with("+--") && pretty.body.contains("| L2 "), "{}", pretty.body);
}

#[tokio::test]
async fn the_last_write_of_a_field_wins_and_other_fields_stay() {
    let mut plant = Plant::start().await;
    let (api, token) = (plant.api().clone(), plant.token.clone());
    api.write(&token, "plant7", "m,t=a x=1,y=1 5\nm,t=a x=2 5\nm,t=b x=9 5").await.expect_status(204);
    api.write(&token, "plant7", "m,t=a z=3 5").await.expect_status(204);
    let expected = [json!({ "t": "a", "x": 2.0, "y": 1.0, "z": 3.0 }), json!({ "t": "b", "x": 9.0 })];
    let sql = "SELECT t, x, y, z FROM m ORDER BY t";
    assert_eq!(plant.rows(sql).await, expected);
    assert_eq!(plant.fresh.server.stop(), Some(0));
    plant.fresh.restart().await;
    assert_eq!(plant.rows(sql).await, expected, "the same after a restart");
    plant.api().write(&token, "plant7", "m,t=a x=4 5").await.expect_status(204);
    assert_eq!(plant.rows("SELECT x FROM m WHERE t = 'a'").await, [json!({ "x": 4.0 })]);
}

#[tokio::test]
async fn precisions_follow_each_endpoint() {
    let plant = Plant::start().await;
    let seconds = 1_700_000_000_i64;
    let accepted = [("s", 1), ("second", 1), ("ms", 1_000), ("us", 1_000_000), ("u", 1_000_000), ("ns", 1_000_000_000)];
    for (number, (precision, factor)) in accepted.into_iter().enumerate() {
        for (version, target) in
            [("v3", "/api/v3/write_lp?db=plant7"), ("v2", "/api/v2/write?bucket=plant7"), ("v1", "/write?db=plant7")]
        {
            let table = format!("{version}_{number}");
            let line = format!("{table} x=1 {}", seconds * factor);
            send(plant.write(&format!("{target}&precision={precision}"), line)).await.expect_status(204);
            assert_eq!(
                plant.rows(&format!("SELECT time FROM {table}")).await,
                [json!({ "time": "2023-11-14T22:13:20" })]
            );
        }
    }
    for (target, precision) in [
        ("/api/v3/write_lp?db=plant7", "m"),
        ("/api/v3/write_lp?db=plant7", "S"),
        ("/api/v3/write_lp?db=plant7", ""),
        ("/api/v2/write?bucket=plant7", "auto"),
        ("/api/v2/write?bucket=plant7", "h"),
        ("/write?db=plant7", "auto"),
        ("/write?db=plant7", "m"),
    ] {
        send(plant.write(&format!("{target}&precision={precision}"), "bad x=1 1")).await.expect_status(400);
    }
    assert!(plant.is_absent("bad").await);

    let automatic =
        format!("auto x=1 {seconds}\nauto x=1 {seconds}001\nauto x=1 {seconds}000002\nauto x=1 {seconds}000000003");
    send(plant.write("/api/v3/write_lp?db=plant7", automatic)).await.expect_status(204);
    let times = [
        "2023-11-14T22:13:20",
        "2023-11-14T22:13:20.000000003",
        "2023-11-14T22:13:20.000002",
        "2023-11-14T22:13:20.001",
    ];
    assert_eq!(plant.rows("SELECT time FROM auto ORDER BY time").await, times.map(|time| json!({ "time": time })));

    send(plant.write("/api/v3/write_lp?db=plant7&precision=s", "now x=1\nnow y=2")).await.expect_status(204);
    let sql =
        "SELECT x, y, date_trunc('second', time) = time AS whole, now() - time < INTERVAL '1 hour' AS recent FROM now";
    assert_eq!(plant.rows(sql).await, [json!({ "x": 1.0, "y": 2.0, "whole": true, "recent": true })]);
}

#[tokio::test]
async fn bodies_are_unpacked_and_bounded() {
    let plant = Plant::start().await;
    let v3 = "/api/v3/write_lp?db=plant7&precision=nanosecond";
    let packed = |body: Vec<u8>| plant.write(v3, body).header("content-encoding", "gzip");
    send(packed(gzip(b"one x=1 1"))).await.expect_status(204);
    let members = [gzip(b"two x=1 1\n"), gzip(b"two x=1 2")].concat();
    send(packed(members)).await.expect_status(204);
    assert_eq!(plant.rows("SELECT count(*) AS n FROM two").await, [json!({ "n": 2 })]);
    send(plant.write(v3, "three x=1 1").header("content-encoding", "identity")).await.expect_status(204);

    send(packed(b"bad x=1 1".to_vec())).await.expect_status(400);
    let cut = gzip(b"bad x=1 1");
    send(packed(cut[..cut.len() - 4].to_vec())).await.expect_status(400);
    send(packed(gzip(b""))).await.expect_status(400);
    for encoding in ["GZIP", "deflate", "br", "gzip, identity"] {
        send(plant.write(v3, gzip(b"bad x=1 1")).header("content-encoding", encoding)).await.expect_status(400);
    }
    for body in [&b""[..], b"\n\n  \n", b"# only a comment", b"bad x=\"\xff\" 1"] {
        send(plant.write(v3, body)).await.expect_status(400);
    }
    let mut full = format!("#{}\nfull x=1 1", "y".repeat(LIMIT - 12)).into_bytes();
    assert_eq!(full.len(), LIMIT);
    send(packed(gzip(&full))).await.expect_status(204);
    send(plant.write(v3, full.clone())).await.expect_status(204);
    full.insert(1, b'y');
    send(packed(gzip(&full).clone())).await.expect_status(413);
    let v2 = send(plant.write("/api/v2/write?bucket=plant7", gzip(&full)).header("content-encoding", "gzip")).await;
    assert_eq!(v2.expect_status(413).json()["code"], "request too large");
    assert!(plant.is_absent("bad").await);
}

#[tokio::test]
async fn bad_lines_are_named_and_kept_out() {
    let plant = Plant::start().await;
    let lines = "# comment\n\na x=1 1\na x= 2\na x=3 3\na x=1i 4";
    let partial = send(plant.write("/api/v3/write_lp?db=plant7&precision=ns", lines)).await.expect_status(400).json();
    assert_eq!(partial["error"], "partial write of line protocol occurred");
    let numbers: Vec<&Value> = partial["data"].as_array().unwrap().iter().map(|entry| &entry["line_number"]).collect();
    assert_eq!(numbers, [4, 6], "{partial}");
    assert!(partial["data"].as_array().unwrap().iter().all(|entry| entry["error_message"].is_string()));
    assert_eq!(partial["data"][0]["original_line"], "a x= 2");
    assert_eq!(plant.rows("SELECT x FROM a ORDER BY time").await, [json!({ "x": 1.0 }), json!({ "x": 3.0 })]);

    let lines = "# comment\n\nb x=1 1\nb x= 2\nb x=3 3";
    let all_or_nothing = "/api/v3/write_lp?db=plant7&precision=ns&accept_partial=false";
    send(plant.write(all_or_nothing, lines)).await.expect_status(400);
    for target in ["/api/v2/write?bucket=plant7", "/write?db=plant7"] {
        let answer = send(plant.write(target, lines)).await.expect_status(400).json();
        assert_eq!((&answer["code"], &answer["line"]), (&json!("invalid"), &json!(4)), "{answer}");
        assert!(answer["message"].as_str().unwrap().contains('4'), "{answer}");
    }
    assert!(plant.is_absent("b").await);

    for bad in
        ["c,t=1,t=2 x=1 1", "c x=1e400 1", "c x=NaN 1", "c,time=a x=1 1", "c,x=1 x=1 1", "c x=1 99999999999999999999"]
    {
        send(plant.write("/api/v3/write_lp?db=plant7&precision=ns", bad)).await.expect_status(400);
    }
    assert!(plant.is_absent("c").await);
}

#[tokio::test]
async fn parameters_of_writes_are_checked() {
    let plant = Plant::start().await;
    for target in [
        "/api/v3/write_lp",
        "/api/v3/write_lp?precision=ns",
        "/api/v3/write_lp?db=plant7&accept_partial=1",
        "/api/v3/write_lp?db=plant7&no_sync=TRUE",
        "/api/v2/write",
        "/api/v2/write?org=x",
        "/api/v2/write?bucket=",
        "/write",
        "/write?precision=ns",
    ] {
        send(plant.write(target, "bad x=1 1")).await.expect_status(400);
    }
    assert!(plant.is_absent("bad").await);
    send(plant.write("/api/v3/write_lp?db=plant7&no_sync=true&org=any", "good x=1 1")).await.expect_status(204);
    send(plant.write("/api/v2/write?bucket=plant7&org=any&orgID=0123456789abcdef", "good x=1 2"))
        .await
        .expect_status(204);
    send(plant.write("/write?db=plant7&rp=autogen&consistency=all", "good x=1 3")).await.expect_status(204);
    assert_eq!(plant.rows("SELECT count(*) AS n FROM good").await, [json!({ "n": 3 })]);
    send(plant.write("/write?db=plant7&rp=raw", "good x=1 4")).await.expect_status(403);

    for path in ["/write", "/api/v2/write", "/api/v3/write_lp"] {
        let request = plant.api().http.get(format!("{}{path}?db=plant7&bucket=plant7", plant.api().url));
        let answer = send(request.bearer_auth(&plant.token)).await;
        assert_ne!(answer.status, 405, "clients read 405 as another version of the server");
        assert!(answer.status >= 400, "{answer:?}");
    }
}

#[tokio::test]
async fn queries_take_parameters_and_name_their_faults() {
    let plant = Plant::start().await;
    let (api, token) = (plant.api(), plant.token.as_str());
    api.write(token, "plant7", "m,t=a x=1 1\nm,t=b x=2 2").await.expect_status(204);
    let post = async |body: &Value| {
        send(api.http.post(format!("{}/api/v3/query_sql", api.url)).bearer_auth(token).json(body)).await
    };
    let body =
        json!({ "db": "plant7", "q": "SELECT x FROM m WHERE t = $tag", "format": "json", "params": { "tag": "b" } });
    assert_eq!(post(&body).await.expect_status(200).json(), json!([{ "x": 2.0 }]));
    let in_url =
        api.query_request(token, "plant7", "SELECT t FROM m WHERE x > $least").query(&[("params", r#"{"least":1.5}"#)]);
    assert_eq!(send(in_url).await.expect_status(200).json(), json!([{ "t": "b" }]));
    assert_eq!(api.query(token, "plant7", "SELECT x FROM m WHERE x > 5").await.expect_status(200).body, "[]");

    for body in [
        json!({ "q": "SELECT 1" }),
        json!({ "db": "plant7" }),
        json!({ "db": "plant7", "q": "SELECT 1", "format": "xml" }),
        json!({ "db": "plant7", "q": "SELECT x FROM m WHERE t = $tag" }),
        json!({ "db": "plant7", "q": "SELECT $a", "params": { "a": [1] } }),
    ] {
        let answer = post(&body).await.expect_status(400);
        assert!(answer.json()["error"].is_string(), "{answer:?}");
    }
    for sql in [
        "SELEC 1",
        "SELECT * FROM nothing",
        "SELECT nothing FROM m",
        "SELECT 1; SELECT 2",
        "DROP TABLE m",
        "CREATE TABLE n (a INT)",
        "CREATE EXTERNAL TABLE n STORED AS CSV LOCATION '/etc/passwd'",
        "INSERT INTO m (x) VALUES (1)",
        "DELETE FROM m",
        "UPDATE m SET x = 1",
        "SET datafusion.execution.batch_size = 1",
        "COPY m TO '/tmp/out.csv'",
        "PREPARE p AS SELECT 1",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM plant8.public.m",
        "",
        ";",
    ] {
        let answer = api.query(token, "plant7", sql).await;
        assert_eq!(answer.status, 400, "{sql}: {answer:?}");
        assert!(answer.json()["error"].is_string(), "{sql}: {answer:?}");
    }
    let division = api.query(token, "plant7", "SELECT 1 / 0").await;
    assert!(division.status >= 400, "an error of the first rows is known before the status is sent: {division:?}");
    assert_eq!(plant.rows("SELECT x FROM m ORDER BY x").await.len(), 2, "nothing was changed");
    for sql in ["SHOW TABLES", "SHOW COLUMNS FROM m", "DESCRIBE m", "EXPLAIN SELECT * FROM m"] {
        api.query(token, "plant7", sql).await.expect_status(200);
    }
}

#[tokio::test]
async fn health_and_ping_are_open() {
    let fresh = Fresh::start().await;
    let http = &fresh.api.http;
    let request = |method: Method, path: &str| send(http.request(method, format!("{}{path}", fresh.api.url)));
    request(Method::GET, "/health").await.expect_status(200);
    for method in [Method::GET, Method::HEAD] {
        let answer = request(method, "/ping").await.expect_status(204);
        assert_eq!(answer.body, "");
        for name in ["x-influxdb-version", "x-influxdb-build"] {
            assert!(answer.headers.contains_key(name), "{name} is missing in {answer:?}");
        }
    }
}

#[tokio::test]
async fn http2_without_tls_carries_everything() {
    let mut plant = Plant::start().await;
    plant.fresh.api.http = http_client().http2_prior_knowledge().build().unwrap();
    let written = plant.api().write_request(&plant.token, "plant7", "m x=1 1").send().await.unwrap();
    assert_eq!((written.status().as_u16(), written.version()), (204, http::Version::HTTP_2));
    assert_eq!(plant.rows("SELECT x FROM m").await, [json!({ "x": 1.0 })]);
    let tokens = plant.api().get("/tokens").await.expect_status(200);
    assert_eq!(tokens.json().as_array().unwrap().len(), 1);
}
