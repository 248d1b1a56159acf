//! Integration tests: one binary.

// `cfg(test)` is always on here; it tells the lints that these are tests.
#[cfg(test)]
mod audience;
#[cfg(test)]
mod store;
