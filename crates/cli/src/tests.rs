//! Every command from the command line to the requests that reach a server. Names carry the numbers of the influxctl
//! contract's edge cases (§19).

mod configuration;
mod data;
mod databases;
mod harness;
mod management_tokens;
mod tokens;
mod usage;
