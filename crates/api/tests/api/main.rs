//! The whole router in one process: every answer of the HTTP dialects, without a socket.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

mod barrier;
mod fixture;
mod matrix;
mod openapi;
mod unauthorized;
