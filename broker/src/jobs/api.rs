//! The jobs as HTTP shows them.

use forebay_processor::job::{InputStatus, Stage, State, TaskStatus, why};

use super::{JobError as Why, JobView, Jobs, Savepoint, tasks};
use crate::clock;
use crate::http::{
    Answer, CreateJob, JobError, JobPartition, JobState, JobStateView, JobStatus, JobsApi, Lines, ReplaceJob, Replaced,
    SavepointInfo, SqlProblem, SqlRequest,
};

impl JobsApi for Jobs {
    fn create(&self, request: CreateJob) -> Answer<'_, JobStatus> {
        Box::pin(async move {
            let CreateJob { name, sql, from_savepoint } = request;
            let name = match from_savepoint {
                Some(from) => self.apply_from(name.as_deref(), &sql, &from).await.map_err(explain)?,
                None => self.apply(name.as_deref(), &sql).await.map_err(explain)?.0.name,
            };
            self.get(&name).ok_or(JobError::NotFound(name))
        })
    }

    fn replace(&self, name: String, request: ReplaceJob) -> Answer<'_, Replaced> {
        Box::pin(async move {
            let (kept, warnings) = Jobs::replace(self, &name, &request.sql).await.map_err(explain)?;
            let job = self.get(&name).ok_or(JobError::NotFound(name))?;
            Ok(Replaced { job, kept, warnings })
        })
    }

    fn savepoint(&self, job: String, name: String) -> Answer<'_, SavepointInfo> {
        Box::pin(async move { Jobs::savepoint(self, &job, &name).await.map(show_savepoint).map_err(explain) })
    }

    fn savepoints(&self, job: Option<&str>) -> Vec<SavepointInfo> {
        Jobs::savepoints(self, job).into_iter().map(show_savepoint).collect()
    }

    fn remove_savepoint(&self, job: String, name: String) -> Answer<'_, ()> {
        Box::pin(async move { self.drop_savepoint(&job, &name).await.map_err(explain) })
    }

    fn sql(&self, request: SqlRequest) -> Answer<'_, Lines> {
        Box::pin(async move { self.answer(request).await.map_err(explain) })
    }

    fn state(&self, job: String, key: Option<String>, limit: Option<u64>) -> Answer<'_, JobStateView> {
        Box::pin(async move { self.state_view(&job, key, limit).await.map_err(explain) })
    }

    fn list(&self) -> Vec<JobStatus> {
        self.views(|_| true).into_iter().map(show).collect()
    }

    fn get(&self, name: &str) -> Option<JobStatus> {
        self.views(|known| known == name).into_iter().map(show).next()
    }

    fn pause(&self, name: String) -> Answer<'_, JobStatus> {
        Box::pin(async move {
            Jobs::pause(self, &name).await.map_err(explain)?;
            self.get(&name).ok_or(JobError::NotFound(name))
        })
    }

    fn resume(&self, name: String) -> Answer<'_, JobStatus> {
        Box::pin(async move {
            Jobs::resume(self, &name).await.map_err(explain)?;
            self.get(&name).ok_or(JobError::NotFound(name))
        })
    }

    fn remove(&self, name: String) -> Answer<'_, ()> {
        Box::pin(async move { self.drop_job(&name).await.map_err(explain) })
    }
}

fn explain(why: Why) -> JobError {
    match why {
        Why::Sql(error) => JobError::Invalid(SqlProblem {
            message: error.message.clone(),
            line: Some(error.line),
            column: Some(error.column),
            hint: error.hint.clone(),
            rendered: Some(error.to_string()),
            ..SqlProblem::default()
        }),
        Why::Exists(name) => JobError::Exists(name),
        Why::Unknown { name, .. } => JobError::NotFound(name),
        Why::SavepointExists { .. } => JobError::There(why.to_string()),
        Why::Incompatible(message) | Why::Conflict(message) => JobError::Conflict(message),
        Why::NoSavepoint { .. } => JobError::NoSavepoint(why.to_string()),
        Why::Invalid(message) => JobError::Invalid(SqlProblem { message, ..SqlProblem::default() }),
        Why::NoTopic(message) => JobError::NoTopic(message),
        Why::Busy(message) => JobError::Unavailable(message),
        Why::Failed(message) => JobError::Failed(message),
    }
}

fn show_savepoint(savepoint: Savepoint) -> SavepointInfo {
    let Savepoint { job, name, sql, created_ms, topic, .. } = savepoint;
    SavepointInfo { job, name, created_at_ms: created_ms, topic, sql }
}

