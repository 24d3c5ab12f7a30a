//! The transaction coordinator: one shard for each partition of `__transaction_state`.

use std::collections::VecDeque;
use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_control::machine::{Machine, ReplyTo};
use forebay_control::transaction::{
    Command, Effect, Event, Reply, TransactionConfig, TransactionMachine, TransactionVersion, WriteMarkers, command,
};
use forebay_storage::ids::{ProducerEpoch, ProducerId, TopicPartition};
use tokio::task::JoinSet;

use super::groups::Groups;
use super::markers::Unwritten;
use super::metadata::Metadata;
use super::places::Places;
use super::producer_ids::ProducerIds;
use super::replay::{Replayed, replay};
use super::shard::{Outcome, Ran, Shard, Shared, TimersOf, is_spoken_of};
use super::{TRANSACTIONS_TOPIC, internal_topics};
use crate::clock;
use crate::partition::{Partition, Partitions};
use crate::pending::block_on;

/// What a shard wants right after its replay.
type Loaded = (TimersOf<TransactionMachine>, Outcome<TransactionMachine>);

/// All transactional ids.
pub struct Transactions {
    config: TransactionConfig,
    metadata: Arc<Metadata>,
    pub(super) partitions: Arc<Partitions>,
    pub(super) groups: Arc<Groups>,
    /// Where producer ids come from.
    pub producer_ids: ProducerIds,
    shared: Arc<Shared<TransactionMachine>>,
    shards: Places<Shard<TransactionMachine>>,
    pub(super) unwritten: Unwritten,
}

impl Transactions {
    /// Without shards yet; see [`Transactions::load_existing`].
    pub fn new(
        config: TransactionConfig,
        topic: internal_topics::Settings,
        metadata: Arc<Metadata>,
        partitions: Arc<Partitions>,
        groups: Arc<Groups>,
    ) -> Transactions {
        Transactions {
            config,
            producer_ids: ProducerIds::new(metadata.clone()),
            metadata: metadata.clone(),
            partitions: partitions.clone(),
            groups,
            shared: Arc::default(),
            shards: Places::new(TRANSACTIONS_TOPIC, topic, metadata, partitions),
            unwritten: Unwritten::default(),
        }
    }

    /// Loads the shards that are not loaded and can be, if the topic is there already: transactions that a crash left half ended are ended
    /// now.
    pub fn load_existing(&self) -> Result<(), ErrorCode> {
        self.shards.for_all_made(|number| _ = self.shard_at(number))
    }

    /// The number of the partition that holds `transactional_id`.
    pub fn partition_of(&self, transactional_id: &str) -> Result<i32, ErrorCode> {
        self.shards.number_of(transactional_id)
    }

    /// The shards that work; makes the topic when it is first needed, as Kafka does.
    pub fn shards(&self) -> Result<impl Iterator<Item = &Shard<TransactionMachine>>, ErrorCode> {
        Ok((0..self.shards.count()?).filter_map(|number| self.shard_at(number)))
    }

    /// What works of a partition.
    fn shard_at(&self, number: usize) -> Option<&Shard<TransactionMachine>> {
        self.shards.get(
            number,
            |number, log| self.load(number, log),
            |shard, (timers, ended)| {
                shard.arm(timers);
                // That writes nothing by itself.
                if let Ok(ran) = ended {
                    block_on(self.perform(shard, ran));
                }
            },
        )
    }

    /// `None` if its log cannot be read, which takes only this partition with it (Kafka: CoordinatorRuntime, a context that FAILED). What is
    /// to be ended is found before anybody else can decide to end something.
    fn load(&self, number: usize, partition: Arc<Partition>) -> Option<(Shard<TransactionMachine>, Loaded)> {
        let mut machine = TransactionMachine::new(self.config.clone(), partition.leader_epoch().0);
        let replayed = replay(&partition, |item| {
            if let Replayed::Record { key, value, .. } = item {
                match Event::from_record(&key.unwrap_or_default(), value.as_deref()) {
                    Ok(event) => machine.apply(event),
                    // As Kafka: a record of a later version is nothing that this version can act on.
                    Err(error) => tracing::warn!(partition = %partition.name(), "a record is skipped: {error}"),
                }
            }
            Ok(())
        });
        if let Err(error) = replayed {
            tracing::error!("the transaction coordinator cannot load: {error}");
            return None;
        }
        let shard = Shard::new(number, machine, partition, self.shared.clone());
        let loaded = shard.settle_loaded(|machine| machine.on_loaded(clock::now()));
        Some((shard, loaded))
    }

    /// The shard of `transactional_id`; NOT_COORDINATOR where its log is offline.
    pub fn shard(&self, transactional_id: &str) -> Result<&Shard<TransactionMachine>, ErrorCode> {
        let number = self.partition_of(transactional_id)?;
        self.shard_at(number as usize).ok_or(ErrorCode::NotCoordinator)
    }

    /// Runs a command on the shard of `transactional_id`; markers that it asks for are written before this returns.
    pub async fn ask(
        &self,
        transactional_id: &str,
        command: impl FnOnce(ReplyTo) -> Command,
    ) -> Result<Reply, ErrorCode> {
        let shard = self.shard(transactional_id)?;
        let unavailable = |_| ErrorCode::CoordinatorNotAvailable;
        let mut begun = shard.begin(command).map_err(unavailable)?;
        let ran = Ran { effects: std::mem::take(&mut begun.ran.effects), end: begun.ran.end };
        self.perform(shard, ran).await;
        begun.reply().await.map_err(unavailable)
    }

