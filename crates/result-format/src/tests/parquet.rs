use super::*;
use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use ::parquet::basic::Compression;
use arrow::compute::concat_batches;

/// The pieces as they were handed out.
fn pieces(schema: SchemaRef, batches: &[RecordBatch]) -> Vec<Bytes> {
    let mut encoder = Encoder::new(Format::Parquet, schema).unwrap();
    let mut pieces: Vec<Bytes> = batches.iter().map(|batch| encoder.batch(batch).unwrap()).collect();
    pieces.push(encoder.finish().unwrap());
    pieces
}

fn read(pieces: &[Bytes]) -> RecordBatch {
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(pieces.concat())).unwrap();
    let schema = Arc::clone(reader.schema());
    let batches: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
    concat_batches(&schema, &batches).unwrap()
}

#[test]
fn a_file_reads_back_with_tags_as_plain_text() {
    let found = read(&pieces(sample().schema(), &[sample(), sample().slice(0, 0), sample().slice(0, 1)]));
    assert_eq!(found.num_rows(), 4);
    let schema = found.schema();
    let types: Vec<&DataType> = schema.fields().iter().map(|field| field.data_type()).collect();
    assert_eq!(types, [&DataType::Timestamp(TimeUnit::Nanosecond, None), &DataType::Utf8, &DataType::Float64]);
    assert!(!schema.field(0).is_nullable(), "the Arrow schema is in the footer");
    let texts = |batch: &RecordBatch| encode(Format::Json, std::slice::from_ref(batch));
    assert_eq!(texts(&found.slice(0, 3)), texts(&sample()));
    assert_eq!(texts(&found.slice(3, 1)), texts(&sample().slice(0, 1)));
}

#[test]
fn a_file_without_rows_has_the_schema() {
    let found = read(&pieces(sample().schema(), &[]));
    assert_eq!(found.num_rows(), 0);
    assert_eq!(found.schema().fields().iter().map(|field| field.name()).collect::<Vec<_>>(), ["time", "host", "usage"]);
}

#[test]
fn row_groups_leave_as_they_fill_up() {
    // Values that no codec shortens.
    let scrambled =
        |seed: i64| (0..100_000).map(move |row| (seed << 32 | row).wrapping_mul(0x9E37_79B9_7F4A_7C15_u64 as i64));
    let batches: Vec<RecordBatch> =
        (1..=20).map(|seed| one(Arc::new(scrambled(seed).collect::<Int64Array>()))).collect();
    let total: usize = batches.iter().map(RecordBatch::get_array_memory_size).sum();
    let pieces = pieces(batches[0].schema(), &batches);
    let early = pieces[..pieces.len() - 1].iter().filter(|piece| !piece.is_empty()).count();
    assert!(early >= 3, "{early} pieces of {total} bytes came before the end");
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(pieces.concat())).unwrap();
    assert!(reader.metadata().num_row_groups() >= early);
    for group in reader.metadata().row_groups() {
        assert!(matches!(group.column(0).compression(), Compression::ZSTD(_)));
    }
    assert_eq!(read(&pieces), concat_batches(&batches[0].schema(), &batches).unwrap());
}

#[test]
fn every_type_reads_back_or_is_refused_before_the_first_byte() {
    let mut refused = Vec::new();
    for (column, _, _) in types() {
        let batch = one(column);
        let name = batch.column(0).data_type().to_string();
        match Encoder::new(Format::Parquet, batch.schema()) {
            Ok(_) => {
                let found = read(&pieces(batch.schema(), std::slice::from_ref(&batch)));
                let shown = |batch: &RecordBatch| encode(Format::Csv, std::slice::from_ref(batch));
                assert_eq!(shown(&found), shown(&batch), "{name}");
            }
            Err(error) => {
                assert!(error.to_string().contains("convert the column"), "{error}");
                refused.push(name);
            }
        }
    }
    assert_eq!(refused, ["Interval(MonthDayNano)"]);
}

#[test]
fn a_result_without_columns_is_refused() {
    let refused = Encoder::new(Format::Parquet, Arc::new(Schema::empty()));
    assert!(matches!(refused, Err(FormatError::Unsupported(_))));
}

proptest! {
    #[test]
    fn parquet_reads_back(rows in rows(), split in 0usize..40) {
        let batch = batch_of(&rows);
        let split = split.min(rows.len());
        let halves = [batch.slice(0, split), batch.slice(split, rows.len() - split)];
        prop_assert_eq!(read(&pieces(batch.schema(), &halves)), batch);
    }
}
