//! What the log knows of producers and transactions.

use super::{AbortedTransaction, Log, ProducerInfo};
use crate::error::StorageError;
use crate::ids::{Offset, ProducerEpoch, ProducerId, Timestamp};
use crate::producer::ProducerEntry;

/// Milliseconds beyond the longest transaction timeout after which an open transaction counts as hanging
/// (Kafka: ProducerStateManager.LATE_TRANSACTION_BUFFER_MS).
const LATE_TRANSACTION_BUFFER_MS: i64 = 5 * 60 * 1000;

impl Log {
    /// The end of what a read_committed reader may see: the first record whose transaction is open, or the high watermark.
    #[must_use]
    pub fn last_stable_offset(&self) -> Offset {
        match self.producers.first_unstable() {
            Some(first) => first.max(self.log_start).min(self.high_watermark),
            None => self.high_watermark,
        }
    }

    /// Aborted transactions that reach into `from..to`, in the order of their markers.
    pub fn aborted_transactions(&self, from: Offset, to: Offset) -> Result<Vec<AbortedTransaction>, StorageError> {
        self.check_readable()?;
        let mut found = Vec::new();
        for segment in self.segments_from(from) {
            if segment.collect_aborted(from, to, &mut found)? {
                break;
            }
        }
        Ok(found)
    }

    /// All producers that the log remembers, by id.
    #[must_use]
    pub fn active_producers(&self) -> Vec<ProducerInfo> {
        self.producers.entries().map(info).collect()
    }

    /// Whether `producer_id` has a transaction open here, in whatever epoch.
    #[must_use]
    pub fn has_ongoing_transaction(&self, producer_id: ProducerId) -> bool {
        self.producers.entry(producer_id).is_some_and(|entry| entry.transaction_start.is_some())
    }

    /// Whether a producer has an epoch above `epoch` here: what comes with that one is late (Kafka: UnifiedLog.maybeStartTransactionVerification).
    #[must_use]
    pub fn is_fenced(&self, producer_id: ProducerId, epoch: ProducerEpoch) -> bool {
        self.producers.entry(producer_id).is_some_and(|entry| entry.epoch > epoch)
    }

    /// Whether `producer_id` has a transaction open here that began in `epoch`: such a batch needs no verification.
    #[must_use]
    pub fn has_ongoing_transaction_in(&self, producer_id: ProducerId, epoch: ProducerEpoch) -> bool {
        let open = |entry: &ProducerEntry| entry.transaction_start.is_some() && entry.epoch == epoch;
        self.producers.entry(producer_id).is_some_and(open)
    }

    /// Whether a transaction has been open for longer than any may: its producer last wrote more than `max_timeout_ms`
    /// (`transaction.max.timeout.ms`) and a reserve ago, so its marker got lost.
    #[must_use]
    pub fn has_hanging_transaction(&self, now: Timestamp, max_timeout_ms: i64) -> bool {
        let limit = max_timeout_ms.saturating_add(LATE_TRANSACTION_BUFFER_MS);
        let open = self.producers.entries().filter(|entry| entry.transaction_start.is_some());
        open.into_iter().any(|entry| now.0.saturating_sub(entry.last_timestamp.0) > limit)
    }

    /// Forgets producers that have written nothing for `expiration_ms` (`producer.id.expiration.ms`).
    pub fn expire_producers(&mut self, now: Timestamp, expiration_ms: i64) {
        self.producers.expire(now, expiration_ms);
    }
}

fn info(entry: &ProducerEntry) -> ProducerInfo {
    ProducerInfo {
        producer_id: entry.producer_id,
        producer_epoch: entry.epoch,
        last_sequence: entry.last_sequence(),
        last_timestamp: entry.last_timestamp,
        coordinator_epoch: entry.coordinator_epoch,
        current_txn_start_offset: entry.transaction_start,
    }
}
