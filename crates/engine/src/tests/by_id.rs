//! Names change, are shared and vanish; rows stay with the id of their table.

use std::sync::Arc;

use parking_lot::Mutex;
use tidegate_model::{Database, DatabaseId, DatabaseLimits, PartitionTemplate, Table, TableId, TemplatePart};

use super::support::*;
use super::tables::Tables;
use crate::{Engine, EngineOptions, TableDirectory, WriteError};

/// How many rows a table has, deleted or not.
fn row_count(engine: &TestEngine, id: TableId) -> usize {
    let rows = engine.buffer_table(id).map(|rows| rows.snapshot().unwrap());
    rows.map_or(0, |rows| rows.chunks.iter().map(|chunk| chunk.rows()).sum())
}

/// A database whose tables have the tags `device` and `site` from the start.
fn with_template(limits: DatabaseLimits) -> Database {
    let parts = vec![
        TemplatePart::Tag("site".into()),
        TemplatePart::Time("%Y-%m".into()),
        TemplatePart::Bucket { tag: "device".into(), buckets: 16 },
    ];
    let partition_template = Some(PartitionTemplate::new(parts).unwrap());
    Database { partition_template, ..database_of(1, limits) }
}

#[tokio::test]
async fn missing_tables_are_named_in_order_and_nothing_happens() {
    let home = home();
    let engine = open(&home);
    home.tables.create(&database(), &["there".into()]);
    let body = "b f=1 1\nthere f=1 1\nrefused f= 1\na f=1 1\nb f=2 2\n";
    let result = Engine::write(&engine, request(body), || panic!("nothing may take effect")).await;
    let Err(WriteError::TablesMissing(names)) = result else { panic!("{result:?}") };
    assert_eq!(names, ["b".into(), "a".into()]);
    assert!(!engine.has_rows("there"));

    // A request that is refused anyway asks for no table.
    let mut all_or_nothing = request(body);
    all_or_nothing.accept_partial = false;
    let result = Engine::write(&engine, all_or_nothing, || panic!("nothing may take effect")).await;
    assert!(matches!(result, Err(WriteError::Rejected(_))), "{result:?}");
}

