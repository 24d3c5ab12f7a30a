//! The group coordinator: one shard for each partition of `__consumer_offsets`.

use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_control::group::{
    GroupCommand, GroupConfig, GroupEffect, GroupEvent, GroupMachine, GroupReply, ResolveRegexes, TopicDeleted,
    TopicsImage, TransactionMarker,
};
use forebay_control::machine::{Machine, ReplyTo};
use forebay_storage::ids::Offset;
use forebay_storage::log::AppendError;

use super::changing_states::ChangingStates;
use super::group_view::Told;
use super::markers::Marker;
use super::metadata::Metadata;
use super::places::{self, Places};
use super::replay::{Replayed, replay};
use super::shard::{Shard, Shared, TimersOf, is_spoken_of};
use super::share_states::ShareStates;
use super::{OFFSETS_TOPIC, internal_topics, share_groups};
use crate::clock;
use crate::partition::{Partition, Partitions};

/// All groups and their committed offsets.
pub struct Groups {
    config: GroupConfig,
    metadata: Arc<Metadata>,
    partitions: Arc<Partitions>,
    share_states: Arc<ShareStates>,
    shared: Arc<Shared<GroupMachine>>,
    places: Places<Place>,
}

/// A shard, and what it has been told of the cluster.
struct Place {
    shard: Arc<Shard<GroupMachine>>,
    told: Told,
    changing_states: ChangingStates,
}

impl places::Place for Place {
    fn partition(&self) -> &Arc<Partition> {
        self.shard.partition()
    }
}

impl Place {
    /// The shard, once it knows the cluster as it is now.
    fn up_to_date(&self, metadata: &Metadata) -> &Shard<GroupMachine> {
        self.told.bring_up_to_date(metadata, |view| {
            self.shard.run(GroupCommand::Topics(view.topics))?;
            self.shard.run(GroupCommand::Overrides(view.overrides))?;
            // That may have to wait for room on the disk; what there is now is known all the same.
            let _ = self.shard.run(GroupCommand::ForgetTopics);
            Ok::<_, AppendError>(())
        });
        &self.shard
    }
}

impl Groups {
    /// Without shards yet; see [`Groups::open`].
    pub fn new(
        config: GroupConfig,
        topic: internal_topics::Settings,
        metadata: Arc<Metadata>,
        partitions: Arc<Partitions>,
        share_states: Arc<ShareStates>,
    ) -> Groups {
        Groups {
            config,
            metadata: metadata.clone(),
            partitions: partitions.clone(),
            share_states,
            shared: Arc::default(),
            places: Places::new(OFFSETS_TOPIC, topic, metadata, partitions),
        }
    }

    /// What share groups have delivered.
    pub(super) fn share_states(&self) -> &ShareStates {
        &self.share_states
    }

    /// Loads the shards that are not loaded and can be, if the topic is there already.
    pub fn load_existing(&self) -> Result<(), ErrorCode> {
        self.places.for_all_made(|number| _ = self.place_at(number))
    }

    /// The number of the partition that holds `group_id`.
    pub fn partition_of(&self, group_id: &str) -> Result<i32, ErrorCode> {
        self.places.number_of(group_id)
    }

    /// The shards that work; makes the topic when it is first needed, as Kafka does.
    pub fn shards(&self) -> Result<impl Iterator<Item = &Shard<GroupMachine>>, ErrorCode> {
        let working = (0..self.places.count()?).filter_map(|number| self.place_at(number));
        Ok(working.map(|place| place.up_to_date(&self.metadata)))
    }

    /// What works of a partition.
    fn place_at(&self, number: usize) -> Option<&Place> {
        self.places.get(number, |number, log| self.load(number, log), |place, timers| place.shard.arm(timers))
    }

