//! Lists of which single records may be faulty.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserializer as _;
use serde::de::{DeserializeOwned, Error as _, SeqAccess, Visitor};
use serde_json::Value;

/// With more than these a list is not read at all.
const MOST_UNREADABLE: usize = 1000;

/// A list as far as it can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing<T> {
    /// The records that are as documented.
    pub items: Vec<T>,
    /// The others.
    pub unreadable: Vec<UnreadableRecord>,
}

/// A record of a list that is not as documented. `Display` says which one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableRecord {
    /// Its place in the answer, counted from 1.
    pub position: usize,
    /// Its id, or else its name, if it has one.
    pub name: Option<String>,
}

impl fmt::Display for UnreadableRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "record {}", self.position)?;
        self.name.as_ref().map_or(Ok(()), |name| write!(f, " ({name})"))
    }
}

impl<T: DeserializeOwned> Listing<T> {
    /// Reads a JSON array. Fails if it is none, or if it has records and not one of them can be read: then it is no
    /// such list at all.
    pub(crate) fn parse(body: &[u8]) -> serde_json::Result<Self> {
        let error = match serde_json::from_slice(body) {
            Ok(items) => return Ok(Self { items, unreadable: Vec::new() }),
            Err(error) => error,
        };
        match serde_json::Deserializer::from_slice(body).deserialize_seq(Records(PhantomData)) {
            Ok(listing) if !listing.items.is_empty() => Ok(listing),
            _ => Err(error),
        }
    }
}

/// Reads one record after the other, so that only one is held in a form that takes more space.
struct Records<T>(PhantomData<T>);

impl<'de, T: DeserializeOwned> Visitor<'de> for Records<T> {
    type Value = Listing<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut records: A) -> Result<Listing<T>, A::Error> {
        let mut listing = Listing { items: Vec::new(), unreadable: Vec::new() };
        while let Some(record) = records.next_element::<Value>()? {
            match T::deserialize(&record) {
                Ok(item) => listing.items.push(item),
                Err(error) if listing.unreadable.len() == MOST_UNREADABLE => return Err(A::Error::custom(error)),
                Err(_) => {
                    let position = listing.items.len() + listing.unreadable.len() + 1;
                    listing.unreadable.push(UnreadableRecord { position, name: name_of(&record) });
                }
            }
        }
        Ok(listing)
    }
}

fn name_of(record: &Value) -> Option<String> {
    const LONGEST_NAME: usize = 100;
    let name = match record.get("id").or_else(|| record.get("name"))? {
        Value::String(text) => text.chars().take(LONGEST_NAME).collect(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DatabaseItem;

    #[test]
    fn faulty_records_do_not_take_the_others_with_them() {
        let body = br#"[{"name":"a"},{"name":7,"id":3},{"name":"b"},5,{"id":"x"},{"name":"c","maxTables":"many"}]"#;
        let listing: Listing<DatabaseItem> = Listing::parse(body).unwrap();
        let names: Vec<&str> = listing.items.iter().map(|item| item.name.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
        let unreadable: Vec<String> = listing.unreadable.iter().map(ToString::to_string).collect();
        assert_eq!(unreadable, ["record 2 (3)", "record 4", "record 5 (x)", "record 6 (c)"]);
    }

    #[test]
    fn what_is_no_such_list_is_refused() {
        assert!(Listing::<DatabaseItem>::parse(b"[]").unwrap().items.is_empty());
        for body in ["{}", "null", "", "<html>", "[{\"name\":\"a\"}", r#"[{"title":"a"}]"#, "[1,2]"] {
            assert!(Listing::<DatabaseItem>::parse(body.as_bytes()).is_err(), "{body}");
        }
    }

    #[test]
    fn too_many_faulty_records_make_no_list() {
        let body = |faulty| format!("[{}{}]", r#"{"name":"a"}"#, ",5".repeat(faulty));
        let readable = |faulty| Listing::<DatabaseItem>::parse(body(faulty).as_bytes()).is_ok();
        assert!(readable(MOST_UNREADABLE) && !readable(MOST_UNREADABLE + 1));
    }

    #[test]
    fn names_are_short() {
        let body = format!(r#"[{{"name":"a"}},{{"id":"{}"}}]"#, "é".repeat(1000));
        let listing: Listing<DatabaseItem> = Listing::parse(body.as_bytes()).unwrap();
        assert_eq!(listing.unreadable[0].name.as_deref(), Some("é".repeat(100).as_str()));
    }
}
