//! The share coordinator: one shard for each partition of `__share_group_state` (Kafka: ShareCoordinatorService).

use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_control::machine::{Machine, ReplyTo};
use forebay_control::share::state::{
    ReadState, ShareCoordinator, ShareCoordinatorConfig, SharePartitionKey, ShareStateCommand, ShareStateError,
    ShareStateEvent, ShareStateReply, StateSummary, WriteState,
};
use forebay_storage::log::AppendError;

use super::group_view::Told;
use super::metadata::Metadata;
use super::places::{self, Places};
use super::replay::{Replayed, replay};
use super::shard::{Shard, Shared};
use super::{SHARE_STATE_TOPIC, internal_topics};
use crate::partition::{Partition, Partitions};

/// The states of all share-partitions.
pub struct ShareStates {
    config: ShareCoordinatorConfig,
    metadata: Arc<Metadata>,
    shared: Arc<Shared<ShareCoordinator>>,
    places: Places<Place>,
}

/// A shard, and what it has been told of the cluster.
pub(super) struct Place {
    pub(super) shard: Shard<ShareCoordinator>,
    told: Told,
}

impl places::Place for Place {
    fn partition(&self) -> &Arc<Partition> {
        self.shard.partition()
    }
}

impl Place {
    /// The shard, once it knows the cluster as it is now, and has forgotten what it kept of topics that are gone, if it can.
    pub(super) fn up_to_date(&self, metadata: &Metadata) -> &Shard<ShareCoordinator> {
        self.told.bring_up_to_date(metadata, |view| {
            self.shard.run(ShareStateCommand::TopicsChanged(view.topics))?;
            // What there is no room to write is forgotten with the next upkeep.
            let _ = self.forget_topics();
            Ok::<_, AppendError>(())
        });
        &self.shard
    }

    /// Forgets what it keeps of topics that it does not know any more.
    pub(super) fn forget_topics(&self) -> Result<(), AppendError> {
        let gone = self.shard.query(ShareCoordinator::topics_gone);
        if gone.is_empty() { Ok(()) } else { self.shard.run(ShareStateCommand::TopicsDeleted(gone)).map(drop) }
    }
}

impl ShareStates {
    /// Without shards yet; see [`ShareStates::load_existing`].
    pub fn new(
        config: ShareCoordinatorConfig,
        topic: internal_topics::Settings,
        metadata: Arc<Metadata>,
        partitions: Arc<Partitions>,
    ) -> ShareStates {
        ShareStates {
            config,
            metadata: metadata.clone(),
            shared: Arc::default(),
            places: Places::new(SHARE_STATE_TOPIC, topic, metadata, partitions),
        }
    }

    /// Loads the shards that are not loaded and can be, if the topic is there already.
    ///
    /// # Errors
    /// When the topic cannot be made.
    pub fn load_existing(&self) -> Result<(), ErrorCode> {
        self.places.for_all_made(|number| _ = self.place_at(number))
    }

    /// The topics as the shards of it know them.
    pub(super) fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The shards that are loaded and work. Unlike a question, this makes nothing.
    pub(super) fn places(&self) -> impl Iterator<Item = &Place> {
        self.places.all_loaded().filter(|place| !place.shard.partition().is_offline())
    }

    /// What works of a partition.
    fn place_at(&self, number: usize) -> Option<&Place> {
        self.places.get(number, |number, log| self.load(number, log).map(|place| (place, ())), |_, ()| ())
    }

    /// `None` if its log cannot be read, which takes only this partition with it (Kafka: CoordinatorRuntime, a context that FAILED).
    fn load(&self, number: usize, partition: Arc<Partition>) -> Option<Place> {
        let mut machine = ShareCoordinator::new(self.config);
        let replayed = replay(&partition, |item| {
            let Replayed::Record { key, value, .. } = item else { return Ok(()) };
            match ShareStateEvent::parse(&key.unwrap_or_default(), value.as_deref()) {
                Ok(event) => event.into_iter().for_each(|event| machine.apply(event)),
                Err(error) => return Err(error.to_string()),
            }
            Ok(())
        });
        if let Err(error) = replayed {
            tracing::error!("the share coordinator cannot load: {error}");
            return None;
        }
        let shard = Shard::new(number, machine, partition, self.shared.clone());
        // The first question tells it the topics.
        Some(Place { shard, told: Told::of(0) })
    }

    /// Whether a share-partition has a coordinator; makes the topic when it is first needed, as Kafka does.
    ///
    /// # Errors
    /// NOT_COORDINATOR where the log of its shard is offline.
    pub fn shard(&self, key: &SharePartitionKey) -> Result<&Shard<ShareCoordinator>, ErrorCode> {
        Ok(self.place(key)?.up_to_date(&self.metadata))
    }

