//! One commit of a task as a transaction: records, offsets, and its end. Nothing of it is waited for without a limit.
//!
//! What only this task reads (changelog, savepoint) goes first: it may be large, and nobody waits for it. From the first record that
//! others can read on, the last stable offset of what is written to stands still for all readers, so from there the commit has
//! [`COMMIT_LIMIT`], and is aborted if it takes longer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use forebay_control::error_code::ErrorCode;
use forebay_control::group::{CommitTransactionalOffsets, GroupCommand, GroupReply, OffsetToCommit};
use forebay_control::transaction::{Command, Reply, TransactionVersion, command};
use forebay_processor::host::{CommitSet, CommittedOffset, HostError, Session};
use forebay_processor::job::is_read_later;
use forebay_storage::batch::{BatchBuilder, BatchStamp};
use forebay_storage::ids::{Offset, Sequence, TopicId, TopicPartition};
use forebay_storage::log::AppendError;

use super::host::{BrokerHost, Open, refused};
use crate::clock;
use crate::coordinator::OFFSETS_TOPIC;
use crate::coordinator::transactions::Producer;
use crate::partition::Partition;
use crate::pending::{block_on_for, carry_through};

/// How soon a commit is to be visible even on a loaded machine with synced acknowledgements.
const COMMIT_TARGET: Duration = Duration::from_millis(500);
/// A commit that takes longer is counted and logged.
pub(super) const COMMIT_ALARM: Duration = COMMIT_TARGET;
/// A commit that is not decided after this is aborted: until then it holds back the last stable offset of all that it writes to.
pub const COMMIT_LIMIT: Duration = Duration::from_millis(10 * 500);
/// A disk writes at least so many bytes of state each second; the time for writing them is beyond [`COMMIT_LIMIT`].
const STATE_BYTES_PER_SECOND: u64 = 8 * 1024 * 1024;
/// Writing state may take so long at most; the coordinator gives the whole transaction a few minutes more.
pub(super) const STATE_LIMIT: Duration = Duration::from_secs(10 * 60);
/// How long an abort is waited for; it goes on after that.
const ABORT_WAIT: Duration = COMMIT_TARGET;

/// What is to be done by some time.
#[derive(Clone, Copy)]
struct Limit {
    began: Instant,
    limit: Duration,
}

impl Limit {
    fn new(limit: Duration) -> Limit {
        Limit { began: clock::instant(), limit }
    }

    fn left(&self) -> Duration {
        self.limit.saturating_sub(self.began.elapsed())
    }

    /// The error when time is up, as `whom` had not done its part.
    fn over(&self, whom: &str) -> HostError {
        HostError::Storage(format!(
            "the commit was given up after {} ms, so that readers of what it writes to do not wait for it: {whom} had not taken it",
            self.began.elapsed().as_millis()
        ))
    }
}

type Batches = Vec<(TopicPartition, BatchBuilder)>;

impl BrokerHost {
    /// Makes a commit visible, all or nothing.
    pub(super) fn transact(&self, session: &Session, open: &mut Open, commit: CommitSet) -> Result<(), HostError> {
        let limit = match self.write(session, open, commit) {
            Ok(limit) => limit,
            // The session ends here: what it wrote is aborted now or, if that fails too, by the next session's opening.
            Err(error) => {
                return Err(match self.end(session, open, false, ABORT_WAIT) {
                    Ok(()) => error,
                    // Whatever it failed for, it is not this session's task any more, and must not be opened again by its old owner.
                    Err(fenced @ HostError::Fenced(_)) => fenced,
                    Err(abort) => {
                        tracing::warn!(id = session.transactional_id, "a failed commit is not aborted yet: {abort}");
                        error
                    }
                });
            }
        };
        self.end(session, open, true, limit.left().max(ABORT_WAIT))?;
        // It is decided, and yet not to be seen everywhere: who runs the task is to know.
        match self.transactions.has_unwritten(&session.transactional_id) {
            true => Err(refused(session, ErrorCode::ConcurrentTransactions)),
            false => Ok(()),
        }
    }

