//! The configuration file: where it is, and the profiles in it (influxctl contract §3).

mod locate;
mod profile;

pub(crate) use locate::{Located, locate};
pub(crate) use profile::{Product, Profile, read};
