//! Partition templates as JSON text: a list of `{"time":…}`, `{"tag":…}` and `{"bucket":{"tag":…,"buckets":…}}`.

use serde::{Deserialize, Serialize};
use tidegate_model::{PartitionTemplate, TemplatePart};

use crate::CatalogError;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
enum Part {
    Time(String),
    Tag(String),
    Bucket { tag: String, buckets: u32 },
}

/// Whether a table of this template, which has its tags as columns, keeps to the limit.
pub(crate) fn check_width(template: Option<&PartitionTemplate>, limit: u32) -> Result<(), CatalogError> {
    let needed = 1 + template.map_or(0, |template| template.tags().count());
    if needed > limit as usize { Err(CatalogError::TemplateTooWide { needed, limit }) } else { Ok(()) }
}

pub(crate) fn to_json(template: &PartitionTemplate) -> Result<String, CatalogError> {
    let parts: Vec<Part> = template
        .parts()
        .iter()
        .map(|part| match part {
            TemplatePart::Time(format) => Part::Time(format.clone()),
            TemplatePart::Tag(tag) => Part::Tag(tag.clone()),
            TemplatePart::Bucket { tag, buckets } => Part::Bucket { tag: tag.clone(), buckets: *buckets },
        })
        .collect();
    serde_json::to_string(&parts).map_err(|error| CatalogError::Storage(Box::new(error)))
}

pub(crate) fn from_json(text: &str) -> Result<PartitionTemplate, CatalogError> {
    let damaged = || CatalogError::corrupt("a partition template cannot be read");
    let parts: Vec<Part> = serde_json::from_str(text).map_err(|_| damaged())?;
    let parts = parts
        .into_iter()
        .map(|part| match part {
            Part::Time(format) => TemplatePart::Time(format),
            Part::Tag(tag) => TemplatePart::Tag(tag),
            Part::Bucket { tag, buckets } => TemplatePart::Bucket { tag, buckets },
        })
        .collect();
    PartitionTemplate::new(parts).map_err(|_| damaged())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_form_never_changes() {
        let template = PartitionTemplate::new(vec![
            TemplatePart::Tag("a\"|b".into()),
            TemplatePart::Bucket { tag: "c".into(), buckets: 7 },
            TemplatePart::Time("%Y-%m".into()),
        ])
        .unwrap();
        let text = r#"[{"tag":"a\"|b"},{"bucket":{"tag":"c","buckets":7}},{"time":"%Y-%m"}]"#;
        assert_eq!(to_json(&template).unwrap(), text);
        assert_eq!(from_json(text).unwrap(), template);
    }

    #[test]
    fn what_is_no_template_is_damage() {
        for text in ["", "[]", "{}", r#"[{"tag":"a"}]"#, r#"[{"hour":"%H"}]"#, r#"[{"time":"%Y"}"#] {
            assert!(matches!(from_json(text), Err(CatalogError::Corrupt { .. })), "{text:?}");
        }
    }
}
