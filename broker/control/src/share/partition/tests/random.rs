//! A random model: a log, members that do whatever they like, writes that fail, restarts; and what must hold all the while.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const LIMIT: i16 = 4;

#[derive(Clone, Debug)]
enum Step {
    Append { count: i64, compacted: bool },
    Fetch { member: usize, batches: usize, most: i32, counted: bool },
    Acknowledge { member: usize, pick: usize, types: Vec<i8>, written: bool },
    Close { member: usize, written: bool },
    Wait { ms: i64 },
    LogStart { by: i64 },
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let types = proptest::collection::vec(0i8..=4, 1..6);
    prop_oneof![
        3 => (1i64..8, prop::bool::weighted(0.1)).prop_map(|(count, compacted)| Step::Append { count, compacted }),
        6 => (0usize..3, 1usize..4, 1i32..12, any::<bool>())
            .prop_map(|(member, batches, most, counted)| Step::Fetch { member, batches, most, counted }),
        6 => (0usize..3, 0usize..9, types, prop::bool::weighted(0.8))
            .prop_map(|(member, pick, types, written)| Step::Acknowledge { member, pick, types, written }),
        1 => (0usize..3, prop::bool::weighted(0.8)).prop_map(|(member, written)| Step::Close { member, written }),
        2 => (0i64..60).prop_map(|ms| Step::Wait { ms }),
        1 => (0i64..4).prop_map(|by| Step::LogStart { by }),
        1 => Just(Step::Restart),
    ]
}

struct Model {
    partition: SharePartition,
    now: i64,
    log: Vec<FetchedBatch>,
    log_end: i64,
    timers: Vec<LockTimer>,
    /// Who has a record, and until when.
    held: BTreeMap<i64, (usize, i64)>,
    /// Deliveries since the last restart, which may forget those that were not persisted.
    deliveries: BTreeMap<i64, i16>,
    /// What the share coordinator would have: the deltas that were written, one upon the other.
    durable: BTreeMap<i64, (i8, i16)>,
    durable_start: i64,
}

impl Model {
    fn new() -> Model {
        Model {
            partition: loaded(config(), 0, &[]),
            now: 0,
            log: Vec::new(),
            log_end: 0,
            timers: Vec::new(),
            held: BTreeMap::new(),
            deliveries: BTreeMap::new(),
            durable: BTreeMap::new(),
            durable_start: 0,
        }
    }

    fn run(&mut self, step: Step) {
        match step {
            Step::Append { count, compacted } => {
                if !compacted {
                    self.log.push(batch(self.log_end, self.log_end + count - 1));
                }
                self.log_end += count;
            }
            Step::Fetch { member, batches, most, counted } => {
                self.fetch(member, batches, most, counted);
            }
            Step::Acknowledge { member, pick, types, written } => self.acknowledge(member, pick, &types, written),
            Step::Close { member, written } => {
                let change = self.partition.release(name(member));
                if self.finish(change, written) {
                    self.held.retain(|_, (holder, _)| *holder != member);
                }
            }
            Step::Wait { ms } => self.wait(ms),
            Step::LogStart { by } => {
                let start = (self.partition.start_offset() + by).min(self.log_end);
                self.log.retain(|batch| batch.last_offset >= start);
                self.partition.log_start_moved(start);
            }
            Step::Restart => self.restart(),
        }
        assert!(self.partition.delivery_complete_count() >= 0);
        assert!(self.partition.start_offset() <= self.partition.end_offset() + 1);
    }

    fn fetch(&mut self, member: usize, batches: usize, most: i32, counted: bool) -> usize {
        let fetch_offset = self.partition.next_fetch_offset();
        assert!(fetch_offset >= self.partition.start_offset());
        if !self.partition.can_acquire() {
            return 0;
        }
        let found: Vec<FetchedBatch> =
            self.log.iter().filter(|batch| batch.last_offset >= fetch_offset).take(batches).copied().collect();
        let mode = if counted { AcquireMode::RecordLimit } else { AcquireMode::BatchOptimized };
        let id: Arc<str> = name(member).into();
        let fetch = Acquire {
            member: &id,
            mode,
            batch_size: 5,
            max_records: most,
            fetch_offset,
            batches: &found,
            aborted: &[],
        };
        // What is behind the span need not be read.
        let span = self.partition.span(fetch_offset, most);
        let end = found.first().map_or(0, |batch| batch.base_offset.max(fetch_offset)) + span - 1;
        let read = found.iter().position(|batch| batch.last_offset >= end).map_or(found.len(), |last| last + 1);
        let mut reads_less = self.partition.clone();
        let less = reads_less.acquire(Timestamp(self.now), &Acquire { batches: &found[..read], ..fetch.clone() });
        let acquired = self.partition.acquire(Timestamp(self.now), &fetch);
        assert_eq!(less, acquired);
        self.timers.extend(acquired.timers.iter().map(|(_, timer)| *timer));
        let mut count = 0;
        for run in &acquired.records {
            assert!(run.delivery_count <= LIMIT);
            for offset in run.first_offset..=run.last_offset {
                assert!(offset >= self.partition.start_offset());
                let before = self.held.insert(offset, (member, self.now + 50));
                assert_eq!(before, None, "{offset} is with two members");
                assert!(self.durable.get(&offset).is_none_or(|(state, _)| *state < 2), "{offset} was done with");
                let deliveries = self.deliveries.entry(offset).or_default();
                *deliveries += 1;
                assert!(*deliveries <= LIMIT);
                count += 1;
            }
        }
        assert!(!counted || count <= most);
        acquired.records.len()
    }

