//! Partition templates in requests and answers (contract §§6, 10).

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tidegate_model::{PartitionTemplate, TemplatePart};
use utoipa::ToSchema;

use super::body::objects;
use super::error::ManagementError;
use crate::json::whole_number;

/// One part of a partition template.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", content = "value", rename_all = "lowercase")]
pub(super) enum Part {
    /// A format of `%Y`, `%m`, `%d`, `%%` and literal text.
    Time(NonEmpty),
    /// The key of a tag other than `time`.
    Tag(NonEmpty),
    Bucket(Bucket),
}

/// A text; the template itself refuses an empty one.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(min_length = 1)]
pub(super) struct NonEmpty(String);

#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", try_from = "Value")]
pub(super) struct Bucket {
    #[schema(min_length = 1)]
    tag_name: String,
    #[schema(value_type = i32, minimum = 1, maximum = 99999)]
    number_of_buckets: u32,
}

/// Read by member names alone: the derived reader also takes a list of the members in their order.
impl TryFrom<Value> for Bucket {
    type Error = &'static str;

    fn try_from(value: Value) -> Result<Self, Self::Error> {
        let tag_name = value.get("tagName").and_then(Value::as_str);
        let number = value.get("numberOfBuckets").and_then(whole_number).and_then(|number| number.try_into().ok());
        match (tag_name, number) {
            (Some(tag_name), Some(number_of_buckets)) => Ok(Self { tag_name: tag_name.to_owned(), number_of_buckets }),
            _ => Err("a bucket has a tagName and a numberOfBuckets"),
        }
    }
}

impl From<TemplatePart> for Part {
    fn from(part: TemplatePart) -> Self {
        match part {
            TemplatePart::Time(format) => Self::Time(NonEmpty(format)),
            TemplatePart::Tag(tag) => Self::Tag(NonEmpty(tag)),
            TemplatePart::Bucket { tag, buckets } => Self::Bucket(Bucket { tag_name: tag, number_of_buckets: buckets }),
        }
    }
}

impl From<Part> for TemplatePart {
    fn from(part: Part) -> Self {
        match part {
            Part::Time(NonEmpty(format)) => Self::Time(format),
            Part::Tag(NonEmpty(tag)) => Self::Tag(tag),
            Part::Bucket(bucket) => Self::Bucket { tag: bucket.tag_name, buckets: bucket.number_of_buckets },
        }
    }
}

/// The parts of a template, for an answer.
pub(super) fn parts(template: &PartitionTemplate) -> Vec<Part> {
    template.parts().iter().cloned().map(Part::from).collect()
}

/// The template of a request.
pub(super) fn partition_template(value: Value) -> Result<PartitionTemplate, ManagementError> {
    let parts: Vec<Part> = objects(value).ok_or_else(|| {
        ManagementError::bad_request(
            "partitionTemplate must be a list of objects with type time, tag or bucket, and value: a text, or for a \
             bucket tagName and numberOfBuckets",
        )
    })?;
    PartitionTemplate::new(parts.into_iter().map(TemplatePart::from).collect())
        .map_err(|error| ManagementError::bad_request(error.to_string()))
}
