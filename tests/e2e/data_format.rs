//! Data directories that released programs have written must stay readable: tokens, revocations and rows.
//!
//! `tests/fixtures/data-format-N` holds one for each format. `cargo xtask fixture` writes that of the current format with
//! the ignored test below; a directory that is there is never changed again.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::support::api::{Api, Fresh, Token, grants, send};
use super::support::server::{Launch, Server};
use super::support::{eventually, in_the_future};

/// The format of the data that the current program writes.
const CURRENT: u32 = 2;
/// Tokens and ids of a fixture, beside the data directory.
const KEYS: &str = "keys.toml";

/// Every type of field, tags with everything that needs escaping, holes, a row that is completed and overwritten by
/// later ones, and the ends of the time range.
const LINES: [&str; 3] = [
    "press,line=L1,site=north float=1.5,integer=-7i,unsigned=8u,boolean=true,string=\"a \\\"b\\\", c\" 1000000000\n\
     press,line=L\\ 2\\,\\=ü float=-0.0,integer=9223372036854775807i,unsigned=18446744073709551615u 2000000000\n\
     press string=\"\",boolean=false 3000000000\n\
     ends at=\"first\" -9223372036854775806\n\
     ends at=\"last\" 9223372036854775806",
    "press,line=L1,site=north float=2.5 1000000000",
    "press integer=3i 3000000000",
];

const BOTH: [(&str, &str); 2] = [("read", "plant7"), ("write", "plant7")];

fn expected_press() -> Value {
    json!([
        { "line": "L1", "site": "north", "float": 2.5, "integer": -7, "unsigned": 8, "boolean": true,
          "string": "a \"b\", c", "time": "1970-01-01T00:00:01" },
        { "line": "L 2,=ü", "float": -0.0, "integer": i64::MAX, "unsigned": u64::MAX, "time": "1970-01-01T00:00:02" },
        { "boolean": false, "integer": 3, "string": "", "time": "1970-01-01T00:00:03" },
    ])
}

fn directory_of(format: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../tests/fixtures/data-format-{format}"))
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// What is known of a fixture.
struct Keys(toml::Table);

impl Keys {
    fn read(format: u32) -> Self {
        Self(toml::from_str(&fs::read_to_string(directory_of(format).join(KEYS)).unwrap()).unwrap())
    }

    fn text(&self, key: &str) -> &str {
        self.0[key].as_str().unwrap()
    }

    fn token(&self, name: &str) -> Token {
        let text = |key: &str| self.0[name][key].as_str().unwrap().to_owned();
        Token { id: text("id"), text: text("token") }
    }
}

/// The statuses of a write and a read.
async fn statuses(api: &Api, token: &Token, database: &str) -> (u16, u16) {
    let write = api.write(&token.text, database, "probe x=1 1").await.status;
    (write, api.query(&token.text, database, "SELECT 1").await.status)
}

async fn press(api: &Api, token: &Token, database: &str, table: &str) -> Value {
    json!(api.rows(&token.text, database, &format!("SELECT * FROM {table} ORDER BY time")).await)
}

/// What differs from format to format.
struct Expected {
    /// Name, retention and number of tables of each database.
    databases: Value,
    /// Every name under which the table that was made as `press` is found.
    press: &'static [&'static str],
}

fn format_1() -> Expected {
    let databases = json!([["plant7", 0, 500], ["plant7/raw", 3_600_000_000_000_i64, 7]]);
    Expected { databases, press: &["press"] }
}

fn format_2() -> Expected {
    let databases = json!([["plant7", 0, 500], ["plant7/raw", 3_600_000_000_000_i64, 7], ["plant8", 0, 500]]);
    Expected { databases, press: &["press", "presses"] }
}

/// A server on a copy of a fixture.
struct Opened {
    _directory: tempfile::TempDir,
    server: Server,
    keys: Keys,
}

impl Opened {
    async fn start(format: u32) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let data_dir = directory.path().join("data");
        copy(&directory_of(format).join("data"), &data_dir);
        // A checkout does not keep modes.
        fs::set_permissions(data_dir.join("credentials.toml"), Permissions::from_mode(0o600)).unwrap();
        let server = Launch::new(&data_dir).start().await;
        Self { _directory: directory, server, keys: Keys::read(format) }
    }

    async fn restart(&mut self) {
        assert_eq!(self.server.stop(), Some(0));
        self.server = Launch::new(&self.server.data_dir).start().await;
    }

    fn api(&self) -> Api {
        Api::of(&self.server)
    }

    async fn check(&self, expected: &Expected) {
        let text = fs::read_to_string(self.server.data_dir.join("FORMAT")).unwrap();
        assert_eq!(text.trim(), CURRENT.to_string());
        check(&self.api(), &self.keys, expected).await;
    }
}

