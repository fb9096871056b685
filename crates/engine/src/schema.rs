//! The columns of a table: what writers are checked against and what queries see.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use tidegate_line_protocol::FieldType;
use tidegate_model::{PartitionTemplate, TemplatePart};

/// Name of the column that every table has.
pub(crate) const TIME: &str = "time";

/// What a column holds (data-plane contract §5.1). Fixed when the column is created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum ColumnKind {
    Time,
    Tag,
    Field(FieldType),
}

impl ColumnKind {
    /// The number that stands for this kind in the write-ahead log; never changes its meaning.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Time => 0,
            Self::Tag => 1,
            Self::Field(FieldType::Float) => 2,
            Self::Field(FieldType::Integer) => 3,
            Self::Field(FieldType::UInteger) => 4,
            Self::Field(FieldType::String) => 5,
            Self::Field(FieldType::Boolean) => 6,
        }
    }

    /// The kind for a number found in the log.
    pub(crate) const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::Time,
            1 => Self::Tag,
            2 => Self::Field(FieldType::Float),
            3 => Self::Field(FieldType::Integer),
            4 => Self::Field(FieldType::UInteger),
            5 => Self::Field(FieldType::String),
            6 => Self::Field(FieldType::Boolean),
            _ => return None,
        })
    }

    /// The Arrow type in which queries see the column.
    pub(crate) fn data_type(self) -> DataType {
        match self {
            Self::Time => DataType::Timestamp(TimeUnit::Nanosecond, None),
            Self::Tag => DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
            Self::Field(FieldType::Float) => DataType::Float64,
            Self::Field(FieldType::Integer) => DataType::Int64,
            Self::Field(FieldType::UInteger) => DataType::UInt64,
            Self::Field(FieldType::String) => DataType::Utf8,
            Self::Field(FieldType::Boolean) => DataType::Boolean,
        }
    }

    /// The name that conflict messages use.
    fn type_name(self) -> String {
        match self {
            Self::Time => "iox::column_type::timestamp".to_owned(),
            Self::Tag => "iox::column_type::tag".to_owned(),
            Self::Field(field) => format!("iox::column_type::field::{}", field.as_str()),
        }
    }
}

/// A column and what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: Arc<str>,
    pub(crate) kind: ColumnKind,
}

impl Column {
    pub(crate) fn new(name: impl Into<Arc<str>>, kind: ColumnKind) -> Self {
        Self { name: name.into(), kind }
    }

    /// The message for a value of another kind in this column (data-plane contract §5.2).
    pub(crate) fn conflict(&self, got: ColumnKind) -> String {
        format!(
            "invalid column type for column '{}', expected {}, got {}",
            self.name,
            self.kind.type_name(),
            got.type_name()
        )
    }
}

/// The columns of one table, sorted by name, `time` among them. Only ever grows.
#[derive(Debug)]
pub(crate) struct TableSchema {
    columns: Vec<Column>,
    arrow: SchemaRef,
}

impl TableSchema {
    /// A schema of these columns, which must have distinct names.
    pub(crate) fn new(mut columns: Vec<Column>) -> Self {
        columns.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        let fields: Fields = columns
            .iter()
            .map(|column| Field::new(&*column.name, column.kind.data_type(), column.kind != ColumnKind::Time))
            .collect();
        Self { columns, arrow: Arc::new(Schema::new(fields)) }
    }

    /// The columns of a table without rows: `time`, and the tags that its partition template names.
    pub(crate) fn base(template: Option<&PartitionTemplate>) -> Arc<Self> {
        static TIME_ALONE: LazyLock<Arc<TableSchema>> =
            LazyLock::new(|| Arc::new(TableSchema::new(vec![Column::new(TIME, ColumnKind::Time)])));
        let tags: Vec<Column> = template
            .map_or(&[][..], PartitionTemplate::parts)
            .iter()
            .filter_map(|part| match part {
                TemplatePart::Time(_) => None,
                TemplatePart::Tag(tag) | TemplatePart::Bucket { tag, .. } => Some(Column::new(&**tag, ColumnKind::Tag)),
            })
            .collect();
        if tags.is_empty() { Arc::clone(&TIME_ALONE) } else { Arc::new(TIME_ALONE.with(tags)) }
    }

    /// This schema and these columns, which it must lack.
    pub(crate) fn with(&self, mut columns: Vec<Column>) -> Self {
        columns.extend_from_slice(&self.columns);
        Self::new(columns)
    }

    /// The columns, by name.
    pub(crate) fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Their names, sorted.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| &*column.name)
    }

    /// The same columns as queries see them, in the same order.
    pub(crate) fn arrow(&self) -> &SchemaRef {
        &self.arrow
    }

    /// The column of this name.
    pub(crate) fn column(&self, name: &str) -> Option<&Column> {
        self.position(name).and_then(|at| self.columns.get(at))
    }

    /// Where the column of this name stands.
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.columns.binary_search_by(|column| (*column.name).cmp(name)).ok()
    }

    /// This schema with the columns of `other` that it lacks; the first column of another kind is the error.
    pub(crate) fn union(self: &Arc<Self>, other: &Self) -> Result<Arc<Self>, KindConflict> {
        let mut missing = Vec::new();
        for column in other.columns() {
            match self.column(&column.name) {
                Some(existing) if existing.kind == column.kind => {}
                Some(existing) => return Err(KindConflict { message: existing.conflict(column.kind) }),
                None => missing.push(column.clone()),
            }
        }
        if missing.is_empty() {
            return Ok(Arc::clone(self));
        }
        Ok(Arc::new(self.with(missing)))
    }
}

/// Two schemas give one column different kinds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct KindConflict {
    message: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_own_code() {
        for code in 0..=6 {
            assert_eq!(ColumnKind::from_code(code).map(ColumnKind::code), Some(code));
        }
        assert_eq!(ColumnKind::from_code(7), None);
    }

    #[test]
    fn the_base_has_time_and_the_tags_of_the_template() {
        assert_eq!(TableSchema::base(None).names().collect::<Vec<_>>(), ["time"]);
        let template = PartitionTemplate::new(vec![
            TemplatePart::Tag("zone".into()),
            TemplatePart::Time("%Y".into()),
            TemplatePart::Bucket { tag: "device".into(), buckets: 16 },
        ])
        .unwrap();
        let base = TableSchema::base(Some(&template));
        let columns: Vec<_> = base.columns().iter().map(|column| (&*column.name, column.kind)).collect();
        assert_eq!(
            columns,
            [("device", ColumnKind::Tag), ("time", ColumnKind::Time), ("zone", ColumnKind::Tag)],
            "by name"
        );
    }

    #[test]
    fn union_keeps_order_and_refuses_another_kind() {
        let float = ColumnKind::Field(FieldType::Float);
        let a = Arc::new(TableSchema::new(vec![Column::new("time", ColumnKind::Time), Column::new("z", float)]));
        let b = TableSchema::new(vec![Column::new("host", ColumnKind::Tag), Column::new("time", ColumnKind::Time)]);
        let both = a.union(&b).unwrap();
        let names: Vec<&str> = both.columns().iter().map(|column| &*column.name).collect();
        assert_eq!(names, ["host", "time", "z"]);
        assert!(Arc::ptr_eq(&both, &both.union(&a).unwrap()), "nothing new gives the same schema");

        let c = TableSchema::new(vec![Column::new("z", ColumnKind::Tag)]);
        assert_eq!(
            a.union(&c).unwrap_err().to_string(),
            "invalid column type for column 'z', expected iox::column_type::field::float, got iox::column_type::tag"
        );
    }
}
