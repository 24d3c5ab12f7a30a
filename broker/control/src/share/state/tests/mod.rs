//! What Kafka's ShareCoordinatorShard and PersisterStateBatchCombiner do, as their sources have it.

mod combining;
mod machine;
mod records;

use std::sync::Arc;

use forebay_storage::ids::{Timestamp, TopicId};
use uuid::Uuid;

use super::*;
use crate::error_code::ErrorCode;
use crate::group::{TopicInfo, TopicsImage};
use crate::machine::{Event, Machine, ReplyTo};
use crate::share::partition::StateBatch;

const TOPIC: TopicId = TopicId(Uuid::from_u128(0x0123_4567_89ab_cdef_7edc_ba98_7654_3210));

fn key() -> SharePartitionKey {
    SharePartitionKey { group_id: "g1".into(), topic_id: TOPIC, partition: 3 }
}

fn batch(first_offset: i64, last_offset: i64, delivery_state: i8, delivery_count: i16) -> StateBatch {
    StateBatch { first_offset, last_offset, delivery_state, delivery_count }
}
