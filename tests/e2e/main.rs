//! End-to-end tests: the real binary, real sockets, real clients.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets something unexpected shall fail on the spot"
)]

mod cli;
mod cli_tour;
mod crash;
mod credentials;
mod curl;
mod data_format;
mod data_plane;
mod databases;
mod examples;
mod hostile_sql;
mod management;
#[cfg(target_os = "linux")]
mod powerloss;
mod revocation;
mod revocation_load;
mod secrets;
mod serve;
mod sql_functions;
mod support;
mod tls;
mod v2_credentials;
mod v2_flows;
mod v2_legacy;
mod v2_recovery;
mod v2_revocation_load;
mod v2_settings;
mod v2_setup;
mod v2_setup_command;
