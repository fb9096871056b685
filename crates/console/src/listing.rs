//! Lists: search, order, pages. All of it is in the query string, so that it works without script and can be kept as a
//! bookmark.

use axum::http::Uri;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::form::Fields;
use crate::number::grouped;

/// How many rows a page can have.
pub(crate) const SIZES: [usize; 3] = [10, 25, 100];

/// What the visitor wants to see of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListQuery {
    /// What to look for, without regard to case.
    pub(crate) search: String,
    /// By which column; empty = as the list chooses.
    pub(crate) sort: String,
    pub(crate) descending: bool,
    /// From 1.
    pub(crate) page: usize,
    /// One of [`SIZES`].
    pub(crate) size: usize,
    /// Whether also what is revoked, inactive or deleted.
    pub(crate) all: bool,
}

impl Default for ListQuery {
    fn default() -> Self {
        Self { search: String::new(), sort: String::new(), descending: false, page: 1, size: SIZES[0], all: false }
    }
}

impl ListQuery {
    /// What the address says; whatever cannot be read is as if it were not there.
    pub(crate) fn of(uri: &Uri) -> Self {
        let fields = uri.query().and_then(Fields::parse).unwrap_or_default();
        let usual = Self::default();
        Self {
            search: fields.text("search").trim().to_owned(),
            sort: fields.text("sort").to_owned(),
            descending: fields.text("order") == "desc",
            page: fields.text("page").parse().unwrap_or(1).max(1),
            size: fields.text("size").parse().ok().filter(|size| SIZES.contains(size)).unwrap_or(usual.size),
            all: fields.is_set("all"),
        }
    }

    /// Whether one of the texts holds what is looked for.
    pub(crate) fn finds(&self, texts: &[&str]) -> bool {
        let wanted = self.search.to_lowercase();
        wanted.is_empty() || texts.iter().any(|text| text.to_lowercase().contains(&wanted))
    }

    /// The address of a list that shows this.
    pub(crate) fn address(&self, path: &str) -> String {
        let mut pairs = Vec::new();
        let usual = Self::default();
        if !self.search.is_empty() {
            pairs.push(format!("search={}", utf8_percent_encode(&self.search, NON_ALPHANUMERIC)));
        }
        if !self.sort.is_empty() {
            pairs.push(format!("sort={}", utf8_percent_encode(&self.sort, NON_ALPHANUMERIC)));
        }
        if self.descending {
            pairs.push("order=desc".to_owned());
        }
        if self.page != usual.page {
            pairs.push(format!("page={}", self.page));
        }
        if self.size != usual.size {
            pairs.push(format!("size={}", self.size));
        }
        if self.all {
            pairs.push("all=1".to_owned());
        }
        if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", pairs.join("&")) }
    }
}

/// One page of a list.
#[derive(Debug)]
pub(crate) struct Listed<T> {
    pub(crate) rows: Vec<T>,
    /// How many there are on all pages.
    pub(crate) total: usize,
    pub(crate) query: ListQuery,
    path: String,
}

impl<T> Listed<T> {
    /// The wanted page of rows that are chosen and in order already. `path` is where the list is.
    pub(crate) fn new(rows: Vec<T>, query: ListQuery, path: impl Into<String>) -> Self {
        let total = rows.len();
        let last = total.div_ceil(query.size).max(1);
        let query = ListQuery { page: query.page.min(last), ..query };
        let rows = rows.into_iter().skip((query.page - 1) * query.size).take(query.size).collect();
        Self { rows, total, query, path: path.into() }
    }

    /// The same page with its rows shown otherwise, so that only what is seen has to be made.
    pub(crate) fn map<U>(mut self, show: impl FnMut(T) -> U) -> Listed<U> {
        let rows = std::mem::take(&mut self.rows).into_iter().map(show).collect();
        self.with_rows(rows)
    }

    /// The same page with these for its rows.
    pub(crate) fn with_rows<U>(self, rows: Vec<U>) -> Listed<U> {
        Listed { rows, total: self.total, query: self.query, path: self.path }
    }

