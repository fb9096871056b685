//! How long changes (with their fsync), opening, loading all tokens and listing those of one user take. Prints medians.
//!
//! Run with `cargo bench -p tidegate-catalog`; numbers of tokens to load can be given as arguments.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;
use tidegate_catalog::{Actor, ApiTokenFilter, Catalog};
use tidegate_model::{
    Action, ApiToken, ApiTokenId, Description, Grant, NewToken, OrganizationId, OsRandomness, PermissionSet,
    PlainToken, Resource, SystemClock, Timestamp, TokenId, TokenKind,
};

const CHANGES: usize = 400;
const LOADS: usize = 5;
const TOKENS_PER_USER: i64 = 10;

type Outcome<T> = Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Outcome<()> {
    let counts: Vec<i64> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    changes().await?;
    for count in if counts.is_empty() { vec![1_000, 100_000] } else { counts } {
        loading(count).await?;
        api_tokens(count).await?;
    }
    Ok(())
}

async fn open(directory: &Path) -> Outcome<Catalog> {
    Ok(Catalog::open(directory, &OsRandomness, Arc::new(SystemClock)).await?.catalog)
}

async fn changes() -> Outcome<()> {
    let directory = tempfile::tempdir()?;
    let started = Instant::now();
    let catalog = open(directory.path()).await?;
    println!("open, first start: {:?}", started.elapsed());
    let mut ids = Vec::new();
    let mut creations = Vec::new();
    for _ in 0..CHANGES {
        let new = new_token()?;
        ids.push(new.id);
        let started = Instant::now();
        catalog.create_token(new, Actor::Server).await?;
        creations.push(started.elapsed());
    }
    let mut revocations = Vec::new();
    for id in ids {
        let started = Instant::now();
        catalog.revoke_token(id, TokenKind::Database, Actor::Server).await?;
        revocations.push(started.elapsed());
    }
    println!("create_token: {}", summary(&mut creations));
    println!("revoke_token: {}", summary(&mut revocations));
    Ok(())
}

async fn loading(count: i64) -> Outcome<()> {
    let directory = tempfile::tempdir()?;
    open(directory.path()).await?.close().await;
    fill(directory.path(), count).await?;
    let mut openings = Vec::new();
    let mut loads = Vec::new();
    let mut visits = Vec::new();
    for _ in 0..LOADS {
        let started = Instant::now();
        let catalog = open(directory.path()).await?;
        openings.push(started.elapsed());
        catalog.close().await;
    }
    for _ in 0..LOADS {
        let catalog = open(directory.path()).await?;
        let started = Instant::now();
        let mut visited = 0;
        catalog.for_each_live_token(|_| visited += 1).await?;
        visits.push(started.elapsed());
        let started = Instant::now();
        let loaded = catalog.live_tokens().await?;
        loads.push(started.elapsed());
        if i64::try_from(loaded.len())? != count || visited != loaded.len() {
            return Err("not all tokens were loaded".into());
        }
        catalog.close().await;
    }
    println!("{count} tokens: open {}", summary(&mut openings));
    println!("{count} tokens: for_each_live_token {}", summary(&mut visits));
    println!("{count} tokens: live_tokens {}", summary(&mut loads));
    Ok(())
}

/// Writes tokens past the catalog: one transaction instead of one fsync each.
async fn fill(directory: &Path, count: i64) -> Outcome<()> {
    let mut connection = SqliteConnectOptions::new().filename(directory.join("catalog.sqlite")).connect().await?;
    sqlx::query(
        "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)
         INSERT INTO tokens (id, kind, digest, prefix, description, grants, created_at, created_by, expires_at, sequence)
         SELECT randomblob(16), 'database', randomblob(32), 'apiv1_AbCd', 'token ' || n,
                'read:plant' || (n % 500) || ' write:plant' || (n % 500), 1767225600000000, randomblob(16), NULL, 1
         FROM numbers",
    )
    .bind(count)
    .execute(&mut connection)
    .await?;
    Ok(())
}

