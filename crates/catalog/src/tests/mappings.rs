//! What every backend must do with mappings.

use std::sync::Arc;

use proptest::prelude::*;
use tidegate_model::{Database, DatabaseId, Mapping, Timestamp};

use super::{
    ManualClock, assert_records_are_on_disk, fresh, mapping_id, name, new_database, new_mapping, new_organization,
    open, organization_id,
};
use crate::{Actor, Catalog, CatalogError, MappingChange};

const SERVER: Actor = Actor::Server;

on_sqlite!(
    a_mapping_is_given_back_whole,
    the_first_is_the_default_whatever_was_sent,
    the_same_names_are_refused_or_overwritten,
    a_default_always_stays,
    an_update_changes_only_what_it_names,
    mappings_of_deleted_databases_lead_nowhere,
    names_of_a_deleted_database_are_free,
    organizations_do_not_see_each_others_mappings,
);

async fn database(catalog: &Catalog, name: &str) -> Arc<Database> {
    catalog.create_database(catalog.own(), new_database(name), SERVER).await.unwrap()
}

async fn create(catalog: &Catalog, mapping: Mapping) -> Result<Arc<Mapping>, CatalogError> {
    catalog.create_mapping(mapping, false, SERVER).await
}

/// Numbers of the default mappings.
fn defaults(catalog: &Catalog) -> Vec<u64> {
    catalog
        .mappings(catalog.own())
        .iter()
        .filter(|mapping| mapping.is_default)
        .map(|mapping| mapping.id.get())
        .collect()
}

async fn a_mapping_is_given_back_whole(catalog: &Catalog, _: &ManualClock) {
    let target = database(catalog, "a").await;
    let new = Mapping { is_default: true, ..new_mapping(u64::MAX >> 1, &target, "my.db", "one week") };
    let created = create(catalog, new.clone()).await.unwrap();
    assert_eq!(*created, new);
    assert_eq!(catalog.mapping(new.id), Some(created.clone()));
    let second = create(catalog, new_mapping(3, &target, "other", "autogen")).await.unwrap();
    assert_eq!(catalog.mappings(catalog.own()), [second, created]);
    let lookup = |v1, policy| catalog.mapped_database(catalog.own(), v1, policy);
    assert_eq!(lookup("my.db", Some("one week")), Some(target.id));
    assert_eq!(lookup("my.db", None), Some(target.id));
    for (v1, policy) in [("my.db", Some("autogen")), ("MY.DB", None), ("other", Some("one week")), ("", None)] {
        assert_eq!(lookup(v1, policy), None, "{v1} {policy:?}");
    }
    let missing = Mapping { database: DatabaseId::new(77).unwrap(), ..new_mapping(4, &target, "x", "x") };
    let refused = leaves_no_trace!(catalog, create(catalog, missing));
    assert!(matches!(refused, Err(CatalogError::DatabaseNotFound)));
    let same_id = leaves_no_trace!(catalog, create(catalog, new_mapping(3, &target, "other", "second")));
    assert!(matches!(same_id, Err(CatalogError::MappingExists { .. })));
}

async fn the_first_is_the_default_whatever_was_sent(catalog: &Catalog, _: &ManualClock) {
    let (a, b) = (database(catalog, "a").await, database(catalog, "b").await);
    assert!(create(catalog, new_mapping(1, &a, "v1", "x")).await.unwrap().is_default);
    assert!(!create(catalog, new_mapping(2, &b, "v1", "y")).await.unwrap().is_default);
    assert!(create(catalog, new_mapping(3, &b, "other", "x")).await.unwrap().is_default);
    assert_eq!(catalog.mapped_database(catalog.own(), "v1", None), Some(a.id));
    let taking = Mapping { is_default: true, ..new_mapping(4, &b, "v1", "z") };
    assert!(create(catalog, taking).await.unwrap().is_default);
    assert_eq!(defaults(catalog), [3, 4]);
    assert_eq!(catalog.mapped_database(catalog.own(), "v1", None), Some(b.id));
}

