//! Drives the tasks of a running job: step while there is input, sleep until there is more, start again after a failing disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use forebay_processor::host::Host;
use forebay_processor::job::{
    InputStatus, JobStatus, Progress, SavepointAbout, Stage, State, Subtask, SubtaskId, TaskError, TaskOptions,
    TaskStatus, resources, subtasks,
};
use forebay_processor::operator::{Look, Looked, LookedRow};
use forebay_processor::plan::JobPlan;
use forebay_storage::ids::{Timestamp, TopicPartition};
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use super::JobError;
use super::commit::{COMMIT_LIMIT, STATE_LIMIT};
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
    orders: Vec<mpsc::Sender<Order>>,
    handles: Vec<JoinHandle<()>>,
}

/// What a running task can be asked to do between two steps.
enum Order {
    Savepoint(SavepointOrder),
    Look { look: Look, reply: oneshot::Sender<Result<(Looked, Vec<LookedAt>), String>> },
}

/// To write its part of a savepoint.
struct SavepointOrder {
    /// Where the savepoint goes.
    to: TopicPartition,
    about: SavepointAbout,
    /// Told when the task comes to it.
    begun: oneshot::Sender<()>,
    reply: oneshot::Sender<Result<(), String>>,
}

/// How long who gives an order waits for the task to come to it.
const ORDER_LIMIT: Duration = Duration::from_secs(20);

/// How long a job's state is looked at, in ms: a key that is one of several may be anywhere.
const LOOK_LIMIT_MS: i64 = 5_000;

/// Orders that wait for one task.
const MAX_ORDERS: usize = 8;

/// The way to the tasks of a running job.
#[derive(Clone)]
pub struct Door(Vec<mpsc::Sender<Order>>);

impl Door {
    /// Lets every task write its part of a savepoint into its partition of `topic`.
    pub async fn savepoint(&self, topic: &str, about: &SavepointAbout) -> Result<(), String> {
        let stopped = || "the job has just stopped".to_owned();
        let mut replies = Vec::new();
        for (number, task) in self.0.iter().enumerate() {
            let ((begun, begins), (reply, answer)) = (oneshot::channel(), oneshot::channel());
            let to = TopicPartition::new(topic, i32::try_from(number).unwrap_or(i32::MAX));
            task.send(Order::Savepoint(SavepointOrder { to, about: about.clone(), begun, reply }))
                .await
                .map_err(|_| stopped())?;
            replies.push((begins, answer));
        }
        for (begins, answer) in replies {
            let begins = tokio::time::timeout(ORDER_LIMIT, begins).await;
            begins
                .map_err(|_| "the job did not come to it; is it being restarted?".to_owned())?
                .map_err(|_| stopped())?;
            // What was begun is written to, as long as a commit of so much state may take.
            let answer = tokio::time::timeout(STATE_LIMIT + COMMIT_LIMIT, answer).await;
            answer.map_err(|_| "the job did not end it in time".to_owned())?.map_err(|_| stopped())??;
        }
        Ok(())
    }

    /// What the tasks keep, in their order, each as of a commit; `pipelines` tells of each task the number of its INSERT INTO. A task goes on
    /// with its work between the pieces of a look; after [`LOOK_LIMIT_MS`] no other piece is begun.
    pub async fn look(&self, pipelines: &[usize], key: Option<&str>, limit: usize) -> Result<StateView, String> {
        let stopped = || "the job has just stopped".to_owned();
        let late = || "the job did not come to it; is it being restarted?".to_owned();
        let mut view = StateView::default();
        let ends = clock::deadline(LOOK_LIMIT_MS);
        for (task, pipeline) in self.0.iter().zip(pipelines) {
            let mut from = None;
            loop {
                let look = Look { key: key.map(str::to_owned), limit: limit - view.rows.len(), from: from.take() };
                let is_first = look.from.is_none();
                let (reply, answer) = oneshot::channel();
                task.send(Order::Look { look, reply }).await.map_err(|_| stopped())?;
                let found = tokio::time::timeout(ORDER_LIMIT, answer).await.map_err(|_| late())?;
                let (looked, at) = found.map_err(|_| stopped())??;
                view.rows.extend(looked.rows.into_iter().map(|row| (*pipeline, row)));
                view.more |= looked.more;
                if is_first {
                    view.at.extend(at);
                }
                from = looked.next;
                if from.is_none() || view.more {
                    break;
                }
                view.changing = true;
                if ends <= clock::deadline(0) {
                    view.cut = true;
                    return Ok(view);
                }
            }
            if view.more {
                break;
            }
        }
        Ok(view)
    }
}

