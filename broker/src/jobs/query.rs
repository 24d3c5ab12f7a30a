//! Queries by themselves: a job's tasks over a port that writes nothing, as long as somebody reads their rows.

use std::sync::Arc;

use bytes::Bytes;
use forebay_processor::host::Host;
use forebay_processor::job::{Progress, Task, TaskError, TaskOptions, TaskStatus, why};
use forebay_processor::plan::{Bounded, JobPlan};
use forebay_processor::sql::Query;
use tokio::sync::{Notify, OwnedSemaphorePermit, mpsc, oneshot};

use super::host::BrokerHost;
use super::query_host::{QUERY, QueryHost};
use super::{JobError, Jobs};
use crate::clock;
use crate::http::{Lines, SqlEnd, SqlHead, SqlLine, SqlProblem, SqlProgress, push_row};

/// Most queries at a time.
pub(super) const MAX_QUERIES: usize = 16;
/// What the state of one query may take of memory, in bytes. It has no other place.
const MAX_STATE_BYTES: u64 = 256 * 1024 * 1024;
/// Steps whose rows wait for the client.
const WAITING_STEPS: usize = 2;
/// How often a client is told how far its query is, in milliseconds.
const PROGRESS_PAUSE_MS: i64 = 1_000;

impl Jobs {
    /// Starts a query; it ends by itself, or as soon as nobody takes its lines.
    ///
    /// # Errors
    /// There are too many, a topic is not there, or a task cannot begin.
    pub(super) async fn query(
        &self,
        query: Query,
        head: SqlHead,
        rows: Option<u64>,
        tells: bool,
    ) -> Result<Lines, JobError> {
        let place = self.queries.clone().try_acquire_owned();
        let place =
            place.map_err(|_| JobError::Busy(format!("{MAX_QUERIES} queries are running, which is the limit")))?;
        self.check_topics(&query.plan)?;
        let limit = [query.limit, rows].into_iter().flatten().min();
        let (lines, receiver) = mpsc::channel(WAITING_STEPS);
        let running = Running {
            plan: Arc::new(adapted(query.plan, query.to_end)),
            host: QueryHost::new(self.host.clone()),
            broker: self.host.clone(),
            limit,
            asked: rows.filter(|rows| query.limit.is_none_or(|limit| *rows < limit)),
            grown: None,
            tells,
            lines,
            progress: SqlProgress::default(),
            _place: place,
        };
        let (opened, open) = oneshot::channel();
        {
            let runtime = self.runtime.lock();
            let runtime = runtime.as_ref().ok_or_else(|| JobError::Busy("the broker is stopping".to_owned()))?;
            runtime.spawn(running.run(head, opened));
        }
        match open.await {
            Ok(Ok(())) => Ok(receiver),
            Ok(Err(error @ TaskError::Retry(_))) => Err(JobError::Busy(error.to_string())),
            Ok(Err(error)) => Err(JobError::Invalid(error.to_string())),
            Err(_) => Err(JobError::Busy("the broker is stopping".to_owned())),
        }
    }

    fn check_topics(&self, plan: &JobPlan) -> Result<(), JobError> {
        let mut topics = plan.pipelines.iter().flat_map(|pipeline| pipeline.topics());
        topics.try_for_each(|source| self.check_topic(&source.topic))
    }

    /// Whether a topic is there; says which is called nearly so if not.
    pub(super) fn check_topic(&self, topic: &str) -> Result<(), JobError> {
        if self.host.partitions(topic).is_some() {
            return Ok(());
        }
        let names = self.topic_names();
        let close = super::nearest(names.iter().map(|(name, _)| name.as_str()), topic);
        let close = close.map(|name| format!("; did you mean {name}?")).unwrap_or_default();
        Err(JobError::NoTopic(format!("there is no topic {topic}{close}")))
    }
}

