//! The features of the cluster that requests depend on, to be asked for each request without the controller's lock.

use std::sync::atomic::{AtomicBool, Ordering};

use forebay_control::metadata::MetadataMachine;

/// What is on. A request that comes while a feature changes may see it either way.
#[derive(Debug, Default)]
pub struct Features {
    consumer_groups: AtomicBool,
    share_groups: AtomicBool,
    new_transactions: AtomicBool,
}

impl Features {
    /// Whether consumer groups (KIP-848) are on: `group.version` is 1 or above.
    #[must_use]
    pub fn has_consumer_groups(&self) -> bool {
        self.consumer_groups.load(Ordering::Relaxed)
    }

    /// Whether share groups (KIP-932) are on: `share.version` is 1 or above.
    #[must_use]
    pub fn has_share_groups(&self) -> bool {
        self.share_groups.load(Ordering::Relaxed)
    }

    /// Whether transactions may be of the newer protocol (KIP-890): `transaction.version` is 1 or above. Clients choose it from 2 on; what the
    /// coordinator of a cluster at 0 writes has no place for it (Kafka: TransactionLog.valueToBytes).
    #[must_use]
    pub fn has_new_transactions(&self) -> bool {
        self.new_transactions.load(Ordering::Relaxed)
    }

    /// Takes the levels over. Called under the machine's lock, so that an older state never comes after a newer one.
    pub(super) fn update(&self, machine: &MetadataMachine) {
        self.consumer_groups.store(machine.has_consumer_groups(), Ordering::Relaxed);
        self.share_groups.store(machine.has_share_groups(), Ordering::Relaxed);
        self.new_transactions.store(machine.has_new_transactions(), Ordering::Relaxed);
    }
}
