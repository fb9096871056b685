//! Partition templates: how rows are grouped into partitions (management API contract §10).

use std::collections::HashSet;

/// One part of a partition template.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TemplatePart {
    /// The row's time in this format: literal text, `%Y`, `%m`, `%d` and `%%`.
    Time(String),
    /// The value of this tag.
    Tag(String),
    /// The hash of this tag's value, modulo a number of buckets.
    Bucket {
        /// The tag's key.
        tag: String,
        /// 1 to 99999.
        buckets: u32,
    },
}

/// A valid template: 1 to 8 parts, exactly one of them a time.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PartitionTemplate(Vec<TemplatePart>);

/// Why a list of parts is no valid template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PartitionTemplateError {
    /// The list is empty.
    #[error("partition template has no parts")]
    Empty,
    /// More than eight parts.
    #[error("partition template has {0} parts, at most 8 are allowed")]
    TooManyParts(usize),
    /// More than seven tag and bucket parts.
    #[error("partition template has {0} tag and bucket parts, at most 7 are allowed")]
    TooManyTagParts(usize),
    /// No time part.
    #[error("partition template needs a time part, such as %Y-%m-%d")]
    TimeMissing,
    /// More than one time part.
    #[error("partition template has more than one time part")]
    TimeRepeated,
    /// A time format that is empty or contains `|` or a lone `%`.
    #[error("time format {0:?} is not valid: use text without '|' and the specifiers %Y, %m, %d and %%")]
    TimeFormat(String),
    /// A specifier other than `%Y`, `%m`, `%d` and `%%`.
    #[error("time format specifier %{0} is not supported: use %Y, %m and %d")]
    UnsupportedSpecifier(char),
    /// `%d` without `%m`, `%m` without `%Y`, or none at all.
    #[error("time format needs %{0}")]
    MissingSpecifier(char),
    /// A specifier that occurs twice.
    #[error("time format uses %{0} more than once")]
    RepeatedSpecifier(char),
    /// An empty tag key, or `time`.
    #[error("tag key {0:?} cannot be used in a partition template")]
    TagKey(String),
    /// A tag key used by two parts.
    #[error("tag key {0:?} is used more than once in the partition template")]
    TagRepeated(String),
    /// A number of buckets outside 1 to 99999.
    #[error("numberOfBuckets must be between 1 and 99999")]
    Buckets,
}

impl PartitionTemplate {
    /// Most parts of a template.
    pub const MAX_PARTS: usize = 8;
    /// Most buckets of a bucket part.
    pub const MAX_BUCKETS: u32 = 99_999;

    /// Checks the parts (contract §10.1).
    pub fn new(parts: Vec<TemplatePart>) -> Result<Self, PartitionTemplateError> {
        use PartitionTemplateError as E;
        if parts.is_empty() {
            return Err(E::Empty);
        }
        if parts.len() > Self::MAX_PARTS {
            return Err(E::TooManyParts(parts.len()));
        }
        let mut times = 0;
        let mut tags = HashSet::new();
        for part in &parts {
            match part {
                TemplatePart::Time(format) => {
                    check_time_format(format)?;
                    times += 1;
                }
                TemplatePart::Tag(tag) => check_tag(tag, &mut tags)?,
                TemplatePart::Bucket { tag, buckets } => {
                    check_tag(tag, &mut tags)?;
                    if !(1..=Self::MAX_BUCKETS).contains(buckets) {
                        return Err(E::Buckets);
                    }
                }
            }
        }
        match times {
            0 if tags.len() >= Self::MAX_PARTS => Err(E::TooManyTagParts(tags.len())),
            0 => Err(E::TimeMissing),
            1 => Ok(Self(parts)),
            _ => Err(E::TimeRepeated),
        }
    }

    /// The tags that it names, each once: columns that a table has from the start.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            TemplatePart::Time(_) => None,
            TemplatePart::Tag(tag) | TemplatePart::Bucket { tag, .. } => Some(tag.as_str()),
        })
    }

    /// The parts, in order.
    pub fn parts(&self) -> &[TemplatePart] {
        &self.0
    }
}

