//! Command lines: the `influxctl` tree (influxctl contract) under two names, and `influx`.
//!
//! [`Face::Influxctl`] is what scripts know. [`Face::Tidegate`] is the same tree under this program's own name, with the
//! few things that only this program has. The binary may add commands of its own to [`command`] before it calls
//! [`parse`] and [`run`] or [`run_interruptible`].
//!
//! [`main_influx`] is another tree: `influx`, the command line of the v2 API (v2 API contract §6), with its own way of
//! reading flags, its own file of configs and its own tables.

mod auth;
mod commands;
mod config;
mod error;
mod face;
mod globals;
mod influx;
mod io;
mod lines;
mod main_loop;
mod output;
mod private_file;
mod rows;
mod session;
mod statistics;
mod tree;
mod usage;
mod values;

pub use face::{ExitStatus, Face};
pub use influx::{INFLUX, influx_commands, main_influx};
pub use io::{Environment, Io};
pub use main_loop::{main_influxctl, run, run_blocking, run_interruptible};
pub use output::{ListTable, detail_table};
pub use tree::command;
pub use usage::parse;
pub use values::retention as parse_retention;

#[cfg(test)]
mod tests;
