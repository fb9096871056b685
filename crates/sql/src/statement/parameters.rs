//! Values for `$name` placeholders, put into the syntax tree as literals.
//!
//! A literal works wherever the grammar allows an expression (table functions and LIMIT included), and a value can never
//! become syntax, because the tree is already built.

use crate::Parameter;
use datafusion::sql::sqlparser::ast::{Expr, UnaryOperator, Value, ValueWithSpan, VisitMut, VisitorMut};
use datafusion::sql::sqlparser::tokenizer::Span;
use std::ops::ControlFlow;

/// Replaces every placeholder. Unused parameters are ignored. Says which placeholder has no value.
pub(super) fn bind<S: VisitMut>(statement: &mut S, parameters: &[(String, Parameter)]) -> Result<(), String> {
    match statement.visit(&mut Binder { parameters }) {
        ControlFlow::Break(message) => Err(message),
        ControlFlow::Continue(()) => Ok(()),
    }
}

struct Binder<'a> {
    parameters: &'a [(String, Parameter)],
}

impl Binder<'_> {
    fn value(&self, placeholder: &str) -> Result<&Parameter, String> {
        let Some(name) = placeholder.strip_prefix('$') else {
            return Err(format!("placeholder `{placeholder}` is not supported; write `$name`"));
        };
        let found = self.parameters.iter().rev().find(|(key, _)| key == name);
        found.map(|(_, value)| value).ok_or_else(|| format!("No value found for placeholder with name ${name}"))
    }
}

impl VisitorMut for Binder<'_> {
    type Break = String;

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<String> {
        let Expr::Value(ValueWithSpan { value: Value::Placeholder(placeholder), .. }) = expr else {
            return ControlFlow::Continue(());
        };
        match self.value(placeholder).and_then(literal) {
            Ok(literal) => {
                *expr = literal;
                ControlFlow::Continue(())
            }
            Err(message) => ControlFlow::Break(message),
        }
    }

    fn pre_visit_value(&mut self, value: &mut ValueWithSpan) -> ControlFlow<String> {
        match &value.value {
            Value::Placeholder(name) => ControlFlow::Break(format!("placeholder {name} cannot stand here")),
            _ => ControlFlow::Continue(()),
        }
    }
}

fn literal(parameter: &Parameter) -> Result<Expr, String> {
    let value = match parameter {
        Parameter::Null => Value::Null,
        Parameter::Boolean(value) => Value::Boolean(*value),
        Parameter::UInteger(value) => number(value.to_string()),
        Parameter::Integer(value) => return Ok(signed(value.is_negative(), value.unsigned_abs().to_string())),
        Parameter::Float(value) if value.is_finite() => {
            return Ok(signed(value.is_sign_negative(), format!("{:e}", value.abs())));
        }
        Parameter::Float(_) => return Err("a parameter must be a finite number".into()),
        Parameter::String(value) => Value::SingleQuotedString(value.clone()),
    };
    Ok(value_expr(value))
}

fn signed(negative: bool, digits: String) -> Expr {
    let expr = value_expr(number(digits));
    if !negative {
        return expr;
    }
    Expr::Nested(Box::new(Expr::UnaryOp { op: UnaryOperator::Minus, expr: Box::new(expr) }))
}

fn number(digits: String) -> Value {
    Value::Number(digits, false)
}

fn value_expr(value: Value) -> Expr {
    Expr::Value(ValueWithSpan { value, span: Span::empty() })
}
