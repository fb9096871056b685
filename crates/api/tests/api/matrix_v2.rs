//! The rows of the permission matrix for the v2 API: who may list, see, create, change and delete what.
//!
//! Ids are replaced by the names of what they belong to, so that the file says the same after each run.

mod trials;

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

use self::trials::TRIALS;
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

    /// A v1 authorization that may write the bucket `a`.
    async fn v1_authorization(&self, user: &str, unique: usize) -> String {
        let write = format!("write:orgs/HOME/buckets/{}", self.bucket_id("a").await);
        let body = json!({
            "orgID": self.home, "userID": user, "token": format!("made-{unique}"), "permissions": [self.permission(&write)],
        });
        self.make("/private/legacy/authorizations", body).await
    }

    /// A mapping of a v1 name of its own.
    async fn mapping(&self, bucket: &str, organization: &str, unique: usize) -> String {
        let bucket = self.bucket_id(bucket).await;
        let database = format!("made-{unique}");
        let body = json!({ "orgID": organization, "bucketID": bucket, "database": database, "retention_policy": "x" });
        self.make("/api/v2/dbrps", body).await
    }

    /// Both actions on everything that the server lists as types of resources.
    async fn all_listed_types(&self) -> String {
        let listed = self.as_operator("GET", "/api/v2/resources", Value::Null).await.json();
        let kinds = listed.as_array().unwrap().iter().map(|kind| kind.as_str().unwrap());
        let kinds = kinds.filter(|kind| *kind != "instance");
        kinds.map(|kind| format!("read:{kind} write:{kind} ")).collect()
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
            ("operator by the listed types", &second, &home, self.all_listed_types().await),
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
        "v1 auth of first" => world.v1_authorization(&world.first, unique).await,
        "v1 auth of second" => world.v1_authorization(&world.second, unique).await,
        "dbrp of a" => world.mapping("a", &world.home, unique).await,
        "dbrp of c" => world.mapping("c", &world.other, unique).await,
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
