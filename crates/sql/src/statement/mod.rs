//! Which statements may run at all. Parsing comes first, so that nothing refused is ever planned.

mod complexity;
mod parameters;
mod shape;

use crate::Parameter;
use datafusion::error::DataFusionError;
use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast::{SetExpr, Statement as Sql};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::Tokenizer;

/// How deep brackets, subqueries and operators with an operand on the right may nest.
const MAX_NESTING: usize = 50;

const ALLOWED: &str = "only SELECT, WITH, VALUES, SHOW TABLES, SHOW COLUMNS, EXPLAIN and DESCRIBE are allowed";

/// Parses the one statement of `sql` and binds its parameters. The error says what is wrong or what is allowed.
pub(crate) fn prepare(sql: &str, parameters: &[(String, Parameter)], max_bytes: usize) -> Result<Statement, String> {
    let size = parameters.iter().map(|(name, value)| name.len() + value.size()).fold(sql.len(), usize::saturating_add);
    if size > max_bytes {
        return Err(format!("the statement and its parameters have {size} bytes; at most {max_bytes} are allowed"));
    }
    let mut statement = parse(sql)?;
    allow(&mut statement, parameters)?;
    Ok(statement)
}

fn parse(sql: &str) -> Result<Statement, String> {
    let dialect = GenericDialect {};
    let tokens = Tokenizer::new(&dialect, sql).tokenize().map_err(|error| format!("sql parser error: {error}"))?;
    complexity::check(&tokens)?;
    drop(tokens);
    let mut statements = DFParserBuilder::new(sql)
        .with_dialect(&dialect)
        .with_recursion_limit(MAX_NESTING)
        .build()
        .and_then(|mut parser| parser.parse_statements())
        .map_err(|error| match error {
            DataFusionError::SQL(error, _) => error.to_string(),
            other => other.strip_backtrace(),
        })?;
    match (statements.pop_front(), statements.is_empty()) {
        (Some(statement), true) => Ok(statement),
        (None, _) => Err("there is no SQL statement to run".into()),
        (Some(_), false) => Err("exactly one SQL statement is allowed".into()),
    }
}

fn allow(statement: &mut Statement, parameters: &[(String, Parameter)]) -> Result<(), String> {
    match statement {
        Statement::Explain(explain) => {
            if explain.options.verbose {
                return Err("EXPLAIN VERBOSE is not allowed; use EXPLAIN or EXPLAIN ANALYZE".into());
            }
            match explain.statement.as_mut() {
                Statement::Statement(inner) if matches!(inner.as_ref(), Sql::Query(_)) => allow_sql(inner, parameters),
                _ => Err("EXPLAIN works on SELECT, WITH and VALUES only".into()),
            }
        }
        Statement::Statement(inner) => allow_sql(inner, parameters),
        Statement::CreateExternalTable(_) => Err(format!("CREATE EXTERNAL TABLE is not allowed: {ALLOWED}")),
        Statement::CopyTo(_) => Err(format!("COPY is not allowed: {ALLOWED}")),
        Statement::Reset(_) => Err(format!("RESET is not allowed: {ALLOWED}")),
    }
}

fn allow_sql(statement: &mut Sql, parameters: &[(String, Parameter)]) -> Result<(), String> {
    match statement {
        Sql::Query(query) => {
            if matches!(
                query.body.as_ref(),
                SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_)
            ) {
                return Err(format!("a query cannot change data: {ALLOWED}"));
            }
        }
        Sql::ShowTables { .. } | Sql::ShowColumns { .. } | Sql::ExplainTable { .. } => {}
        Sql::ShowVariable { .. } | Sql::ShowVariables { .. } | Sql::ShowStatus { .. } => {
            return Err(format!("settings cannot be read: {ALLOWED}"));
        }
        _ => return Err(format!("this statement is not allowed: {ALLOWED}")),
    }
    shape::check(statement)?;
    parameters::bind(statement, parameters)
}

#[cfg(test)]
mod tests;