    /// Everything of a commit up to its end; what fails here is aborted by the caller. Returns the time it has for its end.
    fn write(&self, session: &Session, open: &mut Open, commit: CommitSet) -> Result<Limit, HostError> {
        let CommitSet { group, records, offsets } = commit;
        let mut names: Vec<TopicPartition> = records.iter().map(|(name, _)| name.clone()).collect();
        if !offsets.is_empty() {
            let number = self.groups.partition_of(&group).map_err(|e| refused(session, e))?;
            names.push(TopicPartition::new(OFFSETS_TOPIC, number));
        }
        self.begin(session, open, names)?;
        let (own, others): (Batches, Batches) = records.into_iter().partition(|(name, _)| is_read_later(&name.topic));
        let bytes: usize = own.iter().map(|(_, batch)| batch.size_in_bytes()).sum();
        let writing = Duration::from_secs(bytes as u64 / STATE_BYTES_PER_SECOND);
        self.append(open, own, Limit::new((COMMIT_LIMIT + writing).min(STATE_LIMIT)))?;
        let limit = Limit::new(COMMIT_LIMIT);
        self.append(open, others, limit)?;
        self.commit_offsets(session, open, &group, offsets, limit)?;
        Ok(limit)
    }

    /// Makes these partitions part of the transaction.
    fn begin(&self, session: &Session, open: &Open, names: Vec<TopicPartition>) -> Result<(), HostError> {
        let producer =
            Producer { transactional_id: &session.transactional_id, id: open.producer_id, epoch: open.producer_epoch };
        let limit = Limit::new(COMMIT_LIMIT);
        let added = self.transactions.add_partitions(producer, names, TransactionVersion::V0);
        let added = block_on_for(added, limit.left()).ok_or_else(|| limit.over("the transaction coordinator"))?;
        added.map_err(|e| refused(session, e))
    }

    /// Appends the batches, and waits until they are where they must be.
    fn append(&self, open: &mut Open, batches: Batches, limit: Limit) -> Result<(), HostError> {
        let mut written: Vec<(Arc<Partition>, Offset)> = Vec::with_capacity(batches.len());
        for (name, builder) in batches {
            let count = i32::try_from(builder.len()).map_err(|_| HostError::Refused("a batch is too long".into()))?;
            let sequence = open.sequences.entry(name.clone()).or_insert(Sequence(0));
            let stamp = BatchStamp {
                producer_id: open.producer_id,
                producer_epoch: open.producer_epoch,
                base_sequence: *sequence,
                transactional: true,
                ..BatchStamp::default()
            };
            let partition = self.partition(&name)?;
            let outcome =
                partition.append_internal(builder.finish(&stamp), true).map_err(|e| append_refused(&name, &e))?;
            written.push((partition, outcome.last_offset));
            if limit.left().is_zero() {
                return Err(limit.over(&name.to_string()));
            }
            *sequence = sequence.plus(count);
        }
        for (partition, last) in written {
            let committed = block_on_for(partition.committed(Offset(last.0 + 1)), limit.left());
            let name = partition.name();
            let committed = committed.ok_or_else(|| limit.over(&name.to_string()))?;
            committed.map_err(|e| HostError::Storage(format!("{name}: {e}")))?;
        }
        Ok(())
    }

