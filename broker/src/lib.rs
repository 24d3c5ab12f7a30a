//! Forebay broker.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod cli;
pub mod config;
pub mod http;
pub mod logging;
pub mod metrics;

/// A client's connection.
pub mod connection {
    pub mod guard;
}

/// The APIs.
pub mod api {
    pub mod fetch_codec;
    pub mod fetch_session;
}
