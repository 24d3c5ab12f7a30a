//! Ending the delivery of records that are gone or were never committed (Kafka: SharePartition.archiveRecords).

use super::SharePartition;
use super::in_flight::RecordState;

impl SharePartition {
    /// Archives what is in state `from` between these offsets; whether there was any.
    pub(super) fn archive(&mut self, first: i64, last: i64, from: RecordState) -> bool {
        let mut any = false;
        for key in self.keys(first, last) {
            let Some(batch) = self.cache.get_mut(&key) else { continue };
            if !batch.is_within(first, last) {
                if batch.whole().is_some_and(|state| state.state != from) {
                    continue;
                }
                batch.split();
            }
            for (_, _, record) in batch.runs_mut().filter(|(from, to, _)| *from >= first && *to <= last) {
                if record.state == from {
                    record.archive();
                    any = true;
                }
            }
        }
        any
    }
}
