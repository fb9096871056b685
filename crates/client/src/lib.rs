//! Typed client of the management and data HTTP interfaces.
