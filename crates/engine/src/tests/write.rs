//! What a write accepts, refuses and leaves behind.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::support::*;
use crate::{RejectedLine, WriteError};
use tidegate_line_protocol::Precision;
use tidegate_model::DatabaseLimits;

#[tokio::test]
async fn rows_are_readable_when_the_write_returns_and_after_a_restart() {
    let home = home();
    let expected = ["f=1.5 host=a i=2 s=x time=1 u=3 yes=true", "f=2.5 time=2"];
    {
        let engine = open(&home);
        write(&engine, "cpu,host=a f=1.5,i=2i,u=3u,s=\"x\",yes=t 1\ncpu f=2.5 2\n").await;
        assert_eq!(table(&engine, "cpu").await, expected);
    }
    let engine = open(&home);
    assert_eq!(table(&engine, "cpu").await, expected);
    let columns = &schemas(&engine).await["cpu"];
    assert_eq!(
        columns,
        &[
            "f Float64",
            "host Dictionary(Int32, Utf8)",
            "i Int64",
            "s Utf8",
            "time Timestamp(ns)",
            "u UInt64",
            "yes Boolean"
        ]
    );
}

#[tokio::test]
async fn a_later_write_sets_its_fields_and_keeps_the_others() {
    let home = home();
    let engine = open(&home);
    write(&engine, "m,t=a f=1,g=1,h=1 5\nm,t=a g=2 5\nm f=9 5").await;
    assert_eq!(table(&engine, "m").await, ["f=1.0 g=2.0 h=1.0 t=a time=5", "f=9.0 time=5"]);
    write(&engine, "m,t=a h=3,k=\"new\" 5").await;
    assert_eq!(table(&engine, "m").await, ["f=1.0 g=2.0 h=3.0 k=new t=a time=5", "f=9.0 time=5"]);
    drop(engine);
    let engine = open(&home);
    assert_eq!(table(&engine, "m").await, ["f=1.0 g=2.0 h=3.0 k=new t=a time=5", "f=9.0 time=5"]);
}

#[tokio::test]
async fn order_of_tags_makes_no_difference() {
    let home = home();
    let engine = open(&home);
    write(&engine, "m,a=1,b=2 f=1 5\nm,b=2,a=1 f=2 5\nm,a=2,b=1 f=3 5").await;
    write(&engine, "m,b=1,a=2 f=4 5").await;
    assert_eq!(table(&engine, "m").await, ["a=1 b=2 f=2.0 time=5", "a=2 b=1 f=4.0 time=5"]);
}

#[tokio::test]
async fn an_absent_tag_is_part_of_the_identity() {
    let home = home();
    let engine = open(&home);
    write(&engine, "m f=1 5").await;
    write(&engine, "m,a=x f=2 5").await;
    write(&engine, "m f=3 5\nm,a=x f=4 5").await;
    assert_eq!(table(&engine, "m").await, ["a=x f=4.0 time=5", "f=3.0 time=5"]);
}

#[tokio::test]
async fn good_lines_are_written_beside_bad_ones() {
    let home = home();
    let engine = open(&home);
    let body = "# comment\nm f=1 1\n\nm f=1i,new=2 2\nm f=3 3\nother_table_name_that_is_long f=\nm f=4,n=1 4\n";
    let outcome = try_write(&engine, body).await.unwrap();
    assert_eq!((outcome.rows, outcome.rejected_total), (3, 2));
    assert_eq!(
        outcome.rejected,
        [
            RejectedLine {
                number: 4,
                excerpt: "m f=1i,new=2 2".into(),
                message: "invalid column type for column 'f', expected iox::column_type::field::float, got \
                          iox::column_type::field::integer"
                    .into(),
                limit: false
            },
            RejectedLine {
                number: 6,
                excerpt: "other_table_name_tha".into(),
                message: "No fields were provided".into(),
                limit: false
            }
        ]
    );
    assert_eq!(table(&engine, "m").await, ["f=1.0 time=1", "f=3.0 time=3", "f=4.0 n=1.0 time=4"]);
}

