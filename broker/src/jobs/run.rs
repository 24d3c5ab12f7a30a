//! Drives the tasks of a running job: step while there is input, sleep until there is more, start again after a failing disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use forebay_processor::host::Host;
use forebay_processor::job::{JobStatus, Progress, State, Task, TaskError, TaskOptions, TaskStatus};
use forebay_processor::plan::JobPlan;
use forebay_storage::ids::TopicPartition;
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use super::host::BrokerHost;
use super::pace::Pace;
use crate::clock;

/// How long a task waits before it starts again after the world has failed it (a disk, a coordinator).
const RESTART_PAUSE: Duration = Duration::from_secs(1);

/// A job whose tasks are on the runtime.
pub struct RunningJob {
    name: String,
    plan: Arc<JobPlan>,
    tasks: Vec<Arc<Cell>>,
    stop: watch::Sender<bool>,
    handles: Vec<JoinHandle<()>>,
}

/// What a task shows of itself between two steps.
#[derive(Default)]
struct Cell {
    status: Mutex<Option<TaskStatus>>,
    pace: Mutex<Pace>,
    failure: Mutex<Option<String>>,
    last_error: Mutex<Option<String>>,
    restarts: AtomicU64,
}

impl Cell {
    fn note(&self, status: TaskStatus) {
        self.pace.lock().note(clock::now(), &status);
        *self.status.lock() = Some(status);
    }
}

/// What a job shows beside its status.
#[derive(Clone, Debug, Default)]
pub struct Vitals {
    /// Records read each second, of late.
    pub records_per_second: f64,
    /// The 99th percentile of the last commits, in milliseconds.
    pub commit_p99_ms: Option<f64>,
    /// The last error, over or not.
    pub last_error: Option<String>,
}

impl RunningJob {
    /// Puts one task for each pipeline on the runtime.
    pub fn launch(runtime: &Handle, name: &str, plan: Arc<JobPlan>, host: Arc<BrokerHost>) -> RunningJob {
        let (stop, stopped) = watch::channel(false);
        let mut tasks = Vec::new();
        let mut handles = Vec::new();
        for pipeline in 0..plan.pipelines.len() {
            let cell = Arc::new(Cell::default());
            tasks.push(cell.clone());
            let drive = Drive { name: name.to_owned(), plan: plan.clone(), pipeline, host: host.clone(), cell };
            handles.push(runtime.spawn(drive.run(stopped.clone())));
        }
        RunningJob { name: name.to_owned(), plan, tasks, stop, handles }
    }

    /// What is known of it now.
    pub fn status(&self) -> JobStatus {
        let failure = self.tasks.iter().find_map(|t| t.failure.lock().clone());
        JobStatus {
            name: self.name.clone(),
            state: failure.map_or(State::Running, |message| State::Failed { message }),
            restarts: self.tasks.iter().map(|t| t.restarts.load(Ordering::Relaxed)).sum(),
            tasks: self.tasks.iter().filter_map(|t| t.status.lock().clone()).collect(),
        }
    }

    /// Topics read, and topics written.
    pub fn flow(&self) -> (Vec<String>, Vec<String>) {
        let mut sources: Vec<String> = self.plan.pipelines.iter().map(|p| p.source.topic.clone()).collect();
        sources.dedup();
        (sources, self.plan.pipelines.iter().map(|p| p.sink.topic.clone()).collect())
    }

    /// How it is doing of late.
    pub fn vitals(&self) -> Vitals {
        let now = clock::now();
        let mut vitals = Vitals::default();
        for task in &self.tasks {
            let pace = task.pace.lock();
            vitals.records_per_second += pace.records_per_second(now);
            let p99 = pace.commit_p99_ms();
            vitals.commit_p99_ms = if p99 > vitals.commit_p99_ms { p99 } else { vitals.commit_p99_ms };
            vitals.last_error = vitals.last_error.or_else(|| task.last_error.lock().clone());
        }
        vitals
    }

    /// Lets every task finish its step, and waits for that.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        for handle in self.handles {
            if let Err(error) = handle.await {
                tracing::error!("a task of job {} ended badly: {error}", self.name);
            }
        }
    }
}

/// One task on its way.
struct Drive {
    name: String,
    plan: Arc<JobPlan>,
    pipeline: usize,
    host: Arc<BrokerHost>,
    cell: Arc<Cell>,
}

impl Drive {
    async fn run(self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            let error = match self.until_it_fails(&mut stop).await {
                Ok(()) => return,
                Err(error) => error,
            };
            if let TaskError::Reopen(why) = &error {
                tracing::info!("job {} is opened again: {why}", self.name);
                continue;
            }
            let text = error.to_string();
            let known = self.cell.last_error.lock().replace(text.clone()).is_some_and(|last| last == text);
            if !matches!(error, TaskError::Retry(_)) {
                tracing::error!("job {} stopped: {text}", self.name);
                *self.cell.failure.lock() = Some(text);
                return;
            }
            // A reason that stays (a topic that is not there yet) is said once.
            if !known {
                tracing::warn!("job {} tries again each second: {text}", self.name);
            }
            self.cell.restarts.fetch_add(1, Ordering::Relaxed);
            tokio::select! {
                () = tokio::time::sleep(RESTART_PAUSE) => {}
                _ = stop.changed() => {}
            }
        }
    }

    async fn until_it_fails(&self, stop: &mut watch::Receiver<bool>) -> Result<(), TaskError> {
        let host = &*self.host;
        let woken = Arc::new(Notify::new());
        let mut task = Task::open(&self.plan, &self.name, self.pipeline, host, TaskOptions::default())?;
        let mut inputs = task.inputs().to_vec();
        let mut watch = watch_inputs(host, &inputs, &woken);
        loop {
            let progress = task.step(host)?;
            self.cell.note(task.status());
            if *stop.borrow() {
                return task.finish(host);
            }
            if task.inputs() != inputs {
                // A partition was added: whatever it holds already is found by the step that follows.
                inputs = task.inputs().to_vec();
                drop(watch);
                watch = watch_inputs(host, &inputs, &woken);
                continue;
            }
            match progress {
                Progress::Busy => tokio::task::yield_now().await,
                // The status says so; a restart of the broker finds it finished again.
                Progress::Finished => return Ok(()),
                Progress::Waiting { until } => {
                    let sleep = until.map_or(i64::MAX, |at| at.0.saturating_sub(clock::now().0));
                    tokio::select! {
                        () = woken.notified() => {}
                        () = tokio::time::sleep_until(clock::deadline(sleep)) => {}
                        _ = stop.changed() => {}
                    }
                }
            }
        }
    }
}

fn watch_inputs(host: &BrokerHost, inputs: &[TopicPartition], woken: &Arc<Notify>) -> Box<dyn Send> {
    let waker = woken.clone();
    host.watch(inputs, Arc::new(move || waker.notify_one()))
}

/// The status of a job that does not run because a person paused it.
pub fn paused_status(name: &str) -> JobStatus {
    JobStatus { name: name.to_owned(), state: State::Paused, restarts: 0, tasks: Vec::new() }
}

/// The same, keeping what is known of its tasks.
pub fn paused(status: JobStatus) -> JobStatus {
    JobStatus { state: State::Paused, ..status }
}

/// The status of a job whose text cannot be planned.
pub fn failed_status(name: &str, message: &str) -> JobStatus {
    JobStatus { state: State::Failed { message: message.to_owned() }, ..paused_status(name) }
}
