//! Forebay: sockets, threads, the clock, the APIs, HTTP and the command line around the pure rooms.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod api;
pub mod cleaner;
pub mod cli;
mod clock;
pub mod config;
pub mod connection;
pub mod coordinator;
pub mod demo;
pub mod embedded;
pub mod http;
pub mod jobs;
pub mod logging;
pub mod metrics;
pub mod net;
pub mod node;
pub mod partition;
pub mod pending;
pub mod quota;
pub mod share;
pub mod stream;

pub use embedded::Forebay;
pub use forebay_processor::expr::{Outcome, SqlType};
