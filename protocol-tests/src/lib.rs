//! Helpers for tests against the real binary.
