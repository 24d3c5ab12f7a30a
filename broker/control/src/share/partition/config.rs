//! Limits of a share-partition, under Kafka's keys and with Kafka's defaults.

/// Limits of a share-partition; each may be set on the group as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SharePartitionConfig {
    /// `group.share.partition.max.record.locks` (on groups `share.partition.max.record.locks`), default 2000: most records in flight.
    pub max_record_locks: i32,
    /// `group.share.delivery.count.limit` (`share.delivery.count.limit`), default 5: most deliveries of a record.
    pub delivery_count_limit: i16,
    /// `group.share.record.lock.duration.ms` (`share.record.lock.duration.ms`), default 30000.
    pub record_lock_duration_ms: i32,
    /// `share.renew.acknowledge.enable`, default true: whether members may renew their locks.
    pub renew_enabled: bool,
}

impl Default for SharePartitionConfig {
    fn default() -> SharePartitionConfig {
        SharePartitionConfig {
            max_record_locks: 2_000,
            delivery_count_limit: 5,
            record_lock_duration_ms: 30_000,
            renew_enabled: true,
        }
    }
}

impl SharePartitionConfig {
    /// From this many deliveries on a record is delivered in ever smaller company (Kafka: throttleRecordsDeliveryLimit).
    pub(super) fn throttle_limit(&self) -> i16 {
        let half = (i32::from(self.delivery_count_limit) + 1) / 2;
        i16::try_from(half.max(2)).unwrap_or(i16::MAX)
    }

    /// Whether records on their last delivery go alone: a limit of one or two leaves nothing to isolate.
    pub(super) fn isolates_last_delivery(&self) -> bool {
        self.delivery_count_limit > 2
    }
}
