//! Paging (contract §5.5): exactly as much as was asked for. A client that gets more than it asked for pages for ever.

use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::error::ApiError;
use super::parameters::Parameters;

const DEFAULT_LIMIT: usize = 20;
const LARGEST_LIMIT: usize = 100;

/// Which part of a list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Page {
    limit: usize,
    offset: usize,
    /// The number of the id behind which the page starts.
    after: Option<u64>,
    descending: bool,
}

/// The parameters of a list that is answered by pages.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what is read from the query string")]
pub(super) struct Paging {
    /// Most records of the page; 20 if absent.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i32>,
    /// How many records come before it.
    #[param(minimum = 0, maximum = 9223372036854775807i64)]
    offset: Option<i64>,
    /// The id of the record before it.
    #[param(pattern = "^((?!0{16}$)[0-9A-Fa-f]{16})?$")]
    after: Option<String>,
    /// The last first; false if absent.
    descending: Option<bool>,
}

/// Where to find this page and its neighbours.
#[derive(Debug, Serialize, ToSchema, PartialEq, Eq)]
pub(super) struct PageLinks {
    #[serde(rename = "self")]
    this: String,
    /// There if there are more records.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    next: Option<String>,
    /// There unless this is the first page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    prev: Option<String>,
}

/// A page, and where it is.
pub(super) struct Paged<T> {
    pub(super) records: Vec<T>,
    pub(super) links: PageLinks,
}

impl Page {
    pub(super) fn of(parameters: &Parameters) -> Result<Self, ApiError> {
        let number = |name: &str| {
            let invalid = |_| ApiError::invalid(format!("{name} is invalid"));
            parameters.get(name).map(|text| text.parse::<i64>().map_err(invalid)).transpose()
        };
        let limit = match number("limit")? {
            None => DEFAULT_LIMIT,
            Some(given) => usize::try_from(given)
                .ok()
                .filter(|limit| (1..=LARGEST_LIMIT).contains(limit))
                .ok_or_else(|| ApiError::invalid(format!("limit must be between 1 and {LARGEST_LIMIT}")))?,
        };
        let offset = number("offset")?.map(usize::try_from).transpose();
        Ok(Self {
            limit,
            offset: offset.map_err(|_| ApiError::invalid("offset must not be negative"))?.unwrap_or_default(),
            after: parameters.id("after")?.map(tidegate_model::ResourceId::get),
            descending: parameters.switch("descending")?.unwrap_or_default(),
        })
    }

    /// Cuts the page out of the whole list, which is in ascending order. `id` is the number of a record's id.
    pub(super) fn cut<T>(
        self,
        mut records: Vec<T>,
        id: impl Fn(&T) -> u64,
        path: &str,
        asked: &Parameters,
    ) -> Paged<T> {
        if self.descending {
            records.reverse();
        }
        if let Some(after) = self.after {
            match records.iter().position(|record| id(record) == after) {
                Some(position) => drop(records.drain(..=position)),
                // That record may have gone since the page before.
                None if self.descending => records.retain(|record| id(record) < after),
                None => records.retain(|record| id(record) > after),
            }
        }
        let end = self.offset.saturating_add(self.limit);
        let links = PageLinks {
            this: self.link(path, asked, self.offset),
            next: (records.len() > end).then(|| self.link(path, asked, end)),
            prev: (self.offset > 0).then(|| self.link(path, asked, self.offset.saturating_sub(self.limit))),
        };
        Paged { records: records.into_iter().skip(self.offset).take(self.limit).collect(), links }
    }

    fn link(self, path: &str, asked: &Parameters, offset: usize) -> String {
        let values = [
            ("descending", self.descending.to_string()),
            ("limit", self.limit.to_string()),
            ("offset", offset.to_string()),
        ];
        format!("{path}?{}", asked.with(&values))
    }
}

#[cfg(test)]
mod tests {
    use axum::extract::FromRequestParts as _;
    use proptest::prelude::*;

    use super::*;

    fn parameters(query: &str) -> Parameters {
        let request = axum::http::Request::builder().uri(format!("/x?{query}")).body(()).unwrap();
        let (mut parts, ()) = request.into_parts();
        let read = Parameters::from_request_parts(&mut parts, &());
        match futures::executor::block_on(read) {
            Ok(parameters) => parameters,
            Err(never) => match never {},
        }
    }

