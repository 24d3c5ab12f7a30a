//! Forebay processor.
