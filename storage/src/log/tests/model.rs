//! Random histories of a log against a plain list of batches.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Append {
        records: usize,
        compressed: bool,
        epoch_up: bool,
    },
    Roll,
    Flush,
    /// To the start of a batch, chosen among those there are.
    Truncate(prop::sample::Index),
    DeleteRecords(prop::sample::Index),
    /// The process is killed.
    Kill,
    /// The power goes; of every file this share (in 256ths) of what was not synced survives.
    Crash(u8),
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        10 => (1usize..4, any::<bool>(), prop::bool::weighted(0.1))
            .prop_map(|(records, compressed, epoch_up)| Step::Append { records, compressed, epoch_up }),
        1 => Just(Step::Roll),
        2 => Just(Step::Flush),
        1 => any::<prop::sample::Index>().prop_map(Step::Truncate),
        1 => any::<prop::sample::Index>().prop_map(Step::DeleteRecords),
        1 => Just(Step::Kill),
        1 => any::<u8>().prop_map(Step::Crash),
        1 => Just(Step::Restart),
    ]
}

/// What the log should hold.
struct Model {
    disk: MemoryDisk,
    log: Option<Log>,
    /// Value of each record that was ever appended and not truncated, by offset.
    values: Vec<String>,
    /// Offsets where batches begin.
    starts: Vec<usize>,
    start: usize,
    /// Offsets before this must survive anything.
    flushed: usize,
    epoch: i32,
    serial: usize,
}

impl Model {
    fn new() -> Model {
        let disk = MemoryDisk::new();
        let log = Some(open(&disk, small_segments()));
        Model { disk, log, values: vec![], starts: vec![], start: 0, flushed: 0, epoch: 0, serial: 0 }
    }

    fn log(&mut self) -> &mut Log {
        self.log.as_mut().unwrap()
    }

    fn run(&mut self, step: Step) {
        match step {
            Step::Append { records, compressed, epoch_up } => self.append(records, compressed, epoch_up),
            Step::Roll => self.log().roll(NOW).unwrap(),
            Step::Flush => {
                self.log().flush().unwrap();
                self.flushed = self.values.len();
            }
            Step::Truncate(at) => self.truncate(at),
            Step::DeleteRecords(at) => {
                let to = at.index(self.values.len() + 1).max(self.start);
                self.log().increment_log_start_offset(Offset(to as i64)).unwrap();
                self.start = to;
            }
            Step::Kill => self.reopen(false),
            Step::Crash(share) => {
                self.log = None;
                self.disk.crash(|_, unsynced| unsynced * usize::from(share) / 255);
                self.reopen_after_crash();
            }
            Step::Restart => {
                self.log().close().unwrap();
                self.flushed = self.values.len();
                self.reopen(true);
            }
        }
        self.check();
    }

    fn append(&mut self, records: usize, compressed: bool, epoch_up: bool) {
        self.epoch += i32::from(epoch_up);
        let mut builder = BatchBuilder::new(if compressed { Compression::Lz4 } else { Compression::None });
        self.starts.push(self.values.len());
        for _ in 0..records {
            let value = format!("value {}", self.serial);
            // Times go up and down.
            let time = NOW.plus_ms((self.serial as i64 * 7919) % 1000);
            builder.push(time, None, Some(value.as_bytes()), &[]);
            self.values.push(value);
            self.serial += 1;
        }
        let leader_epoch = LeaderEpoch(self.epoch);
        let batch = builder.finish(&BatchStamp::default());
        append(self.log(), batch, AppendOptions { leader_epoch, ..as_client() });
    }

    fn truncate(&mut self, at: prop::sample::Index) {
        let starts: Vec<usize> = self.starts.iter().copied().filter(|start| *start >= self.start).collect();
        if starts.is_empty() {
            return;
        }
        let to = starts[at.index(starts.len())];
        let held = self.log().read(Offset(to as i64), 1000, Offset(i64::MAX), true).unwrap().bytes;
        let copy = held.to_vec();
        self.log().truncate_to(Offset(to as i64), NOW).unwrap();
        assert_eq!(held, copy);
        self.shorten(to);
    }

    fn shorten(&mut self, to: usize) {
        self.values.truncate(to);
        self.starts.retain(|start| *start < to);
        self.flushed = self.flushed.min(to);
        self.start = self.start.min(to);
    }

    fn reopen(&mut self, clean: bool) {
        let recovery_point = self.log.take().map_or(Offset::ZERO, |log| log.recovery_point());
        let options = LogOptions {
            recovery_point,
            log_start_offset: Offset(self.start as i64),
            clean,
            ..options(&self.disk, small_segments())
        };
        self.log = Some(Log::open(options).unwrap());
    }

    fn reopen_after_crash(&mut self) {
        let options = LogOptions {
            recovery_point: Offset(self.flushed as i64),
            log_start_offset: Offset(self.start.min(self.flushed) as i64),
            ..options(&self.disk, small_segments())
        };
        let log = Log::open(options).unwrap();
        let end = log.log_end_offset().0 as usize;
        assert!(end >= self.flushed.min(self.values.len()), "flushed to {}, recovered to {end}", self.flushed);
        assert!(end <= self.values.len());
        self.shorten(end);
        // What was deleted and not flushed as such may be back, or its segment may be gone.
        self.start = log.log_start_offset().0 as usize;
        self.log = Some(log);
    }

    fn check(&mut self) {
        let (start, end) = (self.start as i64, self.values.len() as i64);
        let log = self.log.as_ref().unwrap();
        assert_eq!((log.log_start_offset().0, log.log_end_offset().0), (start, end));
        let expected: Vec<_> = (start..end).map(|at| (at, self.values[at as usize].clone())).collect();
        assert_eq!(values(log, Offset(start)), expected);
        assert_eq!(log.last_stable_offset().0, end);
        if let Some(middle) = expected.get(expected.len() / 2) {
            assert_eq!(values(log, Offset(middle.0))[0], *middle);
        }
        self.check_times();
    }

    fn check_times(&self) {
        let log = self.log.as_ref().unwrap();
        let time = |at: usize| {
            let serial: i64 = self.values[at].strip_prefix("value ").unwrap().parse().unwrap();
            NOW.plus_ms((serial * 7919) % 1000)
        };
        for wanted in [NOW, NOW.plus_ms(500), NOW.plus_ms(900)] {
            let expected = (self.start..self.values.len()).find(|at| time(*at) >= wanted);
            let found = log.offset_for_timestamp(wanted).unwrap().map(|(offset, _, _)| offset.0 as usize);
            assert_eq!(found, expected);
        }
    }
}

/// A history that the model found: the last index entries of a sealed segment were lost although its batches were flushed.
#[test]
fn index_entries_written_on_rolling_survive_a_kill_and_a_crash() {
    let mut model = Model::new();
    let append = Step::Append { records: 1, compressed: false, epoch_up: false };
    for step in [append, Step::Flush, Step::Roll, Step::Kill, Step::Flush, Step::Crash(0)] {
        model.run(step);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn behaves_like_a_list(steps in prop::collection::vec(step(), 1..40)) {
        let mut model = Model::new();
        for step in steps {
            model.run(step);
        }
    }
}
