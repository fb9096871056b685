//! From the logical to the physical operator.

use super::exec::GapFillExec;
use super::node::GapFill;
use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::internal_err;
use datafusion::error::Result;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{LogicalPlan, UserDefinedLogicalNode, UserDefinedLogicalNodeCore};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{DefaultPhysicalPlanner, ExtensionPlanner, PhysicalPlanner};
use std::sync::Arc;

/// Plans what DataFusion plans, and this operator.
pub(crate) fn physical_planner() -> DefaultPhysicalPlanner {
    DefaultPhysicalPlanner::with_extension_planners(vec![Arc::new(GapFillPlanner)])
}

struct GapFillPlanner;

#[async_trait]
impl ExtensionPlanner for GapFillPlanner {
    async fn plan_extension(
        &self,
        _planner: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _logical_inputs: &[&LogicalPlan],
        physical_inputs: &[Arc<dyn ExecutionPlan>],
        _session: &dyn Session,
        _planning_ctx: &PhysicalPlanningContext,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let Some(node) = GapFill::of(node) else { return Ok(None) };
        let [input] = physical_inputs else { return internal_err!("GapFill needs one input") };
        let schema = Arc::clone(UserDefinedLogicalNodeCore::schema(node).inner());
        let exec = GapFillExec::new(Arc::clone(input), node.fills.clone(), Arc::clone(&node.bins), schema)?;
        Ok(Some(Arc::new(exec)))
    }
}
