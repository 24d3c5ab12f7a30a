//! What is acknowledged when, and what goes on when disks fail or are full: over the wire, on a disk that fails on demand.
#![allow(clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

mod failing;
mod full;
mod group_commit;
mod groups;
mod jobs;
mod kinds;
mod moving;
mod node;
mod sessions;
mod topics;
mod transactions;
mod zombies;
