//! The HTTP dialects: management v0, v2, v3 and v1.
