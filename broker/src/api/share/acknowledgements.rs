//! Acknowledgements in ShareAcknowledge and in ShareFetch: what of them makes sense, and what becomes of each partition (Kafka:
//! KafkaApis.handleAcknowledgements, validateAcknowledgementBatches).

use std::collections::BTreeMap;
use std::sync::Arc;

use forebay_control::error_code::ErrorCode;
use forebay_control::share::partition::AcknowledgementBatch;
use forebay_control::share::state::SharePartitionKey;
use forebay_storage::ids::TopicId;
use kafka_protocol::protocol::StrBytes;

use crate::api::convert;
use crate::partition::Partitions;
use crate::share::sessions::{PartitionId, ShareSessionKey};
use crate::share::{Refused, ShareGroups};

/// Kafka: AcknowledgeType.RENEW.
const RENEW: i8 = 4;

/// Acknowledgements of a request, by partition.
pub struct Acknowledgements {
    /// Whose.
    pub member: ShareSessionKey,
    /// By partition.
    pub partitions: Vec<(PartitionId, Vec<AcknowledgementBatch>)>,
    /// Whether the version knows renewals (KIP-1222).
    pub knows_renewals: bool,
    /// Whether the request is for renewals.
    pub is_renew_ack: bool,
}

/// The error code and the message for a partition.
pub type Outcome = (ErrorCode, Option<StrBytes>);
/// What became of each partition.
pub type Outcomes = BTreeMap<PartitionId, Outcome>;

type Waiting = Vec<(PartitionId, tokio::task::JoinHandle<Result<(), Refused>>)>;

impl Acknowledgements {
    /// Takes them. They count when this returns; what is returned becomes ready when they are durable.
    pub fn begin(
        self,
        groups: &Arc<ShareGroups>,
        partitions: &Partitions,
    ) -> impl Future<Output = Outcomes> + Send + 'static {
        let (mut outcomes, mut empty) = (Outcomes::new(), Outcomes::new());
        let mut waiting = Waiting::new();
        let mut any = false;
        for (id, batches) in &self.partitions {
            if let Err(error) = self.check(*id, batches, partitions) {
                outcomes.insert(*id, (error, None));
                continue;
            }
            if batches.is_empty() {
                empty.insert(*id, (ErrorCode::None, None));
                continue;
            }
            any = true;
            let key = SharePartitionKey { group_id: self.member.group_id.clone(), topic_id: id.0, partition: id.1 };
            match groups.acknowledge(&key, &self.member.member_id, batches) {
                Ok(Some(persisting)) => waiting.push((*id, persisting)),
                Ok(None) => drop(outcomes.insert(*id, (ErrorCode::None, None))),
                Err(refused) => drop(outcomes.insert(*id, of(refused))),
            }
        }
        if any {
            // Kafka says nothing of them where there is nothing else.
            outcomes.extend(empty);
        }
        finish(outcomes, waiting)
    }

    fn check(
        &self,
        (topic_id, partition): PartitionId,
        batches: &[AcknowledgementBatch],
        partitions: &Partitions,
    ) -> Result<(), ErrorCode> {
        let Some(topic) = partitions.topic_by_id(topic_id) else { return Err(ErrorCode::UnknownTopicId) };
        self.check_batches(batches)?;
        convert::get(partitions, &topic, partition).map(drop)
    }

    fn check_batches(&self, batches: &[AcknowledgementBatch]) -> Result<(), ErrorCode> {
        let highest = if self.knows_renewals { RENEW } else { RENEW - 1 };
        let mut previous_end = -1;
        for AcknowledgementBatch { first_offset, last_offset, types } in batches {
            let span = i64::try_from(types.len()).unwrap_or(i64::MAX) - 1;
            let is_known = |t: &i8| (0..=highest).contains(t) && (*t != RENEW || self.is_renew_ack);
            let fits = first_offset <= last_offset
                && *first_offset >= previous_end
                && !types.is_empty()
                && (types.len() == 1 || last_offset.checked_sub(*first_offset) == Some(span))
                && types.iter().all(is_known);
            if !fits {
                return Err(ErrorCode::InvalidRequest);
            }
            previous_end = *last_offset;
        }
        Ok(())
    }
}

async fn finish(mut outcomes: Outcomes, waiting: Waiting) -> Outcomes {
    for (id, persisting) in waiting {
        let outcome = match persisting.await {
            Ok(Ok(())) => (ErrorCode::None, None),
            Ok(Err(refused)) => of(refused),
            // The broker stops.
            Err(_) => (ErrorCode::CoordinatorNotAvailable, None),
        };
        outcomes.insert(id, outcome);
    }
    outcomes
}

fn of(refused: Refused) -> Outcome {
    (refused.error, Some(StrBytes::from_string(refused.message)))
}

/// A partition from wire fields.
pub fn partition_id(topic_id: uuid::Uuid, partition: i32) -> PartitionId {
    (TopicId(topic_id), partition)
}

/// Whose request it is, or why it is none. Kafka: a member's id is at most as long as a UUID's text.
pub fn member(group_id: Option<&str>, member_id: Option<&str>) -> Result<ShareSessionKey, ErrorCode> {
    let (Some(group_id), Some(member_id)) = (group_id, member_id) else { return Err(ErrorCode::InvalidRequest) };
    if member_id.is_empty() || member_id.encode_utf16().count() > 36 {
        return Err(ErrorCode::InvalidRequest);
    }
    Ok(ShareSessionKey { group_id: group_id.into(), member_id: member_id.into() })
}
