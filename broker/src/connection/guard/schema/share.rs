//! Wire schemas of the requests about share groups (KIP-932).

use super::schemas;

schemas! {
    pub const SHARE;

    ShareGroupHeartbeat = 76, versions 1 to 1, flexible 1 {
        group_id: string,
        member_id: string,
        member_epoch: i32,
        rack_id nullable: string,
        subscribed_topic_names nullable: [string],
    }

    ShareGroupDescribe = 77, versions 1 to 1, flexible 1 {
        group_ids: [string],
        include_authorized_operations: bool,
    }

    ShareFetch = 78, versions 1 to 2, flexible 1 {
        group_id nullable: string,
        member_id nullable: string,
        share_session_epoch: i32,
        max_wait_ms: i32,
        min_bytes: i32,
        max_bytes: i32,
        max_records: i32,
        batch_size: i32,
        share_acquire_mode since 2: i8,
        is_renew_ack since 2: bool,
        topics: [
            topic_id: uuid,
            partitions: [
                partition_index: i32,
                acknowledgement_batches: [
                    first_offset: i64,
                    last_offset: i64,
                    acknowledge_types: [i8],
                ],
            ],
        ],
        forgotten_topics_data: [
            topic_id: uuid,
            partitions: [i32],
        ],
    }

    ShareAcknowledge = 79, versions 1 to 2, flexible 1 {
        group_id nullable: string,
        member_id nullable: string,
        share_session_epoch: i32,
        is_renew_ack since 2: bool,
        topics: [
            topic_id: uuid,
            partitions: [
                partition_index: i32,
                acknowledgement_batches: [
                    first_offset: i64,
                    last_offset: i64,
                    acknowledge_types: [i8],
                ],
            ],
        ],
    }

    InitializeShareGroupState = 83, versions 0 to 0, flexible 0 {
        group_id: string,
        topics: [
            topic_id: uuid,
            partitions: [
                partition: i32,
                state_epoch: i32,
                start_offset: i64,
            ],
        ],
    }

    ReadShareGroupState = 84, versions 0 to 0, flexible 0 {
        group_id: string,
        topics: [
            topic_id: uuid,
            partitions: [
                partition: i32,
                leader_epoch: i32,
            ],
        ],
    }

    WriteShareGroupState = 85, versions 0 to 1, flexible 0 {
        group_id: string,
        topics: [
            topic_id: uuid,
            partitions: [
                partition: i32,
                state_epoch: i32,
                leader_epoch: i32,
                start_offset: i64,
                delivery_complete_count since 1: i32,
                state_batches: [
                    first_offset: i64,
                    last_offset: i64,
                    delivery_state: i8,
                    delivery_count: i16,
                ],
            ],
        ],
    }

    DeleteShareGroupState = 86, versions 0 to 0, flexible 0 {
        group_id: string,
        topics: [
            topic_id: uuid,
            partitions: [
                partition: i32,
            ],
        ],
    }

    ReadShareGroupStateSummary = 87, versions 0 to 1, flexible 0 {
        group_id: string,
        topics: [
            topic_id: uuid,
            partitions: [
                partition: i32,
                leader_epoch: i32,
            ],
        ],
    }

    DescribeShareGroupOffsets = 90, versions 0 to 1, flexible 0 {
        groups: [
            group_id: string,
            topics nullable: [
                topic_name: string,
                partitions: [i32],
            ],
        ],
    }

    AlterShareGroupOffsets = 91, versions 0 to 0, flexible 0 {
        group_id: string,
        topics: [
            topic_name: string,
            partitions: [
                partition_index: i32,
                start_offset: i64,
            ],
        ],
    }

    DeleteShareGroupOffsets = 92, versions 0 to 0, flexible 0 {
        group_id: string,
        topics: [
            topic_name: string,
        ],
    }
}
