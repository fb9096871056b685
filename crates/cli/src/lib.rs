//! The `influxctl` command tree (influxctl contract), under two names.
//!
//! [`Face::Influxctl`] is what scripts know. [`Face::Tidegate`] is the same tree under this program's own name, with the
//! few things that only this program has. The binary may add commands of its own to [`command`] before it calls
//! [`parse`] and [`run`] or [`run_interruptible`].

mod auth;
mod commands;
mod config;
mod error;
mod face;
mod globals;
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
pub use io::{Environment, Io};
pub use output::{ListTable, detail_table};
pub use main_loop::{main_influxctl, run, run_blocking, run_interruptible};
pub use tree::command;
pub use usage::parse;
pub use values::retention as parse_retention;

#[cfg(test)]
mod tests;
