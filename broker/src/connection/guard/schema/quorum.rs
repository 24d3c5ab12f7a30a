//! Wire schemas of the requests about brokers and controllers among themselves.

use super::schemas;

schemas! {
    pub const QUORUM;

    Vote = 52, versions 0 to 2, flexible 0 {
        cluster_id nullable: string,
        voter_id since 1: i32,
        topics: [
            topic_name: string,
            partitions: [
                partition_index: i32,
                replica_epoch: i32,
                replica_id: i32,
                replica_directory_id since 1: uuid,
                voter_directory_id since 1: uuid,
                last_offset_epoch: i32,
                last_offset: i64,
                pre_vote since 2: bool,
            ],
        ],
    }

    BeginQuorumEpoch = 53, versions 0 to 1, flexible 1 {
        cluster_id nullable: string,
        voter_id since 1: i32,
        topics: [
            topic_name: string,
            partitions: [
                partition_index: i32,
                voter_directory_id since 1: uuid,
                leader_id: i32,
                leader_epoch: i32,
            ],
        ],
        leader_endpoints since 1: [
            name since 1: string,
            host since 1: string,
            port since 1: u16,
        ],
    }

    EndQuorumEpoch = 54, versions 0 to 1, flexible 1 {
        cluster_id nullable: string,
        topics: [
            topic_name: string,
            partitions: [
                partition_index: i32,
                leader_id: i32,
                leader_epoch: i32,
                preferred_successors until 0: [i32],
                preferred_candidates since 1: [
                    candidate_id since 1: i32,
                    candidate_directory_id since 1: uuid,
                ],
            ],
        ],
        leader_endpoints since 1: [
            name since 1: string,
            host since 1: string,
            port since 1: u16,
        ],
    }

    DescribeQuorum = 55, versions 0 to 2, flexible 0 {
        topics: [
            topic_name: string,
            partitions: [
                partition_index: i32,
            ],
        ],
    }

    AlterPartition = 56, versions 2 to 3, flexible 2 {
        broker_id: i32,
        broker_epoch: i64,
        topics: [
            topic_id: uuid,
            partitions: [
                partition_index: i32,
                leader_epoch: i32,
                new_isr until 2: [i32],
                new_isr_with_epochs since 3: [
                    broker_id since 3: i32,
                    broker_epoch since 3: i64,
                ],
                leader_recovery_state: i8,
                partition_epoch: i32,
            ],
        ],
    }

    Envelope = 58, versions 0 to 0, flexible 0 {
        request_data: bytes,
        request_principal nullable: bytes,
        client_host_address: bytes,
    }

    FetchSnapshot = 59, versions 0 to 1, flexible 0 {
        replica_id: i32,
        max_bytes: i32,
        topics: [
            name: string,
            partitions: [
                partition: i32,
                current_leader_epoch: i32,
                snapshot_id: {
                    end_offset: i64,
                    epoch: i32,
                },
                position: i64,
                replica_directory_id since 1 tagged 0: uuid,
            ],
        ],
        cluster_id tagged 0 nullable: string,
    }

    BrokerRegistration = 62, versions 0 to 4, flexible 0 {
        broker_id: i32,
        cluster_id: string,
        incarnation_id: uuid,
        listeners: [
            name: string,
            host: string,
            port: u16,
            security_protocol: i16,
        ],
        features: [
            name: string,
            min_supported_version: i16,
            max_supported_version: i16,
        ],
        rack nullable: string,
        is_migrating_zk_broker since 1: bool,
        log_dirs since 2: [uuid],
        previous_broker_epoch since 3: i64,
    }

    BrokerHeartbeat = 63, versions 0 to 1, flexible 0 {
        broker_id: i32,
        broker_epoch: i64,
        current_metadata_offset: i64,
        want_fence: bool,
        want_shut_down: bool,
        offline_log_dirs since 1 tagged 0: [uuid],
    }

    AllocateProducerIds = 67, versions 0 to 0, flexible 0 {
        broker_id: i32,
        broker_epoch: i64,
    }

    ControllerRegistration = 70, versions 0 to 0, flexible 0 {
        controller_id: i32,
        incarnation_id: uuid,
        zk_migration_ready: bool,
        listeners: [
            name: string,
            host: string,
            port: u16,
            security_protocol: i16,
        ],
        features: [
            name: string,
            min_supported_version: i16,
            max_supported_version: i16,
        ],
    }

    AssignReplicasToDirs = 73, versions 0 to 0, flexible 0 {
        broker_id: i32,
        broker_epoch: i64,
        directories: [
            id: uuid,
            topics: [
                topic_id: uuid,
                partitions: [
                    partition_index: i32,
                ],
            ],
        ],
    }

    AddRaftVoter = 80, versions 0 to 0, flexible 0 {
        cluster_id nullable: string,
        timeout_ms: i32,
        voter_id: i32,
        voter_directory_id: uuid,
        listeners: [
            name: string,
            host: string,
            port: u16,
        ],
    }

    RemoveRaftVoter = 81, versions 0 to 0, flexible 0 {
        cluster_id nullable: string,
        voter_id: i32,
        voter_directory_id: uuid,
    }

    UpdateRaftVoter = 82, versions 0 to 0, flexible 0 {
        cluster_id nullable: string,
        current_leader_epoch: i32,
        voter_id: i32,
        voter_directory_id: uuid,
        listeners: [
            name: string,
            host: string,
            port: u16,
        ],
        k_raft_version_feature: {
            min_supported_version: i16,
            max_supported_version: i16,
        },
    }
}