async fn the_same_names_are_refused_or_overwritten(catalog: &Catalog, _: &ManualClock) {
    let (a, b) = (database(catalog, "a").await, database(catalog, "b").await);
    let first = create(catalog, new_mapping(1, &a, "v1", "x")).await.unwrap();
    create(catalog, new_mapping(2, &a, "v1", "y")).await.unwrap();
    let refused = leaves_no_trace!(catalog, create(catalog, new_mapping(3, &b, "v1", "x")));
    assert!(matches!(refused, Err(CatalogError::MappingExists { v1_database, retention_policy })
        if v1_database == "v1" && retention_policy == "x"));
    let over = catalog.create_mapping(new_mapping(3, &b, "v1", "x"), true, SERVER).await.unwrap();
    assert_eq!(*over, Mapping { database: b.id, ..(*first).clone() });
    assert_eq!(catalog.mapping(mapping_id(3)), None, "the overwritten one keeps its id");
    assert_eq!(catalog.mapped_database(catalog.own(), "v1", Some("x")), Some(b.id));
    let same = catalog.create_mapping(new_mapping(4, &b, "v1", "x"), true, SERVER);
    assert_eq!(leaves_no_trace!(catalog, same).unwrap(), over);
    let taking = Mapping { is_default: true, ..new_mapping(5, &b, "v1", "y") };
    catalog.create_mapping(taking, true, SERVER).await.unwrap();
    assert_eq!(defaults(catalog), [2]);
    catalog.create_mapping(new_mapping(6, &b, "v1", "z"), true, SERVER).await.unwrap();
    assert_eq!(catalog.mappings(catalog.own()).len(), 3);
}

async fn a_default_always_stays(catalog: &Catalog, _: &ManualClock) {
    let a = database(catalog, "a").await;
    // Their ids are not in the order of their ages.
    for (number, policy) in [(30, "x"), (20, "y"), (10, "z")] {
        create(catalog, new_mapping(number, &a, "v1", policy)).await.unwrap();
    }
    let set = async |number, default| {
        let change = MappingChange { default: Some(default), retention_policy: None };
        catalog.update_mapping(mapping_id(number), change, SERVER).await.unwrap().is_default
    };
    assert!(set(10, true).await);
    assert_eq!(defaults(catalog), [10]);
    assert!(!set(10, false).await);
    assert_eq!(defaults(catalog), [30], "the oldest");
    assert!(!set(10, false).await);
    catalog.delete_mapping(mapping_id(30), SERVER).await.unwrap();
    assert_eq!(defaults(catalog), [20]);
    catalog.delete_mapping(mapping_id(10), SERVER).await.unwrap();
    assert_eq!(defaults(catalog), [20]);
    assert!(set(20, false).await, "there is no other");
    catalog.delete_mapping(mapping_id(20), SERVER).await.unwrap();
    assert_eq!(catalog.mappings(catalog.own()), []);
    let again = leaves_no_trace!(catalog, catalog.delete_mapping(mapping_id(20), SERVER));
    assert!(matches!(again, Err(CatalogError::MappingNotFound)));
}

async fn an_update_changes_only_what_it_names(catalog: &Catalog, _: &ManualClock) {
    let a = database(catalog, "a").await;
    create(catalog, new_mapping(1, &a, "v1", "x")).await.unwrap();
    let second = create(catalog, new_mapping(2, &a, "v1", "y")).await.unwrap();
    let policy = |text: &str| MappingChange { default: None, retention_policy: Some(text.to_owned()) };
    for empty in [MappingChange::default(), policy("y"), MappingChange { default: Some(false), ..policy("y") }] {
        let same = leaves_no_trace!(catalog, catalog.update_mapping(second.id, empty, SERVER)).unwrap();
        assert_eq!(same, second);
    }
    let taken = leaves_no_trace!(catalog, catalog.update_mapping(second.id, policy("x"), SERVER));
    assert!(matches!(taken, Err(CatalogError::MappingExists { .. })));
    let renamed = catalog.update_mapping(second.id, policy("z"), SERVER).await.unwrap();
    assert_eq!(*renamed, Mapping { retention_policy: "z".to_owned(), ..(*second).clone() });
    assert_eq!(catalog.mapped_database(catalog.own(), "v1", Some("y")), None);
    assert_eq!(catalog.mapped_database(catalog.own(), "v1", Some("z")), Some(a.id));
    let missing = leaves_no_trace!(catalog, catalog.update_mapping(mapping_id(9), policy("q"), SERVER));
    assert!(matches!(missing, Err(CatalogError::MappingNotFound)));
}

