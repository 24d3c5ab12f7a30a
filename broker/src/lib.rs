//! Forebay broker.
