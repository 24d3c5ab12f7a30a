//! Forebay broker.

pub mod config;
pub mod http;
pub mod logging;
pub mod metrics;
