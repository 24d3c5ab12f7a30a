//! Wire schemas of the requests about consumer groups and their committed offsets.

use super::schemas;

schemas! {
    pub const GROUPS;

    OffsetCommit = 8, versions 2 to 9, flexible 8 {
        group_id: string,
        generation_id_or_member_epoch: i32,
        member_id: string,
        group_instance_id since 7 nullable: string,
        retention_time_ms until 4: i64,
        topics: [
            name: string,
            partitions: [
                partition_index: i32,
                committed_offset: i64,
                committed_leader_epoch since 6: i32,
                committed_metadata nullable: string,
            ],
        ],
    }

    OffsetFetch = 9, versions 1 to 9, flexible 6 {
        group_id until 7: string,
        topics until 7 nullable: [
            name until 7: string,
            partition_indexes until 7: [i32],
        ],
        groups since 8: [
            group_id since 8: string,
            member_id since 9 nullable: string,
            member_epoch since 9: i32,
            topics since 8 nullable: [
                name since 8: string,
                partition_indexes since 8: [i32],
            ],
        ],
        require_stable since 7: bool,
    }

    FindCoordinator = 10, versions 0 to 6, flexible 3 {
        key until 3: string,
        key_type since 1: i8,
        coordinator_keys since 4: [string],
    }

    JoinGroup = 11, versions 0 to 9, flexible 6 {
        group_id: string,
        session_timeout_ms: i32,
        rebalance_timeout_ms since 1: i32,
        member_id: string,
        group_instance_id since 5 nullable: string,
        protocol_type: string,
        protocols: [
            name: string,
            metadata: bytes,
        ],
        reason since 8 nullable: string,
    }

    Heartbeat = 12, versions 0 to 4, flexible 4 {
        group_id: string,
        generation_id: i32,
        member_id: string,
        group_instance_id since 3 nullable: string,
    }

    LeaveGroup = 13, versions 0 to 5, flexible 4 {
        group_id: string,
        member_id until 2: string,
        members since 3: [
            member_id since 3: string,
            group_instance_id since 3 nullable: string,
            reason since 5 nullable: string,
        ],
    }

    SyncGroup = 14, versions 0 to 5, flexible 4 {
        group_id: string,
        generation_id: i32,
        member_id: string,
        group_instance_id since 3 nullable: string,
        protocol_type since 5 nullable: string,
        protocol_name since 5 nullable: string,
        assignments: [
            member_id: string,
            assignment: bytes,
        ],
    }

    DescribeGroups = 15, versions 0 to 6, flexible 5 {
        groups: [string],
        include_authorized_operations since 3: bool,
    }

    ListGroups = 16, versions 0 to 5, flexible 3 {
        states_filter since 4: [string],
        types_filter since 5: [string],
    }

    DeleteGroups = 42, versions 0 to 2, flexible 2 {
        groups_names: [string],
    }

    OffsetDelete = 47, versions 0 to 0, never flexible {
        group_id: string,
        topics: [
            name: string,
            partitions: [
                partition_index: i32,
            ],
        ],
    }

    ConsumerGroupHeartbeat = 68, versions 0 to 1, flexible 0 {
        group_id: string,
        member_id: string,
        member_epoch: i32,
        instance_id nullable: string,
        rack_id nullable: string,
        rebalance_timeout_ms: i32,
        subscribed_topic_names nullable: [string],
        subscribed_topic_regex since 1 nullable: string,
        server_assignor nullable: string,
        topic_partitions nullable: [
            topic_id: uuid,
            partitions: [i32],
        ],
    }

    ConsumerGroupDescribe = 69, versions 0 to 1, flexible 0 {
        group_ids: [string],
        include_authorized_operations: bool,
    }
}
