//! Limits on tables, columns, and what one request can make the server hold.

use super::support::*;
use crate::{MAX_LISTED, WriteError};
use tidegate_model::DatabaseLimits;

fn limited(body: &str, tables: u32, columns: u32) -> crate::WriteRequest {
    let limits = DatabaseLimits { max_tables: tables, max_columns_per_table: columns };
    request_to(database_of(1, limits), body)
}

#[tokio::test]
async fn the_time_column_counts_as_a_column() {
    let home = home();
    let engine = open(&home);
    let expected = ("Update to schema would exceed number of columns per table limit of 3 columns".to_owned(), true);
    // tag + two fields + time is one too many; the next line fits.
    let result = engine.write(limited("m,t=a f=1,g=2 1\nm,t=a f=1 1", 10, 3), || true).await;
    assert_eq!(only_message(result), expected);
    let result = engine.write(limited("m h=2 1", 10, 3), || true).await;
    assert_eq!(only_message(result), expected);
    // Known columns are no addition, also when the limit has been lowered since.
    engine.write(limited("m,t=b f=1 1", 10, 1), || true).await.unwrap();
    assert_eq!(schemas(&engine).await["m"].len(), 3);
}

#[tokio::test]
async fn a_table_too_many_is_refused() {
    let home = home();
    let engine = open(&home);
    let result = engine.write(limited("a f=1\nb f=1\nc f=1\na f=2\n", 2, 10), || true).await;
    let message = "Update to schema would exceed number of tables limit: attempted to create table but already have 2 \
                   table(s) (limit: 2)";
    assert_eq!(only_message(result), (message.to_owned(), true));
    let result = engine.write(limited("d f=1", 2, 10), || true).await;
    assert_eq!(only_message(result), (message.to_owned(), true));
    engine.write(limited("b f=3", 1, 10), || true).await.unwrap();
    assert_eq!(schemas(&engine).await.keys().collect::<Vec<_>>(), ["a", "b"]);
}

#[tokio::test]
async fn a_refused_table_does_not_count() {
    let home = home();
    let engine = open(&home);
    let outcome = engine.write(limited("a x=1,y=2,z=3\nb x=1", 1, 2), || true).await.unwrap();
    assert_eq!(outcome.rows, 1);
    assert_eq!(outcome.rejected.len(), 1);
    assert_eq!(schemas(&engine).await.keys().collect::<Vec<_>>(), ["b"]);
}

#[tokio::test]
async fn ten_thousand_fields_in_one_line() {
    let home = home();
    let engine = open(&home);
    let fields: Vec<String> = (0..10_000).map(|n| format!("f{n}=1")).collect();
    let (message, limit) = only_message(try_write(&engine, &format!("m {}", fields.join(","))).await);
    assert!(limit, "{message}");
    assert!(schemas(&engine).await.is_empty());
}

/// Work that grows with the square of the number of tables would take minutes here.
#[tokio::test]
async fn ten_thousand_tables_in_one_body() {
    let home = home();
    let count = 10_000;
    let body: String = (0..count).map(|n| format!("t{n},tag=a f={n} 1\n")).collect();
    {
        let engine = open(&home);
        let outcome = engine.write(limited(&body, count, 10), || true).await.unwrap();
        assert_eq!(outcome.rows, 10_000);
    }
    let engine = open(&home);
    assert_eq!(engine.schema(database().id, None).table_names().len(), 10_000);
    assert_eq!(table(&engine, "t9999").await, ["f=9999.0 tag=a time=1"]);
}

#[tokio::test]
async fn lines_with_very_different_fields_stay_small() {
    let home = home();
    let engine = open(&home);
    let body: String = (0..20_000).map(|n| format!("m f{}=1 {n}\n", n % 900)).collect();
    engine.write(limited(&body, 10, 1000), || true).await.unwrap();
    let snapshot = engine.buffer_table(engine.id("m")).unwrap().snapshot().unwrap();
    let cells: usize = snapshot.chunks.iter().map(|chunk| chunk.rows() * chunk.columns().len()).sum();
    assert!(cells < 20_000 * 33, "{cells} cells for 20 000 values");
    let arrays = snapshot.chunks.iter().flat_map(|chunk| chunk.columns());
    let bytes: usize = arrays.map(|array| array.get_array_memory_size()).sum();
    assert!(bytes < 20_000 * 1_200, "{bytes} bytes for 20 000 values");
    let counted = rows(&query(&engine, "SELECT count(*) AS n, count(f0) AS f0, count(f899) AS f899 FROM m").await);
    assert_eq!(counted, ["n=20000 f0=23 f899=22"]);
}

#[tokio::test]
async fn only_so_many_rejected_lines_are_listed() {
    let home = home();
    let engine = open(&home);
    let body = format!("good f=1 1\n{}", "x\n".repeat(MAX_LISTED + 5));
    let outcome = try_write(&engine, &body).await.unwrap();
    assert_eq!((outcome.rejected.len(), outcome.rejected_total), (MAX_LISTED, MAX_LISTED + 5));
    let Err(WriteError::Rejected(rejected)) = try_write(&engine, &"x\n".repeat(MAX_LISTED + 5)).await else {
        panic!("bad lines were written")
    };
    assert_eq!(rejected.len(), MAX_LISTED);
}
