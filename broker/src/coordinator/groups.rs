//! The group coordinator: one shard for each partition of `__consumer_offsets`.

use std::sync::{Arc, OnceLock};

use forebay_control::error_code::ErrorCode;
use forebay_control::group::{
    GroupCommand, GroupConfig, GroupEffect, GroupEvent, GroupMachine, GroupReply, TopicDeleted, TransactionMarker,
};
use forebay_control::machine::{Machine, ReplyTo};
use forebay_control::transaction::partition_for;
use forebay_storage::ids::{Offset, ProducerEpoch, ProducerId};
use forebay_storage::log::AppendError;
use parking_lot::Mutex;

use super::metadata::Metadata;
use super::replay::{Replayed, replay};
use super::shard::{Shard, Shared};
use super::{OFFSETS_TOPIC, internal_topics};
use crate::clock;
use crate::partition::{Partition, Partitions};

/// All groups and their committed offsets.
pub struct Groups {
    config: GroupConfig,
    topic: internal_topics::Settings,
    metadata: Arc<Metadata>,
    partitions: Arc<Partitions>,
    shared: Arc<Shared<GroupMachine>>,
    /// Without those whose logs are offline.
    shards: OnceLock<Vec<Option<Shard<GroupMachine>>>>,
    /// Held while the topic is made and its log replayed.
    opening: Mutex<()>,
}

impl Groups {
    /// Without shards yet; see [`Groups::open`].
    pub fn new(
        config: GroupConfig,
        topic: internal_topics::Settings,
        metadata: Arc<Metadata>,
        partitions: Arc<Partitions>,
    ) -> Groups {
        Groups {
            config,
            topic,
            metadata,
            partitions,
            shared: Arc::default(),
            shards: OnceLock::new(),
            opening: Mutex::new(()),
        }
    }

    /// Opens the shards, if the topic is there already.
    pub fn open_existing(&self) -> Result<(), ErrorCode> {
        if self.metadata.topic_partitions(OFFSETS_TOPIC).is_some() { self.opened().map(drop) } else { Ok(()) }
    }

    /// The number of the partition that holds `group_id`.
    pub fn partition_of(&self, group_id: &str) -> Result<i32, ErrorCode> {
        let count = i32::try_from(self.opened()?.len()).expect("partition counts are i32");
        Ok(partition_for(group_id, count))
    }

    /// The shards that work; makes the topic when it is first needed, as Kafka does.
    pub fn shards(&self) -> Result<impl Iterator<Item = &Shard<GroupMachine>>, ErrorCode> {
        Ok(self.opened()?.iter().flatten().filter(|shard| !shard.partition().is_offline()))
    }

    fn opened(&self) -> Result<&[Option<Shard<GroupMachine>>], ErrorCode> {
        if let Some(shards) = self.shards.get() {
            return Ok(shards);
        }
        let _guard = self.opening.lock();
        if let Some(shards) = self.shards.get() {
            return Ok(shards);
        }
        let count = internal_topics::ensure(&self.metadata, OFFSETS_TOPIC, &self.topic)?;
        let mut shards = Vec::with_capacity(count as usize);
        for number in 0..count {
            // One that is not there lies in a folder that has failed.
            let partition = self.partitions.get(OFFSETS_TOPIC, number).filter(|partition| !partition.is_offline());
            shards.push(match partition {
                Some(partition) => self.load(number as usize, partition)?,
                None => None,
            });
        }
        Ok(self.shards.get_or_init(|| shards))
    }

