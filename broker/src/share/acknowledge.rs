//! What members say of their records, and records that come back; each is durable before it is answered (Kafka:
//! SharePartitionManager.acknowledge, releaseSession, SharePartition.writeShareGroupState).

use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_control::share::partition::{AcknowledgementBatch, Change, SharePartition, StateWrite};
use forebay_control::share::state::{SharePartitionKey, WriteState};
use tokio::task::JoinHandle;

use super::load::of_persister;
use super::{Held, ShareGroups};
use crate::clock;

/// Why an acknowledgement is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Kafka's code.
    pub error: ErrorCode,
    /// Kafka's words, where it has some.
    pub message: String,
}

impl Refused {
    fn unknown_partition() -> Refused {
        let message = "This server does not host this topic-partition.".to_owned();
        Refused { error: ErrorCode::UnknownTopicOrPartition, message }
    }
}

/// A change that is on its way to be durable. It goes on should nobody wait for it.
type Persisting = JoinHandle<Result<(), Refused>>;

impl ShareGroups {
    /// Takes a member's acknowledgements of one share-partition, all or none. They count at once; what is returned becomes ready when
    /// they are durable, and is `None` where that is nothing to wait for.
    ///
    /// # Errors
    /// What [`SharePartition::acknowledge`] refuses, and UNKNOWN_TOPIC_OR_PARTITION for what nobody has fetched here.
    pub fn acknowledge(
        self: &Arc<Self>,
        key: &SharePartitionKey,
        member_id: &str,
        batches: &[AcknowledgementBatch],
    ) -> Result<Option<Persisting>, Refused> {
        let held = self.find(key).ok_or_else(Refused::unknown_partition)?;
        let limits = self.limits(&key.group_id);
        self.change(&held, |partition| {
            partition.set_config(limits.partition);
            partition.acknowledge(clock::now(), member_id, batches)
        })
        .ok_or_else(Refused::unknown_partition)?
        .map_err(|refusal| Refused { error: refusal.error, message: refusal.message })
    }

    /// Makes what a member has available to others.
    pub(super) fn release(self: &Arc<Self>, held: &Arc<Held>, member_id: &str) -> Option<Persisting> {
        let released = self.change(held, |partition| Ok::<_, ()>(partition.release(member_id)));
        released.and_then(Result::ok).flatten()
    }

    /// Changes a share-partition, and begins to write what must be durable before anything else can change: writes reach the log in
    /// the order of the changes. `None` if it is not loaded.
    pub(super) fn change<E>(
        self: &Arc<Self>,
        held: &Arc<Held>,
        change: impl FnOnce(&mut SharePartition) -> Result<Change, E>,
    ) -> Option<Result<Option<Persisting>, E>> {
        let changed = held.with(|partition| {
            let Change { write, timers, wake } = change(partition)?;
            Ok((write.map(|write| self.persist(held, write)), timers, wake))
        })?;
        Some(changed.map(|(persisting, timers, wake)| {
            self.watch_locks(held, &timers);
            if wake {
                held.wake();
            }
            persisting
        }))
    }

    fn persist(self: &Arc<Self>, held: &Arc<Held>, write: StateWrite) -> Persisting {
        let id = write.id;
        let written = self.states.begin_write(
            held.key(),
            WriteState {
                state_epoch: write.state_epoch,
                leader_epoch: write.leader_epoch,
                start_offset: write.start_offset,
                delivery_complete_count: write.delivery_complete_count,
                batches: write.batches,
            },
        );
        let (groups, held) = (self.clone(), held.clone());
        tokio::spawn(async move {
            let written = match written {
                Ok(written) => written.await,
                Err(error) => Err(error),
            };
            let now = clock::now();
            if held.with(|partition| partition.write_done(now, id, written.is_ok())) == Some(true) {
                held.wake();
            }
            let refused = written
                .err()
                .map(|refused| Refused { error: of_persister(refused.error), message: refused.message.to_owned() });
            if let Some(refused) = &refused
                && ends_share_partition(refused.error)
            {
                groups.forget(&held);
            }
            refused.map_or(Ok(()), Err)
        })
    }
}

/// Whether nothing more can come of a share-partition as it was loaded (Kafka: fencedSharePartitionHandler). An unknown error is that of
/// a state that is not there any more: Kafka keeps what it has loaded then, and can never write it again.
fn ends_share_partition(error: ErrorCode) -> bool {
    matches!(
        error,
        ErrorCode::NotLeaderOrFollower
            | ErrorCode::FencedStateEpoch
            | ErrorCode::GroupIdNotFound
            | ErrorCode::UnknownTopicOrPartition
            | ErrorCode::UnknownServerError
    )
}