    /// Does what the machine wants done, and what follows from that; each step when the one before is committed, so that no marker
    /// says what the transaction's own log may forget.
    pub(super) async fn perform(&self, shard: &Shard<TransactionMachine>, ran: Ran<Effect>) {
        let mut end = ran.end;
        let mut queue: VecDeque<Effect> = ran.effects.into();
        while let Some(effect) = queue.pop_front() {
            if shard.committed(end).await.is_err() {
                queue.push_front(effect);
                return abandon(shard, queue);
            }
            let more = match effect {
                Effect::WriteMarkers(markers) => self.end_transaction(shard, markers).await,
                Effect::Again(command) => again(shard, *command),
            };
            // What follows from an effect comes before the effects after it.
            if let Some(more) = more {
                end = more.end;
                more.effects.into_iter().rev().for_each(|effect| queue.push_front(effect));
            }
        }
    }

    /// Writes a transaction's markers and notes that they are written. What cannot be done now is done later; `None` then.
    async fn end_transaction(&self, shard: &Shard<TransactionMachine>, markers: WriteMarkers) -> Option<Ran<Effect>> {
        let markers = self.write_markers(markers).await?;
        match shard.run(markers.written()) {
            Ok(ran) => {
                self.unwritten.remove(&markers.transactional_id);
                Some(ran)
            }
            Err(error) => {
                self.write_later(WriteMarkers { partitions: Vec::new(), ..markers }, &error);
                None
            }
        }
    }

    /// Fires timers until the task is dropped.
    pub async fn drive_timers(self: Arc<Self>) {
        let mut ending = JoinSet::new();
        loop {
            while ending.try_join_next().is_some() {}
            for (number, timer) in self.shared.timers.due().await {
                let Some(ran) = self.shards.loaded(number).and_then(|shard| shard.fire(timer)) else { continue };
                if ran.effects.is_empty() {
                    continue;
                }
                let all = Arc::clone(&self);
                // Other timers do not wait for the disks of this one's markers.
                ending.spawn(async move {
                    if let Some(shard) = all.shards.loaded(number) {
                        all.perform(shard, ran).await;
                    }
                });
            }
        }
    }
}

/// Brings a command once more. Nobody waits any longer for the answer to one that cannot be decided.
fn again(shard: &Shard<TransactionMachine>, command: Command) -> Option<Ran<Effect>> {
    let reply_to = command.reply_to();
    let ran = shard.run(command);
    if let Err(error) = &ran {
        reply_to.into_iter().for_each(|asker| shard.abandon(asker));
        // A disk that is full or has failed has been spoken of, once.
        if !is_spoken_of(error) {
            tracing::error!(partition = %shard.partition().name(), "cannot write the transaction log: {error}");
        }
    }
    ran.ok()
}

/// Gives up those who wait for what is not done any more.
fn abandon(shard: &Shard<TransactionMachine>, effects: impl IntoIterator<Item = Effect>) {
    for effect in effects {
        if let Effect::Again(command) = effect
            && let Some(asker) = command.reply_to()
        {
            shard.abandon(asker);
        }
    }
}

/// Who asks on behalf of a transaction.
#[derive(Clone, Copy, Debug)]
pub struct Producer<'a> {
    /// The transactional id.
    pub transactional_id: &'a str,
    /// The producer's id.
    pub id: ProducerId,
    /// The producer's epoch.
    pub epoch: ProducerEpoch,
}

impl Transactions {
    /// Whether transactions of that protocol are to be had.
    ///
    /// # Errors
    /// UNSUPPORTED_VERSION for the newer one in a cluster whose `transaction.version` is 0. (Kafka's coordinator finds that when it writes,
    /// and answers CONCURRENT_TRANSACTIONS from then on.)
    pub fn check_version(&self, client_version: TransactionVersion) -> Result<(), ErrorCode> {
        let is_old = !client_version.bumps_epoch();
        if is_old || self.metadata.features().has_new_transactions() {
            Ok(())
        } else {
            Err(ErrorCode::UnsupportedVersion)
        }
    }

    /// Makes partitions part of the producer's transaction. The partitions must exist.
    pub async fn add_partitions(
        &self,
        producer: Producer<'_>,
        partitions: Vec<TopicPartition>,
        client_version: TransactionVersion,
    ) -> Result<(), ErrorCode> {
        self.check_version(client_version)?;
        let command = |reply_to| {
            Command::AddPartitions(command::AddPartitions {
                reply_to,
                transactional_id: producer.transactional_id.to_owned(),
                producer_id: producer.id,
                producer_epoch: producer.epoch,
                partitions,
                client_version,
            })
        };
        match self.ask(producer.transactional_id, command).await? {
            Reply::AddPartitions { error: ErrorCode::None } => Ok(()),
            Reply::AddPartitions { error } => Err(error),
            other => unreachable!("an addition is answered by {other:?}"),
        }
    }

    /// Checks that a partition is part of the producer's open transaction (KIP-890).
    pub fn verify(&self, producer: Producer<'_>, partition: &TopicPartition) -> Result<(), ErrorCode> {
        let shard = self.shard(producer.transactional_id)?;
        let error = shard.query(|machine| {
            machine.verify_partition(producer.transactional_id, producer.id, producer.epoch, partition)
        });
        if error.is_ok() { Ok(()) } else { Err(error) }
    }
}
