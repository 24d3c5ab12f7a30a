//! The bodies of the processor's fuzz targets, for `cargo fuzz` (see `fuzz/README.md`) and for the replay of their corpora.
//!
//! Each takes any bytes and panics where the processor does not keep its word: bytes from outside may be refused, and what is taken must
//! then work. All go in by the crate's public doors.
#![allow(clippy::unwrap_used)]

mod changelog;
mod formats;
mod sql;

/// A target's name, which is also that of its corpus in `fuzz/corpus`, and its body.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: &[Target] = &[("sql", sql::run), ("formats", formats::run), ("changelog", changelog::run)];

/// Runs one target by its name.
pub fn run(name: &str, data: &[u8]) {
    let (_, body) = TARGETS.iter().find(|(target, _)| *target == name).expect("a target of that name");
    body(data);
}
