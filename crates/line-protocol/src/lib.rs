//! Line protocol: splitting, parsing, precision and the rules that need no schema.
