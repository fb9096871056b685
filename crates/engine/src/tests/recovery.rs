//! Logs that other versions wrote, and logs that do not belong to the tables at hand.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::support::*;
use super::tables::table as record;
use crate::{Engine, EngineError, EngineOptions, tables_named_in_log};
use tidegate_model::{DatabaseId, DatabaseLimits};

/// The log of a data directory of format 1: see `README.md` there.
const FORMAT_1: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/data-format-1/data/wal");

/// A copy of that log.
fn format_1() -> Home {
    let home = home();
    fs::create_dir(home.wal()).unwrap();
    for entry in fs::read_dir(FORMAT_1).unwrap() {
        let entry = entry.unwrap();
        fs::write(home.wal().join(entry.file_name()), fs::read(entry.path()).unwrap()).unwrap();
    }
    home
}

/// Gives every table that the log names an id and that name.
fn adopt(home: &Home) {
    for ((database, name), id) in tables_named_in_log(&home.wal()).unwrap().into_iter().zip(1..) {
        let id = home.tables.insert(record(id, database, &name, None, 200));
        home.tables.log_as(database, &name, id);
    }
}

fn bytes(directory: &Path) -> Vec<Vec<u8>> {
    let mut paths: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

fn open_error(home: &Home) -> EngineError {
    match Engine::open(&home.wal(), home.tables.clone(), EngineOptions::default()) {
        Ok(_) => panic!("the log was opened"),
        Err(error) => error,
    }
}

#[test]
fn names_are_read_without_a_change() {
    let home = format_1();
    let before = bytes(&home.wal());
    let named = tables_named_in_log(&home.wal()).unwrap();
    let pairs: Vec<(i64, &str)> = named.iter().map(|(database, name)| (database.get(), &**name)).collect();
    let expected = [(1, "ends"), (1, "press"), (1, "probe"), (2, "ends"), (2, "press"), (3, "ends"), (3, "press")];
    assert_eq!(pairs, expected);
    assert_eq!(bytes(&home.wal()), before);

    // Neither the start of a segment nor that of a frame at the end is a name, or an error, or cut off.
    fs::write(home.wal().join("0000000000000002.wal"), b"TIDE").unwrap();
    assert_eq!(tables_named_in_log(&home.wal()).unwrap(), named);
    assert_eq!(bytes(&home.wal())[1], b"TIDE");
    fs::remove_file(home.wal().join("0000000000000002.wal")).unwrap();
    let cut = &before[0][..before[0].len() - 1];
    fs::write(home.wal().join("0000000000000001.wal"), cut).unwrap();
    assert!(tables_named_in_log(&home.wal()).unwrap().is_subset(&named));
    assert_eq!(bytes(&home.wal()), [cut]);
}

#[test]
fn a_log_without_names_has_none() {
    let home = home();
    assert_eq!(tables_named_in_log(&home.wal()).unwrap(), BTreeSet::new());
    assert!(!home.wal().exists(), "nor is a directory made");
    block_on(write(&open(&home), "m f=1 1"));
    assert_eq!(tables_named_in_log(&home.wal()).unwrap(), BTreeSet::new(), "records of this version hold ids");
}

#[test]
fn damage_is_found_before_names_are_used() {
    let home = format_1();
    let path = home.wal().join("0000000000000001.wal");
    let mut damaged = fs::read(&path).unwrap();
    damaged[100] ^= 1;
    fs::write(&path, damaged).unwrap();
    assert!(matches!(tables_named_in_log(&home.wal()), Err(EngineError::Corrupt { .. })));
}

#[tokio::test]
async fn records_of_the_first_version_belong_to_the_tables_that_had_the_names() {
    let home = format_1();
    adopt(&home);
    let press = home.tables.all().into_iter().find(|table| table.database == database().id && &*table.name == "press");
    let press = press.unwrap().id;
    let engine = open(&home);
    let expected = table(&engine, "press").await;
    assert!(expected.len() > 1, "{expected:?}");
    assert_eq!(table(&engine, "ends").await.len(), 2);
    // From now on, records with ids follow those with names.
    write(&engine, "press,site=south float=9 9").await;
    drop(engine);

    // A new table under the old name does not get the old rows.
    home.tables.rename(press, "stamp");
    home.tables.delete(press);
    home.tables.create(&database(), &["press".into()]);
    let engine = open(&home);
    assert_eq!(table(&engine, "press").await, Vec::<String>::new());
    write(&engine, "press other=1i 1").await;
    drop(engine);
    let engine = open(&home);
    assert_eq!(table(&engine, "press").await, ["other=1 time=1"]);
    home.tables.undelete(press);
    let rows = table(&engine, "stamp").await;
    assert_eq!(rows.len(), expected.len() + 1);
    assert!(expected.iter().all(|row| rows.contains(row)), "{rows:?}");
}

#[test]
fn a_log_of_unknown_tables_is_not_opened() {
    let old = format_1();
    let error = open_error(&old);
    assert!(
        matches!(&error, EngineError::UnknownTable { table, .. } if table == "table \"press\" of database 1"),
        "{error}"
    );

    let written = home();
    block_on(write(&open(&written), "m f=1 1"));
    let other = home();
    fs::create_dir(other.wal()).unwrap();
    fs::copy(written.wal().join("0000000000000001.wal"), other.wal().join("0000000000000001.wal")).unwrap();
    let message = open_error(&other).to_string();
    assert!(message.contains("holds rows of table 1 of database 1, which the catalog does not know"), "{message}");
    assert!(message.ends_with("restore catalog.sqlite and wal from one backup"), "{message}");

    // Nor if the id stands for a table of another database.
    other.tables.create(&database_of(2, DatabaseLimits::default()), &["m".into()]);
    assert!(matches!(open_error(&other), EngineError::UnknownTable { .. }));
    other.tables.insert(record(1, DatabaseId::new(1).unwrap(), "another name", None, 200));
    assert_eq!(block_on(table(&open(&other), "another name")), ["f=1.0 time=1"]);
}
