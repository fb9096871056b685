//! Query results as JSON, JSON lines, CSV and text tables.
