//! The operator `||` on text as a function, so that its result can be measured. Null in, null out, unlike `concat`.
//!
//! A chain `a || b || c` is one call with three arguments: planning nested calls takes time by the fourth power of their
//! number.

use datafusion::arrow::array::{Array, ArrayRef, RecordBatch};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{DFSchema, ScalarValue, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::type_coercion::binary::BinaryTypeCoercer;
use datafusion::logical_expr::{
    ColumnarValue, Expr, Operator, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{BinaryExpr, Column};
use datafusion::sql::sqlparser::ast::BinaryOperator;
use std::sync::Arc;

/// The name under which the operator is registered. No function can be called so in SQL without quoting.
pub(super) const NAME: &str = "||";

/// `a || b || …`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct ConcatOperator {
    signature: Signature,
}

impl ConcatOperator {
    pub(super) fn new() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

fn coercer<'a>(left: &'a DataType, right: &'a DataType) -> BinaryTypeCoercer<'a> {
    BinaryTypeCoercer::new(left, &Operator::StringConcat, right)
}

/// The type of the result so far, operand by operand.
fn result_type(types: &[DataType]) -> Result<DataType> {
    let Some((first, rest)) = types.split_first() else { return plan_err!("`||` needs operands") };
    rest.iter().try_fold(first.clone(), |left, right| coercer(&left, right).get_result_type())
}

impl ScalarUDFImpl for ConcatOperator {
    fn name(&self) -> &str {
        NAME
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let names: Vec<String> = args.iter().map(|arg| arg.schema_name().to_string()).collect();
        Ok(names.join(" || "))
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    /// All operands become the type that the result has.
    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        let result = result_type(arg_types)?;
        arg_types.iter().map(|operand| Ok(coercer(&result, operand).get_input_types()?.1)).collect()
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        result_type(arg_types)
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let constant = args.args.iter().all(|value| matches!(value, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { args.number_rows };
        let mut columns = args.args.iter().map(|value| value.to_array(rows));
        let Some(first) = columns.next() else { return plan_err!("`||` needs operands") };
        let joined = columns.try_fold(first?, |left, right| join(left, right?))?;
        let joined = cast(&joined, args.return_field.data_type())?;
        if constant {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&joined, 0)?));
        }
        Ok(ColumnarValue::Array(joined))
    }
}

fn join(left: ArrayRef, right: ArrayRef) -> Result<ArrayRef> {
    let rows = left.len();
    let (left_type, right_type) = coercer(left.data_type(), right.data_type()).get_input_types()?;
    let batch = RecordBatch::try_from_iter_with_nullable([
        ("left", cast(&left, &left_type)?, true),
        ("right", cast(&right, &right_type)?, true),
    ])?;
    let side = |name, index| Arc::new(Column::new(name, index)) as Arc<dyn PhysicalExpr>;
    BinaryExpr::new(side("left", 0), Operator::StringConcat, side("right", 1)).evaluate(&batch)?.into_array(rows)
}

/// Plans `||` on anything but lists as [`ConcatOperator`]. Comes after the planner for lists.
#[derive(Debug)]
pub(crate) struct ConcatPlanner {
    operator: Arc<ScalarUDF>,
}

impl ConcatPlanner {
    pub(super) fn new(operator: Arc<ScalarUDF>) -> Self {
        Self { operator }
    }
}

impl ExprPlanner for ConcatPlanner {
    fn plan_binary_op(&self, expr: RawBinaryExpr, _schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        if expr.op != BinaryOperator::StringConcat {
            return Ok(PlannerResult::Original(expr));
        }
        let mut operands = match expr.left {
            Expr::ScalarFunction(call) if call.func == self.operator => call.args,
            left => vec![left],
        };
        operands.push(expr.right);
        Ok(PlannerResult::Planned(self.operator.call(operands)))
    }
}
