//! Scenarios of consumer groups (KIP-848) in virtual time, and what they are told with.

mod beat;
mod joining;
mod reconciling;
