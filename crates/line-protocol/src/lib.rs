//! Line protocol: splitting, parsing, precision and the rules that need no schema.
//!
//! A body goes through two steps. [`lines`] cuts it into lines without judging them, and [`parse`] reads one line
//! into a [`Line`] that borrows from the body. A line that fails never changes how the next one is read. What needs
//! the schema of a table (types of existing columns, limits) is left to the caller.
//!
//! ```
//! use tidegate_line_protocol::{FieldValue, Line, Precision, lines, parse};
//!
//! let body = "# temperatures\nroom,floor=1 celsius=21.5 1700000000\nroom celsius=\n";
//! let mut line = Line::default();
//! let mut refused = Vec::new();
//! for raw in lines(body) {
//!     match parse(raw.text, &mut line) {
//!         Ok(()) => {
//!             assert_eq!(line.measurement, "room");
//!             assert_eq!(line.fields[0].1, FieldValue::Float(21.5));
//!             let time = line.timestamp.map(|written| Precision::Second.to_nanos(written));
//!             assert_eq!(time, Some(Ok(1_700_000_000_000_000_000)));
//!         }
//!         Err(error) => refused.push(format!("{}: {error}", raw.number)),
//!     }
//! }
//! assert_eq!(refused, ["3: No fields were provided"]);
//! ```
//!
//! # Deliberate differences from the InfluxDB parser
//!
//! | Input | InfluxDB | Here |
//! |---|---|---|
//! | `\r\n` | `\r` is trailing content | ends a line like `\n` |
//! | byte order mark before the body | part of the first measurement | skipped |
//! | comment with an unbalanced quote | joins the lines behind it | is a comment |
//! | quote in a tag value of an indented line | may join the line behind it | an ordinary character |
//! | NUL in a name, tag value or string | accepted | the line is refused |
//! | float that overflows, `1e400` | infinity | the line is refused |
//! | blanks at the end of a line without timestamp | trailing content | ignored |
//! | one comma behind two or more fields | trailing content | ignored, as behind a single field |
//! | a tag, or a name for both a tag and a field, twice | depends on the product | the line is refused |
//! | a field twice, also if equal | depends on the product | the line is refused |
//! | a tag or field named `time` | depends on the product | the line is refused |

mod cursor;
mod error;
mod line;
mod name;
mod precision;
mod rules;
mod split;
mod value;

#[cfg(test)]
mod tests;

pub use error::{LineError, LineErrorKind, Rest};
pub use line::{FieldType, FieldValue, Line, parse};
pub use precision::{Precision, PrecisionError, TimestampError};
pub use split::{Lines, RawLine, excerpt, lines};

/// Longest measurement, tag key, tag value or field key, in bytes after unescaping.
pub const MAX_NAME_LENGTH: usize = 64 * 1024;

/// Longest string field value, in bytes after unescaping.
pub const MAX_STRING_LENGTH: usize = 1024 * 1024;
