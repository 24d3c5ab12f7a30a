//! The bytes are statements, of a job and of a request in a session: there is a plan, or a mistake at a place of the text.

use forebay_processor::sql::{Asked, PlanContext, SqlError, plan_job, plan_session};

pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let context = PlanContext::nowhere();
    match plan_job(text, &context) {
        Ok(plan) => {
            assert!(!plan.pipelines.is_empty(), "a job without pipelines");
            let explained = plan.explain();
            assert_eq!(explained, plan_job(text, &context).unwrap().explain(), "planned again it is another");
        }
        Err(error) => check(text, &error),
    }
    match plan_session("", text, &context).map(|planned| planned.asked) {
        Ok(Asked::Query(query)) => {
            assert!(!query.columns.is_empty(), "rows without columns");
            query.plan.explain();
        }
        Ok(_) => {}
        Err(error) => check(text, &error),
    }
}

/// A mistake is at a place that there is, and can be shown.
fn check(text: &str, error: &SqlError) {
    let lines = text.split('\n').count() as u64;
    assert!(error.line <= lines + 1, "line {} of {lines}: {error}", error.line);
    assert!(!error.render(Some("job.sql")).is_empty() && !error.one_line().contains('\n'), "{error}");
}
