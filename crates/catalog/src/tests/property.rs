//! Random operations, checked against a model in memory; now and then the catalog is closed and opened again.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tidegate_model::{
    Database, DatabaseId, Description, OrganizationId, PermissionSet, Timestamp, TokenId, TokenKind, TokenRecord,
};

use super::{fresh, name, new_database, new_token, open, permissions, token_id};
use crate::{Actor, AuditAction, Catalog, CatalogError, RecordStatus, TokenChange};

const KINDS: [TokenKind; 2] = [TokenKind::Database, TokenKind::Management];

#[derive(Debug, Clone)]
enum Operation {
    CreateToken { number: u64, digest_of: u64, management: bool, grants: PermissionSet },
    UpdateToken { number: u64, description: Option<u8>, grants: Option<PermissionSet> },
    RevokeToken { number: u64, management: bool },
    ReadToken { number: u64, management: bool },
    CreateDatabase(&'static str),
    DeleteDatabase(&'static str),
    RaiseClockMark(i64),
    Reopen,
}

fn any_grants() -> impl Strategy<Value = PermissionSet> {
    prop::sample::subsequence(vec!["r:*", "w:a", "r:b/c", "w:*"], 0..=4).prop_map(|grants| permissions(&grants))
}

fn any_name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["a", "b", "b/c"])
}

fn any_operation() -> impl Strategy<Value = Operation> {
    let number = || 1_u64..6;
    prop_oneof![
        4 => (number(), number(), any::<bool>(), any_grants()).prop_map(|(number, digest_of, management, grants)| {
            Operation::CreateToken { number, digest_of, management, grants }
        }),
        4 => (number(), prop::option::of(0_u8..3), prop::option::of(any_grants())).prop_map(
            |(number, description, grants)| Operation::UpdateToken { number, description, grants }
        ),
        3 => (number(), any::<bool>()).prop_map(|(number, management)| Operation::RevokeToken { number, management }),
        4 => (number(), any::<bool>()).prop_map(|(number, management)| Operation::ReadToken { number, management }),
        3 => any_name().prop_map(Operation::CreateDatabase),
        2 => any_name().prop_map(Operation::DeleteDatabase),
        1 => (0_i64..50).prop_map(Operation::RaiseClockMark),
        1 => Just(Operation::Reopen),
    ]
}

#[derive(Debug, PartialEq)]
enum Answer {
    Token(TokenRecord),
    Revocation(TokenRecord, bool),
    Database(Database),
    Done,
    TokenExists,
    TokenNotFound,
    TokenRevoked,
    DatabaseExists,
    DatabaseNotFound,
}

impl From<CatalogError> for Answer {
    fn from(error: CatalogError) -> Self {
        match error {
            CatalogError::TokenExists => Self::TokenExists,
            CatalogError::TokenNotFound => Self::TokenNotFound,
            CatalogError::TokenRevoked => Self::TokenRevoked,
            CatalogError::DatabaseExists { .. } => Self::DatabaseExists,
            CatalogError::DatabaseNotFound => Self::DatabaseNotFound,
            other => panic!("{other:?}"),
        }
    }
}

fn kind(management: bool) -> TokenKind {
    KINDS[usize::from(management)]
}

/// What the catalog should hold.
struct Model {
    organization: OrganizationId,
    now: i64,
    tokens: BTreeMap<TokenId, TokenRecord>,
    databases: Vec<Database>,
    clock_mark: Option<i64>,
    audit: Vec<(AuditAction, String, i64)>,
}

impl Model {
    fn new(organization: OrganizationId) -> Self {
        let (tokens, databases, audit) = (BTreeMap::new(), Vec::new(), Vec::new());
        Self { organization, now: 0, tokens, databases, clock_mark: None, audit }
    }

    fn record(&mut self, action: AuditAction, subject: impl ToString) {
        self.audit.push((action, subject.to_string(), self.now));
    }

    fn token(&mut self, number: u64, kind: TokenKind) -> Option<&mut TokenRecord> {
        self.tokens.get_mut(&token_id(number)).filter(|record| record.kind == kind)
    }