/// One task over everything.
fn adapted(mut plan: JobPlan, to_end: bool) -> JobPlan {
    for pipeline in &mut plan.pipelines {
        pipeline.parallelism = 1;
        pipeline.for_each_source(&mut |source| {
            source.policies.state_memory_bytes = None;
            if to_end && source.policies.bounded.is_none() {
                source.policies.bounded = Some(Bounded::LatestOffset);
            }
        });
    }
    plan
}

/// Small steps, so that rows come soon and jobs have their turn; and no snapshots, as nothing is kept.
fn options() -> TaskOptions {
    TaskOptions {
        step_bytes: 1024 * 1024,
        read_bytes: 256 * 1024,
        output_bytes: 1024 * 1024,
        behind_records: u64::MAX,
        snapshot_floor: u64::MAX,
        state_memory_bytes: u64::MAX,
        discovery_ms: 1_000,
        ..TaskOptions::default()
    }
}

struct Running {
    plan: Arc<JobPlan>,
    host: QueryHost,
    broker: Arc<BrokerHost>,
    limit: Option<u64>,
    /// What of it the request has asked for beside its statement.
    asked: Option<u64>,
    /// Why records of some partitions are not read.
    grown: Option<String>,
    /// Whether the client is told how far the query is.
    tells: bool,
    lines: mpsc::Sender<Bytes>,
    progress: SqlProgress,
    _place: OwnedSemaphorePermit,
}

/// What the steps of all tasks came to.
struct Round {
    busy: bool,
    finished: bool,
    until: i64,
}

impl Running {
    async fn run(mut self, head: SqlHead, opened: oneshot::Sender<Result<(), TaskError>>) {
        let (mut tasks, told) = match self.open_all() {
            Ok(tasks) => (tasks, Ok(())),
            Err(error) => (Vec::new(), Err(error)),
        };
        let failed = told.is_err();
        if opened.send(told).is_err() || failed || !self.send(SqlLine::Head(head).bytes()).await {
            return;
        }
        let last = match self.until_the_end(&mut tasks).await {
            // The client has left.
            Ok(false) => return,
            Ok(true) => SqlLine::End(SqlEnd {
                rows: self.progress.rows,
                more: self.asked.is_some_and(|rows| self.progress.rows >= rows),
                progress: Some(self.progress.clone()),
                ..SqlEnd::default()
            }),
            Err(error) => SqlLine::Error(SqlProblem { message: error.to_string(), ..SqlProblem::default() }),
        };
        self.send(last.bytes()).await;
    }

    /// False if the client has left.
    async fn send(&self, lines: Vec<u8>) -> bool {
        self.lines.send(Bytes::from(lines)).await.is_ok()
    }

    fn is_full(&self) -> bool {
        self.limit.is_some_and(|limit| self.progress.rows >= limit)
    }

    fn open_all(&self) -> Result<Vec<Task>, TaskError> {
        let open = |pipeline| Task::open(&self.plan, QUERY, pipeline, &self.host, options());
        (0..self.plan.pipelines.len()).map(open).collect()
    }

    /// Takes in partitions that were added. What keeps rows would have to read everything again: it goes on with the partitions it has, and
    /// says so.
    fn take_in(&mut self, tasks: &mut Vec<Task>) -> Result<bool, TaskError> {
        let Some((topic, known, now)) = self.host.grown() else { return Ok(false) };
        if self.plan.pipelines.iter().any(|pipeline| pipeline.keeps_rows()) {
            self.grown = Some(format!(
                "topic {topic} has {now} partitions now instead of {known}: records of the new ones are not among these, run the query again"
            ));
            return Ok(false);
        }
        tasks.iter_mut().try_for_each(|task| task.finish(&self.host))?;
        self.host.count_anew();
        *tasks = self.open_all()?;
        Ok(true)
    }

