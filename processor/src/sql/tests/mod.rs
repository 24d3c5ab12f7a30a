//! The planner against Flink's documented behaviour, and its mistakes word by word.

mod errors;
mod infer;
mod language;
mod nested;
mod over;
mod plans;
mod ranks;
mod robustness;
mod session;
mod tables;
mod types;

use super::{PlanContext, SqlError, plan_job};
use crate::plan::{JobPlan, Pipeline, Stage};

/// A table with event time, one without, and one to write to.
const TABLES: &str = "\
CREATE TABLE t (u STRING, n BIGINT, i INT, s SMALLINT, b TINYINT, d DOUBLE, f FLOAT, ms BIGINT, dec DECIMAL(10, 2),
  flag BOOLEAN, `day` DATE, clock TIME, `at` TIMESTAMP(3), ts AS TO_TIMESTAMP_LTZ(ms, 3),
  WATERMARK FOR ts AS ts - INTERVAL '2' SECOND)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
CREATE TABLE plain (u STRING, n BIGINT) WITH ('connector' = 'kafka', 'topic' = 'p', 'format' = 'json');
CREATE TABLE o (k STRING, n BIGINT) WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
";

/// Lines of [`TABLES`].
const TABLE_LINES: u64 = 6;

fn plan(text: &str) -> Result<JobPlan, SqlError> {
    plan_job(text, &PlanContext::nowhere())
}

/// Plans one statement over [`TABLES`].
fn over_tables(statement: &str) -> Result<JobPlan, SqlError> {
    plan(&format!("{TABLES}{statement}"))
}

/// The pipeline of one statement over [`TABLES`].
fn pipeline(statement: &str) -> Pipeline {
    over_tables(statement).unwrap_or_else(|error| panic!("{error}")).pipelines.remove(0)
}

/// The mistake in a text whose place is marked with «», which are taken out first.
#[track_caller]
fn mistake(marked: &str) -> SqlError {
    let before = marked.split('«').next().unwrap();
    let (line, column) =
        (before.matches('\n').count() as u64 + 1, before.lines().last().map_or(0, |l| l.chars().count()) as u64 + 1);
    let column = if before.ends_with('\n') || before.is_empty() { 1 } else { column };
    let width = marked.split('«').nth(1).unwrap().split('»').next().unwrap().chars().count() as u64;
    let text = marked.replace(['«', '»'], "");
    let error = plan(&text).expect_err("the text has a mistake");
    assert_eq!((error.line, error.column, error.width), (line, column, width.max(1)), "{error}");
    error
}

/// The mistake in one marked statement over [`TABLES`].
#[track_caller]
fn mistake_over_tables(marked: &str) -> SqlError {
    mistake(&format!("{TABLES}{marked}"))
}

/// A stage that is an aggregation.
fn aggregation(pipeline: &Pipeline) -> &crate::plan::WindowAggregate {
    let found = pipeline.stages.iter().find_map(|stage| match stage {
        Stage::WindowAggregate(aggregate) => Some(aggregate),
        _ => None,
    });
    found.expect("an aggregation")
}
