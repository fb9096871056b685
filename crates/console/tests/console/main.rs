//! The console as a browser sees it: whole requests to its router, over a real service.

mod api_tokens;
mod browser;
mod database_tokens;
mod databases;
mod escaping;
mod management_tokens;
mod routes;
mod sessions;
mod set_up;
mod tables;
mod weight;
