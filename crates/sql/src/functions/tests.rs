use super::*;
use families::Family;
use std::collections::BTreeSet;

fn listed(families: &[Family]) -> BTreeSet<String> {
    let names: Vec<&str> = families.iter().flat_map(|family| family.names).copied().collect();
    let set: BTreeSet<String> = names.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(set.len(), names.len(), "a function is listed twice");
    assert!(families.iter().all(|family| !family.reason.is_empty()));
    set
}

fn registered<'a>(names: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    names.into_iter().map(str::to_owned).collect()
}

#[test]
fn every_function_of_datafusion_is_listed_and_no_other() {
    let scalar = SessionStateDefaults::default_scalar_functions();
    assert_eq!(listed(families::SCALAR), registered(scalar.iter().map(|f| f.name())));
    let aggregate = SessionStateDefaults::default_aggregate_functions();
    assert_eq!(listed(families::AGGREGATE), registered(aggregate.iter().map(|f| f.name())));
    let window = SessionStateDefaults::default_window_functions();
    assert_eq!(listed(families::WINDOW), registered(window.iter().map(|f| f.name())));
    let table = SessionStateDefaults::default_table_functions();
    assert_eq!(listed(families::TABLE), registered(table.iter().map(|f| f.name())));
    let higher = SessionStateDefaults::default_higher_order_functions();
    assert_eq!(listed(families::HIGHER_ORDER), registered(higher.iter().map(|f| f.name())));
}

#[test]
fn refused_functions_are_not_offered() {
    let functions = Functions::new(Vec::new());
    for family in families::SCALAR {
        for name in family.names {
            let offered = functions.scalar(name);
            assert_eq!(offered.is_none(), family.treatment == Treatment::Refused, "{name}");
            let capped = matches!(family.treatment, Treatment::Capped(_));
            assert_eq!(offered.is_some_and(|function| is_growing(function)), capped, "{name}");
        }
    }
}
