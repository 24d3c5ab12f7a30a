//! The bodies of the fuzz targets, for `cargo fuzz` (see `fuzz/README.md`) and for the replay of their corpora.
//!
//! Each takes any bytes and panics where the log does not keep its word: bytes from outside may be refused, and what is taken must then
//! work. All go in by the crate's public doors.

mod batch;
mod checkpoints;
mod folder;
mod indexes;
mod inspect;
mod logs;
mod records;
mod snapshot;
pub mod tree;

/// A target's name, which is also that of its corpus in `fuzz/corpus`, and its body.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: &[Target] = &[
    ("batch", batch::run),
    ("records", records::run),
    ("indexes", indexes::run),
    ("snapshot", snapshot::run),
    ("checkpoints", checkpoints::run),
    ("folder", folder::run),
    ("inspect", inspect::run),
];

/// Runs one target by its name.
pub fn run(name: &str, data: &[u8]) {
    let (_, body) = TARGETS.iter().find(|(target, _)| *target == name).expect("a target of that name");
    body(data);
}