    /// Where the list is.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Such as `11–20 of 42`.
    pub(crate) fn range(&self) -> String {
        let before = (self.query.page - 1) * self.query.size;
        if self.rows.is_empty() {
            return "0 of 0".to_owned();
        }
        let [first, last, total] = [before + 1, before + self.rows.len(), self.total]
            .map(|number| grouped(u64::try_from(number).unwrap_or(u64::MAX)));
        format!("{first}–{last} of {total}")
    }

    /// The address of the page before; `None` on the first.
    pub(crate) fn previous(&self) -> Option<String> {
        let page = self.query.page.checked_sub(1).filter(|page| *page >= 1)?;
        Some(ListQuery { page, ..self.query.clone() }.address(&self.path))
    }

    /// The address of the next page; `None` on the last.
    pub(crate) fn next(&self) -> Option<String> {
        let is_last = self.query.page * self.query.size >= self.total;
        (!is_last).then(|| ListQuery { page: self.query.page + 1, ..self.query.clone() }.address(&self.path))
    }

    /// Where a click on a column's header leads: by this column, and if it is by this one already, the other way round.
    pub(crate) fn sorted_by(&self, column: &str) -> String {
        let descending = self.query.sort == column && !self.query.descending;
        ListQuery { sort: column.to_owned(), descending, page: 1, ..self.query.clone() }.address(&self.path)
    }

    /// The value of `aria-sort` for a column.
    pub(crate) fn order_of(&self, column: &str) -> &'static str {
        match (self.query.sort == column, self.query.descending) {
            (false, _) => "none",
            (true, false) => "ascending",
            (true, true) => "descending",
        }
    }

    /// The same list with what is revoked, inactive or deleted, or without it if it is with it now.
    pub(crate) fn with_all_or_without(&self) -> String {
        ListQuery { all: !self.query.all, page: 1, ..self.query.clone() }.address(&self.path)
    }

    /// The sizes of pages, each with whether it is this one.
    pub(crate) fn sizes(&self) -> impl Iterator<Item = (usize, bool)> {
        SIZES.into_iter().map(|size| (size, size == self.query.size))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &'static str) -> ListQuery {
        ListQuery::of(&Uri::from_static(text))
    }

    #[test]
    fn addresses_say_what_is_shown() {
        let full = "/list?search=a%26b&sort=created&order=desc&page=2&size=25&all=1";
        assert_eq!(query(full).address("/list"), full);
        assert_eq!(query("/list").address("/list"), "/list");
        assert_eq!(query("/list?page=0&size=11&order=up&page=x"), ListQuery::default());
    }

    #[test]
    fn pages_beyond_the_last_are_the_last() {
        let listed = Listed::new((0..21).collect(), query("/list?page=99"), "/list");
        assert_eq!(listed.rows, [20]);
        assert_eq!(listed.range(), "21–21 of 21");
        assert_eq!(listed.previous().as_deref(), Some("/list?page=2"));
        assert_eq!(listed.next(), None);
        let empty = Listed::<i32>::new(Vec::new(), query("/list?page=99"), "/list");
        assert_eq!((empty.range().as_str(), empty.previous(), empty.next()), ("0 of 0", None, None));
    }

    #[test]
    fn a_second_click_turns_the_order() {
        let by_name = Listed::<i32>::new(Vec::new(), query("/list?sort=name"), "/list");
        assert_eq!(by_name.sorted_by("name"), "/list?sort=name&order=desc");
        assert_eq!(by_name.sorted_by("created"), "/list?sort=created");
        assert_eq!((by_name.order_of("name"), by_name.order_of("created")), ("ascending", "none"));
    }

    #[test]
    fn search_disregards_case() {
        assert!(query("/list?search=ABC").finds(&["x", "xabcx"]));
        assert!(!query("/list?search=abd").finds(&["abc"]));
        assert!(query("/list").finds(&[]));
    }
}