    /// `None` if its log cannot be read, which takes only this partition with it (Kafka: CoordinatorRuntime, a context that FAILED).
    fn load(&self, number: usize, partition: Arc<Partition>) -> Option<(Place, TimersOf<GroupMachine>)> {
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
            return None;
        }
        let view = self.metadata.group_view();
        machine.apply(GroupEvent::Topics(view.topics));
        machine.apply(GroupEvent::Overrides(view.overrides));
        let shard = Shard::new(number, machine, partition, self.shared.clone());
        let (timers, settled) = shard.settle_loaded(|machine| machine.on_loaded(clock::now()));
        // What it wants to write now it will want again when it is written to.
        if let Err(error) = settled
            && !is_spoken_of(&error)
        {
            tracing::error!("the group coordinator cannot write after loading: {error}");
        }
        let (shard, told) = (Arc::new(shard), Told::of(view.change));
        Some((Place { shard, told, changing_states: ChangingStates::default() }, timers))
    }

    /// The shard of `group_id`. Kafka: NOT_COORDINATOR where the group's log is offline, so that the client asks for the coordinator
    /// again and learns from that answer that there is none now.
    pub fn shard(&self, group_id: &str) -> Result<&Shard<GroupMachine>, ErrorCode> {
        Ok(self.place(group_id)?.up_to_date(&self.metadata))
    }

    /// Looks at the machine of a group, and tells what was seen when it is committed.
    ///
    /// # Errors
    /// As [`Groups::shard`]; COORDINATOR_NOT_AVAILABLE when it does not come to be committed.
    pub async fn read<R>(&self, group_id: &str, look: impl FnOnce(&GroupMachine) -> R) -> Result<R, ErrorCode> {
        self.shard(group_id)?.read(look).await.map_err(|_| ErrorCode::CoordinatorNotAvailable)
    }

    fn place(&self, group_id: &str) -> Result<&Place, ErrorCode> {
        let number = self.partition_of(group_id)?;
        self.place_at(number as usize).ok_or(ErrorCode::NotCoordinator)
    }

    /// What is held while states of this group's share-partitions begin or end.
    pub(super) fn changing_states(&self, group_id: &str) -> Result<&ChangingStates, ErrorCode> {
        Ok(&self.place(group_id)?.changing_states)
    }

    /// Runs a command on the shard of `group_id` and waits for its reply.
    pub async fn ask(
        &self,
        group_id: &str,
        command: impl FnOnce(ReplyTo) -> GroupCommand,
    ) -> Result<GroupReply, ErrorCode> {
        let place = self.place(group_id)?;
        let reply = place.up_to_date(&self.metadata).ask(command, |effects| self.perform(place, effects)).await;
        reply.map_err(|_| ErrorCode::CoordinatorNotAvailable)
    }

    /// Runs a command that is answered at once.
    pub fn ask_now(
        &self,
        group_id: &str,
        command: impl FnOnce(ReplyTo) -> GroupCommand,
    ) -> Result<GroupReply, ErrorCode> {
        let place = self.place(group_id)?;
        let reply = place.up_to_date(&self.metadata).ask_now(command, |effects| self.perform(place, effects));
        reply.map_err(|_| ErrorCode::CoordinatorNotAvailable)
    }

    /// Ends a producer's transaction in one partition of `__consumer_offsets`: the marker and what it does are one step. Where the marker
    /// ends.
    ///
    /// # Errors
    /// Also where the partition has no coordinator now: a marker behind its back would leave it with offsets that are neither.
    pub(super) fn end_transaction(&self, partition: &Arc<Partition>, marker: Marker) -> Result<Offset, AppendError> {
        let place = self.places.count().ok().and_then(|_| {
            let number = usize::try_from(partition.name().partition).ok()?;
            self.place_at(number)
        });
        let shard = &place.ok_or_else(|| self.partitions.offline(partition.name()))?.shard;
        let append = || marker.append_to(shard.partition()).map(drop);
        let (producer_id, _) = marker.producer;
        let command = GroupCommand::TransactionMarker(TransactionMarker { producer_id, committed: marker.commit });
        shard.run_after(append, command).map(|ran| ran.end)
    }

    /// Forgets the offsets committed for a topic that is gone.
    pub fn topic_deleted(&self, topic: &str) {
        for place in self.places.all_loaded() {
            if let Err(error) = place.shard.run(GroupCommand::TopicDeleted(TopicDeleted { topic: topic.into() })) {
                tracing::error!("cannot remove the offsets of deleted topic {topic}: {error}");
            }
        }
    }

    /// Fires timers until the task is dropped.
    pub async fn drive_timers(self: Arc<Self>) {
        loop {
            for (number, timer) in self.shared.timers.due().await {
                let Some(place) = self.places.loaded(number) else { continue };
                let shard = place.up_to_date(&self.metadata);
                if let Some(ran) = shard.fire(timer) {
                    self.perform(place, ran.effects);
                }
            }
        }
    }

    fn perform(&self, place: &Place, effects: Vec<GroupEffect>) {
        for effect in effects {
            match effect {
                GroupEffect::Log(line) => tracing::info!("{line}"),
                GroupEffect::InitializeShareState(wanted) => {
                    let (shard, changing) = (place.shard.clone(), place.changing_states.clone());
                    let begin = share_groups::initialize(self.share_states.clone(), shard, changing, wanted);
                    // Elsewhere nobody heartbeats; whoever does will ask again.
                    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                        drop(runtime.spawn(begin));
                    }
                }
                GroupEffect::ResolveRegexes(regexes) => {
                    let (shard, topics) = (place.shard.clone(), self.metadata.group_view().topics);
                    let resolve = move || resolve(&shard, &topics, &regexes);
                    // All names of topics are looked at, and nobody waits for what comes out.
                    match tokio::runtime::Handle::try_current() {
                        Ok(runtime) => drop(runtime.spawn_blocking(resolve)),
                        Err(_) => resolve(),
                    }
                }
            }
        }
    }
}

fn resolve(shard: &Shard<GroupMachine>, topics: &TopicsImage, regexes: &ResolveRegexes) {
    let resolved = regexes.resolve(topics.version(), topics.names());
    match shard.run(GroupCommand::RegexesResolved(resolved)) {
        Ok(ran) => ran.effects.into_iter().for_each(|effect| {
            if let GroupEffect::Log(line) = effect {
                tracing::info!("{line}");
            }
        }),
        Err(_) if shard.partition().is_offline() => {}
        Err(error) => tracing::error!("the topics of regular expressions cannot be written: {error}"),
    }
}
