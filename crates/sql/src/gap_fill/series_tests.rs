use super::*;
use crate::functions::time::bins::{Bins, Stride};
use datafusion::arrow::array::{Float64Array, Int64Array, StringArray};
use datafusion::arrow::compute::concat_batches;
use datafusion::common::ScalarValue;
use proptest::prelude::*;

/// Bins at 0, 10, … 10 · `last`.
fn bins(last: i64) -> Arc<Vec<Run>> {
    let bins = Bins { stride: Stride::Nanoseconds(10), origin: 0, zone: None };
    Arc::new(bins.between(0, 10 * last).unwrap())
}

const FILLS: [Fill; 5] = [Fill::Key, Fill::Time, Fill::Constant(ScalarValue::Null), Fill::Previous, Fill::Linear];

fn batch(rows: &[(i64, Option<i64>)]) -> RecordBatch {
    let values = || rows.iter().map(|(_, value)| *value);
    RecordBatch::try_from_iter_with_nullable([
        ("key", Arc::new(StringArray::from_iter_values(rows.iter().map(|_| "k"))) as ArrayRef, true),
        ("time", Arc::new(TimestampNanosecondArray::from_iter_values(rows.iter().map(|(bin, _)| bin * 10))), true),
        ("plain", Arc::new(values().collect::<Int64Array>()), true),
        ("previous", Arc::new(values().collect::<Int64Array>()), true),
        ("linear", Arc::new(values().map(|value| value.map(|value| value as f64)).collect::<Float64Array>()), true),
    ])
    .unwrap()
}

/// What one row must be, looked up without any memory of other rows.
fn expected(rows: &[(i64, Option<i64>)], bin: i64) -> (Option<i64>, Option<i64>, Option<f64>) {
    let known: Vec<(i64, i64)> = rows.iter().filter_map(|(bin, value)| Some((*bin, (*value)?))).collect();
    let before = known.iter().rev().find(|(other, _)| *other <= bin);
    let after = known.iter().find(|(other, _)| *other >= bin);
    let linear = before.zip(after).map(|((from, low), (to, high))| {
        let part = if from == to { 0.0 } else { (bin - from) as f64 / (to - from) as f64 };
        *low as f64 + (high - low) as f64 * part
    });
    let plain = rows.iter().find(|(other, _)| *other == bin).and_then(|(_, value)| *value);
    (plain, before.map(|(_, value)| *value), linear)
}

proptest! {
    #[test]
    fn every_bin_has_its_row_however_it_is_cut(
        rows in prop::collection::btree_map(0i64..40, prop::option::of(-100i64..100), 1..30),
        last in 0i64..45,
        most in 1usize..20,
    ) {
        let rows: Vec<(i64, Option<i64>)> = rows.into_iter().collect();
        let batch = batch(&rows);
        let mut series = Series::new(batch.clone(), &FILLS, bins(last)).unwrap();
        let mut parts = Vec::new();
        while !series.has_ended() {
            let part = series.next(&batch.schema(), &FILLS, most).unwrap();
            prop_assert!((1..=most).contains(&part.num_rows()));
            parts.push(part);
        }
        let filled = concat_batches(&batch.schema(), &parts).unwrap();
        let mut all: Vec<i64> = (0..=last).chain(rows.iter().map(|(bin, _)| *bin)).collect();
        all.sort_unstable();
        all.dedup();
        let times: Vec<i64> = filled.column(1).as_primitive::<TimestampNanosecondType>().values().to_vec();
        prop_assert_eq!(times, all.iter().map(|bin| bin * 10).collect::<Vec<_>>());
        let found = filled.column(2).as_primitive::<Int64Type>().iter()
            .zip(filled.column(3).as_primitive::<Int64Type>())
            .zip(filled.column(4).as_primitive::<Float64Type>());
        for (((plain, previous), linear), bin) in found.zip(all) {
            prop_assert_eq!((plain, previous, linear), expected(&rows, bin), "bin {}", bin);
        }
        prop_assert!(filled.column(0).as_string::<i32>().iter().all(|key| key == Some("k")));
    }
}

#[test]
fn the_largest_numbers_are_interpolated() {
    let rows = RecordBatch::try_from_iter_with_nullable([
        ("time", Arc::new(TimestampNanosecondArray::from(vec![0, 20])) as ArrayRef, true),
        ("i", Arc::new(Int64Array::from(vec![i64::MIN, i64::MAX])), true),
        ("u", Arc::new(UInt64Array::from(vec![u64::MAX, 0])), true),
    ])
    .unwrap();
    let fills = [Fill::Time, Fill::Linear, Fill::Linear];
    let mut series = Series::new(rows.clone(), &fills, bins(2)).unwrap();
    let filled = series.next(&rows.schema(), &fills, 9).unwrap();
    assert_eq!(filled.column(1).as_primitive::<Int64Type>().values(), &[i64::MIN, 0, i64::MAX]);
    assert_eq!(filled.column(2).as_primitive::<UInt64Type>().values(), &[u64::MAX, (1 << 63) - 1, 0]);
}
