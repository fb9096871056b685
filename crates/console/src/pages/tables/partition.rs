//! Partition templates: as a text, and as a part of a form.

use tidegate_model::{PartitionTemplate, TemplatePart};

use crate::failure::sentence;
use crate::form::Fields;

/// The formats that a form offers.
const FORMATS: [&str; 3] = ["%Y-%m-%d", "%Y-%m", "%Y"];

/// Such as `%Y-%m, tag site, tag device in 16 buckets`.
pub(super) fn in_words(template: Option<&PartitionTemplate>) -> String {
    let Some(template) = template else { return "By day".to_owned() };
    let parts = template.parts().iter().map(|part| match part {
        TemplatePart::Time(format) => format.clone(),
        TemplatePart::Tag(tag) => format!("tag {tag}"),
        TemplatePart::Bucket { tag, buckets } => format!("tag {tag} in {buckets} buckets"),
    });
    parts.collect::<Vec<_>>().join(", ")
}

/// A tag of the form; without a number of buckets, its values are parts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct TagFields {
    pub(super) tag: String,
    pub(super) buckets: String,
}

/// What was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PartitionFields {
    pub(super) is_custom: bool,
    format: String,
    /// As many as there may be.
    pub(super) tags: Vec<TagFields>,
}

impl PartitionFields {
    /// What the fields `partition`, `format`, `tag` and `buckets` say.
    pub(super) fn of(fields: &Fields) -> Self {
        let (mut names, mut buckets) = (fields.all("tag"), fields.all("buckets"));
        let mut next = || TagFields {
            tag: names.next().unwrap_or_default().trim().to_owned(),
            buckets: buckets.next().unwrap_or_default().trim().to_owned(),
        };
        let tags = (1..PartitionTemplate::MAX_PARTS).map(|_| next()).collect();
        Self { is_custom: fields.text("partition") == "custom", format: fields.text("format").to_owned(), tags }
    }

    /// The template that is meant; `Ok(None)` takes over that of the database.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn template(&self) -> Result<Option<PartitionTemplate>, String> {
        if !self.is_custom {
            return Ok(None);
        }
        let mut parts = vec![TemplatePart::Time(self.format.clone())];
        for TagFields { tag, buckets } in self.tags.iter().filter(|part| **part != TagFields::default()) {
            let tag = tag.clone();
            parts.push(if buckets.is_empty() {
                TemplatePart::Tag(tag)
            } else {
                let buckets = buckets.parse().map_err(|_| "A number of buckets is a whole number.".to_owned())?;
                TemplatePart::Bucket { tag, buckets }
            });
        }
        PartitionTemplate::new(parts).map(Some).map_err(|error| sentence(&error.to_string()))
    }

    /// The formats to choose from, each with whether it is chosen.
    pub(super) fn formats(&self) -> impl Iterator<Item = (&'static str, bool)> {
        FORMATS.into_iter().map(|format| (format, format == self.format))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(encoded: &str) -> PartitionFields {
        PartitionFields::of(&Fields::parse(encoded).unwrap())
    }

    #[test]
    fn forms() {
        assert_eq!(of("format=%25Y&tag=site").template(), Ok(None));
        let template = of("partition=custom&format=%25Y-%25m&tag=site&buckets=&tag=&buckets=&tag=device&buckets=16");
        let template = template.template().unwrap();
        assert_eq!(in_words(template.as_ref()), "%Y-%m, tag site, tag device in 16 buckets");
        assert_eq!(in_words(None), "By day");
    }

    #[test]
    fn what_is_wrong_is_said() {
        for wrong in [
            "partition=custom",
            "partition=custom&format=%25H",
            "partition=custom&format=%25Y&tag=time&buckets=",
            "partition=custom&format=%25Y&tag=a&buckets=x",
            "partition=custom&format=%25Y&tag=a&buckets=0",
            "partition=custom&format=%25Y&tag=&buckets=4",
            "partition=custom&format=%25Y&tag=a&buckets=&tag=a&buckets=",
        ] {
            assert!(of(wrong).template().is_err(), "{wrong}");
        }
    }
}
