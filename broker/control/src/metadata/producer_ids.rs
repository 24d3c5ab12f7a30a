//! Blocks of producer ids (Kafka: ProducerIdControlManager; KIP-730).

use forebay_storage::ids::{BrokerId, ProducerId};

use super::machine::{Decision, MetadataMachine, answered};
use super::record::{Event, ProducerIdsRecord};
use super::reply::Reply;
use crate::error_code::ErrorCode;
use crate::machine::ReplyTo;

/// Ids in a block (Kafka: ProducerIdsBlock.PRODUCER_ID_BLOCK_SIZE).
pub const PRODUCER_ID_BLOCK_SIZE: i32 = 1000;

impl MetadataMachine {
    pub(super) fn allocate_producer_ids(&self, reply_to: ReplyTo, broker: BrokerId) -> Decision {
        let first = self.next_producer_id;
        let Some(next) = first.0.checked_add(i64::from(PRODUCER_ID_BLOCK_SIZE)) else {
            let reply = Reply::ProducerIds { error: ErrorCode::UnknownServerError, first: ProducerId::NONE, count: 0 };
            return answered(reply_to, reply);
        };
        let record = ProducerIdsRecord {
            broker,
            broker_epoch: self.brokers.get(&broker).map_or(-1, |info| info.epoch),
            next_producer_id: ProducerId(next),
        };
        let reply = Reply::ProducerIds { error: ErrorCode::None, first, count: PRODUCER_ID_BLOCK_SIZE };
        Decision { events: vec![Event::ProducerIds(record)], replies: vec![(reply_to, reply)], ..Decision::default() }
    }
}