    /// Steps until there is no more to do; false if the client has left before that.
    async fn until_the_end(&mut self, tasks: &mut Vec<Task>) -> Result<bool, TaskError> {
        let woken = Arc::new(Notify::new());
        let broker = self.broker.clone();
        let watch = |tasks: &[Task]| {
            let waker = woken.clone();
            let inputs: Vec<_> = tasks.iter().flat_map(|task| task.inputs().to_vec()).collect();
            broker.watch(&inputs, Arc::new(move || waker.notify_one()))
        };
        let mut watched = watch(tasks);
        let mut finished = vec![false; tasks.len()];
        let mut tell_at = clock::deadline(PROGRESS_PAUSE_MS);
        while !self.is_full() {
            if self.take_in(tasks)? {
                watched = watch(tasks);
            }
            let round = self.step(tasks, &mut finished).await?;
            if self.lines.is_closed() {
                return Ok(false);
            }
            if round.finished {
                break;
            }
            if self.tells && tell_at <= clock::deadline(0) {
                tell_at = clock::deadline(PROGRESS_PAUSE_MS);
                let line = SqlLine::Progress(self.progress.clone()).bytes();
                if !self.send(line).await {
                    return Ok(false);
                }
            }
            if round.busy {
                tokio::task::yield_now().await;
                continue;
            }
            tokio::select! {
                () = woken.notified() => {}
                () = tokio::time::sleep_until(clock::deadline(round.until.saturating_sub(clock::now().0))) => {}
                () = tokio::time::sleep_until(tell_at), if self.tells => {}
                () = self.lines.closed() => return Ok(false),
            }
        }
        drop(watched);
        Ok(true)
    }

    /// A step of each task that has not come to its end, and their rows on the way to the client.
    async fn step(&mut self, tasks: &mut [Task], finished: &mut [bool]) -> Result<Round, TaskError> {
        let mut round = Round { busy: false, finished: true, until: i64::MAX };
        let mut statuses = Vec::with_capacity(tasks.len());
        for (task, finished) in tasks.iter_mut().zip(finished) {
            if !*finished {
                match task.step(&self.host)? {
                    Progress::Busy => round.busy = true,
                    Progress::Finished => *finished = true,
                    Progress::Waiting { until } => {
                        round.until = round.until.min(until.map_or(i64::MAX, |at| at.0));
                    }
                }
                round.finished &= *finished;
            }
            statuses.push(task.status());
            let lines = self.rows();
            if !lines.is_empty() && !self.send(lines).await {
                break;
            }
        }
        self.note(&statuses);
        let state: u64 = statuses.iter().map(|status| status.state_memory_bytes).sum();
        match state > MAX_STATE_BYTES {
            true => Err(TaskError::Failed(format!(
                "the query keeps more than {} MiB, which is the limit for one that is no job; INSERT INTO makes it one",
                MAX_STATE_BYTES >> 20
            ))),
            false => Ok(round),
        }
    }

    /// The lines of the rows that have come, no more than are wanted.
    fn rows(&mut self) -> Vec<u8> {
        let mut lines = Vec::new();
        for (kind, value) in self.host.take_rows() {
            if self.is_full() {
                break;
            }
            if let Some(value) = value {
                let kind = kind.as_deref().and_then(|kind| std::str::from_utf8(kind).ok()).unwrap_or("+I");
                push_row(&mut lines, kind, &value);
                // Rows that are there, not changes: an update takes one back before it puts one out.
                match kind.starts_with('-') {
                    true => self.progress.rows = self.progress.rows.saturating_sub(1),
                    false => self.progress.rows += 1,
                }
            }
        }
        lines
    }

    fn note(&mut self, statuses: &[TaskStatus]) {
        let now = clock::now().0;
        let sum = |field: fn(&TaskStatus) -> u64| statuses.iter().map(field).sum();
        self.progress = SqlProgress {
            rows: self.progress.rows,
            records_read: sum(|status| status.records_in),
            late_records: sum(|status| status.late),
            lag_records: statuses.iter().map(TaskStatus::lag).sum::<i64>().max(0).unsigned_abs(),
            watermark_ms: statuses.iter().filter(|status| status.windowed).filter_map(|status| status.watermark).min(),
            why: self
                .grown
                .iter()
                .cloned()
                .chain(statuses.iter().flat_map(|status| why(status, now)))
                .take(2)
                .collect(),
        };
    }
}
