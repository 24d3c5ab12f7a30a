//! DescribeTransactions and ListTransactions (KIP-664, KIP-994).

use std::collections::BTreeMap;
use std::sync::Arc;

use forebay_storage::ids::{ProducerEpoch, ProducerId, Timestamp};

use super::entry::TransactionEntry;
use super::machine::TransactionMachine;
use super::state::TransactionState;
use crate::error_code::ErrorCode;

/// One transactional id, as DescribeTransactions shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionDescription {
    /// The transactional id.
    pub transactional_id: String,
    /// State; its name is what goes on the wire.
    pub state: TransactionState,
    /// The producer id in use.
    pub producer_id: ProducerId,
    /// The epoch in use.
    pub producer_epoch: ProducerEpoch,
    /// Timeout in milliseconds.
    pub timeout_ms: i32,
    /// When the transaction began; -1 when none did.
    pub started: Timestamp,
    /// The partitions of the open transaction, by topic.
    pub topics: BTreeMap<Arc<str>, Vec<i32>>,
}

/// Which transactions ListTransactions shows. An empty list lets everything pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListFilter {
    /// Names of states.
    pub states: Vec<String>,
    /// Producer ids.
    pub producer_ids: Vec<ProducerId>,
    /// Only those that run for longer than so many milliseconds; negative for all (KIP-994).
    pub running_longer_than_ms: i64,
}

impl Default for ListFilter {
    fn default() -> Self {
        ListFilter { states: Vec::new(), producer_ids: Vec::new(), running_longer_than_ms: -1 }
    }
}

/// The answer to ListTransactions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TransactionListing {
    /// State names of the filter that do not exist.
    pub unknown_states: Vec<String>,
    /// Transactional id, producer id and state, sorted by id.
    pub transactions: Vec<(String, ProducerId, TransactionState)>,
}

impl TransactionMachine {
    /// One transactional id; INVALID_REQUEST for an empty one, TRANSACTIONAL_ID_NOT_FOUND for an unknown one.
    pub fn describe(&self, transactional_id: &str) -> Result<TransactionDescription, ErrorCode> {
        if transactional_id.is_empty() {
            return Err(ErrorCode::InvalidRequest);
        }
        let entry = self.entries.get(transactional_id).ok_or(ErrorCode::TransactionalIdNotFound)?;
        let mut topics: BTreeMap<Arc<str>, Vec<i32>> = BTreeMap::new();
        for partition in &entry.partitions {
            topics.entry(Arc::clone(&partition.topic)).or_default().push(partition.partition);
        }
        Ok(TransactionDescription {
            transactional_id: entry.transactional_id.clone(),
            state: entry.state,
            producer_id: entry.producer_id,
            producer_epoch: entry.producer_epoch,
            timeout_ms: entry.timeout_ms,
            started: entry.started,
            topics,
        })
    }

    /// The transactions of this partition that pass the filter.
    #[must_use]
    pub fn list(&self, now: Timestamp, filter: &ListFilter) -> TransactionListing {
        let wanted: Vec<_> = filter.states.iter().filter_map(|name| TransactionState::from_name(name)).collect();
        let unknown = filter.states.iter().filter(|name| TransactionState::from_name(name).is_none());
        let passes = |entry: &&TransactionEntry| {
            (filter.states.is_empty() || wanted.contains(&entry.state))
                && (filter.producer_ids.is_empty() || filter.producer_ids.contains(&entry.producer_id))
                && (filter.running_longer_than_ms < 0
                    || now.0.saturating_sub(entry.started.0) > filter.running_longer_than_ms)
        };
        TransactionListing {
            unknown_states: unknown.cloned().collect(),
            transactions: self
                .entries
                .values()
                .filter(passes)
                .map(|e| (e.transactional_id.clone(), e.producer_id, e.state))
                .collect(),
        }
    }
}