    fn place(&self, key: &SharePartitionKey) -> Result<&Place, ErrorCode> {
        let number = self.places.number_of(&coordinator_key(key))?;
        self.place_at(number as usize).ok_or(ErrorCode::NotCoordinator)
    }

    async fn ask(
        &self,
        key: &SharePartitionKey,
        command: impl FnOnce(ReplyTo) -> ShareStateCommand,
    ) -> Result<ShareStateReply, ShareStateError> {
        let shard = self.shard(key).map_err(unavailable)?;
        shard.ask(command, |_| ()).await.map_err(|_| unavailable(ErrorCode::CoordinatorNotAvailable))
    }

    /// InitializeShareGroupState: a share-partition begins at `start_offset` (-1: where its leader finds by the group's configuration), or
    /// begins anew with a higher `state_epoch`.
    ///
    /// # Errors
    /// FENCED_STATE_EPOCH when it has begun in a higher epoch, UNKNOWN_TOPIC_OR_PARTITION, or what says that the coordinator is not there.
    pub async fn initialize(
        &self,
        key: SharePartitionKey,
        state_epoch: i32,
        start_offset: i64,
    ) -> Result<(), ShareStateError> {
        let asked = key.clone();
        done(
            self.ask(&asked, |reply_to| ShareStateCommand::Initialize { reply_to, key, state_epoch, start_offset })
                .await?,
        )
    }

    /// ReadShareGroupState, by the partition's leader in `leader_epoch`; older leaders are fenced from now on (-1 fences nobody).
    ///
    /// # Errors
    /// INVALID_REQUEST when nothing was initialised, FENCED_LEADER_EPOCH, UNKNOWN_TOPIC_OR_PARTITION, or what says that the coordinator is
    /// not there.
    pub async fn read(&self, key: SharePartitionKey, leader_epoch: i32) -> Result<ReadState, ShareStateError> {
        let asked = key.clone();
        match self.ask(&asked, |reply_to| ShareStateCommand::Read { reply_to, key, leader_epoch }).await? {
            ShareStateReply::Read(read) => read,
            other => unreachable!("a read of share state is answered by {other:?}"),
        }
    }

    /// WriteShareGroupState, by the partition's leader.
    ///
    /// # Errors
    /// As [`ShareStates::read`], and FENCED_STATE_EPOCH.
    pub async fn write(&self, key: SharePartitionKey, write: WriteState) -> Result<(), ShareStateError> {
        let asked = key.clone();
        done(self.ask(&asked, |reply_to| ShareStateCommand::Write { reply_to, key, write }).await?)
    }

    /// Like [`ShareStates::write`], with the record in the log when this returns: what is begun later comes later. What is returned becomes
    /// ready when it is durable.
    ///
    /// # Errors
    /// What says that the coordinator is not there.
    pub fn begin_write(
        &self,
        key: &SharePartitionKey,
        write: WriteState,
    ) -> Result<impl Future<Output = Result<(), ShareStateError>> + Send + 'static, ShareStateError> {
        let unavailable = |_| unavailable(ErrorCode::CoordinatorNotAvailable);
        let shard = self.shard(key).map_err(self::unavailable)?;
        let key = key.clone();
        let begun = shard.begin(|reply_to| ShareStateCommand::Write { reply_to, key, write }).map_err(unavailable)?;
        Ok(async move { done(begun.reply().await.map_err(unavailable)?) })
    }

    /// DeleteShareGroupState; nothing to delete is no error.
    ///
    /// # Errors
    /// UNKNOWN_TOPIC_OR_PARTITION, or what says that the coordinator is not there.
    pub async fn delete(&self, key: SharePartitionKey) -> Result<(), ShareStateError> {
        let asked = key.clone();
        done(self.ask(&asked, |reply_to| ShareStateCommand::Delete { reply_to, key }).await?)
    }

    /// ReadShareGroupStateSummary.
    ///
    /// # Errors
    /// UNKNOWN_TOPIC_OR_PARTITION, or what says that the coordinator is not there.
    pub async fn summary(&self, key: SharePartitionKey) -> Result<StateSummary, ShareStateError> {
        let asked = key.clone();
        match self.ask(&asked, |reply_to| ShareStateCommand::ReadSummary { reply_to, key }).await? {
            ShareStateReply::Summary(summary) => summary,
            other => unreachable!("a summary of share state is answered by {other:?}"),
        }
    }
}

/// Kafka: SharePartitionKey.asCoordinatorKey.
fn coordinator_key(key: &SharePartitionKey) -> String {
    format!("{}:{}:{}", key.group_id, key.topic_id, key.partition)
}

fn unavailable(error: ErrorCode) -> ShareStateError {
    ShareStateError { error, message: "The coordinator is not available." }
}

fn done(reply: ShareStateReply) -> Result<(), ShareStateError> {
    match reply {
        ShareStateReply::Done(done) => done,
        other => unreachable!("a change of share state is answered by {other:?}"),
    }
}