    fn run(&mut self, operation: &Operation) -> Answer {
        match operation {
            Operation::CreateToken { number, digest_of, management, grants } => {
                self.create_token(*number, *digest_of, kind(*management), grants)
            }
            Operation::UpdateToken { number, description, grants } => self.update_token(*number, *description, grants),
            Operation::RevokeToken { number, management } => self.revoke_token(*number, kind(*management)),
            Operation::ReadToken { number, management } => match self.token(*number, kind(*management)) {
                Some(record) => Answer::Token(record.clone()),
                None => Answer::TokenNotFound,
            },
            Operation::CreateDatabase(name) => self.create_database(name),
            Operation::DeleteDatabase(name) => self.delete_database(name),
            Operation::RaiseClockMark(to) => {
                self.clock_mark = self.clock_mark.max(Some(*to));
                Answer::Done
            }
            Operation::Reopen => Answer::Done,
        }
    }

    fn create_token(&mut self, number: u64, digest_of: u64, kind: TokenKind, grants: &PermissionSet) -> Answer {
        let new = token(number, digest_of, kind, grants);
        if self.tokens.values().any(|record| record.id == new.id || record.digest == new.digest) {
            return Answer::TokenExists;
        }
        self.record(AuditAction::CreateToken, new.id);
        self.tokens.insert(new.id, new.clone().into());
        Answer::Token(new.into())
    }

    fn update_token(&mut self, number: u64, description: Option<u8>, grants: &Option<PermissionSet>) -> Answer {
        let Some(record) = self.token(number, TokenKind::Database) else { return Answer::TokenNotFound };
        if record.revoked_at.is_some() {
            return Answer::TokenRevoked;
        }
        let before = record.clone();
        if let Some(description) = description {
            record.description = text(description);
        }
        if let Some(grants) = grants {
            record.permissions = grants.clone();
        }
        let after = record.clone();
        if after != before {
            self.record(AuditAction::UpdateToken, after.id);
        }
        Answer::Token(after)
    }

    fn revoke_token(&mut self, number: u64, kind: TokenKind) -> Answer {
        let now = self.now;
        let Some(record) = self.token(number, kind) else { return Answer::TokenNotFound };
        let newly = record.revoked_at.is_none();
        record.revoked_at = record.revoked_at.or(Some(Timestamp::from_micros(now)));
        let record = record.clone();
        if newly {
            self.record(AuditAction::RevokeToken, record.id);
        }
        Answer::Revocation(record, newly)
    }

    fn create_database(&mut self, text: &str) -> Answer {
        if self.databases.iter().any(|database| database.name == name(text) && database.deleted_at.is_none()) {
            return Answer::DatabaseExists;
        }
        let new = new_database(text);
        let database = Database {
            id: DatabaseId::new(i64::try_from(self.databases.len()).unwrap() + 1).unwrap(),
            organization: self.organization,
            name: new.name,
            description: new.description,
            retention: new.retention,
            limits: new.limits,
            partition_template: None,
            created_at: Timestamp::from_micros(self.now),
            updated_at: Timestamp::from_micros(self.now),
            deleted_at: None,
        };
        self.databases.push(database.clone());
        self.record(AuditAction::CreateDatabase, format!("{} {text}", self.organization));
        Answer::Database(database)
    }

    fn delete_database(&mut self, text: &str) -> Answer {
        let now = Timestamp::from_micros(self.now);
        let active = |database: &&mut Database| database.name == name(text) && database.deleted_at.is_none();
        let Some(database) = self.databases.iter_mut().find(active) else { return Answer::DatabaseNotFound };
        database.deleted_at = Some(now);
        let database = database.clone();
        self.record(AuditAction::DeleteDatabase, format!("{} {text}", self.organization));
        Answer::Database(database)
    }
}

fn text(number: u8) -> Description {
    Description::new(&"é".repeat(number.into())).unwrap()
}

fn token(number: u64, digest_of: u64, kind: TokenKind, grants: &PermissionSet) -> tidegate_model::NewToken {
    let mut new = new_token(number, kind);
    new.digest = new_token(digest_of, kind).digest;
    if kind == TokenKind::Database {
        new.permissions = grants.clone();
    }
    new
}

