//! Begins a merging task where its last commit left it.

use std::sync::Arc;

use forebay_storage::ids::{LeaderEpoch, TopicPartition};

use super::GlobalTask;
use super::times::Times;
use crate::commit::{InputProgress, PartitionTime, RecordBuffer};
use crate::host::Host;
use crate::job::catch_up::CatchUp;
use crate::job::clock::EventClock;
use crate::job::counters::Counters;
use crate::job::error::TaskError;
use crate::job::guard::Guard;
use crate::job::open;
use crate::job::options::TaskOptions;
use crate::job::pending::Pending;
use crate::job::reader::PartitionReader;
use crate::job::resources::resources;
use crate::job::side::SideOutputs;
use crate::job::subtask::SubtaskId;
use crate::operator::Pipeline;
use crate::plan::JobPlan;

impl GlobalTask {
    /// Takes over the task `id` of the job `name`, and restores it to its last commit.
    pub fn open(
        plan: &Arc<JobPlan>,
        name: &str,
        id: SubtaskId,
        host: &dyn Host,
        options: TaskOptions,
    ) -> Result<GlobalTask, TaskError> {
        let missing = || TaskError::Failed(format!("job '{name}' has no task {id}"));
        let pipeline_plan = plan.pipelines.get(id.pipeline).ok_or_else(missing)?;
        let names = resources(name, plan).swap_remove(id.pipeline);
        let (repartition, changelog) = names.repartition.as_ref().zip(names.changelog.as_ref()).ok_or_else(missing)?;
        let own = |topic: &String| TopicPartition::new(topic.as_str(), id.index as i32);
        let (input, changelog) = (own(repartition), own(changelog));
        let partitions = open::input_partitions(host, &pipeline_plan.source)?;
        // Fencing comes before anything is read: what is committed stands still from here on.
        let session = host
            .open_session(&id.transactional_id(&names))
            .map_err(|error| TaskError::from_host("opening the transactional session", error))?;
        let sink_partitions = open::ensure_sink(host, &pipeline_plan.sink)?;
        open::ensure_internal(host, &input.topic, id.parallelism)?;
        open::ensure_internal(host, &changelog.topic, id.parallelism)?;
        let mut pipeline = Pipeline::new(pipeline_plan, sink_partitions, options.snapshot_floor);
        let mut times = Times::default();
        // A partition that nobody has told of yet holds the watermark back.
        times.all.extend(partitions.iter().map(|partition| (partition.partition, PartitionTime::NEW)));
        let memory = pipeline_plan.source.policies.state_memory_bytes.unwrap_or(options.state_memory_bytes);
        let has_state = match pipeline.state_mut() {
            Some(state) => open::restore(host, &changelog, state, memory, &mut times)?,
            None => false,
        };
        let owner = id.owner(&names);
        let (reader, progress) = resume(host, &names.group, &owner, &input, has_state)?;
        let known = times.are_of_all(host, &pipeline_plan.source.topic);
        let clock = EventClock::new(progress.combined, times.counted().filter(|_| known));
        Ok(GlobalTask {
            plan: Arc::clone(plan),
            id,
            names,
            options,
            session,
            input: vec![input],
            reader,
            topic: progress.topic,
            dropped: None,
            clock,
            times,
            late: progress.late,
            side: SideOutputs::open(host, name, &pipeline_plan.source)?,
            pipeline,
            changelog,
            output: RecordBuffer::default(),
            pending: Pending::default(),
            guard: Guard::default(),
            purge_at: host.now().plus_ms(options.purge_ms),
            step_began: 0,
            catch_up: CatchUp::default(),
            counters: Counters::default(),
        })
    }
}

/// The reader at the position that the task has committed, and what it has committed with it.
fn resume(
    host: &dyn Host,
    group: &str,
    owner: &str,
    input: &TopicPartition,
    has_state: bool,
) -> Result<(PartitionReader, InputProgress), TaskError> {
    let error = |error| TaskError::from_host("opening the partial results", error);
    let range = host.offset_range(input).map_err(error)?;
    let committed = host.committed(group, std::slice::from_ref(input), true).map_err(error)?.pop().flatten();
    let gone = |why: &str| TaskError::Failed(format!("{why} {input} in group '{group}'; drop the job with its state"));
    let Some(committed) = committed else {
        if has_state {
            return Err(gone("there is state from earlier runs, but no offset of"));
        }
        let reader = PartitionReader::new(input.clone(), range.start, LeaderEpoch::UNKNOWN);
        return Ok((reader, InputProgress::NEW));
    };
    let progress = InputProgress::from_text(&committed.metadata, owner);
    let progress = progress.map_err(|_| gone("somebody else has set the offset of"))?;
    if progress.has_state && !has_state {
        return Err(gone("the state is gone that belongs to the offset of"));
    }
    if committed.offset < range.start || committed.offset > range.stable_end {
        return Err(gone("there are no records at the offset of"));
    }
    Ok((PartitionReader::new(input.clone(), committed.offset, committed.leader_epoch), progress))
}
