//! Finds the functions that ask for gaps to be filled, and plans that.

use super::bounds::time_range;
use super::functions::Marker;
use super::node::{Fill, GapFill};
use crate::error::Refusal;
use crate::functions::time::bins::Run;
use crate::functions::time::{bins_of, date_bin_wallclock};
use crate::guard::guard_of;
use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, ScalarValue, internal_err, plan_datafusion_err, plan_err};
use datafusion::error::{DataFusionError, Result};
use datafusion::functions::datetime::date_bin;
use datafusion::logical_expr::expr::{AggregateFunction, ScalarFunction};
use datafusion::logical_expr::expr_rewriter::{NamePreserver, unalias};
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{Aggregate, Expr, ExprSchemable, Filter, LogicalPlan, Projection};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};
use std::sync::Arc;

/// Goes before all other rules, so that plans still have the shape of the query.
#[derive(Debug)]
pub(crate) struct GapFillRule;

impl OptimizerRule for GapFillRule {
    fn name(&self) -> &'static str {
        "gap_fill"
    }

    fn rewrite(&self, plan: LogicalPlan, config: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        if first_marker(&plan)?.is_none() {
            return Ok(Transformed::no(plan));
        }
        let max_rows = guard_of(&config.options()).map_or(u64::MAX, |guard| guard.max_rows());
        let rewriter = Rewriter { constants: Constants::new(config), max_rows };
        let plan = plan.transform_up_with_subqueries(|node| rewriter.rewrite(node))?;
        match first_marker(&plan.data)? {
            Some(marker) => Err(marker.misplaced()),
            None => Ok(plan),
        }
    }
}

fn first_marker(plan: &LogicalPlan) -> Result<Option<Marker>> {
    let mut found = None;
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            found = found.or(markers(expr)?.first().copied());
            Ok(if found.is_some() { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
        })
    })?;
    Ok(found)
}

