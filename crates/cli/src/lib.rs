//! The influxctl command tree.
