//! Jobs in this broker: the registry, and the threads on which their tasks run.

mod api;
mod change;
mod commit;
mod host;
mod infer;
mod insert;
mod look;
mod pace;
mod query;
mod query_host;
mod run;
mod savepoints;
mod spec;
mod sql;
#[cfg(test)]
mod sql_tests;
mod store;
mod tasks;
mod trial;
mod turns;

pub use host::BrokerHost;
pub use savepoints::{MAX_SAVEPOINT_NAME, Savepoint};
pub use spec::{JobSpec, MAX_NAME, check_name};

use std::collections::BTreeMap;
use std::sync::Arc;

use forebay_processor::expr::Functions;
use forebay_processor::job::{JobStatus, resources};
use forebay_processor::plan::JobPlan;
use forebay_processor::sql::{PlanContext, SqlError, plan_job};
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use crate::clock;
use run::RunningJob;
use store::Store;
use turns::Turns;

/// Most jobs of one broker.
pub const MAX_JOBS: usize = 10_000;

/// All jobs.
pub struct Jobs {
    host: Arc<BrokerHost>,
    /// `host:port` of each listener, as bound and as advertised.
    addresses: Vec<String>,
    /// What statements can call beside SQL's own functions.
    functions: Arc<Functions>,
    store: Store,
    /// Where tasks run: threads of their own, so that a busy job does not keep clients waiting.
    runtime: Mutex<Option<tokio::runtime::Runtime>>,
    jobs: Mutex<BTreeMap<String, Job>>,
    /// Who changes a job takes its turn.
    turns: Turns,
    /// Places for queries by themselves.
    queries: Arc<Semaphore>,
}

struct Job {
    spec: JobSpec,
    /// `None` while paused, or when the text could not be planned.
    running: Option<RunningJob>,
    /// The last that was known of it when it is not running.
    last: JobStatus,
}

/// One job, whole.
struct JobView {
    spec: JobSpec,
    /// Topics read, and topics written; none if the text cannot be planned.
    flow: (Vec<String>, Vec<String>),
    /// Records in the topics read, where no task has said yet how many of them are left.
    waiting: i64,
    status: JobStatus,
    vitals: run::Vitals,
}

/// Why a job could not be registered or changed.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// The text has a mistake.
    #[error("{0}")]
    Sql(Box<SqlError>),
    /// The name is taken.
    #[error("job {0} is there already; drop it first, or give this one another name with --name")]
    Exists(String),
    /// The savepoint's name is taken.
    #[error("there is a savepoint {name} of job {job} already")]
    SavepointExists {
        /// The job.
        job: String,
        /// The savepoint.
        name: String,
    },
    /// There is no such savepoint.
    #[error("there is no savepoint {name} of job {job}")]
    NoSavepoint {
        /// The job.
        job: String,
        /// The savepoint.
        name: String,
    },
    /// State and positions of a job mean something else to other statements; the text says what.
    #[error("{0}")]
    Incompatible(String),
    /// There is no such job.
    #[error("there is no job {name}{}", nearest.as_ref().map(|n| format!("; did you mean {n}?")).unwrap_or_default())]
    Unknown {
        /// What was asked for.
        name: String,
        /// The most similar name there is.
        nearest: Option<String>,
    },
    /// The request makes no sense; the text says why.
    #[error("{0}")]
    Invalid(String),
    /// There is no such topic; the text says which one there is.
    #[error("{0}")]
    NoTopic(String),
    /// It cannot be done to a job as it is; the text says why and what to do.
    #[error("{0}")]
    Conflict(String),
    /// It cannot be done for now; the text says why.
    #[error("{0}")]
    Busy(String),
    /// The broker failed; the text says where.
    #[error("{0}")]
    Failed(String),
}

