//! The console as a browser sees it: whole requests to its router, over a real service.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

mod api_tokens;
mod browser;
mod buckets;
mod database_tokens;
mod databases;
mod escaping;
mod management_tokens;
mod people;
mod routes;
mod sessions;
mod set_up;
mod tables;
mod weight;