fn markers(expr: &Expr) -> Result<Vec<Marker>> {
    let mut found = Vec::new();
    expr.apply(|expr| {
        found.extend(Marker::of_expr(expr));
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(found)
}

/// Computes constant expressions.
pub(super) struct Constants {
    simplifier: ExprSimplifier,
}

impl Constants {
    fn new(config: &dyn OptimizerConfig) -> Self {
        let context = SimplifyContext::builder()
            .with_schema(Arc::new(DFSchema::empty()))
            .with_config_options(config.options())
            .with_query_execution_start_time(config.query_execution_start_time())
            .build();
        Self { simplifier: ExprSimplifier::new(context) }
    }

    /// The value of an expression, if that depends on no row.
    pub(super) fn value(&self, expr: &Expr) -> Result<Option<ScalarValue>> {
        let is_variable = expr.exists(|expr| {
            Ok(matches!(
                expr,
                Expr::Column(_)
                    | Expr::OuterReferenceColumn(..)
                    | Expr::ScalarSubquery(_)
                    | Expr::InSubquery(_)
                    | Expr::Exists(_)
                    | Expr::SetComparison(_)
            ))
        })?;
        if is_variable {
            return Ok(None);
        }
        Ok(match self.simplifier.simplify(expr.clone())? {
            Expr::Literal(value, _) => Some(value),
            _ => None,
        })
    }
}

struct Rewriter {
    constants: Constants,
    max_rows: u64,
}

impl Rewriter {
    fn rewrite(&self, node: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
        match node {
            LogicalPlan::Aggregate(aggregate) => self.rewrite_aggregate(aggregate),
            LogicalPlan::Projection(projection) => rewrite_projection(projection),
            other => Ok(Transformed::no(other)),
        }
    }

    /// Replaces the bins of a GROUP BY by plain ones and fills the gaps between the groups.
    fn rewrite_aggregate(&self, mut aggregate: Aggregate) -> Result<Transformed<LogicalPlan>> {
        let mut found = Vec::new();
        for (index, group) in aggregate.group_expr.iter().enumerate() {
            let bins = markers(group)?.into_iter().filter(|marker| marker.is_bin());
            found.extend(bins.map(|marker| (index, marker)));
        }
        let (index, marker) = match found.as_slice() {
            [] => return Ok(Transformed::no(LogicalPlan::Aggregate(aggregate))),
            [one] => *one,
            [(_, marker), ..] => return plan_err!("{} specified more than once", marker.name().to_uppercase()),
        };
        let Some(group) = aggregate.group_expr.get_mut(index) else {
            return internal_err!("GROUP BY lacks an expression");
        };
        let name = NamePreserver::new_for_projection().save(group);
        let Expr::ScalarFunction(call) = unalias(group.clone()) else { return Err(not_on_top(marker)) };
        if Marker::of(&call) != Some(marker) {
            return Err(not_on_top(marker));
        }
        let bins = self.bins(marker, &call, &aggregate.input)?;
        let plain = if marker == Marker::Bin { date_bin() } else { date_bin_wallclock() };
        *group = name.restore(plain.call(call.args));
        let mut fills = vec![Fill::Key; aggregate.group_expr.len()];
        if let Some(fill) = fills.get_mut(index) {
            *fill = Fill::Time;
        }
        for aggregate_expr in &aggregate.aggr_expr {
            fills.push(default_fill(aggregate_expr)?);
        }
        let plain = Aggregate::try_new(aggregate.input, aggregate.group_expr, aggregate.aggr_expr)?;
        let filled = GapFill::new(LogicalPlan::Aggregate(plain), fills, Arc::new(bins))?;
        Ok(Transformed::yes(filled.into_plan()))
    }

    /// All bins of the time range that the query asks for.
    fn bins(&self, marker: Marker, call: &ScalarFunction, input: &LogicalPlan) -> Result<Vec<Run>> {
        let [interval, time, origin @ ..] = call.args.as_slice() else {
            return internal_err!("`{}` lacks arguments", marker.name());
        };
        let Some(column) = source_column(time) else {
            return plan_err!("{} requires a column as the source argument", marker.name().to_uppercase());
        };
        let (from, to) = time_range(input, column, &self.constants)?;
        let interval = self.constants.value(interval)?;
        let data_type = match marker {
            Marker::WallclockBin => time.get_type(input.schema())?,
            _ => DataType::Timestamp(TimeUnit::Nanosecond, None),
        };
        let origin = match origin.first() {
            Some(origin) => Some(self.constants.value(origin)?.unwrap_or(ScalarValue::Null)),
            None => None,
        };
        let bins = bins_of(marker.name(), interval.as_ref(), &data_type, origin.as_ref())?;
        let runs = if from > to { Vec::new() } else { bins.between(from, to)? };
        let count = runs.iter().map(|run| run.count).fold(0, u64::saturating_add);
        if count > self.max_rows {
            return Err(Refusal::limit(format!(
                "the time range has {count} bins, more than the {} rows that a result may have; use longer bins or a \
                 shorter time range",
                self.max_rows
            )));
        }
        Ok(runs)
    }
}

fn not_on_top(marker: Marker) -> DataFusionError {
    plan_datafusion_err!(
        "{} must be a top-level expression in the GROUP BY clause when gap filling. It cannot be part of another \
         expression or cast",
        marker.name().to_uppercase()
    )
}

/// The column whose times are binned, maybe shown in another zone.
fn source_column(time: &Expr) -> Option<&Column> {
    match time {
        Expr::Column(column) => Some(column),
        Expr::ScalarFunction(call) if call.func.name() == "tz" => call.args.first().and_then(source_column),
        _ => None,
    }
}

/// What an aggregate gives for no rows at all.
fn default_fill(expr: &Expr) -> Result<Fill> {
    match unalias(expr.clone()) {
        Expr::AggregateFunction(AggregateFunction { func, .. }) if func.name() == "count" => {
            Ok(Fill::Constant(ScalarValue::Int64(Some(0))))
        }
        _ => Ok(Fill::Constant(ScalarValue::Null)),
    }
}

/// Takes `locf` and `interpolate` out of a SELECT list, and lets the operator below compute them.
fn rewrite_projection(projection: Projection) -> Result<Transformed<LogicalPlan>> {
    let mut asks = false;
    for expr in &projection.expr {
        asks |= markers(expr)?.into_iter().any(|marker| !marker.is_bin());
    }
    let gap_fill = if asks { gap_fill_below(&projection.input) } else { None };
    let Some(gap_fill) = gap_fill else { return Ok(Transformed::no(LogicalPlan::Projection(projection))) };
    let mut columns = FilledColumns { gap_fill, sources: Vec::new(), fills: Vec::new(), names: Vec::new() };
    let mut selected = Vec::new();
    for expr in projection.expr {
        let name = NamePreserver::new_for_projection().save(&expr);
        selected.push(name.restore(columns.take_out(expr)?));
    }
    let filled = columns.plan()?;
    let input = replace_below(&projection.input, filled)?;
    Ok(Transformed::yes(LogicalPlan::Projection(Projection::try_new(selected, Arc::new(input))?)))
}

/// The operator that a HAVING may stand between.
fn gap_fill_below(plan: &LogicalPlan) -> Option<GapFill> {
    match plan {
        LogicalPlan::Filter(filter) => gap_fill_below(&filter.input),
        LogicalPlan::Extension(extension) => GapFill::of(extension.node.as_ref()).cloned(),
        _ => None,
    }
}

fn replace_below(plan: &LogicalPlan, filled: LogicalPlan) -> Result<LogicalPlan> {
    match plan {
        LogicalPlan::Filter(filter) => {
            let input = Arc::new(replace_below(&filter.input, filled)?);
            Ok(LogicalPlan::Filter(Filter::try_new(filter.predicate.clone(), input)?))
        }
        _ => Ok(filled),
    }
}

/// What `locf` and `interpolate` are asked for, as further columns of the operator.
struct FilledColumns {
    gap_fill: GapFill,
    sources: Vec<Expr>,
    fills: Vec<Fill>,
    names: Vec<String>,
}

impl FilledColumns {
    /// Replaces each call by the column that will hold its results.
    fn take_out(&mut self, expr: Expr) -> Result<Expr> {
        expr.transform_down(|expr| {
            let Some(marker) = Marker::of_expr(&expr).filter(|marker| !marker.is_bin()) else {
                return Ok(Transformed::no(expr));
            };
            let name = expr.schema_name().to_string();
            let result = expr.get_type(self.gap_fill.input.schema())?;
            let Expr::ScalarFunction(call) = expr else { return internal_err!("a function must be called") };
            let Some(source) = call.args.into_iter().next().filter(|source| self.is_aggregate(source)) else {
                return plan_err!("{} must be called on an aggregate column in a gap-filling query", marker.name());
            };
            if !self.names.contains(&name) {
                let fill = if marker == Marker::Linear { Fill::Linear } else { Fill::Previous };
                self.sources.push(source.cast_to(&result, self.gap_fill.input.schema())?.alias(name.clone()));
                self.fills.push(fill);
                self.names.push(name.clone());
            }
            Ok(Transformed::yes(Expr::Column(Column::new_unqualified(name))))
        })
        .data()
    }

    /// Whether an expression is an aggregate, or a field of one.
    fn is_aggregate(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Column(column) => {
                let index = self.gap_fill.input.schema().maybe_index_of_column(column);
                index
                    .and_then(|index| self.gap_fill.fills.get(index))
                    .is_some_and(|fill| matches!(fill, Fill::Constant(_)))
            }
            Expr::Alias(alias) => self.is_aggregate(&alias.expr),
            Expr::ScalarFunction(call) if call.func.name() == "get_field" => {
                call.args.first().is_some_and(|value| self.is_aggregate(value))
            }
            _ => false,
        }
    }

    fn plan(self) -> Result<LogicalPlan> {
        let GapFill { input, mut fills, bins, .. } = self.gap_fill;
        let columns = input.schema().iter().map(|field| Expr::Column(Column::from(field)));
        let columns: Vec<Expr> = columns.chain(self.sources).collect();
        fills.extend(self.fills);
        let input = LogicalPlan::Projection(Projection::try_new(columns, Arc::new(input))?);
        Ok(GapFill::new(input, fills, bins)?.into_plan())
    }
}
