//! The tasks of a job as HTTP shows them.

use forebay_processor::job::{Stage, TaskStatus};

use crate::http::JobTask;

/// One task.
pub fn show(task: &TaskStatus) -> JobTask {
    JobTask {
        pipeline: task.pipeline,
        stage: task.stage.name().to_owned(),
        number: task.index,
        records_read: task.records_in,
        lag_records: task.lag().max(0).unsigned_abs(),
        watermark_ms: task.watermark,
        state_keys: task.state_keys as u64,
        state_bytes: task.state_bytes,
        commits: task.commits,
    }
}

/// Tells tasks that merge what only those know that read: since when the partition rests that holds the watermark. And to those
/// that read whether it is one of theirs that holds it.
pub fn join(tasks: &mut [TaskStatus]) {
    for at in 0..tasks.len() {
        if tasks[at].stage != Stage::Local {
            continue;
        }
        let own = tasks[at].held_by.take();
        let (pipeline, inputs) = (tasks[at].pipeline, &tasks[at].inputs);
        let partitions: Vec<i32> = inputs.iter().map(|input| input.partition).collect();
        let mut holds = None;
        for merging in tasks.iter_mut().filter(|t| t.stage == Stage::Global && t.pipeline == pipeline) {
            let Some(held) = merging.held_by.as_mut().filter(|held| partitions.contains(&held.partition)) else {
                continue;
            };
            if let Some(own) = own.as_ref().filter(|own| own.partition == held.partition) {
                *held = own.clone();
            }
            holds = Some(held.clone());
        }
        tasks[at].held_by = holds;
    }
}

#[cfg(test)]
mod tests {
    use forebay_processor::job::{Hold, InputStatus};

    use super::*;

    fn hold(partition: i32, resting_since: Option<i64>) -> Option<Hold> {
        Some(Hold { topic: String::new(), partition, watermark: Some(5), resting_since, idle_at: None })
    }

    fn local(index: usize, partition: i32) -> TaskStatus {
        let topic = "t".to_owned();
        let input = InputStatus {
            topic,
            partition,
            position: 0,
            end: 0,
            lag: 0,
            bound: None,
            watermark: None,
            idle: false,
            late: 0,
            undecodable: 0,
            gap: None,
        };
        TaskStatus {
            stage: Stage::Local,
            index,
            inputs: vec![input],
            held_by: hold(partition, Some(7)),
            ..TaskStatus::default()
        }
    }

    #[test]
    fn the_partition_that_holds_the_watermark_is_known_by_the_task_that_reads_it() {
        let global =
            |index| TaskStatus { stage: Stage::Global, index, held_by: hold(1, None), ..TaskStatus::default() };
        let mut tasks = [local(0, 0), local(1, 1), global(0), global(1)];
        join(&mut tasks);
        let held: Vec<_> = tasks.iter().map(|task| task.held_by.clone()).collect();
        assert_eq!(held, [None, hold(1, Some(7)), hold(1, Some(7)), hold(1, Some(7))]);
    }
}
