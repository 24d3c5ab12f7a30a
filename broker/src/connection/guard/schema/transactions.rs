//! Wire schemas of the requests about producer ids and transactions.

use super::schemas;

schemas! {
    pub const TRANSACTIONS;

    InitProducerId = 22, versions 0 to 5, flexible 2 {
        transactional_id nullable: string,
        transaction_timeout_ms: i32,
        producer_id since 3: i64,
        producer_epoch since 3: i16,
    }

    AddPartitionsToTxn = 24, versions 0 to 5, flexible 3 {
        transactions since 4: [
            transactional_id since 4: string,
            producer_id since 4: i64,
            producer_epoch since 4: i16,
            verify_only since 4: bool,
            topics since 4: [
                name: string,
                partitions: [i32],
            ],
        ],
        v3_and_below_transactional_id until 3: string,
        v3_and_below_producer_id until 3: i64,
        v3_and_below_producer_epoch until 3: i16,
        v3_and_below_topics until 3: [
            name: string,
            partitions: [i32],
        ],
    }

    AddOffsetsToTxn = 25, versions 0 to 4, flexible 3 {
        transactional_id: string,
        producer_id: i64,
        producer_epoch: i16,
        group_id: string,
    }

    EndTxn = 26, versions 0 to 5, flexible 3 {
        transactional_id: string,
        producer_id: i64,
        producer_epoch: i16,
        committed: bool,
    }

    WriteTxnMarkers = 27, versions 1 to 1, flexible 1 {
        markers: [
            producer_id: i64,
            producer_epoch: i16,
            transaction_result: bool,
            topics: [
                name: string,
                partition_indexes: [i32],
            ],
            coordinator_epoch: i32,
        ],
    }

    TxnOffsetCommit = 28, versions 0 to 5, flexible 3 {
        transactional_id: string,
        group_id: string,
        producer_id: i64,
        producer_epoch: i16,
        generation_id since 3: i32,
        member_id since 3: string,
        group_instance_id since 3 nullable: string,
        topics: [
            name: string,
            partitions: [
                partition_index: i32,
                committed_offset: i64,
                committed_leader_epoch since 2: i32,
                committed_metadata nullable: string,
            ],
        ],
    }

    DescribeTransactions = 65, versions 0 to 0, flexible 0 {
        transactional_ids: [string],
    }

    ListTransactions = 66, versions 0 to 2, flexible 0 {
        state_filters: [string],
        producer_id_filters: [i64],
        duration_filter since 1: i64,
        transactional_id_pattern since 2 nullable: string,
    }
}
