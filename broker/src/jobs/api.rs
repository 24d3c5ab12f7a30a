//! The jobs as HTTP shows them.

use forebay_processor::job::{State, TaskStatus};

use super::{JobError as Why, JobView, Jobs};
use crate::clock;
use crate::http::{Answer, CreateJob, JobError, JobPartition, JobState, JobStatus, JobsApi, SqlProblem};

impl JobsApi for Jobs {
    fn create(&self, request: CreateJob) -> Answer<'_, JobStatus> {
        Box::pin(async move {
            let (status, _) = self.apply(request.name.as_deref(), &request.sql).map_err(explain)?;
            self.get(&status.name).ok_or(JobError::NotFound(status.name))
        })
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
        }),
        Why::Exists(name) => JobError::Exists(name),
        Why::Unknown { name, .. } => JobError::NotFound(name),
        Why::Invalid(message) => JobError::Invalid(SqlProblem { message, ..SqlProblem::default() }),
        Why::Failed(message) => JobError::Failed(message),
    }
}

fn show(view: JobView) -> JobStatus {
    let JobView { spec, flow, waiting, status, vitals } = view;
    let sum = |field: fn(&TaskStatus) -> u64| status.tasks.iter().map(field).sum();
    let watermark_ms = status.tasks.iter().filter_map(|t| t.watermark).min();
    let lag = if status.tasks.is_empty() { waiting } else { status.tasks.iter().map(TaskStatus::lag).sum() };
    let (state, reason) = match &status.state {
        State::Paused => (JobState::Paused, None),
        State::Failed { message } => (JobState::Failed, Some(message.clone())),
        State::Running if status.tasks.is_empty() => (JobState::Starting, vitals.last_error.clone()),
        State::Running => (JobState::Running, None),
    };
    JobStatus {
        state,
        reason,
        sql: spec.sql,
        sources: flow.0,
        sinks: flow.1,
        group: status.tasks.first().map_or_else(|| spec.name.clone(), |t| t.group.clone()),
        created_at_ms: spec.created_ms,
        watermark_ms,
        watermark_behind_ms: watermark_ms.map(|w| clock::now().0 - w),
        lag_records: lag.max(0).unsigned_abs(),
        records_read: sum(|t| t.records_in),
        records_written: sum(|t| t.records_out),
        records_read_per_second: vitals.records_per_second,
        late_records: sum(|t| t.late),
        undecodable_records: sum(|t| t.undecodable),
        commits: sum(|t| t.commits),
        commit_p99_ms: vitals.commit_p99_ms,
        last_error: vitals.last_error,
        partitions: status.tasks.iter().flat_map(partitions).collect(),
        name: spec.name,
    }
}

fn partitions(task: &TaskStatus) -> impl Iterator<Item = JobPartition> {
    task.inputs.iter().map(|input| JobPartition {
        topic: input.topic.clone(),
        partition: input.partition,
        position: input.position,
        end: input.end,
        watermark_ms: input.watermark,
        idle: input.idle,
    })
}
