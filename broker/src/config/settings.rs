//! The broker's settings as typed fields, by the part of the broker that uses them.

use std::borrow::Cow;

use super::dynamic::{Dynamic, in_force};
use super::values::{Values, settings};

settings! {
    /// Sockets, connections and requests.
    pub struct NetworkSettings {
        /// Milliseconds after which an idle connection is closed; negative is never.
        connections_max_idle_ms: i64 = "connections.max.idle.ms",
        /// Bytes of the largest request frame.
        request_max_bytes: i32 = "socket.request.max.bytes",
        /// Bytes of all requests that are read or answered at one time; 0 or less is no limit.
        queued_max_request_bytes: i64 = "queued.max.request.bytes",
        /// Bytes of the largest fetch answer.
        fetch_max_bytes: i32 = "fetch.max.bytes",
        /// Incremental fetch sessions kept.
        fetch_session_slots: i32 = "max.incremental.fetch.session.cache.slots",
    }
}

settings! {
    /// How many connections there may be, and how fast they may come.
    pub struct ConnectionSettings {
        /// Connections open at any time.
        max: i32 = "max.connections",
        /// Of them from one address.
        max_per_ip: i32 = "max.connections.per.ip",
        /// New connections a second.
        creation_rate: i32 = "max.connection.creation.rate",
    }
}

impl ConnectionSettings {
    /// As set when the broker started, and since.
    #[must_use]
    pub fn in_force(values: &Values, dynamic: &Dynamic) -> Self {
        Self::read(|name| in_force(values, dynamic, name).map(Cow::Borrowed))
    }