async fn mappings_of_deleted_databases_lead_nowhere(catalog: &Catalog, _: &ManualClock) {
    let (a, b) = (database(catalog, "a").await, database(catalog, "b").await);
    let first = create(catalog, new_mapping(1, &a, "v1", "x")).await.unwrap();
    let second = create(catalog, new_mapping(2, &b, "v1", "y")).await.unwrap();
    catalog.delete_database(catalog.own(), &name("a"), SERVER).await.unwrap();
    let lookup = |policy| catalog.mapped_database(catalog.own(), "v1", policy);
    assert_eq!((lookup(Some("x")), lookup(None), lookup(Some("y"))), (None, None, Some(b.id)));
    assert_eq!(catalog.mapping(first.id), None);
    assert_eq!(catalog.mappings(catalog.own()), [second]);
    let update = leaves_no_trace!(catalog, catalog.update_mapping(first.id, MappingChange::default(), SERVER));
    let delete = leaves_no_trace!(catalog, catalog.delete_mapping(first.id, SERVER));
    for result in [update, delete] {
        assert!(matches!(result, Err(CatalogError::MappingNotFound)));
    }
    let to_deleted = leaves_no_trace!(catalog, create(catalog, new_mapping(3, &a, "v1", "z")));
    assert!(matches!(to_deleted, Err(CatalogError::DatabaseNotFound)));

    let new_namesake = database(catalog, "a").await;
    assert_eq!(lookup(Some("x")), None, "a mapping goes by id");
    catalog.rename_database(catalog.own(), name("a"), name("c"), SERVER).await.unwrap();
    catalog.undelete_database(catalog.own(), a.id, Timestamp::from_micros(-1), SERVER).await.unwrap();
    assert_eq!((lookup(Some("x")), lookup(None)), (Some(a.id), Some(a.id)));
    assert_eq!(catalog.mapping(first.id), Some(first));
    assert_ne!(new_namesake.id, a.id);
}

async fn names_of_a_deleted_database_are_free(catalog: &Catalog, _: &ManualClock) {
    let (a, b) = (database(catalog, "a").await, database(catalog, "b").await);
    create(catalog, new_mapping(1, &a, "v1", "x")).await.unwrap();
    create(catalog, new_mapping(2, &a, "v1", "y")).await.unwrap();
    catalog.delete_database(catalog.own(), &name("a"), SERVER).await.unwrap();
    let new = create(catalog, new_mapping(3, &b, "v1", "x")).await.unwrap();
    assert!(new.is_default, "the first that is shown");
    let change = MappingChange { default: None, retention_policy: Some("y".to_owned()) };
    let renamed = catalog.update_mapping(new.id, change, SERVER).await.unwrap();
    assert_eq!((renamed.retention_policy.as_str(), renamed.is_default), ("y", true));
    catalog.undelete_database(catalog.own(), a.id, Timestamp::from_micros(-1), SERVER).await.unwrap();
    assert_eq!(catalog.mappings(catalog.own()), [renamed], "the new one has taken their place");
}

async fn organizations_do_not_see_each_others_mappings(catalog: &Catalog, _: &ManualClock) {
    let second = organization_id(2);
    catalog.create_organization(new_organization(2, "two"), None, SERVER).await.unwrap();
    let mine = database(catalog, "a").await;
    let theirs = catalog.create_database(second, new_database("a"), SERVER).await.unwrap();
    let crossing = Mapping { organization: second, ..new_mapping(1, &mine, "v1", "x") };
    let refused = leaves_no_trace!(catalog, create(catalog, crossing));
    assert!(matches!(refused, Err(CatalogError::DatabaseNotFound)));
    let first = create(catalog, new_mapping(1, &mine, "v1", "x")).await.unwrap();
    assert_eq!(catalog.mapped_database(second, "v1", None), None);
    let other = create(catalog, new_mapping(2, &theirs, "v1", "x")).await.unwrap();
    assert!(other.is_default);
    assert_eq!(catalog.mappings(catalog.own()), [first]);
    assert_eq!(catalog.mappings(second), [other]);
    for policy in [None, Some("x")] {
        assert_eq!(catalog.mapped_database(catalog.own(), "v1", policy), Some(mine.id));
        assert_eq!(catalog.mapped_database(second, "v1", policy), Some(theirs.id));
    }
    let nowhere = Mapping { organization: organization_id(3), ..new_mapping(3, &mine, "v1", "x") };
    let refused = leaves_no_trace!(catalog, create(catalog, nowhere));
    assert!(matches!(refused, Err(CatalogError::OrganizationNotFound)));
    catalog.delete_organization(second, SERVER).await.unwrap();
    assert_eq!(catalog.mapping(mapping_id(2)), None);
    assert_eq!(catalog.mapped_database(catalog.own(), "v1", None), Some(mine.id));
}

