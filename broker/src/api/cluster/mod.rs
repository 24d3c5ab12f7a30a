//! APIs on the cluster: what it is, which topics it has, what it serves.

pub mod alter_client_quotas;
pub mod alter_partition_reassignments;
pub mod alter_replica_log_dirs;
pub mod api_versions;
pub mod describe_client_quotas;
pub mod describe_cluster;
pub mod describe_log_dirs;
pub mod describe_quorum;
pub mod describe_topic_partitions;
pub mod elect_leaders;
pub mod list_partition_reassignments;
pub mod metadata;
pub mod raft_voters;
pub mod unregister_broker;
pub mod update_features;
