//! Which functions a query may call.

mod bounds;
mod capped;
mod concat_operator;
mod families;
mod selectors;
pub(crate) mod series;
pub(crate) mod sizes;
pub(crate) mod time;

pub(crate) use bounds::scalar_size;

use crate::gap_fill;
use capped::Capped;
use concat_operator::{ConcatOperator, ConcatPlanner};
use datafusion::catalog::TableFunction;
use datafusion::execution::SessionStateDefaults;
use datafusion::logical_expr::planner::ExprPlanner;
use datafusion::logical_expr::{AggregateUDF, ScalarUDF, WindowUDF};
use families::Treatment;
use std::collections::HashMap;
use std::sync::Arc;

/// All functions on offer, built once.
#[derive(Debug, Clone)]
pub(crate) struct Functions {
    pub(crate) scalar: Vec<Arc<ScalarUDF>>,
    pub(crate) aggregate: Vec<Arc<AggregateUDF>>,
    pub(crate) window: Vec<Arc<WindowUDF>>,
    pub(crate) table: HashMap<String, Arc<TableFunction>>,
    pub(crate) planners: Vec<Arc<dyn ExprPlanner>>,
    by_name: HashMap<String, Arc<ScalarUDF>>,
}

impl Functions {
    /// The functions on offer and `extra` ones, which are trusted.
    pub(crate) fn new(extra: Vec<Arc<ScalarUDF>>) -> Self {
        let operator = Capped::wrap(Arc::new(ScalarUDF::new_from_impl(ConcatOperator::new())), bounds::Bound::Copies);
        let mut planners = SessionStateDefaults::default_expr_planners();
        planners.push(Arc::new(ConcatPlanner::new(Arc::clone(&operator))));
        let mut scalar: Vec<_> =
            SessionStateDefaults::default_scalar_functions().into_iter().filter_map(offer_scalar).collect();
        scalar.push(operator);
        scalar.extend(time::all());
        scalar.extend(gap_fill::all());
        scalar.extend(extra);
        let by_name = scalar.iter().map(|function| (function.name().to_owned(), Arc::clone(function))).collect();
        let aggregates = SessionStateDefaults::default_aggregate_functions();
        let windows = SessionStateDefaults::default_window_functions();
        Self {
            scalar,
            aggregate: aggregates
                .into_iter()
                .filter(|f| offered(families::AGGREGATE, f.name()))
                .chain(selectors::all())
                .collect(),
            window: windows.into_iter().filter(|f| offered(families::WINDOW, f.name())).collect(),
            table: table_functions(),
            planners,
            by_name,
        }
    }

    /// The function on offer under the name that a function has of its own (not an alias).
    pub(crate) fn scalar(&self, name: &str) -> Option<&Arc<ScalarUDF>> {
        self.by_name.get(name)
    }
}

/// Why a function that DataFusion has is not offered here; nothing for those on offer and for unknown ones.
pub(crate) fn refused(name: &str) -> Option<&'static str> {
    let all = [families::SCALAR, families::AGGREGATE, families::WINDOW, families::TABLE, families::HIGHER_ORDER];
    let mut families = all.into_iter().flatten();
    families
        .find(|family| family.treatment == Treatment::Refused && family.names.contains(&name))
        .map(|family| family.reason)
}

/// Whether calls of this function count as growing ones.
pub(crate) fn is_growing(function: &ScalarUDF) -> bool {
    (function.inner().as_ref() as &dyn std::any::Any).is::<Capped>()
}

fn offer_scalar(function: Arc<ScalarUDF>) -> Option<Arc<ScalarUDF>> {
    match families::treatment(families::SCALAR, function.name())? {
        Treatment::Plain => Some(function),
        Treatment::Capped(bound) => Some(Capped::wrap(function, bound)),
        Treatment::Refused => None,
    }
}

fn offered(families: &[families::Family], name: &str) -> bool {
    families::treatment(families, name).is_some_and(|treatment| treatment != Treatment::Refused)
}

fn table_functions() -> HashMap<String, Arc<TableFunction>> {
    let functions = SessionStateDefaults::default_table_functions().into_iter();
    functions
        .filter(|function| offered(families::TABLE, function.name()))
        .map(|function| (function.name().to_owned(), series::CappedSeries::wrap(function)))
        .collect()
}

#[cfg(test)]
mod tests;
