//! The rows of the permission matrix for the v2 API: who may list, see, create, change and delete what.
//!
//! Ids are replaced by the names of what they belong to, so that the file says the same after each run.

use std::fmt::Write as _;
use std::net::SocketAddr;

use axum::body::Body;
use axum::http::Request;
use axum::http::header::{COOKIE, SET_COOKIE};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tidegate_api::Peer;
use tidegate_service::{SetupAuthority, SetupRequest};

use crate::fixture::{Answer, Fixture, fixture, request};

/// A credential and how it is presented.
#[derive(Clone)]
enum Presented {
    Nothing,
    Token(String),
    Session(String),
    /// A session that begins with each trial: some of what others do ends those that are there.
    SignIn(&'static str, &'static str),
}

impl Presented {
    fn request(&self, method: &str, path: &str, body: String) -> Request<Body> {
        match self {
            Self::Nothing => request(method, path, None, body),
            Self::Token(token) => request(method, path, Some(&format!("Bearer {token}")), body),
            Self::Session(cookie) => {
                let mut request = request(method, path, None, body);
                request.headers_mut().insert(COOKIE, cookie.parse().unwrap());
                request
            }
            Self::SignIn(..) => panic!("sign in first"),
        }
    }
}

/// Two organizations, three users, and what belongs to them.
struct World {
    f: Fixture,
    operator: Presented,
    home: String,
    other: String,
    first: String,
    second: String,
    stranger: String,
    /// Names of ids, for the lists.
    named: Vec<(String, String)>,
}

impl World {
    async fn new() -> Self {
        let f = fixture().await;
        let request = SetupRequest {
            username: "first".parse().unwrap(),
            password: Some(tidegate_model::PlainToken::from_presented("first-password")),
            organization: "home".parse().unwrap(),
            database: "a".parse().unwrap(),
            retention: tidegate_model::Retention::FOREVER,
            token: None,
        };
        let done = f.service.set_up(request, SetupAuthority::Local).await.unwrap();
        let mut world = Self {
            f,
            operator: Presented::Token(done.token.expose().to_owned()),
            home: done.organization.id.to_string(),
            other: String::new(),
            first: done.user.id.to_string(),
            second: String::new(),
            stranger: String::new(),
            named: Vec::new(),
        };
        world.other = world.make("/api/v2/orgs", json!({ "name": "other" })).await;
        world.second = world.make("/api/v2/users", json!({ "name": "second" })).await;
        world.stranger = world.make("/api/v2/users", json!({ "name": "stranger" })).await;
        world.bucket("b", &world.home).await;
        world.bucket("c", &world.other).await;
        world
    }

    async fn as_operator(&self, method: &str, path: &str, body: Value) -> Answer {
        self.send(&self.operator, method, path, body).await
    }

