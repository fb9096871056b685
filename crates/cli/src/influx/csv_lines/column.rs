//! What a column holds, and a row as a line.

use csv::StringRecord;
use tidegate_client::Precision;

/// What a column is in a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Measurement,
    Tag,
    Field,
    /// Holds the name of the field whose value [`Role::FieldValue`] holds.
    FieldName,
    FieldValue,
    Time,
    Ignored,
}

/// How a cell becomes a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// As it stands.
    Literal,
    Double,
    Long,
    UnsignedLong,
    Boolean,
    String,
    /// Whole numbers in the precision of the call.
    TimeNumber,
    /// RFC 3339.
    TimeText,
    /// Either.
    Time,
}

#[derive(Debug, Clone)]
pub(super) struct Column {
    /// Where it stands; `None` for one that all rows share.
    position: Option<usize>,
    name: String,
    pub(super) role: Role,
    kind: Kind,
    default: String,
}

impl Column {
    pub(super) fn new(
        position: usize,
        name: &str,
        kind: &str,
        default: String,
        is_group: bool,
    ) -> Result<Self, String> {
        let (role, kind) = kind_of(kind).map_err(|reason| format!("column {name:?}: {reason}"))?;
        // What answers of queries call their columns.
        let role = match (name, role) {
            (_, Role::Measurement | Role::Tag | Role::Ignored) => role,
            ("_measurement", _) => Role::Measurement,
            ("_field", _) => Role::FieldName,
            ("_value", _) => Role::FieldValue,
            ("_time", _) => Role::Time,
            ("" | "_start" | "_stop" | "result" | "table", _) => Role::Ignored,
            (_, Role::Field) if is_group => Role::Tag,
            _ => role,
        };
        let kind = if role == Role::Time && kind == Kind::Literal { Kind::Time } else { kind };
        Ok(Self { position: Some(position), name: name.to_owned(), role, kind, default })
    }

    /// From the cells of `#constant`: type, name and value, where a measurement needs no name.
    pub(super) fn constant(cells: &[&str]) -> Result<Self, String> {
        let (kind, name, value) = match cells {
            ["measurement", value] => ("measurement", "", value),
            [kind, name, value] => (*kind, *name, value),
            _ => return Err("#constant needs a type, a name and a value".to_owned()),
        };
        let column = Self::new(0, name, kind, (*value).to_owned(), false)?;
        Ok(Self { position: None, ..column })
    }

    /// The cell of a row, or what stands for an empty one.
    fn cell<'a>(&'a self, record: &'a StringRecord) -> &'a str {
        let cell = self.position.and_then(|position| record.get(position)).filter(|cell| !cell.is_empty());
        cell.unwrap_or(&self.default)
    }

    fn value(&self, cell: &str, precision: Precision) -> Result<String, String> {
        let wrong = |expected: &str| format!("column {:?}: {cell:?} is not {expected}", self.name);
        let cell = if self.kind == Kind::String { cell } else { cell.trim() };
        match self.kind {
            Kind::Literal => Ok(cell.to_owned()),
            Kind::Double => match cell.parse::<f64>() {
                Ok(number) if number.is_finite() => Ok(cell.to_owned()),
                _ => Err(wrong("a number")),
            },
            Kind::Long => cell.parse::<i64>().map(|number| format!("{number}i")).map_err(|_| wrong("a whole number")),
            Kind::UnsignedLong => cell
                .parse::<u64>()
                .map(|number| format!("{number}u"))
                .map_err(|_| wrong("a whole number of at least 0")),
            Kind::Boolean => match cell.to_ascii_lowercase().as_str() {
                "true" | "t" | "y" | "yes" | "1" => Ok("true".to_owned()),
                "false" | "f" | "n" | "no" | "0" => Ok("false".to_owned()),
                _ => Err(wrong("true or false")),
            },
            Kind::String => Ok(format!("\"{}\"", escaped(cell, &['"', '\\']))),
            Kind::TimeNumber => number_time(cell).ok_or_else(|| wrong("a time as a number")),
            Kind::TimeText => text_time(cell, precision).ok_or_else(|| wrong("a time of RFC 3339")),
            Kind::Time => number_time(cell)
                .or_else(|| text_time(cell, precision))
                .ok_or_else(|| wrong("a time, neither as a number nor of RFC 3339")),
        }
    }
}