    fn commit_offsets(
        &self,
        session: &Session,
        open: &Open,
        group: &str,
        offsets: Vec<(TopicPartition, CommittedOffset)>,
        limit: Limit,
    ) -> Result<(), HostError> {
        if offsets.is_empty() {
            return Ok(());
        }
        let offsets = offsets
            .into_iter()
            .map(|(partition, position)| OffsetToCommit {
                topic_id: self.metadata.topic_id_of(&partition).unwrap_or(TopicId::ZERO),
                partition,
                offset: position.offset,
                leader_epoch: position.leader_epoch,
                metadata: Some(position.metadata.into()),
            })
            .collect();
        let reply = self.groups.ask(group, |reply_to| {
            GroupCommand::CommitTransactionalOffsets(CommitTransactionalOffsets {
                reply_to,
                group_id: group.into(),
                producer_id: open.producer_id,
                producer_epoch: open.producer_epoch,
                generation: -1,
                member_id: "".into(),
                instance_id: None,
                offsets,
            })
        });
        match block_on_for(reply, limit.left()).ok_or_else(|| limit.over(OFFSETS_TOPIC))? {
            Ok(GroupReply::CommitOffsets(results)) => match results.iter().find(|r| !r.error.is_ok()) {
                None => Ok(()),
                Some(bad) => Err(HostError::Refused(format!(
                    "group {group} refuses the offset of {}: {}; is a consumer using this group?",
                    bad.partition, bad.error
                ))),
            },
            Ok(other) => unreachable!("a commit is answered by {other:?}"),
            Err(error) => Err(refused(session, error)),
        }
    }

    /// Ends the transaction, and waits at most so long. What has been decided is carried through in any case: the next session of this
    /// id opens when it is done.
    fn end(&self, session: &Session, open: &Open, commit: bool, wait: Duration) -> Result<(), HostError> {
        let fresh_producer_id = self.transactions.producer_ids.fresh().map_err(|e| refused(session, e))?;
        let transactions = Arc::clone(&self.transactions);
        let (transactional_id, producer_id) = (session.transactional_id.clone(), open.producer_id);
        let producer_epoch = open.producer_epoch;
        let ending = async move {
            let command = |reply_to| {
                Command::EndTxn(command::EndTxn {
                    reply_to,
                    transactional_id: transactional_id.clone(),
                    producer_id,
                    producer_epoch,
                    commit,
                    // A task cannot send a batch late, so its epoch may stay (see docs/decisions).
                    client_version: TransactionVersion::V0,
                    fresh_producer_id,
                })
            };
            transactions.ask(&transactional_id, command).await
        };
        let limit = Limit::new(wait);
        match carry_through(ending, wait) {
            Some(Ok(Reply::EndTxn { error: ErrorCode::None, .. })) => Ok(()),
            Some(Ok(Reply::EndTxn { error, .. }) | Err(error)) => Err(refused(session, error)),
            Some(Ok(other)) => unreachable!("EndTxn is answered by {other:?}"),
            None => Err(HostError::Storage(format!(
                "the end of the transaction was not written everywhere after {} ms",
                limit.began.elapsed().as_millis()
            ))),
        }
    }
}

/// Why `partition` did not take a batch. What the topic does not take it would not take later either: somebody has to do something.
fn append_refused(partition: &TopicPartition, error: &AppendError) -> HostError {
    let topic = &partition.topic;
    let advice = match error {
        // A disk that comes back, or a producer that begins anew with the next session, may help.
        AppendError::Storage(_)
        | AppendError::OutOfOrderSequence(_)
        | AppendError::InvalidProducerEpoch(_)
        | AppendError::UnknownProducerId(_)
        | AppendError::InvalidTxnState(_)
        | AppendError::TransactionCoordinatorFenced(_) => return HostError::Storage(format!("{partition}: {error}")),
        AppendError::MessageTooLarge(_) => format!("raise max.message.bytes of topic '{topic}'"),
        AppendError::RecordListTooLarge(_) => format!("raise segment.bytes of topic '{topic}'"),
        AppendError::InvalidTimestamp { .. } => {
            format!("raise message.timestamp.before.max.ms or message.timestamp.after.max.ms of topic '{topic}'")
        }
        AppendError::InvalidRecord { .. } => format!(
            "if topic '{topic}' is compacted, give its table a key ('key.fields') or take 'compact' out of cleanup.policy"
        ),
        AppendError::CorruptMessage(_)
        | AppendError::UnsupportedForMessageFormat(_)
        | AppendError::UnsupportedCompressionType(_) => format!("see the settings of topic '{topic}'"),
    };
    HostError::Refused(format!("{partition} does not take the batch: {error}; {advice} and resume the job"))
}