/// What was found of a job's state.
#[derive(Default)]
pub struct StateView {
    /// Number of the INSERT INTO, and row.
    pub rows: Vec<(usize, LookedRow)>,
    /// The offsets up to which records count, of each task's first piece.
    pub at: Vec<LookedAt>,
    /// Whether there are more rows than were wanted.
    pub more: bool,
    /// Whether the state was looked at in several pieces, between which the job went on.
    pub changing: bool,
    /// Whether the rest was not looked at for lack of time.
    pub cut: bool,
}

/// The offset behind the last record of a partition that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookedAt {
    /// The topic that the task reads.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The committed offset.
    pub offset: i64,
}

/// What a task has met.
#[derive(Clone, Debug)]
struct LastError {
    text: String,
    at: Timestamp,
    /// When it did its first step after that.
    over: Option<Timestamp>,
}

/// What a task shows of itself between two steps.
#[derive(Default)]
struct Cell {
    status: Mutex<Option<TaskStatus>>,
    pace: Mutex<Pace>,
    failure: Mutex<Option<String>>,
    last_error: Mutex<Option<LastError>>,
    /// Whether it has not done a step since then.
    failing: AtomicBool,
    restarts: AtomicU64,
    ended: AtomicBool,
}

impl Cell {
    fn note(&self, status: TaskStatus, step: Duration) {
        self.pace.lock().note(clock::now(), &status, step);
        if self.failing.swap(false, Ordering::Relaxed)
            && let Some(last) = &mut *self.last_error.lock()
        {
            last.over = Some(clock::now());
        }
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
    /// The median of the last commits, in milliseconds.
    pub commit_p50_ms: Option<f64>,
    /// The share of the last seconds in which the busiest task was at work, 0 to 1.
    pub busy_share: f64,
    /// The last error, over or not.
    pub last_error: Option<String>,
    /// When it was, ms since 1970.
    pub last_error_ms: Option<i64>,
    /// Since when it runs well again, ms since 1970; none while it does not.
    pub well_since_ms: Option<i64>,
    /// Whether a task has failed and tries again.
    pub is_failing: bool,
}

impl RunningJob {
    /// Puts the tasks of each pipeline on the runtime.
    pub fn launch(runtime: &Handle, name: &str, plan: Arc<JobPlan>, host: Arc<BrokerHost>) -> RunningJob {
        let (stop, stopped) = watch::channel(false);
        let mut tasks = Vec::new();
        let (mut handles, mut orders) = (Vec::new(), Vec::new());
        for id in subtasks(&plan) {
            let cell = Arc::new(Cell::default());
            tasks.push(cell.clone());
            let drive = Drive { name: name.to_owned(), plan: plan.clone(), id, host: host.clone(), cell };
            let (order, ordered) = mpsc::channel(MAX_ORDERS);
            orders.push(order);
            handles.push(runtime.spawn(drive.run(stopped.clone(), ordered)));
        }
        RunningJob { name: name.to_owned(), plan, tasks, stop, orders, handles }
    }

