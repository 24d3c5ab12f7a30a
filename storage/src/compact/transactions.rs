//! Which batches belong to aborted transactions, and which markers nobody needs any more (Kafka: CleanedTransactionMetadata).

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::batch::{Batch, ControlKind};
use crate::ids::{Offset, ProducerId};
use crate::producer::marker_of;
use crate::segment::AbortedTransaction;

/// The transactions around the place that a pass has come to.
#[derive(Debug, Default)]
pub(super) struct CleanedTransactions {
    /// Aborted ones that lie ahead, by first offset.
    ahead: VecDeque<AbortedTransaction>,
    /// Aborted ones whose marker is yet to come, and whether a batch of it was met.
    aborted: BTreeMap<ProducerId, (AbortedTransaction, bool)>,
    /// Producers of committed batches whose marker is yet to come.
    committed: BTreeSet<ProducerId>,
}

/// What is to become of a marker.
#[derive(Debug, PartialEq)]
pub(super) enum Marker {
    /// Batches of the transaction are there. An aborted one belongs into the index.
    Needed(Option<AbortedTransaction>),
    /// It may go when its time has passed.
    Unneeded,
}

impl CleanedTransactions {
    /// For a pass that begins at `from`, at which or after which the markers of all these transactions are.
    pub(super) fn new(aborted: &[AbortedTransaction], from: Offset) -> CleanedTransactions {
        let mut ahead: Vec<_> = aborted.iter().filter(|aborted| aborted.last_offset >= from).copied().collect();
        ahead.sort_by_key(|aborted| aborted.first_offset);
        CleanedTransactions { ahead: ahead.into(), ..CleanedTransactions::default() }
    }

    /// Passes a batch of data; true if it was aborted.
    pub(super) fn on_data(&mut self, batch: &Batch) -> bool {
        self.advance(batch.header.last_offset());
        if !batch.header.is_transactional() {
            return false;
        }
        let producer = batch.header.producer_id;
        if let Some((_, met)) = self.aborted.get_mut(&producer) {
            *met = true;
            return true;
        }
        self.committed.insert(producer);
        false
    }

    /// Passes a control batch.
    pub(super) fn on_control(&mut self, batch: &Batch) -> Marker {
        self.advance(batch.header.last_offset());
        if batch.header.record_count == 0 {
            // Its marker went in an earlier pass.
            return Marker::Unneeded;
        }
        let producer = batch.header.producer_id;
        match marker_of(batch).map(|(marker, _)| marker.kind) {
            Some(ControlKind::Abort) => match self.aborted.remove(&producer) {
                Some((aborted, true)) => Marker::Needed(Some(aborted)),
                _ => Marker::Unneeded,
            },
            Some(ControlKind::Commit) if !self.committed.remove(&producer) => Marker::Unneeded,
            // Other control records, as in the logs of the metadata quorum, are not for this cleaner to judge.
            Some(ControlKind::Commit) | None => Marker::Needed(None),
        }
    }

    fn advance(&mut self, to: Offset) {
        while let Some(next) = self.ahead.front().filter(|next| next.first_offset <= to).copied() {
            self.ahead.pop_front();
            self.aborted.entry(next.producer_id).or_insert((next, false));
        }
    }
}
