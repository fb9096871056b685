//! The columns of a result in a header: formats that leave out nulls do not tell them all.

use arrow::datatypes::{DataType, Schema};

/// The columns in their order as a JSON array of `[name, kind]`, in ASCII. A kind is one of `time` (a timestamp of any
/// unit), `number`, `string`, `boolean` and `other`.
#[must_use]
pub fn describe_columns(schema: &Schema) -> String {
    let columns: Vec<(&str, &str)> =
        schema.fields().iter().map(|field| (field.name().as_str(), kind(field.data_type()))).collect();
    ascii(&serde_json::json!(columns).to_string())
}

fn kind(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Timestamp(..) => "time",
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "string",
        DataType::Boolean => "boolean",
        DataType::Dictionary(_, values) => kind(values),
        number if number.is_numeric() => "number",
        _ => "other",
    }
}

/// The same JSON without characters that a header cannot hold. JSON has them only inside strings.
fn ascii(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_ascii() && !c.is_ascii_control() {
            text.push(c);
        } else {
            text.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::datatypes::{Field, TimeUnit};
    use proptest::prelude::*;

    fn described(columns: Vec<(&str, DataType)>) -> String {
        let fields: Vec<Field> =
            columns.into_iter().map(|(name, data_type)| Field::new(name, data_type, true)).collect();
        describe_columns(&Schema::new(fields))
    }

    #[test]
    fn every_type_is_of_a_kind() {
        let tag = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        for (data_type, kind) in [
            (DataType::Timestamp(TimeUnit::Nanosecond, None), "time"),
            (DataType::Timestamp(TimeUnit::Second, Some("+02:00".into())), "time"),
            (DataType::Int64, "number"),
            (DataType::UInt8, "number"),
            (DataType::Float64, "number"),
            (DataType::Decimal128(10, 2), "number"),
            (tag, "string"),
            (DataType::Utf8, "string"),
            (DataType::Utf8View, "string"),
            (DataType::Boolean, "boolean"),
            (DataType::Date32, "other"),
            (DataType::Binary, "other"),
            (DataType::Null, "other"),
        ] {
            assert_eq!(described(vec![("c", data_type.clone())]), format!(r#"[["c","{kind}"]]"#), "{data_type}");
        }
    }

    #[test]
    fn columns_keep_their_order_and_names() {
        assert_eq!(
            described(vec![("z\"", DataType::Utf8), ("größe\n", DataType::Int8), ("😀\u{7f}", DataType::Boolean)]),
            r#"[["z\"","string"],["gr\u00f6\u00dfe\n","number"],["\ud83d\ude00\u007f","boolean"]]"#
        );
        assert_eq!(described(vec![]), "[]");
    }

    proptest! {
        #[test]
        fn any_name_survives(name in any::<String>()) {
            let text = described(vec![(&name, DataType::Int8)]);
            prop_assert!(text.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{}", text);
            prop_assert_eq!(serde_json::from_str::<Vec<(String, String)>>(&text).unwrap(), [(name, "number".to_owned())]);
        }
    }
}
