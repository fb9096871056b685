//! The last word on a logical plan: every function is one on offer, and nothing in it can grow without measure.

use crate::error::Refusal;
use crate::functions::{Functions, is_growing, scalar_size};
use crate::gap_fill::is_gap_fill;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{AggregateFunction, GroupingSet, WindowFunctionDefinition};
use datafusion::logical_expr::{Expr, LogicalPlan, Operator};
use std::sync::Arc;

/// The most elements of a fixed-size type.
const MAX_FIXED_SIZE: i32 = 1024;
/// The most grouping sets of one GROUP BY.
const MAX_GROUPING_SETS: usize = 64;
/// The most centroids of an approximate percentile.
const MAX_CENTROIDS: f64 = 10_000.0;
/// The longest pattern of LIKE, SIMILAR TO and the regular expression operators and functions, bytes.
const MAX_PATTERN: u64 = 4096;
/// The largest compiled pattern, bytes: matching takes time by this size.
const MAX_COMPILED_PATTERN: usize = 64 << 10;
/// Constants up to this size are not worth counting: they cost a batch less than a megabyte.
const SHORT_CONSTANT: u64 = 128;
/// The most bytes of longer constants in a plan.
const MAX_CONSTANTS: u64 = 1 << 20;

/// The most expressions of one ORDER BY, GROUP BY or set of windows: planning compares each with each.
const MAX_KEYS: usize = 256;
/// The most columns of any part of a plan.
const MAX_COLUMNS: usize = 4096;

/// What the rest of planning needs to know about a plan.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Census {
    /// Calls of growing functions.
    pub(crate) growing_calls: usize,
    /// Bytes of long constants: each can be repeated for every row of a batch.
    pub(crate) constant_bytes: u64,
    /// Whether rows are repeated: by joins, subqueries, unnesting.
    pub(crate) repeats_rows: bool,
    /// Whether patterns are matched.
    pub(crate) matches_patterns: bool,
}

/// Replaces every function by the one on offer under its name: DataFusion's planners and rules use their own copies.
pub(super) fn replace_functions(plan: LogicalPlan, functions: &Functions) -> Result<LogicalPlan> {
    let replaced = plan.transform_down_with_subqueries(|node| {
        node.map_expressions(|expr| {
            expr.transform_down(|expr| match expr {
                Expr::ScalarFunction(mut call) => {
                    let Some(offered) = functions.scalar(call.func.name()) else {
                        return Err(Refusal::invalid(format!("function `{}` is not available", call.func.name())));
                    };
                    if Arc::ptr_eq(offered, &call.func) {
                        return Ok(Transformed::no(Expr::ScalarFunction(call)));
                    }
                    call.func = Arc::clone(offered);
                    Ok(Transformed::yes(Expr::ScalarFunction(call)))
                }
                Expr::HigherOrderFunction(_) | Expr::Lambda(_) => {
                    Err(Refusal::invalid("functions with a lambda are not available"))
                }
                other => Ok(Transformed::no(other)),
            })
        })
    })?;
    Ok(replaced.data)
}

