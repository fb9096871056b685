//! Random operations on databases and tables of two organizations, checked against a model in memory and, now and then,
//! after a reopening. The organizations have databases of the same names, which never answer for each other.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use tidegate_model::{
    Database, DatabaseChange, DatabaseId, DatabaseName, Description, NewTable, OrganizationId, PartitionTemplate,
    Retention, Table, TableId, TemplatePart, Timestamp,
};

use super::{fresh, name, new_database, new_organization, open};
use crate::{Actor, Catalog, CatalogError, RecordStatus};

/// Every one of them in both organizations.
const DATABASES: [&str; 3] = ["a", "b", "c/d"];
const TABLES: [&str; 4] = ["t", "u", "v w", "x"];
const ACTOR: Actor = Actor::Server;

#[derive(Debug, Clone)]
enum Operation {
    CreateDatabase(usize),
    DeleteDatabase(usize),
    RenameDatabase(usize, usize),
    UndeleteDatabase(usize, i64, i64),
    UpdateDatabase(usize, Change),
    CreateTable(usize, usize, bool),
    CreateMissing(usize, Vec<usize>),
    DeleteTable(usize, usize),
    RenameTable(usize, usize, usize),
    UndeleteTable(usize, i64, i64),
    Reopen,
}

#[derive(Debug, Clone)]
struct Change {
    max_tables: Option<u32>,
    max_columns: Option<u32>,
    retention: Option<i64>,
    description: Option<&'static str>,
}

impl Change {
    fn retention(&self) -> Option<Retention> {
        self.retention.map(|nanos| Retention::from_nanos(nanos).unwrap())
    }

    fn description(&self) -> Option<Description> {
        self.description.map(|text| Description::new(text).unwrap())
    }
}

/// Which organization, and the name, of the database of this number.
fn place(at: usize) -> (usize, DatabaseName) {
    (at / DATABASES.len(), name(DATABASES[at % DATABASES.len()]))
}

fn any_change() -> impl Strategy<Value = Change> {
    let description = prop::option::of(prop::sample::select(vec!["", "x"]));
    (prop::option::of(1_u32..5), prop::option::of(2_u32..9), prop::option::of(0_i64..9), description).prop_map(
        |(max_tables, max_columns, retention, description)| Change { max_tables, max_columns, retention, description },
    )
}

fn any_operation() -> impl Strategy<Value = Operation> {
    let database = || 0..2 * DATABASES.len();
    let table = || 0..TABLES.len();
    prop_oneof![
        4 => database().prop_map(Operation::CreateDatabase),
        1 => database().prop_map(Operation::DeleteDatabase),
        2 => (database(), database()).prop_map(|(a, b)| Operation::RenameDatabase(a, b)),
        2 => (0_usize..2, 1_i64..6, 0_i64..60).prop_map(|(o, id, after)| Operation::UndeleteDatabase(o, id, after)),
        2 => (database(), any_change()).prop_map(|(database, change)| Operation::UpdateDatabase(database, change)),
        6 => (database(), table(), any::<bool>()).prop_map(|(d, t, template)| Operation::CreateTable(d, t, template)),
        4 => (database(), prop::collection::vec(table(), 1..4)).prop_map(|(d, t)| Operation::CreateMissing(d, t)),
        4 => (database(), table()).prop_map(|(d, t)| Operation::DeleteTable(d, t)),
        6 => (database(), table(), table()).prop_map(|(d, a, b)| Operation::RenameTable(d, a, b)),
        4 => (database(), 1_i64..12, 0_i64..60).prop_map(|(d, id, after)| Operation::UndeleteTable(d, id, after)),
        1 => Just(Operation::Reopen),
    ]
}

/// How a call ended, without the contents.
#[derive(Debug, PartialEq, Clone, Copy)]
enum End {
    Done,
    DatabaseExists,
    DatabaseNotFound,
    TableExists,
    TableNotFound,
    TooManyTables,
    NotDeleted,
    NameTaken,
}

fn end<T>(result: Result<T, CatalogError>) -> End {
    match result {
        Ok(_) => End::Done,
        Err(CatalogError::DatabaseExists { .. }) => End::DatabaseExists,
        Err(CatalogError::DatabaseNotFound) => End::DatabaseNotFound,
        Err(CatalogError::TableExists { .. }) => End::TableExists,
        Err(CatalogError::TableNotFound) => End::TableNotFound,
        Err(CatalogError::TooManyTables { .. }) => End::TooManyTables,
        Err(CatalogError::NotDeleted) => End::NotDeleted,
        Err(CatalogError::NameTaken) => End::NameTaken,
        Err(other) => panic!("{other:?}"),
    }
}

