//! Index search and time lookup against the log itself.
