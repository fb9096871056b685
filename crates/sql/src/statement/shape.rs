//! What a syntax tree may contain, and how large the plan made from it can get.

use crate::functions::refused;
use datafusion::sql::sqlparser::ast::{
    ArrayElemTypeDef, DataType, Expr, ObjectName, Query, Select, Statement, TableFactor, Visit, Visitor,
};
use std::collections::HashMap;
use std::ops::ControlFlow;

/// How many tables and subqueries a statement may read, counting a common table expression each time it is used:
/// planning copies it, so that `n` of them, each using the previous one twice, make 2ⁿ copies.
const MAX_RELATIONS: u64 = 128;
/// The most columns of one SELECT: planning compares each with each.
const MAX_COLUMNS: usize = 4096;
/// The longest fixed-size type in a cast: a null of such a type takes its full size.
const MAX_FIXED_SIZE: u64 = 1024;

/// Says what about the statement is refused, if anything.
pub(super) fn check<S: Visit>(statement: &S) -> Result<(), String> {
    let mut shape = Shape { top: true, scopes: Vec::new(), total: 0 };
    if let ControlFlow::Break(reason) = statement.visit(&mut shape) {
        return Err(reason);
    }
    Ok(())
}

/// A query that is being visited.
#[derive(Default)]
struct Scope {
    /// The names of its common table expressions, in order.
    names: Vec<String>,
    /// Weights of those already visited, by name.
    weights: HashMap<String, u64>,
    /// How many of its direct subqueries have been visited; the first ones are its common table expressions.
    visited: usize,
    weight: u64,
}

struct Shape {
    top: bool,
    scopes: Vec<Scope>,
    total: u64,
}

impl Shape {
    fn add(&mut self, weight: u64) -> ControlFlow<String> {
        let sum = match self.scopes.last_mut() {
            Some(scope) => {
                scope.weight = scope.weight.saturating_add(weight);
                scope.weight
            }
            None => {
                self.total = self.total.saturating_add(weight);
                self.total
            }
        };
        if sum > MAX_RELATIONS {
            return ControlFlow::Break(format!(
                "the statement reads more than {MAX_RELATIONS} tables and subqueries, counting a WITH query each time \
                 it is used; split it into smaller ones"
            ));
        }
        ControlFlow::Continue(())
    }

    fn weight_of(&self, name: &str) -> u64 {
        self.scopes.iter().rev().find_map(|scope| scope.weights.get(name)).copied().unwrap_or(1)
    }
}

impl Visitor for Shape {
    type Break = String;

    fn pre_visit_statement(&mut self, _statement: &Statement) -> ControlFlow<String> {
        if std::mem::replace(&mut self.top, false) {
            return ControlFlow::Continue(());
        }
        ControlFlow::Break("a query cannot contain a statement that changes data".into())
    }

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<String> {
        if query.with.as_ref().is_some_and(|with| with.recursive) {
            return ControlFlow::Break("WITH RECURSIVE is not allowed".into());
        }
        if !query.locks.is_empty() {
            return ControlFlow::Break("SELECT … FOR UPDATE or FOR SHARE is not allowed".into());
        }
        let names = query.with.iter().flat_map(|with| &with.cte_tables).map(|cte| fold(&cte.alias.name.value));
        self.scopes.push(Scope { names: names.collect(), weight: 1, ..Scope::default() });
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &Query) -> ControlFlow<String> {
        let weight = self.scopes.pop().map_or(1, |scope| scope.weight);
        if let Some(parent) = self.scopes.last_mut() {
            let index = parent.visited;
            parent.visited += 1;
            if let Some(name) = parent.names.get(index) {
                parent.weights.insert(name.clone(), weight);
                return ControlFlow::Continue(());
            }
        }
        self.add(weight)
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<String> {
        if select.into.is_some() {
            return ControlFlow::Break("SELECT INTO is not allowed".into());
        }
        if select.projection.len() > MAX_COLUMNS {
            return ControlFlow::Break(format!("a query may have at most {MAX_COLUMNS} columns"));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<String> {
        let weight = match relation.0.as_slice() {
            [part] => part.as_ident().map_or(1, |ident| self.weight_of(&fold(&ident.value))),
            _ => 1,
        };
        self.add(weight)
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<String> {
        match factor {
            TableFactor::Table { .. }
            | TableFactor::Derived { .. }
            | TableFactor::NestedJoin { .. }
            | TableFactor::TableFunction { .. }
            | TableFactor::Function { .. }
            | TableFactor::UNNEST { .. } => ControlFlow::Continue(()),
            _ => ControlFlow::Break("this kind of table expression is not allowed".into()),
        }
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<String> {
        match expr {
            Expr::Cast { data_type, .. } if !is_small(data_type) => ControlFlow::Break(format!(
                "arrays and binary values of a fixed size are limited to {MAX_FIXED_SIZE} elements"
            )),
            Expr::Function(call) => {
                let name = fold(&call.name.to_string());
                match refused(&name) {
                    Some(reason) => ControlFlow::Break(format!("function `{name}` is not available: {reason}")),
                    None => ControlFlow::Continue(()),
                }
            }
            _ => ControlFlow::Continue(()),
        }
    }
}

fn fold(name: &str) -> String {
    name.to_lowercase()
}

fn is_small(data_type: &DataType) -> bool {
    match data_type {
        DataType::Array(ArrayElemTypeDef::SquareBracket(element, size)) => {
            size.is_none_or(|size| size <= MAX_FIXED_SIZE) && is_small(element)
        }
        DataType::Array(ArrayElemTypeDef::AngleBracket(element) | ArrayElemTypeDef::Parenthesis(element)) => {
            is_small(element)
        }
        _ => true,
    }
}
