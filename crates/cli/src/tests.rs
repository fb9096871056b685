//! Every command from the command line to the requests that reach a server. Names carry the numbers of the influxctl
//! contract's edge cases (§19).

mod accounts;
mod compatibility;
mod configuration;
mod data;
mod databases;
mod faulty_records;
mod harness;
mod influx;
mod login;
mod management_tokens;
mod provider;
mod secrets;
mod tables;
mod tokens;
mod usage;
mod vendor;
