//! Wire schemas of the requests about the cluster as a whole: metadata, versions, features, log directories, telemetry.

use super::schemas;

schemas! {
    pub const CLUSTER;

    Metadata = 3, versions 0 to 13, flexible 9 {
        topics nullable: [
            topic_id since 10: uuid,
            name nullable: string,
        ],
        allow_auto_topic_creation since 4: bool,
        include_cluster_authorized_operations since 8 until 10: bool,
        include_topic_authorized_operations since 8: bool,
    }

    ApiVersions = 18, versions 0 to 4, flexible 3 {
        client_software_name since 3: string,
        client_software_version since 3: string,
    }

    AlterReplicaLogDirs = 34, versions 1 to 2, flexible 2 {
        dirs: [
            path: string,
            topics: [
                name: string,
                partitions: [i32],
            ],
        ],
    }

    DescribeLogDirs = 35, versions 1 to 4, flexible 2 {
        topics nullable: [
            topic: string,
            partitions: [i32],
        ],
    }

    UpdateFeatures = 57, versions 0 to 2, flexible 0 {
        timeout_ms: i32,
        feature_updates: [
            feature: string,
            max_version_level: i16,
            allow_downgrade until 0: bool,
            upgrade_type since 1: i8,
        ],
        validate_only since 1: bool,
    }

    DescribeCluster = 60, versions 0 to 2, flexible 0 {
        include_cluster_authorized_operations: bool,
        endpoint_type since 1: i8,
        include_fenced_brokers since 2: bool,
    }

    UnregisterBroker = 64, versions 0 to 0, flexible 0 {
        broker_id: i32,
    }

    GetTelemetrySubscriptions = 71, versions 0 to 0, flexible 0 {
        client_instance_id: uuid,
    }

    PushTelemetry = 72, versions 0 to 0, flexible 0 {
        client_instance_id: uuid,
        subscription_id: i32,
        terminating: bool,
        compression_type: i8,
        metrics: bytes,
    }
}
