//! The write-ahead log, the in-memory buffer and the tables that queries read.
