//! Where the group coordinator and the share coordinator meet: states of share-partitions begin and end with what groups read
//! (Kafka: GroupCoordinatorService with its Persister).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_control::group::records::Assignment;
use forebay_control::group::{DeleteGroups, GroupCommand, GroupMachine, GroupReply, Refusal};
use forebay_control::share::group::{
    AlterShareOffsets, AlteredShareOffsets, DeleteShareOffsets, DeletedShareOffsets, InitializeShareState,
    OffsetsByTopic, ReleaseShareState, ShareOffsetsDeleted, ShareStateInitialized,
};
use forebay_control::share::state::{SharePartitionKey, ShareStateError};
use forebay_storage::ids::TopicId;

use super::changing_states::ChangingStates;
use super::groups::Groups;
use super::shard::Shard;
use super::share_states::ShareStates;

/// Why something of a share-partition failed, by topic and partition.
pub type ShareStateErrors = BTreeMap<(TopicId, i32), ShareStateError>;

/// Begins the states that are still awaited and tells the group's shard what came of it. Nobody waits for it; a state that could not be
/// begun is asked for again.
pub(super) async fn initialize(
    states: Arc<ShareStates>,
    shard: Arc<Shard<GroupMachine>>,
    changing: ChangingStates,
    wanted: InitializeShareState,
) {
    let _alone = changing.lock(&wanted.group_id).await;
    let wanted = shard.query(|machine| machine.still_awaited(&wanted));
    let errors = begin_states(&states, &wanted).await;
    for ((topic, partition), error) in &errors {
        let group = &wanted.group_id;
        tracing::error!(
            "share group {group} gets no state for partition {partition} of topic {topic}: {}",
            error.message
        );
    }
    let told = shard.run(GroupCommand::ShareStateInitialized(outcome(&wanted, errors.is_empty())));
    if let Err(error) = told
        && !shard.partition().is_offline()
    {
        tracing::error!("the states of share group {} cannot be written: {error}", wanted.group_id);
    }
}

async fn begin_states(states: &ShareStates, wanted: &InitializeShareState) -> ShareStateErrors {
    let mut errors = ShareStateErrors::new();
    for ((topic_id, partition), offset) in &wanted.partitions {
        let key = SharePartitionKey { group_id: wanted.group_id.clone(), topic_id: *topic_id, partition: *partition };
        if let Err(error) = states.initialize(key, wanted.state_epoch, offset.0).await {
            errors.insert((*topic_id, *partition), error);
        }
    }
    errors
}

fn outcome(wanted: &InitializeShareState, done: bool) -> ShareStateInitialized {
    let mut partitions = Assignment::new();
    for (topic, partition) in wanted.partitions.keys() {
        partitions.entry(*topic).or_default().insert(*partition);
    }
    ShareStateInitialized { group_id: wanted.group_id.clone(), partitions, done }
}

impl Groups {
    /// AlterShareGroupOffsets: what became of each topic, and what the share coordinator refused. What `close` returns is kept while
    /// states change.
    ///
    /// # Errors
    /// When the coordinator is not there; and inside, why the group's offsets cannot be altered.
    pub async fn alter_share_offsets<C>(
        &self,
        group_id: &str,
        topics: OffsetsByTopic,
        close: impl FnOnce() -> C,
    ) -> Result<Result<(AlteredShareOffsets, ShareStateErrors), Refusal>, ErrorCode> {
        let _alone = self.changing_states(group_id)?.lock(group_id).await;
        let alter = |reply_to| {
            GroupCommand::AlterShareOffsets(AlterShareOffsets { reply_to, group_id: group_id.into(), topics })
        };
        let altered = match self.ask(group_id, alter).await? {
            GroupReply::AlterShareOffsets(Ok(altered)) => altered,
            GroupReply::AlterShareOffsets(Err(refusal)) => return Ok(Err(refusal)),
            other => unreachable!("altered offsets are answered by {other:?}"),
        };
        let _closed = (!altered.initialize.partitions.is_empty()).then(close);
        let errors = begin_states(self.share_states(), &altered.initialize).await;
        if errors.is_empty() && !altered.initialize.partitions.is_empty() {
            let initialized = GroupCommand::ShareStateInitialized(outcome(&altered.initialize, true));
            self.shard(group_id)?.run(initialized).map_err(|_| ErrorCode::CoordinatorNotAvailable)?;
        }
        Ok(Ok((altered, errors)))
    }