    fn cut(query: &str, records: &[u64]) -> (Vec<u64>, PageLinks) {
        let asked = parameters(query);
        let page = Page::of(&asked).unwrap();
        let paged = page.cut(records.to_vec(), |id| *id, "/x", &asked);
        (paged.records, paged.links)
    }

    #[test]
    fn a_page_is_exactly_what_was_asked_for() {
        let all: Vec<u64> = (1..=45).collect();
        assert_eq!(cut("", &all).0, all[..20]);
        assert_eq!(cut("limit=10&offset=20", &all).0, all[20..30]);
        assert_eq!(cut("limit=100", &all).0, all);
        assert_eq!(cut("limit=2&descending=true", &all).0, [45, 44]);
        assert_eq!(cut("limit=2&after=0000000000000003", &all).0, [4, 5]);
        assert_eq!(cut("limit=2&descending=true&after=0000000000000003", &all).0, [2, 1]);
        assert_eq!(cut("offset=45", &all).0, [0; 0]);
        assert_eq!(cut("after=0000000000000003", &[1, 2, 4, 5]).0, [4, 5], "the one before has gone");
    }

    #[test]
    fn after_goes_by_place_where_the_order_is_not_that_of_ids() {
        assert_eq!(cut("after=0000000000000007", &[7, 1, 2, 9]).0, [1, 2, 9]);
        assert_eq!(cut("after=0000000000000001", &[7, 1, 2, 9]).0, [2, 9]);
    }

    #[test]
    fn links_lead_to_the_neighbours_and_keep_the_filter() {
        let all: Vec<u64> = (1..=45).collect();
        let (_, links) = cut("limit=20&offset=20&org=a+b", &all);
        assert_eq!(links.this, "/x?org=a+b&descending=false&limit=20&offset=20");
        assert_eq!(links.next.as_deref(), Some("/x?org=a+b&descending=false&limit=20&offset=40"));
        assert_eq!(links.prev.as_deref(), Some("/x?org=a+b&descending=false&limit=20&offset=0"));
        let (_, links) = cut("limit=45", &all);
        assert_eq!((links.next, links.prev), (None, None));
    }

    #[test]
    fn what_is_no_page_is_refused_with_its_message() {
        for (query, message) in [
            ("limit=0", "limit must be between 1 and 100"),
            ("limit=101", "limit must be between 1 and 100"),
            ("limit=-1", "limit must be between 1 and 100"),
            ("limit=x", "limit is invalid"),
            ("offset=x", "offset is invalid"),
            ("offset=-1", "offset must not be negative"),
            ("after=x", "id must have a length of 16 bytes"),
            ("descending=x", "descending must be true or false"),
        ] {
            assert_eq!(Page::of(&parameters(query)).unwrap_err().message(), message, "{query}");
        }
    }

    proptest! {
        /// Following `next`, or `after` the last record, shows every record once.
        #[test]
        fn pages_add_up_to_the_list(
            records in prop::collection::btree_set(1_u64..1000, 0..60),
            limit in 1_usize..=9,
            descending: bool,
        ) {
            let mut expected: Vec<u64> = records.into_iter().collect();
            let ascending = expected.clone();
            if descending {
                expected.reverse();
            }
            let (mut by_offset, mut query) = (Vec::new(), Some(format!("limit={limit}&descending={descending}")));
            while let Some(asked) = query {
                let (page, links) = cut(&asked, &ascending);
                by_offset.extend(page);
                query = links.next.and_then(|next| next.split_once('?').map(|(_, query)| query.to_owned()));
            }
            prop_assert_eq!(&by_offset, &expected);
            let mut by_id: Vec<u64> = Vec::new();
            loop {
                let after = by_id.last().map_or_else(String::new, |last| format!("{last:016x}"));
                let (page, links) = cut(&format!("limit={limit}&descending={descending}&after={after}"), &ascending);
                by_id.extend(page);
                if links.next.is_none() {
                    break;
                }
            }
            prop_assert_eq!(&by_id, &expected);
        }
    }
}
