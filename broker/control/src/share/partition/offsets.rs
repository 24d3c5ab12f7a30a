//! The window of a share-partition: where to fetch next, and when it moves on (Kafka: SharePartition.nextFetchOffset,
//! maybeUpdateCachedStateAndOffsets, updateCacheAndOffsets).

use super::SharePartition;
use super::in_flight::RecordState;

impl SharePartition {
    /// The offset to fetch from next: that of the first record that is to be delivered again, or of the first that never was.
    pub fn next_fetch_offset(&mut self) -> i64 {
        if self.last_cached().is_none_or(|last| self.start > last) {
            self.look_for_available = false;
            return self.end;
        }
        if self.look_for_available
            && let Some(offset) = self.first_available()
        {
            return offset;
        }
        self.look_for_available = false;
        self.behind_end()
    }

    /// Whether a fetch may find something to hand out: something to deliver again, or room for more in flight.
    pub fn can_acquire(&mut self) -> bool {
        self.next_fetch_offset() != self.behind_end() || self.in_flight() < i64::from(self.config.max_record_locks)
    }

    /// The log begins at `log_start` now: what is before it is done with. Nothing is persisted; the next write tells it.
    pub fn log_start_moved(&mut self, log_start: i64) {
        if log_start <= self.start {
            return;
        }
        if self.cache.is_empty() {
            self.start = log_start;
            self.end = log_start;
            return;
        }
        self.look_for_available |= self.archive(self.start, log_start - 1, RecordState::Available);
        self.start = log_start;
        self.end = self.end.max(log_start);
        if let Some(gap) = &mut self.gap {
            gap.start = gap.start.max(log_start);
        }
        // What is left may all be done with. Kafka waits for the next acknowledgement, which then never comes.
        self.advance_start();
    }

    /// An empty window may begin at any offset that an administrator has set, the highest included.
    fn behind_end(&self) -> i64 {
        self.end.saturating_add(1)
    }

    fn first_available(&self) -> Option<i64> {
        let mut gap = self.gap_start();
        for batch in self.cache.values() {
            if let Some(start) = &mut gap {
                if batch.first > *start {
                    return Some(*start);
                }
                *start = (batch.last + 1).max(*start);
            }
            if let Some((first, _, _)) = batch.runs().find(|(_, _, record)| record.is_available()) {
                return Some(first);
            }
        }
        None
    }

    /// Moves the start offset behind what is done with, and forgets batches that are done with as a whole. Whether it did.
    pub(super) fn advance_start(&mut self) -> bool {
        let Some(done) = self.last_done() else { return false };
        if Some(done) == self.last_cached() {
            self.start = self.start.max(done + 1);
            self.end = self.start;
            self.cache.clear();
            return true;
        }
        // A gap that is yet to be fetched is not done with; one that the log has naturally is.
        let next = match self.cache.range(..=done).next_back() {
            Some((_, batch)) if batch.last > done => done + 1,
            _ => self.cache.range(done + 1..).next().map_or(done + 1, |(key, _)| *key),
        };
        let next = self.gap_start().map_or(next, |gap| gap.max(done + 1).min(next));
        self.start = self.start.max(next);
        while let Some(entry) = self.cache.first_entry()
            && entry.get().last <= done
        {
            entry.remove();
        }
        true
    }

    /// The last offset before which nothing is open, unless the start offset itself is.
    fn last_done(&self) -> Option<i64> {
        // Before the first batch there may be offsets that the log has nothing at; Kafka stays there for ever.
        let at_start = self.cache.range(..=self.start).next_back().and_then(|(_, batch)| batch.state_of(self.start));
        if at_start.is_some_and(|record| !record.is_done()) {
            return None;
        }
        let mut gap = self.gap_start();
        let mut done = None;
        for batch in self.cache.values() {
            if let Some(start) = &mut gap {
                if batch.first > *start {
                    return done;
                }
                *start = (batch.last + 1).max(*start);
            }
            for (_, last, record) in batch.runs() {
                if !record.is_done() {
                    return done;
                }
                done = Some(last);
            }
        }
        done
    }
}
