//! Integration tests, one binary.

#[cfg(test)]
mod audience;