async fn perform(catalog: &Catalog, operation: &Operation) -> Result<Answer, CatalogError> {
    let actor = Actor::Server;
    Ok(match operation.clone() {
        Operation::CreateToken { number, digest_of, management, grants } => {
            let new = token(number, digest_of, kind(management), &grants);
            Answer::Token((*catalog.create_token(new, actor).await?).clone())
        }
        Operation::UpdateToken { number, description, grants } => {
            let change = TokenChange { description: description.map(text), permissions: grants };
            Answer::Token((*catalog.update_token(token_id(number), change, actor).await?).clone())
        }
        Operation::RevokeToken { number, management } => {
            let revocation = catalog.revoke_token(token_id(number), kind(management), actor).await?;
            Answer::Revocation((*revocation.record).clone(), revocation.newly)
        }
        Operation::ReadToken { number, management } => {
            Answer::Token((*catalog.token(token_id(number), kind(management)).await?).clone())
        }
        Operation::CreateDatabase(name) => {
            Answer::Database((*catalog.create_database(catalog.own(), new_database(name), actor).await?).clone())
        }
        Operation::DeleteDatabase(text) => {
            Answer::Database((*catalog.delete_database(catalog.own(), &name(text), actor).await?).clone())
        }
        Operation::RaiseClockMark(to) => {
            catalog.raise_clock_mark(Timestamp::from_micros(to)).await?;
            Answer::Done
        }
        Operation::Reopen => Answer::Done,
    })
}

async fn compare(catalog: &Catalog, model: &Model) {
    for kind in KINDS {
        for include_revoked in [false, true] {
            let expected: Vec<_> = model
                .tokens
                .values()
                .filter(|record| record.kind == kind && (include_revoked || record.revoked_at.is_none()))
                .cloned()
                .collect();
            assert_eq!(catalog.tokens(kind, include_revoked).await.unwrap(), expected);
        }
    }
    let mut live = catalog.live_tokens().await.unwrap();
    live.sort_by_key(|record| record.id);
    assert!(live.iter().eq(model.tokens.values().filter(|record| record.revoked_at.is_none())));
    let management = model.tokens.values().any(|record| record.kind == TokenKind::Management);
    assert_eq!(catalog.management_token_ever_existed().await.unwrap(), management);

    let mut databases = model.databases.clone();
    databases.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
    assert_eq!(catalog.databases(catalog.own(), RecordStatus::All).await.unwrap(), databases);
    let active = databases.iter().filter(|database| database.deleted_at.is_none());
    assert!(catalog.active_databases(catalog.own()).iter().map(|database| &**database).eq(active));
    assert_eq!(catalog.clock_mark(), model.clock_mark.map(Timestamp::from_micros));

    let audit = catalog.audit(u32::MAX).await.unwrap();
    let rows: Vec<_> =
        audit.iter().rev().skip(1).map(|row| (row.action, row.subject.clone(), row.at.micros())).collect();
    assert_eq!(rows, model.audit);
}

async fn check(operations: Vec<Operation>) {
    let (mut catalog, clock, directory) = fresh().await;
    let identity = catalog.identity();
    let mut model = Model::new(identity.organization);
    for operation in operations {
        model.now += 1;
        clock.set(model.now);
        let answer = perform(&catalog, &operation).await.unwrap_or_else(Answer::from);
        assert_eq!(answer, model.run(&operation), "{operation:?}");
        let changes = i64::try_from(model.audit.len()).unwrap();
        assert_eq!(catalog.sequence().0, 1 + changes, "{operation:?}");
        if matches!(operation, Operation::Reopen) {
            catalog.close().await;
            catalog = open(directory.path(), &clock).await.catalog;
            compare(&catalog, &model).await;
        }
    }
    compare(&catalog, &model).await;
    assert_eq!(catalog.identity(), identity);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn the_catalog_does_what_the_model_does(operations in prop::collection::vec(any_operation(), 1..40)) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(check(operations));
    }
}
