//! The `influx` face from the command line to the requests that reach a server. Names carry the numbers of the v2 API
//! contract's edge cases (§9).

mod answers;
mod authorizations;
mod buckets;
mod configs;
mod contract;
mod data;
mod every_command;
mod scene;
mod set_up;
mod users;
mod v1;