#[tokio::test]
async fn data_of_format_1_is_read_and_its_tables_can_be_renamed() {
    let mut opened = Opened::start(1).await;
    opened.check(&format_1()).await;
    // Once more after this program has written to it.
    opened.restart().await;
    opened.check(&format_1()).await;

    rename(&opened.api(), "/databases/plant7/tables/press", "presses").await;
    let renamed = Expected { press: &["press", "presses"], ..format_1() };
    opened.check(&renamed).await;
    opened.restart().await;
    opened.check(&renamed).await;
    opened.server.kill();
    opened.server = Launch::new(&opened.server.data_dir).start().await;
    opened.check(&renamed).await;
}

#[tokio::test]
async fn data_of_format_2_is_read() {
    let mut opened = Opened::start(2).await;
    for _ in 0..2 {
        opened.check(&format_2()).await;
        let (api, everything) = (opened.api(), opened.keys.token("everything"));
        assert_eq!(press(&api, &everything, "plant8", "press").await, expected_press(), "in a renamed database");
        api.query(&everything.text, "plant6", "SELECT 1").await.expect_status(404);
        api.query(&everything.text, "plant7", "SELECT * FROM scrap").await.expect_status(400);
        let listed = api.get("/databases/plant7/tables").await.expect_status(200).json();
        let names: Vec<&Value> = listed.as_array().unwrap().iter().map(|table| &table["name"]).collect();
        assert_eq!(names, ["ends", "presses", "probe"]);
        opened.restart().await;
    }
}

async fn rename(api: &Api, path: &str, name: &str) {
    let request = api.manage(Method::PUT, &format!("{path}/rename")).json(&json!({ "name": name }));
    send(request).await.expect_status(200);
}

async fn check(api: &Api, keys: &Keys, expected: &Expected) {
    assert_eq!(api.management_token, keys.text("management"));
    assert!(api.cluster.ends_with(&format!("/{}/clusters/{}", keys.text("account"), keys.text("cluster"))));
    let revoked_manager = keys.token("revoked_management");
    api.as_manager(&revoked_manager.text).get("/tokens").await.expect_status(401);

    let databases = api.get("/databases").await.expect_status(200).json();
    let described: Value = databases
        .as_array()
        .unwrap()
        .iter()
        .map(|database| json!([database["name"], database["retentionPeriod"], database["maxTables"]]))
        .collect();
    assert_eq!(described, expected.databases);

    let everything = keys.token("everything");
    let cases = [
        (keys.token("active"), (204, 200), json!({ "description": "ünïcode \"active\"" })),
        (keys.token("narrowed"), (403, 200), json!({ "description": "narrowed" })),
        (keys.token("revoked"), (401, 401), json!({ "description": "revoked", "revokedAt": true })),
        (keys.token("expired"), (401, 401), json!({ "description": "expired", "expiresAt": true })),
        (keys.token("later"), (204, 200), json!({ "description": "later", "expiresAt": true })),
        (everything.clone(), (204, 200), json!({ "description": "everything" })),
    ];
    let listed = api.get("/tokens?includeRevoked=true").await.expect_status(200).json();
    assert_eq!(listed.as_array().unwrap().len(), cases.len());
    for (token, expected, record) in cases {
        assert_eq!(statuses(api, &token, "plant7").await, expected, "{record}");
        let found = listed.as_array().unwrap().iter().find(|listed| listed["id"] == token.id).expect("it is listed");
        assert_eq!(found["description"], record["description"]);
        for key in ["revokedAt", "expiresAt"] {
            assert_eq!(found.get(key).is_some(), record.get(key).is_some(), "{found}");
        }
    }
    assert_eq!(listed_permissions(&listed, &keys.token("narrowed")), grants(&[("read", "plant7")]));

    for name in expected.press {
        assert_eq!(press(api, &keys.token("active"), "plant7", name).await, expected_press(), "{name}");
    }
    let ends = api.rows(&everything.text, "plant7", "SELECT at FROM ends ORDER BY time").await;
    assert_eq!(json!(ends), json!([{ "at": "first" }, { "at": "last" }]));
    api.query(&everything.text, "gone", "SELECT 1").await.expect_status(404);
    let namesake = api.query(&everything.text, "plant7/raw", "SELECT * FROM press").await;
    assert_eq!(namesake.status, 400, "a namesake has no rows of the deleted one: {namesake:?}");
}

