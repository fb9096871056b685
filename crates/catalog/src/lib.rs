//! The durable record of databases, tokens and audit, in SQLite.
