//! How many bytes each value of an array stands for, however the array shares them.
//!
//! Dictionaries and views repeat a value without repeating its bytes; whatever computes with them may copy every
//! repetition, so it is the repeated size that counts.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, IntervalUnit};
use arrow::record_batch::RecordBatch;

/// What a list costs per element beside the element itself.
pub(crate) const ELEMENT_OVERHEAD: u64 = 8;

/// The size of each value, bytes.
pub(crate) fn value_sizes(array: &dyn Array) -> Vec<u64> {
    if let Some(width) = fixed_width(array.data_type()) {
        return vec![width; array.len()];
    }
    match array.data_type() {
        DataType::Utf8 => from_offsets(array.as_string::<i32>().value_offsets()),
        DataType::LargeUtf8 => from_offsets(array.as_string::<i64>().value_offsets()),
        DataType::Binary => from_offsets(array.as_binary::<i32>().value_offsets()),
        DataType::LargeBinary => from_offsets(array.as_binary::<i64>().value_offsets()),
        DataType::Utf8View => from_views(array.as_string_view().views()),
        DataType::BinaryView => from_views(array.as_binary_view().views()),
        DataType::Dictionary(..) => dictionary_sizes(array),
        DataType::List(_) => list_sizes(array.as_list::<i32>().value_offsets(), array.as_list::<i32>().values()),
        DataType::LargeList(_) => list_sizes(array.as_list::<i64>().value_offsets(), array.as_list::<i64>().values()),
        DataType::Map(..) => list_sizes(array.as_map().value_offsets(), array.as_map().entries()),
        DataType::FixedSizeList(_, length) => {
            let list = array.as_fixed_size_list();
            let length = usize::try_from(*length).unwrap_or(0);
            let inner = value_sizes(list.values());
            if length == 0 {
                return vec![0; array.len()];
            }
            inner
                .chunks(length)
                .map(|chunk| chunk.iter().map(|size| size.saturating_add(ELEMENT_OVERHEAD)).sum())
                .collect()
        }
        DataType::Struct(_) => sum_columns(array.as_struct().columns(), array.len()),
        _ => vec![u64::try_from(array.get_array_memory_size()).unwrap_or(u64::MAX); array.len()],
    }
}

/// The size of each row of a batch, bytes.
pub(crate) fn row_sizes(batch: &RecordBatch) -> Vec<u64> {
    sum_columns(batch.columns(), batch.num_rows())
}

/// The size of every row of batches with these columns, if their types alone tell it.
pub(crate) fn fixed_row_size(batch: &RecordBatch) -> Option<u64> {
    batch.columns().iter().map(|column| fixed_width(column.data_type())).sum()
}

fn sum_columns(columns: &[ArrayRef], rows: usize) -> Vec<u64> {
    let mut sums = vec![0u64; rows];
    for column in columns {
        for (sum, size) in sums.iter_mut().zip(value_sizes(column.as_ref())) {
            *sum = sum.saturating_add(size);
        }
    }
    sums
}

fn fixed_width(data_type: &DataType) -> Option<u64> {
    match data_type {
        DataType::Null | DataType::Boolean => Some(1),
        DataType::FixedSizeBinary(width) => u64::try_from(*width).ok(),
        DataType::Interval(IntervalUnit::YearMonth) => Some(4),
        other => other.primitive_width().and_then(|width| u64::try_from(width).ok()),
    }
}

fn from_offsets<O: Copy + Into<i64>>(offsets: &[O]) -> Vec<u64> {
    let ends = offsets.iter().skip(1);
    offsets.iter().zip(ends).map(|(start, end)| difference((*start).into(), (*end).into())).collect()
}

fn difference(start: i64, end: i64) -> u64 {
    u64::try_from(end.saturating_sub(start)).unwrap_or(0)
}

/// The low 32 bits of a view are the length of its value.
fn from_views(views: &[u128]) -> Vec<u64> {
    views.iter().map(|view| u64::try_from(view & u128::from(u32::MAX)).unwrap_or(u64::MAX)).collect()
}

fn dictionary_sizes(array: &dyn Array) -> Vec<u64> {
    let dictionary = array.as_any_dictionary();
    if dictionary.values().is_empty() {
        return vec![0; array.len()];
    }
    let sizes = value_sizes(dictionary.values().as_ref());
    let keys = dictionary.normalized_keys();
    keys.into_iter().map(|key| sizes.get(key).copied().unwrap_or(0)).collect()
}

fn list_sizes<O: Copy + Into<i64>>(offsets: &[O], values: &dyn Array) -> Vec<u64> {
    let mut sum = 0u64;
    let mut sums = Vec::with_capacity(values.len() + 1);
    sums.push(0);
    for size in value_sizes(values) {
        sum = sum.saturating_add(size).saturating_add(ELEMENT_OVERHEAD);
        sums.push(sum);
    }
    let at = |offset: i64| usize::try_from(offset).ok().and_then(|index| sums.get(index)).copied().unwrap_or(sum);
    let ends = offsets.iter().skip(1);
    offsets.iter().zip(ends).map(|(start, end)| at((*end).into()).saturating_sub(at((*start).into()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{DictionaryArray, Int64Array, ListArray, StringArray, StringViewArray, StructArray};
    use arrow::datatypes::{Field, Int32Type, Int64Type};
    use std::sync::Arc;

    #[test]
    fn repeated_values_count_each_time() {
        let long = "x".repeat(1000);
        let dictionary: DictionaryArray<Int32Type> = vec![long.as_str(), long.as_str(), "b"].into_iter().collect();
        assert_eq!(value_sizes(&dictionary), [1000, 1000, 1]);
        let views = StringViewArray::from(vec![long.as_str(), long.as_str()]);
        assert_eq!(value_sizes(&views), [1000, 1000]);
        assert_eq!(value_sizes(&views.slice(1, 1)), [1000]);
    }

    #[test]
    fn sliced_strings_and_lists_count_their_own_part() {
        let strings = StringArray::from(vec!["a", "bb", "ccc"]);
        assert_eq!(value_sizes(&strings.slice(1, 2)), [2, 3]);
        let lists = ListArray::from_iter_primitive::<Int64Type, _, _>(vec![
            Some(vec![Some(1)]),
            None,
            Some(vec![Some(1), Some(2), None]),
        ]);
        assert_eq!(value_sizes(&lists), [16, 0, 48]);
        assert_eq!(value_sizes(&lists.slice(2, 1)), [48]);
    }

    #[test]
    fn structs_add_up() {
        let fields = StructArray::from(vec![
            (Arc::new(Field::new("a", DataType::Int64, true)), Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef),
            (Arc::new(Field::new("b", DataType::Utf8, true)), Arc::new(StringArray::from(vec!["xyz", ""])) as ArrayRef),
        ]);
        assert_eq!(value_sizes(&fields), [11, 8]);
    }
}
