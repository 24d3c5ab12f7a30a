//! The broker's settings as typed fields, by the part of the broker that uses them.

use super::values::settings;

settings! {
    /// Sockets, connections and requests.
    pub struct NetworkSettings {
        /// Connections open at any time.
        max_connections: i32 = "max.connections",
        /// Connections open at any time from one address.
        max_connections_per_ip: i32 = "max.connections.per.ip",
        /// Exceptions to it, `host:count`.
        max_connections_per_ip_overrides: Vec<String> = "max.connections.per.ip.overrides",
        /// New connections accepted each second.
        max_connection_creation_rate: i32 = "max.connection.creation.rate",
        /// Milliseconds after which an idle connection is closed; negative is never.
        connections_max_idle_ms: i64 = "connections.max.idle.ms",
        /// Connections that may wait to be accepted.
        listen_backlog: i32 = "socket.listen.backlog.size",
        /// Bytes of the largest request frame.
        request_max_bytes: i32 = "socket.request.max.bytes",
        /// Bytes of the largest fetch answer.
        fetch_max_bytes: i32 = "fetch.max.bytes",
        /// Incremental fetch sessions kept.
        fetch_session_slots: i32 = "max.incremental.fetch.session.cache.slots",
        /// Milliseconds of the longest wait for another broker.
        request_timeout_ms: i32 = "request.timeout.ms",
        /// Partitions in one DescribeTopicPartitions answer.
        max_request_partition_size_limit: i32 = "max.request.partition.size.limit",
    }
}

settings! {
    /// What topics get that are created without saying so.
    pub struct TopicSettings {
        /// Create a topic when a client first names it.
        auto_create: bool = "auto.create.topics.enable",
        /// Allow topics to be deleted.
        delete_enable: bool = "delete.topic.enable",
        /// Partitions of a new topic.
        num_partitions: i32 = "num.partitions",
        /// Replicas of a new topic.
        default_replication_factor: i32 = "default.replication.factor",
    }
}

settings! {
    /// The upkeep of all logs of this broker; what single topics may differ in is in `TopicConfig`.
    pub struct LogSettings {
        /// Milliseconds between looks for segments to delete.
        retention_check_interval_ms: i64 = "log.retention.check.interval.ms",
        /// Milliseconds between looks for logs due to be synced.
        flush_scheduler_interval_ms: i64 = "log.flush.scheduler.interval.ms",
        /// Milliseconds between writes of the recovery points.
        flush_offset_checkpoint_interval_ms: i32 = "log.flush.offset.checkpoint.interval.ms",
        /// Milliseconds between writes of the start offsets.
        flush_start_offset_checkpoint_interval_ms: i32 = "log.flush.start.offset.checkpoint.interval.ms",
        /// Milliseconds between writes of the high watermarks.
        high_watermark_checkpoint_interval_ms: i64 = "replica.high.watermark.checkpoint.interval.ms",
        /// Run the log cleaner.
        cleaner_enable: bool = "log.cleaner.enable",
        /// Milliseconds the cleaner sleeps when there is nothing to do.
        cleaner_backoff_ms: i64 = "log.cleaner.backoff.ms",
        /// Threads that open logs, for each directory.
        recovery_threads_per_data_dir: i32 = "num.recovery.threads.per.data.dir",
        /// Milliseconds without a write after which a producer id is forgotten.
        producer_id_expiration_ms: i32 = "producer.id.expiration.ms",
        /// Bytes of a segment of the metadata log.
        metadata_segment_bytes: i32 = "metadata.log.segment.bytes",
    }
}

settings! {
    /// Classic groups.
    pub struct GroupSettings {
        /// Milliseconds of the shortest session timeout.
        min_session_timeout_ms: i32 = "group.min.session.timeout.ms",
        /// Milliseconds of the longest session timeout.
        max_session_timeout_ms: i32 = "group.max.session.timeout.ms",
        /// Milliseconds an empty group waits for more members.
        initial_rebalance_delay_ms: i32 = "group.initial.rebalance.delay.ms",
        /// Most members of a group.
        max_size: i32 = "group.max.size",
    }
}

settings! {
    /// Committed offsets and the topic that holds them.
    pub struct OffsetSettings {
        /// Bytes of the longest metadata string.
        metadata_max_bytes: i32 = "offset.metadata.max.bytes",
        /// Milliseconds of the longest wait for a commit's replication.
        commit_timeout_ms: i32 = "offsets.commit.timeout.ms",
        /// Minutes the offsets of an empty group are kept.
        retention_minutes: i32 = "offsets.retention.minutes",
        /// Milliseconds between looks for expired offsets.
        retention_check_interval_ms: i64 = "offsets.retention.check.interval.ms",
        /// Codec of the topic, as Kafka numbers them.
        topic_compression_codec: i32 = "offsets.topic.compression.codec",
        /// Partitions of the topic.
        topic_num_partitions: i32 = "offsets.topic.num.partitions",
        /// Replicas of the topic.
        topic_replication_factor: i16 = "offsets.topic.replication.factor",
        /// Bytes of a segment of the topic.
        topic_segment_bytes: i32 = "offsets.topic.segment.bytes",
    }
}

settings! {
    /// Transactions and the topic that holds their state.
    pub struct TransactionSettings {
        /// Milliseconds of the longest transaction timeout.
        max_timeout_ms: i32 = "transaction.max.timeout.ms",
        /// Milliseconds between looks for transactions that timed out.
        abort_timed_out_interval_ms: i32 = "transaction.abort.timed.out.transaction.cleanup.interval.ms",
        /// Milliseconds without use after which a transactional id is forgotten.
        id_expiration_ms: i32 = "transactional.id.expiration.ms",
        /// Milliseconds between looks for expired transactional ids.
        remove_expired_interval_ms: i32 = "transaction.remove.expired.transaction.cleanup.interval.ms",
        /// Check on append that the transaction knows the partition (KIP-890).
        partition_verification: bool = "transaction.partition.verification.enable",
        /// Partitions of the topic.
        topic_num_partitions: i32 = "transaction.state.log.num.partitions",
        /// Replicas of the topic.
        topic_replication_factor: i16 = "transaction.state.log.replication.factor",
        /// In-sync replicas the topic needs.
        topic_min_isr: i32 = "transaction.state.log.min.isr",
        /// Bytes of a segment of the topic.
        topic_segment_bytes: i32 = "transaction.state.log.segment.bytes",
    }
}

settings! {
    /// Forebay's own keys.
    pub struct OwnSettings {
        /// Run jobs in this broker.
        jobs_enable: bool = "forebay.jobs.enable",
        /// Bytes of memory for the state of all jobs.
        jobs_memory_bytes: i64 = "forebay.jobs.memory.bytes",
        /// Milliseconds a job gathers input before it commits.
        job_commit_interval_ms: i64 = "forebay.job.commit.interval.ms",
        /// Milliseconds without input after which a partition no longer holds the watermark back; -1 is never.
        job_idle_timeout_ms: i64 = "forebay.job.idle.timeout.ms",
        /// Milliseconds of the longest wait for requests in flight at a stop.
        shutdown_timeout_ms: i64 = "forebay.shutdown.timeout.ms",
    }
}
