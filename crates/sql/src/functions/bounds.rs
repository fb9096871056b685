//! Upper bounds on what a function call can produce, from its arguments alone.

use super::sizes::{ELEMENT_OVERHEAD, value_sizes};
use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::ColumnarValue;

/// How large the result for one row can get. `n` is the size of the first argument in bytes, other arguments are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Bound {
    /// A small multiple of all arguments together: case mapping can triple a character.
    Copies,
    /// `n` × second argument: `repeat`.
    Repeat,
    /// Characters asked for × 4 bytes: `lpad`, `rpad`.
    Pad,
    /// Every match replaced by the third argument: `replace`.
    Replace,
    /// Every match replaced by the third argument, which can repeat what matched: `regexp_replace`.
    RegexReplace,
    /// All arguments and a separator between any two: `concat_ws`.
    Join,
    /// Each letter of the format can stand for a long word: `to_char`.
    Format,
    /// Size of the first argument × second argument: `array_repeat`.
    RepeatElement,
    /// Every element replaced by the third argument: `array_replace` and relatives.
    ReplaceElements,
    /// Every element as text, with a separator after each: `array_to_string`.
    ElementsAsText,
    /// One element for every character: `string_to_array`.
    Split,
    /// Not size but work: `n` × second argument steps, counted at 16 steps a byte: `levenshtein`, `array_has_all`.
    Product,
    /// As many numbers as fit between two others: `range`, `generate_series`.
    Series,
}

/// What no series may exceed.
pub(crate) const MAX_SERIES: u64 = 1_000_000;

/// One argument, measured.
#[derive(Debug)]
enum Measure {
    Same(u64),
    Each(Vec<u64>),
}

impl Measure {
    fn at(&self, row: usize) -> u64 {
        match self {
            Self::Same(value) => *value,
            Self::Each(values) => values.get(row).copied().unwrap_or(0),
        }
    }
}

/// The arguments of a call, measured once, so that a bound can be told for each row.
pub(crate) struct Measured {
    bound: Bound,
    sizes: Vec<Measure>,
    /// The second argument as a count, where the bound needs it.
    count: Measure,
    series: Option<Measure>,
}

impl Measured {
    pub(crate) fn new(bound: Bound, args: &[ColumnarValue]) -> Result<Self> {
        let sizes = args.iter().map(sizes_of).collect::<Result<Vec<_>>>()?;
        let needs_count = matches!(bound, Bound::Repeat | Bound::Pad | Bound::RepeatElement);
        let count = match args.get(1).filter(|_| needs_count) {
            Some(argument) => count_of(argument)?,
            None => Measure::Same(0),
        };
        let series = if bound == Bound::Series { Some(super::series::lengths(args)?) } else { None };
        Ok(Self { bound, sizes, count, series: series.map(Measure::Each) })
    }

    /// The most bytes that the result for this row can take.
    pub(crate) fn at(&self, row: usize) -> u64 {
        let size = |index: usize| self.sizes.get(index).map_or(0, |measure| measure.at(row));
        let all = || self.sizes.iter().map(|measure| measure.at(row)).fold(0, u64::saturating_add);
        let count = self.count.at(row);
        let first = size(0);
        let elements = first / ELEMENT_OVERHEAD;
        match self.bound {
            Bound::Copies => all().saturating_mul(4),
            Bound::Repeat => first.saturating_mul(count),
            Bound::Pad => first.saturating_add(count.saturating_mul(4)),
            Bound::Replace => {
                let matches = (first / size(1).max(1)).saturating_add(1);
                first.saturating_add(matches.saturating_mul(size(2)))
            }
            Bound::RegexReplace => {
                first.saturating_add(first.saturating_add(1).saturating_mul(size(2)).saturating_mul(2))
            }
            Bound::Join => {
                let separators = u64::try_from(self.sizes.len()).unwrap_or(u64::MAX);
                all().saturating_add(first.saturating_mul(separators))
            }
            Bound::Format => size(1).saturating_add(4).saturating_mul(16),
            Bound::RepeatElement => first.saturating_add(ELEMENT_OVERHEAD).saturating_mul(count),
            Bound::ReplaceElements => first.saturating_add(elements.saturating_mul(size(2))),
            Bound::ElementsAsText => {
                let around = size(1).saturating_add(size(2)).saturating_add(24);
                first.saturating_mul(4).saturating_add(elements.saturating_mul(around))
            }
            Bound::Split => first.saturating_mul(20),
            Bound::Product => first.saturating_mul(size(1)) / 16,
            Bound::Series => {
                self.series.as_ref().map_or(u64::MAX, |length| length.at(row)).saturating_mul(ELEMENT_OVERHEAD)
            }
        }
    }
}

fn sizes_of(value: &ColumnarValue) -> Result<Measure> {
    match value {
        ColumnarValue::Array(array) => Ok(Measure::Each(value_sizes(array.as_ref()))),
        ColumnarValue::Scalar(scalar) => Ok(Measure::Same(scalar_size(scalar)?)),
    }
}

/// The size of a single value, bytes.
pub(crate) fn scalar_size(scalar: &ScalarValue) -> Result<u64> {
    match scalar {
        ScalarValue::Utf8(text) | ScalarValue::LargeUtf8(text) | ScalarValue::Utf8View(text) => {
            Ok(u64::try_from(text.as_ref().map_or(0, String::len)).unwrap_or(u64::MAX))
        }
        other => Ok(value_sizes(other.to_array()?.as_ref()).into_iter().next().unwrap_or(0)),
    }
}

fn count_of(value: &ColumnarValue) -> Result<Measure> {
    let array = match value {
        ColumnarValue::Array(array) => array.clone(),
        ColumnarValue::Scalar(scalar) => scalar.to_array()?,
    };
    let numbers = cast(&array, &DataType::Int64)?;
    let numbers = numbers.as_primitive::<Int64Type>();
    let counts = numbers.iter().map(|number| number.and_then(|n| u64::try_from(n).ok()).unwrap_or(0));
    Ok(match value {
        ColumnarValue::Array(_) => Measure::Each(counts.collect()),
        ColumnarValue::Scalar(_) => Measure::Same(counts.sum()),
    })
}