impl Jobs {
    /// The jobs behind this port, whose statements can call these functions beside SQL's own; none runs before [`Jobs::start`].
    pub fn new(host: BrokerHost, addresses: Vec<String>, functions: Arc<Functions>) -> std::io::Result<Jobs> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(std::thread::available_parallelism().map_or(1, |n| n.get().div_ceil(2)))
            .thread_name("forebay-job")
            .enable_time()
            .build()?;
        Ok(Jobs {
            store: Store::new(host.metadata.clone(), host.partitions.clone()),
            host: Arc::new(host),
            addresses,
            functions,
            runtime: Mutex::new(Some(runtime)),
            jobs: Mutex::default(),
            turns: Turns::default(),
            queries: Arc::new(Semaphore::new(query::MAX_QUERIES)),
        })
    }

    /// Starts every registered job that is not paused.
    pub fn start(&self) {
        match self.store.load() {
            Ok(specs) => {
                let mut jobs = self.jobs.lock();
                for (name, spec) in specs {
                    let job = self.revive(spec);
                    jobs.insert(name, job);
                }
            }
            Err(error) => tracing::error!("no job is started: {error}"),
        }
    }

    fn revive(&self, spec: JobSpec) -> Job {
        if spec.paused {
            return Job::at_rest(spec);
        }
        match self.plan(&spec.sql) {
            Ok(plan) => Job { last: run::paused_status(&spec.name), running: self.launch(&spec, plan), spec },
            Err(error) => {
                tracing::error!("job {} is registered but cannot be planned: {error}", spec.name);
                Job { last: run::failed_status(&spec.name, &error.to_string()), spec, running: None }
            }
        }
    }

    /// What a text would do.
    ///
    /// # Errors
    /// The text has a mistake.
    pub fn plan(&self, sql: &str) -> Result<Arc<JobPlan>, JobError> {
        let context =
            PlanContext { is_this_broker: &|servers| self.is_this_broker(servers), functions: self.functions.clone() };
        plan_job(sql, &context).map(Arc::new).map_err(|e| JobError::Sql(Box::new(e)))
    }

    /// The plan of statements that were taken once: since then the broker may have got another address.
    fn plan_of_old(&self, sql: &str) -> Result<Arc<JobPlan>, SqlError> {
        plan_job(sql, &PlanContext { is_this_broker: &|_| true, functions: self.functions.clone() }).map(Arc::new)
    }

    /// Whether every address of `properties.bootstrap.servers` is one of this broker's.
    fn is_this_broker(&self, servers: &str) -> bool {
        servers.split(',').all(|server| self.addresses.iter().any(|known| known == server.trim()))
    }

    fn launch(&self, spec: &JobSpec, plan: Arc<JobPlan>) -> Option<RunningJob> {
        let runtime = self.runtime.lock();
        let runtime = runtime.as_ref()?;
        Some(RunningJob::launch(runtime.handle(), &spec.name, plan, self.host.clone()))
    }

    /// Registers a job and starts it. Without a name it is called after the topic it writes.
    pub async fn apply(&self, name: Option<&str>, sql: &str) -> Result<(JobStatus, Vec<String>), JobError> {
        let plan = self.plan(sql)?;
        let name = name_of(name, &plan)?;
        let _turn = self.turns.take(&name).await;
        let status = self.register(&name, sql, &plan, false)?;
        Ok((status, plan.warnings.clone()))
    }

    /// Registers a job, and starts it unless it is `paused`.
    fn register(&self, name: &str, sql: &str, plan: &Arc<JobPlan>, paused: bool) -> Result<JobStatus, JobError> {
        let mut jobs = self.jobs.lock();
        if jobs.contains_key(name) {
            return Err(JobError::Exists(name.to_owned()));
        }
        if jobs.len() >= MAX_JOBS {
            return Err(JobError::Conflict(format!("there are {MAX_JOBS} jobs already, which is the limit")));
        }
        let created_ms = clock::now().0;
        let spec = JobSpec { version: spec::VERSION, name: name.to_owned(), sql: sql.to_owned(), paused, created_ms };
        self.store.put(&spec).map_err(JobError::Failed)?;
        let running = if paused { None } else { self.launch(&spec, plan.clone()) };
        let job = Job { running, ..Job::at_rest(spec) };
        let status = job.status();
        jobs.insert(name.to_owned(), job);
        Ok(status)
    }

    /// Every job, by name.
    pub fn list(&self) -> Vec<JobStatus> {
        self.jobs.lock().values().map(Job::status).collect()
    }

    /// One job and its text.
    pub fn describe(&self, name: &str) -> Result<(JobStatus, JobSpec), JobError> {
        let jobs = self.jobs.lock();
        match jobs.get(name) {
            Some(job) => Ok((job.status(), job.spec.clone())),
            None => Err(unknown(&jobs, name)),
        }
    }

    /// Everything there is to show of the jobs that `pick` picks.
    fn views(&self, pick: impl Fn(&str) -> bool) -> Vec<JobView> {
        let jobs = self.jobs.lock();
        let view = |job: &Job| {
            let flow = job.running.as_ref().map(RunningJob::flow).unwrap_or_default();
            let waiting = flow.0.iter().map(|topic| self.host.records_in(topic)).sum();
            let mut status = job.status();
            // A step may take long: what has come since is seen all the same.
            let inputs = status.tasks.iter_mut().flat_map(|task| &mut task.inputs);
            inputs.for_each(|input| self.host.see_end(input));
            JobView { spec: job.spec.clone(), flow, waiting, status, vitals: job.vitals() }
        };
        jobs.iter().filter(|(name, _)| pick(name)).map(|(_, job)| view(job)).collect()
    }

    /// Stops a job at a commit; it goes on from there when it is resumed.
    pub async fn pause(&self, name: &str) -> Result<JobStatus, JobError> {
        let _turn = self.turns.take(name).await;
        let running = {
            let mut jobs = self.jobs.lock();
            let Some(job) = jobs.get_mut(name) else { return Err(unknown(&jobs, name)) };
            let spec = JobSpec { paused: true, ..job.spec.clone() };
            self.put_and_take(job, spec)?
        };
        if let Some(running) = running {
            running.stop().await;
        }
        self.describe(name).map(|(status, _)| status)
    }

    /// Keeps what a job is from now on, and hands out what runs by what it was, to be stopped.
    fn put_and_take(&self, job: &mut Job, spec: JobSpec) -> Result<Option<RunningJob>, JobError> {
        self.store.put(&spec).map_err(JobError::Failed)?;
        job.spec = spec;
        job.last = run::paused(job.status());
        Ok(job.running.take())
    }

    /// Starts a paused or failed job again, from its last commit.
    pub async fn resume(&self, name: &str) -> Result<JobStatus, JobError> {
        let _turn = self.turns.take(name).await;
        self.start_again(name).await
    }

    /// As [`Jobs::resume`], for who has the turn.
    async fn start_again(&self, name: &str) -> Result<JobStatus, JobError> {
        let spec = JobSpec { paused: false, ..self.describe(name)?.1 };
        // What cannot start stops nothing.
        let plan = self.plan(&spec.sql)?;
        self.store.put(&spec).map_err(JobError::Failed)?;
        if let Some(old) = self.change(name, |job| job.running.take())? {
            old.stop().await;
        }
        self.change(name, |job| {
            job.running = self.launch(&spec, plan);
            job.spec = spec;
            job.status()
        })
    }

    /// Changes what is known of a job.
    fn change<T>(&self, name: &str, change: impl FnOnce(&mut Job) -> T) -> Result<T, JobError> {
        let mut jobs = self.jobs.lock();
        match jobs.get_mut(name) {
            Some(job) => Ok(change(job)),
            None => Err(unknown(&jobs, name)),
        }
    }

    /// Stops a job and forgets it, with its state and its group's offsets. The topics it reads and writes stay.
    pub async fn drop_job(&self, name: &str) -> Result<(), JobError> {
        let _turn = self.turns.take(name).await;
        self.forget(name).await
    }

    /// As [`Jobs::drop_job`], for who has the turn.
    async fn forget(&self, name: &str) -> Result<(), JobError> {
        let job = {
            let mut jobs = self.jobs.lock();
            if !jobs.contains_key(name) {
                return Err(unknown(&jobs, name));
            }
            self.store.remove(name).map_err(JobError::Failed)?;
            jobs.remove(name)
        };
        let Some(job) = job else { return Ok(()) };
        if let Some(running) = job.running {
            running.stop().await;
        }
        match self.plan_of_old(&job.spec.sql) {
            Ok(plan) => resources(name, &plan).iter().for_each(|left| self.host.remove(left)),
            // Which group was the job's is in a text that says nothing any more.
            Err(error) => {
                tracing::warn!("the group of the dropped job {name} may still be there: {error}");
                self.host.remove_topics(name);
            }
        }
        Ok(())
    }

    /// Stops every job at a commit, as the broker stops.
    pub async fn stop(&self) {
        let running: Vec<RunningJob> = self.jobs.lock().values_mut().filter_map(|job| job.running.take()).collect();
        for job in running {
            job.stop().await;
        }
        let runtime = self.runtime.lock().take();
        if let Some(runtime) = runtime {
            runtime.shutdown_background();
        }
    }
}

impl Job {
    fn vitals(&self) -> run::Vitals {
        self.running.as_ref().map(RunningJob::vitals).unwrap_or_default()
    }

    fn status(&self) -> JobStatus {
        self.running.as_ref().map_or_else(|| self.last.clone(), RunningJob::status)
    }
}

/// The name that a job is given, or else that of the topic it writes.
fn name_of(given: Option<&str>, plan: &JobPlan) -> Result<String, JobError> {
    let name = match given {
        Some(name) => name.to_owned(),
        None => plan.pipelines.first().map(|p| p.sink.topic.clone()).unwrap_or_default(),
    };
    check_name(&name).map_err(JobError::Invalid)?;
    Ok(name)
}

fn unknown(jobs: &BTreeMap<String, Job>, name: &str) -> JobError {
    JobError::Unknown { name: name.to_owned(), nearest: nearest(jobs.keys().map(String::as_str), name) }
}

/// The name that is most like what was asked for, if one is.
fn nearest<'a>(names: impl Iterator<Item = &'a str>, name: &str) -> Option<String> {
    names
        .map(|known| (strsim::jaro_winkler(known, name), known))
        .filter(|(similarity, _)| *similarity > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known.to_owned())
}
