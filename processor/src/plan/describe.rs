//! EXPLAIN as a statement: the plan with what is kept for it, for how long, and where.

use super::{Frame, JobPlan, Pipeline, Stage, Window};
use crate::expr::render::duration;

impl JobPlan {
    /// The plan for a person: each pipeline as [`JobPlan::explain`] has it, then what it keeps. The `result` of a query, if it is one,
    /// stands in place of the table that is written: its columns.
    #[must_use]
    pub fn describe(&self, result: Option<&str>) -> String {
        let mut text = String::new();
        for (index, pipeline) in self.pipelines.iter().enumerate() {
            if self.pipelines.len() > 1 {
                text.push_str(&format!(
                    "{}part {} of {}\n",
                    if index > 0 { "\n" } else { "" },
                    index + 1,
                    self.pipelines.len()
                ));
            }
            for line in pipeline.to_string().lines() {
                match result {
                    Some(columns) if line.starts_with("  sink ") => text.push_str(&format!("  result     {columns}\n")),
                    Some(_) if line.starts_with("             key ") => {}
                    _ => text.push_str(&format!("{line}\n")),
                }
            }
            text.push_str(&kept(pipeline));
        }
        for warning in &self.warnings {
            text.push_str(&format!("warning: {warning}\n"));
        }
        text
    }
}

/// What the stages of a pipeline keep.
fn kept(pipeline: &Pipeline) -> String {
    let keepers: Vec<&Stage> = pipeline.stages.iter().filter(|stage| stage.keeps_rows()).collect();
    if keepers.is_empty() {
        return "  state      none: each row goes through by itself\n".to_owned();
    }
    let mut text = String::new();
    for stage in keepers {
        match stage {
            Stage::WindowAggregate(plan) => {
                let what = format!("{} for each window and key", count(plan.aggregates.len(), "result"));
                text.push_str(&window_state(&plan.window, plan.keys.len(), &what, pipeline));
            }
            Stage::WindowRows(plan) => {
                text.push_str(&window_state(&plan.window, plan.keys.len(), "each row of an open session", pipeline));
            }
            Stage::GroupAggregate(plan) => {
                let what = format!(
                    "{} for each key; {}",
                    count(plan.aggregates.len(), "result"),
                    count(plan.keys.len(), "key column")
                );
                let until = match plan.ttl_ms {
                    Some(ms) => {
                        format!("until nothing has come for the key for {} (table.exec.state.ttl)", duration(ms))
                    }
                    None => "for ever: set 'table.exec.state.ttl' to bound it".to_owned(),
                };
                text.push_str(&format!(
                    "  state      {what}\n  kept       {until}; in memory, on disk if it does not fit\n"
                ));
            }
            Stage::Normalize(plan) => {
                let until = match plan.ttl_ms {
                    Some(ms) => {
                        format!("until nothing has come for the key for {} (table.exec.state.ttl)", duration(ms))
                    }
                    None => "until its key is removed".to_owned(),
                };
                let keys = count(plan.keys.len(), "key column");
                text.push_str(&format!("  state      the last row of each key; {keys}\n  kept       {until}; in memory, on disk if it does not fit\n"));
            }
            Stage::Deduplicate(plan) => {
                let what = if plan.last { "the last row of each key" } else { "which keys there have been" };
                text.push_str(&keyed_state(what, plan.keys.len(), plan.ttl_ms));
            }
            Stage::Rank(plan) => {
                let what = if plan.retracts { "all rows of each key" } else { "the first rows of each key" };
                text.push_str(&keyed_state(what, plan.keys.len(), plan.ttl_ms));
            }
            Stage::Over(plan) => {
                let what = count(plan.calls.len(), "result");
                text.push_str(&match plan.frame {
                    Frame::Time(ms) => format!(
                        "  state      the rows of the frame and {what} for each key; {}\n  kept       until the watermark is {} after the last row of the key; in memory, on disk if it does not fit\n",
                        count(plan.keys.len(), "key column"),
                        duration(ms)
                    ),
                    _ => keyed_state(&format!("{what} for each key, and the rows of the frame"), plan.keys.len(), plan.ttl_ms),
                });
            }
            Stage::Materialize(plan) => {
                text.push_str(&keyed_state("the rows of each key of the table", plan.keys.len(), plan.ttl_ms));
            }
            _ => text.push_str("  state      see the step that keeps rows\n"),
        }
    }
    text
}

/// What is kept by key for a time-to-live, if there is one.
fn keyed_state(what: &str, keys: usize, ttl_ms: Option<i64>) -> String {
    let until = match ttl_ms {
        Some(ms) => format!("until it was not written for {} (table.exec.state.ttl)", duration(ms)),
        None => "for ever: set 'table.exec.state.ttl' to bound it".to_owned(),
    };
    let keys = count(keys, "key column");
    format!("  state      {what}; {keys}\n  kept       {until}; in memory, on disk if it does not fit\n")
}

fn window_state(window: &Window, keys: usize, what: &str, pipeline: &Pipeline) -> String {
    let spread = match keys {
        0 => "no key: one group for each window".to_owned(),
        keys => count(keys, "key column"),
    };
    let until = match window {
        Window::Tumble { size_ms, .. } | Window::Hop { size_ms, .. } | Window::Cumulate { size_ms, .. } => {
            format!("until the watermark passes the window's end ({} of event time", duration(*size_ms))
        }
        Window::Session { gap_ms } => {
            format!("until nothing has come for the key for the gap ({} of event time", duration(*gap_ms))
        }
        Window::Attached => "until the watermark passes the window's end (as long as the windows it reads".to_owned(),
    };
    let lateness = match pipeline.source.policies.allowed_lateness_ms {
        0 => String::new(),
        ms => format!(", and {} of allowed lateness", duration(ms)),
    };
    let most = pipeline
        .source
        .policies
        .state_memory_bytes
        .map_or(String::new(), |bytes| format!(" beyond {} MiB", bytes >> 20));
    format!(
        "  state      {what}; {spread}\n  kept       {until}{lateness}); in memory, on disk{most} if it does not fit\n"
    )
}

fn count(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
