//! What the tests against the real binary stand on: starting brokers, setting up client languages, running their checks.

pub mod binary;
pub mod broker;
pub mod clicks;
pub mod language;
pub mod lock;
pub mod ports;
pub mod process;
pub mod suite;
pub mod wire;
pub mod workspace;
