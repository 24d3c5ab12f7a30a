//! Runs a text once over what its topics hold now, without registering a job.

use std::collections::BTreeSet;
use std::sync::Arc;

use forebay_processor::job::{Progress, Task, TaskError, TaskOptions, TaskStatus};
use forebay_processor::plan::{Bounded, JobPlan, StartupMode};
use forebay_processor::sql::{PlanContext, plan_job_or_query};

use super::{JobError, Jobs};
use crate::clock;

impl Jobs {
    /// What a text would do that is a job or ends with a query, as a job that writes
    /// [`RESULT_TOPIC`](forebay_processor::sql::RESULT_TOPIC); with the query's LIMIT.
    ///
    /// # Errors
    /// The text has a mistake.
    pub fn plan_once(&self, sql: &str) -> Result<(JobPlan, Option<u64>), JobError> {
        // Nothing of any broker is touched, whichever the tables name.
        let context = PlanContext { is_this_broker: &|_| true, functions: self.functions.clone() };
        plan_job_or_query(sql, &context).map_err(|error| JobError::Sql(Box::new(error)))
    }

    /// Runs a plan to the end of its input, one INSERT INTO after the other on this thread: those that others read from go first. Every
    /// input is read from its beginning to where it ends now, whatever the text says of that; all windows close at the end.
    ///
    /// # Errors
    /// A task stopped; its message says where and why.
    pub fn run_to_end(&self, name: &str, plan: &JobPlan) -> Result<Vec<TaskStatus>, JobError> {
        let plan = Arc::new(of_all_there_is(plan));
        in_order(&plan).into_iter().map(|pipeline| self.run_pipeline(name, &plan, pipeline)).collect()
    }

    fn run_pipeline(&self, name: &str, plan: &Arc<JobPlan>, pipeline: usize) -> Result<TaskStatus, JobError> {
        let failed = |error: TaskError| JobError::Failed(error.to_string());
        let host = &*self.host;
        let mut task = Task::open(plan, name, pipeline, host, TaskOptions::default()).map_err(failed)?;
        loop {
            match task.step(host).map_err(failed)? {
                Progress::Busy => {}
                Progress::Finished => return Ok(task.status()),
                // Nothing will come that is not there; only time passes.
                Progress::Waiting { until: Some(until) } => {
                    let pause_ms = until.0.saturating_sub(clock::now().0);
                    std::thread::sleep(std::time::Duration::from_millis(u64::try_from(pause_ms).unwrap_or(0)));
                }
                Progress::Waiting { until: None } => {
                    return Err(JobError::Failed("it waits for input that does not come".to_owned()));
                }
            }
        }
    }
}

fn of_all_there_is(plan: &JobPlan) -> JobPlan {
    let mut plan = plan.clone();
    for pipeline in &mut plan.pipelines {
        pipeline.for_each_source(&mut |source| {
            source.startup = StartupMode::EarliestOffset;
            source.policies.bounded = Some(Bounded::LatestOffset);
        });
        // One task gives the rows that several would.
        pipeline.parallelism = 1;
    }
    plan
}

/// The pipelines, each behind those that write what it reads; in the order of the text where they go in a circle.
fn in_order(plan: &JobPlan) -> Vec<usize> {
    let mut left: BTreeSet<usize> = (0..plan.pipelines.len()).collect();
    let mut order = Vec::with_capacity(left.len());
    while let Some(first) = left.first().copied() {
        let is_written = |topic: &str, by: &BTreeSet<usize>| by.iter().any(|p| plan.pipelines[*p].sink.topic == topic);
        let has_all = |p: &usize| plan.pipelines[*p].topics().iter().all(|source| !is_written(&source.topic, &left));
        let ready = left.iter().copied().find(has_all);
        let next = ready.unwrap_or(first);
        left.remove(&next);
        order.push(next);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use forebay_processor::sql::{PlanContext, plan_job};

    #[test]
    fn what_is_read_is_written_before() {
        let table = |name: &str| {
            format!(
                "CREATE TABLE {name} (u STRING) WITH ('connector' = 'kafka', 'topic' = '{name}', 'format' = 'json');"
            )
        };
        let tables: String = ["a", "b", "c", "d"].map(table).concat();
        let order = |inserts: &str| {
            let text = format!("{tables} {inserts}");
            in_order(&plan_job(&text, &PlanContext::nowhere()).unwrap())
        };
        assert_eq!(
            order("INSERT INTO c SELECT u FROM b; INSERT INTO b SELECT u FROM a; INSERT INTO d SELECT u FROM c;"),
            [1, 0, 2]
        );
        assert_eq!(order("INSERT INTO b SELECT u FROM a; INSERT INTO a SELECT u FROM b;"), [0, 1], "a circle");
    }
}