fn template() -> PartitionTemplate {
    PartitionTemplate::new(vec![TemplatePart::Tag("site".into()), TemplatePart::Time("%Y".into())]).unwrap()
}

/// What the catalog should hold.
struct Model {
    organizations: [OrganizationId; 2],
    now: i64,
    databases: Vec<Database>,
    tables: Vec<Table>,
    /// Former names of active tables.
    former: Vec<(TableId, String)>,
}

impl Model {
    fn new(organizations: [OrganizationId; 2]) -> Self {
        Self { organizations, now: 0, databases: Vec::new(), tables: Vec::new(), former: Vec::new() }
    }

    fn named(&mut self, organization: usize, name: &DatabaseName) -> Result<&mut Database, End> {
        let organization = self.organizations[organization];
        let active = |database: &&mut Database| {
            database.organization == organization && database.name == *name && database.deleted_at.is_none()
        };
        self.databases.iter_mut().find(active).ok_or(End::DatabaseNotFound)
    }

    fn database(&mut self, at: usize) -> Result<&mut Database, End> {
        let (organization, name) = place(at);
        self.named(organization, &name)
    }

    /// The position of the table that a name reaches.
    fn reached(&self, database: DatabaseId, name: &str) -> Option<usize> {
        self.tables.iter().position(|table| {
            let is_former = self.former.iter().any(|(id, former)| *id == table.id && former == name);
            table.database == database && table.deleted_at.is_none() && (*table.name == *name || is_former)
        })
    }

    fn called(&self, database: DatabaseId, name: &str) -> Result<usize, End> {
        self.reached(database, name).filter(|&at| *self.tables[at].name == *name).ok_or(End::TableNotFound)
    }

    fn has_room(&self, database: &Database, more: usize) -> Result<(), End> {
        let active = |table: &&Table| table.database == database.id && table.deleted_at.is_none();
        let count = self.tables.iter().filter(active).count();
        if count + more > database.limits.max_tables as usize { Err(End::TooManyTables) } else { Ok(()) }
    }

    fn add_table(&mut self, database: &Database, name: &str, own: Option<PartitionTemplate>) {
        self.tables.push(Table {
            id: TableId::new(self.tables.len() as i64 + 1).unwrap(),
            database: database.id,
            name: name.into(),
            partition_template: own.or(database.partition_template.clone()),
            max_columns: database.limits.max_columns_per_table,
            created_at: Timestamp::from_micros(self.now),
            deleted_at: None,
        });
    }

