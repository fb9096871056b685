//! What the OpenAPI document says of the data endpoints, as far as it does not follow from types.

use std::collections::BTreeMap;

use tidegate_result_format::Format;
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{Array, Type};
use utoipa::openapi::{Content, Object, ObjectBuilder, RefOr, Schema};
use utoipa::{IntoParams, IntoResponses};

use super::query::COLUMNS;
use crate::openapi::{one_of, one_of_or_null};

/// How the body of a request is compressed.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes what the reader of bodies finds in the headers")]
pub(super) struct ContentEncoding {
    #[param(rename = "Content-Encoding", schema_with = encodings)]
    content_encoding: Option<String>,
}

fn encodings() -> Object {
    one_of(&["gzip", "x-gzip", "identity"])
}

const UNITS: [&str; 10] = ["s", "second", "ms", "millisecond", "us", "u", "microsecond", "ns", "n", "nanosecond"];

/// Units of v1 and v2 timestamps.
pub(super) fn units() -> Object {
    one_of(&UNITS)
}

/// Units of v3 timestamps.
pub(super) fn units_or_auto() -> Object {
    one_of(&[&["auto"], &UNITS[..]].concat())
}

const FORMATS: [&str; 6] = ["json", "jsonl", "json_lines", "csv", "pretty", "parquet"];

/// Formats of query results, in a query string.
pub(super) fn formats() -> Object {
    one_of(&FORMATS)
}

/// Formats of query results, in a body.
pub(super) fn formats_or_null() -> Object {
    one_of_or_null(&FORMATS)
}

/// The answer to a query, in each of the formats.
pub(super) struct Rows;

impl IntoResponses for Rows {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let formats = [Format::Json, Format::JsonLines, Format::Csv, Format::Pretty, Format::Parquet];
        let response = ResponseBuilder::new().description("The rows, streamed").header(COLUMNS, columns());
        let rows = formats.into_iter().fold(response, |response, format| {
            response.content(format.content_type(), Content::new(Some(schema(format))))
        });
        [("200".to_owned(), rows.build().into())].into()
    }
}

fn columns() -> Header {
    let schema = ObjectBuilder::new().schema_type(Type::String).build();
    let description = "The columns in their order, as a JSON array of [name, kind] in ASCII; kind is time, number, \
        string, boolean or other. Left out if longer than 8 KiB, and for HEAD";
    HeaderBuilder::new().schema(Some(schema)).description(Some(description)).build()
}

fn schema(format: Format) -> Schema {
    match format {
        Format::Json => Array::new(ObjectBuilder::new().schema_type(Type::Object)).into(),
        Format::JsonLines | Format::Csv | Format::Pretty | Format::Parquet => {
            ObjectBuilder::new().schema_type(Type::String).into()
        }
    }
}
