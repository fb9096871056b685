//! Why a line is refused.

use std::fmt;

use crate::FieldType;

/// Why one line is refused. The text names the outcome as the line-protocol contract (§§6, 7) words it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct LineError {
    offset: usize,
    kind: LineErrorKind,
}

impl LineError {
    pub(crate) fn new(offset: usize, kind: LineErrorKind) -> Self {
        Self { offset, kind }
    }

    /// Where in the line the problem is, in bytes from its start. Zero for rules about the whole line, such as a
    /// field that is given twice.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// What is wrong.
    pub fn kind(&self) -> &LineErrorKind {
        &self.kind
    }
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LineErrorKind {
    /// The line starts with a comma or NUL, or there is nothing to read.
    #[error("Invalid measurement was provided")]
    InvalidMeasurement,
    /// Measurement and tags are not followed by a space.
    #[error("Expected at least one space character, got {0}")]
    ExpectedSpace(Rest),
    /// The first field is absent, or its key or value is not valid.
    #[error("No fields were provided")]
    NoFields,
    /// A comma is not followed by a tag key.
    #[error("Expected tag key, got {0}")]
    ExpectedTagKey(Rest),
    /// A tag has no value.
    #[error("Expected tag value, got {0}")]
    ExpectedTagValue(Rest),
    /// A tag key is not followed by an equals sign.
    #[error("Tag set malformed: could not find equals sign in {0}")]
    ExpectedEqualsSign(Rest),
    /// Something is left behind the last field or the timestamp. Holds at most the first ten characters of it.
    #[error("Could not parse entire line. Found trailing content: `{0}`")]
    TrailingContent(String),
    /// A name or tag value ends with a backslash after unescaping.
    #[error("Measurements, tag keys and values, and field keys may not end with a backslash")]
    TrailingBackslash,
    /// An integer field is outside the range of 64 bits.
    #[error("Unable to parse integer value `{0}`")]
    IntegerOutOfRange(String),
    /// An unsigned integer field is outside the range of 64 bits.
    #[error("Unable to parse unsigned integer value `{0}`")]
    UnsignedIntegerOutOfRange(String),
    /// A float field is too large for a finite number.
    #[error("Unable to parse floating-point value `{0}`")]
    FloatOutOfRange(String),
    /// The timestamp is outside the range of 64 bits.
    #[error("Unable to parse timestamp value `{0}`")]
    TimestampOutOfRange(String),
    /// A name or tag value is longer than [`crate::MAX_NAME_LENGTH`].
    #[error("String is greater than 64KB")]
    NameTooLong,
    /// A string field value is longer than [`crate::MAX_STRING_LENGTH`].
    #[error("String is greater than 1MB")]
    StringTooLong,
    /// A NUL character in a name, a tag value or a string.
    #[error("NUL characters are not accepted in names, tag values and strings")]
    NulCharacter,
    /// A tag key is given twice, with whatever values.
    #[error("the tag '{0}' is specified more than once with conflicting values")]
    DuplicateTag(String),
    /// A field key is given twice with values of one type.
    #[error("invalid line protocol - multiple instances of '{0}' field found")]
    DuplicateField(String),
    /// A field key is given twice with values of different types.
    #[error("the field '{0}' is specified more than once with conflicting types")]
    ConflictingFieldTypes(String),
    /// One name is given to a tag and to a field.
    #[error(
        "invalid column type for column '{name}', expected iox::column_type::tag, got iox::column_type::field::{}",
        field_type.as_str()
    )]
    TagAndField {
        /// The name, unescaped.
        name: String,
        /// Type of the field.
        field_type: FieldType,
    },
    /// A tag is named `time`.
    #[error("input tag \"time\" on measurement \"{measurement}\" is invalid")]
    TagNamedTime {
        /// The measurement, unescaped.
        measurement: String,
    },
    /// A field is named `time`.
    #[error("invalid field name: input field \"time\" on measurement \"{measurement}\" is invalid")]
    FieldNamedTime {
        /// The measurement, unescaped.
        measurement: String,
    },
}

/// What stands where something else was expected: the rest of the line, which may be empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rest(String);

impl Rest {
    pub(crate) fn new(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Display for Rest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { f.write_str("end of input") } else { write!(f, "`{}`", self.0) }
    }
}