fn listed_permissions(listed: &Value, token: &Token) -> Value {
    let record = listed.as_array().unwrap().iter().find(|record| record["id"] == token.id).unwrap();
    record["permissions"].clone()
}

/// Writes the fixture of the current format.
#[tokio::test]
#[ignore = "writes into the source tree: run it with `cargo xtask fixture`"]
async fn write_the_fixture() {
    let target = directory_of(CURRENT);
    assert!(!target.join("data").exists(), "{} is there already and never changes", target.display());
    let mut fresh = Fresh::start().await;
    let keys = fill(&fresh.api).await;
    assert_eq!(fresh.server.stop(), Some(0));
    let data_dir = &fresh.server.data_dir;
    assert_eq!(fs::read_to_string(data_dir.join("FORMAT")).unwrap().trim(), CURRENT.to_string());
    fs::remove_file(data_dir.join("LOCK")).unwrap();
    fs::create_dir_all(&target).unwrap();
    copy(data_dir, &target.join("data"));
    fs::write(target.join(KEYS), keys.to_string()).unwrap();
}

/// Makes everything that the test of the current format looks for; gives the keys.
async fn fill(api: &Api) -> toml::Table {
    let database = async |body: Value| drop(api.post("/databases", &body).await.expect_status(200));
    let token = async |description: &str, more: Value| {
        let mut body = json!({ "description": description, "permissions": grants(&BOTH) });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        api.create_token_of(&body).await
    };
    let everything = token("everything", json!({ "permissions": grants(&[("read", "*"), ("write", "*")]) })).await;
    for name in ["plant7", "gone", "plant7/raw", "plant6"] {
        database(json!({ "name": name })).await;
        let [lines @ .., last] = LINES;
        for lines in lines {
            api.write(&everything.text, name, lines).await.expect_status(204);
        }
        if name == "plant7" {
            rename(api, "/databases/plant7/tables/press", "presses").await;
        }
        api.write(&everything.text, name, last).await.expect_status(204);
    }
    rename(api, "/databases/plant6", "plant8").await;
    api.write(&everything.text, "plant7", "scrap x=1 1").await.expect_status(204);
    api.delete("/databases/plant7/tables/scrap").await.expect_status(204);
    for name in ["gone", "plant7%2Fraw"] {
        api.delete(&format!("/databases/{name}")).await.expect_status(204);
    }
    database(json!({ "name": "plant7/raw", "retentionPeriod": 3_600_000_000_000_i64, "maxTables": 7 })).await;

    let active = token("ünïcode \"active\"", json!({})).await;
    let narrowed = token("narrowed", json!({})).await;
    let body = json!({ "permissions": grants(&[("read", "plant7")]) });
    api.patch(&format!("/tokens/{}", narrowed.id), &body).await.expect_status(200);
    let revoked = token("revoked", json!({})).await;
    api.revoke(&revoked.id).await.expect_status(204);
    let later = token("later", json!({ "expiresAt": "2999-01-01T00:00:00Z" })).await;
    let expired = token("expired", json!({ "expiresAt": in_the_future(Duration::from_secs(1)) })).await;
    eventually("the token expires", async || (statuses(api, &expired, "plant7").await == (401, 401)).then_some(()))
        .await;

    let revoked_management = api.create_management_token("revoked").await;
    send(api.revoke_management_token(&revoked_management.id)).await.expect_status(204);

    let mut keys = toml::Table::new();
    let mut ids = api.cluster.rsplit('/');
    let (cluster, account) = (ids.next().unwrap(), ids.nth(1).unwrap());
    keys.insert("account".to_owned(), account.into());
    keys.insert("cluster".to_owned(), cluster.into());
    keys.insert("management".to_owned(), api.management_token.clone().into());
    for (name, token) in [
        ("active", active),
        ("narrowed", narrowed),
        ("revoked", revoked),
        ("later", later),
        ("expired", expired),
        ("everything", everything),
        ("revoked_management", revoked_management),
    ] {
        let entry = [("id".to_owned(), token.id.into()), ("token".to_owned(), token.text.into())];
        keys.insert(name.to_owned(), toml::Table::from_iter(entry).into());
    }
    keys
}