    /// DeleteShareGroupOffsets: what became of each topic, and what the share coordinator refused, by topic. What `close` returns is kept
    /// while states change.
    ///
    /// # Errors
    /// When the coordinator is not there; and inside, why the group's offsets cannot be deleted.
    pub async fn delete_share_offsets<C>(
        &self,
        group_id: &str,
        topics: Vec<Arc<str>>,
        close: impl FnOnce() -> C,
    ) -> Result<Result<(DeletedShareOffsets, BTreeMap<TopicId, ErrorCode>), Refusal>, ErrorCode> {
        let _alone = self.changing_states(group_id)?.lock(group_id).await;
        let shared: Arc<str> = group_id.into();
        let delete = |reply_to| {
            GroupCommand::DeleteShareOffsets(DeleteShareOffsets { reply_to, group_id: shared.clone(), topics })
        };
        let deleted = match self.ask(group_id, delete).await? {
            GroupReply::DeleteShareOffsets(Ok(deleted)) => deleted,
            GroupReply::DeleteShareOffsets(Err(refusal)) => return Ok(Err(refusal)),
            other => unreachable!("deleted offsets are answered by {other:?}"),
        };
        let _closed = (!deleted.delete.is_empty()).then(close);
        let states = deleted.delete.iter().map(|(id, _, partitions)| (*id, partitions.clone())).collect();
        let errors = self.delete_states(&shared, &states).await;
        let gone: BTreeSet<TopicId> = states.into_keys().filter(|id| !errors.contains_key(id)).collect();
        if !gone.is_empty() {
            let command = |reply_to| {
                GroupCommand::ShareOffsetsDeleted(ShareOffsetsDeleted { reply_to, group_id: shared, topics: gone })
            };
            self.ask(group_id, command).await?;
        }
        Ok(Ok((deleted, errors)))
    }

    /// DeleteGroups, for one group of whatever protocol. The states of a share group go first; what `close` returns is kept meanwhile.
    pub async fn delete_group<C>(&self, group_id: &str, close: impl FnOnce() -> C) -> Result<(), ErrorCode> {
        let _alone = self.changing_states(group_id)?.lock(group_id).await;
        let shared: Arc<str> = group_id.into();
        let release =
            |reply_to| GroupCommand::ReleaseShareState(ReleaseShareState { reply_to, group_id: shared.clone() });
        let states = match self.ask(group_id, release).await? {
            GroupReply::ReleaseShareState(states) => states?,
            other => unreachable!("released states are answered by {other:?}"),
        };
        let _closed = (!states.is_empty()).then(close);
        if let Some(error) = self.delete_states(&shared, &states).await.into_values().next() {
            return Err(error);
        }
        let delete = |reply_to| GroupCommand::DeleteGroups(DeleteGroups { reply_to, group_ids: vec![shared.clone()] });
        let error = match self.ask(group_id, delete).await? {
            GroupReply::DeleteGroups(results) => results.first().map_or(ErrorCode::None, |(_, error)| *error),
            other => unreachable!("a deletion is answered by {other:?}"),
        };
        if error.is_ok() { Ok(()) } else { Err(error) }
    }

    /// Deletes states; the first error of each topic.
    async fn delete_states(&self, group_id: &Arc<str>, states: &Assignment) -> BTreeMap<TopicId, ErrorCode> {
        let mut errors = BTreeMap::new();
        for (topic_id, partitions) in states {
            for partition in partitions {
                let (group_id, topic_id, partition) = (group_id.clone(), *topic_id, *partition);
                let key = SharePartitionKey { group_id, topic_id, partition };
                if let Err(refused) = self.share_states().delete(key).await {
                    tracing::error!("the state of partition {partition} of {topic_id} stays: {}", refused.message);
                    errors.entry(topic_id).or_insert(refused.error);
                }
            }
        }
        errors
    }
}