    async fn send(&self, who: &Presented, method: &str, path: &str, body: Value) -> Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.f.send(who.request(method, path, body)).await
    }

    /// Makes something as the operator and gives its id.
    async fn make(&self, path: &str, body: Value) -> String {
        let answer = self.as_operator("POST", path, body).await;
        assert_eq!(answer.status, 201, "{path}: {}", answer.text());
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    async fn bucket(&self, name: &str, organization: &str) -> String {
        self.make("/api/v2/buckets", json!({ "name": name, "orgID": organization })).await
    }

    async fn bucket_id(&self, name: &str) -> String {
        let answer = self.as_operator("GET", &format!("/api/v2/buckets?name={name}"), Value::Null).await;
        answer.json()["buckets"][0]["id"].as_str().unwrap().to_owned()
    }

    /// An authorization of `user`; permissions such as `read:buckets`, `read:orgs/HOME/buckets` or `write:users/FIRST`.
    async fn authorization(&self, user: &str, organization: &str, permissions: &str) -> (String, String) {
        let permissions: Vec<_> = permissions.split_whitespace().map(|text| self.permission(text)).collect();
        let body = json!({ "orgID": organization, "userID": user, "permissions": permissions });
        let answer = self.as_operator("POST", "/api/v2/authorizations", body).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        let made = answer.json();
        (made["id"].as_str().unwrap().to_owned(), made["token"].as_str().unwrap().to_owned())
    }

    fn permission(&self, text: &str) -> Value {
        let ids = [
            ("HOME", &self.home),
            ("OTHER", &self.other),
            ("FIRST", &self.first),
            ("SECOND", &self.second),
            ("STRANGER", &self.stranger),
        ];
        let text = ids.iter().fold(text.to_owned(), |text, (word, id)| text.replace(word, id));
        let parsed: tidegate_model::TypedPermission = text.parse().unwrap();
        json!({ "action": parsed.action.as_str(), "resource": {
            "type": parsed.kind.as_str(),
            "orgID": parsed.organization.map(|id| id.to_string()),
            "id": parsed.id.map(|id| id.to_string()),
        }})
    }

    async fn session(&self, name: &str, password: &str) -> Presented {
        let basic = format!("Basic {}", STANDARD.encode(format!("{name}:{password}")));
        let answer = self.f.send(request("POST", "/api/v2/signin", Some(&basic), "")).await;
        assert_eq!(answer.status, 204, "{}", answer.text());
        let cookie = answer.headers[SET_COOKIE].to_str().unwrap();
        Presented::Session(cookie.split(';').next().unwrap().to_owned())
    }

    async fn credentials(&mut self) -> Vec<(&'static str, Presented)> {
        let a = self.bucket_id("a").await;
        let token = Presented::Token;
        let (first, second, stranger) = (self.first.clone(), self.second.clone(), self.stranger.clone());
        let (home, other) = (self.home.clone(), self.other.clone());
        let all = "read:orgs/HOME/authorizations write:orgs/HOME/authorizations read:orgs/HOME/buckets \
                   write:orgs/HOME/buckets read:orgs/HOME read:users/FIRST write:users/FIRST";
        let mut all_tokens = vec![("no credential", Presented::Nothing), ("operator", self.operator.clone())];
        for (name, user, organization, permissions) in [
            ("all access of first", &first, &home, all.to_owned()),
            (
                "authorizations of second",
                &second,
                &home,
                "read:orgs/HOME/authorizations write:orgs/HOME/authorizations".to_owned(),
            ),
            ("read authorizations of second", &second, &home, "read:orgs/HOME/authorizations".to_owned()),
            ("write authorizations of second", &second, &home, "write:orgs/HOME/authorizations".to_owned()),
            ("read bucket a", &second, &home, format!("read:orgs/HOME/buckets/{a}")),
            ("write bucket a", &second, &home, format!("write:orgs/HOME/buckets/{a}")),
            ("read, write buckets", &second, &home, "read:orgs/HOME/buckets write:orgs/HOME/buckets".to_owned()),
            ("read, write users", &second, &home, "read:users write:users".to_owned()),
            (
                "users of home, which are none, and authorizations",
                &second,
                &home,
                "read:orgs/HOME/users write:orgs/HOME/users write:orgs/HOME/authorizations".to_owned(),
            ),
            ("read, write orgs", &second, &home, "read:orgs write:orgs".to_owned()),
            (
                "buckets of home and authorizations",
                &second,
                &home,
                "read:orgs/HOME/buckets write:orgs/HOME/authorizations".to_owned(),
            ),
            ("read dashboards", &second, &home, "read:orgs/HOME/dashboards".to_owned()),
            ("all access of stranger", &stranger, &other, all.replace("HOME", "OTHER").replace("FIRST", "STRANGER")),
        ] {
            let (id, secret) = self.authorization(user, organization, &permissions).await;
            self.named.push((id, name.to_owned()));
            all_tokens.push((name, token(secret)));
        }
        all_tokens.extend(self.unusable().await);
        let password = json!({ "password": "second-password" });
        self.as_operator("POST", &format!("/api/v2/users/{second}/password"), password).await;
        self.as_operator("POST", &format!("/api/v2/orgs/{home}/members"), json!({ "id": second })).await;
        all_tokens.push(("session of an owner", Presented::SignIn("first", "first-password")));
        all_tokens.push(("session of a member", Presented::SignIn("second", "second-password")));
        let ended = self.session("first", "first-password").await;
        assert_eq!(self.send(&ended, "POST", "/api/v2/signout", Value::Null).await.status, 204);
        all_tokens.push(("session, signed out", ended));
        let (_, database_token) = self.f.create_token("read:* write:*", None).await;
        all_tokens.push(("database token (read:* write:*)", token(database_token)));
        all_tokens.push(("management token", token(self.f.management.clone())));
        all_tokens
    }

    /// Operators' tokens that have ended.
    async fn unusable(&self) -> Vec<(&'static str, Presented)> {
        let everything = "read:buckets write:buckets read:authorizations write:authorizations read:users write:users";
        let mut made = Vec::new();
        let (id, secret) = self.authorization(&self.first, &self.home, everything).await;
        let path = format!("/api/v2/authorizations/{id}");
        assert_eq!(self.as_operator("PATCH", &path, json!({ "status": "inactive" })).await.status, 200);
        made.push(("inactive token", Presented::Token(secret)));
        let (id, secret) = self.authorization(&self.first, &self.home, everything).await;
        let path = format!("/api/v2/authorizations/{id}");
        assert_eq!(self.as_operator("DELETE", &path, Value::Null).await.status, 204);
        made.push(("deleted token", Presented::Token(secret)));
        for (name, method, body) in [
            ("token of an inactive user", "PATCH", json!({ "status": "inactive" })),
            ("token of a deleted user", "DELETE", Value::Null),
        ] {
            let user = self.make("/api/v2/users", json!({ "name": name })).await;
            let (_, secret) = self.authorization(&user, &self.home, everything).await;
            let answer = self.as_operator(method, &format!("/api/v2/users/{user}"), body).await;
            assert!(answer.status.is_success(), "{}", answer.text());
            made.push((name, Presented::Token(secret)));
        }
        made
    }

    /// The names of what a list shows.
    fn shown(&self, answer: &Answer, member: &str) -> String {
        let status = answer.status.as_u16();
        if status != 200 {
            return status.to_string();
        }
        let list = answer.json()[member].as_array().unwrap().clone();
        let name = |item: &Value| {
            let id = item["id"].as_str().unwrap();
            let known = self.named.iter().find(|(known, _)| known == id).map(|(_, name)| name.as_str());
            let described = item["description"].as_str().filter(|text| !text.is_empty());
            known.or(item["name"].as_str()).or(item["database"].as_str()).or(described).unwrap_or("made").to_owned()
        };
        let mut names: Vec<_> = list.iter().map(name).filter(|name| !name.starts_with("made")).collect();
        names.sort();
        names.dedup();
        format!("200 {names:?}")
    }
}