/// Checks every node and expression. `optimized` plans must have constant patterns: constants are folded by then.
pub(super) fn inspect(plan: &LogicalPlan, optimized: bool) -> Result<Census> {
    let mut census = Census::default();
    plan.apply_with_subqueries(|node| {
        inspect_node(node, &mut census)?;
        let window = matches!(node, LogicalPlan::Window(_));
        node.apply_expressions(|expr| {
            expr.apply(|expr| {
                inspect_expr(expr, optimized, window, &mut census)?;
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    if census.constant_bytes > MAX_CONSTANTS {
        return Err(Refusal::limit(format!(
            "the statement uses more than {} KiB of long constants; use shorter ones, or each of them less often",
            MAX_CONSTANTS >> 10
        )));
    }
    Ok(census)
}

fn inspect_node(node: &LogicalPlan, census: &mut Census) -> Result<()> {
    if node.schema().fields().len() > MAX_COLUMNS {
        return Err(Refusal::limit(format!("a query may have at most {MAX_COLUMNS} columns")));
    }
    let keys = match node {
        LogicalPlan::Sort(sort) => sort.expr.len(),
        LogicalPlan::Aggregate(aggregate) => aggregate.group_expr.len(),
        LogicalPlan::Window(window) => window.window_expr.len(),
        _ => 0,
    };
    if keys > MAX_KEYS {
        return Err(Refusal::limit(format!(
            "ORDER BY, GROUP BY and OVER may have at most {MAX_KEYS} expressions each"
        )));
    }
    match node {
        LogicalPlan::Extension(extension) if is_gap_fill(extension) => Ok(()),
        LogicalPlan::Dml(_)
        | LogicalPlan::Ddl(_)
        | LogicalPlan::Copy(_)
        | LogicalPlan::Statement(_)
        | LogicalPlan::RecursiveQuery(_)
        | LogicalPlan::Extension(_) => Err(Refusal::invalid("this kind of statement is not allowed")),
        LogicalPlan::Join(_) | LogicalPlan::Unnest(_) | LogicalPlan::Subquery(_) => {
            census.repeats_rows = true;
            Ok(())
        }
        _ => Ok(()),
    }
}

fn inspect_expr(expr: &Expr, optimized: bool, window: bool, census: &mut Census) -> Result<()> {
    match expr {
        Expr::Literal(value, _) => inspect_constant(value, window, census),
        Expr::Cast(cast) => check_type(cast.field.data_type()),
        Expr::TryCast(cast) => check_type(cast.field.data_type()),
        Expr::ScalarFunction(call) => {
            if is_growing(&call.func) {
                census.growing_calls += 1;
            }
            if let ("arrow_cast" | "arrow_try_cast", Some(Expr::Literal(name, _))) =
                (call.func.name(), call.args.get(1))
            {
                return check_type_name(name);
            }
            if let (
                "regexp_like" | "regexp_match" | "regexp_count" | "regexp_instr" | "regexp_replace",
                Some(pattern),
            ) = (call.func.name(), call.args.get(1))
            {
                return inspect_pattern(pattern, true, optimized, census);
            }
            Ok(())
        }
        Expr::BinaryExpr(binary) => match binary.op {
            Operator::RegexMatch | Operator::RegexIMatch | Operator::RegexNotMatch | Operator::RegexNotIMatch => {
                inspect_pattern(&binary.right, true, optimized, census)
            }
            Operator::LikeMatch | Operator::ILikeMatch | Operator::NotLikeMatch | Operator::NotILikeMatch => {
                inspect_pattern(&binary.right, false, optimized, census)
            }
            _ => Ok(()),
        },
        Expr::Like(like) => inspect_pattern(&like.pattern, false, optimized, census),
        Expr::SimilarTo(like) => inspect_pattern(&like.pattern, true, optimized, census),
        Expr::AggregateFunction(call) => inspect_aggregate(call),
        Expr::WindowFunction(call) => match &call.fun {
            WindowFunctionDefinition::AggregateUDF(function) if !fits_windows(function.name()) => {
                Err(Refusal::invalid(format!("`{}` cannot be used with OVER; use it with GROUP BY", function.name())))
            }
            _ => Ok(()),
        },
        Expr::GroupingSet(sets) if grouping_sets(sets) > MAX_GROUPING_SETS => {
            Err(Refusal::limit(format!("GROUP BY may have at most {MAX_GROUPING_SETS} grouping sets")))
        }
        Expr::ScalarSubquery(_) | Expr::Exists(_) | Expr::InSubquery(_) | Expr::SetComparison(_) => {
            census.repeats_rows = true;
            Ok(())
        }
        _ => Ok(()),
    }
}

fn inspect_constant(value: &ScalarValue, window: bool, census: &mut Census) -> Result<()> {
    check_type(&value.data_type())?;
    let size = scalar_size(value)?;
    if size <= SHORT_CONSTANT {
        return Ok(());
    }
    if window {
        return Err(Refusal::limit(format!("a constant in a window may have at most {SHORT_CONSTANT} bytes")));
    }
    census.constant_bytes = census.constant_bytes.saturating_add(size);
    Ok(())
}

/// A null of a fixed-size type takes its full size, so the size may not be just any number.
fn check_type(data_type: &DataType) -> Result<()> {
    match data_type {
        DataType::FixedSizeBinary(size) if *size > MAX_FIXED_SIZE => Err(too_wide()),
        DataType::FixedSizeList(element, size) => {
            if *size > MAX_FIXED_SIZE {
                Err(too_wide())
            } else {
                check_type(element.data_type())
            }
        }
        DataType::List(field)
        | DataType::LargeList(field)
        | DataType::ListView(field)
        | DataType::LargeListView(field)
        | DataType::Map(field, _) => check_type(field.data_type()),
        DataType::Struct(fields) => fields.iter().try_for_each(|field| check_type(field.data_type())),
        DataType::Dictionary(_, value) => check_type(value),
        _ => Ok(()),
    }
}

/// Planning folds casts by name before anything else sees their type.
fn check_type_name(name: &ScalarValue) -> Result<()> {
    let parsed = name.try_as_str().flatten().and_then(|name| name.parse::<DataType>().ok());
    parsed.map_or(Ok(()), |data_type| check_type(&data_type))
}

fn too_wide() -> datafusion::error::DataFusionError {
    Refusal::limit(format!("arrays and binary values of a fixed size are limited to {MAX_FIXED_SIZE} elements"))
}

fn inspect_pattern(pattern: &Expr, regex: bool, optimized: bool, census: &mut Census) -> Result<()> {
    census.matches_patterns = true;
    let text = match pattern {
        Expr::Literal(value, _) => value.try_as_str().flatten(),
        Expr::Cast(cast) => return inspect_pattern(&cast.expr, regex, optimized, census),
        _ if optimized => return Err(Refusal::invalid("a pattern must be a constant or a parameter")),
        _ => None,
    };
    let Some(text) = text else { return Ok(()) };
    if u64::try_from(text.len()).unwrap_or(u64::MAX) > MAX_PATTERN {
        return Err(Refusal::limit(format!("a pattern may have at most {MAX_PATTERN} bytes")));
    }
    if regex {
        regex::RegexBuilder::new(text).size_limit(MAX_COMPILED_PATTERN).build().map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => Refusal::limit("the regular expression is too large; repeat less in it"),
            other => Refusal::invalid(format!("the regular expression is not valid: {other}")),
        })?;
    }
    Ok(())
}

fn inspect_aggregate(call: &AggregateFunction) -> Result<()> {
    let centroids = match call.func.name() {
        "approx_percentile_cont" => call.params.args.get(2),
        "approx_percentile_cont_with_weight" => call.params.args.get(3),
        _ => None,
    };
    let Some(Expr::Literal(value, _)) = centroids else { return Ok(()) };
    let number = value.cast_to(&DataType::Float64)?;
    if matches!(number, ScalarValue::Float64(Some(number)) if number > MAX_CENTROIDS) {
        return Err(Refusal::limit(format!("`{}` may use at most {MAX_CENTROIDS} centroids", call.func.name())));
    }
    Ok(())
}

/// Over a window, each row would hold all that came before it.
fn fits_windows(aggregate: &str) -> bool {
    !matches!(aggregate, "array_agg" | "string_agg")
}

fn grouping_sets(sets: &GroupingSet) -> usize {
    match sets {
        GroupingSet::Rollup(columns) => columns.len().saturating_add(1),
        GroupingSet::Cube(columns) => {
            u32::try_from(columns.len()).ok().and_then(|n| 1usize.checked_shl(n)).unwrap_or(usize::MAX)
        }
        GroupingSet::GroupingSets(sets) => sets.len(),
    }
}
