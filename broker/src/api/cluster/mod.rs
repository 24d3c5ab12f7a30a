//! APIs on the cluster: what it is, which topics it has, what it serves.

pub mod api_versions;
pub mod describe_cluster;
pub mod metadata;
