//! Forebay broker.

pub mod config;
