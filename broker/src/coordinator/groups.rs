//! The group coordinator: one shard for each partition of `__consumer_offsets`.

use std::sync::{Arc, OnceLock};

use forebay_control::error_code::ErrorCode;
use forebay_control::group::{
    GroupCommand, GroupConfig, GroupEffect, GroupEvent, GroupMachine, GroupReply, TopicDeleted, TransactionMarker,
};
use forebay_control::machine::{Machine, ReplyTo};
use forebay_control::transaction::partition_for;
use forebay_storage::ids::{ProducerEpoch, ProducerId};
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
    shards: OnceLock<Vec<Shard<GroupMachine>>>,
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
        if self.metadata.topic_partitions(OFFSETS_TOPIC).is_some() { self.shards().map(drop) } else { Ok(()) }
    }

    /// The number of the partition that holds `group_id`.
    pub fn partition_of(&self, group_id: &str) -> Result<i32, ErrorCode> {
        let count = i32::try_from(self.shards()?.len()).expect("partition counts are i32");
        Ok(partition_for(group_id, count))
    }

    /// The shards; makes the topic when it is first needed, as Kafka does.
    pub fn shards(&self) -> Result<&[Shard<GroupMachine>], ErrorCode> {
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
            let partition = self.partitions.get(OFFSETS_TOPIC, number).ok_or(ErrorCode::CoordinatorNotAvailable)?;
            shards.push(self.load(number as usize, partition)?);
        }
        Ok(self.shards.get_or_init(|| shards))
    }

    fn load(&self, number: usize, partition: Arc<Partition>) -> Result<Shard<GroupMachine>, ErrorCode> {
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
            return Err(ErrorCode::CoordinatorNotAvailable);
        }
        let shard = Shard::new(number, machine, partition, self.shared.clone());
        match shard.settle_loaded(|machine| machine.on_loaded(clock::now())) {
            Ok(_) => Ok(shard),
            Err(error) => {
                tracing::error!("the group coordinator cannot write after loading: {error}");
                Err(ErrorCode::CoordinatorNotAvailable)
            }
        }
    }

    /// The shard of `group_id`.
    pub fn shard(&self, group_id: &str) -> Result<&Shard<GroupMachine>, ErrorCode> {
        let number = self.partition_of(group_id)?;
        Ok(&self.shards()?[number as usize])
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

    /// Ends a producer's transaction in one partition of `__consumer_offsets`: the marker and what it does are one step.
    pub fn end_transaction(
        &self,
        partition: i32,
        producer: (ProducerId, ProducerEpoch),
        commit: bool,
        coordinator_epoch: i32,
    ) -> Result<(), AppendError> {
        let Ok(shards) = self.shards() else { return Ok(()) };
        let Some(shard) = usize::try_from(partition).ok().and_then(|n| shards.get(n)) else { return Ok(()) };
        let marker = || shard.partition().append_marker(producer, commit, coordinator_epoch).map(drop);
        let command = GroupCommand::TransactionMarker(TransactionMarker { producer_id: producer.0, committed: commit });
        shard.run_after(marker, command).map(drop)
    }

    /// Forgets the offsets committed for a topic that is gone.
    pub fn topic_deleted(&self, topic: &str) {
        let Some(shards) = self.shards.get() else { return };
        for shard in shards {
            if let Err(error) = shard.run(GroupCommand::TopicDeleted(TopicDeleted { topic: topic.into() })) {
                tracing::error!("cannot remove the offsets of deleted topic {topic}: {error}");
            }
        }
    }

    /// Fires timers until the task is dropped.
    pub async fn drive_timers(self: Arc<Self>) {
        loop {
            for (number, timer) in self.shared.timers.due().await {
                let Some(shard) = self.shards.get().and_then(|s| s.get(number)) else { continue };
                match shard.run(GroupMachine::timer_command(timer)) {
                    Ok(effects) => log(effects),
                    Err(error) => tracing::error!("a timer of the group coordinator failed: {error}"),
                }
            }
        }
    }
}

/// What groups want said to the operator.
fn log(effects: Vec<GroupEffect>) {
    for GroupEffect::Log(line) in effects {
        tracing::info!("{line}");
    }
}
