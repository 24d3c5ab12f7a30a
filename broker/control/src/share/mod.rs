//! Share groups (KIP-932): members take records of the same partitions, one by one, and acknowledge each.
//!
//! `partition` is what a partition's leader keeps for one group: which records are with whom, and how often they were delivered;
//! `state` is the share coordinator, which keeps what of that must survive;
//! `group` is membership, with the group coordinator.

pub mod group;
pub mod partition;
pub mod state;
