//! Scenarios of consumer groups (KIP-848) in virtual time, and what they are told with.

pub(super) mod beat;
mod clients;
mod golden;
mod joining;
mod migration;
mod offsets;
mod random;
mod reconciling;
mod regexes;
mod static_members;
