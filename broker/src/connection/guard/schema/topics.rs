//! Wire schemas of the requests about topics, their configuration and their replicas.

use super::schemas;

schemas! {
    pub const TOPICS;

    CreateTopics = 19, versions 2 to 7, flexible 5 {
        topics: [
            name: string,
            num_partitions: i32,
            replication_factor: i16,
            assignments: [
                partition_index: i32,
                broker_ids: [i32],
            ],
            configs: [
                name: string,
                value nullable: string,
            ],
        ],
        timeout_ms: i32,
        validate_only: bool,
    }

    DeleteTopics = 20, versions 1 to 6, flexible 4 {
        topics since 6: [
            name since 6 nullable: string,
            topic_id since 6: uuid,
        ],
        topic_names until 5: [string],
        timeout_ms: i32,
    }

    DescribeConfigs = 32, versions 1 to 4, flexible 4 {
        resources: [
            resource_type: i8,
            resource_name: string,
            configuration_keys nullable: [string],
        ],
        include_synonyms: bool,
        include_documentation since 3: bool,
    }

    AlterConfigs = 33, versions 0 to 2, flexible 2 {
        resources: [
            resource_type: i8,
            resource_name: string,
            configs: [
                name: string,
                value nullable: string,
            ],
        ],
        validate_only: bool,
    }

    CreatePartitions = 37, versions 0 to 3, flexible 2 {
        topics: [
            name: string,
            count: i32,
            assignments nullable: [
                broker_ids: [i32],
            ],
        ],
        timeout_ms: i32,
        validate_only: bool,
    }

    ElectLeaders = 43, versions 0 to 2, flexible 2 {
        election_type since 1: i8,
        topic_partitions nullable: [
            topic: string,
            partitions: [i32],
        ],
        timeout_ms: i32,
    }

    IncrementalAlterConfigs = 44, versions 0 to 1, flexible 1 {
        resources: [
            resource_type: i8,
            resource_name: string,
            configs: [
                name: string,
                config_operation: i8,
                value nullable: string,
            ],
        ],
        validate_only: bool,
    }

    AlterPartitionReassignments = 45, versions 0 to 1, flexible 0 {
        timeout_ms: i32,
        allow_replication_factor_change since 1: bool,
        topics: [
            name: string,
            partitions: [
                partition_index: i32,
                replicas nullable: [i32],
            ],
        ],
    }

    ListPartitionReassignments = 46, versions 0 to 0, flexible 0 {
        timeout_ms: i32,
        topics nullable: [
            name: string,
            partition_indexes: [i32],
        ],
    }

    ListConfigResources = 74, versions 0 to 1, flexible 0 {
        resource_types since 1: [i8],
    }

    DescribeTopicPartitions = 75, versions 0 to 0, flexible 0 {
        topics: [
            name: string,
        ],
        response_partition_limit: i32,
        cursor nullable: {
            topic_name: string,
            partition_index: i32,
        },
    }
}
