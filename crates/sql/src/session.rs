//! What all sessions share, and the session of one query.

use crate::catalog::{CATALOG, OneDatabase, SCHEMA};
use crate::error::SqlError;
use crate::functions::Functions;
use crate::gap_fill::GapFillRule;
use crate::guard::{GuardExtension, QueryGuard};
use crate::plan::{Interruptible, InterruptiblePhysical};
use datafusion::catalog::SchemaProvider;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::config::SessionConfig;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::MemoryPool;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::ScalarUDF;
use datafusion::optimizer::{Optimizer, OptimizerRule};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use std::sync::{Arc, OnceLock};

/// The template, built when the first query needs it: a server that is only written to does without.
pub(crate) struct LazyTemplate {
    extra: Vec<Arc<ScalarUDF>>,
    threads: usize,
    built: OnceLock<Result<Template, SqlError>>,
}

impl LazyTemplate {
    /// Nothing yet. `extra` functions are offered, unmeasured, beside the built-in ones.
    pub(crate) fn new(extra: Vec<Arc<ScalarUDF>>, threads: usize) -> Self {
        Self { extra, threads, built: OnceLock::new() }
    }

    pub(crate) fn get(&self) -> Result<&Template, SqlError> {
        let build = || Template::new(Functions::new(self.extra.clone()), self.threads);
        self.built.get_or_init(build).as_ref().map_err(SqlError::clone)
    }
}

impl std::fmt::Debug for LazyTemplate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LazyTemplate").field("is_built", &self.built.get().is_some()).finish_non_exhaustive()
    }
}

/// Built once: functions, rules, the environment without disk and files.
pub(crate) struct Template {
    pub(crate) functions: Functions,
    state: SessionState,
    environment: Arc<RuntimeEnv>,
}

impl Template {
    pub(crate) fn new(functions: Functions, threads: usize) -> Result<Self, SqlError> {
        let environment = environment().map_err(|_| SqlError::Internal("the query engine cannot start".into()))?;
        let gap_fill: Arc<dyn OptimizerRule + Send + Sync> = Arc::new(GapFillRule);
        let optimizer = std::iter::once(gap_fill).chain(Optimizer::new().rules);
        let optimizer = optimizer.map(|rule| Arc::new(Interruptible(rule)) as Arc<dyn OptimizerRule + Send + Sync>);
        let physical = PhysicalOptimizer::new()
            .rules
            .into_iter()
            .map(|rule| Arc::new(InterruptiblePhysical(rule)) as Arc<dyn PhysicalOptimizerRule + Send + Sync>);
        let state = SessionStateBuilder::new()
            .with_config(config(threads))
            .with_runtime_env(Arc::clone(&environment))
            .with_optimizer_rules(optimizer.collect())
            .with_physical_optimizer_rules(physical.collect())
            .with_expr_planners(functions.planners.clone())
            .with_scalar_functions(functions.scalar.clone())
            .with_aggregate_functions(functions.aggregate.clone())
            .with_window_functions(functions.window.clone())
            .with_table_functions(functions.table.clone())
            .build();
        Ok(Self { functions, state, environment })
    }

    /// A session that sees `tables` and nothing else.
    pub(crate) fn session(&self, tables: Arc<dyn SchemaProvider>, guard: &Arc<QueryGuard>) -> SessionState {
        let mut config = self.state.config().clone();
        config.options_mut().extensions.insert(GuardExtension(Arc::clone(guard)));
        let environment = RuntimeEnv {
            memory_pool: Arc::clone(&guard.pool) as Arc<dyn MemoryPool>,
            ..self.environment.as_ref().clone()
        };
        let mut state = SessionStateBuilder::new_from_existing(self.state.clone())
            .with_config(config)
            .with_runtime_env(Arc::new(environment))
            .with_catalog_list(Arc::new(OneDatabase::new(tables)))
            .build();
        state.mark_start_execution();
        state
    }
}

fn config(threads: usize) -> SessionConfig {
    let mut config = SessionConfig::new()
        .with_create_default_catalog_and_schema(false)
        .with_default_catalog_and_schema(CATALOG, SCHEMA)
        .with_information_schema(false)
        .with_target_partitions(threads);
    config.options_mut().optimizer.skip_failed_rules = false;
    config
}

fn environment() -> datafusion::error::Result<Arc<RuntimeEnv>> {
    let no_disk = DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled);
    let environment = RuntimeEnvBuilder::new().with_disk_manager_builder(no_disk).build_arc()?;
    environment.deregister_object_store(ObjectStoreUrl::local_filesystem().as_ref())?;
    Ok(environment)
}