const MISSING: &str = "00000000000000ff";

/// What is tried. `{name}` in a path is made anew for each trial; see [`subject`].
const TRIALS: &[(&str, &str, &str, &str)] = &[
    ("list authorizations", "GET", "/api/v2/authorizations", ""),
    ("list authorizations of first", "GET", "/api/v2/authorizations?user=first", ""),
    ("list users", "GET", "/api/v2/users?limit=100", ""),
    ("list orgs", "GET", "/api/v2/orgs?limit=100", ""),
    ("list buckets", "GET", "/api/v2/buckets?limit=100", ""),
    ("see own user", "GET", "/api/v2/me", ""),
    ("see authorization of first", "GET", "/api/v2/authorizations/{auth of first}", ""),
    ("see authorization of second", "GET", "/api/v2/authorizations/{auth of second}", ""),
    ("see authorization of stranger", "GET", "/api/v2/authorizations/{auth of stranger}", ""),
    ("see authorization, missing", "GET", "/api/v2/authorizations/{missing}", ""),
    ("change authorization of first", "PATCH", "/api/v2/authorizations/{auth of first}", r#"{"status":"inactive"}"#),
    ("change authorization of second", "PATCH", "/api/v2/authorizations/{auth of second}", r#"{"status":"inactive"}"#),
    ("change authorization of stranger", "PATCH", "/api/v2/authorizations/{auth of stranger}", "{}"),
    ("change authorization, missing", "PATCH", "/api/v2/authorizations/{missing}", "{}"),
    ("delete authorization of first", "DELETE", "/api/v2/authorizations/{auth of first}", ""),
    ("delete authorization of second", "DELETE", "/api/v2/authorizations/{auth of second}", ""),
    ("delete authorization of stranger", "DELETE", "/api/v2/authorizations/{auth of stranger}", ""),
    ("delete authorization, missing", "DELETE", "/api/v2/authorizations/{missing}", ""),
    (
        "create authorization: read a",
        "POST",
        "/api/v2/authorizations",
        r#"{"orgID":"{home}","permissions":[{"action":"read","resource":{"type":"buckets","orgID":"{home}","id":"{a}"}}]}"#,
    ),
    (
        "create authorization: write a",
        "POST",
        "/api/v2/authorizations",
        r#"{"orgID":"{home}","permissions":[{"action":"write","resource":{"type":"buckets","orgID":"{home}","id":"{a}"}}]}"#,
    ),
    (
        "create authorization: read buckets",
        "POST",
        "/api/v2/authorizations",
        r#"{"orgID":"{home}","permissions":[{"action":"read","resource":{"type":"buckets","orgID":"{home}"}}]}"#,
    ),
    (
        "create authorization: read buckets everywhere",
        "POST",
        "/api/v2/authorizations",
        r#"{"orgID":"{home}","permissions":[{"action":"read","resource":{"type":"buckets"}}]}"#,
    ),
    (
        "create authorization: read c of the other org by its id",
        "POST",
        "/api/v2/authorizations",
        r#"{"orgID":"{home}","permissions":[{"action":"read","resource":{"type":"buckets","id":"{c}"}}]}"#,
    ),
    (
        "create authorization: read c of the other org beside home",
        "POST",
        "/api/v2/authorizations",
        r#"{"orgID":"{home}","permissions":[{"action":"read","resource":{"type":"buckets","orgID":"{home}","id":"{c}"}}]}"#,
    ),
    (
        "create authorization: write first by id beside home",
        "POST",
        "/api/v2/authorizations",
        r#"{"orgID":"{home}","permissions":[{"action":"write","resource":{"type":"users","orgID":"{home}","id":"{first}"}}]}"#,
    ),
    (
        "create authorization: read authorizations",
        "POST",
        "/api/v2/authorizations",
        r#"{"orgID":"{home}","permissions":[{"action":"read","resource":{"type":"authorizations","orgID":"{home}"}}]}"#,
    ),
    (
        "create authorization for first",
        "POST",
        "/api/v2/authorizations",
        r#"{"orgID":"{home}","userID":"{first}","permissions":[{"action":"read","resource":{"type":"authorizations","orgID":"{home}"}}]}"#,
    ),
    (
        "create authorization for second",
        "POST",
        "/api/v2/authorizations",
        r#"{"orgID":"{home}","userID":"{second}","permissions":[{"action":"read","resource":{"type":"authorizations","orgID":"{home}"}}]}"#,
    ),
    (
        "create authorization in other org",
        "POST",
        "/api/v2/authorizations",
        r#"{"orgID":"{other}","permissions":[{"action":"read","resource":{"type":"authorizations","orgID":"{other}"}}]}"#,
    ),
    (
        "create authorization: instance",
        "POST",
        "/api/v2/authorizations",
        r#"{"orgID":"{home}","permissions":[{"action":"read","resource":{"type":"instance"}}]}"#,
    ),
    ("see user first", "GET", "/api/v2/users/{first}", ""),
    ("see user second", "GET", "/api/v2/users/{second}", ""),
    ("see user stranger", "GET", "/api/v2/users/{stranger}", ""),
    ("see user, missing", "GET", "/api/v2/users/{missing}", ""),
    ("create user", "POST", "/api/v2/users", r#"{"name":"made-{unique}"}"#),
    ("change a user", "PATCH", "/api/v2/users/{user}", r#"{"status":"inactive"}"#),
    ("delete a user", "DELETE", "/api/v2/users/{user}", ""),
    ("set a user's password", "POST", "/api/v2/users/{user}/password", r#"{"password":"new-password"}"#),
    ("set an owner's password", "POST", "/api/v2/users/{owner}/password", r#"{"password":"new-password"}"#),
    ("see org home", "GET", "/api/v2/orgs/{home}", ""),
    ("see org other", "GET", "/api/v2/orgs/{other}", ""),
    ("create org", "POST", "/api/v2/orgs", r#"{"name":"made-{unique}"}"#),
    ("change org home", "PATCH", "/api/v2/orgs/{home}", r#"{"description":"x"}"#),
    ("change org other", "PATCH", "/api/v2/orgs/{other}", r#"{"description":"x"}"#),
    ("delete an org", "DELETE", "/api/v2/orgs/{org}", ""),
    ("list members of home", "GET", "/api/v2/orgs/{home}/members", ""),
    ("list owners of other", "GET", "/api/v2/orgs/{other}/owners", ""),
    ("add a member to home", "POST", "/api/v2/orgs/{home}/members", r#"{"id":"{user}"}"#),
    ("add an owner to other", "POST", "/api/v2/orgs/{other}/owners", r#"{"id":"{user}"}"#),
    ("remove a member from home", "DELETE", "/api/v2/orgs/{home}/members/{member}", ""),
    ("see bucket a", "GET", "/api/v2/buckets/{a}", ""),
    ("see bucket c", "GET", "/api/v2/buckets/{c}", ""),
    ("see bucket, missing", "GET", "/api/v2/buckets/{missing}", ""),
    ("create bucket in home", "POST", "/api/v2/buckets", r#"{"orgID":"{home}","name":"made-{unique}"}"#),
    ("create bucket in other", "POST", "/api/v2/buckets", r#"{"orgID":"{other}","name":"made-{unique}"}"#),
    ("change bucket a", "PATCH", "/api/v2/buckets/{a}", r#"{"description":"x"}"#),
    ("change bucket c", "PATCH", "/api/v2/buckets/{c}", r#"{"description":"x"}"#),
    ("delete a bucket of home", "DELETE", "/api/v2/buckets/{bucket of home}", ""),
    ("delete a bucket of other", "DELETE", "/api/v2/buckets/{bucket of other}", ""),
    ("list dbrps of home", "GET", "/api/v2/dbrps?orgID={home}", ""),
    (
        "create dbrp for a",
        "POST",
        "/api/v2/dbrps",
        r#"{"orgID":"{home}","bucketID":"{a}","database":"made-{unique}","retention_policy":"x"}"#,
    ),
    ("list legacy authorizations", "GET", "/private/legacy/authorizations", ""),
    (
        "create legacy authorization",
        "POST",
        "/private/legacy/authorizations",
        r#"{"orgID":"{home}","token":"made-{unique}","permissions":[{"action":"read","resource":{"type":"buckets","orgID":"{home}","id":"{a}"}}]}"#,
    ),
    ("write a v2", "POST", "/api/v2/write?bucket=a&org=home", "m f=1 1"),
    ("write a by id", "POST", "/api/v2/write?bucket={a}&org=home", "m f=1 1"),
    ("write b v2", "POST", "/api/v2/write?bucket=b&org=home", "m f=1 1"),
    ("write c v2", "POST", "/api/v2/write?bucket=c&org=other", "m f=1 1"),
    ("write c by id", "POST", "/api/v2/write?bucket={c}", "m f=1 1"),
    ("write, missing", "POST", "/api/v2/write?bucket=missing", "m f=1 1"),
    ("write a v3", "POST", "/api/v3/write_lp?db=a", "m f=1 1"),
    ("write a v1", "POST", "/write?db=a", "m f=1 1"),
    ("query a", "POST", "/api/v3/query_sql", r#"{"db":"a","q":"SELECT 1"}"#),
    ("query c", "POST", "/api/v3/query_sql", r#"{"db":"c","q":"SELECT 1"}"#),
    ("query, missing", "POST", "/api/v3/query_sql", r#"{"db":"missing","q":"SELECT 1"}"#),
    ("Flux query", "POST", "/api/v2/query", "{}"),
    ("list resources", "GET", "/api/v2/resources", ""),
    ("unknown path", "GET", "/api/v2/nothing", ""),
    ("Management API: list databases", "GET", "/api/v0/databases", ""),
    ("Management API: list tokens", "GET", "/api/v0/tokens", ""),
    ("metrics", "GET", "/metrics", ""),
];

/// The id that stands for a word in braces.
async fn subject(world: &World, word: &str, unique: usize) -> String {
    let read = "read:orgs/HOME/dashboards";
    match word {
        "missing" => MISSING.to_owned(),
        "unique" => unique.to_string(),
        "home" => world.home.clone(),
        "other" => world.other.clone(),
        "first" => world.first.clone(),
        "second" => world.second.clone(),
        "stranger" => world.stranger.clone(),
        "a" | "c" => world.bucket_id(word).await,
        "auth of first" => world.authorization(&world.first, &world.home, read).await.0,
        "auth of second" => world.authorization(&world.second, &world.home, read).await.0,
        "auth of stranger" => world.authorization(&world.stranger, &world.other, "read:orgs/OTHER/dashboards").await.0,
        "user" => world.make("/api/v2/users", json!({ "name": format!("made-user-{unique}") })).await,
        "owner" => {
            let user = world.make("/api/v2/users", json!({ "name": format!("made-owner-{unique}") })).await;
            world.make(&format!("/api/v2/orgs/{}/owners", world.home), json!({ "id": user })).await
        }
        "member" => {
            let user = world.make("/api/v2/users", json!({ "name": format!("made-member-{unique}") })).await;
            let path = format!("/api/v2/orgs/{}/members", world.home);
            world.make(&path, json!({ "id": user })).await
        }
        "org" => world.make("/api/v2/orgs", json!({ "name": format!("made-org-{unique}") })).await,
        "bucket of home" => world.bucket(&format!("made-bucket-{unique}"), &world.home).await,
        "bucket of other" => world.bucket(&format!("made-bucket-{unique}"), &world.other).await,
        other => panic!("unknown word {other}"),
    }
}

async fn filled(world: &World, text: &str, unique: usize) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        let (before, from_open) = rest.split_at(open);
        filled.push_str(before);
        // Braces of JSON are followed by a quote or by the other brace.
        let word = from_open[1..].find(['"', '}', '{']).filter(|end| from_open[1 + end..].starts_with('}') && *end > 0);
        match word {
            Some(end) => {
                filled.push_str(&subject(world, &from_open[1..=end], unique).await);
                rest = &from_open[end + 2..];
            }
            None => {
                filled.push('{');
                rest = &from_open[1..];
            }
        }
    }
    filled.push_str(rest);
    filled
}

/// All rows, for the matrix file.
pub(crate) async fn rows() -> String {
    let mut world = World::new().await;
    let credentials = world.credentials().await;
    let mut rows = String::new();
    let mut unique = 0;
    for (name, who) in &credentials {
        for (action, method, path, body) in TRIALS {
            unique += 1;
            let path = filled(&world, path, unique).await;
            let body = filled(&world, body, unique).await;
            let session = match who {
                Presented::SignIn(name, password) => Some(world.session(name, password).await),
                _ => None,
            };
            let mut trial = session.as_ref().unwrap_or(who).request(method, &path, body);
            // Each from a peer of its own: who guesses is answered ever more slowly.
            let [.., high, low] = u32::try_from(unique).unwrap().to_be_bytes();
            trial.extensions_mut().insert(Peer(SocketAddr::from(([10, 0, high, low], 1))));
            let answer = world.f.send(trial).await;
            let member = match *action {
                "list authorizations" | "list authorizations of first" | "list legacy authorizations" => {
                    Some("authorizations")
                }
                "list users" => Some("users"),
                "list orgs" => Some("orgs"),
                "list buckets" => Some("buckets"),
                "list dbrps of home" => Some("content"),
                _ => None,
            };
            let outcome = match member {
                Some(member) => world.shown(&answer, member),
                None => answer.status.as_u16().to_string(),
            };
            writeln!(rows, "v2: {name} | {action} | {outcome}").unwrap();
        }
    }
    rows
}