    fn acknowledge(&mut self, member: usize, pick: usize, types: &[i8], written: bool) {
        let mine: Vec<i64> = self.held.iter().filter(|(_, (holder, _))| *holder == member).map(|(o, _)| *o).collect();
        let Some(first) = mine.get(pick % mine.len().max(1)).copied() else { return };
        // Sometimes more than the member has, which must be refused as a whole.
        let last = first + types.len() as i64 - 1;
        let now = Timestamp(self.now);
        let Ok(change) = self.partition.acknowledge(now, name(member), &[ack(first, last, types)]) else { return };
        let timers: Vec<LockTimer> = change.timers.iter().map(|(_, timer)| *timer).collect();
        for timer in &timers {
            for offset in timer.first..=timer.last {
                assert_eq!(self.held.insert(offset, (member, self.now + 50)).map(|(holder, _)| holder), Some(member));
            }
        }
        self.timers.extend(timers);
        let done = self.finish(change, written);
        for (index, kind) in types.iter().enumerate() {
            let offset = first + index as i64;
            if *kind != 4 && done {
                let holder = self.held.remove(&offset).map(|(holder, _)| holder);
                assert!(holder == Some(member) || !self.has(offset) || offset < self.partition.start_offset());
            }
        }
    }

    fn has(&self, offset: i64) -> bool {
        self.log.iter().any(|batch| (batch.base_offset..=batch.last_offset).contains(&offset))
    }

    /// Lets a write succeed or fail; whether it did succeed.
    fn finish(&mut self, change: Change, written: bool) -> bool {
        let Some(write) = change.write else { return true };
        if written {
            self.durable_start = self.durable_start.max(write.start_offset);
            for batch in &write.batches {
                for offset in batch.first_offset..=batch.last_offset {
                    self.durable.insert(offset, (batch.delivery_state, batch.delivery_count));
                }
            }
        }
        self.partition.write_done(Timestamp(self.now), write.id, written);
        written
    }

    /// One timer at a time, for the next lock that ends, does what one for each lock does.
    fn check_next_lock_end(&self) {
        if let Some(first) = self.held.values().map(|(_, until)| *until).min() {
            let next = self.partition.next_lock_end().map(|at| at.0);
            assert!(next.is_some_and(|next| next <= first), "{next:?}, and a lock ends at {first}");
        }
    }

    fn wait(&mut self, ms: i64) {
        self.check_next_lock_end();
        self.now += ms;
        let now = self.now;
        let (due, later) = self.timers.iter().partition(|timer| timer.at.0 <= now);
        self.timers = later;
        for timer in due {
            let change = self.partition.lock_timed_out(timer);
            self.finish(change, true);
        }
        self.held.retain(|_, (_, until)| *until > now);
    }

    /// The partition's leader starts anew, with what the deltas amount to.
    fn restart(&mut self) {
        let start = self.durable_start;
        self.durable.retain(|offset, _| *offset >= start);
        let batches: Vec<StateBatch> = self
            .durable
            .iter()
            .map(|(offset, (delivery_state, delivery_count))| StateBatch {
                first_offset: *offset,
                last_offset: *offset,
                delivery_state: *delivery_state,
                delivery_count: *delivery_count,
            })
            .collect();
        self.partition = loaded(config(), start, &batches);
        let log_start = self.log.first().map_or(self.log_end, |batch| batch.base_offset);
        self.partition.log_start_moved(log_start);
        self.timers.clear();
        self.held.clear();
        self.deliveries = self.durable.iter().map(|(offset, (_, count))| (*offset, *count)).collect();
        for (offset, (delivery_state, delivery_count)) in &self.durable {
            if *offset >= self.partition.start_offset() {
                let (state, count) = self.partition.record(*offset).unwrap();
                assert_eq!((state.id(), count), (*delivery_state, *delivery_count));
            }
        }
    }

    /// From here on every record is accepted: each must come, and the window must close behind the log.
    fn drain(&mut self) {
        for _ in 0..10_000 {
            if self.partition.start_offset() >= self.log_end || self.nothing_left() {
                return;
            }
            self.wait(100);
            while self.fetch(0, 3, 10, false) > 0 {}
            while let Some(offset) = self.held.keys().next().copied() {
                let change = self.partition.acknowledge(Timestamp(self.now), name(0), &[ack(offset, offset, &[1])]);
                self.finish(change.unwrap(), true);
                self.held.remove(&offset);
            }
        }
        panic!("the window does not close: {:?}", self.partition);
    }

    /// Whether the end of the log was compacted away.
    fn nothing_left(&self) -> bool {
        self.log.last().is_none_or(|batch| batch.last_offset < self.partition.start_offset())
    }
}

fn config() -> SharePartitionConfig {
    SharePartitionConfig {
        max_record_locks: 20,
        delivery_count_limit: LIMIT,
        record_lock_duration_ms: 50,
        renew_enabled: true,
    }
}

fn name(member: usize) -> &'static str {
    ["a", "b", "c"][member]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
    #[test]
    fn every_record_is_delivered_until_it_is_done_with(steps in proptest::collection::vec(step(), 1..120)) {
        let mut model = Model::new();
        for step in steps {
            model.run(step);
        }
        model.drain();
    }
}
