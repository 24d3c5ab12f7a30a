//! The tasks of a pipeline. With a parallelism of 1 there is one that does everything. With more, tasks share the input partitions;
//! if rows are kept, these tasks gather only the partial results of each step, and as many others, which share the keys, merge them.

use std::fmt;
use std::sync::Arc;

use forebay_storage::ids::TopicPartition;
use serde::Serialize;

use super::error::TaskError;
use super::global::GlobalTask;
use super::options::TaskOptions;
use super::resources::PipelineResources;
use super::savepoint::SavepointAbout;
use super::status::TaskStatus;
use super::task::{Progress, Task};
use crate::host::Host;
use crate::operator::{Look, Looked, RowError};
use crate::plan::{JobPlan, Pipeline};

/// What part of its pipeline a task does. The names are those of Flink's two-phase aggregation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// All of it.
    #[default]
    Whole,
    /// From its input partitions to partial results, which go to the repartition topic.
    Local,
    /// From partial results to results.
    Global,
}

impl Stage {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Stage::Whole => "whole",
            Stage::Local => "local",
            Stage::Global => "global",
        }
    }
}

/// One task among those of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SubtaskId {
    /// Number of the INSERT INTO.
    pub pipeline: usize,
    /// What it does.
    pub stage: Stage,
    /// Its number among those that do the same.
    pub index: usize,
    /// How many do the same.
    pub parallelism: usize,
}

impl fmt::Display for SubtaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SubtaskId { pipeline, stage, index, parallelism } = self;
        write!(f, "{pipeline} {} {}/{parallelism}", stage.name(), index + 1)
    }
}

impl SubtaskId {
    /// The one task of pipeline number `pipeline`.
    #[must_use]
    pub fn only(pipeline: usize) -> SubtaskId {
        SubtaskId { pipeline, stage: Stage::Whole, index: 0, parallelism: 1 }
    }

    /// Whether it reads partition number `partition` of the source.
    #[must_use]
    pub fn reads(&self, partition: i32) -> bool {
        partition as usize % self.parallelism == self.index
    }

    /// Transactional id of its commits. `/` is in no job's name, so no two are the same.
    #[must_use]
    pub fn transactional_id(&self, names: &PipelineResources) -> String {
        let base = &names.transactional_id;
        match self.stage {
            Stage::Whole if self.parallelism == 1 => base.clone(),
            Stage::Whole => format!("{base}/{}", self.index),
            stage => format!("{base}/{}/{}", stage.name(), self.index),
        }
    }

    /// Whose the committed positions are, see [`InputProgress`](crate::commit::InputProgress). Tasks without state share it, however many
    /// they are, so that their number may change; state belongs to one division into tasks.
    #[must_use]
    pub(super) fn owner(&self, names: &PipelineResources) -> String {
        let base = &names.transactional_id;
        match self.stage {
            Stage::Whole => base.clone(),
            stage => format!("{base}/{}/{}", stage.name(), self.parallelism),
        }
    }
}

/// The tasks of a pipeline: those that read first.
pub(super) fn of_pipeline((number, pipeline): (usize, &Pipeline)) -> Vec<SubtaskId> {
    let parallelism = pipeline.parallelism.max(1);
    let stages: &[Stage] = match parallelism > 1 && pipeline.keeps_rows() {
        true => &[Stage::Local, Stage::Global],
        false => &[Stage::Whole],
    };
    let tasks = |stage: &Stage| {
        let stage = *stage;
        (0..parallelism).map(move |index| SubtaskId { pipeline: number, stage, index, parallelism })
    };
    stages.iter().flat_map(tasks).collect()
}

/// All tasks of a job, pipeline by pipeline.
#[must_use]
pub fn subtasks(plan: &JobPlan) -> Vec<SubtaskId> {
    plan.pipelines.iter().enumerate().flat_map(of_pipeline).collect()
}

/// A running task of any kind; see [`Task`].
#[derive(Debug)]
pub enum Subtask {
    /// One that reads the source.
    Source(Box<Task>),
    /// One that merges partial results.
    Global(Box<GlobalTask>),
}

impl Subtask {
    /// Takes over the task `id` of the job `name`, as [`Task::open`] does.
    ///
    /// # Errors
    /// As [`Task::open`].
    pub fn open(
        plan: &Arc<JobPlan>,
        name: &str,
        id: SubtaskId,
        host: &dyn Host,
        options: TaskOptions,
    ) -> Result<Subtask, TaskError> {
        match id.stage {
            Stage::Global => {
                GlobalTask::open(plan, name, id, host, options).map(|task| Subtask::Global(Box::new(task)))
            }
            _ => Task::open_subtask(plan, name, id, host, options).map(|task| Subtask::Source(Box::new(task))),
        }
    }

    /// As [`Task::inputs`].
    #[must_use]
    pub fn inputs(&self) -> &[TopicPartition] {
        match self {
            Subtask::Source(task) => task.inputs(),
            Subtask::Global(task) => task.inputs(),
        }
    }

    /// As [`Task::step`].
    ///
    /// # Errors
    /// As [`Task::step`].
    pub fn step(&mut self, host: &dyn Host) -> Result<Progress, TaskError> {
        match self {
            Subtask::Source(task) => task.step(host),
            Subtask::Global(task) => task.step(host),
        }
    }

    /// As [`Task::finish`].
    ///
    /// # Errors
    /// As [`Task::step`].
    pub fn finish(&mut self, host: &dyn Host) -> Result<(), TaskError> {
        match self {
            Subtask::Source(task) => task.finish(host),
            Subtask::Global(task) => task.finish(host),
        }
    }

    /// As [`Task::savepoint`], for jobs of one task a pipeline.
    ///
    /// # Errors
    /// As [`Task::step`]; [`TaskError::Failed`] where several tasks would have to do it at one moment.
    pub fn savepoint(&mut self, host: &dyn Host, to: &TopicPartition, about: &SavepointAbout) -> Result<(), TaskError> {
        match self {
            Subtask::Source(task) if task.status().stage == Stage::Whole => task.savepoint(host, to, about),
            _ => Err(TaskError::Failed("several tasks have to stand still for a savepoint".to_owned())),
        }
    }

    /// As [`Task::look`]; a task that gathers for others has nothing to show.
    ///
    /// # Errors
    /// As [`Task::step`].
    pub fn look(&mut self, host: &dyn Host, look: &Look) -> Result<Result<Looked, RowError>, TaskError> {
        match self {
            Subtask::Source(task) => task.look(host, look),
            Subtask::Global(task) => task.look(host, look),
        }
    }

    /// As [`Task::status`].
    #[must_use]
    pub fn status(&self) -> TaskStatus {
        match self {
            Subtask::Source(task) => task.status(),
            Subtask::Global(task) => task.status(),
        }
    }
}