fn kind_of(word: &str) -> Result<(Role, Kind), String> {
    Ok(match word {
        "" | "field" => (Role::Field, Kind::Literal),
        "measurement" => (Role::Measurement, Kind::Literal),
        "tag" => (Role::Tag, Kind::Literal),
        "ignore" | "ignored" => (Role::Ignored, Kind::Literal),
        "double" => (Role::Field, Kind::Double),
        "long" => (Role::Field, Kind::Long),
        "unsignedLong" => (Role::Field, Kind::UnsignedLong),
        "boolean" => (Role::Field, Kind::Boolean),
        "string" => (Role::Field, Kind::String),
        "time" | "dateTime" => (Role::Time, Kind::Time),
        "dateTime:number" => (Role::Time, Kind::TimeNumber),
        "dateTime:RFC3339" | "dateTime:RFC3339Nano" => (Role::Time, Kind::TimeText),
        _ => return Err(format!("the type {word:?} is not supported")),
    })
}

fn number_time(cell: &str) -> Option<String> {
    cell.parse::<i64>().ok().map(|number| number.to_string())
}

fn text_time(cell: &str, precision: Precision) -> Option<String> {
    let time = chrono::DateTime::parse_from_rfc3339(cell).ok()?;
    let number = match precision {
        Precision::Nanoseconds => time.timestamp_nanos_opt()?,
        Precision::Microseconds => time.timestamp_micros(),
        Precision::Milliseconds => time.timestamp_millis(),
        Precision::Seconds => time.timestamp(),
    };
    Some(number.to_string())
}

/// A row as a line with its end.
pub(super) fn line(columns: &[Column], record: &StringRecord, precision: Precision) -> Result<String, String> {
    let mut measurement = "";
    let mut tags = String::new();
    let mut fields = Vec::new();
    let mut field_name = "";
    let mut field_value = None;
    let mut time = None;
    for column in columns {
        let cell = column.cell(record);
        if cell.is_empty() {
            continue;
        }
        match column.role {
            Role::Measurement => measurement = cell,
            Role::Tag => tags.push_str(&format!(",{}={}", key(&column.name)?, key(cell)?)),
            Role::Field => fields.push((column.name.as_str(), column.value(cell, precision)?)),
            Role::FieldName => field_name = cell,
            Role::FieldValue => field_value = Some(column.value(cell, precision)?),
            Role::Time => time = Some(column.value(cell, precision)?),
            Role::Ignored => {}
        }
    }
    match field_value {
        Some(_) if field_name.is_empty() => return Err("the row names no field".to_owned()),
        Some(value) => fields.push((field_name, value)),
        None => {}
    }
    if measurement.is_empty() {
        return Err("the row has no measurement".to_owned());
    }
    if fields.is_empty() {
        return Err("the row has no field".to_owned());
    }
    if measurement.contains(['\n', '\r']) {
        return Err("a measurement has a line break".to_owned());
    }
    let mut written = Vec::new();
    for (name, value) in fields {
        written.push(format!("{}={value}", key(name)?));
    }
    let time = time.map(|time| format!(" {time}")).unwrap_or_default();
    Ok(format!("{}{tags} {}{time}\n", escaped(measurement, &[',', ' ']), written.join(",")))
}

/// Text as a key or the value of a tag.
fn key(text: &str) -> Result<String, String> {
    if text.contains(['\n', '\r']) || text.ends_with('\\') {
        return Err(format!("{text:?} cannot be a key or tag: it has a line break, or a backslash at its end"));
    }
    Ok(escaped(text, &[',', '=', ' ']))
}

fn escaped(text: &str, special: &[char]) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if special.contains(&c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}
