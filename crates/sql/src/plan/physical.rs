//! Puts guards into a physical plan.

use super::gate::Census;
use super::guard_exec::{Bounds, GuardExec, Use};
use super::guarded_filter::GuardedFilter;
use crate::gap_fill::GapFillExec;
use crate::guard::QueryGuard;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::joins::utils::JoinFilter;
use datafusion::physical_plan::joins::{
    CrossJoinExec, HashJoinExec, NestedLoopJoinExec, NestedLoopJoinExecBuilder, SortMergeJoinExec,
};
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::scalar_subquery::ScalarSubqueryExec;
use datafusion::physical_plan::unnest::UnnestExec;
use datafusion::physical_plan::windows::{BoundedWindowAggExec, WindowAggExec};
use datafusion::physical_plan::{ChildrenPropertiesMode, ExecutionPlan, ReplaceChildrenOptions};
use std::sync::Arc;

/// Rows of a batch in a query that repeats rows or calls many growing functions.
const FEW_ROWS: usize = 1024;
/// Rows of a batch otherwise.
const MANY_ROWS: usize = 8192;
/// The fewest rows, for the sake of long constants.
const FEWEST_ROWS: usize = 16;
/// From this many growing calls on, batches are small, so that each call has more room for each row.
const MANY_CALLS: usize = 8;
/// Bytes that the long constants of a plan may take when repeated for every row of a batch.
const CONSTANT_BYTES: u64 = 16 << 20;

/// How many rows a batch may have.
pub(super) fn batch_rows(census: Census) -> usize {
    let rows = if census.repeats_rows || census.growing_calls > MANY_CALLS { FEW_ROWS } else { MANY_ROWS };
    let fit = CONSTANT_BYTES.checked_div(census.constant_bytes).and_then(|fit| usize::try_from(fit).ok());
    fit.map_or(rows, |fit| fit.clamp(FEWEST_ROWS, rows))
}

/// Guards every place from which rows come, and every condition of a join.
pub(super) fn guard(
    plan: Arc<dyn ExecutionPlan>,
    guard: &Arc<QueryGuard>,
    census: Census,
) -> Result<Arc<dyn ExecutionPlan>> {
    let guards = Guards { guard, census };
    let plan = plan.transform_up(|node| guards.guard_node(node))?.data;
    Ok(guards.wrap(&plan, Use::Pass))
}

struct Guards<'a> {
    guard: &'a Arc<QueryGuard>,
    census: Census,
}

impl Guards<'_> {
    fn guard_node(&self, node: Arc<dyn ExecutionPlan>) -> Result<Transformed<Arc<dyn ExecutionPlan>>> {
        let node = self.guard_condition(node)?;
        let children = node.children();
        if children.is_empty() {
            return Ok(Transformed::no(node));
        }
        let guarded: Vec<_> = children
            .into_iter()
            .enumerate()
            .map(|(index, child)| match use_of(node.as_ref(), index) {
                Use::Pass if !makes_rows(child.as_ref()) => Arc::clone(child),
                purpose => self.wrap(child, purpose),
            })
            .collect();
        let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Keep);
        Ok(Transformed::yes(node.replace_children(guarded, options)?))
    }

    fn wrap(&self, child: &Arc<dyn ExecutionPlan>, purpose: Use) -> Arc<dyn ExecutionPlan> {
        let bounds = Bounds::new(batch_rows(self.census), purpose, self.census.matches_patterns);
        Arc::new(GuardExec::new(Arc::clone(child), Arc::clone(self.guard), purpose, bounds))
    }

    fn guard_condition(&self, node: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
        if let Some(join) = node.downcast_ref::<NestedLoopJoinExec>()
            && let Some(filter) = join.filter()
        {
            let (left, right) = (Arc::clone(join.left()), Arc::clone(join.right()));
            let guarded = NestedLoopJoinExecBuilder::new(left, right, *join.join_type())
                .with_projection_ref(join.projection().clone())
                .with_filter(Some(self.guard_filter(filter)))
                .build()?;
            return Ok(Arc::new(guarded));
        }
        if let Some(join) = node.downcast_ref::<HashJoinExec>()
            && let Some(filter) = join.filter()
        {
            return join.builder().with_filter(Some(self.guard_filter(filter))).build_exec();
        }
        Ok(node)
    }

    fn guard_filter(&self, filter: &JoinFilter) -> JoinFilter {
        let condition = GuardedFilter::new(Arc::clone(filter.expression()), Arc::clone(self.guard));
        JoinFilter::new(Arc::new(condition), filter.column_indices().to_vec(), Arc::clone(filter.schema()))
    }
}

fn use_of(node: &dyn ExecutionPlan, child: usize) -> Use {
    if is_join(node) || (node.is::<ScalarSubqueryExec>() && child > 0) {
        Use::Repeat
    } else if node.is::<UnnestExec>() {
        Use::Unnest
    } else if node.is::<WindowAggExec>() || node.is::<BoundedWindowAggExec>() {
        Use::Keep
    } else {
        Use::Pass
    }
}

fn is_join(node: &dyn ExecutionPlan) -> bool {
    node.is::<HashJoinExec>()
        || node.is::<NestedLoopJoinExec>()
        || node.is::<CrossJoinExec>()
        || node.is::<SortMergeJoinExec>()
}

fn makes_rows(node: &dyn ExecutionPlan) -> bool {
    node.children().is_empty()
        || is_join(node)
        || node.is::<UnnestExec>()
        || node.is::<GapFillExec>()
        || node.is::<ProjectionExec>()
        || node.is::<AggregateExec>()
        || node.is::<WindowAggExec>()
        || node.is::<BoundedWindowAggExec>()
}
