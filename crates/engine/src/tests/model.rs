//! Random writes, queries, restarts and changes of names against a model that is too simple to be wrong.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tidegate_model::TableId;

use super::support::*;
use crate::TableDirectory;

/// Tags and fields by name, as SQL shows them; the key is table, tags and time.
type Model = BTreeMap<(TableId, String, i64), BTreeMap<String, String>>;

const NAMES: [&str; 3] = ["one", "two", "three"];

#[derive(Debug, Clone)]
struct Point {
    table: &'static str,
    tags: Vec<(&'static str, &'static str)>,
    fields: Vec<(&'static str, i8)>,
    time: i64,
}

#[derive(Debug, Clone)]
enum Step {
    Write(Vec<Point>),
    Query,
    Reopen,
    /// Gives the table of the first name the second one, if that is free.
    Rename(&'static str, &'static str),
    Delete(&'static str),
    /// Brings back one of the deleted tables whose name is free.
    Undelete(prop::sample::Index),
}

/// A field value as line protocol and as a query shows it. The name decides the type.
fn render(field: &str, value: i8) -> (String, String) {
    match field {
        "float" => (format!("{value}"), format!("{:?}", f64::from(value))),
        "integer" => (format!("{value}i"), format!("{value}")),
        "string" => (format!("\"{value}\""), format!("{value}")),
        "boolean" => (format!("{}", value > 0), format!("{}", value > 0)),
        _ => (format!("{}u", value.unsigned_abs()), format!("{}", value.unsigned_abs())),
    }
}

fn name() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(NAMES.to_vec())
}

fn point() -> impl Strategy<Value = Point> {
    let tags = proptest::sample::subsequence(vec!["aa", "mid", "zz"], 0..=3);
    let tag_values = proptest::collection::vec(proptest::sample::select(vec!["x", "y"]), 3);
    let fields = proptest::sample::subsequence(vec!["float", "integer", "string", "boolean", "unsigned"], 1..=5);
    let values = proptest::collection::vec(any::<i8>(), 5);
    (name(), tags, tag_values, fields, values, 0_i64..6).prop_map(|(table, tags, tag_values, fields, values, time)| {
        Point {
            table,
            tags: tags.into_iter().zip(tag_values).collect(),
            fields: fields.into_iter().zip(values).collect(),
            time,
        }
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => proptest::collection::vec(point(), 1..12).prop_map(Step::Write),
        2 => Just(Step::Query),
        1 => Just(Step::Reopen),
        2 => (name(), name()).prop_map(|(from, to)| Step::Rename(from, to)),
        1 => name().prop_map(Step::Delete),
        2 => any::<prop::sample::Index>().prop_map(Step::Undelete),
    ]
}

fn line(point: &Point) -> String {
    let tags: String = point.tags.iter().map(|(name, value)| format!(",{name}={value}")).collect();
    let fields: Vec<String> =
        point.fields.iter().map(|&(name, value)| format!("{name}={}", render(name, value).0)).collect();
    format!("{}{tags} {} {}\n", point.table, fields.join(","), point.time)
}

fn remember(model: &mut Model, table: TableId, point: &Point) {
    let tags: Vec<String> = point.tags.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let row = model.entry((table, tags.join(" "), point.time)).or_default();
    row.extend(point.tags.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())));
    row.extend(point.fields.iter().map(|&(name, value)| (name.to_owned(), render(name, value).1)));
    row.insert("time".to_owned(), point.time.to_string());
}

/// The rows of a table as `rows` shows them.
fn expected(model: &Model, table: TableId) -> Vec<String> {
    let mut rows: Vec<String> = model
        .iter()
        .filter(|((id, ..), _)| *id == table)
        .map(|(_, row)| row.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" "))
        .collect();
    rows.sort();
    rows
}

async fn compare(engine: &TestEngine, model: &Model) {
    for name in NAMES {
        match engine.tables.find(database().id, name) {
            Some(found) => assert_eq!(table(engine, name).await, expected(model, found.id)),
            None => assert!(!engine.schema(database().id, None).table_exist(name)),
        }
    }
}

/// Takes a step that is about names; others do nothing here.
fn change_names(home: &Home, step: &Step) {
    let find = |name: &str| home.tables.find(database().id, name).map(|table| table.id);
    match step {
        Step::Rename(from, to) => {
            if let Some(id) = find(from).filter(|&id| find(to).is_none_or(|other| other == id)) {
                home.tables.rename(id, to);
            }
        }
        Step::Delete(name) => {
            if let Some(id) = find(name) {
                home.tables.delete(id);
            }
        }
        Step::Undelete(which) => {
            let mut deleted = home.tables.all();
            deleted.retain(|table| table.deleted_at.is_some() && find(&table.name).is_none());
            if !deleted.is_empty() {
                home.tables.undelete(which.get(&deleted).id);
            }
        }
        Step::Write(_) | Step::Query | Step::Reopen => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn behaves_like_the_model(steps in proptest::collection::vec(step(), 1..20)) {
        block_on(async {
            let home = home();
            let mut engine = open(&home);
            let mut model = Model::new();
            for step in &steps {
                match step {
                    Step::Write(points) => {
                        write(&engine, &points.iter().map(line).collect::<String>()).await;
                        points.iter().for_each(|point| remember(&mut model, engine.id(point.table), point));
                    }
                    Step::Query => compare(&engine, &model).await,
                    Step::Reopen => {
                        drop(engine);
                        engine = open(&home);
                    }
                    names => change_names(&home, names),
                }
            }
            compare(&engine, &model).await;
            drop(engine);
            compare(&open(&home), &model).await;
        });
    }
}