    /// The way to its tasks; `None` if all of them have failed or come to the end of their input.
    ///
    /// # Errors
    /// Some of them cannot take orders now, which would leave the others waiting; says why.
    pub fn door(&self) -> Result<Option<Door>, JobError> {
        let ended = self.tasks.iter().filter(|task| task.ended.load(Ordering::Relaxed)).count();
        if ended == self.tasks.len() {
            return Ok(None);
        }
        if ended > 0 {
            let message = "one of its INSERT INTO has stopped and others have not; pause the job first";
            return Err(JobError::Conflict(message.to_owned()));
        }
        match self.tasks.iter().all(|task| task.status.lock().is_some()) {
            true => Ok(Some(Door(self.orders.clone()))),
            false => Err(JobError::Busy("the job has not started yet".to_owned())),
        }
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

    /// What it does.
    pub fn plan(&self) -> Arc<JobPlan> {
        self.plan.clone()
    }

    /// Topics read, and topics written.
    pub fn flow(&self) -> (Vec<String>, Vec<String>) {
        let topics = self.plan.pipelines.iter().flat_map(|p| p.topics());
        let mut sources: Vec<String> = topics.map(|source| source.topic.clone()).collect();
        sources.dedup();
        (sources, self.plan.pipelines.iter().map(|p| p.sink.topic.clone()).collect())
    }

    /// How it is doing of late.
    pub fn vitals(&self) -> Vitals {
        let now = clock::now();
        let mut vitals = Vitals::default();
        for task in &self.tasks {
            let pace = task.pace.lock();
            // Partial results are no records of the job's input.
            if task.status.lock().as_ref().is_none_or(|status| status.stage != Stage::Global) {
                vitals.records_per_second += pace.records_per_second(now);
            }
            let (p50, p99) = (pace.commit_ms(50), pace.commit_ms(99));
            vitals.commit_p50_ms = if p50 > vitals.commit_p50_ms { p50 } else { vitals.commit_p50_ms };
            vitals.commit_p99_ms = if p99 > vitals.commit_p99_ms { p99 } else { vitals.commit_p99_ms };
            vitals.is_failing |= task.failing.load(Ordering::Relaxed);
            vitals.busy_share = vitals.busy_share.max(pace.busy_share(now));
            let Some(last) = task.last_error.lock().clone() else { continue };
            vitals.well_since_ms = vitals.well_since_ms.max(last.over.map(|at| at.0));
            if vitals.last_error_ms.is_none_or(|known| known < last.at.0) {
                (vitals.last_error, vitals.last_error_ms) = (Some(last.text), Some(last.at.0));
            }
        }
        vitals.well_since_ms = vitals.well_since_ms.filter(|_| !vitals.is_failing);
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
    id: SubtaskId,
    host: Arc<BrokerHost>,
    cell: Arc<Cell>,
}

impl Drive {
    async fn run(self, mut stop: watch::Receiver<bool>, mut orders: mpsc::Receiver<Order>) {
        self.keep_running(&mut stop, &mut orders).await;
        self.cell.ended.store(true, Ordering::Relaxed);
    }

    async fn keep_running(&self, stop: &mut watch::Receiver<bool>, orders: &mut mpsc::Receiver<Order>) {
        while !*stop.borrow() {
            let error = match self.until_it_fails(stop, orders).await {
                Ok(()) => return,
                Err(error) => error,
            };
            if let TaskError::Reopen(why) = &error {
                tracing::info!("job {} is opened again: {why}", self.name);
                continue;
            }
            let text = error.to_string();
            let met = LastError { text: text.clone(), at: clock::now(), over: None };
            let known = self.cell.last_error.lock().replace(met).is_some_and(|last| last.text == text);
            self.cell.failing.store(true, Ordering::Relaxed);
            if !matches!(error, TaskError::Retry(_)) {
                tracing::error!("job {} stopped: {text}", self.name);
                *self.cell.failure.lock() = Some(text);
                if matches!(error, TaskError::Failed(_)) {
                    self.leave_nothing_open();
                }
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

    /// Aborts what a failed commit may have left open: nobody is to wait for a task that does not come back.
    fn leave_nothing_open(&self) {
        let names = resources(&self.name, &self.plan);
        let Some(names) = names.get(self.id.pipeline) else { return };
        let transactional_id = self.id.transactional_id(names);
        if let Err(error) = self.host.open_session(&transactional_id) {
            tracing::warn!("what {transactional_id} left open is aborted by its timeout: {error}");
        }
    }

    async fn until_it_fails(
        &self,
        stop: &mut watch::Receiver<bool>,
        orders: &mut mpsc::Receiver<Order>,
    ) -> Result<(), TaskError> {
        let host = &*self.host;
        let woken = Arc::new(Notify::new());
        let mut task = Subtask::open(&self.plan, &self.name, self.id, host, TaskOptions::default())?;
        let mut inputs = task.inputs().to_vec();
        let mut watch = watch_inputs(host, &inputs, &woken);
        loop {
            let began = clock::instant();
            let progress = task.step(host)?;
            self.cell.note(task.status(), began.elapsed());
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
            if let Ok(order) = orders.try_recv() {
                obey(&mut task, host, order)?;
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
                        Some(order) = orders.recv() => obey(&mut task, host, order)?,
                    }
                }
            }
        }
    }
}

fn obey(task: &mut Subtask, host: &BrokerHost, order: Order) -> Result<(), TaskError> {
    match order {
        Order::Savepoint(order) => savepoint(task, host, order),
        Order::Look { look, reply } => {
            // Who asked may have left.
            if reply.is_closed() {
                return Ok(());
            }
            let looked = task.look(host, &look)?;
            let inputs = task.status().inputs.into_iter();
            let at = |input: InputStatus| LookedAt {
                topic: input.topic,
                partition: input.partition,
                offset: input.position,
            };
            let _ =
                reply.send(looked.map(|looked| (looked, inputs.map(at).collect())).map_err(|error| error.to_string()));
            Ok(())
        }
    }
}

fn savepoint(task: &mut Subtask, host: &BrokerHost, order: SavepointOrder) -> Result<(), TaskError> {
    // Who asked has given up, and removed what it made for this.
    if order.begun.send(()).is_err() {
        return Ok(());
    }
    let done = task.savepoint(host, &order.to, &order.about);
    let _ = order.reply.send(done.as_ref().map_err(ToString::to_string).copied());
    done
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