fn check_tag<'a>(tag: &'a str, seen: &mut HashSet<&'a str>) -> Result<(), PartitionTemplateError> {
    if tag.is_empty() || tag == "time" {
        return Err(PartitionTemplateError::TagKey(tag.to_owned()));
    }
    if !seen.insert(tag) {
        return Err(PartitionTemplateError::TagRepeated(tag.to_owned()));
    }
    Ok(())
}

fn check_time_format(format: &str) -> Result<(), PartitionTemplateError> {
    use PartitionTemplateError as E;
    if format.is_empty() || format.contains('|') {
        return Err(E::TimeFormat(format.to_owned()));
    }
    let mut seen = HashSet::new();
    let mut characters = format.chars();
    while let Some(character) = characters.next() {
        if character != '%' {
            continue;
        }
        match characters.next() {
            Some('%') => {}
            Some(specifier @ ('Y' | 'm' | 'd')) => {
                if !seen.insert(specifier) {
                    return Err(E::RepeatedSpecifier(specifier));
                }
            }
            Some(other) => return Err(E::UnsupportedSpecifier(other)),
            None => return Err(E::TimeFormat(format.to_owned())),
        }
    }
    if seen.contains(&'d') && !seen.contains(&'m') {
        return Err(E::MissingSpecifier('m'));
    }
    if !seen.contains(&'Y') {
        return Err(E::MissingSpecifier('Y'));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(format: &str) -> TemplatePart {
        TemplatePart::Time(format.into())
    }

    fn tag(key: &str) -> TemplatePart {
        TemplatePart::Tag(key.into())
    }

    #[test]
    fn time_formats() {
        for format in ["%Y", "%Y-%m", "%d.%m.%Y", "y%Y%%", "%Y-%m-%d"] {
            assert!(PartitionTemplate::new(vec![time(format)]).is_ok(), "{format}");
        }
        for format in ["%m", "%Y-%d", "%H", "%Y%Y", "%b", "a", "", "%Y|%m", "%", "%Y-%m-%d %H"] {
            assert!(PartitionTemplate::new(vec![time(format)]).is_err(), "{format}");
        }
    }

    #[test]
    fn part_counts() {
        use PartitionTemplateError as E;
        let tags = |n: usize| (0..n).map(|i| tag(&format!("t{i}"))).collect::<Vec<_>>();
        let with_time = |n: usize| tags(n).into_iter().chain([time("%Y")]).collect::<Vec<_>>();
        assert_eq!(PartitionTemplate::new(vec![]), Err(E::Empty));
        assert_eq!(PartitionTemplate::new(with_time(7)).unwrap().parts().len(), 8);
        assert_eq!(PartitionTemplate::new(with_time(8)), Err(E::TooManyParts(9)));
        assert_eq!(PartitionTemplate::new(tags(8)), Err(E::TooManyTagParts(8)));
        assert_eq!(PartitionTemplate::new(tags(1)), Err(E::TimeMissing));
        assert_eq!(PartitionTemplate::new(vec![time("%Y"), time("%Y-%m")]), Err(E::TimeRepeated));
    }

    #[test]
    fn tags_and_buckets() {
        use PartitionTemplateError as E;
        let bucket = |key: &str, buckets| TemplatePart::Bucket { tag: key.into(), buckets };
        let with_time = |part| PartitionTemplate::new(vec![part, time("%Y")]);
        assert_eq!(with_time(tag("time")), Err(E::TagKey("time".into())));
        assert_eq!(with_time(tag("")), Err(E::TagKey(String::new())));
        assert_eq!(with_time(bucket("a", 0)), Err(E::Buckets));
        assert!(with_time(bucket("a", 99_999)).is_ok());
        assert_eq!(with_time(bucket("a", 100_000)), Err(E::Buckets));
        let twice = PartitionTemplate::new(vec![tag("a"), bucket("a", 5), time("%Y")]);
        assert_eq!(twice, Err(E::TagRepeated("a".into())));
    }
}