fn show(view: JobView) -> JobStatus {
    let JobView { spec, flow, waiting, mut status, vitals } = view;
    tasks::join(&mut status.tasks);
    let now = clock::now().0;
    let sum = |field: fn(&TaskStatus) -> u64| status.tasks.iter().map(field).sum();
    // Partial results are counted as neither read nor written: records are what comes in and goes out.
    let read =
        |field: fn(&TaskStatus) -> u64| status.tasks.iter().filter(|t| t.stage != Stage::Global).map(field).sum();
    let closing = || status.tasks.iter().filter(|t| t.stage != Stage::Local);
    let watermark_ms = closing().filter_map(|t| t.watermark).min();
    let lag = if status.tasks.is_empty() { waiting } else { status.tasks.iter().map(TaskStatus::lag).sum() };
    let reasons = reasons(&spec.name, &status, now);
    let tries_again = vitals.last_error.as_ref().filter(|_| vitals.is_failing);
    let (state, reason) = match &status.state {
        State::Paused => (JobState::Paused, None),
        State::Failed { message } => (JobState::Failed, Some(message.clone())),
        State::Running if status.tasks.is_empty() => (JobState::Starting, vitals.last_error.clone()),
        State::Running if tries_again.is_some() => {
            (JobState::Degraded, tries_again.map(|error| format!("it tries again each second: {error}")))
        }
        State::Running => at_work(&status.tasks, lag, &reasons),
    };
    let share = |share: f64| if state == JobState::Paused { 0.0 } else { share };
    JobStatus {
        state,
        reason,
        sql: spec.sql,
        sources: flow.0,
        sinks: flow.1,
        group: status.tasks.first().map_or_else(|| spec.name.clone(), |t| t.group.clone()),
        created_at_ms: spec.created_ms,
        watermark_ms,
        watermark_behind_ms: watermark_ms.map(|w| now.saturating_sub(w)),
        next_close_ms: status.tasks.iter().filter_map(|t| t.next_close).min(),
        bytes_read: read(|t| t.bytes_in),
        bytes_written: sum(|t| t.bytes_out),
        records_aside: sum(|t| t.records_aside),
        open_windows: sum(|t| t.open_windows as u64),
        state_keys: sum(|t| t.state_keys as u64),
        state_bytes: sum(|t| t.state_bytes),
        state_memory_bytes: sum(|t| t.state_memory_bytes),
        state_disk_bytes: sum(|t| t.state_disk_bytes),
        changelog_bytes: sum(|t| t.changelog_bytes),
        busy_share: share(vitals.busy_share),
        waiting_share: share(1.0 - vitals.busy_share),
        restarts: status.restarts,
        why: reasons,
        lag_records: lag.max(0).unsigned_abs(),
        records_read: read(|t| t.records_in),
        records_written: sum(|t| t.records_out),
        records_read_per_second: vitals.records_per_second,
        late_records: sum(|t| t.late),
        undecodable_records: sum(|t| t.undecodable),
        commits: sum(|t| t.commits),
        commit_p50_ms: vitals.commit_p50_ms,
        commit_p99_ms: vitals.commit_p99_ms,
        last_error: vitals.last_error,
        last_error_at_ms: vitals.last_error_ms,
        well_since_ms: vitals.well_since_ms,
        partitions: partitions(&status.tasks),
        tasks: status.tasks.iter().map(tasks::show).collect(),
        name: spec.name,
    }
}

/// Why nothing comes out.
fn reasons(name: &str, status: &forebay_processor::job::JobStatus, now: i64) -> Vec<String> {
    match status.state {
        State::Paused => return vec![format!("it is paused: `forebay job resume {name}` lets it go on")],
        // What its tasks waited for when they ran is no reason any more.
        State::Failed { .. } => {
            return vec![format!(
                "it has stopped for the reason given with its state; when that is mended, `forebay job resume {name}` lets it go on where it was"
            )];
        }
        State::Running => {}
    }
    let mut reasons: Vec<String> = Vec::new();
    // Tasks that wait for the same say the same.
    for reason in status.tasks.iter().flat_map(|task| why(task, now)) {
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    reasons
}

/// The state of a job whose tasks run, and the reason for it.
fn at_work(tasks: &[TaskStatus], lag: i64, reasons: &[String]) -> (JobState, Option<String>) {
    let bad = tasks.iter().filter(|task| task.last_bad.is_some()).count();
    if tasks.iter().all(|task| task.finished) {
        return (JobState::Finished, reasons.first().cloned());
    }
    if bad > 0 {
        return (JobState::Degraded, reasons.last().cloned());
    }
    let waiting = |task: &TaskStatus| task.stage == Stage::Local || task.next_close.is_some() || task.records_in == 0;
    let waits = lag == 0 && tasks.iter().all(waiting);
    match reasons.first() {
        Some(reason) if waits => (JobState::Waiting, Some(reason.clone())),
        _ => (JobState::Running, None),
    }
}

/// All partitions: pipeline by pipeline, those of the source first.
fn partitions(tasks: &[TaskStatus]) -> Vec<JobPartition> {
    let inputs = tasks.iter().flat_map(|task| task.inputs.iter().map(move |input| (task, input)));
    let mut inputs: Vec<_> = inputs.collect();
    inputs.sort_by_key(|(task, input)| (task.pipeline, task.stage, input.partition));
    inputs.into_iter().map(|(task, input)| partition(task, input)).collect()
}

fn partition(task: &TaskStatus, input: &InputStatus) -> JobPartition {
    let holds = task.held_by.as_ref().is_some_and(|hold| hold.partition == input.partition);
    JobPartition {
        topic: input.topic.clone(),
        partition: input.partition,
        position: input.position,
        end: input.end,
        watermark_ms: input.watermark,
        idle: input.idle,
        late_records: input.late,
        undecodable_records: input.undecodable,
        // What a merging task waits for is a partition of the source.
        holds_watermark: holds && task.stage != Stage::Global,
        waits_for_others: task.waiting_for_others.contains(&input.partition),
    }
}
