//! From a statement to a physical plan that is safe to run.

mod compact;
mod gate;
mod growth;
mod guard_exec;
mod guarded_filter;
mod interrupt;
mod physical;

pub(crate) use interrupt::{Interruptible, InterruptiblePhysical};

use crate::functions::Functions;
use crate::gap_fill::physical_planner;
use crate::guard::QueryGuard;
use datafusion::error::Result;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::PhysicalPlanner;
use datafusion::sql::parser::Statement;
use std::sync::Arc;

/// Plans a statement that [`crate::statement::prepare`] has let through. The session's batch size is set on the way.
pub(crate) async fn plan(
    state: &mut SessionState,
    statement: Statement,
    functions: &Functions,
    guard: &Arc<QueryGuard>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let plan = state.statement_to_plan(statement).await?;
    SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false).verify_plan(&plan)?;
    let plan = gate::replace_functions(plan, functions)?;
    gate::inspect(&plan, false)?;
    growth::check(&plan)?;
    if let LogicalPlan::Explain(explain) = &plan {
        // EXPLAIN would answer with the text of an error instead of failing.
        optimize(state, &explain.plan, functions)?;
    }
    let (plan, census) = optimize(state, &plan, functions)?;
    *state.config_mut() = state.config().clone().with_batch_size(physical::batch_rows(census));
    guard.check()?;
    let physical = physical_planner().create_physical_plan(&plan, state).await?;
    guard.start_running(census.growing_calls, state.config().target_partitions());
    physical::guard(physical, guard, census)
}

fn optimize(state: &SessionState, plan: &LogicalPlan, functions: &Functions) -> Result<(LogicalPlan, gate::Census)> {
    let optimized = gate::replace_functions(state.optimize(plan)?, functions)?;
    let census = gate::inspect(&optimized, true)?;
    Ok((optimized, census))
}