#[tokio::test]
async fn a_renamed_table_is_reached_by_both_names() {
    let home = home();
    let engine = open(&home);
    write(&engine, "old,t=a f=1 1").await;
    let id = engine.id("old");
    home.tables.rename(id, "new");
    // One row twice, by either name, and a column that only one of them adds.
    write(&engine, "new,t=a f=2,g=1 1\nold,t=a f=3 1\nold,t=b f=4 2\nnew,t=b g=5 2").await;
    let expected = ["f=3.0 g=1.0 t=a time=1", "f=4.0 g=5.0 t=b time=2"];
    for name in ["new", "old"] {
        assert_eq!(table(&engine, name).await, expected, "{name}");
    }
    assert_eq!(engine.schema(database().id, None).table_names(), ["new"]);
    // What the names have in common is checked in common.
    let result = try_write(&engine, "old h=1 3\nnew h=1i 3").await;
    assert!(only_message(result).0.starts_with("invalid column type for column 'h'"));

    drop(engine);
    let engine = open(&home);
    assert_eq!(table(&engine, "new").await.len(), 3);
    assert_eq!(row_count(&engine, id), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn renames_lose_no_row_of_those_who_write() {
    let home = home();
    let engine = open(&home);
    write(&engine, "a f=0 0").await;
    let id = engine.id("a");
    home.tables.rename(id, "b");
    let mut writers = Vec::new();
    for writer in 1..=4 {
        let engine = engine.clone();
        writers.push(tokio::spawn(async move {
            for n in 0..50 {
                let name = if n % 2 == 0 { "a" } else { "b" };
                write(&engine, &format!("{name},w={writer} f={n} {n}")).await;
            }
        }));
    }
    for n in 0..200 {
        home.tables.rename(id, if n % 2 == 0 { "a" } else { "b" });
        tokio::task::yield_now().await;
    }
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(home.tables.all().len(), 1);
    assert_eq!(row_count(&engine, id), 1 + 4 * 50);
}

#[tokio::test]
async fn a_deleted_table_keeps_its_rows_for_undelete() {
    let home = home();
    {
        let engine = open(&home);
        write(&engine, "m,t=a f=1 1").await;
        let first = engine.id("m");
        home.tables.delete(first);
        let schema = engine.schema(database().id, None);
        assert!(!schema.table_exist("m") && schema.table("m").await.unwrap().is_none());
        assert_eq!(schema.table_names(), Vec::<String>::new());

        // The next table of that name begins anew, with other types.
        write(&engine, "m t=1i 2").await;
        let second = engine.id("m");
        assert_ne!(first, second);
        assert_eq!(table(&engine, "m").await, ["t=1 time=2"]);
        home.tables.delete(second);
        home.tables.undelete(first);
        assert_eq!(table(&engine, "m").await, ["f=1.0 t=a time=1"]);
        write(&engine, "m,t=b f=2 2").await;
        home.tables.delete(first);
        home.tables.undelete(second);
    }
    let engine = open(&home);
    assert_eq!(table(&engine, "m").await, ["t=1 time=2"]);
    home.tables.delete(engine.id("m"));
    home.tables.undelete(id(1));
    assert_eq!(table(&engine, "m").await, ["f=1.0 t=a time=1", "f=2.0 t=b time=2"], "rows of deleted tables are read");
}

/// A directory that does something once, right after the first answer about a name.
#[derive(Debug)]
struct Meddler {
    tables: Arc<Tables>,
    /// What to do.
    meddle: Mutex<Option<fn(&Tables)>>,
}

impl TableDirectory for Meddler {
    fn find(&self, database: DatabaseId, name: &str) -> Option<Arc<Table>> {
        let found = self.tables.find(database, name);
        if let Some(meddle) = self.meddle.lock().take() {
            meddle(&self.tables);
        }
        found
    }

    fn get(&self, id: TableId) -> Option<Arc<Table>> {
        self.tables.get(id)
    }

    fn active(&self, database: DatabaseId) -> Vec<Arc<Table>> {
        self.tables.active(database)
    }

    fn count(&self, database: DatabaseId) -> usize {
        self.tables.count(database)
    }

    fn logged_as(&self, database: DatabaseId, name: &str) -> Option<TableId> {
        self.tables.logged_as(database, name)
    }
}

fn id(number: i64) -> TableId {
    TableId::new(number).unwrap()
}

/// Writes a row to `m`, the table 1; `meddle` comes between the check of the line and its commit point.
async fn write_meddled(home: &Home, meddle: fn(&Tables)) -> (Engine, Result<usize, WriteError>) {
    home.tables.create(&database(), &["m".into()]);
    let directory = Meddler { tables: Arc::clone(&home.tables), meddle: Mutex::new(Some(meddle)) };
    let engine = Engine::open(&home.wal(), Arc::new(directory), EngineOptions::default()).unwrap();
    let written = engine.write(request("m f=1 1"), || true).await.map(|outcome| outcome.rows);
    (engine, written)
}

#[tokio::test]
async fn no_row_lands_in_a_table_that_was_deleted_meanwhile() {
    let home = home();
    let (engine, written) = write_meddled(&home, |tables| tables.delete(id(1))).await;
    let Err(WriteError::TablesMissing(names)) = written else { panic!("{written:?}") };
    assert_eq!(names, ["m".into()]);
    assert!(engine.buffer_table(id(1)).is_none());
    drop(engine);
    assert!(open(&home).buffer_table(id(1)).is_none(), "nor in the log");
}

#[tokio::test]
async fn rows_go_to_the_table_that_has_the_name_at_the_commit_point() {
    let home = home();
    let replace = |tables: &Tables| {
        tables.delete(id(1));
        tables.create(&database(), &["m".into()]);
    };
    let (engine, written) = write_meddled(&home, replace).await;
    assert_eq!(written.unwrap(), 1);
    assert!(engine.buffer_table(id(1)).is_none() && engine.buffer_table(id(2)).is_some());
}

#[tokio::test]
async fn a_rename_between_check_and_commit_changes_nothing() {
    let home = home();
    let (engine, written) = write_meddled(&home, |tables| tables.rename(id(1), "other")).await;
    assert_eq!(written.unwrap(), 1);
    assert!(engine.buffer_table(id(1)).is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_acknowledged_row_is_in_one_table_however_often_they_are_deleted() {
    let home = home();
    let engine = open(&home);
    let mut writers = Vec::new();
    for writer in 0..4 {
        let engine = engine.clone();
        writers.push(tokio::spawn(async move {
            for n in 0..50 {
                write(&engine, &format!("m,w={writer} f={n} {n}")).await;
            }
        }));
    }
    while !writers.iter().all(|writer| writer.is_finished()) {
        if let Some(current) = home.tables.find(database().id, "m") {
            home.tables.delete(current.id);
        }
        tokio::task::yield_now().await;
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let total: usize = home.tables.all().iter().map(|table| row_count(&engine, table.id)).sum();
    assert_eq!(total, 4 * 50);
}

#[tokio::test]
async fn a_table_without_rows_is_empty_and_has_its_base_columns() {
    let home = home();
    let engine = open(&home);
    home.tables.create(&with_template(DatabaseLimits::default()), &["tagged".into()]);
    home.tables.create(&database(), &["bare".into()]);
    let schema = engine.schema(database().id, None);
    assert_eq!(schema.table_names(), ["bare", "tagged"]);
    let mut columns = Vec::new();
    for name in ["bare", "tagged"] {
        let table = schema.table(name).await.unwrap().unwrap();
        columns.push(table.schema().fields().iter().map(|field| field.name().clone()).collect::<Vec<_>>());
        assert_eq!(super::support::table(&engine, name).await, Vec::<String>::new());
    }
    assert_eq!(columns, [vec!["time"], vec!["device", "site", "time"]]);
    let sql = "SELECT count(*) AS n, max(device) AS d FROM tagged WHERE site = 'north'";
    assert_eq!(rows(&query(&engine, sql).await), ["n=0"]);
}

#[tokio::test]
async fn tags_of_the_template_are_columns_from_the_start() {
    let home = home();
    let engine = open(&home);
    let database = with_template(DatabaseLimits::default());
    let write = async |body: &str| engine.write(request_to(database.clone(), body), || true).await;
    let conflict = "invalid column type for column 'device', expected iox::column_type::tag, got \
                    iox::column_type::field::float";
    // The table does not exist, then has no rows, then has some.
    assert_eq!(only_message(write("m device=1 1").await), (conflict.to_owned(), false));
    assert!(home.tables.all().is_empty());
    home.tables.create(&database, &["m".into()]);
    assert_eq!(only_message(write("m device=1 1").await), (conflict.to_owned(), false));
    assert!(!engine.has_rows("m"));
    write("m f=1 1").await.unwrap();
    assert_eq!(only_message(write("m device=1 1").await), (conflict.to_owned(), false));
    write("m,device=d f=2 2").await.unwrap();
    let check = async |engine: &TestEngine| {
        let expected = ["f Float64", "time Timestamp(ns)"];
        let columns = schemas(engine).await["m"].clone();
        assert_eq!(columns.len(), 4, "{columns:?}");
        assert!(expected.iter().all(|column| columns.iter().any(|found| found == column)), "{columns:?}");
        assert_eq!(rows(&query(engine, "SELECT device, site, f FROM m").await), ["device=d f=2.0", "f=1.0"]);
    };
    check(&engine).await;
    drop(engine);
    check(&open(&home)).await;
}

#[tokio::test]
async fn a_table_keeps_the_column_limit_that_it_was_created_with() {
    let home = home();
    let engine = open(&home);
    let limited = |columns, body| {
        let limits = DatabaseLimits { max_tables: 10, max_columns_per_table: columns };
        engine.write(request_to(with_template(limits), body), || true)
    };
    let refusal = |limit: u32| {
        let message = format!("Update to schema would exceed number of columns per table limit of {limit} columns");
        (message, true)
    };
    // The tags of the template and the time count.
    assert_eq!(only_message(limited(3, "m f=1").await), refusal(3));
    limited(4, "m f=1").await.unwrap();
    assert_eq!(only_message(limited(10, "m g=1").await), refusal(4), "raised too late for this table");
    limited(5, "n f=1,g=1").await.unwrap();
    limited(1, "n,site=s g=2\nm,device=d f=2").await.unwrap();
    assert_eq!(only_message(limited(1, "o f=1").await), refusal(1));
}

#[tokio::test]
async fn only_active_tables_count_against_the_limit() {
    let home = home();
    let engine = open(&home);
    let limits = DatabaseLimits { max_tables: 2, max_columns_per_table: 10 };
    let limited = |body| engine.write(request_to(database_of(1, limits), body), || true);
    limited("a f=1\nb f=1").await.unwrap();
    let (message, limit) = only_message(limited("c f=1").await);
    assert!(limit && message.contains("already have 2 table(s) (limit: 2)"), "{message}");
    home.tables.delete(engine.id("a"));
    limited("c f=1").await.unwrap();
    // A former name needs no table of its own.
    home.tables.rename(engine.id("c"), "d");
    limited("c f=2\nd f=3\nb f=2").await.unwrap();
    assert_eq!(home.tables.active(database().id).len(), 2);
}
