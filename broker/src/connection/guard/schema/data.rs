//! Wire schemas of the requests about records: produce, fetch, offsets and epochs.

use super::schemas;

schemas! {
    pub const DATA;

    Produce = 0, versions 3 to 13, flexible 9 {
        transactional_id nullable: string,
        acks: i16,
        timeout_ms: i32,
        topic_data: [
            name until 12: string,
            topic_id since 13: uuid,
            partition_data: [
                index: i32,
                records nullable: bytes,
            ],
        ],
    }

    Fetch = 1, versions 4 to 18, flexible 12 {
        replica_id until 14: i32,
        max_wait_ms: i32,
        min_bytes: i32,
        max_bytes: i32,
        isolation_level: i8,
        session_id since 7: i32,
        session_epoch since 7: i32,
        topics: [
            topic until 12: string,
            topic_id since 13: uuid,
            partitions: [
                partition: i32,
                current_leader_epoch since 9: i32,
                fetch_offset: i64,
                last_fetched_epoch since 12: i32,
                log_start_offset since 5: i64,
                partition_max_bytes: i32,
                replica_directory_id since 17 tagged 0: uuid,
                high_watermark since 18 tagged 1: i64,
            ],
        ],
        forgotten_topics_data since 7: [
            topic since 7 until 12: string,
            topic_id since 13: uuid,
            partitions since 7: [i32],
        ],
        rack_id since 11: string,
        cluster_id tagged 0 nullable: string,
        replica_state since 15 tagged 1: {
            replica_id since 15: i32,
            replica_epoch since 15: i64,
        },
    }

    ListOffsets = 2, versions 1 to 10, flexible 6 {
        replica_id: i32,
        isolation_level since 2: i8,
        topics: [
            name: string,
            partitions: [
                partition_index: i32,
                current_leader_epoch since 4: i32,
                timestamp: i64,
            ],
        ],
        timeout_ms since 10: i32,
    }

    DeleteRecords = 21, versions 0 to 2, flexible 2 {
        topics: [
            name: string,
            partitions: [
                partition_index: i32,
                offset: i64,
            ],
        ],
        timeout_ms: i32,
    }

    OffsetForLeaderEpoch = 23, versions 2 to 4, flexible 4 {
        replica_id since 3: i32,
        topics: [
            topic: string,
            partitions: [
                partition: i32,
                current_leader_epoch: i32,
                leader_epoch: i32,
            ],
        ],
    }

    DescribeProducers = 61, versions 0 to 0, flexible 0 {
        topics: [
            name: string,
            partition_indexes: [i32],
        ],
    }
}
