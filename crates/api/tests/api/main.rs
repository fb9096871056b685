//! The whole router in one process: every answer of the HTTP dialects, without a socket.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

mod barrier;
mod conventions;
mod credentials;
mod database_changes;
mod databases;
mod fixture;
mod health;
mod line_protocol;
mod line_protocol_cases;
mod management_tokens;
mod matrix;
mod matrix_v2;
mod metrics;
mod openapi;
mod partial_writes;
mod partition_templates;
mod path_forms;
mod query_sql;
mod row_semantics;
mod tables;
mod tokens;
mod unauthorized;
mod unread;
mod v2_barrier;
mod v2_buckets;
mod v2_change;
mod v2_cloud;
mod v2_cloud_isolation;
mod v2_create;
mod v2_credentials;
mod v2_draining;
mod v2_fixture;
mod v2_legacy;
mod v2_list;
mod v2_mappings;
mod v2_sessions;
mod v2_setup;
mod v2_users;
mod write_bodies;
mod write_parameters;
