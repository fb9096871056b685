//! The tidegate server and command line.
fn main() {}