    fn run(&mut self, operation: &Operation) -> Result<(), End> {
        let now = Timestamp::from_micros(self.now);
        match *operation {
            Operation::CreateDatabase(at) => {
                if self.database(at).is_ok() {
                    return Err(End::DatabaseExists);
                }
                let (organization, name) = place(at);
                let new = new_database(name.as_str());
                self.databases.push(Database {
                    id: DatabaseId::new(self.databases.len() as i64 + 1).unwrap(),
                    organization: self.organizations[organization],
                    name: new.name,
                    description: new.description,
                    retention: new.retention,
                    limits: new.limits,
                    partition_template: None,
                    created_at: Timestamp::from_micros(self.now),
                    updated_at: Timestamp::from_micros(self.now),
                    deleted_at: None,
                });
            }
            Operation::DeleteDatabase(at) => self.database(at)?.deleted_at = Some(now),
            Operation::RenameDatabase(at, to) => {
                self.database(at)?;
                let (organization, new_name) = (place(at).0, place(to).1);
                if self.named(organization, &new_name).is_ok() {
                    return Err(End::DatabaseExists);
                }
                let database = self.database(at)?;
                database.name = new_name;
                database.updated_at = now;
            }
            Operation::UndeleteDatabase(organization, id, after) => {
                let mine = self.organizations[organization];
                let found = |database: &Database| database.id.get() == id && database.organization == mine;
                let at = self.databases.iter().position(found).ok_or(End::DatabaseNotFound)?;
                let deleted_at = self.databases[at].deleted_at.ok_or(End::NotDeleted)?;
                if deleted_at.micros() <= after {
                    return Err(End::DatabaseNotFound);
                }
                let same = self.databases[at].name.clone();
                if self.named(organization, &same).is_ok() {
                    return Err(End::NameTaken);
                }
                self.databases[at].deleted_at = None;
            }
            Operation::UpdateDatabase(at, ref change) => {
                let database = self.database(at)?;
                let before = database.clone();
                database.limits.max_tables = change.max_tables.unwrap_or(database.limits.max_tables);
                database.limits.max_columns_per_table =
                    change.max_columns.unwrap_or(database.limits.max_columns_per_table);
                database.retention = change.retention().unwrap_or(database.retention);
                if let Some(description) = change.description() {
                    database.description = description;
                }
                if *database != before {
                    database.updated_at = now;
                }
            }
            Operation::CreateTable(at, table, own) => {
                let database = self.database(at)?.clone();
                if self.reached(database.id, TABLES[table]).is_some() {
                    return Err(End::TableExists);
                }
                self.has_room(&database, 1)?;
                self.add_table(&database, TABLES[table], own.then(template));
            }
            Operation::CreateMissing(at, ref tables) => {
                let database = self.database(at)?.clone();
                let mut missing: Vec<usize> = Vec::new();
                for &table in tables {
                    if self.reached(database.id, TABLES[table]).is_none() && !missing.contains(&table) {
                        missing.push(table);
                    }
                }
                if missing.is_empty() {
                    return Ok(());
                }
                self.has_room(&database, missing.len())?;
                for table in missing {
                    self.add_table(&database, TABLES[table], None);
                }
            }
            Operation::DeleteTable(at, table) => {
                let id = self.database(at)?.id;
                let found = self.called(id, TABLES[table])?;
                self.tables[found].deleted_at = Some(now);
                let id = self.tables[found].id;
                self.former.retain(|(former, _)| *former != id);
            }
            Operation::RenameTable(at, table, to) => {
                let id = self.database(at)?.id;
                let found = self.called(id, TABLES[table])?;
                match self.reached(id, TABLES[to]) {
                    Some(holder) if holder != found || table == to => return Err(End::TableExists),
                    _ => {}
                }
                self.former.push((self.tables[found].id, TABLES[table].to_owned()));
                self.tables[found].name = TABLES[to].into();
            }
            Operation::UndeleteTable(at, id, after) => {
                let database = self.database(at)?.clone();
                let mine = |table: &Table| table.id.get() == id && table.database == database.id;
                let found = self.tables.iter().position(mine).ok_or(End::TableNotFound)?;
                let deleted_at = self.tables[found].deleted_at.ok_or(End::NotDeleted)?;
                if deleted_at.micros() <= after {
                    return Err(End::TableNotFound);
                }
                let same = self.tables[found].name.clone();
                if self.reached(database.id, &same).is_some() {
                    return Err(End::NameTaken);
                }
                self.has_room(&database, 1)?;
                self.tables[found].deleted_at = None;
            }
            Operation::Reopen => {}
        }
        Ok(())
    }

    fn check(&self, catalog: &Catalog) {
        for database in &self.databases {
            let of_database = |deleted: bool| {
                let wanted = |table: &&Table| table.database == database.id && table.deleted_at.is_some() == deleted;
                let mut tables: Vec<Table> = self.tables.iter().filter(wanted).cloned().collect();
                tables.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
                tables
            };
            let listed = |status| {
                catalog.tables(database.id, status).iter().map(|table| Table::clone(table)).collect::<Vec<_>>()
            };
            assert_eq!(listed(RecordStatus::Active), of_database(false));
            assert_eq!(listed(RecordStatus::Deleted), of_database(true));
            assert_eq!(catalog.table_count(database.id), of_database(false).len());
            for name in TABLES {
                let reached = self.reached(database.id, name).map(|at| Arc::new(self.tables[at].clone()));
                assert_eq!(catalog.table(database.id, name), reached, "{name}");
            }
        }
        for table in &self.tables {
            assert_eq!(catalog.table_by_id(table.id).as_deref(), Some(table));
        }
        for organization in self.organizations {
            let active: BTreeMap<_, _> = self
                .databases
                .iter()
                .filter(|database| database.organization == organization && database.deleted_at.is_none())
                .map(|database| (database.name.clone(), Arc::new(database.clone())))
                .collect();
            for text in DATABASES {
                let name = name(text);
                assert_eq!(catalog.database(organization, &name).as_ref(), active.get(&name), "{organization} {name}");
            }
            assert_eq!(catalog.active_databases(organization), active.into_values().collect::<Vec<_>>());
        }
        for database in &self.databases {
            let active = database.deleted_at.is_none().then_some(database);
            assert_eq!(catalog.database_by_id(database.id).as_deref(), active);
        }
    }
}

