//! The settings of a transaction coordinator, under Kafka's keys.

/// Settings; [`Default`] holds Kafka's defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionConfig {
    /// `transaction.max.timeout.ms`: the longest timeout a producer may ask for, in milliseconds.
    pub max_timeout_ms: i32,
    /// `transactional.id.expiration.ms`: an id that was not used for so long is forgotten.
    pub id_expiration_ms: i64,
    /// `transaction.remove.expired.transaction.cleanup.interval.ms`: how often unused ids are looked for.
    pub expired_cleanup_interval_ms: i64,
    /// Most transactional ids in one coordinator partition; a further InitProducerId gets POLICY_VIOLATION. Ours, Kafka has no limit.
    pub max_transactional_ids: usize,
    /// Most partitions in one transaction; an addition beyond gets POLICY_VIOLATION. Ours, Kafka has no limit.
    pub max_partitions_per_transaction: usize,
}

impl Default for TransactionConfig {
    fn default() -> Self {
        TransactionConfig {
            max_timeout_ms: 900_000,
            id_expiration_ms: 604_800_000,
            expired_cleanup_interval_ms: 3_600_000,
            max_transactional_ids: 100_000,
            max_partitions_per_transaction: 10_000,
        }
    }
}