    /// The same for one listener, which may have its own under `listener.name.<name>.`
    #[must_use]
    pub fn of_listener(values: &Values, dynamic: &Dynamic, listener: &str) -> Self {
        let own = |name| values.of_listener(listener, name);
        Self::read(|name| own(name).or_else(|| in_force(values, dynamic, name)).map(Cow::Borrowed))
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
    /// The upkeep of all logs of this broker; what single topics may differ in is in `forebay_control::metadata`.
    pub struct LogSettings {
        /// Milliseconds between looks for segments to delete.
        retention_check_interval_ms: i64 = "log.retention.check.interval.ms",
        /// Milliseconds between writes of the recovery points.
        flush_offset_checkpoint_interval_ms: i32 = "log.flush.offset.checkpoint.interval.ms",
        /// Milliseconds without a write after which a producer id is forgotten.
        producer_id_expiration_ms: i32 = "producer.id.expiration.ms",
        /// Bytes of a segment of the metadata log.
        metadata_segment_bytes: i32 = "metadata.log.segment.bytes",
    }
}

settings! {
    /// The log cleaner.
    pub struct CleanerSettings {
        /// Compact logs at all.
        enable: bool = "log.cleaner.enable",
        /// Threads.
        threads: i32 = "log.cleaner.threads",
        /// Milliseconds to wait when there is nothing to compact.
        backoff_ms: i64 = "log.cleaner.backoff.ms",
        /// Bytes of memory for the keys, of all threads together.
        dedupe_buffer_size: i64 = "log.cleaner.dedupe.buffer.size",
        /// Bytes that all threads together read and write each second.
        max_bytes_per_second: f64 = "log.cleaner.io.max.bytes.per.second",
    }
}

impl CleanerSettings {
    /// As set when the broker started, and since.
    #[must_use]
    pub fn in_force(values: &Values, dynamic: &Dynamic) -> Self {
        Self::read(|name| in_force(values, dynamic, name).map(Cow::Borrowed))
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
    /// Consumer groups (KIP-848).
    pub struct ConsumerGroupSettings {
        /// Milliseconds without a heartbeat after which a member is removed.
        session_timeout_ms: i32 = "group.consumer.session.timeout.ms",
        /// The least that may be set on a group.
        min_session_timeout_ms: i32 = "group.consumer.min.session.timeout.ms",
        /// The most that may be set on a group.
        max_session_timeout_ms: i32 = "group.consumer.max.session.timeout.ms",
        /// Milliseconds between heartbeats, told to the members.
        heartbeat_interval_ms: i32 = "group.consumer.heartbeat.interval.ms",
        /// The least that may be set on a group.
        min_heartbeat_interval_ms: i32 = "group.consumer.min.heartbeat.interval.ms",
        /// The most that may be set on a group.
        max_heartbeat_interval_ms: i32 = "group.consumer.max.heartbeat.interval.ms",
        /// Least milliseconds between two assignments of a group.
        assignment_interval_ms: i32 = "group.consumer.assignment.interval.ms",
        /// The least that may be set on a group.
        min_assignment_interval_ms: i32 = "group.consumer.min.assignment.interval.ms",
        /// The most that may be set on a group.
        max_assignment_interval_ms: i32 = "group.consumer.max.assignment.interval.ms",
        /// Most members of a group.
        max_size: i32 = "group.consumer.max.size",
        /// The assignors that members may ask for, the default one first.
        assignors: Vec<String> = "group.consumer.assignors",
        /// The protocols of groups that are offered.
        rebalance_protocols: Vec<String> = "group.coordinator.rebalance.protocols",
        /// Which way groups may move between the two protocols.
        migration_policy: String = "group.consumer.migration.policy",
    }
}

settings! {
    /// Committed offsets and the topic that holds them.
    pub struct OffsetSettings {
        /// Bytes of the longest metadata string.
        metadata_max_bytes: i32 = "offset.metadata.max.bytes",
        /// Minutes the offsets of an empty group are kept.
        retention_minutes: i32 = "offsets.retention.minutes",
        /// Milliseconds between looks for expired offsets.
        retention_check_interval_ms: i64 = "offsets.retention.check.interval.ms",
        /// Partitions of the topic.
        topic_num_partitions: i32 = "offsets.topic.num.partitions",
        /// Bytes of a segment of the topic.
        topic_segment_bytes: i32 = "offsets.topic.segment.bytes",
    }
}

settings! {
    /// How client quotas are measured.
    pub struct QuotaSettings {
        /// Windows of what clients send, are sent, and how they keep the broker busy.
        window_num: i32 = "quota.window.num",
        /// Seconds of such a window.
        window_size_seconds: i32 = "quota.window.size.seconds",
        /// Windows of what clients make and delete.
        controller_window_num: i32 = "controller.quota.window.num",
        /// Seconds of such a window.
        controller_window_size_seconds: i32 = "controller.quota.window.size.seconds",
    }
}

settings! {
    /// Transactions and the topic that holds their state.
    pub struct TransactionSettings {
        /// Milliseconds of the longest transaction timeout.
        max_timeout_ms: i32 = "transaction.max.timeout.ms",
        /// Milliseconds without use after which a transactional id is forgotten.
        id_expiration_ms: i32 = "transactional.id.expiration.ms",
        /// Milliseconds between looks for expired transactional ids.
        remove_expired_interval_ms: i32 = "transaction.remove.expired.transaction.cleanup.interval.ms",
        /// Partitions of the topic.
        topic_num_partitions: i32 = "transaction.state.log.num.partitions",
        /// Bytes of a segment of the topic.
        topic_segment_bytes: i32 = "transaction.state.log.segment.bytes",
    }
}

settings! {
    /// What share groups have delivered, and the topic that holds it.
    pub struct ShareStateSettings {
        /// Partitions of the topic.
        topic_num_partitions: i32 = "share.coordinator.state.topic.num.partitions",
        /// Bytes of a segment of the topic.
        topic_segment_bytes: i32 = "share.coordinator.state.topic.segment.bytes",
        /// Updates of a share-partition between two snapshots.
        updates_per_snapshot: i32 = "share.coordinator.snapshot.update.records.per.snapshot",
    }
}

settings! {
    /// The delivery of records to share groups.
    pub struct ShareFetchSettings {
        /// Most deliveries of a record.
        delivery_count_limit: i16 = "group.share.delivery.count.limit",
        /// Most records of a partition in flight.
        max_record_locks: i32 = "group.share.partition.max.record.locks",
        /// Milliseconds that a record is with a member.
        record_lock_duration_ms: i32 = "group.share.record.lock.duration.ms",
        /// Most share sessions.
        max_sessions: i32 = "group.share.max.share.sessions",
    }
}

settings! {
    /// Share groups (KIP-932).
    pub struct ShareGroupSettings {
        /// Milliseconds without a heartbeat after which a member is removed.
        session_timeout_ms: i32 = "group.share.session.timeout.ms",
        /// Milliseconds between heartbeats, told to the members.
        heartbeat_interval_ms: i32 = "group.share.heartbeat.interval.ms",
        /// Least milliseconds between two assignments of a group.
        assignment_interval_ms: i32 = "group.share.assignment.interval.ms",
        /// Most members of a group.
        max_size: i32 = "group.share.max.size",
    }
}