async fn run(catalog: &Catalog, organizations: [OrganizationId; 2], operation: &Operation) -> End {
    let place = |at: &usize| {
        let (organization, name) = place(*at);
        (organizations[organization], name)
    };
    let table = |at: &usize| TABLES[*at].to_owned();
    match operation {
        Operation::CreateDatabase(at) => {
            let (organization, name) = place(at);
            end(catalog.create_database(organization, new_database(name.as_str()), ACTOR).await)
        }
        Operation::DeleteDatabase(at) => {
            let (organization, name) = place(at);
            end(catalog.delete_database(organization, &name, ACTOR).await)
        }
        Operation::RenameDatabase(at, to) => {
            let (organization, name) = place(at);
            end(catalog.rename_database(organization, name, place(to).1, ACTOR).await)
        }
        Operation::UndeleteDatabase(organization, id, after) => {
            let (id, after) = (DatabaseId::new(*id).unwrap(), Timestamp::from_micros(*after));
            end(catalog.undelete_database(organizations[*organization], id, after, ACTOR).await)
        }
        Operation::UpdateDatabase(at, change) => {
            let (organization, name) = place(at);
            let change = DatabaseChange {
                description: change.description(),
                retention: change.retention(),
                max_tables: change.max_tables,
                max_columns_per_table: change.max_columns,
            };
            end(catalog.update_database(organization, name, change, ACTOR).await)
        }
        Operation::CreateTable(at, name, own) => {
            let (organization, database) = place(at);
            let new = NewTable { name: TABLES[*name].parse().unwrap(), partition_template: own.then(template) };
            end(catalog.create_table(organization, database, new, ACTOR).await)
        }
        Operation::CreateMissing(at, tables) => {
            let (organization, name) = place(at);
            let Some(database) = catalog.database(organization, &name) else { return End::DatabaseNotFound };
            let names = tables.iter().map(|&at| TABLES[at].into()).collect();
            end(catalog.create_missing_tables(database, names, ACTOR).await)
        }
        Operation::DeleteTable(at, name) => {
            let (organization, database) = place(at);
            end(catalog.delete_table(organization, database, table(name), ACTOR).await)
        }
        Operation::RenameTable(at, name, to) => {
            let (organization, database) = place(at);
            let to = TABLES[*to].parse().unwrap();
            end(catalog.rename_table(organization, database, table(name), to, ACTOR).await)
        }
        Operation::UndeleteTable(at, id, after) => {
            let (organization, database) = place(at);
            let (id, after) = (TableId::new(*id).unwrap(), Timestamp::from_micros(*after));
            end(catalog.undelete_table(organization, database, id, after, ACTOR).await)
        }
        Operation::Reopen => End::Done,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn databases_and_tables_follow_the_model(operations in prop::collection::vec(any_operation(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (mut catalog, clock, directory) = fresh().await;
            let other = new_organization(2, "other");
            let organizations = [catalog.own(), other.id];
            catalog.create_organization(other, None, ACTOR).await.unwrap();
            let mut model = Model::new(organizations);
            for operation in &operations {
                model.now += 1;
                clock.set(model.now);
                if let Operation::Reopen = operation {
                    catalog.close().await;
                    catalog = open(directory.path(), &clock).await.catalog;
                }
                let (sequence, rows) = (catalog.sequence(), catalog.audit(1000).await.unwrap().len());
                let expected = model.run(operation).err().unwrap_or(End::Done);
                assert_eq!(run(&catalog, organizations, operation).await, expected, "{operation:?}");
                model.check(&catalog);
                let moved = catalog.sequence().0 - sequence.0;
                assert!(moved == 0 || (moved == 1 && expected == End::Done), "{operation:?}");
                assert_eq!(catalog.audit(1000).await.unwrap().len() as i64 - rows as i64, moved);
            }
        });
    }
}

#[tokio::test]
async fn ids_of_tables_are_never_reused_and_logged_names_stay() {
    let (catalog, clock, directory) = fresh().await;
    let database = catalog.create_database(catalog.own(), new_database("a"), ACTOR).await.unwrap();
    catalog.adopt_tables([(database.id, "old".to_owned())].into()).await.unwrap();
    let old = catalog.table(database.id, "old").unwrap();
    assert_eq!(catalog.table_logged_as(database.id, "old"), Some(old.id));
    catalog.rename_table(catalog.own(), name("a"), "old".into(), "new".parse().unwrap(), ACTOR).await.unwrap();
    catalog.delete_table(catalog.own(), name("a"), "new".into(), ACTOR).await.unwrap();
    catalog.create_missing_tables(database.clone(), vec!["old".into()], ACTOR).await.unwrap();
    let second = catalog.table(database.id, "old").unwrap();
    assert!(second.id > old.id);
    catalog.close().await;
    let catalog = open(directory.path(), &clock).await.catalog;
    assert_eq!(catalog.table_logged_as(database.id, "old"), Some(old.id), "not the new table of that name");
    assert_eq!(catalog.table(database.id, "old").unwrap().id, second.id);
}