/// Changes and lists among `count` API tokens, ten of each user.
async fn api_tokens(count: i64) -> Outcome<()> {
    let directory = tempfile::tempdir()?;
    let catalog = open(directory.path()).await?;
    let organization = catalog.identity().organization;
    catalog.close().await;
    fill_api_tokens(directory.path(), count, organization).await?;
    let started = Instant::now();
    let catalog = open(directory.path()).await?;
    println!("{count} API tokens: open {:?}", started.elapsed());
    let started = Instant::now();
    let mut visited = 0;
    catalog.for_each_live_api_token(|_| visited += 1).await?;
    println!("{count} API tokens: for_each_live_api_token {:?}", started.elapsed());
    if visited != count {
        return Err("not all API tokens were loaded".into());
    }
    let (mut lists, mut creations, mut deletions) = (Vec::new(), Vec::new(), Vec::new());
    for user in catalog.users().iter().take(CHANGES) {
        let started = Instant::now();
        let filter = ApiTokenFilter { user: Some(user.id), ..ApiTokenFilter::default() };
        let listed = catalog.api_tokens(filter).await?;
        lists.push(started.elapsed());
        let of_user = listed.first().ok_or("a user has no token")?;
        let plain = PlainToken::generate_without_prefix(&OsRandomness);
        let new = ApiToken { id: ApiTokenId::random(&OsRandomness), digest: plain.digest(), ..of_user.clone() };
        let started = Instant::now();
        catalog.create_api_token(new, None, Actor::Server).await?;
        creations.push(started.elapsed());
        let started = Instant::now();
        catalog.delete_api_token(of_user.id, Actor::Server).await?;
        deletions.push(started.elapsed());
    }
    println!("{count} API tokens: list of one user {}", summary(&mut lists));
    println!("{count} API tokens: create_api_token {}", summary(&mut creations));
    println!("{count} API tokens: delete_api_token {}", summary(&mut deletions));
    catalog.close().await;
    Ok(())
}

/// Writes users and their API tokens past the catalog.
async fn fill_api_tokens(directory: &Path, count: i64, organization: OrganizationId) -> Outcome<()> {
    let mut connection = SqliteConnectOptions::new().filename(directory.join("catalog.sqlite")).connect().await?;
    let users = (count / TOKENS_PER_USER).max(1);
    sqlx::query(
        "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)
         INSERT INTO users (id, name, status, created_at, updated_at, sequence)
         SELECT n, 'user' || n, 'active', 1767225600000000, 1767225600000000, 1 FROM numbers",
    )
    .bind(users)
    .execute(&mut connection)
    .await?;
    let organization = i64::try_from(organization.get())?;
    sqlx::query(
        "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)
         INSERT INTO api_tokens (id, user_id, organization_id, digest, is_weak, status, description, permissions,
                                 created_at, updated_at, sequence)
         SELECT abs(random() / 2) + 1, 1 + n % ?, ?, randomblob(32), 0, 'active', 'token ' || n,
                'read:buckets/' || printf('%016x', 1 + n % 500) || ' write:buckets/' || printf('%016x', 1 + n % 500),
                1767225600000000, 1767225600000000, 1
         FROM numbers",
    )
    .bind(count)
    .bind(users)
    .bind(organization)
    .execute(&mut connection)
    .await?;
    Ok(())
}

fn new_token() -> Outcome<NewToken> {
    let plain = PlainToken::generate(TokenKind::Database, &OsRandomness);
    let permissions: PermissionSet = [Action::Read, Action::Write]
        .into_iter()
        .map(|action| Ok(Grant { action, resource: Resource::Database("plant7/raw".parse()?) }))
        .collect::<Outcome<_>>()?;
    Ok(NewToken {
        id: TokenId::random(&OsRandomness),
        kind: TokenKind::Database,
        digest: plain.digest(),
        prefix: plain.visible_prefix(),
        description: Description::new("a token for measuring")?,
        permissions,
        created_at: Timestamp::from_micros(0),
        created_by: None,
        expires_at: None,
    })
}

fn summary(times: &mut [Duration]) -> String {
    times.sort();
    let at = |share: usize| times.get((times.len() * share / 100).min(times.len() - 1)).copied().unwrap_or_default();
    format!("median {:?}, 99 of 100 within {:?}", at(50), at(99))
}
