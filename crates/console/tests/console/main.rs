//! The console as a browser sees it: whole requests to its router, over a real service.

mod api_tokens;
mod browser;
mod escaping;
mod routes;
mod sessions;
mod set_up;
mod weight;
