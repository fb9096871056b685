//! The range of times that the conditions of a query leave.

use super::rule::Constants;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Column, ScalarValue, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::expr_rewriter::unalias;
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{Between, BinaryExpr, Expr, LogicalPlan, Operator};

/// The earliest and the latest time, both included, in nanoseconds since the epoch.
#[derive(Debug, Default, Clone, Copy)]
struct Bounds {
    lower: Option<i64>,
    upper: Option<i64>,
}

impl Bounds {
    fn raise(&mut self, lower: i64) {
        self.lower = Some(self.lower.map_or(lower, |known| known.max(lower)));
    }

    fn lower(&mut self, upper: i64) {
        self.upper = Some(self.upper.map_or(upper, |known| known.min(upper)));
    }

    /// Takes in that `column operator time` holds.
    fn apply(&mut self, operator: Operator, time: i64) {
        match operator {
            Operator::GtEq => self.raise(time),
            Operator::Gt => self.raise(time.saturating_add(1)),
            Operator::LtEq => self.lower(time),
            Operator::Lt => self.lower(time.saturating_sub(1)),
            Operator::Eq => {
                self.raise(time);
                self.lower(time);
            }
            _ => {}
        }
    }
}

/// The bounds that WHERE sets to a column of `plan`.
///
/// # Errors
/// If one of them, or both, are missing.
pub(super) fn time_range(plan: &LogicalPlan, column: &Column, constants: &Constants) -> Result<(i64, i64)> {
    let mut bounds = Bounds::default();
    let (mut plan, mut column) = (plan, column.clone());
    loop {
        match plan {
            LogicalPlan::Filter(filter) => {
                for condition in split_conjunction(&filter.predicate) {
                    add_condition(&mut bounds, condition, &column, constants)?;
                }
                plan = &filter.input;
            }
            LogicalPlan::Sort(sort) => plan = &sort.input,
            LogicalPlan::SubqueryAlias(alias) => {
                let index = alias.schema.index_of_column(&column)?;
                column = Column::from(alias.input.schema().qualified_field(index));
                plan = &alias.input;
            }
            LogicalPlan::Projection(projection) => {
                let index = projection.schema.index_of_column(&column)?;
                match projection.expr.get(index).cloned().map(unalias) {
                    Some(Expr::Column(inner)) => column = inner,
                    _ => break,
                }
                plan = &projection.input;
            }
            _ => break,
        }
    }
    match (bounds.lower, bounds.upper) {
        (Some(lower), Some(upper)) => Ok((lower, upper)),
        (None, Some(_)) => plan_err!("gap-filling query is missing lower time bound"),
        (Some(_), None) => plan_err!("gap-filling query is missing upper time bound"),
        (None, None) => plan_err!("gap-filling query is missing both upper and lower time bounds"),
    }
}

fn add_condition(bounds: &mut Bounds, condition: &Expr, column: &Column, constants: &Constants) -> Result<()> {
    match condition {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            if is_column(left, column) {
                if let Some(time) = instant(right, constants)? {
                    bounds.apply(*op, time);
                }
            } else if is_column(right, column)
                && let Some(op) = op.swap()
                && let Some(time) = instant(left, constants)?
            {
                bounds.apply(op, time);
            }
        }
        Expr::Between(Between { expr, negated: false, low, high }) if is_column(expr, column) => {
            if let Some(time) = instant(low, constants)? {
                bounds.apply(Operator::GtEq, time);
            }
            if let Some(time) = instant(high, constants)? {
                bounds.apply(Operator::LtEq, time);
            }
        }
        _ => {}
    }
    Ok(())
}

/// Whether an expression is this column, maybe with its instants read as those of UTC.
fn is_column(expr: &Expr, column: &Column) -> bool {
    match expr {
        Expr::Column(other) => other == column,
        Expr::Cast(cast) => match cast.field.data_type() {
            DataType::Timestamp(_, zone) => {
                zone.as_deref().is_none_or(|zone| matches!(zone, "+00:00" | "UTC" | "Z"))
                    && is_column(&cast.expr, column)
            }
            _ => false,
        },
        _ => false,
    }
}

/// The instant that a constant is, if the expression is one.
fn instant(expr: &Expr, constants: &Constants) -> Result<Option<i64>> {
    let scale = |time: Option<i64>, factor: i64| time.and_then(|time| time.checked_mul(factor));
    Ok(match constants.value(expr)? {
        Some(ScalarValue::TimestampNanosecond(time, _)) => time,
        Some(ScalarValue::TimestampMicrosecond(time, _)) => scale(time, 1000),
        Some(ScalarValue::TimestampMillisecond(time, _)) => scale(time, 1_000_000),
        Some(ScalarValue::TimestampSecond(time, _)) => scale(time, 1_000_000_000),
        _ => None,
    })
}
