//! Begins a task where its last commit left it.

use std::sync::Arc;

use forebay_storage::ids::TopicPartition;

use super::Task;
use crate::commit::RecordBuffer;
use crate::host::Host;
use crate::job::catch_up::CatchUp;
use crate::job::clock::EventClock;
use crate::job::counters::Counters;
use crate::job::error::TaskError;
use crate::job::exchange::Exchange;
use crate::job::guard::Guard;
use crate::job::open;
use crate::job::options::TaskOptions;
use crate::job::pending::Pending;
use crate::job::resources::resources;
use crate::job::spill::NothingBeside;
use crate::job::subtask::{Stage, SubtaskId};
use crate::job::topic::ReadTopic;
use crate::operator::Pipeline;
use crate::plan::JobPlan;
use crate::time::NO_WATERMARK;

impl Task {
    /// Takes over pipeline number `pipeline_index` of the job `name`, and restores it to its last commit. Creates the sink's topic
    /// and the changelog if they are missing.
    ///
    /// # Errors
    /// [`TaskError::Retry`] if the source's topic does not exist (yet), or a disk failed; [`TaskError::Failed`] if what is
    /// committed does not fit the plan.
    pub fn open(
        plan: &Arc<JobPlan>,
        name: &str,
        pipeline_index: usize,
        host: &dyn Host,
        options: TaskOptions,
    ) -> Result<Task, TaskError> {
        Task::open_subtask(plan, name, SubtaskId::only(pipeline_index), host, options)
    }

    /// As [`Task::open`], for one of several tasks that read the pipeline's source.
    ///
    /// # Errors
    /// As [`Task::open`].
    pub fn open_subtask(
        plan: &Arc<JobPlan>,
        name: &str,
        id: SubtaskId,
        host: &dyn Host,
        options: TaskOptions,
    ) -> Result<Task, TaskError> {
        let missing = || TaskError::Failed(format!("job '{name}' has no task {id}"));
        let pipeline_plan = plan.pipelines.get(id.pipeline).ok_or_else(missing)?;
        let names = resources(name, plan).swap_remove(id.pipeline);
        // Fencing comes before anything else: what is committed stands still from here on, and what an earlier task left open is
        // aborted even if this one cannot begin.
        let session = host
            .open_session(&id.transactional_id(&names))
            .map_err(|error| TaskError::from_host("opening the transactional session", error))?;
        let topics = ReadTopic::open(host, name, pipeline_plan, |partition| id.reads(partition))?;
        let sink_partitions = open::ensure_sink(host, &pipeline_plan.sink)?;
        let (mut pipeline, exchange) = match id.stage {
            Stage::Local => {
                let pipeline = Pipeline::local(pipeline_plan).ok_or_else(missing)?;
                let topic = names.repartition.as_deref().ok_or_else(missing)?;
                let merging = SubtaskId { stage: Stage::Global, ..id }.owner(&names);
                let reads = topics.first().and_then(|topic| topic.id);
                (pipeline, Some(Exchange::open(host, (topic, id.parallelism), merging, reads)?))
            }
            _ => (Pipeline::new(pipeline_plan, sink_partitions, options.snapshot_floor), None),
        };
        let changelog = names.changelog.as_ref().filter(|_| exchange.is_none());
        let changelog = changelog.map(|topic| TopicPartition::new(topic.as_str(), 0));
        let mut has_state = false;
        if let (Some(changelog), Some(state)) = (&changelog, pipeline.state_mut()) {
            open::ensure_internal(host, &changelog.topic, 1)?;
            let own = topics.iter().filter_map(|topic| topic.source.policies.state_memory_bytes).max();
            let memory = own.unwrap_or(options.state_memory_bytes);
            has_state = open::restore(host, changelog, state, memory, &mut NothingBeside)?;
        }
        let owner = id.owner(&names);
        let (mut inputs, mut combined) = (Vec::new(), NO_WATERMARK);
        for topic in topics.iter().enumerate() {
            let (own, closed) = open::open_inputs(host, topic, (&names.group, &owner), has_state)?;
            inputs.extend(own);
            combined = combined.max(closed);
        }
        Ok(Task {
            plan: Arc::clone(plan),
            id,
            owner,
            names,
            options,
            session,
            partitions: inputs.iter().map(|input| input.topic_partition().clone()).collect(),
            topics,
            clock: EventClock::new(combined, Task::times(&inputs)),
            inputs,
            turn: 0,
            held_to: None,
            others_at: None,
            pipeline,
            changelog,
            exchange,
            output: RecordBuffer::default(),
            pending: Pending::default(),
            catch_up: CatchUp::default(),
            guard: Guard::default(),
            step_began: 0,
            counters: Counters::default(),
        })
    }
}
