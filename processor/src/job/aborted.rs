//! Leaves out the records of aborted transactions, as a read_committed consumer does.
//!
//! Kafka: `CompletedFetch.nextFetchedRecord`. The read names the aborted transactions that reach into its stretch; a producer's
//! batches are skipped from that transaction's first offset up to its abort marker.

use forebay_storage::ids::{Offset, ProducerId};

/// What is known of aborted transactions while one stretch of a log is walked.
#[derive(Debug, Default)]
pub struct AbortedFilter {
    /// Not reached yet, the last one first.
    ahead: Vec<(ProducerId, Offset)>,
    /// Producers inside an aborted transaction; few, so a list is the fastest set.
    aborting: Vec<ProducerId>,
}

impl AbortedFilter {
    /// For one stretch, with the list that came with it.
    #[must_use]
    pub fn new(mut aborted: Vec<(ProducerId, Offset)>) -> AbortedFilter {
        aborted.sort_unstable_by_key(|(_, first)| std::cmp::Reverse(*first));
        AbortedFilter { ahead: aborted, aborting: Vec::new() }
    }

    /// Takes in that the walk has come to a batch that ends at `last_offset`.
    pub fn reach(&mut self, last_offset: Offset) {
        while let Some((producer, first)) = self.ahead.last().copied()
            && first <= last_offset
        {
            if !self.aborting.contains(&producer) {
                self.aborting.push(producer);
            }
            self.ahead.pop();
        }
    }

    /// The walk has met the abort marker of `producer`.
    pub fn abort_marker(&mut self, producer: ProducerId) {
        self.aborting.retain(|other| *other != producer);
    }

    /// Whether a transactional batch of `producer` at this point belongs to an aborted transaction.
    #[must_use]
    pub fn is_aborted(&self, producer: ProducerId) -> bool {
        self.aborting.contains(&producer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_producer_is_skipped_from_its_first_offset_to_its_marker() {
        let (a, b) = (ProducerId(1), ProducerId(2));
        let mut filter = AbortedFilter::new(vec![(a, Offset(20)), (b, Offset(5)), (a, Offset(3))]);
        filter.reach(Offset(2));
        assert!(!filter.is_aborted(a));
        filter.reach(Offset(4));
        assert!(filter.is_aborted(a) && !filter.is_aborted(b));
        filter.reach(Offset(10));
        assert!(filter.is_aborted(b));
        filter.abort_marker(a);
        assert!(
            !filter.is_aborted(a) && filter.is_aborted(b),
            "the next transaction of the same producer is not aborted"
        );
        filter.reach(Offset(25));
        assert!(filter.is_aborted(a), "until a later one is");
    }
}
