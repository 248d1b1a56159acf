//! Integration tests: one binary.

// `cfg(test)` is always on here; it tells the lints that these are tests.
#[cfg(test)]
mod architecture;
#[cfg(test)]
mod audience;
#[cfg(test)]
mod auditor;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod command;
#[cfg(test)]
mod full_path;
#[cfg(test)]
mod kill;
#[cfg(test)]
mod receipt;
#[cfg(test)]
mod rig;
#[cfg(test)]
mod store;
