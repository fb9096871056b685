//! Authorizations of the v2 API among 100 000 of 10 000 users: finding those of one user, making one, deleting one.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use tidegate_catalog::{Actor, Catalog, NewUser};
use tidegate_model::{
    Action, ApiToken, ApiTokenForm, ApiTokenId, Clock as _, Description, OsRandomness, PlainToken, ResourceType,
    Status, SystemClock, TypedPermission, TypedPermissions, UserId,
};

use crate::http::{Connection, request};
use crate::report::{Figure, Target, number};
use crate::server::Server;
use crate::statistics::Sample;
use crate::tokens::{many, milliseconds};

const OF_EACH_USER: usize = 10;
const LISTS: usize = 300;
const CHANGES: usize = 300;

/// Seeds a catalog, then measures over one connection.
pub(crate) fn run(binary: &Path) -> anyhow::Result<Vec<Figure>> {
    let directory = tempfile::tempdir().context("cannot make a temporary directory")?;
    let server = Server::start(binary, directory.path())?;
    let account = Account::set_up(&server)?;
    let data_dir = server.data_dir().to_owned();
    server.stop()?;
    let users = seed(data_dir, many()?)?;

    let server = Server::start(binary, directory.path())?;
    println!("  start: {} ms", number(server.started_in.as_secs_f64() * 1000.0));
    let mut operator = Operator { connection: Connection::open(server.address())?, account };
    let list = operator.list_of_users(spread(&users, LISTS))?;
    let (create, delete) = operator.change_of_users(spread(&users, CHANGES))?;
    drop(operator);
    server.stop()?;
    Ok(vec![
        Figure { work: "list one user's authorizations", value: list, target: Target::AtMost(50.0), unit: "ms" },
        Figure { work: "create an authorization", value: create, target: Target::AtMost(10.0), unit: "ms" },
        Figure { work: "delete an authorization", value: delete, target: Target::AtMost(10.0), unit: "ms" },
    ])
}

/// Some of the users, another one each time, from the first to the last.
fn spread(users: &[UserId], count: usize) -> impl Iterator<Item = UserId> {
    users.iter().copied().step_by((users.len() / count).max(1)).take(count)
}

/// Makes users and authorizations in the catalog of a stopped server; gives the users.
fn seed(data_dir: PathBuf, authorizations: usize) -> anyhow::Result<Vec<UserId>> {
    let start = Instant::now();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let users = runtime.block_on(async {
        let catalog = Catalog::open(&data_dir, &OsRandomness, Arc::new(SystemClock)).await?.catalog;
        let mut users = Vec::new();
        for number in 0..authorizations / OF_EACH_USER {
            let name = format!("user {number}").parse()?;
            let new = NewUser { id: UserId::random(&OsRandomness), name, status: Status::Active, password: None };
            let user = catalog.create_user(new, Actor::Server).await?.id;
            users.push(user);
            for number in 0..OF_EACH_USER {
                let token = authorization(&catalog, user, number)?;
                catalog.create_api_token(token, None, Actor::Server).await?;
            }
        }
        catalog.close().await;
        anyhow::Ok(users)
    })?;
    println!("  {authorizations} authorizations, {} users, {} s", users.len(), number(start.elapsed().as_secs_f64()));
    Ok(users)
}

/// Reads and writes all databases of the organization.
fn authorization(catalog: &Catalog, user: UserId, number: usize) -> anyhow::Result<ApiToken> {
    let (organization, now) = (catalog.identity().organization, SystemClock.now());
    let permissions: TypedPermissions = [Action::Read, Action::Write]
        .into_iter()
        .map(|action| TypedPermission::in_organization(action, ResourceType::Buckets, organization))
        .collect();
    Ok(ApiToken {
        id: ApiTokenId::random(&OsRandomness),
        form: ApiTokenForm::Token { weak: false },
        digest: PlainToken::generate_without_prefix(&OsRandomness).digest(),
        organization,
        user,
        status: Status::Active,
        description: Description::new(&format!("press {number}"))?,
        permissions,
        created_at: now,
        updated_at: now,
        expires_at: None,
        deleted_at: None,
    })
}

/// What the set-up has made.
struct Account {
    token: String,
    organization: String,
}

/// A connection with the token of the set-up.
struct Operator {
    connection: Connection,
    account: Account,
}

#[derive(Deserialize)]
struct SetUp {
    auth: Secret,
    org: Identified,
}

#[derive(Deserialize)]
struct Secret {
    token: String,
}

#[derive(Deserialize)]
struct Identified {
    id: String,
}

#[derive(Deserialize)]
struct Listed {
    authorizations: Vec<IgnoredAny>,
}

impl Account {
    fn set_up(server: &Server) -> anyhow::Result<Self> {
        let mut connection = Connection::open(server.address())?;
        let body = json!({ "username": "bench", "org": "bench", "bucket": "plant7" });
        let request = request("POST", "/api/v2/setup", None, &serde_json::to_vec(&body)?);
        let answer = connection.send(&request)?.expect(201).context("the set-up failed")?;
        // The reason of a failure is left out: it would quote the token.
        let SetUp { auth, org } = serde_json::from_slice(&answer).ok().context("the answer is not a set-up")?;
        Ok(Self { token: auth.token, organization: org.id })
    }
}

impl Operator {
    fn call(&mut self, method: &str, target: &str, body: Option<&Value>, status: u16) -> anyhow::Result<Vec<u8>> {
        let body = body.map(serde_json::to_vec).transpose()?.unwrap_or_default();
        let request = request(method, target, Some(&self.account.token), &body);
        self.connection.send(&request)?.expect(status).with_context(|| format!("{method} {target} failed"))
    }

    fn list_of_users(&mut self, users: impl Iterator<Item = UserId>) -> anyhow::Result<f64> {
        let mut times = Vec::new();
        for user in users {
            let start = Instant::now();
            let answer = self.call("GET", &format!("/api/v2/authorizations?userID={user}"), None, 200)?;
            times.push(milliseconds(start));
            let listed: Listed = serde_json::from_slice(&answer).ok().context("the answer is not a list")?;
            ensure!(listed.authorizations.len() == OF_EACH_USER, "{} are listed", listed.authorizations.len());
        }
        median("list", times)
    }

    /// Makes and deletes an authorization of each user; gives the medians of both.
    fn change_of_users(&mut self, users: impl Iterator<Item = UserId>) -> anyhow::Result<(f64, f64)> {
        let (mut create, mut delete) = (Vec::new(), Vec::new());
        let permissions = ["read", "write"].map(
            |action| json!({ "action": action, "resource": { "type": "buckets", "orgID": self.account.organization } }),
        );
        for user in users {
            let body =
                json!({ "orgID": self.account.organization, "userID": user.to_string(), "permissions": permissions });
            let start = Instant::now();
            let answer = self.call("POST", "/api/v2/authorizations", Some(&body), 201)?;
            create.push(milliseconds(start));
            let made: Identified =
                serde_json::from_slice(&answer).ok().context("the answer is not an authorization")?;
            let start = Instant::now();
            self.call("DELETE", &format!("/api/v2/authorizations/{}", made.id), None, 204)?;
            delete.push(milliseconds(start));
        }
        Ok((median("create", create)?, median("delete", delete)?))
    }
}

fn median(what: &str, times: Vec<f64>) -> anyhow::Result<f64> {
    let sample = Sample::new(times)?;
    println!("  {what}: median {} ms, 99 % {} ms", number(sample.median()), number(sample.percentile(99)));
    Ok(sample.median())
}