    /// `None` if its log cannot be read, or the disk fails meanwhile, which takes only this partition with it (Kafka:
    /// CoordinatorRuntime, a context that FAILED).
    fn load(&self, number: usize, partition: Arc<Partition>) -> Result<Option<Shard<GroupMachine>>, ErrorCode> {
        let mut machine = GroupMachine::new(self.config.clone());
        let replayed = replay(&partition, |item| {
            match item {
                Replayed::Record { key, value, producer } => {
                    match GroupEvent::parse(&key.unwrap_or_default(), value.as_deref(), producer) {
                        Ok(Some(event)) => machine.apply(event),
                        Ok(None) => {}
                        Err(e) => return Err(e.to_string()),
                    }
                }
                Replayed::Marker { producer_id, committed } => {
                    machine.apply(GroupEvent::transaction_ended(producer_id, committed));
                }
            }
            Ok(())
        });
        if let Err(error) = replayed {
            tracing::error!("the group coordinator cannot load: {error}");
            return Ok(None);
        }
        let shard = Shard::new(number, machine, partition, self.shared.clone());
        match shard.settle_loaded(|machine| machine.on_loaded(clock::now())) {
            Ok(_) => Ok(Some(shard)),
            // What it wants to write now it will want again when it is written to.
            Err(AppendError::Storage(error)) if error.is_full() => Ok(Some(shard)),
            Err(_) if shard.partition().is_offline() => Ok(None),
            Err(error) => {
                tracing::error!("the group coordinator cannot write after loading: {error}");
                Err(ErrorCode::CoordinatorNotAvailable)
            }
        }
    }

    /// The shard of `group_id`. Kafka: NOT_COORDINATOR where the group's log is offline, so that the client asks for the coordinator
    /// again and learns from that answer that there is none now.
    pub fn shard(&self, group_id: &str) -> Result<&Shard<GroupMachine>, ErrorCode> {
        let number = self.partition_of(group_id)?;
        let shard = self.opened()?[number as usize].as_ref();
        shard.filter(|shard| !shard.partition().is_offline()).ok_or(ErrorCode::NotCoordinator)
    }

    /// Runs a command on the shard of `group_id` and waits for its reply.
    pub async fn ask(
        &self,
        group_id: &str,
        command: impl FnOnce(ReplyTo) -> GroupCommand,
    ) -> Result<GroupReply, ErrorCode> {
        self.shard(group_id)?.ask(command, log).await.map_err(|_| ErrorCode::CoordinatorNotAvailable)
    }

    /// Runs a command that is answered at once.
    pub fn ask_now(
        &self,
        group_id: &str,
        command: impl FnOnce(ReplyTo) -> GroupCommand,
    ) -> Result<GroupReply, ErrorCode> {
        self.shard(group_id)?.ask_now(command, log).map_err(|_| ErrorCode::CoordinatorNotAvailable)
    }

    /// Ends a producer's transaction in one partition of `__consumer_offsets`: the marker and what it does are one step. The partition
    /// and where the marker ends in it.
    pub fn end_transaction(
        &self,
        partition: i32,
        producer: (ProducerId, ProducerEpoch),
        commit: bool,
        coordinator_epoch: i32,
    ) -> Result<Option<(Arc<Partition>, Offset)>, AppendError> {
        let Ok(shards) = self.opened() else { return Ok(None) };
        let Some(shard) = usize::try_from(partition).ok().and_then(|n| shards.get(n)?.as_ref()) else {
            return Ok(None);
        };
        let marker = || shard.partition().append_marker(producer, commit, coordinator_epoch).map(drop);
        let command = GroupCommand::TransactionMarker(TransactionMarker { producer_id: producer.0, committed: commit });
        shard.run_after(marker, command).map(|ran| Some((shard.partition().clone(), ran.end)))
    }

    /// Forgets the offsets committed for a topic that is gone.
    pub fn topic_deleted(&self, topic: &str) {
        let Some(shards) = self.shards.get() else { return };
        for shard in shards.iter().flatten() {
            if let Err(error) = shard.run(GroupCommand::TopicDeleted(TopicDeleted { topic: topic.into() })) {
                tracing::error!("cannot remove the offsets of deleted topic {topic}: {error}");
            }
        }
    }

    /// Fires timers until the task is dropped.
    pub async fn drive_timers(self: Arc<Self>) {
        loop {
            for (number, timer) in self.shared.timers.due().await {
                let Some(shard) = self.shards.get().and_then(|s| s.get(number)?.as_ref()) else { continue };
                match shard.run(GroupMachine::timer_command(timer)) {
                    Ok(ran) => log(ran.effects),
                    Err(_) if shard.partition().is_offline() => {}
                    Err(error) => tracing::error!("a timer of the group coordinator failed: {error}"),
                }
            }
        }
    }
}

/// What groups want said to the operator.
fn log(effects: Vec<GroupEffect>) {
    for effect in effects {
        if let GroupEffect::Log(line) = effect {
            tracing::info!("{line}");
        }
    }
}