#[derive(Debug, Clone)]
enum Operation {
    Create { database: usize, v1: &'static str, policy: &'static str, default: bool, overwrite: bool },
    Update { number: u64, default: Option<bool>, policy: Option<&'static str> },
    Delete(u64),
    DeleteDatabase(usize),
    UndeleteDatabase(usize),
    Reopen,
}

fn any_operation() -> impl Strategy<Value = Operation> {
    let policy = || prop::sample::select(vec!["x", "y", "z"]);
    let v1 = prop::sample::select(vec!["v", "w"]);
    prop_oneof![
        6 => (0_usize..2, v1, policy(), any::<bool>(), any::<bool>()).prop_map(
            |(database, v1, policy, default, overwrite)| Operation::Create { database, v1, policy, default, overwrite }
        ),
        4 => (1_u64..12, prop::option::of(any::<bool>()), prop::option::of(policy())).prop_map(
            |(number, default, policy)| Operation::Update { number, default, policy }
        ),
        2 => (1_u64..12).prop_map(Operation::Delete),
        2 => (0_usize..2).prop_map(Operation::DeleteDatabase),
        2 => (0_usize..2).prop_map(Operation::UndeleteDatabase),
        1 => Just(Operation::Reopen),
    ]
}

/// What holds whatever was done before.
async fn check(catalog: &Catalog) {
    assert_records_are_on_disk(catalog).await;
    let shown = catalog.mappings(catalog.own());
    for mapping in &shown {
        let same_names = |other: &&Arc<Mapping>| {
            (&other.v1_database, &other.retention_policy) == (&mapping.v1_database, &mapping.retention_policy)
        };
        assert_eq!(shown.iter().filter(same_names).count(), 1, "{mapping:?}");
        let found = catalog.mapped_database(catalog.own(), &mapping.v1_database, Some(&mapping.retention_policy));
        assert_eq!(found, Some(mapping.database));
        assert!(catalog.database_by_id(mapping.database).is_some());
    }
    for v1 in ["v", "w"] {
        let defaults: Vec<_> = shown.iter().filter(|mapping| mapping.is_default && mapping.v1_database == v1).collect();
        assert!(defaults.len() <= 1, "{defaults:?}");
        let leads_to = defaults.first().map(|mapping| mapping.database);
        assert_eq!(catalog.mapped_database(catalog.own(), v1, None), leads_to);
    }
    // Over all of them, shown or not, every v1 database has exactly one default.
    let counts: Vec<i64> = sqlx::query_scalar("SELECT sum(is_default) FROM mappings GROUP BY v1_database")
        .fetch_all(&catalog.shared.readers)
        .await
        .unwrap();
    assert!(counts.iter().all(|count| *count == 1), "{counts:?}");
}

async fn run(operations: Vec<Operation>) {
    const DATABASES: [&str; 2] = ["a", "b"];
    let (mut catalog, clock, directory) = fresh().await;
    let databases = [database(&catalog, "a").await, database(&catalog, "b").await];
    let own = catalog.own();
    for (number, operation) in (1..).zip(operations) {
        let result = match operation {
            Operation::Create { database, v1, policy, default, overwrite } => {
                let new = Mapping { is_default: default, ..new_mapping(number, &databases[database], v1, policy) };
                let created = catalog.create_mapping(new, overwrite, SERVER).await;
                if let Ok(mapping) = &created {
                    assert_eq!((mapping.v1_database.as_str(), mapping.retention_policy.as_str()), (v1, policy));
                    assert_eq!(mapping.database, databases[database].id);
                    assert!(mapping.is_default || !default);
                }
                created.map(drop)
            }
            Operation::Update { number, default, policy } => {
                let change = MappingChange { default, retention_policy: policy.map(str::to_owned) };
                let updated = catalog.update_mapping(mapping_id(number), change, SERVER).await;
                if let Ok(mapping) = &updated {
                    assert_eq!(mapping.retention_policy, policy.unwrap_or(&mapping.retention_policy));
                    assert!(mapping.is_default || default != Some(true));
                }
                updated.map(drop)
            }
            Operation::Delete(number) => catalog.delete_mapping(mapping_id(number), SERVER).await.map(drop),
            Operation::DeleteDatabase(at) => catalog.delete_database(own, &name(DATABASES[at]), SERVER).await.map(drop),
            Operation::UndeleteDatabase(at) => {
                let long_ago = Timestamp::from_micros(-1);
                catalog.undelete_database(own, databases[at].id, long_ago, SERVER).await.map(drop)
            }
            Operation::Reopen => {
                catalog.close().await;
                catalog = open(directory.path(), &clock).await.catalog;
                Ok(())
            }
        };
        if let Err(error) = result {
            let expected = matches!(
                error,
                CatalogError::MappingExists { .. }
                    | CatalogError::MappingNotFound
                    | CatalogError::DatabaseNotFound
                    | CatalogError::NotDeleted
            );
            assert!(expected, "{error:?}");
        }
        check(&catalog).await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn mappings_stay_consistent(operations in prop::collection::vec(any_operation(), 1..40)) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(run(operations));
    }
}
