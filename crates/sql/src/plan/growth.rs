//! How large expressions become when nested projections are folded into one another.
//!
//! The optimizer replaces a column by the expression behind it. With `n` nested queries that each use the previous
//! column twice, that makes an expression of 2ⁿ terms, so the size is computed before anything is replaced.

use crate::error::Refusal;
use crate::functions::scalar_size;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, LogicalPlan};

/// The largest expression, folded, in bytes: each term counts [`TERM`], and constants count their size as well.
const MAX_EXPRESSION: u64 = 4 << 20;
/// What one term costs.
const TERM: u64 = 64;

/// Fails if some expression of the plan would become too large.
pub(super) fn check(plan: &LogicalPlan) -> Result<()> {
    columns(plan).map(|_| ())
}

/// The size of the expression behind each output column.
fn columns(plan: &LogicalPlan) -> Result<Vec<u64>> {
    let inputs = plan.inputs();
    let mut sizes = Vec::new();
    for input in &inputs {
        sizes.push(columns(input)?);
    }
    let width = plan.schema().fields().len();
    let behind = Behind { inputs: &inputs, sizes: &sizes };
    let own = own_sizes(plan, &behind)?;
    let mut subqueries = Ok(());
    plan.apply_subqueries(|subquery| {
        subqueries = columns(subquery).map(|_| ());
        Ok(if subqueries.is_ok() { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
    })?;
    subqueries?;
    Ok(match plan {
        LogicalPlan::Projection(_) | LogicalPlan::Aggregate(_) if own.len() == width => own,
        LogicalPlan::Window(_) => sizes.into_iter().flatten().chain(own).collect(),
        LogicalPlan::Union(_) => {
            let largest =
                |column: usize| sizes.iter().filter_map(|input| input.get(column)).copied().max().unwrap_or(0);
            (0..width).map(largest).collect()
        }
        _ => {
            let joined: Vec<u64> = sizes.iter().flatten().copied().collect();
            if joined.len() == width {
                return Ok(joined);
            }
            let largest = joined.iter().chain(&own).copied().max().unwrap_or(TERM);
            vec![largest; width]
        }
    })
}

fn own_sizes(plan: &LogicalPlan, behind: &Behind<'_>) -> Result<Vec<u64>> {
    let mut own = Vec::new();
    let mut failure = Ok(());
    plan.apply_expressions(|expr| {
        match size(expr, behind) {
            Ok(size) => own.push(size),
            Err(error) => failure = Err(error),
        }
        Ok(if failure.is_ok() { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
    })?;
    failure.map(|()| own)
}

fn size(expr: &Expr, behind: &Behind<'_>) -> Result<u64> {
    let mut sum = 0u64;
    expr.apply(|node| {
        let term = match node {
            Expr::Column(column) => behind.size(column),
            Expr::Literal(value, _) => scalar_size(value)?,
            _ => 0,
        };
        sum = sum.saturating_add(TERM).saturating_add(term);
        Ok(TreeNodeRecursion::Continue)
    })?;
    if sum > MAX_EXPRESSION {
        return Err(Refusal::limit(
            "an expression becomes too large once the queries inside it are put together; use fewer nested queries",
        ));
    }
    Ok(sum)
}

/// What is behind the columns of a node's inputs.
struct Behind<'a> {
    inputs: &'a [&'a LogicalPlan],
    sizes: &'a [Vec<u64>],
}

impl Behind<'_> {
    fn size(&self, column: &Column) -> u64 {
        let find = |schema: &DFSchema| schema.maybe_index_of_column(column);
        let mut inputs = self.inputs.iter().zip(self.sizes);
        inputs
            .find_map(|(input, sizes)| find(input.schema()).and_then(|index| sizes.get(index)))
            .copied()
            .unwrap_or(TERM)
    }
}