#[tokio::test]
async fn one_bad_line_refuses_all_when_partial_writes_are_not_accepted() {
    let home = home();
    let engine = open(&home);
    let mut all_or_nothing = request("m f=1 1\nm f=\"x\" 2\nm f=t 3\n");
    all_or_nothing.accept_partial = false;
    let begun = AtomicUsize::new(0);
    let result = engine.write(all_or_nothing, || begun.fetch_add(1, Ordering::Relaxed) == 0).await;
    let Err(WriteError::Rejected(rejected)) = result else { panic!("{result:?}") };
    assert_eq!(rejected.iter().map(|line| line.number).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(begun.into_inner(), 0, "nothing to commit");
    assert!(schemas(&engine).await.is_empty());
}

#[tokio::test]
async fn bad_lines_leave_no_table_and_no_column() {
    let home = home();
    let engine = open(&home);
    write(&engine, "m f=1 1").await;
    // The new column comes before the one that conflicts.
    let result = try_write(&engine, "m,newtag=a newfield=1,f=\"x\" 2\nghost f=1 99999999999999999999").await;
    let Err(WriteError::Rejected(rejected)) = result else { panic!("{result:?}") };
    assert_eq!(rejected.len(), 2);
    // The names are still free for any kind.
    write(&engine, "m,newfield=a newtag=1 3\nghost,f=tag x=1 3").await;
    drop(engine);
    let engine = open(&home);
    let found = schemas(&engine).await;
    assert_eq!(found["m"], ["f Float64", "newfield Dictionary(Int32, Utf8)", "newtag Float64", "time Timestamp(ns)"]);
    assert_eq!(found["ghost"], ["f Dictionary(Int32, Utf8)", "time Timestamp(ns)", "x Float64"]);
}

#[tokio::test]
async fn kinds_conflict_within_and_between_requests() {
    let home = home();
    let engine = open(&home);
    let conflict = |column: &str, old: &str, new: &str| {
        let kinds = format!("expected iox::column_type::{old}, got iox::column_type::{new}");
        (format!("invalid column type for column '{column}', {kinds}"), false)
    };
    let result = try_write(&engine, "m f=1 1\nm f=1u 2").await;
    assert_eq!(only_message(result), conflict("f", "field::float", "field::uinteger"));
    let result = try_write(&engine, "m f=\"s\" 1").await;
    assert_eq!(only_message(result), conflict("f", "field::float", "field::string"));
    let result = try_write(&engine, "m,f=a g=1 1").await;
    assert_eq!(only_message(result), conflict("f", "field::float", "tag"));
    let result = try_write(&engine, "m,t=a f=1 1\nm t=t 2").await;
    assert_eq!(only_message(result), conflict("t", "tag", "field::boolean"));
    let result = try_write(&engine, "m t=1i,f=1 1").await;
    assert_eq!(only_message(result), conflict("t", "tag", "field::integer"));
}

#[tokio::test]
async fn nothing_to_write_is_empty() {
    let home = home();
    let engine = open(&home);
    for body in ["", "\n\n", "# only a comment\n  \n"] {
        let result = try_write(&engine, body).await;
        assert!(matches!(result, Err(WriteError::Empty)), "{result:?}");
    }
}

#[tokio::test]
async fn timestamps_follow_the_precision() {
    let home = home();
    let engine = open(&home);
    let mut seconds = request("m f=1 2\nm f=2\nm f=3 9223372036854775807\nm f=4 -1");
    seconds.precision = Precision::Second;
    seconds.received_at = 5_900_000_000;
    let outcome = engine.write(seconds, || true).await.unwrap();
    assert_eq!(outcome.rejected.len(), 1);
    assert_eq!(outcome.rejected[0].number, 3);
    assert!(outcome.rejected[0].message.contains("out of range for precision"), "{:?}", outcome.rejected);
    assert_eq!(table(&engine, "m").await, ["f=1.0 time=2000000000", "f=2.0 time=5000000000", "f=4.0 time=-1000000000"]);
}

#[tokio::test]
async fn a_withdrawn_write_leaves_nothing_behind() {
    let home = home();
    let engine = open(&home);
    let result = engine.write(request("m,t=a f=1 1"), || false).await;
    assert!(matches!(result, Err(WriteError::Aborted)), "{result:?}");
    assert!(schemas(&engine).await.is_empty());
    // Not even for writers: the names are free for other kinds.
    write(&engine, "m,f=a t=1 2").await;
    drop(engine);
    assert_eq!(table(&open(&home), "m").await, ["f=a t=1.0 time=2"]);
}

#[tokio::test]
async fn databases_are_apart() {
    let home = home();
    let engine = open(&home);
    write(&engine, "m f=1 1").await;
    let other = database_of(2, DatabaseLimits::default());
    engine.write(request_to(other.clone(), "m f=\"text\" 1"), || true).await.unwrap();
    assert_eq!(table(&engine, "m").await, ["f=1.0 time=1"]);
    drop(engine);
    let engine = open(&home);
    let schema = engine.schema(other.id, None);
    assert_eq!(schema.table_names(), ["m"]);
    let table = schema.table("m").await.unwrap().unwrap();
    assert_eq!(table.schema().field_with_name("f").unwrap().data_type().to_string(), "Utf8");
}

#[tokio::test]
async fn writes_after_close_are_refused_and_queries_go_on() {
    let home = home();
    let engine = open(&home);
    write(&engine, "m f=1 1").await;
    engine.close();
    engine.close();
    let result = try_write(&engine, "m f=2 2").await;
    assert!(matches!(result, Err(WriteError::ReadOnly)), "{result:?}");
    assert_eq!(table(&engine, "m").await, ["f=1.0 time=1"]);
}

#[tokio::test]
async fn a_write_that_has_begun_goes_on_when_its_caller_is_gone() {
    let home = home();
    let engine = open(&home);
    write(&engine, "m f=1 1").await;
    let mut begun = false;
    {
        let abandoned = engine.write(request("m f=2 2"), || {
            begun = true;
            true
        });
        let mut abandoned = std::pin::pin!(abandoned);
        let _pending_or_done = futures::poll!(abandoned.as_mut());
    }
    assert!(begun);
    engine.close();
    let expected = ["f=1.0 time=1", "f=2.0 time=2"];
    assert_eq!(table(&engine, "m").await, expected);
    drop(engine);
    assert_eq!(table(&open(&home), "m").await, expected);
}

#[tokio::test]
async fn only_the_owner_can_read_the_log() {
    use std::os::unix::fs::PermissionsExt;
    let home = home();
    let _engine = open(&home);
    let wal = home.wal();
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&wal) & 0o077, 0);
    assert_eq!(mode(&wal.join("0000000000000001.wal")) & 0o077, 0);
}
