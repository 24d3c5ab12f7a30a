//! The demo's engine: clicks into the topic, results out of it, and the figures between.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use forebay_processor::commit::partition_for_key;
use forebay_storage::batch::{BatchBuilder, BatchStamp};
use forebay_storage::compress::Compression;
use forebay_storage::ids::Timestamp;
use parking_lot::Mutex;

use super::read;
use super::screen::WINDOWS;
use super::shop::{Click, Shop};
use super::snapshot::Snapshot;
use super::tally::{Tally, Totals, WINDOW_MS};
use super::{INPUT, JOB, OUTPUT, PARTITIONS};
use crate::clock;
use crate::jobs::Jobs;
use crate::partition::{CommittedRecords, Partitions, WatchGuard};

/// What the watermark of the demo's job waits for late clicks, in milliseconds (see `docs/examples/user-metrics.sql`).
const WATERMARK_DELAY_MS: i64 = 2_000;
/// How long the end waits for the job to catch up.
const CATCH_UP: Duration = Duration::from_secs(10);

/// The running demo.
pub struct Watch {
    partitions: Arc<Partitions>,
    jobs: Arc<Jobs>,
    shop: Shop,
    rate: f64,
    results: CommittedRecords,
    tally: Tally,
    started: i64,
    events: u64,
    recent: Vec<(i64, u64)>,
    /// Largest event time of each partition.
    newest: Vec<i64>,
    /// When the click was appended with which a window could close, by the window's start.
    closable: BTreeMap<i64, Instant>,
    /// When the job last committed to its output, and the watches that tell.
    committed: Arc<Mutex<Option<Instant>>>,
    output_watches: Vec<WatchGuard>,
    latencies_ms: Vec<f64>,
    closed: BTreeMap<i64, BTreeMap<String, Totals>>,
    windows: usize,
}

impl Watch {
    /// Nothing is appended yet.
    pub fn new(partitions: Arc<Partitions>, jobs: Arc<Jobs>, started: i64, rate: f64) -> Result<Watch, String> {
        let mut results = CommittedRecords::new(OUTPUT, partitions.clone());
        results.skip_existing();
        Ok(Watch {
            shop: Shop::new(started.unsigned_abs(), started, rate),
            partitions,
            jobs,
            rate,
            results,
            tally: Tally::default(),
            started,
            events: 0,
            recent: Vec::new(),
            newest: vec![i64::MIN; PARTITIONS as usize],
            closable: BTreeMap::new(),
            committed: Arc::default(),
            output_watches: Vec::new(),
            latencies_ms: Vec::new(),
            closed: BTreeMap::new(),
            windows: 0,
        })
    }

    /// Appends the clicks of the last `ms` milliseconds.
    pub fn backlog(&mut self, ms: i64) -> Result<(), String> {
        let now = clock::now().0;
        self.shop = Shop::new(self.started.unsigned_abs(), now - ms, self.rate);
        self.tick()
    }

    /// Appends what has arrived, reads what was put out.
    pub fn tick(&mut self) -> Result<(), String> {
        let now = clock::now().0;
        let clicks = self.shop.arrivals(now);
        let count = clicks.len() as u64;
        self.append(clicks)?;
        self.events += count;
        self.recent.push((now, count));
        self.recent.retain(|(at, _)| *at > now - 1000);
        self.read()
    }

    fn append(&mut self, clicks: Vec<Click>) -> Result<(), String> {
        let before = clock::instant();
        let mut builders: BTreeMap<i32, BatchBuilder> = BTreeMap::new();
        for click in clicks {
            let value = serde_json::to_vec(&click).map_err(|e| format!("a click cannot be written: {e}"))?;
            let number = partition_for_key(click.user_id.as_bytes(), PARTITIONS);
            let builder = builders.entry(number).or_insert_with(|| BatchBuilder::new(Compression::None));
            builder.push(Timestamp(click.event_time), Some(click.user_id.as_bytes()), Some(&value), &[]);
            let newest = &mut self.newest[number as usize];
            *newest = (*newest).max(click.event_time);
            self.tally.count(&click);
        }
        for (number, builder) in builders {
            let partition = self.partitions.get(INPUT, number).ok_or("the demo's topic was deleted")?;
            partition
                .append(builder.finish(&BatchStamp::default()), false)
                .map_err(|e| format!("clicks cannot be appended: {e}"))?;
        }
        self.note_closable(before);
        Ok(())
    }

