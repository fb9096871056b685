//! Which SQL may run, and within what limits.
