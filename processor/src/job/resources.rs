//! Names of what a pipeline keeps in the broker: to create it, to show it, and to remove it with its job.

use crate::host::TopicSpec;
use crate::plan::JobPlan;

const INTERNAL_PREFIX: &str = "__forebay-";
const CHANGELOG_SUFFIX: &str = "-changelog";
const REPARTITION_SUFFIX: &str = "-repartition";

/// Whether nobody waits for a topic while a task writes it: a changelog or a savepoint.
#[must_use]
pub fn is_read_later(topic: &str) -> bool {
    topic.starts_with(INTERNAL_PREFIX) && !topic.ends_with(REPARTITION_SUFFIX)
}

/// Those of `topics` that the job `name` made for itself, whatever its statements are; savepoints outlive it.
pub fn topics_of_job<'t>(name: &str, topics: impl Iterator<Item = &'t str>) -> impl Iterator<Item = &'t str> {
    topics.filter(move |topic| {
        let rest = topic.strip_prefix(INTERNAL_PREFIX).and_then(|rest| rest.strip_prefix(name)?.strip_prefix('-'));
        let suffixes = [CHANGELOG_SUFFIX, REPARTITION_SUFFIX];
        let number = rest.and_then(|rest| suffixes.iter().find_map(|suffix| rest.strip_suffix(suffix)));
        number.is_some_and(|number| !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit()))
    })
}

/// What belongs to one pipeline of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PipelineResources {
    /// Consumer group that holds the input positions.
    pub group: String,
    /// Transactional id of its commits, if it is one task; those of several begin with it.
    pub transactional_id: String,
    /// Topic of its state's changelog, with one partition for each task; `None` if it has no state.
    pub changelog: Option<String>,
    /// Topic in which rows change tasks, with one partition for each task; `None` if they do not.
    pub repartition: Option<String>,
}

/// What belongs to the pipelines of the job `name`, in their order. When a job is dropped, its groups are to be deleted and its changelog
/// topics too; the source's and the sink's topics are the user's.
///
/// The group is the source's `properties.group.id`, or else the job's name; where a job has several pipelines the number
/// of the pipeline is appended, as two of them may read the same topic.
#[must_use]
pub fn resources(name: &str, plan: &JobPlan) -> Vec<PipelineResources> {
    let several = plan.pipelines.len() > 1;
    let of = |(at, pipeline): (usize, &crate::plan::Pipeline)| {
        let group = pipeline.source.group_id.clone().unwrap_or_else(|| name.to_owned());
        let stateful = pipeline.keeps_rows();
        PipelineResources {
            group: if several { format!("{group}-{at}") } else { group },
            transactional_id: format!("forebay-job-{name}-{at}"),
            changelog: stateful.then(|| format!("{INTERNAL_PREFIX}{name}-{at}{CHANGELOG_SUFFIX}")),
            repartition: (stateful && pipeline.parallelism > 1)
                .then(|| format!("{INTERNAL_PREFIX}{name}-{at}{REPARTITION_SUFFIX}")),
        }
    };
    plan.pipelines.iter().enumerate().map(of).collect()
}

/// Largest batch in bytes that a topic takes which a job makes for itself or puts records aside in: one record of the changelog holds
/// all sessions of a key, a dead letter may be a record that came compressed, so Kafka's default of 1 MiB is too small. As large as
/// their segments are, which no batch may exceed.
pub const INTERNAL_MESSAGE_BYTES: usize = 64 * 1024 * 1024;

/// How a savepoint's topic is created, with one partition for each pipeline.
#[must_use]
pub fn savepoint_spec(name: &str, pipelines: usize) -> TopicSpec {
    internal_spec(name, pipelines)
}

/// How a changelog or a repartition topic is created: nothing of it may go by age or size, the task deletes what a snapshot has replaced or
/// everybody has read (Kafka Streams: `RepartitionTopicConfig`).
pub(super) fn internal_spec(name: &str, partitions: usize) -> TopicSpec {
    let config = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let configs = vec![
        config("cleanup.policy", "delete"),
        config("retention.ms", "-1"),
        config("retention.bytes", "-1"),
        // Space comes back by whole segments.
        config("segment.bytes", &INTERNAL_MESSAGE_BYTES.to_string()),
        config("max.message.bytes", &INTERNAL_MESSAGE_BYTES.to_string()),
    ];
    TopicSpec { name: name.to_owned(), partitions: i32::try_from(partitions).ok(), configs }
}

/// How a topic is created that takes copies of input records.
#[must_use]
pub(super) fn side_spec(name: &str) -> TopicSpec {
    let configs = vec![("max.message.bytes".to_owned(), INTERNAL_MESSAGE_BYTES.to_string())];
    TopicSpec { name: name.to_owned(), partitions: None, configs }
}