    /// The windows whose end the watermark has just passed.
    fn note_closable(&mut self, now: Instant) {
        let Some(slowest) = self.newest.iter().min().copied().filter(|n| *n > i64::MIN) else { return };
        let watermark = slowest - WATERMARK_DELAY_MS;
        let last = (watermark + 1).div_euclid(WINDOW_MS) * WINDOW_MS - WINDOW_MS;
        self.closable.entry(last).or_insert(now);
    }

    fn read(&mut self) -> Result<(), String> {
        self.watch_output();
        // Rows of one window come in one commit, and windows close seconds apart: the last commit is theirs.
        let committed = *self.committed.lock();
        for record in self.results.take()? {
            let ((start, user), totals) = read::parse(&record.value.unwrap_or_default())?;
            if !self.closed.contains_key(&start) {
                self.windows += 1;
                if let (Some(at), Some(committed)) = (self.closable.get(&start), committed) {
                    self.latencies_ms.push(committed.duration_since(*at).as_secs_f64() * 1000.0);
                }
            }
            self.closed.entry(start).or_default().insert(user.clone(), totals);
            self.tally.check((start, user), totals);
        }
        while self.closed.len() > 4 * WINDOWS {
            self.closed.pop_first();
        }
        Ok(())
    }

    /// Notes the moment of each commit of the job, which is when a waiting consumer is woken.
    fn watch_output(&mut self) {
        while let Some(partition) = self.partitions.get(OUTPUT, self.output_watches.len() as i32) {
            let committed = self.committed.clone();
            self.output_watches.push(partition.watch(Arc::new(move || *committed.lock() = Some(clock::instant()))));
        }
    }

    /// Waits until the job has read everything, then reads its last results.
    pub async fn finish(&mut self) -> Result<(), String> {
        let deadline = clock::instant() + CATCH_UP;
        while self.status().is_none_or(|(_, lag, _)| lag > 0) && clock::instant() < deadline {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.read()
    }

    /// The watermark, the lag and the late clicks of the job.
    fn status(&self) -> Option<(Option<i64>, i64, u64)> {
        let (status, _) = self.jobs.describe(JOB).ok()?;
        let task = status.tasks.first()?;
        Some((task.watermark, self.lag(task), task.late))
    }

    /// Counted against the logs as they are now, not as the job saw them last.
    fn lag(&self, task: &forebay_processor::job::TaskStatus) -> i64 {
        let behind = |input: &forebay_processor::job::InputStatus| {
            let end = self.partitions.get(INPUT, input.partition).map_or(0, |p| p.offsets().1.0);
            end - input.position
        };
        task.inputs.iter().map(behind).sum()
    }

    /// What is wrong with the results.
    pub fn findings(&self) -> Vec<String> {
        self.tally.findings()
    }

    /// The figures as they are now.
    pub fn snapshot(&self) -> Snapshot {
        let now = clock::now().0;
        let status = self.status();
        let mut sorted = self.latencies_ms.clone();
        sorted.sort_by(f64::total_cmp);
        Snapshot {
            elapsed_ms: now - self.started,
            events: self.events,
            events_per_second: self.recent.iter().map(|(_, n)| n).sum(),
            latency_ms: sorted.last().map(|worst| (sorted[sorted.len() / 2], *worst)),
            watermark_behind_ms: status.and_then(|(watermark, _, _)| watermark).map(|w| now - w),
            lag: status.map_or(0, |(_, lag, _)| lag),
            late: status.map_or(0, |(_, _, late)| late),
            rows: self.tally.rows(),
            windows: self.windows,
            latest: self.closed.iter().rev().take(WINDOWS).map(|(start, users)| (*start, top(users))).collect(),
        }
    }
}

/// Users by clicks, most first.
fn top(users: &BTreeMap<String, Totals>) -> Vec<(String, Totals)> {
    let mut sorted: Vec<_> = users.iter().map(|(user, totals)| (user.clone(), *totals)).collect();
    sorted.sort_by(|a, b| b.1.clicks.cmp(&a.1.clicks).then_with(|| a.0.cmp(&b.0)));
    sorted.truncate(5);
    sorted
}
