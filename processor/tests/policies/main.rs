//! What a job does where there is a choice: bad records, late rows, slow and silent partitions, the end of its input.
#![allow(clippy::unwrap_used)]

mod bounded;
mod changing_joins;
mod clock;
mod crash;
mod disk;
mod forgotten;
mod full_disk;
mod gone;
mod joins;
mod joins_at_limits;
mod keyed;
mod large;
mod late;
mod over;
mod parallel;
mod partitions;
mod poison;
mod pressure;
mod quiet;
mod ranks;
mod savepoints;
#[path = "../support/mod.rs"]
mod support;
mod versions;
mod waiting_rows;

use std::sync::Arc;

use forebay_processor::host::Host;
use forebay_processor::job::{Task, TaskError, TaskOptions};
use forebay_processor::plan::JobPlan;
use forebay_processor::sql::{PlanContext, SqlError, plan_job};
use support::host::MemoryHost;
use support::plans::{INPUT, OUTPUT, clicks, host, rows, sql_time};

/// Window of 10 s and watermark delay of 2 s.
const SIZE: i64 = 10_000;
const DELAY: i64 = 2_000;

/// The clicks, with these options beside the usual ones.
fn table(options: &str) -> String {
    format!(
        "CREATE TABLE clicks (`user` STRING, bytes BIGINT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)
           WITH ('connector' = 'kafka', 'topic' = '{INPUT}', 'format' = 'json'{options});"
    )
}

fn try_plan(text: &str) -> Result<JobPlan, SqlError> {
    plan_job(text, &PlanContext::nowhere())
}

/// Rows and the sum of 100 / bytes, by user, in tumbling windows; that fails for 0 bytes.
fn windowed(options: &str) -> Arc<JobPlan> {
    let text = format!(
        "{}
         CREATE TABLE metrics (`user` STRING, window_end TIMESTAMP(3), n BIGINT, x BIGINT)
           WITH ('connector' = 'kafka', 'topic' = '{OUTPUT}', 'format' = 'json');
         INSERT INTO metrics SELECT `user`, window_end, COUNT(*), SUM(100 / bytes)
           FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(ts), INTERVAL '10' SECOND)) GROUP BY `user`, window_start, window_end;",
        table(options)
    );
    Arc::new(try_plan(&text).unwrap_or_else(|error| panic!("{error}")))
}

/// The same in so many tasks a stage.
fn parallel(parallelism: usize, options: &str) -> Arc<JobPlan> {
    let mut plan = (*windowed(options)).clone();
    plan.pipelines[0].parallelism = parallelism;
    Arc::new(plan)
}

/// What [`windowed`] puts out.
fn metric(user: &str, end: i64, n: i64, x: Option<i64>) -> String {
    let x = x.map_or("null".to_owned(), |x| x.to_string());
    format!(r#"{{"user":"{user}","window_end":"{}","n":{n},"x":{x}}}"#, sql_time(end))
}

/// 100 / bytes of each row, to a column that takes no NULL.
fn stateless(options: &str) -> Arc<JobPlan> {
    let text = format!(
        "{}
         CREATE TABLE metrics (`user` STRING NOT NULL, x BIGINT)
           WITH ('connector' = 'kafka', 'topic' = '{OUTPUT}', 'format' = 'json');
         INSERT INTO metrics SELECT `user`, 100 / bytes FROM clicks;",
        table(options)
    );
    Arc::new(try_plan(&text).unwrap_or_else(|error| panic!("{error}")))
}

fn open(plan: &Arc<JobPlan>, host: &dyn Host) -> Task {
    open_with(plan, host, TaskOptions::default()).unwrap()
}

fn open_with(plan: &Arc<JobPlan>, host: &dyn Host, options: TaskOptions) -> Result<Task, TaskError> {
    Task::open(plan, "job", 0, host, options)
}

/// Clicks of a user at these times, one byte each, in one batch.
fn send(host: &MemoryHost, partition: i32, user: &str, times: &[i64]) {
    clicks(host, partition, user, times, DELAY);
}
