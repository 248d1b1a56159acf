//! The `fanfare` binary: parse, start, exit code.

fn main() {}
